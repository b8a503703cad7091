package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/wssniff/wssniff/analyze"
)

// tally counts what a summary tells about the attempts.
type tally struct {
	verdicts map[analyze.Verdict]int
	findings map[analyze.Code]int
	severity [3]int // findings by severity
	failed   int
}

func count(r *analyze.Result) *tally {
	t := &tally{verdicts: map[analyze.Verdict]int{}, findings: map[analyze.Code]int{}}
	for _, a := range r.Attempts {
		t.verdicts[a.Verdict]++
		if a.Verdict.Failed() {
			t.failed++
		}
		for _, f := range a.Findings {
			t.findings[f.Code]++
			t.severity[f.Severity]++
		}
	}
	return t
}

// summary is the last table.
func (p *page) summary() *section {
	s := &section{title: "Summary", dense: true, stacks: []string{""}, cols: []column{{name: "what"}, {name: "count", right: true}, {name: "remarks", min: 20}}}
	c, r, t := &p.in.Capture, p.in.Result, count(p.in.Result)
	s.add("packets", fmt.Sprint(c.Packets), fmt.Sprintf("%d bytes", c.Bytes))
	if span := spanText(c); span != "" {
		s.add("captured", "", span)
	}
	s.add("connections", fmt.Sprint(c.Conns), joinText(fmt.Sprintf("%d with HTTP/1", r.HTTPConns), fmt.Sprintf("%d with TLS", c.TLSConns), some(r.Requests, "HTTP request")))
	s.add("attempts", fmt.Sprint(len(r.Attempts)), joinText(p.in.selected(), fmt.Sprintf("%d failed", t.failed), some(len(r.Upgrades), "other upgrade")))
	for _, v := range analyze.Verdicts() {
		if n := t.verdicts[v]; n > 0 {
			s.add("  "+v.String(), fmt.Sprint(n), "")
		}
	}
	s.add("findings", fmt.Sprint(total(t.severity[:])), joinText(some(t.severity[analyze.Error], "error"),
		some(t.severity[analyze.Warning], "warning"), some(t.severity[analyze.Note], "note")))
	for _, d := range defects(p.in) {
		s.add(d.what, fmt.Sprint(d.count), d.remark)
	}
	if c.Elapsed > 0 {
		s.add("time taken", c.Elapsed.Round(time.Millisecond).String(), "")
	}
	return s
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

// A defect is something that the capture could not show.
type defect struct {
	what   string
	count  int64
	remark string
}

// defects lists what was missing, cut, not read or forgotten.
func defects(in *Input) []defect {
	c, r := &in.Capture, in.Result
	var list []defect
	for _, d := range []defect{
		{"damaged inputs", int64(c.Damaged), "not read to their end"},
		{"dropped packets", c.Drops, "by the capturing system"},
		{"cut packets", c.Cut, "by the snap length (tcpdump -s 0 keeps whole packets)"},
		{"lost bytes", c.LostBytes, "TCP payload that is not in the capture"},
		{"started late", int64(c.MidStream), "connections whose beginning is not in the capture"},
		{"IP fragments", int64(c.Fragments), "not read"},
		{"unknown link types", int64(c.UnknownLinks), "packets not read"},
		{"evictions", int64(c.Evicted), "connections forgotten to make room"},
		{"decoder failures", int64(c.Panics), "packets that made a decoder fail"},
		{"heads too large", int64(r.HeadsTooLarge), fmt.Sprintf("longer than %d bytes, not read to their end", analyze.MaxHead)},
		{"unpaired requests", int64(r.Unpaired), "too many waited for their answers"},
	} {
		if d.count > 0 {
			list = append(list, d)
		}
	}
	return list
}
