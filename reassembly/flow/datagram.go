package flow

import (
	"fmt"
	"net/netip"
)

// A MAC is an IEEE 802 address. The zero value is unknown.
type MAC [6]byte

// String returns the address as aa:bb:cc:dd:ee:ff, "" if it is unknown.
func (m MAC) String() string {
	if m == (MAC{}) {
		return ""
	}
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}

// A Datagram is a UDP datagram of a protocol that tells about hosts: DNS or DHCP,
// by its ports.
type Datagram struct {
	From, To netip.AddrPort
	Link     MAC // source address of the frame that carried it; zero if that is not known
	Stamp    Stamp
	Data     []byte // payload, valid during the call only; may be cut by the snap length
}
