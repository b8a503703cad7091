package reassembly

import "encoding/binary"

// UDP ports of protocols that tell about hosts.
const (
	portDNS        = 53
	portDHCPServer = 67
	portDHCPClient = 68
)

// datagram reads a UDP datagram, RFC 768, if it tells about hosts.
func (d *decoder) datagram(b []byte, cut int) kind {
	from, to := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	if !d.datagrams || d.quoted || !tellsOfHosts(from) && !tellsOfHosts(to) {
		return other
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	if n < udpHeaderLen || n > len(b)+cut {
		return other
	}
	b, cut = trim(b, cut, n)
	if sum := b[6] | b[7]; cut == 0 && sum != 0 && (d.checkSums || d.suspect) && !d.sumRight(protoUDP, b) {
		return other
	}
	d.Ends, d.payload = d.ends(b), b[udpHeaderLen:]
	return udp
}

func tellsOfHosts(port uint16) bool {
	return port == portDNS || port == portDHCPServer || port == portDHCPClient
}
