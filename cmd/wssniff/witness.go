package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/evidence"
	"github.com/wssniff/wssniff/reassembly"
	"github.com/wssniff/wssniff/reassembly/flow"
	"github.com/wssniff/wssniff/report"
)

// A witness keeps the packets of connections until it is known what failed, and has
// those written. A nil one keeps nothing.
//
// Attempts are told to decided when they are; settle writes what failed among them.
// Of files that can be read twice, everything is decided before the witness sees
// the first packet (judge): then nothing is kept.
type witness struct {
	writer *evidence.Writer
	keeper *evidence.Keeper
	a      *analyze.Analyzer
	packet *capture.Packet // the one at hand
	cases  cases
	files  []string // that are read once more when all is decided; nil: packets are kept
	knows  bool     // what failed, before the first packet
}

// What a witness notes in the Mark of a connection.
const (
	unmarked = iota
	followed
	ending // of its packets those that end it
	dull   // nothing more
)

// attend makes the witness see what is read: it returns the sink of the reassembler
// to be, and sets what else of its configuration tells of packets. p is where each
// packet will be.
func (w *witness) attend(a *analyze.Analyzer, cfg *reassembly.Config, p *capture.Packet) func(*flow.Chunk) flow.Want {
	if w == nil {
		return a.Chunk
	}
	w.a, w.packet = a, p
	cfg.Sighted = w.sighted
	cfg.Datagram = func(d flow.Datagram) {
		a.Datagram(d)
		w.keeper.Datagram(w.packet)
	}
	cfg.Refused = func(e *flow.Evidence) {
		a.Refused(e)
		w.keeper.Over(int64(e.ID))
	}
	return w.chunk
}

// tick tells the time: of a packet that comes, or when the capture ended. Zero is none.
func (w *witness) tick(now int64) {
	if w != nil && now != 0 {
		w.writer.Tick(now)
	}
}

// chunk hands a chunk on, and takes note when a connection is over.
func (w *witness) chunk(c *flow.Chunk) flow.Want {
	if c.Evidence == nil {
		return w.a.Chunk(c)
	}
	id, concerns := int64(c.Evidence.ID), w.a.Concerns(c.Conn)
	want := w.a.Chunk(c)
	if !concerns {
		w.keeper.Forget(id)
	}
	w.keeper.Over(id)
	return want
}

// sighted takes a packet of a connection. What is not HTTP or TLS costs nothing from
// when that is known.
func (w *witness) sighted(s *flow.Sighting) {
	if s.Conn == nil {
		w.keeper.Fragment(w.packet)
		return
	}
	mark, quiet := &s.Conn.Mark, !s.Closes && (!s.Wanted || s.Skips)
	if *mark == dull || *mark == ending && quiet {
		return
	}
	if !s.Wanted && !w.a.Concerns(s.Conn) && w.keeper.Forget(int64(s.ID)) {
		*mark = dull
		return
	}
	want := w.keeper.Packet(&evidence.Sight{
		Conn: int64(s.ID), Parts: s.Parts, New: *mark == unmarked, Idle: !s.Opened || !s.Wanted, Quiet: quiet,
	}, w.packet)
	switch {
	case want == evidence.None:
		*mark = dull
	case want == evidence.Ends && !s.Wanted: // else what is skipped has an end
		*mark = ending
	default:
		*mark = followed
	}
}

// decided takes an attempt with its verdict, of which it keeps nothing. Selected: it
// is to be told of.
func (w *witness) decided(t *analyze.Attempt, selected bool, opt *report.Options) {
	switch {
	case selected && isEvidence(t):
		w.cases.add(t, opt)
	case t.OnlyTLS() || t.Switched() && t.H2 == nil: // there is no other attempt on the connection
		w.keeper.Release(int64(t.Conn.ID))
	}
}

// told takes an attempt that is told of while the capture goes on: as long as a
// WebSocket is open, something may go wrong with it.
func (w *witness) told(t *analyze.Attempt, selected bool, opt *report.Options) {
	if w != nil && (t.Close.How != analyze.StillOpen || isEvidence(t)) {
		w.decided(t, selected, opt)
	}
}

// settleNow settles while the capture goes on, unless it is to be read again.
func (w *witness) settleNow() {
	if w != nil && w.files == nil {
		w.settle()
	}
}

// settle writes what failed among the attempts that were decided since the last
// time: connection by connection, in the order of their first packets.
func (w *witness) settle() {
	for _, id := range slices.Sorted(maps.Keys(w.cases.conns)) {
		if w.cases.conns[id] {
			w.keeper.Keep(id, w.cases.comments)
		} else {
			w.keeper.KeepToo(id)
		}
	}
	for _, frame := range slices.Sorted(maps.Keys(w.cases.comments)) {
		if w.cases.comments[frame] == nil {
			w.keeper.KeepDatagram(frame)
		}
	}
	w.cases = cases{left: w.cases.left}
}

// atOnce is the witness for the first reading: none if there is another.
func (w *witness) atOnce() *witness {
	if w == nil || w.files != nil {
		return nil
	}
	return w
}

// judge decides all attempts of a reading that were not told before.
func (w *witness) judge(r *reading, opt *report.Options) {
	if w == nil {
		return
	}
	for t := range r.result.Attempts.All() {
		w.decided(t, true, opt)
	}
	if w.files == nil {
		w.settle()
		r.kept = w.writer.Stats()
		return
	}
	w.knows = true
	w.keeper.Expect(w.cases.conns, w.cases.comments)
}

// wantsMore reports whether something is to be written of what has to be read again.
func (w *witness) wantsMore() bool { return w.knew() && len(w.cases.conns) > 0 }

// knew reports whether all is known before the first packet.
func (w *witness) knew() bool { return w != nil && w.knows }

// discard leaves no file, as nothing was read.
func (w *witness) discard() {
	if w != nil {
		w.writer.Discard()
	}
}

// close ends the writing, and says what is missing.
func (w *witness) close() error {
	if w == nil {
		return nil
	}
	w.keeper.Close()
	err := w.writer.Close()
	s := w.writer.Stats()
	switch {
	case err != nil:
		return err
	case s.LostDisk > 0:
		return fmt.Errorf("%d packets of what failed could not be written", s.LostDisk)
	case w.cases.left > 0:
		return fmt.Errorf("%d attempts failed beyond the first %d connections, and were not written", w.cases.left, maxCases)
	}
	return nil
}

// maxCases is how many connections are known at once to be written.
const maxCases = 1 << 17

// Cases are connections that are to be written.
type cases struct {
	conns    map[int64]bool   // true: it failed; false: the verdict on one that failed rests on it
	comments map[int][]string // by frame; nil: a datagram that is to be written
	left     int              // attempts that there was no room for
}

func (c *cases) add(t *analyze.Attempt, opt *report.Options) {
	if len(c.conns) >= maxCases || len(c.comments) >= 2*maxCases {
		c.left++
		return
	}
	if c.conns == nil {
		c.conns, c.comments = map[int64]bool{}, map[int][]string{}
	}
	c.conns[int64(t.Conn.ID)] = true
	comment := report.CommentOn(t, opt)
	for _, frame := range comment.Frames {
		c.comments[frame] = append(c.comments[frame], comment.Text)
	}
	basis := t.Basis()
	for _, id := range basis.Streams {
		if _, ok := c.conns[int64(id)]; !ok {
			c.conns[int64(id)] = false
		}
	}
	for _, frame := range basis.Frames {
		if _, ok := c.comments[frame]; !ok {
			c.comments[frame] = nil
		}
	}
}

// isEvidence reports whether an attempt is evidence of something wrong: its verdict is a
// failure, or it has a finding of severity error. A redirect is none if it led to a
// WebSocket, or nobody knows where.
func isEvidence(t *analyze.Attempt) bool {
	if s, any := t.Severity(); any && s == analyze.Error {
		return true
	}
	if t.Verdict == analyze.Redirected && t.Redirect != nil {
		opened, known := t.Redirect.Chain.Outcome()
		return known && !opened
	}
	return t.Verdict.Failed()
}
