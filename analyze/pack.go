package analyze

import (
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
	packBroken
)

// A packer writes values behind those in b.
type packer struct {
	b       []byte
	phrases *phrases
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

// message writes a message, whose head is raw. token is where in raw the value
// of its Sec-WebSocket-Key or -Accept lies.
func (p *packer) message(m *Message, raw []byte, token span, base flow.Stamp) {
	flags := byte(0)
	set := func(bit byte, on bool) {
		if on {
			flags |= bit
		}
	}
	nonce, usual := token.decode(raw)
	set(packComplete, m.Complete)
	set(packLost, m.Lost)
	set(packSpread, m.First != m.Done || m.Segments != 1 || m.Offset != 0)
	set(packTail, m.Tail != 0)
	set(packToken, usual)
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
	if usual {
		p.uint(uint64(len(nonce)))
		p.b = append(p.b, nonce...)
	} else {
		token = span{}
	}
	p.head(raw, token)
}

// head writes the bytes of a head but for its token: the start line, and the
// rest.
func (p *packer) head(raw []byte, token span) {
	line := startLine(raw)
	p.phrase(raw[:line])
	if token == (span{}) {
		p.phrase(raw[line:])
		return
	}
	p.uint(uint64(token.from - line))
	p.scratch = append(append(p.scratch[:0], raw[line:token.from]...), raw[token.to:]...)
	p.phrase(p.scratch)
}

// phrase writes a text, or the number that it has.
func (p *packer) phrase(text []byte) {
	n := p.phrases.number(text)
	p.uint(uint64(n))
	if n == 0 {
		p.text(text)
	}
}

// startLine returns the length of the start line, its line end included.
func startLine(raw []byte) int {
	for i, c := range raw {
		if c == '\n' {
			return i + 1
		}
	}
	return len(raw)
}

// A span is a part of a head.
type span struct{ from, to int }

func (s span) of(raw []byte) []byte { return raw[s.from:s.to] }

// decode returns what the span holds in base64, if it is the one way to write it.
func (s span) decode(raw []byte) (nonce []byte, usual bool) {
	const longest = 20 // of a SHA-1 sum
	text := raw[s.from:s.to]
	if len(text) == 0 || len(text) > base64.StdEncoding.EncodedLen(longest) {
		return nil, false
	}
	var b [longest + 2]byte
	n, err := strictBase64.Decode(b[:], text)
	if err != nil || n == 0 || base64.StdEncoding.EncodedLen(n) != len(text) {
		return nil, false
	}
	return b[:n], true
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
	var nonce []byte
	if flags&packToken != 0 {
		nonce = u.text()
	}
	m.Head = Head{Raw: u.head(nonce), Fields: fields[:0]}
	m.Head.parse()
}

// where reads of a message that nothing was packed before the frame in which it
// was complete, and its offset.
func (u *unpacker) where() (frame int, offset int64) {
	flags := u.byte()
	m := Message{Done: u.stamp(flow.Stamp{})}
	u.bytes(8)
	if flags&packSpread != 0 {
		u.stamp(m.Done)
		u.uint()
		offset = int64(u.uint())
	}
	return m.Done.Frame, offset
}

// head reads the bytes of a head.
func (u *unpacker) head(nonce []byte) string {
	raw := append(u.raw[:0], u.phrase()...)
	if nonce == nil {
		raw = append(raw, u.phrase()...)
	} else {
		at := int(u.uint())
		rest := u.phrase()
		raw = append(raw, rest[:at]...)
		raw = base64.StdEncoding.AppendEncode(raw, nonce)
		raw = append(raw, rest[at:]...)
	}
	u.raw = raw
	return string(raw)
}

func (u *unpacker) phrase() []byte {
	if n := u.uint(); n > 0 {
		return u.phrases.text(uint32(n))
	}
	return u.text()
}
