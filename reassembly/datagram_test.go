package reassembly

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// datagramBytes is a UDP datagram as it is sent, without a checksum.
func datagramBytes(from, to uint16, payload []byte) []byte {
	return join(u16(int(from)), u16(int(to)), u16(udpHeaderLen+len(payload)), u16(0), payload)
}

// receiver is a reassembler that keeps the datagrams it hands out.
func receiver(cfg Config) (*Reassembler, *[]flow.Datagram) {
	var got []flow.Datagram
	cfg.Datagram = func(d flow.Datagram) {
		d.Data = bytes.Clone(d.Data)
		got = append(got, d)
	}
	return New(func(*flow.Chunk) flow.Want { return flow.None }, &cfg), &got
}

func (p part) capture(num int) *capture.Packet {
	return &capture.Packet{Num: num, Time: int64(num), Link: capture.LinkType(p.what), WireLen: len(p.b) + p.cut, Data: p.b}
}

// TestDatagrams puts random headers around random datagrams: those of DNS and
// DHCP must be handed out just as they are, all others not at all. What is counted
// is the same as if none were wanted.
func TestDatagrams(t *testing.T) {
	handedOut := 0
	for seed := range uint64(5_000) {
		rnd, e := rand.New(rand.NewPCG(seed, 7)), newEncap(seed, seed)
		want := randomSegment(rnd)
		ports := [2]uint16{uint16(50000 + rnd.IntN(1000)), [...]uint16{53, 67, 68, 54, 66, 5353, 69}[rnd.IntN(7)]}
		if rnd.IntN(2) == 0 {
			ports[0], ports[1] = ports[1], ports[0]
		}
		p := e.aroundBody(part{form: ipBody, what: protoUDP, b: datagramBytes(ports[0], ports[1], want.payload)}, want.ip(A), want.ip(B))
		r, got := receiver(Config{})
		r.decoder.mac = flow.MAC{7} // nothing must be left of the packet before
		r.Packet(p.capture(9))
		if !slices.ContainsFunc(ports[:], func(p uint16) bool { return p == 53 || p == 67 || p == 68 }) {
			if len(*got) != 0 {
				t.Fatalf("seed %d, ports %d: got %+v", seed, ports, *got)
			}
			continue
		}
		if len(*got) != 1 {
			t.Fatalf("seed %d, %v: %d datagrams", seed, e.names, len(*got))
		}
		g := (*got)[0]
		from, to := netip.AddrPortFrom(want.Addr(A).Addr(), ports[0]), netip.AddrPortFrom(want.Addr(B).Addr(), ports[1])
		copy(want.mac[:], e.sender)
		if g.From != from || g.To != to || g.Link != want.mac || g.Stamp != (flow.Stamp{Frame: 9, Time: 9}) || !bytes.Equal(g.Data, want.payload) {
			t.Fatalf("seed %d, %v:\ngot  %+v\nwant %v to %v, link %v, %x", seed, e.names, g, from, to, want.mac, want.payload)
		}
		handedOut++
		checkCountedAlike(t, p, r.stats)
	}
	if handedOut < 1000 {
		t.Errorf("%d datagrams were handed out", handedOut)
	}
}

// checkCountedAlike checks that a reassembler from which no datagrams are wanted
// counts a packet in the same way.
func checkCountedAlike(t *testing.T, p part, with Stats) {
	t.Helper()
	r := New(func(*flow.Chunk) flow.Want { return flow.None }, nil)
	r.Packet(p.capture(9))
	if without := r.stats; without.Other != with.Other || without.CutHeaders != with.CutHeaders || without.TooDeep != with.TooDeep {
		t.Errorf("with datagrams %+v\nwithout %+v", with, without)
	}
}

// TestDatagramCut cuts a datagram everywhere: what is left of it is handed out,
// as soon as there is a whole header.
func TestDatagramCut(t *testing.T) {
	payload := []byte("what a resolver says")
	whole := join(ethIPv4, ipv4UDP(datagramBytes(53, 50000, payload)))
	for n := range whole {
		r, got := receiver(Config{})
		r.Packet(part{what: int(capture.LinkEthernet), b: whole[:n], cut: len(whole) - n}.capture(1))
		have := n - (len(whole) - len(payload))
		if have < 0 {
			if len(*got) != 0 {
				t.Errorf("cut to %d: got %+v", n, *got)
			}
			continue
		}
		if len(*got) != 1 || string((*got)[0].Data) != string(payload[:have]) {
			t.Errorf("cut to %d: got %+v, want %q", n, *got, payload[:have])
		}
	}
}

// ipv4UDP is an IPv4 packet from 10.0.0.7 to 192.0.2.9.
func ipv4UDP(body []byte) []byte {
	return join([]byte{0x45, 0}, u16(20+len(body)), []byte{0x12, 0x34, 0, 0, 64, protoUDP, 0, 0, 10, 0, 0, 7, 192, 0, 2, 9}, body)
}

// TestDatagramNonsense has datagrams that are handed to nobody.
func TestDatagramNonsense(t *testing.T) {
	good := datagramBytes(53, 50000, []byte("answer"))
	longer, shorter := bytes.Clone(good), bytes.Clone(good)
	longer[5]++
	shorter[5] = 7
	badSum := bytes.Clone(good)
	badSum[7] = 1
	quoted := join([]byte{3, 3, 0, 0, 0, 0, 0, 0}, ipv4UDP(good))
	icmp := ipv4UDP(quoted)
	icmp[9] = protoICMP
	for _, test := range []struct {
		name string
		cfg  Config
		ip   []byte
		want int
	}{
		{"good", Config{}, ipv4UDP(good), 1},
		{"padded", Config{}, join(ipv4UDP(good), make([]byte, 20)), 1},
		{"shorter than the packet", Config{}, ipv4UDP(join(good, make([]byte, 3))), 1},
		{"longer than the packet", Config{}, ipv4UDP(longer), 0},
		{"no room for the header", Config{}, ipv4UDP(shorter), 0},
		{"wrong checksum", Config{}, ipv4UDP(badSum), 1},
		{"wrong checksum, and they are looked at", Config{CheckSums: true}, ipv4UDP(badSum), 0},
		{"no checksum, and they are looked at", Config{CheckSums: true}, ipv4UDP(good), 1},
		{"quoted by an error", Config{}, icmp, 0},
	} {
		r, got := receiver(test.cfg)
		r.Packet(part{what: int(capture.LinkRaw), b: test.ip}.capture(1))
		if len(*got) != test.want || r.stats.Other != 1 {
			t.Errorf("%s: got %+v and %d others", test.name, *got, r.stats.Other)
		}
		for _, g := range *got {
			if string(g.Data) != "answer" {
				t.Errorf("%s: got %q", test.name, g.Data)
			}
		}
	}
}

// TestDatagramFragments puts a datagram together of fragments in frames of
// different senders.
func TestDatagramFragments(t *testing.T) {
	whole := ipv4UDP(datagramBytes(53, 50000, []byte("an answer that does not fit into one packet")))
	r, got := receiver(Config{})
	for i, s := range []run{{16, len(whole) - 20}, {0, 16}} {
		f := join(whole[:20], whole[20+s.start:20+s.end])
		copy(f[2:], u16(len(f)))
		where := s.start / 8
		if s.end != len(whole)-20 {
			where |= 0x2000
		}
		copy(f[6:], u16(where))
		r.Packet(part{what: int(capture.LinkEthernet), b: join(ethIPv4, f)}.capture(i + 1))
	}
	if len(*got) != 1 {
		t.Fatalf("%d datagrams", len(*got))
	}
	if g := (*got)[0]; string(g.Data) != string(whole[28:]) || g.Stamp.Frame != 2 || g.Link != (flow.MAC{}) {
		t.Errorf("got %+v", g)
	}
}

// TestLink looks at who sent the bytes that are delivered: known are only those
// of the packet at hand.
func TestLink(t *testing.T) {
	var got []string
	r := New(func(c *flow.Chunk) flow.Want {
		if c.End == flow.Open {
			got = append(got, string(c.Data)+" "+c.Link.String())
		}
		return flow.All
	}, nil)
	num := 0
	send := func(mac string, seq uint32, payload string) {
		num++
		b := rawPacket(A, 1, seq, 1, flagACK, payload, len(payload))
		r.Packet(part{what: int(capture.LinkEthernet), b: join(make([]byte, 6), []byte(mac), []byte{8, 0}, b)}.capture(num))
	}
	send("sender", 100, "one")
	send("router", 103, "two")
	send("router", 109, "four")
	send("sender", 106, "3rd")
	send("sender", 113, "five")
	r.Finish()
	want := []string{"one 73:65:6e:64:65:72", "two 72:6f:75:74:65:72", "3rd ", "four ", "five 73:65:6e:64:65:72"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestNoAllocsForDatagrams: what a UDP datagram costs is up to who wants it.
func TestNoAllocsForDatagrams(t *testing.T) {
	n := 0
	r := New(func(*flow.Chunk) flow.Want { return flow.None }, &Config{Datagram: func(flow.Datagram) { n++ }})
	for _, port := range []uint16{53, 5353} {
		p := part{what: int(capture.LinkEthernet), b: join(ethIPv4, ipv4UDP(datagramBytes(50000, port, []byte("question"))))}.capture(1)
		if got := testing.AllocsPerRun(1000, func() { r.Packet(p) }); got != 0 {
			t.Errorf("port %d: %v allocations", port, got)
		}
	}
	if n != 1001 {
		t.Errorf("%d datagrams, want those of one port", n)
	}
}
