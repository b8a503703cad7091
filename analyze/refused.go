package analyze

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A refusedConn is a connection that a client began after it was redirected, and that
// was refused.
type refusedConn struct {
	server  netip.AddrPort
	stream  int // Wireshark's tcp.stream
	syn     flow.Stamp
	refused flow.Stamp // the RST
}

// maxRefusals is how many are kept of one client.
const maxRefusals = 1 << 10

// Refused takes a connection that was refused by a RST. It keeps nothing of e.
func (a *Analyzer) Refused(e *flow.Evidence) {
	client := e.Addr(e.SYNDir).Addr()
	list, redirected := a.refusals[client]
	if redirected && len(list) < maxRefusals {
		dir := e.SYNDir.Reverse()
		a.refusals[client] = append(list, refusedConn{e.Addr(dir), e.ID, e.SYN, e.RST[dir]})
	}
}

// refused returns the connection to the target of a redirect that was refused
// after it, and false if there is none: to the target's port, at an address that
// it is, that DNS gave for its host, or that the redirect for the same host came
// from.
func (j *judge) refused(t *Attempt, to *url.URL) (r refusedConn, ok bool) {
	for _, r := range j.a.refusals[t.Client().Addr()] {
		after := r.syn.Time - t.Response.Done.Time
		if after >= 0 && after <= followWithin && j.mayBe(t, to, r.server, r.syn.Time) {
			return r, true
		}
	}
	return refusedConn{}, false
}

func (j *judge) mayBe(t *Attempt, to *url.URL, server netip.AddrPort, at int64) bool {
	host := strings.ToLower(to.Hostname())
	if port, ok := portNumber(to); !ok || port != server.Port() {
		return false
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap() == server.Addr().Unmap()
	}
	if led, known := j.a.names.Led(host, server.Addr(), at); known {
		return led
	}
	from := t.URL()
	return from != nil && strings.EqualFold(from.Hostname(), host) && server.Addr() == t.Server().Addr()
}
