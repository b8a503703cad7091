// Package pcapgen makes the small capture files that the tests of wssniff
// read, and states beside each one what a correct analysis of it must find.
//
// A case is a short script over a Capture: connections are dialled, bytes are
// sent, segments are lost, repeated or reordered, and every verb returns the
// number of the frame it wrote, so that the truth names frames by
// construction and not by looking at the result. Nothing depends on the
// clock or on a random source: the same code gives the same bytes. A corpus is
// drawn at random from its seed, and from nothing else.
//
// What carries the TCP segments is a path of layers, outermost first: the link
// layer, tags and labels, tunnels, fragments. A layer takes the packet that the
// next one further in has made. Carriers are cases that take the same packets
// along different paths.
//
// The files live in testdata/pcaps/generated and are rewritten with
//
//	go test ./internal/pcapgen -run TestGenerated -update
package pcapgen
