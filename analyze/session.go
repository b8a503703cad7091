package analyze

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"github.com/wssniff/wssniff/internal/tlswire"
	"github.com/wssniff/wssniff/reassembly/flow"
	"github.com/wssniff/wssniff/tlsdecrypt"
)

// Bounds of what is kept of TLS connections.
const (
	maxTLSStarts   = 1 << 20  // those that may follow a redirect
	maxSessions    = 1 << 16  // those that are followed at the same time
	maxTLSKept     = 1 << 20  // those that are over and may be listed
	maxTLSOpaque   = 1 << 16  // of them, those that are listed only if others say that they were refused
	maxTLSMessage  = 64 << 10 // a handshake message
	maxTLSMessages = 16 << 20 // bytes of all messages that are not complete yet
	maxTLSRecords  = 256      // records of one direction that are looked at after the handshake
	maxTLSOther    = 64       // bytes kept of an answer that is not TLS
)

// A tlsStart is a TLS connection that may follow a redirect.
type tlsStart struct {
	client, server netip.AddrPort
	to             netip.AddrPort // the server or, through a tunnel, its target; the address is not valid if that has a name
	name           string         // server_name; "" if the ClientHello has none, or was not read
	host           string         // the same or, without it, the name that the target of the tunnel has
	first, done    flow.Stamp     // of the ClientHello; done is not seen if it was not read
	stream         int
	end            flow.Stamp // the first FIN or RST
	by             Side       // who sent that
	entry          uint32     // of the attempt that it is, 0: it is not listed
	read           bool       // what is inside was read: it is no hop, the requests inside are
}

// A session is a TLS connection while it is followed. What it shows without keys
// is the handshake, up to where it is encrypted, and the sizes of records.
type session struct {
	TLS
	ways   [2]tlsWay // by direction
	client flow.Dir  // who sends the ClientHello, valid iff hello, server or Retry is set
	hello  *tlswire.ClientHello
	server *tlswire.ServerHello
	chain  []uint32 // the server's certificates, by number
	start  uint32   // in Analyzer.tls, plus one; 0: it follows no redirect
	tunnel string   // target of the CONNECT that it went through; "" if none
	before *stream  // what the connection carried before, if that is still to be told; nil: nothing

	inner   *tlsdecrypt.Conn // what reads inside; nil: there are no keys
	carried bool             // something was read inside
}

// A tlsWay is one direction of a session. What it shows is noted without a look at
// the other one: a capture may have them in the wrong order.
type tlsWay struct {
	header   [tlswire.HeaderLen]byte // of the next record, as far as it is there
	have     int                     // bytes of it
	kind     tlswire.ContentType     // of the record that left belongs to
	left     int                     // bytes of its fragment that are still to come
	at       flow.Stamp              // of the record's first byte
	seq, ack uint32                  // TCP numbers of that, and of its packet
	reads    bool                    // its fragment is read
	isTLS    bool                    // it began with a record
	strange  bool                    // it began otherwise
	over     bool                    // nothing more is read
	garbled  bool                    // because it makes no sense any more, or nobody knows how much is missing
	first    flow.Stamp              // of the direction
	hole     flow.Stamp              // what came behind missing bytes; nothing more is read then
	missing  uint32                  // sequence number of the first of them, valid iff hole is seen
	messages []byte                  // of the handshake, or an alert, as long as they are not complete; or the first bytes of what is strange

	changed  bool       // a ChangeCipherSpec was sent
	sealed   flow.Stamp // the first record of the handshake after that
	data     flow.Stamp // the first record of application data that is not early
	dataSize int        // of its fragment
	records  int        // of application data
	lastSize int        // of the latest of them
	alerted  bool       // an encrypted alert was sent, before TLS 1.3
	small    int        // of them, those of smallRecord bytes at most
	latest   flow.Stamp // of them
	alert    TLSAlert   // without By

	before flow.Stamp                  // the record of application data before the latest
	sizes  [maxSizedRecord]sizedRecord // of application data
	short  [maxShortRecord]uint8       // how many records of application data have fragments of a length, 255 at most
}

// beginTLS takes the first bytes of a TLS connection.
func (a *Analyzer) beginTLS(c *flow.Chunk) flow.Want {
	number, ok := a.newSession(c.Conn)
	if !ok {
		return flow.None
	}
	return a.tlsChunk(c, number)
}

// newSession begins to follow a TLS connection. It is not ok if there are too many, or
// if it is inside another one.
func (a *Analyzer) newSession(c *flow.Conn) (number uint32, ok bool) {
	a.result.TLSConns++
	c.State = notOurs
	if a.inside != nil {
		return 0, false
	}
	if len(a.sessions)-len(a.unused) >= maxSessions {
		a.result.UnlistedTLS++
		return 0, false
	}
	number = uint32(len(a.sessions))
	if n := len(a.unused); n > 0 {
		number, a.unused = a.unused[n-1], a.unused[:n-1]
	} else {
		a.sessions = append(a.sessions, &session{})
	}
	a.sessions[number].inner = a.newInside(c, number)
	c.State = number<<kindBits | inTLS
	return number, true
}

// dropSession ends the following of a connection. If it may follow a redirect,
// its end is awaited nevertheless.
func (a *Analyzer) dropSession(c *flow.Conn, number uint32) {
	s := a.sessions[number]
	a.noteEndpoint(s, c.Addr(s.client), c.Addr(s.client.Reverse()))
	c.State = notOurs
	if start := s.start; start > 0 {
		c.State = (start-1)<<kindBits | inStart
	}
	a.freeSession(number)
}

func (a *Analyzer) freeSession(number uint32) {
	s := a.sessions[number]
	x, y := s.ways[0].messages, s.ways[1].messages
	a.messageBytes -= len(x) + len(y)
	*s = session{ways: [2]tlsWay{{messages: spare(x)}, {messages: spare(y)}}, chain: s.chain[:0]}
	a.unused = append(a.unused, number)
}

// tlsChunk takes the next bytes of a TLS connection and says which are wanted next.
func (a *Analyzer) tlsChunk(c *flow.Chunk, number uint32) flow.Want {
	s := a.sessions[number]
	w := &s.ways[c.Dir]
	inside := a.readTLS(c, s)
	switch {
	case inside:
		return flow.All
	case s.inner == nil && s.before == nil && s.Opened.Seen() && !a.mayBeListed(s):
		a.dropSession(c.Conn, number)
		return flow.None
	case w.over || w.records >= maxTLSRecords:
		return flow.None
	case !w.reads && w.left > 0:
		skip := w.left
		w.left = 0
		return flow.Want(skip)
	}
	return flow.All
}

// readTLS takes bytes of a TLS connection, RFC 8446, Section 5.1. It reports whether
// all that follows in their direction is needed to read what is inside.
func (a *Analyzer) readTLS(c *flow.Chunk, s *session) (inside bool) {
	w := &s.ways[c.Dir]
	if c.Lost != 0 && !w.over {
		w.over, w.hole, w.missing, w.garbled = true, c.Stamp, c.Seq-uint32(max(c.Lost, 0)), c.Lost < 0
	}
	if len(c.Data) > 0 && !w.first.Seen() {
		w.first = c.Stamp
	}
	for b := c.Data; len(b) > 0 && !w.over; {
		b = a.tlsBytes(s, c, b)
	}
	if w.over || c.End != flow.Open {
		a.noteUnreadHello(s, c)
	}
	s.settle()
	return a.readInside(s, c)
}

// tlsBytes takes bytes of one record, and returns what follows them.
func (a *Analyzer) tlsBytes(s *session, c *flow.Chunk, b []byte) []byte {
	w := &s.ways[c.Dir]
	switch {
	case w.strange:
		a.hold(w, append(w.messages, b[:min(len(b), maxTLSOther-len(w.messages))]...))
		w.over = len(w.messages) == maxTLSOther
		return nil
	case w.left > 0:
		n := min(w.left, len(b))
		if w.left -= n; w.reads {
			a.readFragment(s, c, b[:n])
		}
		return b[n:]
	}
	if w.have == 0 {
		w.at, w.seq, w.ack = c.Stamp, c.Seq+uint32(len(c.Data)-len(b)), c.Ack
	}
	n := copy(w.header[w.have:], b)
	w.have += n
	header := w.header[:w.have]
	switch h, ok := tlswire.ReadHeader(header); {
	case ok:
		w.have, w.kind, w.left, w.isTLS = 0, h.Type, h.Length, true
		s.record(c.Dir)
	case len(header) < tlswire.HeaderLen && tlswire.Starts(header): // more is to come
	case w.isTLS:
		w.over, w.garbled = true, true
	default:
		w.strange = true
		a.hold(w, append(w.messages, header...))
	}
	return b[n:]
}

// record notes what shows of a record by its header alone.
func (s *session) record(dir flow.Dir) {
	w := &s.ways[dir]
	w.reads = false
	switch {
	case w.kind == tlswire.ChangeCipherSpec:
		// Behind a HelloRetryRequest it is there for the sake of middle boxes, and
		// the ServerHello comes yet.
		w.changed = w.changed || !s.Retry || s.fromClient(dir)
	case w.kind == tlswire.ApplicationData:
		w.size()
		if w.records++; w.records == 1 || s.early(dir) {
			w.data, w.dataSize = w.at, w.left
		}
		if w.left <= smallRecord {
			w.small++
		}
		w.latest, w.lastSize = w.at, w.left
	case !w.changed:
		w.reads = true
	case w.kind == tlswire.Alert:
		w.alerted = true
	case w.kind == tlswire.Handshake && !w.sealed.Seen():
		w.sealed = w.at
	}
}

// early reports whether the records of a direction were early data until now, RFC
// 8446, Section 2.3, as far as anybody can tell.
func (s *session) early(dir flow.Dir) bool {
	return s.hello != nil && s.hello.EarlyData && s.client == dir && (!s.Answered.Seen() || s.ways[dir].data.Frame < s.Answered.Frame)
}

// sealedAlert returns the length of the fragment of an alert in TLS 1.3: the alert,
// its type, and what authenticates them. A message of the handshake has no room in it.
func sealedAlert(suite uint16) int {
	const ccm8 = 0x1305 // TLS_AES_128_CCM_8_SHA256
	if suite == ccm8 {
		return 2 + 1 + 8
	}
	return 2 + 1 + 16
}

// settle finds out what both directions show together: whether the handshake went
// well, and by whom it was ended.
func (s *session) settle() {
	if s.hello == nil || s.server == nil || s.Opened.Seen() {
		return
	}
	c, v := &s.ways[s.client], &s.ways[s.client.Reverse()]
	s.Spoke = [2]flow.Stamp{c.sealed, v.sealed}
	if s.Version >= tls13 {
		s.Spoke = [2]flow.Stamp{c.data, v.data}
		if s.early(s.client) {
			s.Spoke[0] = flow.Stamp{}
		}
	}
	if s.Version >= tls13 && s.Spoke[0].Seen() && c.dataSize == sealedAlert(s.Suite) {
		s.Spoke[0] = flow.Stamp{}
		if !c.alert.At.Seen() { // else it was decrypted
			c.alert = TLSAlert{At: c.data, Sealed: true}
		}
	}
	if s.Spoke[0].Seen() && s.Spoke[1].Seen() {
		s.Opened = later(s.Spoke[0], s.Spoke[1])
	}
}

func later(x, y flow.Stamp) flow.Stamp {
	if x.Frame > y.Frame {
		return x
	}
	return y
}

// readFragment takes bytes of a record that is not encrypted.
func (a *Analyzer) readFragment(s *session, c *flow.Chunk, b []byte) {
	w := &s.ways[c.Dir]
	held := w.messages
	if len(held) > 0 {
		held = append(held, b...)
		b = held
	}
	before := len(b)
	if w.kind == tlswire.Alert {
		b = s.readAlert(c, b)
	} else {
		b = a.readMessages(s, c, b)
	}
	if len(held) == 0 || len(b) < before { // else it is where it was
		held = append(held[:0], b...)
	}
	a.hold(w, held)
	if a.messageBytes > maxTLSMessages {
		w.over = true
		a.result.UnlistedTLS++
	}
	if w.over {
		a.hold(w, w.messages[:0])
	}
}

// hold keeps bytes of a direction.
func (a *Analyzer) hold(w *tlsWay, b []byte) {
	a.messageBytes += len(b) - len(w.messages)
	w.messages = b
}

// readAlert reads alerts, RFC 8446, Section 6, and returns what is left. A
// warning gives way to what follows it.
func (s *session) readAlert(c *flow.Chunk, b []byte) []byte {
	const fatal = 2
	for ; len(b) >= 2; b = b[2:] {
		if w := &s.ways[c.Dir]; !w.alert.Fatal {
			w.alert = TLSAlert{At: c.Stamp, Fatal: b[0] == fatal, Description: tlswire.AlertDescription(b[1])}
		}
	}
	return b
}

// fromClient reports whether a direction is that of the client, which sends the
// first bytes if neither hello was read.
func (s *session) fromClient(dir flow.Dir) bool {
	if s.hello != nil || s.server != nil || s.Retry {
		return dir == s.client
	}
	first, other := s.ways[dir].first, s.ways[dir.Reverse()].first
	return !other.Seen() || first.Seen() && first.Frame < other.Frame
}

// readMessages reads the messages that are complete, and returns what is left.
func (a *Analyzer) readMessages(s *session, c *flow.Chunk, b []byte) []byte {
	for w := &s.ways[c.Dir]; !w.over; {
		kind, body, rest, need, ok := tlswire.NextMessage(b)
		if !ok {
			w.over = need > maxTLSMessage
			w.garbled = w.over
			break
		}
		w.garbled = !a.message(s, c, kind, body)
		w.over = w.garbled
		b = rest
	}
	return b
}

// message takes a message of the handshake. It is false if that makes no sense.
func (a *Analyzer) message(s *session, c *flow.Chunk, kind tlswire.HandshakeType, body []byte) (ok bool) {
	switch kind {
	case tlswire.ClientHelloType:
		h, ok := tlswire.ParseClientHello(body)
		if ok && s.hello == nil { // the second one answers a HelloRetryRequest
			s.hello, s.client = h, c.Dir
			s.First, s.Asked = s.ways[c.Dir].first, c.Stamp
			a.noteTLS(s, c.Conn, h.ServerName)
		}
		return ok
	case tlswire.ServerHelloType:
		h, ok := tlswire.ParseServerHello(body)
		if ok && h.Retry {
			s.Retry, s.client = true, c.Dir.Reverse()
		} else if ok {
			s.server, s.client = h, c.Dir.Reverse()
			s.Version, s.Suite, s.Protocol, s.Answered = h.Version, h.Suite, h.ALPN, c.Stamp
		}
		return ok
	case tlswire.CertificateType:
		if list, ok := tlswire.ParseCertificate(body); ok && !s.fromClient(c.Dir) {
			s.chain = a.certificates.numbers(s.chain[:0], list)
			s.CertificateAt = c.Stamp
		}
	case tlswire.CertificateRequest:
		s.AsksCertificate = true
	case tlswire.ServerHelloDone:
		s.FlightDone = c.Stamp
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
func (a *Analyzer) endTLS(c *flow.Conn, number uint32, e *flow.Evidence) {
	s := a.sessions[number]
	if s.before != nil {
		s.before.conn = c
		s.before.finish(e)
	}
	if s.start > 0 {
		a.overTLS(s.start-1, e)
	}
	defer a.freeSession(number)
	if s.hello == nil {
		return
	}
	a.noteEndpoint(s, e.Addr(s.client), e.Addr(s.client.Reverse()))
	a.endInside(s)
	s.summarise()
	s.Unreceived = s.unreceived(e)
	well := s.Opened.Seen() && !s.Alert.Fatal
	opaque := well && !s.looksLikeWebSocket(a.movedTo[s.host()])
	switch {
	case s.carried, opaque && !s.mayBeRefused(firstEnd(e)):
		return
	case opaque && a.keptOpaque >= maxTLSOpaque:
		a.result.UncomparedTLS++
		return
	case opaque:
		a.keptOpaque++
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
	a.keptTLS = append(a.keptTLS, keptTLS{a.journal.write(a.packer.b), s.start, opaque})
	a.packer.whole, a.packer.both = packed, a.packer.b
}

// whole reports whether all of a direction was seen.
func (w *tlsWay) whole() bool {
	return w.isTLS && !w.over && w.left == 0 && w.records < maxTLSRecords
}

// unnotified reports whether all of a direction was seen and no close_notify was in it.
func (w *tlsWay) unnotified(x *TLS) bool {
	return w.whole() && !w.alerted && (x.Version < tls13 || w.lastSize != sealedAlert(x.Suite))
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
	s.Alert = decisive(c.alert, v.alert)
	s.Latest = later(c.latest, v.latest)
	s.Records, s.Small = [2]int{c.records, v.records}, [2]int{c.small, v.small}
	s.Outline = s.outline()
	s.Unnotified = [2]bool{c.unnotified(&s.TLS), v.unnotified(&s.TLS)}
}

// noteTLS remembers a TLS connection if its client was redirected to one, or
// somebody to its server.
func (a *Analyzer) noteTLS(s *session, c *flow.Conn, name string) {
	t := tlsStart{client: c.Addr(s.client), server: c.Addr(s.client.Reverse()), name: name, first: s.ways[s.client].first, done: s.Asked, stream: -1}
	if t.host, t.to = name, t.server; s.tunnel != "" {
		t.host, t.to = throughTunnel(s.tunnel, name)
	}
	if !a.moved[t.client.Addr()] && (t.host == "" || !a.movedTo[t.host]) || len(a.tls) >= maxTLSStarts {
		return
	}
	if a.watch != nil {
		t.stream = a.watch.evidence(c).ID
		a.watch.useStart(a, s, t)
		return
	}
	a.tls = append(a.tls, t)
	s.start = uint32(len(a.tls))
}

// overTLS notes how the connection of a.tls[number] ended.
func (a *Analyzer) overTLS(number uint32, e *flow.Evidence) {
	a.tls[number].over(e)
	if a.watch != nil {
		a.watch.starts.over = append(a.watch.starts.over, startOver{number, a.watch.now})
	}
}

// noteUnreadHello does the same for a ClientHello that cannot be read.
func (a *Analyzer) noteUnreadHello(s *session, c *flow.Chunk) {
	if s.hello != nil || s.start > 0 || !s.ways[c.Dir].first.Seen() || !s.fromClient(c.Dir) {
		return
	}
	if m := s.ways[c.Dir].messages; len(m) > 0 && tlswire.HandshakeType(m[0]) != tlswire.ClientHelloType {
		return
	}
	s.client = c.Dir
	a.noteTLS(s, c.Conn, "")
}

// firstEnd is the first FIN or RST of a connection.
func firstEnd(e *flow.Evidence) (first flow.Stamp) {
	for _, at := range [...]flow.Stamp{e.FIN[0], e.FIN[1], e.RST[0], e.RST[1]} {
		if at.Seen() && (!first.Seen() || at.Frame < first.Frame) {
			first = at
		}
	}
	return first
}

// over notes how the connection ended.
func (t *tlsStart) over(e *flow.Evidence) {
	t.stream = e.ID
	for dir := range flow.Dir(2) {
		by := Server
		if e.Addr(dir) == t.client {
			by = Client
		}
		for _, at := range [...]flow.Stamp{e.FIN[dir], e.RST[dir]} {
			if at.Seen() && (!t.end.Seen() || at.Frame < t.end.Frame) {
				t.end, t.by = at, by
			}
		}
	}
}
