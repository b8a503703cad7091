package analyze

import (
	"net/netip"
	"slices"
)

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
	at     place
	start  uint32 // in Analyzer.tls, plus one; 0: it follows no redirect
	opaque bool   // it may be a WebSocket that was refused, or anything else
}

// listTLS lists the TLS connections that count as attempts: those that look like a
// WebSocket, and of those that failed the ones that are asked for.
func (a *Analyzer) listTLS(which ConnectFailures) {
	if len(a.keptTLS) == 0 {
		return
	}
	known, bids := a.knownEnds()
	plain, some := a.entries.n, 0
	for _, k := range a.keptTLS {
		var s store
		t := a.keptAttempt(k.at, &s)
		if k.opaque && !bids.refused(t) {
			continue
		}
		list := t.TLS.Opened.Seen() || which == AllFailures || known.has(t)
		if !list && which == KnownOrSome && plain == 0 && some < someFailures {
			list = true
			some++
		}
		if !list || which == NoFailures {
			a.result.TLSNotListed++
		} else {
			a.listKept(k, t)
		}
	}
	a.keptTLS = nil
}

// listKept lists a TLS connection, which is t.
func (a *Analyzer) listKept(k keptTLS, t *Attempt) {
	number := a.list(nil)
	if number == 0 {
		a.result.Unlisted++
		return
	}
	a.entries.at(number).at = k.at
	a.turnout.add(t.Client().Addr())
	if k.start > 0 && (a.watch == nil || a.tls[k.start-1].stream == t.Conn.ID) { // else the place was used again
		a.tls[k.start-1].entry = number
	}
	if a.watch != nil {
		a.watch.note(number, true)
	}
}

// listTLSNow does what listTLS does while the capture goes on. Of connections that
// failed, and of whose ends nothing is known yet, the latest are kept until it is
// over.
func (a *Analyzer) listTLSNow(over bool) {
	w := a.watch
	for w.ends.grown || w.tried < len(a.keptTLS) {
		if w.ends.grown {
			w.tried, w.ends.grown = 0, false
		}
		a.keptTLS = append(a.keptTLS[:w.tried], a.listKnown(a.keptTLS[w.tried:])...)
		w.tried = len(a.keptTLS)
	}
	most := maxUnknown
	if over {
		if most = 0; a.ConnectFailures == KnownOrSome && w.numbers == 0 {
			a.ConnectFailures = AllFailures
			some := failuresOf(a.keptTLS, someFailures)
			a.keptTLS = slices.DeleteFunc(a.keptTLS, func(k keptTLS) bool { return slices.Contains(some, k) })
			a.listKnown(some)
		}
	}
	if n := len(a.keptTLS) - most; n > 0 {
		a.result.TLSNotListed += len(failuresOf(a.keptTLS[:n], n))
		a.keptTLS = slices.Delete(a.keptTLS, 0, n)
		w.tried = len(a.keptTLS)
	}
	a.keptOpaque = len(a.keptTLS) - len(failuresOf(a.keptTLS, len(a.keptTLS)))
}

// failuresOf returns the first of some TLS connections that failed, at most most.
func failuresOf(list []keptTLS, most int) (failed []keptTLS) {
	for _, k := range list {
		if !k.opaque && len(failed) < most {
			failed = append(failed, k)
		}
	}
	return failed
}

// listKnown lists of some TLS connections those that count as attempts by what is
// known now, and returns the others.
func (a *Analyzer) listKnown(list []keptTLS) (left []keptTLS) {
	w := a.watch
	for _, k := range list {
		var s store
		t := a.keptAttempt(k.at, &s)
		opened := t.TLS.Opened.Seen() && !k.opaque
		switch {
		case k.opaque && !w.bids.refused(t):
			left = append(left, k)
			continue
		case a.ConnectFailures == NoFailures:
			a.result.TLSNotListed++
			continue
		case !opened && !k.opaque && a.ConnectFailures != AllFailures && !w.ends.has(t) && !a.movedTo[t.TLS.ServerName]:
			left = append(left, k)
			continue
		case opened:
			if len(w.bids) < maxBids {
				w.ends.grown = w.bids.add(t) || w.ends.grown
			}
			w.ends.add(t.Client().Addr(), t.Server().Addr(), t.Tunnel, t.TLS.ServerName)
		}
		a.listKept(k, t)
	}
	return left
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
	grown bool                // since somebody looked
}

func newEnds() ends { return ends{addrs: map[netip.Addr]bool{}, names: map[string]bool{}} }

func (e *ends) has(t *Attempt) bool {
	host, _ := tunnelHost(t.Tunnel)
	known := e.addrs[t.Server().Addr()]
	if t.Tunnel != "" {
		known = e.names[host]
	}
	return known || e.addrs[t.Client().Addr()] || e.names[t.TLS.ServerName]
}

// add takes the ends of a connection, if there is room, and the name of its server;
// "": it has none. A proxy is known to speak anything.
func (e *ends) add(client, server netip.Addr, tunnel, name string) {
	e.addAddr(client)
	if host, _ := tunnelHost(tunnel); tunnel == "" {
		e.addAddr(server)
	} else {
		e.addName(host)
	}
	e.addName(name)
}

func (e *ends) addAddr(ip netip.Addr) {
	if !e.addrs[ip] && len(e.addrs) < maxEnds {
		e.addrs[ip], e.grown = true, true
	}
}

func (e *ends) addName(name string) {
	if name != "" && !e.names[name] && len(e.names) < maxEnds {
		e.names[name], e.grown = true, true
	}
}

// knownEnds collects the ends of attempts, and of TLS connections that look like a
// WebSocket, with the bids of the latter.
func (a *Analyzer) knownEnds() (ends, bids) {
	e, like := newEnds(), bids{}
	for name := range a.movedTo {
		e.names[name] = true
	}
	j := judge{a: a}
	for i := range a.entries.n {
		g, tunnel := j.glance(i), ""
		if j.entry(i).at&tunnelled != 0 {
			tunnel = j.load(i, &j.store).Tunnel
		}
		e.add(g.client, g.server, tunnel, "")
	}
	for _, k := range a.keptTLS {
		var s store
		if t := a.keptAttempt(k.at, &s); t.TLS.Opened.Seen() && !k.opaque {
			like.add(t)
			e.add(t.Client().Addr(), t.Server().Addr(), t.Tunnel, t.TLS.ServerName)
		}
	}
	return e, like
}
