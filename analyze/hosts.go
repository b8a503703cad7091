package analyze

import (
	"hash/maphash"
	"net/netip"
	"slices"

	"github.com/wssniff/wssniff/reassembly/flow"
)

const (
	MaxHosts = 1 << 16 // addresses of which something is known, and MAC addresses

	maxMACs      = 4 // that frames of one address may have, and still tell whose it is
	maxHostAddrs = 8 // IPv6 addresses that one host has
)

// Hosts is what the capture shows of hosts besides their connections: the MAC
// addresses of frames with upgrade requests and questions of DNS, and DHCP. All
// methods work on a nil *Hosts, which knows nothing.
type Hosts struct {
	addrs    map[netip.Addr]*hostAddr
	stations map[flow.MAC]*station
	unlisted int // addresses left out for want of room

	seed  maphash.Seed
	noted []uint64 // hashes of addresses with a MAC address that they have, by their low bits: nearly always, saw needs no more
}

const notedSlots = 1 << 14

// A Host is what is known of the host that has an address.
type Host struct {
	MAC  flow.MAC // zero: not known, or it is that of a router: frames of several IPv4 addresses, or of more than 8 IPv6 ones, have it
	Name string   // that the host has by DHCP; "" if unknown
}

// A hostAddr is what is known of an address.
type hostAddr struct {
	lease flow.MAC   // of the host to which DHCP gave the address; zero: not seen
	macs  []flow.MAC // of its frames, at most maxMACs
	many  bool       // there were more than maxMACs
}

// A station is what is known of a MAC address.
type station struct {
	addrs  []netip.Addr // whose frames have it
	v4, v6 int          // how many of them
	shared bool         // frames of others, which are not listed, may have it
	name   string       // that it told a DHCP server; "": none
}

func (s *station) isRouter() bool { return s.shared || s.v4 > 1 || s.v6 > maxHostAddrs }

// saw notes which MAC address a frame has that an address sent; zero: it is not
// known.
func (h *Hosts) saw(addr netip.Addr, mac flow.MAC) {
	if !ofOne(mac) {
		return
	}
	if h.noted == nil {
		h.seed, h.noted = maphash.MakeSeed(), make([]uint64, notedSlots)
	}
	hash := maphash.Comparable(h.seed, sighting{addr, mac})
	noted := &h.noted[hash%notedSlots]
	if *noted == hash {
		return
	}
	if a := h.addrs[addr]; a != nil && slices.Contains(a.macs, mac) {
		*noted = hash
	} else {
		h.meet(addr, mac)
	}
}

// A sighting is a frame of an address.
type sighting struct {
	addr netip.Addr
	mac  flow.MAC
}

// ofOne reports whether a MAC address is that of a station, not of a group.
func ofOne(mac flow.MAC) bool { return mac != (flow.MAC{}) && mac[0]&1 == 0 }

// meet notes that frames of an address have a MAC address that is new to it. What there is no room
// for makes the other half ambiguous, lest it look like a host's only one.
func (h *Hosts) meet(addr netip.Addr, mac flow.MAC) {
	a, s := h.addr(addr), h.station(mac)
	if a != nil {
		a.many = a.many || s == nil || len(a.macs) == maxMACs
	}
	switch {
	case s == nil:
	case a == nil || a.many:
		s.shared = true
	default:
		a.macs = append(a.macs, mac)
		s.own(addr)
	}
}

func (s *station) own(addr netip.Addr) {
	s.addrs = append(s.addrs, addr)
	if addr.Is4() {
		s.v4++
	} else {
		s.v6++
	}
}

// dhcp takes a message of DHCP.
func (h *Hosts) dhcp(m *dhcpMessage) {
	switch {
	case !ofOne(m.mac):
	case !m.reply && (m.kind == dhcpDiscover || m.kind == dhcpRequest) && m.name != "":
		if s := h.station(m.mac); s != nil {
			s.name = m.name
		}
	case m.reply && m.kind == dhcpACK && !m.yours.IsUnspecified(): // else it gives parameters, no address
		if a := h.addr(m.yours); a != nil {
			a.lease = m.mac
		}
	}
}

// addr returns what is known of an address, to be added to; nil: there is no room.
func (h *Hosts) addr(addr netip.Addr) *hostAddr {
	if h.addrs == nil {
		h.addrs = map[netip.Addr]*hostAddr{}
	}
	return roomFor(h.addrs, addr, &h.unlisted)
}

// station does it for a MAC address.
func (h *Hosts) station(mac flow.MAC) *station {
	if h.stations == nil {
		h.stations = map[flow.MAC]*station{}
	}
	return roomFor(h.stations, mac, &h.unlisted)
}

func roomFor[K comparable, V any](m map[K]*V, key K, unlisted *int) *V {
	v := m[key]
	switch {
	case v != nil:
	case len(m) < MaxHosts:
		v = new(V)
		m[key] = v
	default:
		*unlisted++
	}
	return v
}

// Of returns what is known of the host that has an address. What DHCP said last
// counts, then the MAC address of frames, if it is that of one host.
func (h *Hosts) Of(addr netip.Addr) Host {
	if h == nil || h.addrs[addr] == nil {
		return Host{}
	}
	a := h.addrs[addr]
	host := Host{MAC: a.lease}
	if host.MAC == (flow.MAC{}) {
		host.MAC = h.only(a)
	}
	if s := h.stations[host.MAC]; s != nil {
		host.Name = s.name
	}
	return host
}

// only returns the one MAC address of frames of an address that is no router's;
// zero if there is none, or several.
func (h *Hosts) only(a *hostAddr) (only flow.MAC) {
	for _, m := range a.macs {
		switch {
		case h.stations[m].isRouter():
		case a.many || only != (flow.MAC{}):
			return flow.MAC{}
		default:
			only = m
		}
	}
	return only
}

// Addrs returns the addresses whose frames have a MAC address, in order.
func (h *Hosts) Addrs(m flow.MAC) []netip.Addr {
	if h == nil || h.stations[m] == nil {
		return nil
	}
	addrs := slices.Clone(h.stations[m].addrs)
	slices.SortFunc(addrs, netip.Addr.Compare)
	return addrs
}
