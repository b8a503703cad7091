package report

import (
	"fmt"
	"time"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// incidents lists what attempts of several clients show together.
func incidents() *section {
	return &section{
		title:  "Incidents",
		stacks: []string{"time / until", "whom", "what happened"},
		cols: []column{
			{name: timeColumn, bare: true},
			{name: "until"},
			{name: "server", stack: 1},
			{name: "client", stack: 1},
			{name: "clients", stack: 1, right: true},
			{name: "code", stack: 2},
			{name: "what happened", stack: 2, min: 24, bare: true},
			{name: "frame", stack: 2},
		},
	}
}

// addIncidents adds those about the clients and servers of the attempts that are
// shown.
func (p *page) addIncidents() {
	for _, i := range p.in.whole().Incidents() {
		if !p.parties.Concerns(&i) {
			continue
		}
		p.tally.count(&i.Finding)
		row := make([]string, 8)
		if i.From != 0 {
			row[0] = p.time(flow.Stamp{Frame: 1, Time: i.From})
		}
		if i.Span() >= time.Second {
			row[1] = "+" + analyze.DurationText(i.Span())
		}
		if i.Server.IsValid() {
			row[2] = i.Server.String()
		}
		if i.Client.IsValid() {
			row[3] = i.Client.String()
		}
		row[4], row[5], row[6] = fmt.Sprint(i.Clients), i.Code.String(), joinText(i.Got, i.Want)
		if i.Frame > 0 {
			row[7] = fmt.Sprint(i.Frame)
		}
		p.incidents.add(row...)
		p.adviseIncident(&i)
	}
}
