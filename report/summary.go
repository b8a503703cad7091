package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/wssniff/wssniff/analyze"
)

// tally counts what a summary tells about attempts and incidents.
type tally struct {
	verdicts map[analyze.Verdict]int
	findings map[analyze.Code]int
	severity [3]int // findings by severity
	failed   int
}

func newTally() tally {
	return tally{verdicts: map[analyze.Verdict]int{}, findings: map[analyze.Code]int{}}
}

func (t *tally) add(a *analyze.Attempt) {
	t.verdict(a)
	for i := range a.Findings {
		t.count(&a.Findings[i])
	}
}

func (t *tally) verdict(a *analyze.Attempt) {
	t.verdicts[a.Verdict]++
	if a.Verdict.Failed() {
		t.failed++
	}
}

// change counts how the connection of an attempt ended that was counted before.
func (t *tally) change(a *analyze.Attempt, before analyze.Standing) {
	if was := before.Verdict(a.Verdict); was != a.Verdict {
		if t.verdicts[was]--; t.verdicts[was] == 0 {
			delete(t.verdicts, was)
		}
		if was.Failed() {
			t.failed--
		}
		t.verdict(a)
	}
	for i := range a.Findings {
		if f := &a.Findings[i]; !before.Has(f.Code) {
			t.count(f)
		}
	}
}

func (t *tally) count(f *analyze.Finding) {
	t.findings[f.Code]++
	t.severity[f.Severity]++
}

// summary is the last table.
func (p *page) summary() *section {
	s := &section{title: "Summary", dense: true, stacks: []string{""}, cols: []column{{name: "what"}, {name: "count", right: true}, {name: "remarks", min: 20}}}
	c, r, t := &p.in.Capture, p.in.Result, &p.tally
	s.add("packets", fmt.Sprint(c.Packets), fmt.Sprintf("%d bytes", c.Bytes))
	if span := spanText(c); span != "" {
		s.add("captured", "", span)
	}
	s.add("connections", fmt.Sprint(c.Conns), joinText(fmt.Sprintf("%d with HTTP/1", r.HTTPConns), withH2(r.H2Conns), fmt.Sprintf("%d with TLS", c.TLSConns), some(r.Requests, "HTTP request")))
	s.add("attempts", fmt.Sprint(p.in.attempts()), joinText(p.in.selected(), fmt.Sprintf("%d failed", t.failed), some(len(r.Upgrades)+r.UnlistedUpgrades, "other upgrade")))
	for _, v := range analyze.Verdicts() {
		if n := t.verdicts[v]; n > 0 {
			s.add("  "+v.String(), fmt.Sprint(n), "")
		}
	}
	s.add("findings", fmt.Sprint(total(t.severity[:])), joinText(some(t.severity[analyze.Error], "error"),
		some(t.severity[analyze.Warning], "warning"), some(t.severity[analyze.Note], "note")))
	for _, g := range p.in.gaps() {
		s.add(g.What, fmt.Sprint(g.Count), g.Remark)
	}
	if c.Elapsed > 0 {
		s.add("time taken", c.Elapsed.Round(time.Millisecond).String(), "")
	}
	return s
}

// withH2 is left out where there is none.
func withH2(conns int) string {
	if conns == 0 {
		return ""
	}
	return fmt.Sprintf("%d with HTTP/2", conns)
}

func some(n int, what string) string {
	if n == 0 {
		return ""
	}
	return plural(n, what)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func joinText(parts ...string) string {
	var filled []string
	for _, p := range parts {
		if p != "" {
			filled = append(filled, p)
		}
	}
	return strings.Join(filled, ", ")
}

// spanText tells when the capture was made.
func spanText(c *CaptureStats) string {
	if c.First.IsZero() || c.Last.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s to %s UTC", dateTime(c.First), dateTime(c.Last))
}
