package report

import (
	"fmt"
	"strings"

	"github.com/wssniff/wssniff/analyze"
)

// proxies lists the attempts that are in the capture on both sides of a proxy.
func proxies() *section {
	return &section{
		title:  "Both sides of a proxy",
		stacks: []string{"# / proxy", "URL", "request", "answer"},
		cols: []column{
			{name: "#", bare: true},
			{name: "proxy"},
			{name: "joined by"},
			{name: "URL", stack: 1, min: 20, bare: true},
			{name: "forwarded after", stack: 2},
			{name: "request, on its way through", stack: 2, min: 24, bare: true},
			{name: "returned after", stack: 3},
			{name: "answer, on its way through", stack: 3, min: 24, bare: true},
		},
	}
}

// addPassage adds an attempt behind a proxy, with what the proxy did.
func (p *page) addPassage(a *analyze.Attempt) {
	x := a.Passage
	if x == nil || x.Side != analyze.Server {
		return
	}
	by := "key"
	if x.Guess {
		by = "guess: path, time and status"
	}
	returned := ""
	if x.Answered {
		returned = analyze.DurationText(x.Returned)
	}
	v := p.veil(a).withDifferences(x.Request, x.Response)
	p.proxied.add(fmt.Sprintf("#%d -> #%d", x.Other, a.Number), a.Client().Addr().String(), by, p.url(a),
		analyze.DurationText(x.Forwarded), differencesText(v, x.Request), returned, differencesText(v, x.Response))
}

// differencesText tells in one line what became of a head: + added, - removed,
// and what was changed.
func differencesText(v *veil, list []analyze.Difference) string {
	if len(list) == 0 {
		return "unchanged"
	}
	var parts []string
	for _, d := range list {
		d = v.difference(d)
		name := d.Field
		if name == "" {
			name = d.What
		}
		switch d.Kind {
		case analyze.Added:
			parts = append(parts, fmt.Sprintf("+%s: %s", name, d.After))
		case analyze.Removed:
			parts = append(parts, fmt.Sprintf("-%s: %s", name, d.Before))
		case analyze.Renamed:
			parts = append(parts, fmt.Sprintf("%s written %s", d.Before, d.After))
		default:
			parts = append(parts, fmt.Sprintf("%s: %s => %s", name, d.Before, d.After))
		}
	}
	return cellText(strings.Join(parts, "; "))
}
