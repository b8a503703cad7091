package analyze

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/wssniff/wssniff/internal/tlswire"
	"github.com/wssniff/wssniff/reassembly/flow"
	"github.com/wssniff/wssniff/tlsdecrypt"
)

const (
	tls12 = 0x0303
	tls13 = 0x0304
)

// A TLS is what a TLS connection shows without its keys: the clear part of the
// handshake, and the sizes of records after it.
type TLS struct {
	First, Asked flow.Stamp // the first byte of the ClientHello, and the packet that completed it
	ServerName   string     // in the ClientHello, in lower case; "" if there is none, or it makes no sense
	Named        bool       // there is a server_name extension
	Offered      uint16     // the highest version offered; 0 if that cannot be told
	ALPN         []string   // offered, of any bytes
	Suites       []uint16   // offered
	Groups       []uint16   // offered for the exchange of keys, RFC 8446, Section 4.2.7
	JA3, JA4     string     // fingerprints of the ClientHello, which tell what software sent it
	HelloTime    uint32     // the first four bytes of its random: seconds since 1970 with old software, anything with other

	Answered   flow.Stamp // the packet that completed the ServerHello; not seen if there is none
	Version    uint16     // chosen, valid iff Answered is seen, like those below
	Suite      uint16
	Protocol   string // chosen of ALPN; "" if there is none, as always in TLS 1.3, where it is encrypted
	Retry      bool   // the server sent a HelloRetryRequest
	Resumption Resumption

	Certificates    []*Certificate // of the server, its own first; none in TLS 1.3, which encrypts them
	CertificateAt   flow.Stamp
	AsksCertificate bool          // the server asks for one
	FlightDone      flow.Stamp    // a ServerHelloDone, before TLS 1.3
	Garbled         bool          // one side's bytes make no sense from some place on
	Unreceived      bool          // bytes of the server that the capture lacks did not reach the client either
	Spoke           [2]flow.Stamp // the first bytes that are encrypted, by the client and by the server, valid iff Answered is seen

	Alert  TLSAlert   // the first that is fatal, else the last
	Opened flow.Stamp // the handshake is over and went well

	Latest  flow.Stamp // the latest record of application data
	Records [2]int     // of application data, by the client and by the server; at most 256 and those of the same packet are counted. In TLS 1.3 the end of the handshake looks like it
	Small   [2]int     // of them, those of 1 KiB at most

	// Unnotified says of which sides everything was seen, and no close_notify or
	// encrypted alert that can be one, RFC 8446, Section 6.1.
	Unnotified [2]bool

	Unread [2]tlsdecrypt.Reason // why bytes of the client and of the server were not decrypted, as far as there are keys

	Other   string // the first bytes of the server if they are not TLS, at most 64; "" if they are
	OtherAt flow.Stamp
}

// A TLSAlert is an alert that was sent before the handshake was over, RFC 8446,
// Section 6.
type TLSAlert struct {
	At          flow.Stamp // not seen: there was none
	By          Side
	Fatal       bool
	Sealed      bool // it is encrypted: nothing is known but that it is one
	Description tlswire.AlertDescription
}

// Resumption says what became of the wish to resume an earlier session.
type Resumption uint8

const (
	NotOffered Resumption = iota
	Resumed
	Refused // the server made a full handshake instead
)

// smallRecord is the fragment of a record that a message of a device fits in.
const smallRecord = 1 << 10

// offersH2 reports whether the client would speak HTTP/2, on which there is no
// upgrade as RFC 6455 has it.
func (x *TLS) offersH2() bool { return slices.Contains(x.ALPN, "h2") }

// looksLikeWebSocket reports whether what shows of a connection is what a
// WebSocket shows: small records go both ways, it is no HTTP/2, and it lasts, or
// its server is one that somebody was sent to for a WebSocket.
func (x *TLS) looksLikeWebSocket(known bool) bool {
	const lasts, talk = 10 * int64(time.Second), 4
	if x.offersH2() || !known && x.Latest.Time-x.Opened.Time < lasts {
		return false
	}
	for side := range x.Records {
		if x.Records[side] < talk || 4*x.Small[side] < 3*x.Records[side] {
			return false
		}
	}
	return true
}

// resumption tells what became of a session ticket or identifier.
func (s *session) resumption() Resumption {
	c, h := s.hello, s.server
	switch {
	case c == nil || h == nil:
		return NotOffered
	case h.Version >= tls13:
		return accepted(c.PreSharedKey, h.PreSharedKey)
	case c.Version() >= tls13 && !c.Ticket: // its session identifier is there for the sake of middle boxes
		return NotOffered
	}
	taken := c.SessionID != "" && c.SessionID == h.SessionID || s.Spoke[1].Seen() && !s.CertificateAt.Seen()
	// An identifier without a ticket may be made up, as those of Go are.
	return accepted(c.Ticket || c.SessionID != "" && taken, taken)
}

func accepted(offered, taken bool) Resumption {
	switch {
	case !offered:
		return NotOffered
	case taken:
		return Resumed
	}
	return Refused
}

// mayBeListed reports whether a session whose handshake went well is worth
// following.
func (a *Analyzer) mayBeListed(s *session) bool {
	return s.hello != nil && !slices.Contains(s.hello.ALPN, "h2")
}

// endTLS keeps what a connection showed that is over, if it may be listed.
func (a *Analyzer) endTLS(number uint32, e *flow.Evidence) {
	s := a.sessions[number]
	if s.start > 0 {
		a.tls[s.start-1].over(e)
	}
	defer a.freeSession(number)
	if s.hello == nil {
		return
	}
	a.endInside(s)
	s.summarise()
	s.Unreceived = s.unreceived(e)
	if s.carried || s.Opened.Seen() && !s.Alert.Fatal && !s.looksLikeWebSocket(a.movedTo[s.ServerName]) {
		return
	}
	if len(a.keptTLS) >= maxTLSKept {
		a.result.UnlistedTLS++
		return
	}
	a.packer.b = a.packer.whole[:0]
	a.packer.session(s)
	packed := a.packer.b
	a.packer.b = append(a.packer.both[:0], 0)
	a.packer.text(packed)
	a.packer.ending(e, nil, false)
	a.keptTLS = append(a.keptTLS, keptTLS{a.journal.write(a.packer.b), s.start})
	a.packer.whole, a.packer.both = packed, a.packer.b
}

// unnotified reports whether all of a direction was seen and no close_notify was in it.
func (w *tlsWay) unnotified(x *TLS) bool {
	whole := w.isTLS && !w.over && w.left == 0 && w.records < maxTLSRecords
	return whole && !w.alerted && (x.Version < tls13 || w.lastSize != sealedAlert(x.Suite))
}

// unreceived reports whether the bytes of the server that are missing never reached
// the client: when it closes, a second after what came behind them, it has
// acknowledged nothing beyond the last byte before.
func (s *session) unreceived(e *flow.Evidence) bool {
	w, fin := &s.ways[s.client.Reverse()], e.FIN[s.client]
	return w.hole.Seen() && fin.Seen() && fin.Time-w.hole.Time >= int64(time.Second) && e.FINAck[s.client] == w.missing
}

// summarise keeps of the hellos what is told of them.
func (s *session) summarise() {
	h := s.hello
	s.ServerName, s.Named, s.Offered, s.ALPN, s.Suites, s.Groups = h.ServerName, h.HasName, h.Version(), h.ALPN, h.Suites, h.Groups
	s.JA3, s.JA4, s.HelloTime = h.JA3(), h.JA4(), binary.BigEndian.Uint32(h.Random[:])
	s.settle()
	s.Resumption = s.resumption()
	c, v := &s.ways[s.client], &s.ways[s.client.Reverse()]
	c.alert.By, v.alert.By = Client, Server
	s.Garbled = c.garbled || v.garbled
	if v.strange {
		s.Other, s.OtherAt = string(v.messages), v.first
	}
	s.Alert = c.alert
	if !c.alert.At.Seen() || v.alert.At.Seen() && v.alert.At.Frame < c.alert.At.Frame && !(c.alert.Fatal && !v.alert.Fatal) {
		s.Alert = v.alert
	}
	s.Latest = later(c.latest, v.latest)
	s.Records, s.Small = [2]int{c.records, v.records}, [2]int{c.small, v.small}
	s.Unnotified = [2]bool{c.unnotified(&s.TLS), v.unnotified(&s.TLS)}
}

// session packs what is told of a TLS connection. It begins as an exchange whose
// request was complete with the ClientHello.
func (p *packer) session(s *session) {
	flags := byte(packTLS)
	if s.client == flow.BtoA {
		flags |= packServerFirst
	}
	p.b = append(p.b, flags, packSpread)
	p.stamp(s.Asked, flow.Stamp{})
	p.u32(0)
	p.u32(0)
	p.stamp(s.First, s.Asked)
	p.uint(0)
	p.uint(0)
	p.tls(s)
}

// tls packs what is told of a TLS connection.
func (p *packer) tls(s *session) {
	p.stamp(s.Asked, flow.Stamp{})
	p.stamp(s.First, s.Asked)
	p.name(s.ServerName)
	p.flag(s.Named)
	p.uint(uint64(s.Offered))
	p.uint(uint64(len(s.ALPN)))
	for _, name := range s.ALPN {
		p.name(name)
	}
	p.list(s.Suites)
	p.list(s.Groups)
	p.text([]byte(s.JA3))
	p.name(s.JA4)
	p.u32(s.HelloTime)
	for _, at := range s.stamps() {
		p.seen(*at, s.Asked)
	}
	for _, n := range s.numbers() {
		p.uint(uint64(*n))
	}
	p.uint(uint64(s.Version))
	p.uint(uint64(s.Suite))
	p.name(s.Protocol)
	p.b = append(p.b, byte(s.Unread[0]), byte(s.Unread[1]), byte(s.Resumption), byte(s.Alert.By), byte(s.Alert.Description))
	for _, on := range s.flags() {
		p.flag(*on)
	}
	p.text([]byte(s.Other))
	p.uint(uint64(len(s.chain)))
	for _, number := range s.chain {
		p.uint(uint64(number))
	}
}

// stamps, numbers and flags are what is packed and unpacked in a row.
func (x *TLS) stamps() [9]*flow.Stamp {
	return [...]*flow.Stamp{&x.Answered, &x.CertificateAt, &x.FlightDone, &x.Spoke[0], &x.Spoke[1], &x.Alert.At, &x.Opened, &x.Latest, &x.OtherAt}
}

func (x *TLS) numbers() [4]*int {
	return [...]*int{&x.Records[0], &x.Records[1], &x.Small[0], &x.Small[1]}
}

func (x *TLS) flags() [8]*bool {
	return [...]*bool{&x.Garbled, &x.Unnotified[0], &x.Unnotified[1], &x.Unreceived, &x.Retry, &x.AsksCertificate, &x.Alert.Fatal, &x.Alert.Sealed}
}

func (p *packer) name(s string) { p.phrase([]byte(s)) }

// list writes numbers as a text.
func (p *packer) list(numbers []uint16) {
	p.scratch = p.scratch[:0]
	for _, n := range numbers {
		p.scratch = binary.BigEndian.AppendUint16(p.scratch, n)
	}
	p.phrase(p.scratch)
}

func (u *unpacker) list() (numbers []uint16) {
	for text := u.phrase(nil); len(text) > 0; text = text[2:] {
		numbers = append(numbers, binary.BigEndian.Uint16(text))
	}
	return numbers
}

// tls reads it into x.
func (u *unpacker) tls(x *TLS, all *certificates) {
	x.Asked = u.stamp(flow.Stamp{})
	x.First = u.stamp(x.Asked)
	name := func() string { return string(u.phrase(nil)) }
	x.ServerName = name()
	x.Named = u.flag()
	x.Offered = uint16(u.uint())
	for range u.uint() {
		x.ALPN = append(x.ALPN, name())
	}
	x.Suites, x.Groups = u.list(), u.list()
	x.JA3, x.JA4, x.HelloTime = string(u.text()), name(), u.u32()
	for _, at := range x.stamps() {
		*at = u.seen(x.Asked)
	}
	for _, n := range x.numbers() {
		*n = int(u.uint())
	}
	x.Version, x.Suite, x.Protocol = uint16(u.uint()), uint16(u.uint()), name()
	x.Unread = [2]tlsdecrypt.Reason{tlsdecrypt.Reason(u.byte()), tlsdecrypt.Reason(u.byte())}
	x.Resumption, x.Alert.By, x.Alert.Description = Resumption(u.byte()), Side(u.byte()), tlswire.AlertDescription(u.byte())
	for _, on := range x.flags() {
		*on = u.flag()
	}
	x.Other = string(u.text())
	for range u.uint() {
		x.Certificates = append(x.Certificates, all.at(uint32(u.uint())))
	}
}
