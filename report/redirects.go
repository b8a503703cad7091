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
			{name: "chain ends", stack: 2, min: 20, bare: true},
			{name: "findings", stack: 2, min: 12, bare: true},
		}, tailColumns(3)...),
	}
}

// addChains adds the hops of all chains but those that are retries of another,
// whose number is told. Those of a chain stand together, also if only some of
// them are selected.
func (p *page) addChains() {
	shown := map[*analyze.Chain]bool{}
	for _, c := range p.in.Result.Chains {
		if shown[c] = true; shown[c.First] {
			continue
		}
		var a *analyze.Attempt
		for i, h := range c.Hops {
			place := fmt.Sprintf("%d.%d", c.ID, i+1)
			if h.Attempt > 0 {
				a = p.in.whole().Attempts.At(h.Attempt - 1)
			}
			end := ""
			if i == len(c.Hops)-1 {
				end = p.text(a, chainEnd(c))
			}
			if h.TLS {
				p.addTLSHop(a, &h, place, end)
			} else {
				p.addHop(a, place, end)
			}
		}
	}
}

// chainEnd tells how a chain ended, and what came of it.
func chainEnd(c *analyze.Chain) string {
	again := ""
	if every := analyze.DurationText(c.Every); c.Retries == 1 {
		again = fmt.Sprintf("tried again %s later", every)
	} else if c.Retries > 1 {
		again = fmt.Sprintf("tried again %d times, every %s", c.Retries, every)
	}
	if details := joinText(c.Reason, again); details != "" {
		return c.End.String() + ": " + details
	}
	return c.End.String()
}

// addHop adds an attempt that is a hop.
func (p *page) addHop(a *analyze.Attempt, place, end string) {
	row := []string{place, fmt.Sprint(a.Number), p.time(a.Start()), a.Client().String(), p.hop(a), end, codesOf(a, redirectCode)}
	p.redirected.add(append(row, tail(a)...)...)
}

// addTLSHop adds a TLS connection that follows a redirect, the one of a.
func (p *page) addTLSHop(a *analyze.Attempt, h *analyze.Hop, place, end string) {
	text := p.text(a, h.URL) + " (TLS"
	if h.ServerName != "" {
		text += " for " + cellText(h.ServerName)
	}
	number, codes := "", ""
	if h.Attempt > 0 {
		number, codes = fmt.Sprint(h.Attempt), codesOf(a, func(analyze.Code) bool { return true })
	}
	p.redirected.add(place, number, p.time(h.Start), h.Client.String(), text+")", end, codes,
		fmt.Sprint(h.Start.Frame), streamFilter(h.Stream))
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

func redirectCode(c analyze.Code) bool {
	return analyze.RedirectNotFollowed <= c && c <= analyze.RedirectTLSDowngrade
}

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
