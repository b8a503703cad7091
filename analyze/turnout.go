package analyze

import "net/netip"

// A turnout counts the attempts of each client. Beyond the first maxTurnout several
// share a place: it tells who has few for certain.
type turnout struct {
	clients addrTable
	count   []int32 // by the client's number
	most    int32
}

const maxTurnout = 1 << 16

func newTurnout() turnout { return turnout{clients: newAddrTable()} }

// of returns how many a client has at most.
func (c *turnout) of(client netip.Addr) int32 {
	hash := c.clients.hash(client)
	n := c.clients.find(client, hash)
	switch {
	case n >= 0:
		return c.count[n]
	case len(c.count) < maxTurnout:
		return 0
	}
	return c.count[hash%maxTurnout]
}

func (c *turnout) add(client netip.Addr) {
	hash := c.clients.hash(client)
	n := c.clients.find(client, hash)
	switch {
	case n >= 0:
	case len(c.count) < maxTurnout:
		n = c.clients.add(client, hash)
		c.count = append(c.count, 0)
	default:
		n = int(hash % maxTurnout)
	}
	c.count[n]++
	c.most = max(c.most, c.count[n])
}
