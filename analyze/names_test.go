package analyze

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// told lets a server answer at some second. A client is the last number of its
// address.
func (a *Analyzer) told(second int64, client byte, r reply) {
	at := flow.Stamp{Frame: int(second) + 1, Time: second * 1e9}
	to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, client}), 40000)
	a.Datagram(flow.Datagram{From: netip.MustParseAddrPort("10.0.0.1:53"), To: to, Stamp: at, Data: r.bytes()})
}

// namesOf are those of an analyzer that has heard all there is.
func (a *Analyzer) namesOf() *Names { return a.Finish(flow.Stamp{}, 0).Names }

func (l Lookup) text() string {
	return fmt.Sprintf("%s to %v at %d by %v: %d %v %s", l.Name, l.Client, l.At.Time/1e9, l.Server, l.RCode, l.Addrs, l.CNAME)
}

func TestNamesLatest(t *testing.T) {
	a := New(nil)
	gw := func(addr string) reply { return reply{name: "GW.example", records: []string{"gw.example A " + addr}} }
	a.told(10, 7, gw("192.0.2.1"))
	a.told(20, 7, gw("192.0.2.1"))
	a.told(30, 7, gw("192.0.2.1"))
	a.told(40, 8, gw("192.0.2.2"))
	a.told(50, 7, reply{name: "gw.example", rcode: 3})
	a.told(60, 8, reply{name: "gw.example", records: []string{"gw.example CNAME b", "b A 192.0.2.2"}})
	a.told(70, 7, reply{name: "gw.example"})                                                             // no address, and no error
	a.told(80, 7, reply{name: "gw.example", v6: true, records: []string{"gw.example AAAA 2001:db8::1"}}) // a kind of its own
	a.told(81, 7, reply{name: "gw.example", rcode: 2})                                                   // no error, as there are addresses
	a.told(90, 7, reply{name: "gw.example", rcode: 2})
	n := a.namesOf()
	if n.Len() != 6 {
		t.Errorf("%d answers", n.Len())
	}
	const by = "by 10.0.0.1:53: "
	for _, test := range []struct {
		client byte
		at     int64
		want   string
	}{
		{7, 9, ""},
		{7, 10, "gw.example to 10.0.0.7 at 10 " + by + "0 [192.0.2.1] "},
		{7, 29, "gw.example to 10.0.0.7 at 10 " + by + "0 [192.0.2.1] "},
		{7, 45, "gw.example to 10.0.0.7 at 30 " + by + "0 [192.0.2.1] "},
		{7, 79, "gw.example to 10.0.0.7 at 50 " + by + "3 [] "},
		{7, 89, "gw.example to 10.0.0.7 at 80 " + by + "0 [2001:db8::1] "},
		{7, 99, "gw.example to 10.0.0.7 at 90 " + by + "2 [] "},
		{8, 39, "gw.example to 10.0.0.7 at 30 " + by + "0 [192.0.2.1] "}, // what others were told
		{8, 55, "gw.example to 10.0.0.8 at 40 " + by + "0 [192.0.2.2] "},
		{8, 60, "gw.example to 10.0.0.8 at 60 " + by + "0 [192.0.2.2] b"},
		{9, 49, "gw.example to 10.0.0.8 at 40 " + by + "0 [192.0.2.2] "},
	} {
		got := ""
		if l, ok := n.Latest(netip.AddrFrom4([4]byte{10, 0, 0, test.client}), "gw.EXAMPLE.", test.at*1e9); ok {
			got = l.text()
		}
		if got != test.want {
			t.Errorf("client %d at %d: got %s, want %s", test.client, test.at, got, test.want)
		}
	}
	if l, ok := n.Latest(netip.Addr{}, "b", 99e9); ok {
		t.Errorf("what no one asked for: %v", l)
	}
}

// TestNamesOverlap has answers between the first and the last of equal ones.
func TestNamesOverlap(t *testing.T) {
	a := New(nil)
	gw := reply{name: "gw", records: []string{"gw A 192.0.2.1"}}
	a.told(10, 7, gw)
	a.told(20, 8, reply{name: "gw", records: []string{"gw A 192.0.2.2"}})
	a.told(25, 7, reply{name: "gw", v6: true, records: []string{"gw AAAA 2001:db8::1"}})
	a.told(30, 7, gw)
	n := a.namesOf()
	for _, test := range []struct {
		client byte
		at     int64
		want   int64
	}{{7, 24, 10}, {7, 29, 25}, {7, 30, 30}, {9, 19, 10}, {9, 24, 20}, {9, 29, 25}, {9, 30, 30}} {
		if l, _ := n.Latest(netip.AddrFrom4([4]byte{10, 0, 0, test.client}), "gw", test.at*1e9); l.At.Time != test.want*1e9 {
			t.Errorf("client %d at %d: got %s, want that at %d", test.client, test.at, l.text(), test.want)
		}
	}
}

func TestNamesLed(t *testing.T) {
	a := New(nil)
	a.told(10, 7, reply{name: "gw", records: []string{"gw A 192.0.2.1", "gw A 192.0.2.2"}})
	a.told(20, 8, reply{name: "gw", records: []string{"gw A 192.0.2.3"}})
	a.told(30, 7, reply{name: "part", records: append([]string{"part CNAME p"}, manyRecords("p", maxAddrs+1)...)})
	a.told(40, 7, reply{name: "none", rcode: 3})
	a.told(50, 7, reply{name: "failure", rcode: 2})
	n := a.namesOf()
	for _, test := range []struct {
		name, to   string
		at         int64
		led, known bool
	}{
		{"gw", "192.0.2.1", 9, false, false},
		{"gw", "192.0.2.1", 10, true, true},
		{"GW.", "192.0.2.2", 99, true, true},
		{"gw", "192.0.2.3", 19, false, true},
		{"gw", "192.0.2.3", 20, true, true},
		{"gw", "2001:db8::1", 99, false, false}, // nobody asked for such
		{"p", "10.0.0.1", 99, false, false},     // nor for this name
		{"part", "10.0.0.1", 99, true, true},
		{"part", "192.0.2.1", 99, false, false}, // it may be among those left out
		{"none", "192.0.2.1", 39, false, false},
		{"none", "192.0.2.1", 40, false, true},
		{"none", "2001:db8::1", 40, false, true},
		{"failure", "192.0.2.1", 99, false, false},
		{"", "192.0.2.1", 99, false, false},
	} {
		if led, known := n.Led(test.name, netip.MustParseAddr(test.to), test.at*1e9); led != test.led || known != test.known {
			t.Errorf("%s to %s at %d: %v %v, want %v %v", test.name, test.to, test.at, led, known, test.led, test.known)
		}
	}
}

func manyRecords(name string, n int) (records []string) {
	for i := range n {
		records = append(records, fmt.Sprintf("%s A 10.0.0.%d", name, i))
	}
	return records
}

func TestNamesOf(t *testing.T) {
	a := New(nil)
	for i := range 6 {
		name := fmt.Sprintf("n%d", i)
		a.told(int64(10*i), 7, reply{name: name, records: []string{name + " A 192.0.2.1", name + " A 192.0.2.2"}})
	}
	a.told(70, 8, reply{name: "n1", records: []string{"n1 A 192.0.2.1"}})
	n := a.namesOf()
	for _, test := range []struct {
		to   string
		at   int64
		want string
	}{
		{"192.0.2.1", -1, ""}, {"192.0.2.1", 10, "n1 n0"}, {"192.0.2.1", 69, "n5 n4 n3 n2"},
		{"192.0.2.1", 70, "n1 n5 n4 n3"}, {"192.0.2.2", 70, "n5 n4 n3 n2"}, {"192.0.2.3", 70, ""},
	} {
		if got := strings.Join(n.Of(netip.MustParseAddr(test.to), test.at*1e9), " "); got != test.want {
			t.Errorf("%s at %d: got %q, want %q", test.to, test.at, got, test.want)
		}
	}
}

// TestNamesMonth: a device that asks every ten seconds for a month costs two
// answers, however the server orders them.
func TestNamesMonth(t *testing.T) {
	a := New(nil)
	v4 := [][]byte{reply{name: "gw", records: []string{"gw A 192.0.2.1", "gw A 192.0.2.2"}}.bytes(), reply{name: "gw", records: []string{"gw A 192.0.2.2", "gw A 192.0.2.1"}}.bytes()}
	v6 := reply{name: "gw", v6: true, records: []string{"gw AAAA 2001:db8::1"}}.bytes()
	d := flow.Datagram{From: netip.MustParseAddrPort("10.0.0.1:53"), To: netip.MustParseAddrPort("10.0.0.7:40000")}
	last := int64(0)
	for i := range int64(30 * 24 * 360) {
		last = i * 10 * int64(time.Second)
		d.Stamp = flow.Stamp{Frame: int(i) + 1, Time: last}
		d.Data = v4[i%2]
		a.Datagram(d)
		d.Data = v6
		a.Datagram(d)
	}
	n := a.namesOf()
	if l, _ := n.Latest(d.To.Addr(), "gw", last); n.Len() != 2 || l.At != d.Stamp {
		t.Errorf("%d answers, the last at %v, want %v", n.Len(), l.At, d.Stamp)
	}
}

// TestNamesBounds fills each of the bounds.
func TestNamesBounds(t *testing.T) {
	for _, test := range []struct {
		name   string
		reply  func(i int) answer
		rounds int
		held   int
	}{
		{"lookups", func(i int) answer { return answerOf(fmt.Sprint("n", i), 1) }, MaxLookups + 10, MaxLookups},
		{"bytes", func(i int) answer { return answerOf(fmt.Sprintf("%0255d", i), 1) }, maxNameBytes/255 + 11, maxNameBytes / 255},
		{"addresses", func(i int) answer { return answerOf(fmt.Sprint("n", i), maxAddrs) }, maxNameAddrs/maxAddrs + 10, maxNameAddrs / maxAddrs},
	} {
		var n Names
		for i := range test.rounds {
			r := test.reply(i)
			n.add(&r, netip.AddrFrom4([4]byte{10}), netip.AddrPort{}, flow.Stamp{Frame: i + 1, Time: int64(i)})
		}
		if n.Len() != test.held || n.unlisted != test.rounds-test.held || n.bytes > maxNameBytes || n.addrs > maxNameAddrs {
			t.Errorf("%s: %d held, want %d; %d left out, %d bytes, %d addresses", test.name, n.Len(), test.held, n.unlisted, n.bytes, n.addrs)
		}
		r := test.reply(0)
		n.add(&r, netip.AddrFrom4([4]byte{10}), netip.AddrPort{}, flow.Stamp{Frame: 1e6, Time: 1e6})
		if n.lookups[0].last.Frame != 1e6 {
			t.Errorf("%s: what is held is not held on to", test.name)
		}
	}
}

func answerOf(name string, addrs byte) (r answer) {
	r.name.n = copy(r.name.b[:], name)
	r.addrs = addrsUpTo(addrs)
	return r
}

// TestNamesNil asks those who know nothing.
func TestNamesNil(t *testing.T) {
	for _, n := range []*Names{nil, {}, New(nil).namesOf()} {
		l, ok := n.Latest(netip.Addr{}, "gw", 1)
		led, known := n.Led("gw", netip.Addr{}, 1)
		if ok || led || known || n.Len() != 0 || n.Of(netip.Addr{}, 1) != nil {
			t.Errorf("%v %v %v %v", l, led, known, n.Of(netip.Addr{}, 1))
		}
	}
}

// TestNamesModel compares with a list of all that was said.
func TestNamesModel(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 11))
		a := New(nil)
		type said struct {
			at     int64
			client byte
			r      reply
		}
		var all []said
		for i := range 1 + rng.Int64N(60) {
			name := fmt.Sprint("n", rng.IntN(3))
			s := said{at: i, client: byte(rng.IntN(2)), r: reply{name: name}}
			if seed%2 == 0 {
				s.at += rng.Int64N(5) // time stands still, or runs backwards
			}
			switch rng.IntN(8) {
			case 0:
				s.r.rcode = noSuchName
			default:
				for range 1 + rng.IntN(2) {
					s.r.records = append(s.r.records, fmt.Sprintf("%s A 192.0.2.%d", name, rng.IntN(4)))
				}
			}
			a.told(s.at, s.client, s.r)
			all = append(all, s)
		}
		slices.SortStableFunc(all, func(x, y said) int { return int(x.at - y.at) })
		n := a.namesOf()
		for at := range int64(66) {
			for _, name := range []string{"n0", "n1", "n2"} {
				for to := range byte(4) {
					addr := netip.AddrFrom4([4]byte{192, 0, 2, to})
					led, known := false, false
					for _, s := range all {
						if s.at <= at && s.r.name == name {
							known = true
							led = led || slices.Contains(s.r.records, fmt.Sprintf("%s A %v", name, addr))
						}
					}
					if l, k := n.Led(name, addr, at*1e9); l != led || k != known {
						t.Fatalf("seed %d: %s to %v at %d: %v %v, want %v %v", seed, name, addr, at, l, k, led, known)
					}
				}
				if seed%2 == 0 {
					continue
				}
				client := netip.AddrFrom4([4]byte{10, 0, 0, 1})
				want := -1
				for i, s := range all {
					if s.at <= at && s.r.name == name && s.client == 1 {
						want = i
					}
				}
				l, ok := n.Latest(client, name, at*1e9)
				if own := ok && l.Client == client; own != (want >= 0) {
					t.Fatalf("seed %d: %s at %d: got %v", seed, name, at, l.text())
				}
				if want < 0 {
					continue
				}
				var r answer
				r.read(all[want].r.bytes())
				if l.RCode != r.rcode || len(l.Addrs) != len(r.addrs) || slices.ContainsFunc(l.Addrs, func(a netip.Addr) bool { return !slices.Contains(r.addrs, a) }) {
					t.Fatalf("seed %d: %s at %d: got %v, want %v", seed, name, at, l.text(), &r)
				}
			}
		}
	}
}
