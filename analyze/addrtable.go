package analyze

import (
	"hash/maphash"
	"net/netip"
)

// An addrTable numbers addresses from 0 on: open addressing with linear probing, by
// a keyed hash. A map would cost more time and memory.
type addrTable struct {
	seed  maphash.Seed
	slots []addrSlot // a power of two, at most half full
	addrs []netip.Addr
}

type addrSlot struct {
	hash uint32
	next uint32 // the number plus one; 0: free
}

const minAddrSlots = 64

func newAddrTable() addrTable {
	return addrTable{seed: maphash.MakeSeed(), slots: make([]addrSlot, minAddrSlots)}
}

func (t *addrTable) hash(addr netip.Addr) uint32 { return uint32(maphash.Comparable(t.seed, addr)) }

// find returns the number of an address whose hash is given, -1 if it has none.
func (t *addrTable) find(addr netip.Addr, hash uint32) int {
	mask := uint32(len(t.slots) - 1)
	for i := hash & mask; t.slots[i].next != 0; i = (i + 1) & mask {
		if s := t.slots[i]; s.hash == hash && t.addrs[s.next-1] == addr {
			return int(s.next - 1)
		}
	}
	return -1
}

// add gives an address that has none the next number.
func (t *addrTable) add(addr netip.Addr, hash uint32) (number int) {
	if 2*len(t.addrs) >= len(t.slots) {
		old := t.slots
		t.slots = make([]addrSlot, 2*len(old))
		for _, s := range old {
			if s.next != 0 {
				t.place(s)
			}
		}
	}
	t.addrs = append(t.addrs, addr)
	t.place(addrSlot{hash, uint32(len(t.addrs))})
	return len(t.addrs) - 1
}

func (t *addrTable) place(s addrSlot) {
	mask := uint32(len(t.slots) - 1)
	i := s.hash & mask
	for t.slots[i].next != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = s
}
