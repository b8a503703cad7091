package analyze

import (
	"bytes"
	"net/netip"
	"slices"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	portDNS    = 53
	dnsHeader  = 12  // bytes of the header of a message, RFC 1035, Section 4.1.1
	maxName    = 255 // bytes of a name, RFC 1035, Section 2.3.4
	maxAddrs   = 16  // addresses kept of one answer
	maxAliases = 16  // CNAMEs followed in one answer
	maxRecords = 256 // records of one answer that are looked at
	noSuchName = 3   // RCode, RFC 1035, Section 4.1.1
)

// A dnsName is a name of a DNS message in lower case, without the last dot.
type dnsName struct {
	b [maxName]byte
	n int
}

func (d *dnsName) bytes() []byte { return d.b[:d.n] }

// set takes a name. It reports false, and leaves an empty name, if that is no
// name of a host: letters, digits, hyphens, and underscores, which are no part of
// one but in use.
func (d *dnsName) set(name *dnsmessage.Name) bool {
	d.n = 0
	for _, c := range bytes.TrimSuffix(name.Data[:name.Length], []byte{'.'}) {
		switch c = lower(c); {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			d.n = 0
			return false
		}
		d.b[d.n] = c
		d.n++
	}
	return d.n > 0
}

// An answer is what a DNS message says of the addresses of a name. It is used
// again for the next one.
type answer struct {
	name    dnsName // asked for
	v6      bool    // asked for are IPv6 addresses, otherwise IPv4 ones
	rcode   int
	cname   dnsName      // that the last CNAME leads to; empty: there is none
	addrs   []netip.Addr // of the name that the CNAMEs end in, each once; none if there is an error
	partial bool         // there may be more of them: the message is truncated, cut or damaged, or there are too many
}

// read takes a DNS message, RFC 1035, Section 4. It reports false for all but
// answers to one question for addresses of a host that tell some, or an error.
func (r *answer) read(msg []byte) bool {
	var p dnsmessage.Parser
	h, err := p.Start(msg)
	if err != nil || !h.Response || h.OpCode != 0 {
		return false
	}
	q, err := p.Question()
	if err != nil || q.Class != dnsmessage.ClassINET || q.Type != dnsmessage.TypeA && q.Type != dnsmessage.TypeAAAA || !r.name.set(&q.Name) {
		return false
	}
	if _, err := p.Question(); err != dnsmessage.ErrSectionDone {
		return false
	}
	r.v6, r.rcode, r.cname.n = q.Type == dnsmessage.TypeAAAA, int(h.RCode), 0
	r.resolve(p, q.Name, h.Truncated)
	if r.rcode != 0 {
		r.addrs = r.addrs[:0]
	}
	return r.rcode != 0 || len(r.addrs) > 0
}

// resolve follows the name through the records of the answer, to which p has
// come. CNAMEs may come in any order.
func (r *answer) resolve(p dnsmessage.Parser, name dnsmessage.Name, truncated bool) {
	for range maxAliases {
		r.partial = truncated
		alias, ok := r.records(p, &name)
		if !ok {
			return
		}
		name = alias
		r.cname.set(&name)
	}
	r.addrs = r.addrs[:0] // they go round in circles
}

// records collects the addresses of a name, or finds the name that it is an alias
// of.
func (r *answer) records(p dnsmessage.Parser, name *dnsmessage.Name) (alias dnsmessage.Name, ok bool) {
	r.addrs = r.addrs[:0]
	for range maxRecords {
		h, err := p.AnswerHeader()
		switch {
		case err == dnsmessage.ErrSectionDone:
			return alias, false
		case err != nil:
		case h.Class != dnsmessage.ClassINET || !sameName(&h.Name, name):
			err = p.SkipAnswer()
		case h.Type == dnsmessage.TypeCNAME:
			var c dnsmessage.CNAMEResource
			if c, err = p.CNAMEResource(); err == nil {
				return c.CNAME, true
			}
		default:
			err = r.record(&p, h.Type)
		}
		if err != nil {
			break
		}
	}
	r.partial = true
	return alias, false
}

// record takes the address in a record, if it is of the kind asked for.
func (r *answer) record(p *dnsmessage.Parser, t dnsmessage.Type) error {
	switch {
	case t == dnsmessage.TypeA && !r.v6:
		a, err := p.AResource()
		return r.take(netip.AddrFrom4(a.A), err)
	case t == dnsmessage.TypeAAAA && r.v6:
		a, err := p.AAAAResource()
		return r.take(netip.AddrFrom16(a.AAAA), err)
	}
	return p.SkipAnswer()
}

// take takes an address, if there was no error, and passes the error on.
func (r *answer) take(a netip.Addr, err error) error {
	switch {
	case err != nil || slices.Contains(r.addrs, a):
	case len(r.addrs) < maxAddrs:
		r.addrs = append(r.addrs, a)
	default:
		r.partial = true
	}
	return err
}

// sameName compares names without regard to the case of ASCII letters, RFC 4343.
func sameName(a, b *dnsmessage.Name) bool {
	if a.Length != b.Length {
		return false
	}
	for i := range a.Length {
		if lower(a.Data[i]) != lower(b.Data[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// isAnswer reports whether a DNS message, of which the header is there, is one.
func isAnswer(msg []byte) bool { return msg[2]&0x80 != 0 }
