package reassembly

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// TestConnSize: there are a million of them.
func TestConnSize(t *testing.T) {
	if n := unsafe.Sizeof(conn{}); n != 192 && bits.UintSize == 64 {
		t.Errorf("a connection takes %d bytes, want three cache lines", n)
	}
	if n := unsafe.Sizeof(slot{}); n != 8 {
		t.Errorf("a slot takes %d bytes, want 8", n)
	}
	if at := unsafe.Offsetof(conn{}.half); at != 64 {
		t.Errorf("the halves begin at %d, want the second cache line", at)
	}
}

// endsNumber makes the ends of a connection out of a number.
func endsNumber(n uint64) flow.Ends {
	return flow.Ends{IP: [2][2]uint64{{0, n}, {0, n ^ 0xffff}}, Port: [2]uint16{uint16(n), 80}}
}

// add puts a connection with some ends into the table.
func (t *table) add(e flow.Ends) *conn {
	c, self := t.conns.take()
	c.self, c.Ends, c.hash = self, e, t.hash(&e)
	t.insert(c)
	return c
}

// TestTable adds and removes connections at random, with a map as the model.
// Weak secrets and few connections make runs that collide and wrap around.
func TestTable(t *testing.T) {
	for seed := range uint64(20) {
		checkTable(t, rand.New(rand.NewPCG(seed, 1)), seed)
	}
}

func checkTable(t *testing.T, rng *rand.Rand, seed uint64) {
	tab, model := table{secret: [4]uint64{seed, seed}}, map[flow.Ends]*conn{}
	numbers := 100 + 400*rng.Uint64N(10)
	for range 20_000 {
		e := endsNumber(rng.Uint64N(numbers))
		c, _ := tab.find(&e, tab.hash(&e))
		if c != model[e] {
			t.Fatalf("seed %d: ends %v find %p, want %p", seed, e, c, model[e])
		}
		switch {
		case c == nil:
			model[e] = tab.add(e)
		case rng.IntN(3) > 0:
			tab.remove(c)
			tab.conns.give(c.self)
			delete(model, e)
		}
		if tab.used != len(model) {
			t.Fatalf("seed %d: %d used, want %d", seed, tab.used, len(model))
		}
	}
	for e, c := range model {
		if got, _ := tab.find(&e, tab.hash(&e)); got != c {
			t.Fatalf("seed %d: ends %v find %p, want %p", seed, e, got, c)
		}
	}
	if most := uint32(numbers) + 1; tab.conns.next > most {
		t.Errorf("seed %d: %d connections were taken, want at most %d", seed, tab.conns.next, most)
	}
}

// TestTableFull crowds one run: all hashes have the same home slot.
func TestTableFull(t *testing.T) {
	tab := table{secret: [4]uint64{1, 1 << 40}}
	var crowd []*conn
	for n := uint64(0); len(crowd) < 50; n++ {
		e := endsNumber(n)
		if tab.hash(&e)%minSlots == minSlots-1 { // the last slot: the run wraps around
			crowd = append(crowd, tab.add(e))
		}
	}
	for i, c := range crowd {
		if i%2 == 0 {
			tab.remove(c)
		}
	}
	for i, c := range crowd {
		if got, _ := tab.find(&c.Ends, tab.hash(&c.Ends)); (got == nil) != (i%2 == 0) {
			t.Errorf("connection %d: found %p", i, got)
		}
	}
	if tab.used != len(crowd)/2 {
		t.Errorf("%d used, want %d", tab.used, len(crowd)/2)
	}
}

// TestTableUses puts several connections with the same ends into the table and
// takes them out in any order: the newest of the rest is always found.
func TestTableUses(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		tab := table{secret: [4]uint64{rng.Uint64(), rng.Uint64()}}
		e := endsNumber(rng.Uint64())
		uses := []*conn{tab.add(e)} // newest last
		for range rng.IntN(5) {
			c, self := tab.conns.take()
			c.self, c.Ends, c.hash = self, e, tab.hash(&e)
			tab.supersede(uses[len(uses)-1], c)
			uses = append(uses, c)
		}
		for len(uses) > 0 {
			i := rng.IntN(len(uses))
			tab.remove(uses[i])
			uses = append(uses[:i:i], uses[i+1:]...)
			c, _ := tab.find(&e, tab.hash(&e))
			for j := len(uses) - 1; j >= 0; j-- {
				if c != uses[j] || (c.flags&hasOlder != 0) != (j > 0) {
					t.Fatalf("%d uses left: found %p for number %d, flags %x", len(uses), c, j, c.flags)
				}
				if c = nil; j > 0 {
					c = tab.conns.at(uses[j].older)
				}
			}
			if c != nil {
				t.Fatal("found a connection that was taken out")
			}
		}
		if tab.used != 0 {
			t.Errorf("%d used, want none", tab.used)
		}
	}
}

// TestEnds finds connections in both directions, and no others: few addresses
// and ports make many that differ in one place, and many of an end with itself.
func TestEnds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	tab, model := table{secret: [4]uint64{rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64()}}, map[flow.Ends]*conn{}
	selves := 0
	for range 3000 {
		a, b := randomEnd(rng), randomEnd(rng)
		if len(a) != len(b) {
			continue
		}
		there, back := packed(a[2:], b[2:], binary.BigEndian.Uint16(a), binary.BigEndian.Uint16(b)), packed(b[2:], a[2:], binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(a))
		if tab.hash(&there) != tab.hash(&back) {
			t.Fatalf("%v hashes otherwise one way than the other", there)
		}
		want, wantDir := model[there], A
		if want == nil && model[back] != nil {
			want, wantDir = model[back], B
		}
		got, dir := tab.find(&there, tab.hash(&there))
		if got != want || got != nil && dir != wantDir {
			t.Fatalf("%v: found %p, direction %d, want %p, %d", there, got, dir, want, wantDir)
		}
		if got == nil {
			model[there] = tab.add(there)
		}
		if there == back {
			selves++
		}
	}
	if selves < 10 {
		t.Errorf("%d ends met themselves", selves)
	}
}

// TestCompare compares ends that differ in one bit, or not at all.
func TestCompare(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 1000 {
		c := conn{Conn: flow.Conn{Ends: flow.Ends{V6: true, Port: [2]uint16{uint16(rng.Uint32()), uint16(rng.Uint32())}}}}
		c.IP = [2][2]uint64{{rng.Uint64(), rng.Uint64()}, {rng.Uint64(), rng.Uint64()}}
		turned := flow.Ends{V6: true, Port: [2]uint16{c.Port[1], c.Port[0]}, IP: [2][2]uint64{c.IP[1], c.IP[0]}}
		for i, e := range []flow.Ends{c.Ends, turned} {
			if there, back := c.compare(&e); there != uint64(i) || back != uint64(1-i) {
				t.Fatalf("%v with %v: %d, %d", c.Ends, e, there, back)
			}
			switch n := rng.IntN(3); n {
			case 2:
				e.Port[rng.IntN(2)] ^= 1 << rng.IntN(16)
			default:
				e.IP[rng.IntN(2)][n] ^= 1 << rng.IntN(64)
			}
			if there, back := c.compare(&e); there != 1 || back != 1 {
				t.Fatalf("%v with %v: %d, %d", c.Ends, e, there, back)
			}
		}
	}
	tab := table{secret: [4]uint64{1, 0, 0, 0}} // all IPv4 ends have one hash
	e := endsNumber(5)
	tab.add(e)
	six := e
	six.V6 = true
	if c, _ := tab.find(&six, tab.hash(&e)); c != nil {
		t.Error("IPv6 ends find an IPv4 connection")
	}
}

// randomEnd returns a port and an address, out of few so that they meet.
func randomEnd(rng *rand.Rand) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(rng.IntN(3)))
	if rng.IntN(2) == 0 {
		return binary.BigEndian.AppendUint32(b, rng.Uint32N(3))
	}
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, rng.Uint64N(2)), rng.Uint64N(3))
}

// TestHashSpreads: connections that look alike get hashes that do not, in the low
// bits, which choose the slot, and as a whole.
func TestHashSpreads(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, v6 := range []bool{false, true} {
		tab := table{secret: [4]uint64{rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64()}}
		const n, slots = 1 << 16, 1 << 16
		all, low := map[uint32]bool{}, map[uint32]bool{}
		for i := range uint64(n) {
			e := flow.Ends{IP: [2][2]uint64{{0, 10<<24 | i>>8}, {0, 10<<24 | 1}}, Port: [2]uint16{uint16(1024 + i&0xff), 80}, V6: v6}
			h := tab.hash(&e)
			all[h], low[h%slots] = true, true
		}
		if len(all) < n-40 { // by chance, n²/2^33 would be in pairs
			t.Errorf("IPv6 %v: %d hashes of %d connections", v6, len(all), n)
		}
		if want := slots * 62 / 100; len(low) < want { // by chance, 1-1/e of the slots are hit
			t.Errorf("IPv6 %v: %d slots hit by %d connections, want %d", v6, len(low), n, want)
		}
	}
}
