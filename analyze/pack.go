package analyze

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// Messages and evidence are packed into bytes as long as they wait to be judged.
// Numbers are varints, stamps differences to one before, the parts of heads that
// many have in common are phrases, keys and accepts are taken out of base64.
// Reading goes through the fields in the order of writing; what was packed is
// trusted, as nobody else writes it.

// Flags of a packed message.
const (
	packComplete = 1 << iota
	packLost
	packSpread // more than one packet or segment, or not at the start of the direction
	packTail
	packToken // a Sec-WebSocket-Key or -Accept of the usual form
)

// A packer writes values behind those in b.
type packer struct {
	b       []byte
	phrases *phrases
	forms   *forms
	journal *journal
	scratch []byte
	whole   []byte // scratch of whoever packs several parts
	both    []byte
}

func (p *packer) uint(v uint64) { p.b = binary.AppendUvarint(p.b, v) }
func (p *packer) int(v int64)   { p.b = binary.AppendVarint(p.b, v) }
func (p *packer) u32(v uint32)  { p.b = binary.LittleEndian.AppendUint32(p.b, v) }

func (p *packer) text(s []byte) {
	p.uint(uint64(len(s)))
	p.b = append(p.b, s...)
}

// stamp writes a stamp as its difference to another.
func (p *packer) stamp(s, base flow.Stamp) {
	p.int(int64(s.Frame - base.Frame))
	p.int(s.Time - base.Time)
}

// seen writes a stamp that may not be set.
func (p *packer) seen(s, base flow.Stamp) {
	if !s.Seen() {
		p.b = append(p.b, 0)
		return
	}
	p.b = append(p.b, 1)
	p.stamp(s, base)
}

// message writes a message, whose head is h. value is where in it that of its
// Sec-WebSocket-Key or -Accept lies, which is returned decoded.
func (p *packer) message(m *Message, h *rawHead, value span, response bool, base flow.Stamp) token {
	flags := byte(0)
	set := func(bit byte, on bool) {
		if on {
			flags |= bit
		}
	}
	nonce := h.nonce
	if h.form == nil {
		nonce = value.decode(h.bytes)
	}
	set(packComplete, m.Complete)
	set(packLost, m.Lost)
	set(packSpread, m.First != m.Done || m.Segments != 1 || m.Offset != 0)
	set(packTail, m.Tail != 0)
	set(packToken, nonce.n > 0)
	p.b = append(p.b, flags)
	p.stamp(m.Done, base)
	p.u32(m.seq)
	p.u32(m.ack)
	if flags&packSpread != 0 {
		p.stamp(m.First, m.Done)
		p.uint(uint64(m.Segments))
		p.uint(uint64(m.Offset))
	}
	if flags&packTail != 0 {
		p.uint(uint64(m.Tail))
	}
	if nonce.n > 0 {
		p.text(nonce.b[:nonce.n])
	} else {
		value = span{}
	}
	if h.form == nil {
		p.head(h, value, response, m.Complete)
		return nonce
	}
	p.phrase(h.bytes[:len(h.bytes)-len(h.form.text)-h.form.size])
	if nonce.n > 0 {
		p.uint(uint64(h.form.at))
	}
	p.uint(uint64(h.form.number))
	return nonce
}

// head writes the bytes of a head but for its token: the start line, and the
// rest.
func (p *packer) head(h *rawHead, value span, response, complete bool) {
	raw, line := h.bytes, startLine(h.bytes)
	p.phrase(raw[:line])
	rest := raw[line:]
	if value != (span{}) {
		p.uint(uint64(value.from - line))
		p.scratch = append(append(p.scratch[:0], raw[line:value.from]...), raw[value.to:]...)
		rest = p.scratch
	}
	if n := p.phrase(rest); n > 0 && complete && h.framed {
		p.forms.learn(response, h, line, value, n, p.phrases.text(n))
	}
}

// phrase writes a text, or the number that it has, which it returns; 0: none.
func (p *packer) phrase(text []byte) uint32 {
	n := p.phrases.number(text)
	p.uint(uint64(n))
	if n == 0 {
		p.text(text)
	}
	return n
}

// startLine returns the length of the start line, its line end included.
func startLine(raw []byte) int {
	if i := bytes.IndexByte(raw, '\n'); i >= 0 {
		return i + 1
	}
	return len(raw)
}

// A span is a part of a head.
type span struct{ from, to int }

func (s span) of(raw []byte) []byte { return raw[s.from:s.to] }

// decode returns what the span holds in base64.
func (s span) decode(raw []byte) (nonce token) {
	nonce.n = decodeUsual(nonce.b[:], s.of(raw))
	return nonce
}

// A token is a decoded Sec-WebSocket-Key or -Accept of the usual form.
type token struct {
	b [sha1.Size]byte
	n int // bytes; 0: it has another form
}

// decodeUsual decodes base64 that is written the one usual way, and returns the
// number of bytes; 0 if it is not, or if they are more than dst takes.
func decodeUsual[T string | []byte](dst []byte, text T) int {
	var b [sha1.Size + 4]byte // whole groups of three
	var src [(sha1.Size + 2) / 3 * 4]byte
	if len(text) > len(src) {
		return 0
	}
	n, err := strictBase64.Decode(b[:], src[:copy(src[:], text)])
	if err != nil || base64.StdEncoding.EncodedLen(n) != len(text) || n > len(dst) {
		return 0
	}
	return copy(dst, b[:n])
}

// strictBase64 refuses what is not written the usual way.
var strictBase64 = base64.StdEncoding.Strict()

// An unpacker reads values from b on.
type unpacker struct {
	b       []byte
	phrases *phrases
	raw     []byte // scratch
}

func (u *unpacker) byte() byte {
	c := u.b[0]
	u.b = u.b[1:]
	return c
}

func (u *unpacker) uint() uint64 {
	if c := u.b[0]; c < 0x80 {
		u.b = u.b[1:]
		return uint64(c)
	}
	v, n := binary.Uvarint(u.b)
	u.b = u.b[n:]
	return v
}

func (u *unpacker) int() int64 {
	v := u.uint()
	return int64(v>>1) ^ -int64(v&1)
}

func (u *unpacker) u32() uint32 { return binary.LittleEndian.Uint32(u.bytes(4)) }

// bytes returns the next n bytes, which must not be changed.
func (u *unpacker) bytes(n int) []byte {
	b := u.b[:n]
	u.b = u.b[n:]
	return b
}

func (u *unpacker) text() []byte { return u.bytes(int(u.uint())) }

func (u *unpacker) stamp(base flow.Stamp) flow.Stamp {
	frame := base.Frame + int(u.int())
	return flow.Stamp{Frame: frame, Time: base.Time + u.int()}
}

func (u *unpacker) seen(base flow.Stamp) flow.Stamp {
	if u.byte() == 0 {
		return flow.Stamp{}
	}
	return u.stamp(base)
}

// message reads a message into m, whose fields it uses again.
func (u *unpacker) message(m *Message, base flow.Stamp) {
	fields := m.Head.Fields
	flags := u.byte()
	*m = Message{Complete: flags&packComplete != 0, Lost: flags&packLost != 0, Segments: 1}
	m.Done = u.stamp(base)
	m.First = m.Done
	m.seq, m.ack = u.u32(), u.u32()
	if flags&packSpread != 0 {
		m.First = u.stamp(m.Done)
		m.Segments, m.Offset = int(u.uint()), int64(u.uint())
	}
	if flags&packTail != 0 {
		m.Tail = int(u.uint())
	}
	if flags&packToken != 0 {
		m.nonce.n = copy(m.nonce.b[:], u.text())
	}
	m.Head = Head{Fields: fields[:0]}
	u.head(m)
}

// where reads of a message before which nothing was packed where it began and was
// complete, and its offset.
func (u *unpacker) where() (first, done flow.Stamp, offset int64) {
	flags := u.byte()
	done = u.stamp(flow.Stamp{})
	first = done
	u.bytes(8)
	if flags&packSpread != 0 {
		first = u.stamp(done)
		u.uint()
		offset = int64(u.uint())
	}
	return first, done, offset
}

// requestNonce returns the decoded key of the request of an exchange; nil if there
// is none in the usual form.
func (u *unpacker) requestNonce() []byte {
	if u.byte()&packAsked == 0 {
		return nil
	}
	flags := u.b[0]
	u.where()
	if flags&packTail != 0 {
		u.uint()
	}
	if flags&packToken == 0 {
		return nil
	}
	return u.text()
}

// requestFields returns the start line and the fields of the request of an
// exchange, without its token, and the number of the phrase that the fields are;
// 0 if they are none. All is empty if there is no request.
func (u *unpacker) requestFields() (line, fields []byte, number uint32) {
	if u.byte()&packAsked == 0 {
		return nil, nil, 0
	}
	flags := u.b[0]
	u.where()
	if flags&packTail != 0 {
		u.uint()
	}
	if flags&packToken != 0 {
		u.text()
	}
	line = u.phrase(nil)
	if flags&packToken != 0 {
		u.uint()
	}
	return line, u.phrase(&number), number
}

// head reads a head into a message, and takes it apart.
func (u *unpacker) head(m *Message) {
	nonce := m.nonce.b[:m.nonce.n]
	raw := append(u.raw[:0], u.phrase(nil)...)
	line, at, number := len(raw), 0, uint32(0)
	if len(nonce) == 0 {
		raw = append(raw, u.phrase(&number)...)
	} else {
		at = int(u.uint())
		rest := u.phrase(&number)
		raw = append(raw, rest[:at]...)
		raw = base64.StdEncoding.AppendEncode(raw, nonce)
		raw = append(raw, rest[at:]...)
	}
	u.raw = raw
	size := base64.StdEncoding.EncodedLen(len(nonce))
	m.Head.Raw = string(raw)
	if number != 0 {
		if s := u.phrases.shape(number); s != nil && s.at == at && s.size == size {
			s.fill(&m.Head, line)
			m.shape = s
			return
		}
	}
	m.Head.parse()
	if number != 0 && u.phrases.shape(number) == nil && u.phrases.fields+len(m.Head.Fields) <= maxShapeFields {
		m.shape = newShape(&m.Head, line, at, m.Head.Raw[line+at:line+at+size])
		u.phrases.setShape(number, m.shape)
	}
}

// phrase reads a text, and its number if it has one.
func (u *unpacker) phrase(number *uint32) []byte {
	n := uint32(u.uint())
	if n == 0 {
		return u.text()
	}
	if number != nil {
		*number = n
	}
	return u.phrases.text(n)
}
