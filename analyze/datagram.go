package analyze

import "github.com/wssniff/wssniff/reassembly/flow"

// Datagram takes a UDP datagram, of DNS or DHCP by its ports. It keeps nothing of
// d.Data.
func (a *Analyzer) Datagram(d flow.Datagram) {
	switch from, to := d.From.Port(), d.To.Port(); {
	case from == portDHCPServer || to == portDHCPServer:
		if m, ok := readDHCP(d.Data); ok && (m.reply && from == portDHCPServer || !m.reply && to == portDHCPServer) {
			a.hosts.dhcp(&m)
		}
	case len(d.Data) < dnsHeader:
	case from == portDNS && isAnswer(d.Data):
		a.dnsMessage(d.Data, d.From, d.To.Addr(), d.Stamp)
	case to == portDNS && !isAnswer(d.Data):
		a.hosts.saw(d.From.Addr(), d.Link)
	}
}
