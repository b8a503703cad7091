package analyze

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
)

// TestTurnout counts the attempts of more clients than have a place of their own:
// no client is said to have fewer than it has, and a stranger is known as such while
// there is room.
func TestTurnout(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 4))
	addr := func(n int) netip.Addr {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(n))
		if n%3 == 0 {
			return netip.AddrFrom16([16]byte{0x20, 1, 12: b[0], b[1], b[2], b[3]})
		}
		return netip.AddrFrom4(b)
	}
	c, want, first := newTurnout(), map[netip.Addr]int32{}, map[netip.Addr]bool{}
	for n := range 3 * maxTurnout {
		client := addr(rnd.IntN(n + 1))
		c.add(client)
		want[client]++
		if len(want) <= maxTurnout {
			first[client] = true
		}
		if n == maxTurnout/2 && c.of(netip.MustParseAddr("192.0.2.1")) != 0 {
			t.Error("a stranger has attempts")
		}
	}
	if len(want) < maxTurnout+1000 || len(c.count) != maxTurnout {
		t.Fatalf("%d clients, %d counts", len(want), len(c.count))
	}
	shared, most := 0, int32(0)
	for client, n := range want {
		got := c.of(client)
		if got < n {
			t.Fatalf("%v: %d, want %d or more", client, got, n)
		}
		if first[client] && got > n {
			shared++ // with a later one
		}
		most = max(most, n)
	}
	if c.most < most || shared == 0 {
		t.Errorf("at most %d, want %d; %d shared", c.most, most, shared)
	}
}

// TestAddrTable finds what was put in, and nothing else.
func TestAddrTable(t *testing.T) {
	table := newAddrTable()
	at := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}) }
	const many = 5 * minAddrSlots
	for n := range many {
		if got := table.find(at(n), table.hash(at(n))); got != -1 {
			t.Fatalf("%v has number %d before it has one", at(n), got)
		}
		if got := table.add(at(n), table.hash(at(n))); got != n {
			t.Fatalf("%v gets number %d, want %d", at(n), got, n)
		}
		for _, k := range []int{0, n / 2, n} {
			if got := table.find(at(k), table.hash(at(k))); got != k {
				t.Fatalf("%v has number %d, want %d", at(k), got, k)
			}
		}
	}
}
