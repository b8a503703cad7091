package analyze

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A Period is a run of attempts of one client for one host and path that went the
// same way.
type Period struct {
	From, To    flow.Stamp    // the starts of the first and the last of them
	First, Last int           // their numbers
	Attempts    int           // not all that are between those numbers, if other clients did something too
	Example     *Attempt      // the first
	Codes       []Code        // errors and warnings that all of them have
	Every       time.Duration // the median time from one to the next; 0: there is only one
}

// Span is the time from the first attempt to the last.
func (p *Period) Span() time.Duration { return time.Duration(p.To.Time - p.From.Time) }

// A pursued is what a run of attempts is after.
type pursued struct {
	client netip.Addr
	path   string // with the host
}

// Timeline puts attempts together that follow each other and went the same way: of
// one client, for the same host and path, to the same server, with the same verdict
// and status. What the client does besides, and what others do, may lie in between.
// It has at most most periods; left counts the attempts from the first on that did
// not fit.
func Timeline(attempts Attempts, most int) (periods []Period, left int) {
	latest := map[pursued]int{}
	var gaps []sample // of each period
	for t := range attempts.All() {
		what := pursued{t.Client().Addr(), t.pathOf()}
		i, ok := latest[what]
		if ok && periods[i].goesOn(t) {
			gaps[i].add(t.Start().Time - periods[i].To.Time)
			periods[i].add(t)
			continue
		}
		if len(periods) == most {
			break
		}
		latest[what] = len(periods)
		gaps = append(gaps, sample{})
		periods = append(periods, Period{From: t.Start(), To: t.Start(), First: t.Number, Last: t.Number, Attempts: 1, Example: t.Clone(), Codes: codesAbove(t)})
	}
	left = attempts.Len()
	for i := range periods {
		periods[i].Every = gaps[i].median()
		left -= periods[i].Attempts
	}
	return periods, left
}

// add takes an attempt that went the same way.
func (p *Period) add(t *Attempt) {
	p.To, p.Last = t.Start(), t.Number
	p.Attempts++
	p.Codes = slices.DeleteFunc(p.Codes, func(c Code) bool { return !t.has(c) })
}

func codesAbove(t *Attempt) (codes []Code) {
	for _, f := range t.Findings {
		if f.Severity > Note && !slices.Contains(codes, f.Code) {
			codes = append(codes, f.Code)
		}
	}
	return codes
}

// goesOn reports whether an attempt for the same went the same way.
func (p *Period) goesOn(t *Attempt) bool {
	e := p.Example
	return e.Verdict == t.Verdict && e.Server() == t.Server() && e.status() == t.status()
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
