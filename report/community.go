package report

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
)

// communityID returns the Community ID, version 1 with seed 0, of a TCP
// connection: the SHA-1 of seed, addresses, protocol and ports, the smaller
// end first, so that both directions and all tools agree on it.
func communityID(a, b netip.AddrPort) string {
	if !a.IsValid() || !b.IsValid() {
		return ""
	}
	a = netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
	b = netip.AddrPortFrom(b.Addr().Unmap().WithZone(""), b.Port())
	if b.Compare(a) < 0 {
		a, b = b, a
	}
	buf := []byte{0, 0} // seed
	buf = append(buf, a.Addr().AsSlice()...)
	buf = append(buf, b.Addr().AsSlice()...)
	buf = append(buf, 6, 0) // TCP, padding
	buf = binary.BigEndian.AppendUint16(buf, a.Port())
	buf = binary.BigEndian.AppendUint16(buf, b.Port())
	sum := sha1.Sum(buf)
	return "1:" + base64.StdEncoding.EncodeToString(sum[:])
}
