package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// A page is an Input as sections of rows. It goes through the attempts once and
// keeps nothing of those that it does not show.
type page struct {
	in      *Input
	opt     *Options
	mask    *masker
	tally   tally
	parties analyze.Parties
	advices map[analyze.Code]*advice
	veiled  *veil // of the attempt with the number below
	number  int
	days    days

	mismatched, malformed, redirected, refused, sealed, unclear, upgraded, all *section
	proxied, timeline, clients, changed, incidents                             *section
}

func newPage(in *Input, opt *Options) *page {
	p := newEmptyPage(opt)
	p.in = in
	p.addChains()
	for a := range in.Result.Attempts.All() {
		p.add(a)
		p.days.add(a.Start())
	}
	p.addRest()
	return p
}

// newEmptyPage returns a page without anything in it.
func newEmptyPage(opt *Options) *page {
	p := &page{
		opt: opt, mask: newMasker(opt), tally: newTally(), parties: analyze.NewParties(), advices: map[analyze.Code]*advice{},
		mismatched: mismatches(), malformed: headers(), redirected: redirects(), refused: refusals(), sealed: encrypted(),
		unclear: indeterminate(), upgraded: upgrades(), all: attempts(),
		proxied: proxies(), timeline: timeline(), clients: clients(), changed: changes(), incidents: incidents(),
	}
	if !opt.All {
		for _, s := range p.everything() {
			s.most = maxRows
		}
		p.timeline.most = maxPeriods
	}
	return p
}

// addRest adds what is no attempt.
func (p *page) addRest() {
	for _, c := range p.in.whole().Histories() { // what is not selected counts too, so that times look the same
		p.days.add(c.First)
		p.days.add(c.Last)
	}
	if p.opt.Timeline {
		p.addTimeline()
	}
	p.addClients(p.parties.Clients)
	p.addIncidents()
	p.addUpgrades()
	if !p.days.several {
		for _, s := range p.everything() {
			s.dropDates()
		}
	}
}

// add takes an attempt into the sections that are about it.
func (p *page) add(a *analyze.Attempt) {
	p.tally.add(a)
	p.parties.Add(a)
	p.advise(a)
	switch {
	case a.Verdict == analyze.AcceptMismatch:
		p.addMismatch(a)
	case refused(a):
		p.addRefusal(a)
	case a.Verdict == analyze.Encrypted:
		p.addEncrypted(a)
	case a.Verdict == analyze.Indeterminate:
		p.addAttempt(p.unclear, a, p.text(a, a.Reason))
	case a.Verdict == analyze.Redirected && a.Redirect == nil:
		p.addHop(a, "", "")
	}
	p.addHeaders(a)
	p.addPassage(a)
	if p.opt.All {
		p.addToAll(a)
	}
}

func (p *page) everything() []*section {
	return []*section{
		p.timeline, p.mismatched, p.malformed, p.redirected, p.refused, p.sealed, p.proxied, p.unclear, p.upgraded,
		p.clients, p.changed, p.incidents, p.all,
	}
}

// sections returns those that have rows, in their order.
func (p *page) sections() []*section {
	return slices.DeleteFunc(p.everything(), func(s *section) bool { return s == p.all || len(s.rows) == 0 })
}

// Days tells whether attempts are of one day: then times need no date; the
// summary has it.
type days struct {
	first        int64 // counted from 1970
	any, several bool
}

func (d *days) add(at flow.Stamp) {
	date := at.Time / int64(24*time.Hour)
	if !d.any {
		d.first, d.any = date, true
	}
	d.several = d.several || date != d.first
}

// time is a time with its date, which dropDates may take away.
func (p *page) time(s flow.Stamp) string {
	if !s.Seen() {
		return ""
	}
	return utc(s).Format(timeLayout)
}

func (p *page) veil(a *analyze.Attempt) *veil {
	if p.veiled == nil || p.number != a.Number {
		p.veiled, p.number = p.mask.veil(a), a.Number
	}
	return p.veiled
}

// text is a cell with text from the wire.
func (p *page) text(a *analyze.Attempt, s string) string { return cellText(p.veil(a).text(s)) }

func (p *page) url(a *analyze.Attempt) string { return p.veil(a).url(a) }

// url is a cell with what the attempt asked for.
func (v *veil) url(a *analyze.Attempt) string {
	text := urlOf(a)
	if text == "" && a.Request != nil {
		text = a.Request.Head.Target // as sent
	}
	switch {
	case a.OnlyTLS() && a.TLS.ServerName != "":
		text = "TLS for " + cellText(v.text(a.TLS.ServerName))
	case a.OnlyTLS():
		text = "TLS"
	case text == "":
		return ""
	case a.Request.Head.Tunnels():
		text = "CONNECT " + cellText(v.authority(a.Request.Head.Target))
	default:
		text = cellText(v.text(text))
	}
	if a.Tunnel != "" {
		text += " through " + cellText(v.authority(a.Tunnel))
	}
	return text
}

// head returns the cells with which the rows of most sections begin.
func (p *page) head(a *analyze.Attempt) []string {
	return []string{fmt.Sprint(a.Number), p.time(a.Start()), a.Client().String(), a.Server().String(), p.url(a)}
}

func headColumns() []column {
	return []column{
		{name: "#", right: true, bare: true},
		{name: timeColumn, bare: true},
		{name: "client", stack: 1, bare: true},
		{name: "server", stack: 1, bare: true},
		{name: "URL", stack: 1, min: 20, bare: true},
	}
}

// tail returns the cells with which the rows of all sections end.
func tail(a *analyze.Attempt) []string {
	return []string{framesText(asked(a), answered(a)), filterText(a)}
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
