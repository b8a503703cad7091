package reassembly

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"unsafe"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// A life is what the consumer was told of one connection.
type life struct {
	log      []string
	evidence *flow.Evidence
	over     int // frame with which the evidence came
}

// A townsfolk is many short connections, at random, on some ports and two VLANs.
type townsfolk struct {
	r     *Reassembler
	rnd   *rand.Rand
	lives map[int]*life // by number of the connection
	num   int
	now   int64
	long  bool // no packet takes a short way
}

// newTownsfolk makes the same packets for the same seed, and the consumer gives
// the same answers to the same bytes.
func newTownsfolk(t *testing.T, seed uint64, cfg *Config) *townsfolk {
	k := &townsfolk{rnd: rand.New(rand.NewPCG(seed, 21)), lives: map[int]*life{}, now: 1e18}
	k.r = New(func(c *flow.Chunk) flow.Want {
		number := idOf(k.r, c.Conn)
		l := k.lives[number]
		if l == nil {
			l = &life{}
			k.lives[number] = l
			if c.Conn.State != 0 {
				t.Errorf("connection %d begins with state %d", number, c.Conn.State)
			}
		}
		if l.evidence != nil {
			t.Errorf("connection %d: a chunk after the evidence", number)
		}
		c.Conn.State = uint32(number) + 1
		l.log = append(l.log, fmt.Sprint(chunkText(c), c.Stamp, c.Seq, c.Ack))
		if c.Evidence != nil {
			e := *c.Evidence
			e.Doubts = slices.Clone(e.Doubts)
			l.evidence, l.over = &e, k.num
		}
		return flow.Want(int64(len(c.Data)+int(c.Offset))%7 - 1)
	}, cfg)
	return k
}

// send hands in one segment of the connection on a port.
func (k *townsfolk) send(port int, from flow.Dir, flags uint8, seq, ack uint32, data string, vlan int) {
	k.num++
	k.now += int64(k.rnd.IntN(30)) * millisecond
	b := rawPacket(from, uint16(port), seq, ack, flags, data, len(data))
	b = join(set(ethVLAN, 14, u16(vlan)...), b)
	p := &capture.Packet{Num: k.num, Time: k.now, Link: capture.LinkEthernet, WireLen: len(b), Data: b}
	if !k.long {
		k.r.Packet(p)
		return
	}
	for _, c := range connsOf(k.r) {
		c.half[0].flags &^= isSettled
	}
	k.r.stats.Packets++
	if p.Time >= k.r.nextTic {
		k.r.tick(p.Time)
	}
	k.r.take(k.r.decoder.packet(p.Link, p.Data, p.WireLen), p)
}

// live plays connections that overlap in time, each on its own port, so that what
// becomes of one does not depend on which others are remembered.
func (k *townsfolk) live(conns, atOnce int) {
	type person struct {
		port int
		seq  [2]uint32
		left int
		vlan int
	}
	var alive []*person
	for begun := 0; begun < conns || len(alive) > 0; {
		if begun < conns && (len(alive) < atOnce || len(alive) == 0) {
			p := &person{port: 1024 + begun, seq: [2]uint32{k.rnd.Uint32(), k.rnd.Uint32()}, left: k.rnd.IntN(12), vlan: 1 + k.rnd.IntN(2)}
			begun++
			alive = append(alive, p)
			if k.rnd.IntN(5) > 0 {
				k.send(p.port, A, flagSYN, p.seq[A]-1, 0, "", p.vlan)
				k.send(p.port, B, flagSYN|flagACK, p.seq[B]-1, p.seq[A], "", p.vlan)
			}
			continue
		}
		i := k.rnd.IntN(len(alive))
		p := alive[i]
		from := flow.Dir(k.rnd.IntN(2))
		flags, seq, ack := uint8(flagACK), p.seq[from], p.seq[from.Reverse()]
		data := "abcdefghijklmnop"[:k.rnd.IntN(17)]
		switch k.rnd.IntN(12) {
		case 0: // a hole
			seq += 5
			p.seq[from] += 5
		case 1: // sent again, with other bytes
			seq -= 3
			data = "XYZ"
		case 2:
			ack += 100
		case 3:
			data = ""
		}
		if p.left--; p.left < 0 {
			flags |= [...]uint8{flagFIN, flagRST, 0}[k.rnd.IntN(3)]
			if k.rnd.IntN(2) == 0 {
				alive = slices.Delete(alive, i, i+1)
			}
		}
		k.send(p.port, from, flags, seq, ack, data, p.vlan)
		if int32(seq+uint32(len(data))-p.seq[from]) > 0 {
			p.seq[from] = seq + uint32(len(data))
		}
		if k.rnd.IntN(40) == 0 {
			k.now += 3 * second
		}
	}
	k.r.Finish()
}

// TestRecycle has the same traffic with room for few connections, each of which
// is used for many, and with room for all: what the consumer is told of one
// connection is the same, unless it was evicted.
func TestRecycle(t *testing.T) {
	same, brought := 0, 0
	for seed := range uint64(40) {
		few := newTownsfolk(t, seed, &Config{MaxConns: 30, MaxHalfOpen: 8})
		many := newTownsfolk(t, seed, nil)
		few.live(300, 6)
		many.live(300, 6)
		if few.r.table.conns.next > 31 || few.r.stats.Evicted == 0 {
			t.Fatalf("seed %d: %d connections in memory, %d evicted", seed, few.r.table.conns.next-1, few.r.stats.Evicted)
		}
		if n := len(few.r.annexes.free); n != int(few.r.annexes.next)-1 {
			t.Errorf("seed %d: %d annexes were given back, of %d", seed, n, few.r.annexes.next-1)
		}
		byFirst := map[int]*life{}
		for _, l := range many.lives {
			byFirst[l.evidence.First.Frame] = l
		}
		for _, l := range few.lives {
			want := byFirst[l.evidence.First.Frame]
			if brought++; want == nil || l.over != want.over { // it was evicted, or is the rest of one that was
				continue
			}
			if !slices.Equal(l.log, want.log) || !sameEvidence(l.evidence, want.evidence) {
				t.Fatalf("seed %d, first packet %d:\ngot  %q\n%+v\nwant %q\n%+v", seed, l.evidence.First.Frame, l.log, l.evidence, want.log, want.evidence)
			}
			same++
		}
	}
	if same < 3000 {
		t.Errorf("%d of %d connections could be compared", same, brought)
	}
}

// sameEvidence compares all but the number.
func sameEvidence(a, b *flow.Evidence) bool {
	x, y := *a, *b
	x.ID, y.ID = 0, 0
	return reflect.DeepEqual(x, y)
}

// TestShortWay has the same traffic with and without the short way through
// Reassembler.segment, and through plain: nothing else differs.
func TestShortWay(t *testing.T) {
	for seed := range uint64(40) {
		short, long := newTownsfolk(t, seed, nil), newTownsfolk(t, seed, nil)
		short.live(100, 10)
		long.long = true
		long.live(100, 10)
		if !reflect.DeepEqual(short.lives, long.lives) {
			for id, l := range short.lives {
				if !reflect.DeepEqual(l, long.lives[id]) {
					t.Errorf("seed %d, connection %d:\ngot  %q\n%+v\nwant %q\n%+v", seed, id, l.log, l.evidence, long.lives[id].log, long.lives[id].evidence)
				}
			}
			t.FailNow()
		}
		if got, want := fmt.Sprint(short.r.Stats()), fmt.Sprint(long.r.Stats()); got != want {
			t.Errorf("seed %d: stats\n%s, want\n%s", seed, got, want)
		}
	}
}

// TestSlab: indices stay, and what is taken is empty.
func TestSlab(t *testing.T) {
	var s slab[conn]
	rnd := rand.New(rand.NewPCG(1, 22))
	taken := map[uint32]*conn{}
	for range 5 * slabPage {
		c, i := s.take()
		if *c != (conn{}) || i == 0 || taken[i] != nil || s.at(i) != c {
			t.Fatalf("took %d: %+v", i, c)
		}
		c.self, c.State, c.half[1].flags = i, 7, 9
		taken[i] = c
		for rnd.IntN(2) == 0 && len(taken) > 0 {
			for i, c := range taken {
				if c.self != i {
					t.Fatalf("%d says %d", i, c.self)
				}
				s.give(i)
				delete(taken, i)
				break
			}
		}
	}
}

// TestNoPointers: the garbage collector has nothing to follow in a slab.
func TestNoPointers(t *testing.T) {
	for _, typ := range []reflect.Type{reflect.TypeFor[conn](), reflect.TypeFor[annex](), reflect.TypeFor[slot]()} {
		if at := pointerIn(typ); at != "" {
			t.Errorf("%s has a pointer: %s", typ, at)
		}
	}
	if n := unsafe.Sizeof(annex{}); n > 256 {
		t.Errorf("an annex takes %d bytes", n)
	}
}

// pointerIn names a part of a type that holds a pointer.
func pointerIn(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct:
		for f := range t.NumField() {
			if at := pointerIn(t.Field(f).Type); at != "" {
				return t.Field(f).Name + " " + at
			}
		}
		return ""
	case reflect.Array:
		return pointerIn(t.Elem())
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return ""
	}
	return t.String()
}
