package analyze

import (
	"hash/maphash"
	"net/netip"
)

// A turnout counts the attempts of each client in a table of fixed size, where
// several clients may share a place: it tells who has few for certain.
type turnout struct {
	seed  maphash.Seed
	count []int32
	most  int32
}

const turnoutPlaces = 1 << 16

func (c *turnout) of(client netip.Addr) *int32 {
	return &c.count[maphash.Comparable(c.seed, client)%turnoutPlaces]
}

func (c *turnout) add(client netip.Addr) {
	if c.count == nil {
		c.seed, c.count = maphash.MakeSeed(), make([]int32, turnoutPlaces)
	}
	n := c.of(client)
	*n++
	c.most = max(c.most, *n)
}
