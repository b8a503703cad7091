package main

import (
	"io"
	"time"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly"
	"github.com/wssniff/wssniff/reassembly/flow"
	"github.com/wssniff/wssniff/report"
)

// A reading is what was found in a capture and what it was found in.
type reading struct {
	result      *analyze.Result
	whole       *analyze.Result // what result was selected from; nil: it is everything
	capture     capture.Stats
	streams     reassembly.Stats
	keyJunk     int64      // lines of key logs that are not understood
	keysDropped int64      // secrets that there was no room for
	first, last flow.Stamp // the packet with the earliest time, and the last packet
	elapsed     time.Duration
}

// read analyses the packets of a source that pass, until there are enough, and what
// is inside TLS as far as there are keys. What the source says of inputs that it
// cannot read goes to complain, one error each.
func read(src source, pass *packetFilter, l *limits, enough *until, keys *keyring, complain func(error), watch *progress) *reading {
	started := time.Now()
	a := analyze.New(l.analyze())
	a.ConnectFailures = l.failures
	keys.serve(a)
	cfg := l.reassembly()
	cfg.Datagram, cfg.Refused = a.Datagram, a.Refused
	asm := reassembly.New(a.Chunk, cfg)
	r := &reading{}
	passed, bounded := 0, *enough != until{}
	var mem memory
	var p capture.Packet // outside the loop: one for all, not one for each
	for {
		err := src.Next(&p)
		if err == io.EOF {
			break
		}
		if err != nil {
			complain(err)
			continue
		}
		watch.step()
		keys.poll(p.Time)
		r.span(&p)
		mem.packet(p.Num)
		ok, err := pass.match(&p)
		if err != nil {
			complain(err)
		}
		if ok {
			asm.Packet(&p)
			passed++
		}
		if bounded && enough.reached(r, passed, a.Decided()) {
			break
		}
	}
	watch.end()
	asm.Finish()
	r.capture, r.streams = src.Stats(), asm.Stats()
	r.keyJunk, r.keysDropped = keys.junk(), keys.dropped()
	asm = nil // the connections are half of all memory
	mem.dropped()
	r.result = a.Finish(r.last, r.capture.Drops)
	r.elapsed = time.Since(started)
	return r
}

// span keeps the first and the last packet. Packets without a time do not count.
// The last is that of the capture's order: one packet dated far ahead must not
// make all silence long.
func (r *reading) span(p *capture.Packet) {
	if p.Time == 0 {
		return
	}
	r.last = flow.Stamp{Frame: p.Num, Time: p.Time}
	if !r.first.Seen() || p.Time < r.first.Time {
		r.first = r.last
	}
}

// narrow leaves of the result what is selected.
func (r *reading) narrow(s *selection) {
	in := span{first: at(r.first), last: at(r.last)}
	if r.result.Attempts.Len() > 0 {
		in.attempt = at(r.result.Attempts.At(0).Start())
	}
	r.result, r.whole = s.from(r.result, in), r.result
}

// input is the reading as the report wants it. The time it took is told to a
// terminal only: what goes into files is to be the same each time.
func (r *reading) input(terminal bool) *report.Input {
	in := &report.Input{Result: r.result, Whole: r.whole, Capture: report.CaptureStats{
		Packets:      r.capture.Packets,
		Bytes:        r.capture.Bytes,
		First:        at(r.first),
		Last:         at(r.last),
		Conns:        r.streams.Conns,
		Segments:     r.streams.Segments,
		TLSConns:     r.result.TLSConns,
		Inputs:       r.capture.Inputs,
		MidStream:    r.streams.MidStream,
		UnknownLinks: int(count(r.streams.UnknownLinks)),
		Gaps:         r.gaps(),
	}}
	if terminal {
		in.Capture.Elapsed = r.elapsed
	}
	return in
}

func at(s flow.Stamp) time.Time {
	if !s.Seen() {
		return time.Time{}
	}
	return time.Unix(0, s.Time).UTC()
}
