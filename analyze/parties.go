package analyze

import "net/netip"

// Parties are the clients and servers of some attempts.
type Parties struct {
	Clients map[netip.Addr]bool // whether one of its attempts failed
	Servers map[netip.AddrPort]bool
}

// NewParties returns those of no attempt.
func NewParties() Parties {
	return Parties{map[netip.Addr]bool{}, map[netip.AddrPort]bool{}}
}

// Add adds those of an attempt.
func (p *Parties) Add(t *Attempt) {
	client := t.Client().Addr()
	p.Clients[client] = p.Clients[client] || t.Verdict.Failed()
	p.Servers[t.Server()] = true
}

// Has reports whether a client is one of them; nil are all.
func (p *Parties) Has(client netip.Addr) bool {
	if p == nil {
		return true
	}
	_, ok := p.Clients[client]
	return ok
}

// Concerns reports whether an incident is about one of them; nil are all.
func (p *Parties) Concerns(i *Incident) bool {
	return p.Has(i.Client) || p.Servers[i.Server]
}
