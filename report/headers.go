package report

import (
	"strconv"

	"github.com/wssniff/wssniff/analyze"
)

// headers lists the findings about the heads, one row each.
func headers() *section {
	return &section{
		title:  "Missing or malformed headers",
		stacks: []string{"#", "severity / code", "side / field / got / want", "frames / filter"},
		cols: append([]column{
			{name: "#", right: true},
			{name: "severity", stack: 1, bare: true, paint: true},
			{name: "code", stack: 1, min: 14, bare: true},
			{name: "side", stack: 2},
			{name: "field", stack: 2, min: 10},
			{name: "got", stack: 2, min: 16},
			{name: "want", stack: 2, min: 14},
		}, tailColumns(3)...),
	}
}

func (p *page) addHeaders(a *analyze.Attempt) {
	for _, f := range a.Findings {
		if listedApart(a, f.Code) || !worth(a, f, p.opt.All) {
			continue
		}
		f = p.veil(a).finding(f)
		row := []string{strconv.Itoa(a.Number), f.Severity.String(), f.Code.String(), f.Side.String(), cellText(f.Field), cellText(f.Got), cellText(f.Want)}
		p.malformed.add(append(row, tail(a)...)...)
	}
}
