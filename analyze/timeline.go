package analyze

import (
	"slices"
	"strings"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A Period is a run of attempts of one client that went the same way.
type Period struct {
	From, To    flow.Stamp // the starts of the first and the last of them
	First, Last int        // their numbers
	Attempts    int
	Example     *Attempt      // the first
	Codes       []Code        // errors and warnings that all of them have
	Every       time.Duration // the median time from one to the next; 0: there is only one
}

// Span is the time from the first attempt to the last.
func (p *Period) Span() time.Duration { return time.Duration(p.To.Time - p.From.Time) }

// Timeline puts attempts of one client together that follow each other and went
// the same way: to the same server, for the same host and path, with the same
// verdict and status. It has at most most periods; left counts the attempts that
// did not fit.
func Timeline(attempts Attempts, most int) (periods []Period, left int) {
	var gaps sample
	for t := range attempts.All() {
		if n := len(periods); n > 0 && periods[n-1].goesOn(t) {
			p := &periods[n-1]
			gaps.add(t.Start().Time - p.To.Time)
			p.To, p.Last, p.Every = t.Start(), t.Number, gaps.median()
			p.Attempts++
			p.Codes = slices.DeleteFunc(p.Codes, func(c Code) bool { return !t.has(c) })
			continue
		}
		if len(periods) == most {
			break
		}
		gaps = sample{}
		periods = append(periods, Period{From: t.Start(), To: t.Start(), First: t.Number, Last: t.Number, Attempts: 1, Example: t.Clone(), Codes: codesAbove(t)})
	}
	left = attempts.Len()
	for _, p := range periods {
		left -= p.Attempts
	}
	return periods, left
}

func codesAbove(t *Attempt) (codes []Code) {
	for _, f := range t.Findings {
		if f.Severity > Note && !slices.Contains(codes, f.Code) {
			codes = append(codes, f.Code)
		}
	}
	return codes
}

// goesOn reports whether an attempt went the same way.
func (p *Period) goesOn(t *Attempt) bool {
	e := p.Example
	return e.Verdict == t.Verdict && e.Client().Addr() == t.Client().Addr() && e.Server() == t.Server() &&
		e.status() == t.status() && e.pathOf() == t.pathOf()
}

func (t *Attempt) status() int {
	if t.Response == nil {
		return 0
	}
	return t.Response.Head.Status
}

// pathOf returns host and path, without the query.
func (t *Attempt) pathOf() string {
	if t.Request == nil {
		return ""
	}
	host, _ := t.Request.Head.Get("Host")
	path, _, _ := strings.Cut(t.Request.Head.Target, "?")
	return host + " " + path
}
