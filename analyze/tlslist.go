package analyze

import "net/netip"

// ConnectFailures says which connections count as attempts although they show no
// request: those whose TLS handshake failed.
type ConnectFailures uint8

const (
	KnownOrSome   ConnectFailures = iota // known ones; where the capture holds no attempt at all, the first 20
	KnownFailures                        // those whose server or client is known to speak WebSocket
	AllFailures
	NoFailures
)

// someFailures is how many failures are listed of a capture without an attempt.
const someFailures = 20

// A keptTLS is a TLS connection that is over and may be listed.
type keptTLS struct {
	at    place
	start uint32 // in Analyzer.tls, plus one; 0: it follows no redirect
}

// listTLS lists the TLS connections that count as attempts: those that look like a
// WebSocket, and of those that failed the ones that are asked for.
func (a *Analyzer) listTLS(which ConnectFailures) {
	if len(a.keptTLS) == 0 {
		return
	}
	known := a.knownEnds()
	plain, some := a.entries.n, 0
	for _, k := range a.keptTLS {
		var s store
		t := a.keptAttempt(k.at, &s)
		list := t.TLS.Opened.Seen() || which == AllFailures || known.has(t)
		if !list && which == KnownOrSome && plain == 0 && some < someFailures {
			list = true
			some++
		}
		if !list || which == NoFailures {
			a.result.TLSNotListed++
		} else if number := a.list(nil); number == 0 {
			a.result.Unlisted++
		} else {
			a.entries.at(number).at = k.at
			a.turnout.add(t.Client().Addr())
			if k.start > 0 {
				a.tls[k.start-1].entry = number
			}
		}
	}
	a.keptTLS = nil
}

// keptAttempt reads a TLS connection that was kept.
func (a *Analyzer) keptAttempt(at place, s *store) *Attempt {
	t := &s.Attempt
	t.Conn = &s.conn
	exchange, ending := a.open(at)
	a.unpack(t, s, exchange, ending)
	return t
}

// Ends are what is known to speak WebSocket, by what the capture shows.
type ends struct {
	addrs map[netip.Addr]bool // clients and servers
	names map[string]bool     // servers, in lower case
}

func (e *ends) has(t *Attempt) bool {
	return e.addrs[t.Client().Addr()] || e.addrs[t.Server().Addr()] || t.TLS.ServerName != "" && e.names[t.TLS.ServerName]
}

// knownEnds collects the ends of attempts, and of TLS connections that look like a
// WebSocket.
func (a *Analyzer) knownEnds() ends {
	e := ends{map[netip.Addr]bool{}, map[string]bool{}}
	for name := range a.movedTo {
		e.names[name] = true
	}
	j := judge{a: a}
	for i := range a.entries.n {
		g := j.glance(i)
		e.addrs[g.client], e.addrs[g.server] = true, true
	}
	for _, k := range a.keptTLS {
		var s store
		if t := a.keptAttempt(k.at, &s); t.TLS.Opened.Seen() {
			e.addrs[t.Client().Addr()], e.addrs[t.Server().Addr()] = true, true
			if t.TLS.ServerName != "" {
				e.names[t.TLS.ServerName] = true
			}
		}
	}
	return e
}
