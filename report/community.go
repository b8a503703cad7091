package report

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
)

// appendCommunityID appends the Community ID, version 1 with seed 0, of a TCP
// connection: the SHA-1 of seed, addresses, protocol and ports, the smaller
// end first, so that both directions and all tools agree on it.
func appendCommunityID(dst []byte, a, b netip.AddrPort) []byte {
	a = netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
	b = netip.AddrPortFrom(b.Addr().Unmap().WithZone(""), b.Port())
	if b.Compare(a) < 0 {
		a, b = b, a
	}
	var room [40]byte
	buf := append(room[:0], 0, 0) // seed
	buf = appendAddr(buf, a.Addr())
	buf = appendAddr(buf, b.Addr())
	buf = append(buf, 6, 0) // TCP, padding
	buf = binary.BigEndian.AppendUint16(buf, a.Port())
	buf = binary.BigEndian.AppendUint16(buf, b.Port())
	sum := sha1.Sum(buf)
	return base64.StdEncoding.AppendEncode(append(dst, "1:"...), sum[:])
}

func appendAddr(dst []byte, ip netip.Addr) []byte {
	if ip.Is4() {
		b := ip.As4()
		return append(dst, b[:]...)
	}
	b := ip.As16()
	return append(dst, b[:]...)
}
