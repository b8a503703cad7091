package filter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// A words6 is an IPv6 address or mask as BPF compares it, in 32-bit words.
type words6 [4]uint32

var errTooBig = errors.New("number does not fit 32 bits")

// parseNumber reads a number as C does: 0x for hexadecimal, 0 for octal.
func parseNumber(s string) (uint32, error) {
	digits, base := s, 10
	switch {
	case len(s) > 2 && (s[:2] == "0x" || s[:2] == "0X"):
		digits, base = s[2:], 16
	case len(s) > 1 && s[0] == '0':
		base = 8
	}
	v, err := strconv.ParseUint(digits, base, 32)
	if errors.Is(err, strconv.ErrRange) {
		return 0, errTooBig
	}
	if err != nil {
		return 0, fmt.Errorf("%s has a digit that is not octal", quote(s))
	}
	return uint32(v), nil
}

// parseIPv4 reads up to four decimal octets. Missing octets are zero, and
// mask says which were there.
func parseIPv4(s string) (addr, mask uint32, err error) {
	shift := 32
	for octet := range strings.SplitSeq(s, ".") {
		v, err := strconv.ParseUint(octet, 10, 8)
		if err != nil {
			return 0, 0, fmt.Errorf("%s is not an IPv4 address", quote(s))
		}
		shift -= 8
		addr |= uint32(v) << shift
	}
	return addr, ^uint32(0) << shift, nil
}

// shortNet reads a number after net: it is as many octets as it needs, so
// that 10 is 10.0.0.0/8. Zero is one address.
func shortNet(v uint32) (addr, mask uint32) {
	if v == 0 {
		return 0, ^uint32(0)
	}
	shift := bits.LeadingZeros32(v) &^ 7
	return v << shift, ^uint32(0) << shift
}

// prefixMask4 is the mask of an IPv4 prefix of n bits, n <= 32.
func prefixMask4(n uint32) uint32 {
	return uint32(^uint64(0) << (32 - n))
}

// prefixMask6 is the mask of an IPv6 prefix of n bits, n <= 128.
func prefixMask6(n uint32) (m words6) {
	for i := range m {
		m[i] = prefixMask4(min(n, 32))
		n -= min(n, 32)
	}
	return m
}

// parseIPv6 reads an address that the scanner found to be one.
func parseIPv6(s string) (w words6) {
	b := netip.MustParseAddr(s).As16()
	for i := range w {
		w[i] = binary.BigEndian.Uint32(b[4*i:])
	}
	return w
}

// parsePort reads one end of a port range: decimal, octal and hexadecimal
// numbers of their own are tokens, but within a range libpcap takes decimal
// only.
func parsePort(s string) (uint32, error) {
	if v, ok := service(s); ok {
		return v, nil
	}
	v, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("unknown port %s: service names other than http and https are not known, give a number", quote(s))
	}
	return checkPort(uint32(v))
}

// checkPort bounds a port number.
func checkPort(v uint32) (uint32, error) {
	if v > 65535 {
		return 0, fmt.Errorf("port number %d is greater than 65535", v)
	}
	return v, nil
}

// service returns the number of a service that has a name here.
func service(s string) (uint32, bool) {
	switch s {
	case "http":
		return 80, true
	case "https":
		return 443, true
	}
	return 0, false
}
