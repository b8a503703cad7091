package reassembly

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// A site is a capture of several networks, told apart by VLAN, that use the same
// addresses and ports. What the consumer is told is a line for each chunk, with
// the number of the connection.
type site struct {
	r    *Reassembler
	isn  map[int][2]uint32 // of each VLAN's connection
	port uint16
	now  int64
	num  int
	log  []string
	want func(*flow.Chunk) flow.Want // nil: all
}

func newSite(cfg *Config) *site {
	k := &site{isn: map[int][2]uint32{}, port: 51234, now: 1e18}
	k.r = New(func(c *flow.Chunk) flow.Want {
		k.log = append(k.log, fmt.Sprintf("%d:%s", idOf(k.r, c.Conn), chunkText(c)))
		if k.want == nil {
			return flow.All
		}
		return k.want(c)
	}, cfg)
	return k
}

// send hands in one segment of a VLAN's connection, which shows in others too.
func (k *site) send(vlan int, from flow.Dir, flags uint8, off, ack int, data string, shows ...int) {
	isn, ok := k.isn[vlan]
	if !ok {
		isn = [2]uint32{1000, 5000}
	}
	seq := isn[from] + 1 + uint32(off)
	if flags&flagSYN != 0 {
		seq--
	}
	b := rawPacket(from, k.port, seq, isn[from.Reverse()]+1+uint32(ack), flags, data, len(data))
	for _, in := range append([]int{vlan}, shows...) {
		k.num++
		k.now += millisecond
		tagged := join(set(ethVLAN, 14, u16(in)...), b)
		k.r.Packet(&capture.Packet{Num: k.num, Time: k.now, Link: capture.LinkEthernet, WireLen: len(tagged), Data: tagged})
	}
}

// nonsense hands in a TCP header that is longer than its packet.
func (k *site) nonsense(vlan int) {
	k.num++
	b := set(rawPacket(A, k.port, 77, 0, flagACK, "", 0), 32, 0xf0)
	tagged := join(set(ethVLAN, 14, u16(vlan)...), b)
	k.r.Packet(&capture.Packet{Num: k.num, Time: k.now, Link: capture.LinkEthernet, WireLen: len(tagged), Data: tagged})
}

func (k *site) handshake(vlan int, shows ...int) {
	k.send(vlan, A, flagSYN, 0, 0, "", shows...)
	k.send(vlan, B, flagSYN|flagACK, 0, 0, "", shows...)
	k.send(vlan, A, flagACK, 0, 0, "", shows...)
}

func (k *site) data(vlan int, from flow.Dir, off int, data string, shows ...int) {
	k.send(vlan, from, flagACK|flagPSH, off, 0, data, shows...)
}

func (k *site) close(vlan, offA, offB int) {
	k.send(vlan, A, flagFIN|flagACK, offA, offB, "")
	k.send(vlan, B, flagFIN|flagACK, offB, offA+1, "")
}

func TestUses(t *testing.T) {
	for _, c := range []struct {
		name string
		isn2 [2]uint32 // of VLAN 2; VLAN 1 has 1000 and 5000
		play func(k *site)
		want []string
	}{
		{"the same numbers, in the order q2 q1 a2 a1", [2]uint32{1000, 5000}, func(k *site) {
			k.handshake(1, 2)
			k.data(2, A, 0, "two")
			k.data(1, A, 0, "one")
			k.send(2, B, flagACK|flagPSH, 0, 3, "TWO")
			k.send(1, B, flagACK|flagPSH, 0, 3, "ONE")
		}, []string{"0:A0 two", "1:A0 one", "0:B0 TWO", "1:B0 ONE", "0:A3 end", "0:B3 end", "1:A3 end", "1:B3 end"}},
		{"the same numbers, in the order q2 q1 a1 a2", [2]uint32{1000, 5000}, func(k *site) {
			k.handshake(1, 2)
			k.data(2, A, 0, "two")
			k.data(1, A, 0, "one")
			k.send(1, B, flagACK|flagPSH, 0, 3, "ONE")
			k.send(2, B, flagACK|flagPSH, 0, 3, "TWO")
		}, []string{"0:A0 two", "1:A0 one", "1:B0 ONE", "0:B0 TWO", "0:A3 end", "0:B3 end", "1:A3 end", "1:B3 end"}},
		{"the same numbers, in the order q1 q2 a2 a1", [2]uint32{1000, 5000}, func(k *site) {
			k.handshake(1, 2)
			k.data(1, A, 0, "one")
			k.data(2, A, 0, "two")
			k.send(2, B, flagACK|flagPSH, 0, 3, "TWO")
			k.send(1, B, flagACK|flagPSH, 0, 3, "ONE")
		}, []string{"0:A0 one", "1:A0 two", "1:B0 TWO", "0:B0 ONE", "0:A3 end", "0:B3 end", "1:A3 end", "1:B3 end"}},
		{"the same numbers, in the order q1 q2 a1 a2", [2]uint32{1000, 5000}, func(k *site) {
			k.handshake(1, 2)
			k.data(1, A, 0, "one")
			k.data(2, A, 0, "two")
			k.send(1, B, flagACK|flagPSH, 0, 3, "ONE")
			k.send(2, B, flagACK|flagPSH, 0, 3, "TWO")
		}, []string{"0:A0 one", "1:A0 two", "0:B0 ONE", "1:B0 TWO", "0:A3 end", "0:B3 end", "1:A3 end", "1:B3 end"}},
		{"a header that makes no sense comes first", [2]uint32{1000, 5000}, func(k *site) {
			k.nonsense(2)
			k.send(1, A, flagSYN, 0, 0, "")
			k.send(2, B, flagSYN|flagACK, 0, 0, "")
			k.send(1, A, flagACK, 0, 0, "")
			k.data(1, A, 0, "abc")
			k.data(2, B, 0, "12")
		}, []string{"1:A0 abc", "1:B0 12", "1:A3 end", "1:B2 end"}},
		{"known by a bare ACK only", [2]uint32{1 << 30, 1 << 29}, func(k *site) {
			k.send(1, A, flagACK, 0, 0, "")
			k.data(2, A, 0, "ABC")
			k.data(1, A, 0, "abc")
		}, []string{"1:A0 lost -1 ABC", "0:A0 lost -1 abc", "0:A3 end", "0:B0 end", "1:A3 end", "1:B0 end"}},
		{"a stray reset, then another way", [2]uint32{1 << 30, 1 << 29}, func(k *site) {
			k.handshake(1)
			k.send(2, A, flagRST, 0, 0, "")
			k.isn[2] = [2]uint32{1000, 5000}
			k.data(2, A, 0, "abc")
			k.data(2, B, 0, "12")
			k.data(2, A, 3, "def")
		}, []string{"0:A0 abc", "0:B0 12", "0:A3 def", "0:A6 end", "0:B2 end"}},
		{"keep-alive probes in two VLANs", [2]uint32{1000, 5000}, func(k *site) {
			k.handshake(1, 2)
			k.data(1, A, 0, "abc", 2)
			k.send(1, A, flagACK, 2, 0, "\x00", 2)
			k.data(1, A, 3, "def", 2)
		}, []string{"0:A0 abc", "0:A3 def", "0:A6 end", "0:B0 end"}},
		{"sent again with other bytes, in two VLANs", [2]uint32{1000, 5000}, func(k *site) {
			k.handshake(1, 2)
			k.data(1, A, 0, "abc", 2)
			k.data(1, A, 0, "aXc", 2)
		}, []string{"0:A0 abc", "0:A3 end", "0:B0 end"}},
		{"one direction only, many bytes acknowledged", [2]uint32{1000, 5000}, func(k *site) {
			k.send(1, A, flagSYN, 0, 0, "", 2)
			for i := range 9 {
				k.send(1, A, flagACK, 0, i<<19, "", 2)
			}
			k.send(1, A, flagACK, 0, 8<<19, "abc", 2)
		}, []string{"0:A0 abc", "0:A3 end", "0:B0 end"}},
		{"a SYN and its copy behind a late copy of the use before", [2]uint32{1000, 5000}, func(k *site) {
			k.handshake(1)
			k.data(1, A, 0, "old")
			k.close(1, 3, 0)
			k.isn[1] = [2]uint32{1 << 30, 1 << 29}
			k.send(1, A, flagSYN, 0, 0, "")
			k.send(2, B, flagACK|flagFIN, 0, 4, "")
			k.isn[2] = k.isn[1]
			k.send(2, A, flagSYN, 0, 0, "")
			k.data(1, A, 0, "new")
			k.data(2, A, 0, "new")
		}, []string{"0:A0 old", "0:A3 FIN", "0:B0 FIN", "1:A0 new", "1:A3 end", "1:B0 end"}},
		{"SYNs of nobody", [2]uint32{}, func(k *site) {
			k.handshake(1)
			k.data(1, A, 0, "abc")
			for i := range uint32(2 * maxUses) {
				k.isn[1] = [2]uint32{1<<30 + i<<22, 1}
				k.send(1, A, flagSYN, 0, 0, "")
			}
			k.isn[1] = [2]uint32{1000, 5000}
			k.log = k.log[:1]
			k.data(1, A, 3, "def")
			k.log = k.log[:2] // not what becomes of the others
			k.r.Finish()
			k.log = k.log[:2]
		}, []string{"0:A0 abc", "0:A3 def"}},
		{"each packet in two VLANs", [2]uint32{}, func(k *site) {
			k.handshake(1, 2)
			k.data(1, A, 0, "abc", 2)
			k.data(1, B, 0, "12", 2)
			k.data(1, A, 3, "def", 2)
		}, []string{"0:A0 abc", "0:B0 12", "0:A3 def", "0:A6 end", "0:B2 end"}},
		{"each packet in three VLANs, out of order", [2]uint32{}, func(k *site) {
			k.handshake(1, 2, 3)
			k.data(1, A, 3, "def", 2, 3)
			k.data(1, A, 0, "abc", 3, 2)
		}, []string{"0:A0 abc", "0:A3 def", "0:A6 end", "0:B0 end"}},
		{"the copies lag behind", [2]uint32{1000, 5000}, func(k *site) {
			k.handshake(1)
			k.data(1, A, 0, "abc")
			k.handshake(2)
			k.data(2, A, 0, "abc")
			k.data(1, B, 0, "12")
			k.data(2, B, 0, "12")
		}, []string{"0:A0 abc", "0:B0 12", "0:A3 end", "0:B2 end"}},
		{"answers in another VLAN", [2]uint32{1000, 5000}, func(k *site) {
			k.send(1, A, flagSYN, 0, 0, "")
			k.send(2, B, flagSYN|flagACK, 0, 0, "")
			k.send(1, A, flagACK, 0, 0, "")
			k.data(1, A, 0, "abc")
			k.data(2, B, 0, "12")
			k.data(1, A, 3, "def")
			k.close2()
		}, []string{"0:A0 abc", "0:B0 12", "0:A3 def", "0:A6 FIN", "0:B2 FIN"}},
		{"two at once", [2]uint32{1 << 30, 1 << 29}, func(k *site) {
			k.handshake(1)
			k.handshake(2)
			k.data(1, A, 0, "abc")
			k.data(2, A, 0, "ABC")
			k.data(2, B, 0, "34")
			k.data(1, B, 0, "12")
			k.data(1, A, 3, "def")
			k.data(2, A, 3, "DEF")
		}, []string{"0:A0 abc", "1:A0 ABC", "1:B0 34", "0:B0 12", "0:A3 def", "1:A3 DEF", "0:A6 end", "0:B2 end", "1:A6 end", "1:B2 end"}},
		{"two at once, handshakes interleaved", [2]uint32{1 << 30, 1 << 29}, func(k *site) {
			for _, s := range []struct {
				from  flow.Dir
				flags uint8
			}{{A, flagSYN}, {B, flagSYN | flagACK}, {A, flagACK}} {
				k.send(1, s.from, s.flags, 0, 0, "")
				k.send(2, s.from, s.flags, 0, 0, "")
			}
			k.data(2, A, 0, "ABC")
			k.data(1, A, 0, "abc")
		}, []string{"1:A0 ABC", "0:A0 abc", "0:A3 end", "0:B0 end", "1:A3 end", "1:B0 end"}},
		{"two near each other in the sequence space", [2]uint32{1010, 5010}, func(k *site) {
			k.handshake(1)
			k.handshake(2)
			k.data(1, A, 0, "abc")
			k.data(2, A, 0, "ABC")
			k.data(1, B, 0, "12")
			k.data(2, B, 0, "34")
		}, []string{"0:A0 abc", "1:A0 ABC", "0:B0 12", "1:B0 34", "0:A3 end", "0:B2 end", "1:A3 end", "1:B2 end"}},
		{"the same numbers, other bytes", [2]uint32{1000, 5000}, func(k *site) {
			k.handshake(1)
			k.handshake(2)
			k.data(1, A, 0, "abc")
			k.data(2, A, 0, "ABC")
			k.data(2, B, 0, "34")
			k.data(1, B, 0, "12")
			k.data(1, A, 3, "def")
			k.data(2, A, 3, "DEF")
		}, []string{"0:A0 abc", "1:A0 ABC", "1:B0 34", "0:B0 12", "0:A3 def", "1:A3 DEF", "0:A6 end", "0:B2 end", "1:A6 end", "1:B2 end"}},
		{"the same numbers, other bytes later", [2]uint32{1000, 5000}, func(k *site) {
			k.handshake(1)
			k.handshake(2)
			k.data(1, A, 0, "GET ")
			k.data(2, A, 0, "GET ") // a copy, as far as one can see
			k.data(1, A, 4, "/a")
			k.data(2, A, 4, "/b")
			k.data(1, A, 6, "..")
			k.data(2, A, 6, "::")
		}, []string{"0:A0 GET ", "0:A4 /a", "0:A6 ..", "0:A8 end", "0:B0 end", "1:A4 lost 4 /b", "1:A6 ::", "1:A8 end", "1:B0 end"}},
		{"one after the other, the same numbers", [2]uint32{1000, 5000}, func(k *site) {
			k.handshake(1)
			k.data(1, A, 0, "abc")
			k.close(1, 3, 0)
			k.handshake(2)
			k.data(2, A, 0, "abc")
			k.close(2, 3, 0)
		}, []string{"0:A0 abc", "0:A3 FIN", "1:A0 abc", "1:A3 FIN", "0:B0 FIN", "1:B0 FIN"}},
		{"a SYN without an answer, and the same one much later", [2]uint32{1000, 5000}, func(k *site) {
			k.send(1, A, flagSYN, 0, 0, "")
			k.now += 4 * second
			k.handshake(2)
			k.data(2, A, 0, "abc")
		}, []string{"1:A0 abc", "1:A3 end", "1:B0 end"}},
		{"other bytes in the way back", [2]uint32{1000, 5000}, func(k *site) { // a doubt, and no other network
			k.send(1, A, flagSYN, 0, 0, "")
			k.send(2, B, flagSYN|flagACK, 0, 0, "")
			k.data(2, B, 0, "12")
			k.data(2, B, 0, "XY")
		}, []string{"0:B0 12", "0:A0 end", "0:B2 end"}},
		{"far from both", [2]uint32{1 << 30, 1 << 29}, func(k *site) {
			k.handshake(1)
			k.handshake(2)
			k.data(1, A, 1<<27, "?")
			k.data(1, A, 0, "abc")
		}, []string{"0:A0 abc", "0:A3 end", "0:B0 end"}},
		{"one after the other that is not closed", [2]uint32{1000, 5000}, func(k *site) {
			k.handshake(1)
			k.data(1, A, 0, "abc")
			k.now += 5 * second
			k.handshake(2)
			k.data(2, A, 0, "abc")
		}, []string{"0:A0 abc", "1:A0 abc", "0:A3 end", "0:B0 end", "1:A3 end", "1:B0 end"}},
		{"both in the middle", [2]uint32{1 << 30, 1 << 29}, func(k *site) {
			k.data(1, A, 10, "abc")
			k.data(2, A, 10, "ABC")
			k.data(1, B, 0, "12")
			k.data(2, B, 0, "34")
			k.data(1, A, 13, "def")
			k.data(2, A, 13, "DEF")
		}, []string{"0:A0 lost -1 abc", "1:A0 lost -1 ABC", "0:B0 lost -1 12", "1:B0 lost -1 34", "0:A3 def", "1:A3 DEF", "0:A6 end", "0:B2 end", "1:A6 end", "1:B2 end"}},
		{"both in the middle, the same numbers", [2]uint32{1000, 5000}, func(k *site) {
			k.data(1, A, 10, "abc")
			k.data(2, A, 10, "ABC")
			k.data(1, A, 13, "def")
			k.data(2, A, 13, "DEF")
		}, []string{"0:A0 lost -1 abc", "1:A0 lost -1 ABC", "0:A3 def", "1:A3 DEF", "0:A6 end", "0:B0 end", "1:A6 end", "1:B0 end"}},
		{"told apart by what they acknowledge", [2]uint32{1003, 1 << 29}, func(k *site) {
			k.data(1, A, 0, "abc")
			k.data(1, B, 0, "12")
			k.data(2, A, 0, "DEF") // goes on where the other one was
		}, []string{"0:A0 lost -1 abc", "0:B0 lost -1 12", "1:A0 lost -1 DEF", "0:A3 end", "0:B2 end", "1:A3 end", "1:B0 end"}},
		{"used again in one VLAN, the other goes on", [2]uint32{1 << 30, 1 << 29}, func(k *site) {
			k.handshake(1)
			k.handshake(2)
			k.data(1, A, 0, "abc")
			k.data(2, A, 0, "ABC")
			k.close(1, 3, 0)
			k.isn[1] = [2]uint32{70_000, 80_000}
			k.handshake(1)
			k.data(1, A, 0, "new")
			k.data(2, A, 3, "DEF")
			k.data(1, A, 3, "er")
		}, []string{"0:A0 abc", "1:A0 ABC", "0:A3 FIN", "0:B0 FIN", "2:A0 new", "1:A3 DEF", "2:A3 er", "1:A6 end", "1:B0 end", "2:A5 end", "2:B0 end"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newSite(nil)
			k.isn[2] = c.isn2
			c.play(k)
			checkUses(t, k.r)
			k.r.Finish()
			if !slices.Equal(k.log, c.want) {
				t.Errorf("got  %q\nwant %q", k.log, c.want)
			}
			checkEmpty(t, k.r)
		})
	}
}

// close2 ends the connection whose answers go through VLAN 2.
func (k *site) close2() {
	k.send(1, A, flagFIN|flagACK, 6, 2, "")
	k.send(2, B, flagFIN|flagACK, 2, 7, "")
}

// TestUsesTwin looks at the evidence of a connection that first looked like a copy
// of another one.
func TestUsesTwin(t *testing.T) {
	k := newSite(nil)
	var twin flow.Evidence
	k.want = func(c *flow.Chunk) flow.Want {
		if c.Evidence != nil {
			twin = *c.Evidence
		}
		return flow.All
	}
	k.handshake(1, 2) // frames 1 to 6
	k.data(1, A, 0, "abc")
	k.isn[2] = [2]uint32{1000, 5000}
	k.data(2, A, 0, "ABC")
	k.r.Finish()
	if twin.ID != 1 || twin.SYN.Frame != 1 || twin.SYNACK.Frame != 3 || twin.SYNDir != A || twin.First.Frame != 8 {
		t.Errorf("got %+v", twin)
	}
}

// TestUsesLimit has more networks than are kept apart: the oldest is forgotten,
// the others go on.
func TestUsesLimit(t *testing.T) {
	k := newSite(nil)
	const nets = maxUses + 2
	for i := 1; i <= nets; i++ {
		k.isn[i] = [2]uint32{uint32(i) << 24, uint32(i)<<24 + 1<<23}
		k.handshake(i)
		k.data(i, A, 0, fmt.Sprintf("%d ", i))
		checkUses(t, k.r)
	}
	for i := nets - maxUses + 1; i <= nets; i++ {
		k.data(i, A, 2, "go")
	}
	var got []string
	for _, line := range k.log {
		if line[len(line)-2:] == "go" {
			got = append(got, line)
		}
	}
	want := []string{"2:A2 go", "3:A2 go", "4:A2 go", "5:A2 go", "6:A2 go", "7:A2 go", "8:A2 go"}
	if !slices.Equal(got[:len(want)], want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if s := k.r.Stats(); s.Evicted != nets-maxUses || s.Conns != nets {
		t.Errorf("stats %+v", s)
	}
}

// TestUsesTable sends segments of few 4-tuples and many networks at random, with
// room for few: the table, the uses of a 4-tuple and the queues must agree.
func TestUsesTable(t *testing.T) {
	flags := []uint8{flagSYN, flagSYN, flagSYN | flagACK, flagACK, flagACK, flagACK | flagFIN, flagRST}
	for seed := range uint64(30) {
		rnd := rand.New(rand.NewPCG(seed, 10))
		k := newSite(&Config{MaxConns: 5 + rnd.IntN(30), MaxHalfOpen: 3 + rnd.IntN(10)})
		k.want = func(c *flow.Chunk) flow.Want { // some connections are wanted, for a while
			if seed%2 == 0 && rnd.IntN(2) == 0 {
				c.Conn.State = 1
			}
			return flow.Want(rnd.IntN(3) - 1)
		}
		for step := range 2000 {
			k.port = 51000 + uint16(rnd.IntN(4))
			vlan := 1 + rnd.IntN(12)
			if rnd.IntN(4) == 0 {
				k.isn[vlan] = [2]uint32{uint32(rnd.IntN(6)) << 28, uint32(rnd.IntN(6)) << 28}
			}
			data := "xyz"[:rnd.IntN(4)]
			k.send(vlan, flow.Dir(rnd.IntN(2)), flags[rnd.IntN(len(flags))], rnd.IntN(50), rnd.IntN(50), data)
			k.now += int64(rnd.IntN(200)) * millisecond
			if checkUses(t, k.r); t.Failed() {
				t.Fatalf("seed %d, step %d", seed, step)
			}
		}
		if k.r.stats.Evicted == 0 {
			t.Errorf("seed %d: nothing was evicted", seed)
		}
	}
}

// checkUses checks that every connection is in its queue, and can be found by its
// 4-tuple.
func checkUses(t *testing.T, r *Reassembler) {
	t.Helper()
	listed := map[*conn]bool{}
	for _, s := range r.table.slots {
		if s.conn == 0 {
			continue
		}
		uses, newest := 0, r.table.conns.at(s.conn)
		for c := newest; c != nil; c = r.olderThan(c) {
			there, back := c.compare(&newest.Ends)
			same := there&back == 0
			older := r.olderThan(c)
			if listed[c] || c.flags&isLive == 0 || !same || (older != nil) != (c.flags&hasOlder != 0) || older != nil && older.id > c.id || s.hash != r.table.hash(&c.Ends) {
				t.Errorf("connection %d: listed before %v, flags %x, the same ends %v", c.id, listed[c], c.flags, same)
				return
			}
			listed[c] = true
			uses++
		}
		if uses > maxUses {
			t.Errorf("%d connections on one 4-tuple", uses)
		}
	}
	half := 0
	for c := range listed {
		if c.flags&isOpened == 0 {
			half++
		}
	}
	if s := r.Stats(); s.Tracked != len(listed) || s.HalfOpen != half {
		t.Errorf("%d connections are said to be tracked, %d of them half-open, want %d, %d", s.Tracked, s.HalfOpen, len(listed), half)
	}
	queued := 0
	for i := range r.queues {
		queued += checkQueue(t, r, uint8(i), listed)
	}
	if queued != len(listed) || queued > r.cfg.MaxConns || r.queues[halfOpen].n > r.cfg.MaxHalfOpen {
		t.Errorf("%d connections in the queues, %d of them half open; %d in the table", queued, r.queues[halfOpen].n, len(listed))
	}
}

// checkQueue checks the links of a queue, and returns how many are in it.
func checkQueue(t *testing.T, r *Reassembler, number uint8, listed map[*conn]bool) int {
	t.Helper()
	n, q := 0, &r.queues[number]
	var last uint32
	for i := q.first; i != 0; {
		c := r.table.conns.at(i)
		if n++; c.prev != last || c.self != i || c.queueOf() != number || !listed[c] || n > q.n {
			t.Errorf("connection %d in queue %d: says %d, listed %v", c.id, number, c.queueOf(), listed[c])
			return n
		}
		last, i = i, c.next
	}
	if q.last != last || q.n != n {
		t.Errorf("queue %d holds %d, says %d", number, n, q.n)
	}
	return n
}
