package top

import (
	"container/list"
	"net/netip"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/report"
)

// maxParties is how many clients are kept, and how many servers. Those that were
// not seen for longest are forgotten first.
const maxParties = 4096

// A party is a client, or a server, and what became of its attempts.
type party struct {
	key      netip.AddrPort
	name     string // the key as text, without the port if that is 0
	host     string // that was asked for last; "" if none is known
	attempts int
	failed   int
	last     analyze.Verdict
	seen     int64 // when its last attempt began
	causes   causes
}

// share is the part of its attempts that failed, in percent.
func (p *party) share() int { return p.failed * 100 / p.attempts }

// maxHost bounds what is kept of a host's name, in bytes.
const maxHost = 255

// add counts an attempt.
func (p *party) add(a *analyze.Attempt, b *report.Brief) {
	p.attempts++
	p.last = a.Verdict
	p.seen = max(p.seen, a.Start().Time)
	if b.Host != "" {
		p.host = cut(b.Host, maxHost)
	}
	p.fails(a, b)
}

func (p *party) fails(a *analyze.Attempt, b *report.Brief) {
	if a.Verdict.Failed() {
		p.failed++
		p.causes.add(b.Code)
	}
}

// changed corrects what was counted of an attempt, which was before the party was
// forgotten and came again perhaps.
func (p *party) changed(a *analyze.Attempt, was analyze.Verdict, b *report.Brief) {
	if was.Failed() {
		p.failed = max(0, p.failed-1)
	}
	p.fails(a, b)
	p.failed = min(p.failed, p.attempts)
	if p.seen == a.Start().Time {
		p.last = a.Verdict
	}
}

// causes count the findings that tell most of the failures of a party.
type causes [4]cause

type cause struct {
	code  string
	count int
}

// add counts a finding, for which the rarest may have to go.
func (c *causes) add(code string) {
	if code == "" {
		return
	}
	rarest := 0
	for i := range c {
		if c[i].code == code {
			c[i].count++
			return
		}
		if c[i].count < c[rarest].count {
			rarest = i
		}
	}
	c[rarest] = cause{code, 1}
}

// most returns the most frequent finding, "" if there is none.
func (c *causes) most() string {
	most := 0
	for i := range c {
		if c[i].count > c[most].count {
			most = i
		}
	}
	return c[most].code
}

// parties are the clients, or the servers, that were told of last.
type parties struct {
	order     *list.List // of *party, the last one in front
	byKey     map[netip.AddrPort]*list.Element
	forgotten int
}

func newParties() parties { return parties{list.New(), map[netip.AddrPort]*list.Element{}, 0} }

// add counts an attempt of the party with an address.
func (ps *parties) add(a *analyze.Attempt, key netip.AddrPort, b *report.Brief) {
	e := ps.byKey[key]
	if e == nil {
		if len(ps.byKey) == maxParties {
			ps.forget(ps.order.Back())
		}
		e = ps.order.PushFront(newParty(key))
		ps.byKey[key] = e
	}
	ps.order.MoveToFront(e)
	e.Value.(*party).add(a, b)
}

// changed corrects what was counted of an attempt of the party with an address,
// unless that is forgotten.
func (ps *parties) changed(a *analyze.Attempt, key netip.AddrPort, was analyze.Verdict, b *report.Brief) {
	if e := ps.byKey[key]; e != nil {
		e.Value.(*party).changed(a, was, b)
	}
}

func newParty(key netip.AddrPort) *party {
	if key.Port() == 0 {
		return &party{key: key, name: key.Addr().String()}
	}
	return &party{key: key, name: key.String()}
}

func (ps *parties) forget(e *list.Element) {
	delete(ps.byKey, ps.order.Remove(e).(*party).key)
	ps.forgotten++
}

// list appends all parties, the last one first.
func (ps *parties) list(to []party) []party {
	for e := ps.order.Front(); e != nil; e = e.Next() {
		to = append(to, *e.Value.(*party))
	}
	return to
}
