package reassembly

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// eighty is what the datagrams of these tests carry behind a TCP header of 20
// bytes.
var eighty = strings.Repeat("0123456789abcdef", 5)

// A scrapTalk is a connection whose segments come in fragments.
type scrapTalk struct {
	*talk
	link  capture.LinkType
	head  []byte // in front of the IP header
	whole []byte // the IPv4 packet that is cut
	id    int
}

// openScraps starts after a handshake, with a segment of eighty bytes from A.
func openScraps(cfg *Config) *scrapTalk {
	k := &scrapTalk{talk: open(cfg), link: capture.LinkRaw, id: 7}
	k.whole = withSum(rawPacket(A, k.port, k.isn[A]+1, k.isn[B]+1, flagACK, eighty, len(eighty)))
	return k
}

// withSum sets the TCP checksum of an IPv4 packet.
func withSum(b []byte) []byte {
	b = set(b, 36, 0, 0)
	sum := onesSum(onesSum(uint64(protoTCP+len(b)-20), b[12:20]), b[20:])
	return set(b, 36, u16(int(^fold(sum)))...)
}

// scrap hands in a part of the packet behind its IP header.
func (k *scrapTalk) scrap(start, end int, more bool) {
	k.pass(scrap4(k.whole, k.id, start, end, more), 0)
}

// changed does so with bytes that were changed by xor.
func (k *scrapTalk) changed(start, end int, more bool, xor byte) {
	b := scrap4(k.whole, k.id, start, end, more)
	for i := range b[20:] {
		b[20+i] ^= xor
	}
	k.pass(b, 0)
}

// pass hands in a packet, of which so many bytes are cut off.
func (k *scrapTalk) pass(b []byte, cut int) {
	b = join(k.head, b)
	k.num++
	k.now += millisecond
	k.r.Packet(&capture.Packet{Num: k.num, Time: k.now, Link: k.link, WireLen: len(b), Data: b[:len(b)-cut]})
}

// scrap4 is a fragment of an IPv4 packet with a header of 20 bytes.
func scrap4(whole []byte, id, start, end int, more bool) []byte {
	where := start / 8
	if more {
		where |= 0x2000
	}
	head := set(whole[:20], 2, join(u16(20+end-start), u16(id), u16(where))...)
	return join(head, whole[20+start:20+end])
}

// scrap6 is a fragment of an IPv6 packet without extension headers.
func scrap6(whole []byte, id, start, end int, more bool) []byte {
	where := start
	if more {
		where |= 1
	}
	head := set(whole[:40], 4, join(u16(8+end-start), []byte{protoFragment})...)
	return join(head, []byte{whole[6], 0}, u16(where), u32(id), whole[40+start:40+end])
}

// quarters are fragments of the packet: starts and ends.
var quarters = [4][2]int{{0, 24}, {24, 48}, {48, 72}, {72, 100}}

func (k *scrapTalk) quarter(i int) {
	k.scrap(quarters[i][0], quarters[i][1], i < 3)
}

func TestDefrag(t *testing.T) {
	const lost, whole = "", "A0 " // what becomes of the packet
	for _, c := range []struct {
		name string
		cfg  *Config
		play func(k *scrapTalk)
		want string
		stat Stats // what it must have of fragments, wrong sums and retransmissions
	}{
		{name: "in order", play: func(k *scrapTalk) { k.order(0, 1, 2, 3) }, want: whole, stat: Stats{Fragments: 4}},
		{name: "reverse", play: func(k *scrapTalk) { k.order(3, 2, 1, 0) }, want: whole, stat: Stats{Fragments: 4}},
		{name: "each twice", play: func(k *scrapTalk) { k.order(0, 0, 1, 1, 2, 2, 3, 3) }, want: whole, stat: Stats{Fragments: 8, FragLost: 1}},
		{name: "the whole twice", play: func(k *scrapTalk) { k.order(0, 1, 2, 3, 0, 1, 2, 3) }, want: whole, stat: Stats{Fragments: 8, Retrans: 1}},
		{name: "first missing", play: func(k *scrapTalk) { k.order(1, 2, 3) }, want: lost, stat: Stats{Fragments: 3, FragLost: 1}},
		{name: "middle missing", play: func(k *scrapTalk) { k.order(0, 1, 3) }, want: lost, stat: Stats{Fragments: 3, FragLost: 1}},
		{name: "last missing", play: func(k *scrapTalk) { k.order(0, 1, 2) }, want: lost, stat: Stats{Fragments: 3, FragLost: 1}},
		{name: "first fragment of eight bytes", play: func(k *scrapTalk) { k.scrap(0, 8, true); k.scrap(8, 100, false) }, want: whole, stat: Stats{Fragments: 2}},
		{name: "overlap", play: func(k *scrapTalk) {
			k.scrap(0, 56, true)
			k.scrap(24, 80, true)
			k.scrap(64, 100, false)
		}, want: whole, stat: Stats{Fragments: 3}},
		{name: "overlap over two runs", play: func(k *scrapTalk) {
			k.scrap(8, 16, true)
			k.scrap(32, 48, true)
			k.scrap(0, 80, true)
			k.scrap(80, 100, false)
		}, want: whole, stat: Stats{Fragments: 4}},
		{name: "the end of an older packet with the same number", play: func(k *scrapTalk) {
			k.changed(72, 100, false, 0x55)
			k.wait(200)
			k.scrap(0, 40, true)
			k.scrap(40, 72, true)
			k.scrap(72, 100, false) // waits in vain
		}, want: lost, stat: Stats{Fragments: 4, FragMixed: 1, FragLost: 1}},
		{name: "contradiction, the first copies are right", play: func(k *scrapTalk) {
			k.quarter(2)
			k.quarter(0)
			k.changed(0, 72, true, 0x55)
			k.quarter(1) // too late
			k.quarter(3)
		}, want: lost, stat: Stats{Fragments: 5, FragClash: 1, FragMixed: 1}},
		{name: "contradiction where the first copies are right", play: func(k *scrapTalk) {
			k.order(0, 1, 2)
			k.changed(24, 72, true, 0x55)
			k.quarter(3)
		}, want: whole, stat: Stats{Fragments: 5, FragClash: 1}},
		{name: "contradiction where the first copies are wrong", play: func(k *scrapTalk) {
			k.changed(24, 72, true, 0x55)
			k.order(0, 1, 2, 3)
		}, want: lost, stat: Stats{Fragments: 5, FragClash: 1, FragMixed: 1}},
		{name: "two ends", play: func(k *scrapTalk) {
			k.scrap(72, 88, false)
			k.order(3, 0, 1, 2)
		}, want: lost, stat: Stats{Fragments: 5, FragClash: 1, FragMixed: 1}},
		{name: "bytes behind the end", play: func(k *scrapTalk) {
			k.order(1, 2)
			k.scrap(88, 96, true)
			k.scrap(72, 88, false)
			k.quarter(0)
		}, want: lost, stat: Stats{Fragments: 5, FragClash: 1, FragMixed: 1}},
		{name: "a fragment inside another that says it is the last", play: func(k *scrapTalk) { // teardrop
			k.scrap(0, 40, true)
			k.scrap(24, 28, false)
		}, want: lost, stat: Stats{Fragments: 2, FragClash: 1, FragMixed: 1}},
		{name: "no multiple of eight", play: func(k *scrapTalk) {
			k.scrap(0, 42, true)
			k.scrap(40, 100, false)
		}, want: whole, stat: Stats{Fragments: 2}},
		{name: "no multiple of eight, and a gap", play: func(k *scrapTalk) {
			k.scrap(0, 42, true)
			k.scrap(48, 100, false)
		}, want: lost, stat: Stats{Fragments: 2, FragLost: 1}},
		{name: "empty", play: func(k *scrapTalk) {
			k.scrap(0, 0, true)
			k.scrap(80, 80, false)
			k.order(0, 1, 2, 3)
		}, want: whole, stat: Stats{Fragments: 6}},
		{name: "total length 0", play: func(k *scrapTalk) {
			k.pass(set(scrap4(k.whole, 7, 0, 48, true), 2, 0, 0), 0)
			k.scrap(48, 100, false)
		}, want: whole, stat: Stats{Fragments: 2}},
		{name: "another packet in between", play: func(k *scrapTalk) {
			k.order(0, 1)
			k.pass(set(k.whole, 4, 0, 7, 0, 0), 0)
			k.order(2, 3)
		}, want: whole, stat: Stats{Fragments: 4, Retrans: 1}},
		{name: "another id", play: func(k *scrapTalk) {
			k.order(0, 1)
			k.id++
			k.order(2, 3)
		}, want: lost, stat: Stats{Fragments: 4, FragLost: 2}},
		{name: "another protocol", play: func(k *scrapTalk) {
			k.order(0, 1)
			k.whole = set(k.whole, 9, protoUDP)
			k.order(2, 3)
		}, want: lost, stat: Stats{Fragments: 4, FragLost: 2}},
		{name: "the other direction", play: func(k *scrapTalk) {
			k.order(0, 1)
			k.whole = set(k.whole, 12, 192, 0, 2, 9, 10, 0, 0, 7)
			k.order(2, 3)
		}, want: lost, stat: Stats{Fragments: 4, FragLost: 2}},
		{name: "another receiver", play: func(k *scrapTalk) {
			k.order(0, 1)
			k.whole = set(k.whole, 19, 10)
			k.order(2, 3)
		}, want: lost, stat: Stats{Fragments: 4, FragLost: 2}},
		{name: "in a VLAN", play: func(k *scrapTalk) {
			k.link, k.head = capture.LinkEthernet, ethVLAN
			k.order(0, 3, 1, 2)
		}, want: whole, stat: Stats{Fragments: 4}},
		{name: "in two VLANs", play: func(k *scrapTalk) {
			k.link, k.head = capture.LinkEthernet, ethVLAN
			k.order(0, 1)
			k.head = set(ethVLAN, 15, 43)
			k.order(2, 3)
		}, want: lost, stat: Stats{Fragments: 4, FragLost: 2}},
		{name: "two interleaved", play: func(k *scrapTalk) {
			one, two := k.whole, withSum(set(k.whole, 24, u32(int(k.isn[A])+81)...))
			for i := range quarters {
				k.whole, k.id = two, 8
				k.quarter(i)
				k.whole, k.id = one, 7
				k.quarter(3 - i)
			}
		}, want: whole + eighty + " A80 ", stat: Stats{Fragments: 8}},
		{name: "waits long", cfg: &Config{FragmentWait: second}, play: func(k *scrapTalk) {
			k.order(0, 1, 2)
			k.wait(990)
			k.quarter(3)
		}, want: whole, stat: Stats{Fragments: 4}},
		{name: "waits too long", cfg: &Config{FragmentWait: second}, play: func(k *scrapTalk) {
			k.order(0, 1, 2)
			k.wait(1000)
			k.quarter(3)
		}, want: lost, stat: Stats{Fragments: 4, FragLost: 2}},
		{name: "time runs backwards", cfg: &Config{FragmentWait: second}, play: func(k *scrapTalk) {
			k.order(0, 1)
			k.wait(-100_000)
			k.order(2, 3)
		}, want: whole, stat: Stats{Fragments: 4}},
		{name: "cut", play: func(k *scrapTalk) {
			k.quarter(1)
			k.pass(scrap4(k.whole, k.id, 0, 24, true), 2) // two bytes of payload are left
			k.order(2, 3)
		}, want: "A0 01", stat: Stats{Fragments: 4, FragLost: 1}},
		{name: "cut, and whole later", play: func(k *scrapTalk) {
			k.order(0, 2, 3)
			k.pass(scrap4(k.whole, k.id, 24, 48, true), 2)
			k.quarter(1)
		}, want: whole, stat: Stats{Fragments: 5}},
		{name: "no room", cfg: &Config{MaxFragments: 3 * (datagramSize + 100)}, play: func(k *scrapTalk) {
			for k.id = range 6 { // the first three have to go
				k.quarter(0)
			}
			k.order(1, 2, 3)
			k.id = 2
			k.order(1, 2, 3)
		}, want: whole, stat: Stats{Fragments: 12, FragLimit: 3, FragLost: 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := openScraps(c.cfg)
			c.play(k)
			k.finish()
			if strings.HasSuffix(c.want, " ") {
				c.want += eighty
			}
			if got := strings.Join(k.log, " "); !strings.HasPrefix(got, c.want) || c.want == lost && got != "" {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if got := fragStats(k.r.Stats()); got != fragStats(c.stat) {
				t.Errorf("stats %s, want %s", got, fragStats(c.stat))
			}
			checkHeld(t, k.r.defrag, true)
		})
	}
}

// order hands in quarters.
func (k *scrapTalk) order(list ...int) {
	for _, i := range list {
		k.quarter(i)
	}
}

func fragStats(s Stats) string {
	return fmt.Sprintf("fragments %d lost %d limit %d clash %d mixed %d retrans %d", s.Fragments, s.FragLost, s.FragLimit, s.FragClash, s.FragMixed, s.Retrans)
}

// checkHeld counts the bytes held again.
func checkHeld(t *testing.T, f *defragmenter, empty bool) {
	t.Helper()
	sum := 0
	for e := f.waiting.Front(); e != nil; e = e.Next() {
		g := e.Value.(*datagram)
		sum += datagramSize + len(g.data)
		if f.byName[g.name] != e {
			t.Errorf("datagram %+v is not found by its name", g.name)
		}
		checkRuns(t, g)
	}
	if f.held != sum || f.held > f.limit || len(f.byName) != f.waiting.Len() {
		t.Errorf("%d bytes held of %d allowed, counted %d; %d names for %d datagrams", f.held, f.limit, sum, len(f.byName), f.waiting.Len())
	}
	if empty && f.waiting.Len() > 0 {
		t.Errorf("%d datagrams are left", f.waiting.Len())
	}
}

func checkRuns(t *testing.T, g *datagram) {
	t.Helper()
	last := -1
	for _, r := range g.runs {
		if r.start <= last || r.end <= r.start {
			t.Errorf("runs %v", g.runs)
		}
		last = r.end
	}
	if last != len(g.data) {
		t.Errorf("%d bytes, runs up to %d", len(g.data), last)
	}
}

// TestDefragEveryOrder hands in four fragments in every order.
func TestDefragEveryOrder(t *testing.T) {
	orders := 0
	permute([]int{0, 1, 2, 3}, 0, func(order []int) {
		orders++
		k := openScraps(nil)
		k.order(order...)
		k.finish()
		k.check(t, "A0 "+eighty, "A80 end", "B0 end")
	})
	if orders != 24 {
		t.Errorf("%d orders", orders)
	}
}

// permute calls do with every order of list.
func permute(list []int, from int, do func([]int)) {
	if from == len(list) {
		do(list)
	}
	for i := from; i < len(list); i++ {
		list[from], list[i] = list[i], list[from]
		permute(list, from+1, do)
		list[from], list[i] = list[i], list[from]
	}
}

// TestDefragIPv6 does it with IPv6, and what it has of its own.
func TestDefragIPv6(t *testing.T) {
	whole := join(set(ipv6, 5, 100), tcpHeader, []byte(eighty))
	for _, c := range []struct {
		name    string
		packets [][]byte
		cut     int // off the last packet
		want    int // segments
		payload int // of the last
	}{
		{"in order", [][]byte{scrap6(whole, 1, 0, 48, true), scrap6(whole, 1, 48, 100, false)}, 0, 1, 80},
		{"reverse", [][]byte{scrap6(whole, 1, 48, 100, false), scrap6(whole, 1, 0, 48, true)}, 0, 1, 80},
		{"id of 32 bits", [][]byte{scrap6(whole, 1, 0, 48, true), scrap6(whole, 1<<16|1, 48, 100, false)}, 0, 0, 0},
		{"in one piece", [][]byte{scrap6(whole, 1, 0, 100, false)}, 0, 1, 80},
		{"in one piece between two", [][]byte{scrap6(whole, 1, 0, 48, true), scrap6(whole, 1, 0, 100, false), scrap6(whole, 1, 48, 100, false)}, 0, 2, 80},
		{"cut", [][]byte{scrap6(whole, 1, 48, 100, false), scrap6(whole, 1, 0, 48, true)}, 8, 1, 20},
		{"extension header behind the fragment header", [][]byte{extended(whole, 0, 48), extended(whole, 48, 108)}, 0, 1, 80},
	} {
		r := New(func(*flow.Chunk) flow.Want { return flow.All }, nil)
		for i, p := range c.packets {
			cut := 0
			if i == len(c.packets)-1 {
				cut = c.cut
			}
			r.Packet(&capture.Packet{Num: i + 1, Time: int64(i), Link: capture.LinkRaw, WireLen: len(p), Data: p[:len(p)-cut]})
		}
		if got := r.Stats().Segments; got != c.want || got > 0 && len(r.decoder.segment.payload) != c.payload {
			t.Errorf("%s: %d segments, payload of %d bytes, want %d, %d", c.name, got, len(r.decoder.segment.payload), c.want, c.payload)
		}
	}
}

// extended is a fragment of the packet with destination options in front of TCP.
func extended(whole []byte, start, end int) []byte {
	longer := join(set(whole[:40], 6, protoDestOpts), []byte{protoTCP, 0, 1, 4, 0, 0, 0, 0}, whole[40:])
	return scrap6(longer, 1, start, end, end < len(longer)-40)
}

// TestDefragTunnels cuts a tunnel's packets, those in the tunnel, and both.
func TestDefragTunnels(t *testing.T) {
	whole := rawPacket(A, 51234, 5, 6, flagACK, eighty, len(eighty))
	outer := func(inner []byte) []byte {
		return join(set(ipv4, 2, u16(20+len(inner))...)[:9], []byte{protoIPv4}, ipv4[10:20], inner)
	}
	inner := [][]byte{scrap4(whole, 1, 0, 48, true), scrap4(whole, 1, 48, 100, false)}
	both := join(nil)
	var packets [][]byte
	for i, p := range inner {
		o := outer(p)
		packets = append(packets, scrap4(o, 10+i, 0, 24, true), scrap4(o, 10+i, 24, len(p), false))
		both = append(both, o...)
	}
	for name, list := range map[string][][]byte{
		"outer": {scrap4(outer(whole), 1, 0, 48, true), scrap4(outer(whole), 1, 48, len(whole), false)},
		"inner": {outer(inner[1]), outer(inner[0])},
		"both":  packets,
	} {
		r := New(func(*flow.Chunk) flow.Want { return flow.All }, nil)
		for i, p := range list {
			r.Packet(&capture.Packet{Num: i + 1, Time: int64(i), Link: capture.LinkRaw, WireLen: len(p), Data: p})
		}
		if got := r.Stats().Segments; got != 1 || string(r.decoder.segment.payload) != eighty {
			t.Errorf("%s: %d segments, payload %q", name, got, r.decoder.segment.payload)
		}
	}
}

// TestDefragHuge puts together more bytes than an IP packet can have.
func TestDefragHuge(t *testing.T) {
	f := newDefragmenter(1<<20, second)
	data := bytes.Repeat([]byte("x"), 1000)
	for start := 0; start < 65528; start += 1000 {
		if g := f.add(piece4(start, data, true), 0, 0); g != nil {
			t.Fatalf("whole at %d", start)
		}
	}
	g := f.add(piece4(65528, data, false), 0, 0)
	if g == nil || g.end != 66528 || len(g.data) != 66528 || g.clash {
		t.Errorf("got %+v", g)
	}
	checkHeld(t, f, true)
}

// piece4 is a fragment of an IPv4 packet, always the same one.
func piece4(start int, data []byte, more bool) *piece {
	return &piece{src: []byte{1, 1, 1, 1}, dst: []byte{2, 2, 2, 2}, id: 3, proto: protoTCP, start: start, more: more, data: data}
}

// TestDefragLimit holds no more than is allowed, whatever comes.
func TestDefragLimit(t *testing.T) {
	f := newDefragmenter(100_000, second)
	rnd := rand.New(rand.NewPCG(1, 6))
	for range 20_000 {
		q := piece4(8*rnd.IntN(8192), make([]byte, 1+rnd.IntN(1500)), true)
		q.id = rnd.Uint32N(500)
		f.add(q, 0, 0)
		if f.held > f.limit {
			t.Fatalf("%d bytes held, %d allowed", f.held, f.limit)
		}
	}
	checkHeld(t, f, false)
	if f.full == 0 || f.lost != 0 {
		t.Errorf("%d given up for want of room, %d lost", f.full, f.lost)
	}
	f.finish()
	checkHeld(t, f, true)
}

// TestDefragRuns has a gap behind every fragment.
func TestDefragRuns(t *testing.T) {
	f := newDefragmenter(1<<20, second)
	for i := range maxRuns {
		f.add(piece4(16*i, make([]byte, 8), true), 0, 0)
	}
	if f.full != 0 || f.waiting.Len() != 1 {
		t.Errorf("%d given up before the limit", f.full)
	}
	f.add(piece4(16*maxRuns, make([]byte, 8), true), 0, 0)
	if f.full != 1 {
		t.Errorf("%d given up, want 1", f.full)
	}
	checkHeld(t, f, true)
}

// A fragModel puts one datagram together byte by byte.
type fragModel struct {
	bytes map[int]byte
	end   int
	clash bool
}

func (m *fragModel) add(q *piece) {
	n := q.start + len(q.data)
	for pos := range m.bytes {
		m.clash = m.clash || !q.more && m.end < 0 && pos >= n
	}
	if q.more || m.end >= 0 {
		m.clash = m.clash || m.end >= 0 && (n > m.end || !q.more && n < m.end)
	} else {
		m.end = n
	}
	for i, b := range q.data {
		if was, ok := m.bytes[q.start+i]; ok {
			m.clash = m.clash || was != b
			continue
		}
		m.bytes[q.start+i] = b
	}
}

// whole returns the datagram if no byte is missing.
func (m *fragModel) whole() ([]byte, bool) {
	if m.end < 0 {
		return nil, false
	}
	b := make([]byte, m.end)
	for i := range b {
		x, ok := m.bytes[i]
		if !ok {
			return nil, false
		}
		b[i] = x
	}
	return b, true
}

// FuzzDefrag plays a script of fragments of four datagrams, most of them true,
// and compares with the model.
func FuzzDefrag(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(randomScript(rand.New(rand.NewPCG(seed, 7))))
	}
	f.Fuzz(func(t *testing.T, script []byte) { playScript(t, script) })
}

// TestDefragScripts does it with many scripts.
func TestDefragScripts(t *testing.T) {
	complete := 0
	for seed := range uint64(1500) {
		if complete += playScript(t, randomScript(rand.New(rand.NewPCG(seed, 8)))); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if complete < 1500 {
		t.Errorf("%d datagrams came out whole, which shows little", complete)
	}
}

// scriptStep is how many bytes of a script make a fragment: datagram, start,
// length, what is wrong with it.
const scriptStep = 4

// randomScript cuts datagrams and shuffles the fragments, some of them doubled.
func randomScript(rnd *rand.Rand) []byte {
	var steps [][]byte
	for id := range byte(4) {
		size := scriptSize(id)
		for at := 0; at < size; {
			n := 8 * (1 + rnd.IntN(10))
			step := []byte{id, byte(at / 8), byte(n), 0}
			if rnd.IntN(30) == 0 {
				step[3] = byte(rnd.Uint32())
			}
			steps = append(steps, step)
			if rnd.IntN(6) == 0 {
				steps = append(steps, step)
			}
			if at += n; rnd.IntN(8) == 0 {
				at -= 8
			}
		}
	}
	rnd.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
	return slices.Concat(steps...)
}

func scriptSize(id byte) int { return []int{60, 200, 233, 400}[id] }

// scriptPiece reads a step of a script: a fragment of a known datagram, and how
// long after the last one it comes.
func scriptPiece(step []byte) (q *piece, later int64) {
	const odd, lies, ends, cut, late = 0x80, 0x40, 0x20, 0x10, 0x08
	id, start, wrong := step[0]&3, 8*int(step[1]), step[3]
	size := scriptSize(id)
	stop := min(start+int(step[2]), size)
	if wrong&odd == 0 {
		wrong = 0
	}
	if wrong&ends != 0 {
		stop = start + int(step[2]) // beyond the end
	}
	q = piece4(start, nil, stop < size != (wrong&ends != 0))
	q.id = uint32(id)
	for i := start; i < stop; i++ {
		q.data = append(q.data, byte(i*7)^id)
		if wrong&lies != 0 {
			q.data[i-start] ^= step[2]
		}
	}
	q.cut = int(wrong & cut)
	if wrong&late != 0 {
		later = int64(step[2]) * second / 100
	}
	return q, later
}

// playScript plays it with too little room for all four, and with enough. It
// returns how many datagrams came out whole.
func playScript(t *testing.T, script []byte) int {
	t.Helper()
	return playLimited(t, script, 1500) + playLimited(t, script, 4000)
}

func playLimited(t *testing.T, script []byte, limit int) (complete int) {
	t.Helper()
	f, now := newDefragmenter(limit, second), int64(0)
	models := map[uint32]*fragModel{}
	begun := 0
	for ; len(script) >= scriptStep; script = script[scriptStep:] {
		q, later := scriptPiece(script)
		now += later
		f.giveUp(now)
		was := waitingFor(f, q.id)
		g := f.add(q, 0, now)
		checkHeld(t, f, false)
		if q.cut > 0 || len(q.data) == 0 {
			continue
		}
		m := models[q.id]
		if was == nil {
			begun++
			m = &fragModel{bytes: map[int]byte{}, end: -1}
			models[q.id] = m
		}
		m.add(q)
		want, whole := m.whole()
		if dropped := g == nil && waitingFor(f, q.id) == nil; whole != (g != nil) && !dropped {
			t.Fatalf("datagram %d: got %v, whole %v", q.id, g, whole)
		}
		if g == nil {
			continue
		}
		if complete++; !bytes.Equal(g.data[:g.end], want) || g.clash != m.clash {
			t.Fatalf("datagram %d: got %q, contradiction %v, want %q, %v", q.id, g.data[:g.end], g.clash, want, m.clash)
		}
	}
	f.giveUp(now + 2*second)
	checkHeld(t, f, true)
	if f.held != 0 || begun != complete+f.lost+f.full {
		t.Fatalf("%d bytes held at the end; %d begun, %d complete, %d lost, %d given up", f.held, begun, complete, f.lost, f.full)
	}
	return complete
}

// waitingFor returns the datagram that waits for fragments with an id.
func waitingFor(f *defragmenter, id uint32) *datagram {
	for e := f.waiting.Front(); e != nil; e = e.Next() {
		if g := e.Value.(*datagram); g.name.id == id {
			return g
		}
	}
	return nil
}

// TestDefragTshark cuts the segments of some connections into fragments, and
// compares with what tshark puts together. Left out is what it does otherwise:
//
//   - fragments that contradict each other: it takes what begins first for right,
//     we ask the TCP checksum;
//   - keys: it mixes the number with the protocol and the VLAN of IPv4, takes no
//     notice of VLANs and protocols of IPv6, nor of tunnels, and has no timeout;
//   - a first fragment of IPv6 that is cut by the snap length: it does not read
//     the header in it;
//   - a total length of 0 in a fragment: it does not read it.
func TestDefragTshark(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 9))
	var packets []part
	var all []peers
	for i := range 200 {
		all = append(all, newPeers(rnd, i))
	}
	for id := range 900 {
		scraps := randomScraps(rnd, id, all[rnd.IntN(len(all))].next(rnd))
		for _, b := range scraps {
			at := max(0, len(packets)-rnd.IntN(30)) // among others
			packets = slices.Insert(packets, at, b)
		}
	}
	want := tsharkFields(t, packets, "tcp.stream", "tcp.srcport", "tcp.seq_raw", "tcp.len")
	whole, failed := 0, 0
	for i, got := range ourFields(packets) {
		if packets[i].cut > 0 { // it tells no length
			got = got[:strings.LastIndexByte(got, '\t')+1]
		}
		if want[i][0] == '\t' { // it may know a port all the same
			want[i] = "\t\t\t"
		} else {
			whole++
		}
		if got == want[i] {
			continue
		}
		t.Errorf("packet %d: got %q, tshark has %q", i+1, got, want[i])
		if failed++; failed == 10 {
			t.FailNow()
		}
	}
	if whole < 300 {
		t.Errorf("%d packets have a segment, which shows little", whole)
	}
}

// randomScraps cuts a segment into fragments, some of them overlapping, doubled,
// missing or cut.
func randomScraps(rnd *rand.Rand, id int, s *segment) []part {
	scrap, link := scrap4, capture.LinkIPv4
	whole := join(ipv4[:12], s.ip(A), s.ip(B), segmentBytes(s, 0))
	if s.V6 {
		scrap, link = scrap6, capture.LinkIPv6
		whole = join(ipv6[:8], s.ip(A), s.ip(B), segmentBytes(s, 0))
	}
	var list []part
	for at, n := 0, 20+s.wire; at < n; {
		end := min(at+8*(1+rnd.IntN(6)), n)
		if at == 0 && end == n {
			return nil // not cut at all
		}
		p := part{what: int(link), b: scrap(whole, id, at, end, end < n)}
		for range 1 + max(0, rnd.IntN(8)-6) {
			list = append(list, p)
		}
		if rnd.IntN(40) == 0 {
			list = list[:len(list)-1]
		}
		if link == capture.LinkIPv4 && rnd.IntN(30) == 0 {
			p.cut = 1 + rnd.IntN(end-at)
			p.b = p.b[:len(p.b)-p.cut]
			list = append(list, p)
		}
		if at = end; at < n && at >= 16 && rnd.IntN(6) == 0 {
			at -= 8
		}
	}
	rnd.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}
