package analyze

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// Bounds of what is kept of the servers of TLS connections.
const (
	maxEndpoints       = 1 << 14 // names at addresses
	maxIssuers         = 4       // of certificates of one
	maxEndpointClients = 8       // of one, those whose handshakes went well, those whose failed, and those that saw an issuer
)

const (
	minFailedAlone = 3 // so many handshakes must fail at one address, and so many go well at others
	mostly         = 5 // of so many, all but one
)

// Endpoints are the servers of all TLS connections, listed or not, by the names that were
// asked for: what happens at one can be compared with others.
type endpoints struct {
	index map[endpointKey]*endpoint
	order []*endpoint // as they came
}

type endpointKey struct {
	name string // of the server, in lower case, never ""
	addr netip.AddrPort
}

// An endpoint is a name at an address.
type endpoint struct {
	endpointKey
	hellos  int    // connections with a ClientHello
	opened  visits // whose handshakes went well
	failed  visits // attempts that failed in the handshake
	frame   int    // of the first of them
	codes   causes
	issuers []issuer // of certificates for the name
}

// Visits are some connections and the time that they took.
type visits struct {
	n           int
	first, last int64
	clients     []netip.Addr // some of them, each once
}

// An issuer is one who issued certificates that are there for a name.
type issuer struct {
	visits
	name   string
	logged bool // its certificates are in public logs
	frame  int  // of the first
}

func (s *visits) add(client netip.Addr, at int64) {
	if s.n++; s.n == 1 {
		s.first, s.last = at, at
	}
	s.first, s.last = min(s.first, at), max(s.last, at)
	if len(s.clients) < maxEndpointClients && !slices.Contains(s.clients, client) {
		s.clients = append(s.clients, client)
	}
}

// overlaps reports whether neither was over before the other began.
func (s *visits) overlaps(o *visits) bool {
	return s.n > 0 && o.n > 0 && s.first <= o.last && o.first <= s.last
}

// at returns an endpoint, nil if there is no room for it.
func (l *endpoints) at(key endpointKey) *endpoint {
	s := l.index[key]
	if s == nil && len(l.order) < maxEndpoints {
		if l.index == nil {
			l.index = map[endpointKey]*endpoint{}
		}
		s = &endpoint{endpointKey: key}
		l.index[key], l.order = s, append(l.order, s)
	}
	return s
}

// noteEndpoint counts a TLS connection of which no more is to come that matters here.
func (a *Analyzer) noteEndpoint(s *session, client, server netip.AddrPort) {
	if s.hello == nil || s.hello.ServerName == "" {
		return
	}
	k := a.endpoints.at(endpointKey{s.hello.ServerName, server})
	if k == nil {
		a.result.UncomparedTLS++
		return
	}
	at := s.Asked.Time
	k.hellos++
	if s.Opened.Seen() && !s.ways[0].alert.Fatal && !s.ways[1].alert.Fatal {
		k.opened.add(client.Addr(), at)
	}
	if len(s.chain) > 0 {
		k.addIssuer(a.certificates.at(s.chain[0]), s.CertificateAt, client.Addr())
	}
}

// addIssuer notes who issued a server's certificate, if it is for the name.
func (k *endpoint) addIssuer(c *Certificate, at flow.Stamp, client netip.Addr) {
	if !c.Parsed || c.SelfSigned || !c.Covers(k.name) {
		return
	}
	i := slices.IndexFunc(k.issuers, func(o issuer) bool { return o.name == c.Issuer && o.logged == c.Logged })
	if i < 0 {
		if len(k.issuers) >= maxIssuers {
			return
		}
		i = len(k.issuers)
		k.issuers = append(k.issuers, issuer{name: c.Issuer, logged: c.Logged, frame: at.Frame})
	}
	k.issuers[i].add(client, at.Time)
	k.issuers[i].frame = min(k.issuers[i].frame, at.Frame) // connections come in the order of their ends
}

// fail counts an attempt whose handshake failed.
func (l *endpoints) fail(t *Attempt) {
	k := l.index[endpointKey{t.TLS.ServerName, t.Server()}]
	if k == nil {
		return
	}
	if k.failed.n == 0 {
		k.frame = t.order()
	}
	k.failed.add(t.Client().Addr(), t.TLS.Asked.Time)
	k.codes.add(t)
}

// incidents returns what endpoints show, of the servers of attempts.
func (l *endpoints) incidents(servers map[netip.AddrPort]*service) (list []Incident) {
	type target struct {
		name string
		port uint16
	}
	names := map[target][]*endpoint{}
	for _, k := range l.order {
		p := target{k.name, k.addr.Port()}
		names[p] = append(names[p], k)
	}
	for _, k := range l.order {
		if servers[k.addr] == nil {
			continue
		}
		if i, ok := k.intercepted(); ok {
			list = append(list, i)
		}
		if i, ok := k.failsAlone(names[target{k.name, k.addr.Port()}]); ok {
			list = append(list, i)
		}
	}
	return list
}

// intercepted finds out whether some see a certificate of another issuer than others
// do meanwhile, at the same address. A server may have certificates of several
// authorities, and changes them; but those of public ones are in logs, and what is
// made on the path is not.
func (k *endpoint) intercepted() (i Incident, ok bool) {
	for _, made := range k.issuers {
		for _, real := range k.issuers {
			if made.logged || !real.logged || made.name == real.name || !made.overlaps(&real.visits) {
				continue
			}
			i = Incident{
				Finding: newFinding(TLSMITMSuspected, Server, made.frame, "certificate", fmt.Sprintf("%s, issued by %s", k.name, made.name), "by "+real.name+" for others, and in public logs"),
				From:    made.first, To: made.last, Server: k.addr, Attempts: made.n, Clients: len(made.clients),
			}
			return i, true
		}
	}
	return i, false
}

// failsAlone finds out whether handshakes fail at one address of a name while they go
// well at others, for the same clients too.
func (k *endpoint) failsAlone(all []*endpoint) (i Incident, ok bool) {
	f := &k.failed
	if f.n < minFailedAlone || k.opened.n > 0 || f.n*mostly < k.hellos*(mostly-1) {
		return i, false
	}
	opened, hellos, addrs, same, meanwhile := 0, 0, 0, 0, false
	for _, o := range all {
		if o.opened.n == 0 || o.opened.n*mostly < o.hellos*(mostly-1) {
			continue
		}
		opened, hellos, addrs = opened+o.opened.n, hellos+o.hellos, addrs+1
		meanwhile = meanwhile || o.opened.overlaps(f)
	}
	for _, c := range f.clients {
		if slices.ContainsFunc(all, func(o *endpoint) bool { return slices.Contains(o.opened.clients, c) }) {
			same++
		}
	}
	if opened < minFailedAlone || same == 0 || !meanwhile {
		return i, false
	}
	k.codes.sort()
	got := fmt.Sprintf("%s: %d of %d handshakes failed", k.name, f.n, k.hellos)
	if len(k.codes) > 0 {
		got += ", mostly " + k.codes[0].Code.String()
	}
	want := fmt.Sprintf("%d of %d went well at other addresses (%d), for %d of the same clients too", opened, hellos, addrs, same)
	return Incident{
		Finding: newFinding(TLSIntermittentByPOP, Server, k.frame, "", got, want),
		From:    f.first, To: f.last, Server: k.addr, Attempts: f.n, Clients: len(f.clients),
	}, true
}
