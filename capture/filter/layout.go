package filter

import (
	"fmt"

	"github.com/wssniff/wssniff/capture"
)

// EtherTypes, IEEE 802 Numbers.
const (
	etherIPv4   = 0x0800
	etherARP    = 0x0806
	etherRARP   = 0x8035
	etherVLAN   = 0x8100 // IEEE 802.1Q
	etherIPv6   = 0x86dd
	etherQinQ   = 0x88a8 // IEEE 802.1ad
	etherQinQ91 = 0x9100 // older double tagging
)

// A layout says where the headers of a packet are, and how its link layer
// tells protocols apart.
type layout struct {
	link     capture.LinkType
	protocol func(l *layout, etherType uint32) *cond
	typeAt   uint32 // where the EtherType is
	shift    uint32 // where an address family is in its 32-bit word
	net      uint32 // where the network header begins
}

// layouts are the link types that expressions can be compiled for.
var layouts = map[capture.LinkType]layout{
	capture.LinkEthernet: {protocol: byEtherType, typeAt: 12, net: 14},
	capture.LinkSLL:      {protocol: byEtherType, typeAt: 14, net: 16},
	capture.LinkSLL2:     {protocol: byEtherType, typeAt: 0, net: 20},
	capture.LinkNull:     {protocol: byFamily, net: 4},
	capture.LinkLoop:     {protocol: byFamily, net: 4},
	capture.LinkRaw:      {protocol: byVersion},
	capture.LinkRawOld:   {protocol: byVersion},
	capture.LinkRawBSD:   {protocol: byVersion},
	capture.LinkIPv4:     {protocol: always(etherIPv4)},
	capture.LinkIPv6:     {protocol: always(etherIPv6)},
}

// layoutsOf returns the layout of a link type. There are two for LinkNull,
// little-endian first.
func layoutsOf(link capture.LinkType) ([]*layout, error) {
	l, ok := layouts[link]
	if !ok {
		return nil, fmt.Errorf("filter: no filter expressions for link type %d, only for Ethernet, Linux cooked (SLL, SLL2), "+
			"BSD loopback (NULL, LOOP) and raw IP; give the output of tcpdump -ddd to --bpf-program", link)
	}
	l.link = link
	if link != capture.LinkNull {
		return []*layout{&l}, nil
	}
	little := l
	little.shift = 24
	return []*layout{&little, &l}, nil
}

// byEtherType tests a field with an EtherType.
func byEtherType(l *layout, etherType uint32) *cond {
	return equal(field(l.typeAt, 2), etherType)
}

// Address families of the BSD loopback header.
const (
	familyIPv4     = 2
	familyIPv6Net  = 24 // NetBSD, OpenBSD
	familyIPv6Free = 28 // FreeBSD
	familyIPv6Mac  = 30 // macOS
)

// byFamily tests the address family of a BSD loopback header.
func byFamily(l *layout, etherType uint32) *cond {
	switch etherType {
	case etherIPv4:
		return l.family(familyIPv4)
	case etherIPv6:
		return anyOf(l.family(familyIPv6Mac), l.family(familyIPv6Net), l.family(familyIPv6Free))
	}
	return constant(false)
}

// family tests for one address family. All families fit one byte, which comes
// first in little-endian order.
func (l *layout) family(v uint32) *cond { return equal(field(0, 4), v<<l.shift) }

// isLittle tests whether an address family is in little-endian order.
func isLittle() test { return test{load: field(0, 4), cmp: hasBits, k: 0xff << 24} }

// byVersion tests the version of an IP header.
func byVersion(_ *layout, etherType uint32) *cond {
	version := field(0, 1).masked(0xf0)
	switch etherType {
	case etherIPv4:
		return equal(version, 0x40)
	case etherIPv6:
		return equal(version, 0x60)
	}
	return constant(false)
}

// always is the test of a link layer with one protocol.
func always(only uint32) func(*layout, uint32) *cond {
	return func(_ *layout, etherType uint32) *cond { return constant(etherType == only) }
}
