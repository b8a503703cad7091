package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly"
	"github.com/wssniff/wssniff/reassembly/flow"
	"github.com/wssniff/wssniff/report"
)

// A teller has attempts decided and printed while packets come. A nil one has them
// decided at the end.
type teller struct {
	live     *report.Live
	opt      *report.Options
	selected *selection // nil: all are
	least    analyze.Severity
	fails    bool  // --fail-on was given
	every    int64 // how often attempts are decided, in the time of the capture
	seen     *witness
	show     *view
	meter    *meter
	stderr   io.Writer
	reopen   func() error   // opens the output anew; nil: it is no file
	asked    chan os.Signal // what is asked for meanwhile

	a       *analyze.Analyzer
	asm     *reassembly.Reassembler
	src     source
	reading *reading
	latest  flow.Stamp // packet
	last    int64      // when attempts were decided last
	found   bool       // something that --fail-on names
	err     error      // the first of printing
}

// tells reports whether attempts are printed as they are decided: live, or if it is
// asked for. What needs the whole capture comes at the end all the same.
func (o *options) tells() bool {
	live := o.live.iface != "" || o.follow || slices.ContainsFunc(o.inputs, capture.IsRemote)
	return (live || o.impatient() != "") && o.wholeFor() == ""
}

// impatient names what cannot wait for the whole capture, "" if nothing is asked for
// that cannot.
func (o *options) impatient() string {
	switch {
	case o.lineBuffered:
		return "--line-buffered"
	case o.top:
		return "--top"
	case o.metrics != "":
		return "--metrics"
	}
	return ""
}

// wholeFor names what needs the whole capture, "" if nothing does.
func (o *options) wholeFor() string {
	s := &o.selection
	switch {
	case o.format == "markdown":
		return "--format markdown"
	case s.devices.given():
		return "--device"
	case s.since.from != noMoment || s.until.from != noMoment:
		return "--since and --until"
	}
	return ""
}

// newTeller returns one that prints on w. If there is a screen, that shows attempts in
// place of a table.
func (o *options) newTeller(w, stderr io.Writer, seen *witness, show *view, meter *meter) *teller {
	t := &teller{opt: o.reportOptions(w), every: tellEvery, seen: seen, show: show, meter: meter, stderr: stderr, asked: make(chan os.Signal, 1)}
	t.live = report.NewLive(w, o.format, t.opt)
	if show != nil && o.format == "table" {
		t.live.Silence(w)
	}
	if f, ok := w.(*outputFile); ok {
		t.reopen = f.reopen
	}
	if o.selection.given {
		t.selected = &o.selection
	}
	t.least, t.fails = severities[o.failOn], o.failOn != ""
	return t
}

// tellEvery is how often attempts are decided.
const tellEvery = int64(time.Second)

// follow begins to tell what an analyser finds.
func (t *teller) follow(a *analyze.Analyzer, asm *reassembly.Reassembler, src source, r *reading) {
	if t == nil {
		return
	}
	t.a, t.asm, t.src, t.reading = a, asm, src, r
	a.Watch(asm.Evidence)
}

// isMute reports whether nothing can be told any more.
func (t *teller) isMute() bool { return t != nil && t.err != nil }

// packet takes the stamp of the latest packet.
func (t *teller) packet(at flow.Stamp) {
	if t != nil && at.Seen() {
		t.pass(at)
	}
}

func (t *teller) pass(at flow.Stamp) {
	t.latest = at
	if since := at.Time - t.last; since >= t.every || since < 0 {
		t.decide(at.Time, false)
	}
}

// idle takes the time of the capture where no packets come.
func (t *teller) idle(now int64) {
	if t != nil && now-t.last >= t.every {
		t.asm.Tick(now)
		t.decide(now, false)
	}
}

// end tells what is left when the capture is over.
func (t *teller) end(last flow.Stamp) {
	if t != nil {
		t.latest = last
		t.decide(max(last.Time, t.last), true)
		t.asm = nil
	}
}

func (t *teller) decide(now int64, all bool) {
	t.answer()
	t.last = now
	t.a.Decide(flow.Stamp{Frame: t.latest.Frame, Time: now}, t.src.Stats().Drops, all, &analyze.Told{Attempt: t.attempt, Ended: t.ended, Chain: t.chain})
	t.keep(t.live.Flush())
	t.seen.settleNow()
}

// answer does what a signal asked for.
func (t *teller) answer() {
	select {
	case s := <-t.asked:
		if asksForSummary(s) {
			t.summary()
		} else if err := t.anew(); err != nil {
			fmt.Fprintf(t.stderr, "wssniff: going on in the old file: %v\n", err)
		}
	default:
	}
}

// summary prints the summary up to now.
func (t *teller) summary() {
	r := *t.reading
	r.capture, r.streams, r.result = t.src.Stats(), t.asm.Stats(), t.a.SoFar()
	t.live.Summary(t.stderr, r.input(false))
}

// anew goes on in the file that has the name of the output now.
func (t *teller) anew() error {
	if t.reopen == nil {
		return nil
	}
	t.keep(t.live.Flush())
	return t.reopen()
}

// finish prints what is known at the end, and reports whether something was found
// that --fail-on names. If nobody reads the output any more, which ended the run, the
// summary goes to standard error.
func (t *teller) finish(in *report.Input) (found bool, err error) {
	t.keep(t.live.Finish(in))
	for _, i := range in.Result.Incidents() {
		t.found = t.found || t.fails && i.Severity >= t.least && t.live.Concerns(&i)
	}
	if errors.Is(t.err, syscall.EPIPE) {
		return t.found, t.live.Summary(t.stderr, in)
	}
	return t.found, t.err
}

func (t *teller) keep(err error) {
	if t.err == nil {
		t.err = err
	}
}

func (t *teller) attempt(x *analyze.Attempt) {
	selected := t.selects(x)
	t.seen.told(x, selected, t.opt)
	if !selected {
		t.live.Passed()
		return
	}
	t.show.attempt(x)
	t.meter.attempt(x)
	t.fail(x)
	t.keep(t.live.Attempt(x))
}

func (t *teller) ended(x *analyze.Attempt, before analyze.Standing) {
	selected := t.selects(x)
	t.seen.told(x, selected, t.opt)
	if !selected {
		return
	}
	t.show.ended(x, before)
	t.meter.ended(x, before)
	t.fail(x)
	t.keep(t.live.Ended(x, before))
}

// fail notes whether an attempt has a finding that --fail-on names.
func (t *teller) fail(x *analyze.Attempt) {
	if s, any := x.Severity(); any && t.fails && s >= t.least {
		t.found = true
	}
}

func (t *teller) chain(c *analyze.Chain, all analyze.Attempts) {
	for _, h := range c.Hops {
		if h.Attempt > 0 && t.selects(all.At(h.Attempt-1)) {
			t.keep(t.live.Chain(c, all))
			return
		}
	}
}

func (t *teller) selects(x *analyze.Attempt) bool {
	return t.selected == nil || t.selected.attempt(x)
}
