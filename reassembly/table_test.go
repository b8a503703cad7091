package reassembly

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// keyNumber makes the key of a connection out of a number.
func keyNumber(n uint64) key { return key{lo: [2]uint64{0, n}, hi: [2]uint64{0, n ^ 0xffff}, ports: n} }

// TestTable adds and removes connections at random, with a map as the model.
// Secret 0 and few keys make runs that collide and wrap around.
func TestTable(t *testing.T) {
	for seed := range uint64(20) {
		checkTable(t, rand.New(rand.NewPCG(seed, 1)), seed)
	}
}

func checkTable(t *testing.T, rng *rand.Rand, seed uint64) {
	tab, model := table{secret: seed}, map[key]*conn{}
	keys := 100 + 400*rng.Uint64N(10)
	for range 20_000 {
		k := keyNumber(rng.Uint64N(keys))
		c := tab.find(&k)
		if c != model[k] {
			t.Fatalf("seed %d: key %v finds %p, want %p", seed, k, c, model[k])
		}
		switch {
		case c == nil:
			c = &conn{key: k}
			tab.insert(c)
			model[k] = c
		case rng.IntN(3) > 0:
			tab.remove(c)
			delete(model, k)
		}
		if tab.used != len(model) {
			t.Fatalf("seed %d: %d used, want %d", seed, tab.used, len(model))
		}
	}
	for k, c := range model {
		if got := tab.find(&k); got != c {
			t.Fatalf("seed %d: key %v finds %p, want %p", seed, k, got, c)
		}
	}
}

// TestTableFull crowds one run: all hashes have the same home slot.
func TestTableFull(t *testing.T) {
	tab := table{}
	var crowd []*conn
	for n := uint64(0); len(crowd) < 50; n++ {
		k := keyNumber(n)
		if k.hash(0)%minSlots == minSlots-1 { // the last slot: the run wraps around
			crowd = append(crowd, &conn{key: k})
			tab.insert(crowd[len(crowd)-1])
		}
	}
	for i, c := range crowd {
		if i%2 == 0 {
			tab.remove(c)
			tab.remove(c) // a second time does nothing
		}
	}
	for i, c := range crowd {
		if got := tab.find(&c.key); (got == nil) != (i%2 == 0) {
			t.Errorf("connection %d: found %p", i, got)
		}
	}
	if tab.used != len(crowd)/2 {
		t.Errorf("%d used, want %d", tab.used, len(crowd)/2)
	}
}

func TestKeyOf(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	seen := map[key][2]string{}
	for range 2000 {
		a, b := address(rng), address(rng)
		if len(a.src) != len(b.src) {
			continue
		}
		there := segment{src: a.src, sport: a.sport, dst: b.src, dport: b.sport}
		back := segment{src: b.src, sport: b.sport, dst: a.src, dport: a.sport}
		k, swapped := keyOf(&there)
		again, reverse := keyOf(&back)
		if k != again {
			t.Fatalf("key %v one way, %v the other", k, again)
		}
		same := string(a.src) == string(b.src) && a.sport == b.sport
		if swapped == reverse && !same {
			t.Fatalf("swapped %v both ways of %v", swapped, k)
		}
		ends := [2]string{a.String(), b.String()}
		if swapped {
			ends[0], ends[1] = ends[1], ends[0]
		}
		if was, ok := seen[k]; ok && was != ends {
			t.Fatalf("key %v of %q and of %q", k, was, ends)
		}
		seen[k] = ends
	}
}

// address returns the sender of a segment, out of few so that they meet.
func address(rng *rand.Rand) *segment {
	s := &segment{sport: uint16(rng.IntN(3))}
	if rng.IntN(2) == 0 {
		s.src = binary.BigEndian.AppendUint32(nil, rng.Uint32N(3))
	} else {
		s.src = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, rng.Uint64N(2)), rng.Uint64N(3))
	}
	return s
}

func (s *segment) String() string { return string(s.src) + string(rune(s.sport)) }
