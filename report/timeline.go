package report

import (
	"fmt"
	"strings"

	"github.com/wssniff/wssniff/analyze"
)

// timeline lists what a device did, one row for attempts that went the same way.
func timeline() *section {
	return &section{
		title:  "Timeline",
		stacks: []string{"time / until", "client / server / URL", "outcome"},
		cols: []column{
			{name: timeColumn, bare: true},
			{name: "for"},
			{name: "attempts", right: true},
			{name: "client", stack: 1, bare: true},
			{name: "server", stack: 1, bare: true},
			{name: "URL", stack: 1, min: 20, bare: true},
			{name: "verdict", stack: 2, paint: true, bare: true},
			{name: "answer", stack: 2, min: 14},
			{name: "every", stack: 2},
			{name: "findings", stack: 2, min: 16},
			{name: "#", stack: 2},
		},
	}
}

// maxPeriods bounds the rows of a timeline.
const maxPeriods = 2000

func (p *page) addTimeline() {
	periods, left := analyze.Timeline(p.in.Result.Attempts, maxPeriods)
	for i := range periods {
		x := &periods[i]
		a := x.Example
		numbers, span, every := fmt.Sprintf("#%d", x.First), "", ""
		if x.Attempts > 1 {
			numbers = fmt.Sprintf("#%d-#%d", x.First, x.Last)
			span = analyze.DurationText(x.Span())
			every = analyze.DurationText(x.Every)
		}
		p.timeline.add(p.time(x.From), span, fmt.Sprint(x.Attempts), a.Client().Addr().String(), a.Server().String(), p.url(a),
			a.Verdict.String(), p.outcome(a), every, codeNames(x.Codes), numbers)
	}
	if left > 0 {
		p.timeline.title += fmt.Sprintf(" (without %s at the end)", plural(left, "attempt"))
	}
}

// outcome says in words what came back.
func (p *page) outcome(a *analyze.Attempt) string {
	if a.Verdict == analyze.Indeterminate {
		return p.text(a, a.Reason)
	}
	answer, _ := p.answer(a)
	return answer
}

func codeNames(codes []analyze.Code) string {
	var names []string
	for _, c := range codes {
		names = append(names, c.String())
	}
	return strings.Join(names, ", ")
}
