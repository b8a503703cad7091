package report

import (
	"fmt"
	"time"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// A page is an Input with what all its sections need.
type page struct {
	in    *Input
	opt   *Options
	mask  *masker
	clock string // layout of times
	veils map[*analyze.Attempt]*veil
}

func newPage(in *Input, opt *Options) *page {
	p := &page{
		in: in, opt: opt, mask: newMasker(opt),
		veils: map[*analyze.Attempt]*veil{},
	}
	p.clock = clockFor(in)
	return p
}

// clockFor leaves out the date if all attempts are of one day, selected or not;
// the summary has it.
func clockFor(in *Input) string {
	const day = "2006-01-02"
	first := ""
	for _, a := range in.whole().Attempts {
		date := utc(a.Start()).Format(day)
		if first != "" && date != first {
			return "2006-01-02 15:04:05.000"
		}
		first = date
	}
	return "15:04:05.000"
}

func (p *page) time(s flow.Stamp) string {
	if !s.Seen() {
		return ""
	}
	return utc(s).Format(p.clock)
}

func (p *page) veil(a *analyze.Attempt) *veil {
	v := p.veils[a]
	if v == nil {
		v = p.mask.veil(a)
		p.veils[a] = v
	}
	return v
}

// text is a cell with text from the wire.
func (p *page) text(a *analyze.Attempt, s string) string { return cellText(p.veil(a).text(s)) }

func (p *page) url(a *analyze.Attempt) string {
	u := urlOf(a)
	if u == "" {
		return ""
	}
	if a.Request.Head.Method == "CONNECT" {
		return "CONNECT " + cellText(p.veil(a).authority(a.Request.Head.Target))
	}
	if a.Tunnel != "" {
		return p.text(a, u) + " through " + cellText(p.veil(a).authority(a.Tunnel))
	}
	return p.text(a, u)
}

// head returns the cells with which the rows of most sections begin.
func (p *page) head(a *analyze.Attempt) []string {
	return []string{fmt.Sprint(a.Number), p.time(a.Start()), a.Client().String(), a.Server().String(), p.url(a)}
}

func headColumns() []column {
	return []column{
		{name: "#", right: true, bare: true},
		{name: "time (UTC)", bare: true},
		{name: "client", stack: 1, bare: true},
		{name: "server", stack: 1, bare: true},
		{name: "URL", stack: 1, min: 20, bare: true},
	}
}

// tail returns the cells with which the rows of all sections end.
func tail(a *analyze.Attempt) []string {
	return []string{framesText(a.Request, a.Response), filterText(a.Conn)}
}

func tailColumns(stack int) []column {
	return []column{
		{name: "frames", stack: stack, bare: true},
		{name: "Wireshark filter", stack: stack, bare: true},
	}
}

// exchangeSection returns a section about attempts: one row each, with the
// middle columns between who and where.
func exchangeSection(title, heading string, middle ...column) *section {
	s := &section{title: title, stacks: []string{"# / time", "client / server / URL", heading, "frames / filter"}}
	for i := range middle {
		middle[i].stack = 2
	}
	s.cols = append(append(headColumns(), middle...), tailColumns(3)...)
	return s
}

// addAttempt adds a row to an exchangeSection.
func (p *page) addAttempt(s *section, a *analyze.Attempt, middle ...string) {
	s.add(append(append(p.head(a), middle...), tail(a)...)...)
}

func dateTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000") }
