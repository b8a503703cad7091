package analyze

import (
	"bytes"

	"golang.org/x/net/http2"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A state says what the next byte of a direction belongs to.
type state uint8

const (
	betweenHeads state = iota // a head, or nothing yet
	inHead                    // a head of which parser.buf holds the beginning
	inBody                    // a body, or the data of a chunk, of which parser.left bytes remain
	inChunkSize               // the line with the size of a chunk
	inTrailer                 // the trailer section after the last chunk
	untilClose                // a body that lasts until the connection closes
	holding                   // not known until the other direction is (see parser.held)
	inFrames                  // WebSocket frames
	inH2                      // frames of HTTP/2
	resync                    // unknown, after a hole: a segment that begins with a head is awaited
	done                      // nothing that is read
)

// A parser reads one direction of a stream.
type parser struct {
	dir     flow.Dir
	state   state
	spoke   bool // a head was read, since the tunnel was opened if there is one
	broken  bool // heads of the direction may be missing
	dropped bool // held bytes were dropped
	unread  bool // bytes behind a hole made no sense
	frames  bool // they look like frames of HTTP/2
	guess   bool // the body may be none: its request is not in the capture
	chunked bool // the body goes on with another chunk after left
	left    int64
	sample  *[]byte // where the body is sampled; nil: nowhere
	held    []piece
	nHeld   int    // bytes in held
	pos     int64  // offset of the next byte
	next    uint32 // sequence number after the last byte read; 0: none read
	ack     uint32 // acknowledgement number of the packet with the last bytes
	before  uint32 // the same before the last hole; valid iff broken
	buf     []byte // the beginning of a head or of a line
	mark    mark   // of the head that begins in buf
	kind    start  // what the head that begins in buf is
	alien   string // the first bytes of what is not HTTP
	alienAt flow.Stamp
}

// A piece is a run of bytes with the place it came from.
type piece struct {
	data  []byte
	at    flow.Stamp
	off   int64
	seq   uint32 // of data[0]
	ack   uint32 // of the packet
	fresh bool   // data begins where its segment does
}

// A mark says where a head begins, with which packet all of it was there, and in
// how many segments it came.
type mark struct {
	first, last flow.Stamp
	off         int64
	seq, ack    uint32 // of the first byte, and of the packet that carries it
	segments    int
}

// take reads as much of a piece as the state of both directions allows, and
// holds the rest.
func (p *parser) take(s *stream, d piece) {
	for len(d.data) > 0 {
		if s.mustHold(p) {
			p.hold(s, d)
			return
		}
		n := p.step(s, d)
		d.data, d.off, d.seq, d.fresh = d.data[n:], d.off+int64(n), d.seq+uint32(n), false
		p.next = d.seq
	}
}

// step reads some bytes of d, at least one, and says how many.
func (p *parser) step(s *stream, d piece) int {
	if p.guess && d.fresh && p.state != betweenHeads && startsHead(d.data) {
		p.state = resync
	}
	switch p.state {
	case betweenHeads, inHead:
		return p.head(s, d)
	case inBody:
		return p.body(d)
	case inChunkSize, inTrailer:
		return p.line(d)
	case inFrames:
		return s.socket.take(s.a, s.socketNumber, p.dir, d.data, d.at)
	case inH2:
		return s.h2.take(s, p, d)
	case resync:
		if d.fresh && startsHead(d.data) {
			p.state, p.unread = betweenHeads, false
			p.freeBuf()
			return p.head(s, d)
		}
		if !p.unread && !s.roles && looksLikeH2(d.data) {
			s.late(p)
		}
		p.unread = true
	case untilClose:
		p.takeSample(d.data)
	}
	return len(d.data)
}

// begins reports whether the first bytes that the capture holds of a direction, of
// which it does not hold the SYN, are the first all the same: HTTP/2 tells that, RFC
// 9113, Section 3.4.
func (p *parser) begins(c *flow.Chunk) bool {
	if c.Lost > 0 || p.next != 0 {
		return false
	}
	first := classify(c.Data)
	return first == h2Preface || first == h2Settings
}

// want says which bytes the direction needs next.
func (p *parser) want(s *stream) flow.Want {
	switch p.state {
	case inH2:
		return s.h2.want(s, p.dir)
	case inBody:
		if !p.guess && (p.sample == nil || len(*p.sample) >= maxBody) {
			return flow.Want(p.left)
		}
	case untilClose:
		if p.sample == nil || len(*p.sample) >= maxBody {
			return flow.None
		}
	case done:
		return flow.None
	}
	return flow.All
}

// skip accounts for the bytes up to an offset that were skipped as want said.
func (p *parser) skip(s *stream, to int64) {
	n := to - p.pos
	if n <= 0 {
		return
	}
	if p.state == inBody {
		if p.left -= min(n, p.left); p.left == 0 {
			p.bodyDone()
		}
	}
	if p.state == inH2 {
		s.h2.pass(s, p.dir, n)
	}
}

// hold keeps bytes whose meaning depends on the other direction.
func (p *parser) hold(s *stream, d piece) {
	if p.dropped || p.nHeld+len(d.data) > s.a.limits.Held {
		if !p.dropped {
			s.a.result.Unheld++
		}
		p.dropped = true
		return
	}
	p.nHeld += len(d.data)
	p.held = append(p.held, piece{bytes.Clone(d.data), d.at, d.off, d.seq, d.ack, d.fresh})
}

// replay reads held bytes.
func (p *parser) replay(s *stream) {
	held := p.held
	p.held, p.nHeld = nil, 0
	gap := p.state == inH2 && p.dropped
	if gap { // what is held again came before it
		p.dropped = false
	}
	for _, d := range held {
		p.take(s, d)
	}
	if gap || p.dropped {
		p.dropped = false
		p.lost(s, 0)
	}
}

// head reads a head, or its beginning.
func (p *parser) head(s *stream, d piece) int {
	if p.state == betweenHeads {
		if n := blankPrefix(d.data); n > 0 {
			return n
		}
		if n := proxyLine(d.data); n > 0 && d.off == 0 {
			return n
		}
		p.mark = mark{first: d.at, off: d.off, seq: d.seq, ack: d.ack}
		p.buf, p.kind, p.guess = p.buf[:0], undecided, false
	}
	if d.at.Frame > p.mark.last.Frame { // what fills a hole comes later than what lies behind it
		p.mark.last = d.at
	}
	p.mark.segments++
	raw, from := d.data, len(p.buf)
	if from > 0 {
		p.buf = append(p.buf, d.data[:min(len(d.data), s.a.limits.Head-from)]...)
		raw = p.buf
	}
	if p.kind == undecided && !p.decide(s, raw) {
		if p.turns(s, raw, from) {
			return 0
		}
		p.notHTTP(s, raw)
		return len(raw) - from
	}
	var h rawHead
	known := false
	if from == 0 && p.kind != undecided {
		h, known = s.a.forms.match(p.kind == responseLine, raw)
	}
	if !known {
		end := headEnd(raw, from)
		if end < 0 || p.kind == undecided { // the preface of HTTP/2 has a blank line inside
			p.partial(s, from, d)
			return len(d.data)
		}
		h = newRawHead(raw[:end])
	}
	end := len(h.bytes)
	p.state = betweenHeads
	p.next = d.seq + uint32(end-from)
	buf := p.buf
	p.freeBuf() // raw lives on, what comes next may begin in a new one
	p.finishHead(s, &h, len(raw)-end)
	s.a.headBufs.put(buf)
	return end - from
}

// decide tells what a head is by its first line, and whether that can be.
func (p *parser) decide(s *stream, raw []byte) bool {
	switch p.kind = beginsWith(raw); p.kind {
	case requestLine:
		return s.role(p.dir, false)
	case responseLine:
		return s.role(p.dir, true)
	}
	return p.kind == undecided
}

// turns reports whether the direction begins as HTTP/2 does, and turns to it if so.
// A server may begin before its client does: until that is seen, its bytes mean
// nothing. from bytes of raw came before.
func (p *parser) turns(s *stream, raw []byte, from int) bool {
	switch {
	case p.kind == h2Preface && (!s.roles || p.dir == s.client) && len(s.pending) == 0:
		p.freeBuf()
		s.turnH2(p.dir, len(http2.ClientPreface)-from, 0)
	case p.kind == h2Settings && !s.roles:
		p.awaitPreface(s, raw, from)
	default:
		return false
	}
	return true
}

// awaitPreface holds what begins as a server of HTTP/2 does. If both directions do,
// one is the client's behind its preface, which is not in the capture.
func (p *parser) awaitPreface(s *stream, raw []byte, from int) {
	if other := &s.dirs[p.dir.Reverse()]; other.kind == h2Settings && !s.conn.Handshake && looksLikeH2(raw) {
		s.late(p)
		s.late(other)
		return
	}
	if from > 0 {
		p.hold(s, piece{raw[:from], p.mark.first, p.mark.off, p.mark.seq, p.mark.ack, false})
	}
	p.freeBuf()
	p.state = holding
}

// blankPrefix counts the line ends before a start line, which a recipient
// ignores (RFC 9112, Section 2.2).
func blankPrefix(b []byte) int {
	n := 0
	for n < len(b) && (b[n] == '\r' || b[n] == '\n') {
		n++
	}
	return n
}

// proxyLine returns the length of the line that a load balancer with the PROXY
// protocol, version 1, writes before the bytes of its client; 0 if there is none.
func proxyLine(b []byte) int {
	const longest = 107
	if !bytes.HasPrefix(b, []byte("PROXY ")) {
		return 0
	}
	return bytes.IndexByte(b[:min(len(b), longest)], '\n') + 1
}

// partial keeps the beginning of a head.
func (p *parser) partial(s *stream, from int, d piece) {
	if from == 0 {
		p.buf = append(s.a.headBufs.get(), d.data[:min(len(d.data), s.a.limits.Head)]...)
	}
	p.state = inHead
	if len(p.buf) >= s.a.limits.Head {
		s.a.result.HeadsTooLarge++
		p.breakHead(s, true)
	}
}

// freeBuf drops the buffer of a head that came in pieces: an idle connection
// must not hold it.
func (p *parser) freeBuf() { p.buf = nil }

// notHTTP gives up a direction that does not carry HTTP.
func (p *parser) notHTTP(s *stream, raw []byte) {
	p.state = done
	s.notHTTP(p, raw, p.mark.first)
	p.freeBuf()
}

// finishHead hands on a complete head. tail is the number of bytes behind it in
// the segment that completed it.
func (p *parser) finishHead(s *stream, h *rawHead, tail int) {
	m := p.message()
	m.Complete, m.Tail = true, tail
	p.handOn(s, h, &m)
}

// breakHead hands on a head that breaks off, because bytes are lost or because
// nothing more came.
func (p *parser) breakHead(s *stream, lost bool) {
	raw := p.buf
	p.freeBuf()
	if p.kind != undecided {
		m := p.message()
		m.Lost = lost
		h := newRawHead(raw)
		p.handOn(s, &h, &m)
	}
	switch p.state {
	case inFrames:
		s.socket.dirs[p.dir].lost()
	case holding:
		p.dropped = true
	default:
		p.state = resync
		p.freeBuf()
	}
}

func (p *parser) message() Message {
	return Message{Offset: p.mark.off, First: p.mark.first, Done: p.mark.last, Segments: p.mark.segments, seq: p.mark.seq, ack: p.mark.ack}
}

func (p *parser) handOn(s *stream, h *rawHead, m *Message) {
	p.spoke = true
	if p.dir == s.client {
		s.request(p, h, m)
	} else {
		s.response(p, h, m)
	}
}

// afterHead sets how a direction goes on after a head: RFC 9112, Section 6.3.
// A response to HEAD, and one that says so by its status, has no body; a request
// without framing has none; a response without framing lasts until the close.
func (p *parser) afterHead(f *framing, response, bodyless bool) {
	p.state, p.chunked, p.left = betweenHeads, false, 0
	switch {
	case bodyless:
	case f.chunked:
		p.state = inChunkSize
	case f.length >= 0 && !f.coded:
		if p.left = f.length; p.left > 0 {
			p.state = inBody
		}
	case response:
		p.state = untilClose
	}
}

// body takes bytes of a body and of a chunk's data.
func (p *parser) body(d piece) int {
	n := int(min(p.left, int64(len(d.data))))
	p.takeSample(d.data[:n])
	if p.left -= int64(n); p.left == 0 {
		p.bodyDone()
	}
	return n
}

// takeSample keeps the first bytes of a body that is shown to the user.
func (p *parser) takeSample(b []byte) {
	if p.sample != nil {
		*p.sample = append(*p.sample, b[:min(len(b), maxBody-len(*p.sample))]...)
	}
}

func (p *parser) bodyDone() {
	p.state = betweenHeads
	if p.chunked {
		p.state, p.chunked = inChunkSize, false
	} else {
		p.sample = nil
	}
}

// maxLine bounds a chunk-size line and a line of a trailer section.
const maxLine = 4096

// line takes bytes of a chunk-size line or of the trailer section, RFC 9112,
// Section 7.1.
func (p *parser) line(d piece) int {
	nl := bytes.IndexByte(d.data, '\n')
	if nl < 0 {
		if p.buf = append(p.buf, d.data...); len(p.buf) > maxLine {
			p.state = resync
			p.freeBuf()
		}
		return len(d.data)
	}
	if len(p.buf)+nl > maxLine {
		p.state = resync
		p.freeBuf()
		return len(d.data)
	}
	line := d.data[:nl]
	if len(p.buf) > 0 {
		line = append(p.buf, line...)
	}
	line = bytes.TrimRight(line, "\r")
	switch {
	case p.state == inTrailer:
		if len(line) == 0 {
			p.state, p.sample = betweenHeads, nil
		}
	case len(line) == 0: // the line end behind a chunk's data
	default:
		p.chunk(line)
	}
	p.freeBuf()
	return nl + 1
}

func (p *parser) chunk(line []byte) {
	size, ok := hexSize(line)
	switch {
	case !ok:
		p.state = resync
	case size == 0:
		p.state = inTrailer
	default:
		p.state, p.chunked, p.left = inBody, true, size
	}
}

// hexSize returns the size in a chunk-size line; extensions are ignored.
func hexSize(line []byte) (size int64, ok bool) {
	for i, c := range line {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return size, i > 0 && (c == ';' || c == ' ' || c == '\t')
		}
		if size > 1<<58 {
			return 0, false
		}
		size = size<<4 | int64(c)
	}
	return size, len(line) > 0
}

// lost tells the parser that n bytes are missing before the next; 0 if their
// number is not known.
func (p *parser) lost(s *stream, n int64) {
	if p.state == inBody && 0 < n && n <= p.left {
		if p.left -= n; p.left == 0 {
			p.bodyDone()
		}
		return
	}
	switch p.state {
	case inHead:
		p.breakHead(s, true)
	case inBody:
		p.state = resync
	case betweenHeads, inChunkSize, inTrailer:
		p.state = resync
		p.freeBuf()
	case holding:
		p.dropped = true
	case inFrames:
		s.socket.dirs[p.dir].lost()
	case inH2:
		if p.dropped = s.h2.ways[p.dir].waits; !p.dropped {
			s.h2.miss(s, p.dir, n)
		}
		return
	}
	p.broken, p.before = true, p.ack
	if len(p.held) > 0 {
		p.dropped = true
	}
}

// passedOver reports whether bytes were not read that may have been a head.
func (p *parser) passedOver() bool {
	return p.unread || p.state == untilClose || p.state == holding || p.state == done && p.alien == ""
}

// end closes the books of a direction.
func (p *parser) end(s *stream, closed bool) {
	switch {
	case p.state == inHead && p.kind == undecided && closed:
		p.notHTTP(s, p.buf)
	case p.state == inHead && p.kind == undecided:
		p.unread = true
	case p.state == inHead:
		p.breakHead(s, false)
	}
	p.freeBuf()
}
