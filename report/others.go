package report

import (
	"strconv"
	"strings"

	"github.com/wssniff/wssniff/analyze"
)

// indeterminate lists the attempts that the capture does not show enough of.
func indeterminate() *section {
	return exchangeSection("Indeterminate", "reason", column{name: "reason", min: 20})
}

// upgrades lists the changes to protocols that are not WebSocket.
func upgrades() *section {
	return &section{
		title:  "Other upgrades",
		stacks: []string{"time", "client / server", "protocol / status", "frames / filter"},
		cols: append([]column{
			{name: timeColumn},
			{name: "client", stack: 1, bare: true},
			{name: "server", stack: 1, bare: true},
			{name: "protocol", stack: 2, min: 10, bare: true},
			{name: "status", stack: 2},
		}, tailColumns(3)...),
	}
}

func (p *page) addUpgrades() {
	for _, u := range p.in.Result.Upgrades {
		status := ""
		if u.Status != 0 {
			status = strconv.Itoa(u.Status)
		}
		p.upgraded.add(p.time(u.Start()), u.Conn.Addr(u.ClientDir).String(), u.Conn.Addr(u.ClientDir.Reverse()).String(),
			cellText(p.mask.text(u.Protocol)), status, framesText(stampOf(u.Request), stampOf(u.Response)), streamFilter(u.Conn.ID))
	}
}

// attempts lists every attempt.
func attempts() *section {
	return exchangeSection("Attempts", "verdict / findings",
		column{name: "verdict", paint: true, bare: true}, column{name: "status"}, column{name: "ended by", min: 12}, column{name: "findings", min: 16})
}

func (p *page) addToAll(a *analyze.Attempt) {
	status := ""
	if a.Response != nil && a.Response.Head.Status != 0 {
		status = strconv.Itoa(a.Response.Head.Status)
	}
	p.addAttempt(p.all, a, a.Verdict.String(), status, endText(a), strings.TrimSpace(codesOf(a, func(analyze.Code) bool { return true })))
}
