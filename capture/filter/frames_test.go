package filter

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"

	"github.com/wssniff/wssniff/capture"
)

// Values that frames and random expressions are made of: few, so that they
// meet.
var (
	pool4     = []string{"10.0.0.1", "10.0.0.2", "10.1.2.3", "192.168.1.7", "0.0.0.0", "172.16.5.4"}
	pool6     = []string{"::1", "fe80::1", "2001:db8::1", "2001:db8:0:1::2", "::", "::ffff:10.0.0.1"}
	poolPorts = []uint16{80, 443, 8080, 53, 0, 65535, 1024}
	poolVLANs = []uint16{0, 1, 5, 7, 4095}
)

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func chance(r *rand.Rand, percent int) bool { return r.IntN(100) < percent }

// randomFrame makes a packet of a link type: most often one that some
// expression could want, cut or whole, now and then nonsense.
func randomFrame(r *rand.Rand, link capture.LinkType) []byte {
	b := linkHeader(r, link)
	if chance(r, 5) {
		for i := range b {
			if chance(r, 10) {
				b[i] = byte(r.Uint32())
			}
		}
	}
	if chance(r, 40) {
		b = b[:r.IntN(len(b)+1)]
	}
	return b
}

// linkHeader makes a whole packet.
func linkHeader(r *rand.Rand, link capture.LinkType) []byte {
	etherType, payload := network(r)
	switch link {
	case capture.LinkEthernet:
		b := bytesOf(r, 12)
		for range pick(r, 0, 0, 0, 1, 1, 2, 3) {
			b = binary.BigEndian.AppendUint16(b, pick[uint16](r, 0x8100, 0x8100, 0x88a8, 0x9100, 0x9200))
			b = binary.BigEndian.AppendUint16(b, pick(r, poolVLANs...)|uint16(r.IntN(16))<<12)
		}
		return append(binary.BigEndian.AppendUint16(b, etherType), payload...)
	case capture.LinkSLL:
		return append(binary.BigEndian.AppendUint16(bytesOf(r, 14), etherType), payload...)
	case capture.LinkSLL2:
		b := append(binary.BigEndian.AppendUint16(nil, etherType), bytesOf(r, 18)...)
		return append(b, payload...)
	case capture.LinkNull:
		return append(binary.LittleEndian.AppendUint32(nil, family(r, etherType)), payload...)
	case capture.LinkLoop:
		return append(binary.BigEndian.AppendUint32(nil, family(r, etherType)), payload...)
	}
	return payload
}

// family is the BSD address family of an EtherType; 10 is that of Linux for
// IPv6, which libpcap does not take.
func family(r *rand.Rand, etherType uint16) uint32 {
	switch etherType {
	case etherIPv4:
		return 2
	case etherIPv6:
		return pick[uint32](r, 24, 28, 30, 30, 10)
	}
	return pick[uint32](r, 7, 0, 26)
}

func network(r *rand.Rand) (etherType uint16, payload []byte) {
	switch r.IntN(20) {
	case 0, 1:
		return etherARP, arp(r)
	case 2:
		return etherRARP, arp(r)
	case 3:
		return pick[uint16](r, 0x86dd, 0x0800, 0x0806, 0x88cc, 0x0005), bytesOf(r, r.IntN(80))
	case 4, 5, 6, 7, 8, 9, 10, 11:
		return etherIPv6, ip6(r)
	}
	return etherIPv4, ip4(r)
}

func arp(r *rand.Rand) []byte {
	b := []byte{0, 1, 8, 0, 6, 4, 0, byte(1 + r.IntN(4))}
	b = append(append(b, bytesOf(r, 6)...), addr4(r)...)
	b = append(append(b, bytesOf(r, 6)...), addr4(r)...)
	return append(b, bytesOf(r, r.IntN(18))...)
}

func ip4(r *rand.Rand) []byte {
	words := pick(r, 5, 5, 5, 5, 6, 8, 15, r.IntN(16))
	b := []byte{byte(0x40 | words), 0, 0, 60, 0, 0}
	b = binary.BigEndian.AppendUint16(b, pick[uint16](r, 0, 0, 0x4000, 0x2000, 0x2001, 0x0001, 0x1fff, 0x8000))
	proto := pick[byte](r, 6, 6, 6, 17, 17, 132, 1, 58, 44, 47)
	b = append(b, 64, proto, 0, 0)
	b = append(append(b, addr4(r)...), addr4(r)...)
	if words > 5 {
		b = append(b, bytesOf(r, 4*(words-5))...)
	}
	return append(b, transport(r)...)
}

func ip6(r *rand.Rand) []byte {
	next := pick[byte](r, 6, 6, 6, 17, 17, 132, 58, 44, 44, 0, 1)
	b := []byte{0x60, 0, 0, 0, 0, 40, next, 64}
	b = append(append(b, addr6(r)...), addr6(r)...)
	if next == 44 || next == 0 {
		b = append(b, pick[byte](r, 6, 17, 58, 132, 44), 0)
		b = append(b, bytesOf(r, 6)...)
	}
	return append(b, transport(r)...)
}

func transport(r *rand.Rand) []byte {
	b := binary.BigEndian.AppendUint16(nil, pick(r, poolPorts...))
	b = binary.BigEndian.AppendUint16(b, pick(r, poolPorts...))
	return append(b, bytesOf(r, r.IntN(40))...)
}

func addr4(r *rand.Rand) []byte { return netip.MustParseAddr(pick(r, pool4...)).AsSlice() }
func addr6(r *rand.Rand) []byte { return netip.MustParseAddr(pick(r, pool6...)).AsSlice() }

func bytesOf(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}
