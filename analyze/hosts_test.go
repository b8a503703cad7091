package analyze

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/wssniff/wssniff/reassembly/flow"
)

var (
	phone  = flow.MAC{2, 0, 0, 0, 0, 8}
	router = flow.MAC{2, 0, 0, 0, 0, 1}
)

func v4(last int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 0, byte(last >> 8), byte(last)})
}

func v6(last byte) netip.Addr {
	return netip.AddrFrom16([16]byte{0x20, 1, 0x0d, 0xb8, 15: last})
}

// asks lets a host send a question of DNS.
func (a *Analyzer) asks(addr netip.Addr, mac flow.MAC) {
	d := flow.Datagram{From: netip.AddrPortFrom(addr, 40000), To: netip.AddrPortFrom(addr, 53), Link: mac}
	d.Data = make([]byte, dnsHeader)
	a.Datagram(d)
}

// leases lets a server give an address to a host, which told its name.
func (a *Analyzer) leases(addr netip.Addr, mac flow.MAC, name string) {
	server, all := netip.MustParseAddrPort("10.0.0.1:67"), netip.MustParseAddrPort("255.255.255.255:68")
	if name != "" {
		a.Datagram(flow.Datagram{From: netip.MustParseAddrPort("0.0.0.0:68"), To: netip.MustParseAddrPort("255.255.255.255:67"), Data: dhcpBytes(1, mac, "0.0.0.0", option(53, "\x01"), option(12, name))})
	}
	a.Datagram(flow.Datagram{From: server, To: all, Data: dhcpBytes(2, mac, addr.String(), option(53, "\x05"))})
}

func TestHosts(t *testing.T) {
	for _, test := range []struct {
		name string
		play func(a *Analyzer)
		want Host // that has 10.0.0.7
	}{
		{"nothing", func(a *Analyzer) {}, Host{}},
		{"frames", func(a *Analyzer) { a.asks(v4(7), esp); a.asks(v4(7), esp) }, Host{MAC: esp}},
		{"frames whose sender is not known", func(a *Analyzer) { a.asks(v4(7), flow.MAC{}) }, Host{}},
		{"frames of a group", func(a *Analyzer) { a.asks(v4(7), flow.MAC{1}) }, Host{}},
		{"a router", func(a *Analyzer) { a.asks(v4(7), router); a.asks(v4(8), router) }, Host{}},
		{"both sides of a router", func(a *Analyzer) { a.asks(v4(7), router); a.asks(v4(7), esp); a.asks(v4(8), router) }, Host{MAC: esp}},
		{"two that may be hosts", func(a *Analyzer) { a.asks(v4(7), router); a.asks(v4(7), esp) }, Host{}},
		{"IPv6 addresses of a host", func(a *Analyzer) {
			a.asks(v4(7), esp)
			for i := range byte(maxHostAddrs) {
				a.asks(v6(i), esp)
			}
		}, Host{MAC: esp}},
		{"IPv6 addresses of a router", func(a *Analyzer) {
			a.asks(v4(7), router)
			for i := range byte(maxHostAddrs + 1) {
				a.asks(v6(i), router)
			}
		}, Host{}},
		{"a lease", func(a *Analyzer) { a.leases(v4(7), esp, "esp-7") }, Host{esp, "esp-7"}},
		{"a lease without a name", func(a *Analyzer) { a.leases(v4(7), esp, "") }, Host{MAC: esp}},
		{"a lease behind a router", func(a *Analyzer) {
			a.asks(v4(7), router)
			a.asks(v4(8), router)
			a.leases(v4(7), esp, "esp-7")
		}, Host{esp, "esp-7"}},
		{"a lease of a host with several addresses", func(a *Analyzer) {
			a.asks(v4(7), esp)
			a.asks(v4(8), esp)
			a.leases(v4(7), esp, "esp-7")
		}, Host{esp, "esp-7"}},
		{"the last lease", func(a *Analyzer) { a.leases(v4(7), phone, "phone"); a.leases(v4(7), esp, "esp-7") }, Host{esp, "esp-7"}},
		{"the last name", func(a *Analyzer) { a.leases(v4(7), esp, "esp"); a.leases(v4(7), esp, "esp-7") }, Host{esp, "esp-7"}},
		{"a name by frames", func(a *Analyzer) { a.asks(v4(7), esp); a.leases(v4(8), esp, "esp-7") }, Host{esp, "esp-7"}},
		{"more senders than are kept", func(a *Analyzer) {
			a.asks(v4(7), esp)
			for i := range maxMACs {
				m := flow.MAC{2, 0, 0, 0, 1, byte(i)}
				a.asks(v4(8), m)
				a.asks(v4(9), m) // a router
				a.asks(v4(7), m)
			}
		}, Host{}},
		{"an answer from another port", func(a *Analyzer) {
			a.Datagram(flow.Datagram{From: netip.MustParseAddrPort("10.0.0.1:68"), To: netip.MustParseAddrPort("10.0.0.1:67"), Data: dhcpBytes(2, esp, "10.0.0.7", option(53, "\x05"))})
		}, Host{}},
		{"a refused request", func(a *Analyzer) {
			a.Datagram(flow.Datagram{From: netip.MustParseAddrPort("10.0.0.1:67"), To: netip.MustParseAddrPort("10.0.0.1:68"), Data: dhcpBytes(2, esp, "10.0.0.7", option(53, "\x06"))})
		}, Host{}},
	} {
		a := New(nil)
		test.play(a)
		if got := a.Finish(flow.Stamp{}, 0).Hosts.Of(v4(7)); got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
	}
}

// TestHostOfAttempt: the frames of an upgrade request tell whose it is.
func TestHostOfAttempt(t *testing.T) {
	for _, test := range []struct {
		name     string
		up, down []flow.Chunk
		want     flow.MAC
	}{
		{"known", []flow.Chunk{{Data: []byte(upgrade), Link: esp}}, nil, esp},
		{"not known", []flow.Chunk{{Data: []byte(upgrade)}}, nil, flow.MAC{}},
		{"in parts", []flow.Chunk{{Data: []byte(upgrade[:9]), Link: esp}, {Data: []byte(upgrade[9:])}}, nil, esp},
		{"no attempt", []flow.Chunk{{Data: []byte(plain), Link: esp}}, nil, flow.MAC{}},
		{"the answer first", []flow.Chunk{{Data: []byte(upgrade), Link: esp}}, []flow.Chunk{{Data: []byte(switching), Link: router}}, esp},
	} {
		a := New(nil)
		d := a.dialogue(1)
		send := func(dir flow.Dir, chunks []flow.Chunk) {
			for _, c := range chunks {
				c.Conn, c.Dir, c.Offset, c.Stamp, c.Seq = &d.live, dir, d.way[dir].off, d.at, seqOf(dir, d.way[dir].off)
				a.Chunk(&c)
				d.way[dir].off += int64(len(c.Data))
			}
		}
		send(server, test.down)
		send(client, test.up)
		addr := d.conn.A.Addr()
		if got := a.Finish(flow.Stamp{}, 0).Hosts.Of(addr).MAC; got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func TestHostsAddrs(t *testing.T) {
	a := New(nil)
	a.asks(v6(1), esp)
	a.asks(v4(9), esp)
	a.asks(v4(7), esp)
	a.asks(v4(9), esp)
	a.leases(v4(5), esp, "")
	h := a.Finish(flow.Stamp{}, 0).Hosts
	if got, want := fmt.Sprint(h.Addrs(esp)), "[10.0.0.7 10.0.0.9 2001:db8::1]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, h := range []*Hosts{nil, {}, h} {
		if got := h.Addrs(flow.MAC{}); got != nil || h.Of(netip.Addr{}) != (Host{}) {
			t.Errorf("got %v, %+v", got, h.Of(netip.Addr{}))
		}
	}
}

// TestHostsBounds has more addresses than are kept: what is left out must not make
// a router look like a host.
func TestHostsBounds(t *testing.T) {
	var h Hosts
	for i := range MaxHosts {
		h.saw(v4(i), flow.MAC{2, byte(i >> 16), byte(i >> 8), byte(i)})
	}
	one := flow.MAC{2, 0, 0, 9}
	if got := h.Of(v4(9)).MAC; got != one || h.unlisted != 0 {
		t.Errorf("got %v, %d left out", got, h.unlisted)
	}
	h.saw(netip.MustParseAddr("192.0.2.1"), one)
	if got := h.Of(v4(9)).MAC; got != (flow.MAC{}) || len(h.addrs) != MaxHosts || h.unlisted != 1 {
		t.Errorf("got %v, %d addresses, %d left out", got, len(h.addrs), h.unlisted)
	}
	for i := range byte(maxMACs + 1) {
		h.saw(v4(3), flow.MAC{2, 0, 0, i})
	}
	for i := range byte(maxMACs + 1) {
		if m := (flow.MAC{2, 0, 0, i}); h.Of(v4(int(i))).MAC != (flow.MAC{}) || len(h.addrs[v4(3)].macs) > maxMACs {
			t.Errorf("%v: got %+v, %d MAC addresses", m, h.Of(v4(int(i))), len(h.addrs[v4(3)].macs))
		}
	}
	h.saw(v4(8), flow.MAC{4})
	if got := h.Of(v4(8)).MAC; got != (flow.MAC{}) || len(h.stations) != MaxHosts || h.unlisted != 2 {
		t.Errorf("got %v, %d stations, %d left out", got, len(h.stations), h.unlisted)
	}
}
