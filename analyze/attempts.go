package analyze

import (
	"iter"
	"net/netip"
	"slices"
)

// Attempts is a list of attempts. It is small, however many there are: most are
// judged when they are asked for.
type Attempts struct {
	n      int
	at     func(i int) *Attempt
	client func(i int) netip.Addr
	picked []int32 // indices for at; nil: all
}

// NewAttempts makes a list of attempts that are at hand.
func NewAttempts(list ...*Attempt) Attempts {
	return Attempts{n: len(list), at: func(i int) *Attempt { return list[i] }, client: func(i int) netip.Addr { return list[i].Client().Addr() }}
}

// Len returns how many there are.
func (l Attempts) Len() int { return l.n }

// At returns the attempt at an index. It is valid until the next call of any
// method of the list, or of one that it was selected from or into; Clone makes
// one that stays.
func (l Attempts) At(i int) *Attempt { return l.at(l.index(i)) }

// All goes through the list; each attempt is valid until the next, see At.
func (l Attempts) All() iter.Seq[*Attempt] {
	return func(yield func(*Attempt) bool) {
		for i := range l.n {
			if !yield(l.At(i)) {
				return
			}
		}
	}
}

// Select returns a list of those to keep.
func (l Attempts) Select(keep func(*Attempt) bool) Attempts {
	picked := make([]int32, 0)
	for i := range l.n {
		if keep(l.At(i)) {
			picked = append(picked, int32(l.index(i)))
		}
	}
	l.n, l.picked = len(picked), picked
	return l
}

// Of returns a list of those of some clients. It judges none, which makes it much
// cheaper than Select.
func (l Attempts) Of(clients map[netip.Addr]bool) Attempts {
	picked := make([]int32, 0)
	for i := range l.n {
		if i := l.index(i); clients[l.client(i)] {
			picked = append(picked, int32(i))
		}
	}
	l.n, l.picked = len(picked), picked
	return l
}

func (l Attempts) index(i int) int {
	if l.picked != nil {
		return int(l.picked[i])
	}
	return i
}

// Clone returns a copy that stays as it is.
func (t *Attempt) Clone() *Attempt {
	c := *t
	c.Conn = cloneEvidence(t.Conn)
	c.Request, c.Response = t.Request.clone(), t.Response.clone()
	if t.TLS != nil {
		x := *t.TLS
		c.TLS = &x
	}
	if t.H2 != nil {
		x := *t.H2
		c.H2 = &x
	}
	c.Findings, c.Interim, c.others = slices.Clone(t.Findings), slices.Clone(t.Interim), slices.Clone(t.others)
	return &c
}

func (m *Message) clone() *Message {
	if m == nil {
		return nil
	}
	c := *m
	c.Head.Fields = slices.Clone(m.Head.Fields)
	return &c
}
