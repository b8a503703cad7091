package main

import (
	"io"
	"time"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/evidence"
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
	keyJunk     int64 // lines of key logs that are not understood
	keysDropped int64 // secrets that there was no room for
	kept        evidence.Stats
	first, last flow.Stamp // the packet with the earliest time, and the last packet
	waits       time.Time  // since when no packet came; zero: it does not wait
	elapsed     time.Duration
	enough      bool // it ended because no more was wanted
}

// A reader is what a capture is read with. Parts that are nil are left out.
type reader struct {
	limits   *limits
	pass     *packetFilter
	enough   until
	keys     *keyring
	complain func(error) // of inputs that cannot be read, one error each
	watch    *progress
	tell     *teller  // is told of attempts as they are decided; then the reading has none
	seen     *witness // if it knew before what failed, it gets those packets, and there is no result
	show     *view
	meter    *meter
}

// read analyses the packets of a source that pass, until there are enough, and what
// is inside TLS as far as there are keys.
func (rd *reader) read(src source) *reading {
	started := time.Now()
	a := analyze.New(rd.limits.analyze())
	a.ConnectFailures = rd.limits.failures
	rd.keys.serve(a)
	cfg := rd.limits.reassembly()
	cfg.Datagram, cfg.Refused, cfg.Foresee = a.Datagram, a.Refused, a.Foresee
	r := &reading{}
	var p capture.Packet // outside the loop: one for all, not one for each
	asm := reassembly.New(rd.seen.attend(a, cfg, &p), cfg)
	rd.tell.follow(a, asm, src, r)
	passed, bounded := 0, rd.enough != until{}
	var mem memory
	for !rd.tell.isMute() {
		rd.meter.step(src, asm, a)
		err := src.Next(&p)
		if err == io.EOF {
			break
		}
		if err == capture.ErrIdle {
			now := r.idle()
			rd.keys.poll(now)
			rd.seen.tick(now)
			rd.tell.idle(now)
			rd.show.look(src, asm, nil)
			continue
		}
		if err != nil {
			rd.complain(err)
			continue
		}
		rd.watch.step()
		rd.keys.poll(p.Time)
		r.span(&p)
		mem.packet(p.Num)
		rd.seen.tick(p.Time)
		ok, err := rd.pass.match(&p)
		if err != nil {
			rd.complain(err)
		}
		if ok {
			asm.Packet(&p)
			passed++
		}
		rd.tell.packet(r.last)
		rd.show.look(src, asm, &p)
		if bounded && rd.enough.reached(r, passed, a.Decided()) {
			r.enough = true
			break
		}
	}
	rd.watch.end()
	rd.keys.readOn()
	rd.show.end(src, asm)
	asm.Finish()
	r.capture, r.streams = src.Stats(), asm.Stats()
	r.keyJunk, r.keysDropped = rd.keys.junk(), rd.keys.dropped()
	rd.seen.tick(r.end().Time)
	if rd.seen.knew() {
		return r
	}
	rd.tell.end(r.end())
	asm = nil // the connections are half of all memory
	mem.dropped()
	r.result = a.Finish(r.end(), r.capture.Drops)
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
	r.last, r.waits = flow.Stamp{Frame: p.Num, Time: p.Time}, time.Time{}
	if !r.first.Seen() || p.Time < r.first.Time {
		r.first = r.last
	}
}

// idle returns the time of the capture where no packets come: that of the last one,
// and what has passed since it was found that there is no other. The clock may say
// something else, if the capture is an old one.
func (r *reading) idle() int64 {
	if r.waits.IsZero() {
		r.waits = time.Now()
	}
	return r.last.Time + time.Since(r.waits).Nanoseconds()
}

// end is the last packet, at the time at which the capture ended: what was silent
// from its last packet on to then was silent.
func (r *reading) end() flow.Stamp {
	last := r.last
	if last.Seen() {
		last.Time = max(last.Time, r.capture.End)
	}
	return last
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
		Refused:      r.streams.Refused,
		Unanswered:   r.streams.Unanswered,
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
