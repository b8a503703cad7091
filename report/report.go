// Package report prints what was found in a capture: as tables for people, as
// JSON Lines, CSV and Markdown for programs and tickets.
//
// Every format takes the same Input. Text from the wire passes two gates on its
// way out: secrets are masked (mask.go), and control bytes are made visible
// (sanitize.go); JSON escapes them by its own rules. Output depends on nothing
// but the input and the options: no clock, no locale, no terminal.
package report

import (
	"fmt"
	"time"

	"github.com/wssniff/wssniff/analyze"
)

// Input is what a report is made of.
type Input struct {
	Result  *analyze.Result
	Whole   *analyze.Result // what Result was selected from; nil: Result is everything
	Capture CaptureStats
	Told    *Told // what was printed already, while the capture went on; nil: nothing
}

// attempts counts those that are shown.
func (in *Input) attempts() int {
	if in.Told != nil {
		return in.Told.Attempts
	}
	return in.Result.Attempts.Len()
}

// all counts those of the capture; 0: all are shown.
func (in *Input) all() int {
	switch {
	case in.Told != nil:
		return in.Told.Of
	case in.Whole != nil:
		return in.Whole.Attempts.Len()
	}
	return 0
}

// some reports whether some were selected.
func (in *Input) some() bool { return in.Whole != nil || in.all() > 0 }

func (in *Input) chains() int {
	if in.Told != nil {
		return in.Told.Chains
	}
	return len(in.Result.Chains)
}

// whole returns everything that was found, selected or not.
func (in *Input) whole() *analyze.Result {
	if in.Whole != nil {
		return in.Whole
	}
	return in.Result
}

// selected tells how many attempts were selected, "" if there was no choice.
func (in *Input) selected() string {
	if !in.some() {
		return ""
	}
	return fmt.Sprintf("%d of %s selected", in.attempts(), plural(in.all(), "attempt"))
}

// CaptureStats says what the capture held and what it could not show. Zero
// means none, unless a field says otherwise.
type CaptureStats struct {
	Packets int64     // delivered by the inputs
	Bytes   int64     // captured, of those packets
	First   time.Time // of the first packet; zero: unknown
	Last    time.Time // of the last packet; zero: unknown

	Conns    int // TCP connections
	Segments int // TCP segments
	TLSConns int // connections that carry TLS

	Inputs       int   // captures read
	MidStream    int   // connections whose beginning is not in the capture
	Refused      int   // connections that a RST in answer to the SYN refused
	Unanswered   int   // connections to which the capture shows no answer
	UnknownLinks int   // packets of link types that are not read
	Gaps         []Gap // what could not be seen, in the order of print

	Elapsed time.Duration // time the run took; 0: not shown
}

// Options says how to print.
type Options struct {
	Width       int    // columns of the terminal; 0: not a terminal, nothing is wrapped
	Color       bool   // colour severities and verdicts
	All         bool   // list every attempt, not only those with something to say
	Timeline    bool   // show what the clients did, one after the other
	Summary     bool   // JSONL: end with a summary line
	ShowSecrets bool   // print secrets as they are
	MaskKey     []byte // key of the hashes that stand for secrets; nil: a fixed one
	Observer    string // JSONL: name of the capturing host; "": left out
	Interface   string // JSONL: where it captured; "": left out
}

func (o *Options) orDefault() *Options {
	if o == nil {
		return &Options{}
	}
	return o
}
