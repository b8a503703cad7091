package report

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/wssniff/wssniff/analyze"
)

// clients has a row for each client that tried more than once and with which
// something was wrong.
func clients() *section {
	return &section{
		title:  "Clients",
		stacks: []string{"client", "attempts", "how it went"},
		cols: []column{
			{name: "client", bare: true},
			{name: "known as", min: 17, bare: true},
			{name: "attempts", stack: 1, right: true},
			{name: "opened", stack: 1, right: true},
			{name: "failed", stack: 1, right: true},
			{name: "verdicts", stack: 2, min: 14},
			{name: "over time", stack: 2},
			{name: "comes back", stack: 2, min: 14},
			{name: "WebSockets lasted", stack: 2, min: 14},
			{name: "ended by", stack: 2, min: 14},
			{name: "most likely cause", stack: 2, min: 16},
		},
	}
}

// maxClientRows bounds the rows of clients unless all are asked for.
const maxClientRows = 100

// addClients adds the clients of the attempts that are shown, those with the most
// failures first. Failed tells of each whether one of them failed.
func (p *page) addClients(failed map[netip.Addr]bool) {
	var list []*analyze.History
	for _, c := range p.in.whole().Histories() {
		if f, shown := failed[c.Addr]; shown && (p.opt.All || p.opt.Timeline || f && c.Attempts > 1) {
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(x, y *analyze.History) int { return cmp.Compare(y.Failed, x.Failed) })
	for i, c := range list {
		if i == maxClientRows && !p.opt.All {
			p.clients.title += fmt.Sprintf(" (%d of %d, see --all)", i, len(list))
			break
		}
		p.clients.add(c.Addr.String(), p.knownAs(c), fmt.Sprint(c.Attempts), fmt.Sprint(c.Opened), fmt.Sprint(c.Failed),
			verdictsText(c), timesText(&c.Times), rhythmText(&c.Rhythm), lifeText(&c.Lives), endsText(&c.Lives), causeText(c))
		p.addChanges(c)
	}
}

// knownAs tells by which names a client goes.
func (p *page) knownAs(c *analyze.History) string {
	h := p.in.Result.Hosts.Of(c.Addr)
	names := []string{h.Name, h.MAC.String()}
	names = append(names, c.Agents...)
	for i := range names {
		names[i] = cellText(p.mask.text(names[i]))
	}
	return joinText(names...)
}

func verdictsText(c *analyze.History) string {
	var parts []string
	for _, v := range analyze.Verdicts() {
		if n := c.Verdicts[v]; n > 0 && v != analyze.OK {
			parts = append(parts, fmt.Sprintf("%s %d", v, n))
		}
	}
	return strings.Join(parts, ", ")
}

// timesText draws how many of the attempts failed in each of equal stretches of
// time: a dot is none at all, the lowest bar none of some, the highest all.
func timesText(t *analyze.Times) string {
	bars := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for i := range t.Len() {
		n, failed := t.Attempts[i], t.Failed[i]
		switch {
		case n == 0:
			b.WriteRune('·')
		case failed == 0:
			b.WriteRune(bars[0])
		default:
			b.WriteRune(bars[1+failed*(len(bars)-2)/n])
		}
	}
	if t.Len() < 2 {
		return ""
	}
	return b.String() + " " + stepText(t.Step) + " each"
}

func stepText(d time.Duration) string {
	switch {
	case d >= 24*time.Hour:
		return fmt.Sprintf("%d d", d/(24*time.Hour))
	case d >= time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d >= time.Minute:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

func rhythmText(r *analyze.Rhythm) string {
	text := ""
	switch r.Kind {
	case analyze.Constant:
		text = "after " + analyze.DurationText(r.Median)
	case analyze.Immediate:
		text = "at once, " + analyze.DurationText(r.Median)
	case analyze.BackOff:
		text = fmt.Sprintf("later each time, %s to %s", analyze.DurationText(r.From), analyze.DurationText(r.To))
	case analyze.Irregular:
		text = "irregularly, median " + analyze.DurationText(r.Median)
	}
	if r.Like != "" {
		text += ", as " + r.Like + " does"
	}
	return text
}

func lifeText(l *analyze.Lives) string {
	switch {
	case l.Ended == 0:
		return ""
	case l.Ended == 1 || l.Shortest == l.Longest:
		return analyze.DurationText(l.Longest)
	}
	return fmt.Sprintf("%s to %s, median %s", analyze.DurationText(l.Shortest), analyze.DurationText(l.Longest), analyze.DurationText(l.Median))
}

func endsText(l *analyze.Lives) string {
	var parts []string
	for _, e := range l.Ends {
		text := e.How.String()
		if e.By != analyze.NoSide {
			text = e.By.String() + " " + text
		}
		if e.How == analyze.CloseFrame && e.Code >= 0 {
			text += fmt.Sprintf(" %d", e.Code)
		}
		parts = append(parts, fmt.Sprintf("%s ×%d", text, e.Count))
	}
	return strings.Join(parts, ", ")
}

// causeText names the most frequent error of the failed attempts, and whose it
// is.
func causeText(c *analyze.History) string {
	text := ""
	if len(c.Causes) > 0 {
		text = fmt.Sprintf("%s (%d of %d)", c.Causes[0].Code, c.Causes[0].Count, c.Failed)
	}
	switch c.Fault {
	case analyze.Client:
		return joinText(text, "others succeed with the same server meanwhile")
	case analyze.Server:
		return joinText(text, "the server fails for others too")
	}
	return text
}
