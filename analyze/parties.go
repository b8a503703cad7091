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

// Concerns reports whether an incident is about one of them.
func (p *Parties) Concerns(i *Incident) bool {
	_, client := p.Clients[i.Client]
	return client || p.Servers[i.Server]
}
