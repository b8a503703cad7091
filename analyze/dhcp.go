package analyze

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// portDHCPServer is the UDP port of DHCP servers and relays, RFC 2131, Section 4.1.
const portDHCPServer = 67

// Types of DHCP messages, RFC 2132, Section 9.6.
const (
	dhcpDiscover = 1
	dhcpRequest  = 3
	dhcpACK      = 5
)

// A dhcpMessage is what of a DHCP message tells about a host.
type dhcpMessage struct {
	reply bool       // sent by a server
	kind  byte       // the message type
	mac   flow.MAC   // of the client
	yours netip.Addr // given to the client; 0.0.0.0: none
	name  string     // of the client, as it sent it; "" if it did not, or it is no text
}

// readDHCP reads a DHCP message for IPv4, RFC 2131, Section 2, whose client has an
// IEEE 802 address. Options in the fields of server and file (RFC 2132, Section
// 9.3) are not looked for.
func readDHCP(b []byte) (m dhcpMessage, ok bool) {
	const request, reply, ethernet, options, magic = 1, 2, 1, 240, 0x63825363
	if len(b) < options || binary.BigEndian.Uint32(b[options-4:]) != magic {
		return m, false
	}
	if b[0] != request && b[0] != reply || b[1] != ethernet || int(b[2]) != len(m.mac) {
		return m, false
	}
	m.reply, m.yours, m.mac = b[0] == reply, netip.AddrFrom4([4]byte(b[16:20])), flow.MAC(b[28:34])
	m.options(b[options:])
	return m, m.kind != 0
}

// options reads the options, RFC 2132, Section 2.
func (m *dhcpMessage) options(b []byte) {
	const pad, hostName, messageType, fqdn, end = 0, 12, 53, 81, 255
	var full string
	for len(b) > 0 && b[0] != end {
		if b[0] == pad {
			b = b[1:]
			continue
		}
		if len(b) < 2 || len(b) < 2+int(b[1]) {
			break
		}
		switch value := b[2 : 2+int(b[1])]; {
		case b[0] == hostName:
			m.name = hostText(value)
		case b[0] == messageType && len(value) == 1:
			m.kind = value[0]
		case b[0] == fqdn && len(value) > 3:
			full = clientFQDN(value[0], value[3:])
		}
		b = b[2+int(b[1]):]
	}
	if m.name == "" {
		m.name = full
	}
}

// clientFQDN reads the name of a Client FQDN option, RFC 4702, Section 2: labels
// behind their lengths, or text as it was once. It may have but the first labels of
// the name.
func clientFQDN(flags byte, b []byte) string {
	const hasLabels = 0x04
	if flags&hasLabels == 0 {
		return hostText(b)
	}
	var labels [][]byte
	for len(b) > 0 && b[0] != 0 {
		n := 1 + int(b[0])
		if b[0] > 63 || n > len(b) {
			return ""
		}
		labels, b = append(labels, b[1:n]), b[n:]
	}
	return hostText(bytes.Join(labels, []byte{'.'}))
}

// hostText returns a name without what some clients end it with; "" if it is not
// printable.
func hostText(b []byte) string {
	b = bytes.TrimSuffix(bytes.TrimRight(b, "\x00"), []byte{'.'})
	s := string(b)
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return s
}
