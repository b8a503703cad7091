package report

import (
	"fmt"
	"strings"

	"github.com/wssniff/wssniff/analyze"
)

// oneLine says in one line that a capture has nothing wrong, or no attempt at
// all, or none that is selected; it is "" if there is more to say.
func (p *page) oneLine(sections int) string {
	n, c := p.in.attempts(), &p.in.Capture
	switch {
	case n == 0 && p.in.all() > 0:
		return fmt.Sprintf("%s: %s", p.in.selected(), joinText(p.counts(), spanText(c)))
	case n == 0:
		return "no WebSocket handshake in this capture: " + p.hint()
	case sections > 0 || len(p.advices) > 0:
		return ""
	}
	notes := ""
	if found := total(p.tally.severity[:]); found > 0 {
		notes = fmt.Sprintf(" (%s)", plural(found, "note"))
	}
	sealed := p.tally.verdicts[analyze.Encrypted]
	what := plural(n-sealed, "WebSocket") + " opened"
	switch {
	case sealed == n:
		what = plural(sealed, "TLS connection") + " like a WebSocket, whose handshake is not visible"
	case sealed > 0:
		what += ", and " + plural(sealed, "TLS connection") + " like a WebSocket, whose handshake is not visible"
	}
	return fmt.Sprintf("nothing wrong: %s%s; %s", what, notes, joinText(p.in.selected(), p.counts(), spanText(c)))
}

func (p *page) counts() string {
	return plural(int(p.in.Capture.Packets), "packet") + ", " + plural(p.in.Capture.Conns, "TCP connection")
}

// hint says why a capture may have no attempt.
func (p *page) hint() string {
	c, r := &p.in.Capture, p.in.Result
	switch {
	case c.Packets == 0:
		return "it has no packets"
	case c.UnknownLinks > 0 && c.Conns == 0:
		return p.counts() + "; its link type is not read"
	case c.Conns == 0:
		return p.counts() + "; no TCP in it"
	}
	hints := []string{p.counts()}
	if r.Requests > 0 {
		hints = append(hints, plural(r.Requests, "HTTP request")+", none for WebSocket")
	} else {
		hints = append(hints, "no plain HTTP/1 request")
	}
	if c.Refused > 0 {
		hints = append(hints, plural(c.Refused, "connection")+" refused (RST to the SYN)")
	}
	if c.Unanswered > 0 {
		hints = append(hints, plural(c.Unanswered, "connection")+" without an answer to the SYN")
	}
	if c.TLSConns > 0 {
		hints = append(hints, plural(c.TLSConns, "connection")+" with TLS, which hides handshakes")
	}
	if r.SOCKSConns > 0 {
		hints = append(hints, plural(r.SOCKSConns, "connection")+" to SOCKS proxies, inside of which nothing is read")
	}
	if c.MidStream > 0 {
		hints = append(hints, plural(c.MidStream, "connection")+" begun before the capture")
	}
	return strings.Join(hints, "; ")
}
