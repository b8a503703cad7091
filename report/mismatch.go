package report

import (
	"strings"

	"github.com/wssniff/wssniff/analyze"
)

// mismatches lists the 101s with a wrong Sec-WebSocket-Accept.
func mismatches() *section {
	return exchangeSection("Accept mismatches", "key / Accept",
		column{name: "key"}, column{name: "got", min: 28}, column{name: "want"}, column{name: "cause", min: 10})
}

func (p *page) addMismatch(a *analyze.Attempt) {
	p.addAttempt(p.mismatched, a, cellText(a.Key), cellText(a.Accept), a.Expected, p.cause(a))
}

// cause names the recipe of a wrong Accept, and for the Accept of another
// request which one that was.
func (p *page) cause(a *analyze.Attempt) string {
	for _, f := range a.Findings {
		if _, whose, ok := strings.Cut(f.Got, " ("); ok && f.Code == analyze.AcceptBelongsToOtherFlow {
			return a.Cause.String() + " (" + p.text(a, whose)
		}
	}
	return a.Cause.String()
}
