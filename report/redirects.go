package report

import (
	"fmt"
	"strings"

	"github.com/wssniff/wssniff/analyze"
)

// redirects lists the hops of the chains, and redirects that are in none.
func redirects() *section {
	return &section{
		title:  "Redirect chains",
		stacks: []string{"chain / # / time", "from / to", "end", "frames / filter"},
		cols: append([]column{
			{name: "chain", bare: true},
			{name: "#", right: true},
			{name: timeColumn, bare: true},
			{name: "client", stack: 1},
			{name: "hop", stack: 1, min: 24, bare: true},
			{name: "chain ends", stack: 2, bare: true},
			{name: "findings", stack: 2, min: 12, bare: true},
		}, tailColumns(3)...),
	}
}

// addChains adds the hops of all chains. Those of a chain stand together, also
// if only some of them are selected.
func (p *page) addChains() {
	for _, c := range p.in.Result.Chains {
		for i, number := range c.Hops {
			p.addHop(p.in.whole().Attempts.At(number-1), fmt.Sprintf("%d.%d", c.ID, i+1), hopEnd(c, i))
		}
	}
}

func (p *page) addHop(a *analyze.Attempt, place, end string) {
	row := []string{place, fmt.Sprint(a.Number), p.time(a.Start()), a.Client().String(), p.hop(a), end, codesOf(a, redirectCode)}
	p.redirected.add(append(row, tail(a)...)...)
}

// hop prints what was asked for and what came of it: "ws://a/x -301-> https://a/x".
func (p *page) hop(a *analyze.Attempt) string {
	text := p.url(a)
	if text == "" {
		text = "?"
	}
	if a.Response == nil {
		return text + " (no answer)"
	}
	location, _ := fieldOf(a.Response, "Location")
	if a.Redirect != nil && a.Redirect.Target != "" {
		location = a.Redirect.Target
	}
	if a.Verdict != analyze.Redirected || location == "" {
		return fmt.Sprintf("%s -> %d %s", text, a.Response.Head.Status, p.text(a, a.Response.Head.Phrase))
	}
	return fmt.Sprintf("%s -%d-> %s", text, a.Response.Head.Status, p.text(a, location))
}

// hopEnd tells how the chain ended, on its last hop.
func hopEnd(c *analyze.Chain, hop int) string {
	if hop < len(c.Hops)-1 {
		return ""
	}
	return c.End.String()
}

func redirectCode(c analyze.Code) bool { return c >= analyze.RedirectNotFollowed }

// codesOf lists the codes of an attempt's findings that match.
func codesOf(a *analyze.Attempt, match func(analyze.Code) bool) string {
	var codes []string
	for _, f := range a.Findings {
		if match(f.Code) {
			codes = append(codes, f.Code.String())
		}
	}
	return strings.Join(codes, ", ")
}
