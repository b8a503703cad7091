package workload

import "net/netip"

// clientAddr returns the i-th client: an address of 10.0.0.0/8 and a port, never
// the same pair twice below 10 million.
func clientAddr(i int64) netip.AddrPort {
	const hosts, firstPort = 1 << 13, 20_000
	host := i % hosts
	a := netip.AddrFrom4([4]byte{10, 7, byte(host >> 8), byte(host)})
	return netip.AddrPortFrom(a, uint16(firstPort+i/hosts%40_000))
}

// serverAddr returns one of 48 servers.
func serverAddr(i int64, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(10 + i%48)}), port)
}

// over6 turns an address into one of IPv6.
func over6(a netip.AddrPort) netip.AddrPort {
	b := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	v4 := a.Addr().As4()
	copy(b[12:], v4[:])
	return netip.AddrPortFrom(netip.AddrFrom16(b), a.Port())
}
