package analyze

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// Opcodes, RFC 6455, Section 5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xa
)

func knownOpcode(op byte) bool { return op <= opBinary || opClose <= op && op <= opPong }

// maxControlPayload is the longest payload of a control frame, RFC 6455,
// Section 5.5.
const maxControlPayload = 125

// A frames walks the WebSocket frames of one direction from header to header.
// Payloads are skipped, but for that of a Close frame. It is one cache line, and
// with the beginning of its socket all that usual frames touch: many open connections
// do not fit into a cache.
type frames struct {
	kinds   [6]uint32 // frames by kindOf; they and bytes are final once dead
	bytes   int64     // payload announced by the headers
	left    int64     // bytes of payload to come
	begun   bool      // bytes were seen
	asked   bool      // to skip left
	dead    bool      // the stream cannot be followed any more
	closing bool      // the payload is that of a Close frame
	have    uint8     // bytes of hdr
	hdr     [14]byte
}

// kindOf is the place of a known opcode in frames.kinds.
func kindOf(op byte) int { return int(op&3 + op>>3*3) }

// count returns the frames that were walked over.
func (f *frames) count() Frames {
	of := func(op byte) int { return int(f.kinds[kindOf(op)]) }
	return Frames{
		Text: of(opText), Binary: of(opBinary), Continuation: of(opContinuation),
		Ping: of(opPing), Pong: of(opPong), Close: of(opClose), Bytes: f.bytes, Unclear: f.dead,
	}
}

// lost stops the walk: frame borders cannot be found again.
func (f *frames) lost() {
	f.dead = true
}

// want says what the walk needs next.
func (f *frames) want() flow.Want {
	switch {
	case f.dead:
		return flow.None
	case f.left > 0 && !f.closing:
		f.asked = true
		return flow.Want(f.left)
	}
	return flow.All
}

// take reads some bytes of a packet, at least one, and says how many.
func (w *socket) take(a *Analyzer, number uint32, dir flow.Dir, b []byte, at flow.Stamp) int {
	f := &w.dirs[dir]
	if !f.begun {
		f.begun, w.stamps[dir].first = true, at
	}
	switch {
	case f.dead:
		return len(b)
	case f.left > 0:
		return w.body(a, number, dir, b)
	case f.have == 0:
		if n := f.stride(b); n > 0 {
			return n
		}
		w.stamps[dir].header = at
	}
	n := 0
	for n < len(b) && !f.dead {
		f.hdr[f.have] = b[n]
		f.have++
		n++
		if w.strange(dir) {
			f.lost()
		} else if f.have >= 2 && int(f.have) == f.headerLen() && !f.undecided() {
			w.header(a, dir)
			break
		}
	}
	return n
}

// stride walks over the frames that begin b as far as nothing is remarkable about
// them: their headers are whole, and they carry data or are pings and pongs. It
// says how many bytes it read, payload included. Such a header cannot turn out
// to be text.
func (f *frames) stride(b []byte) int {
	n := 0
	for n+2 <= len(b) {
		op, size, header := b[n]&15, int64(b[n+1]&0x7f), 2
		switch {
		case op <= opBinary:
		case (op == opPing || op == opPong) && b[n]&0x80 != 0 && size <= maxControlPayload:
		default:
			return n
		}
		if b[n+1]&0x80 != 0 {
			header += 4
		}
		switch size {
		case 126:
			if header += 2; n+header <= len(b) {
				size = int64(binary.BigEndian.Uint16(b[n+2:]))
			}
		case 127:
			if header += 8; n+header <= len(b) {
				size = int64(binary.BigEndian.Uint64(b[n+2:]))
			}
		}
		if n+header > len(b) || size < 0 {
			return n
		}
		f.bytes += size
		f.tally(op)
		n += header
		here := min(size, int64(len(b)-n))
		n += int(here)
		f.left = size - here
	}
	return n
}

// headerLen is the length of the header in hdr, of which two bytes are there,
// RFC 6455, Section 5.2.
func (f *frames) headerLen() int {
	n := 2
	switch f.hdr[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if f.hdr[1]&0x80 != 0 {
		n += 4
	}
	return n
}

// Text seen where a frame should begin. As frames, all of it is illegal from its
// first byte on.
const (
	textCRLF    = "\r\n"
	textHTTP    = "HTTP"
	textRefusal = "This" // "This is a webSocket client!": arduinoWebSockets refuses the handshake
)

// undecided reports whether the header may turn out to be text.
func (f *frames) undecided() bool {
	h := string(f.hdr[:f.have])
	for _, text := range [...]string{textCRLF, textHTTP, textRefusal} {
		if len(h) < len(text) && h == text[:len(h)] {
			return true
		}
	}
	return false
}

// A stray is text that was seen in place of a frame, behind which there are none. It
// begins where the header that came last did.
type stray uint8

const (
	noStray      stray = iota
	strayCRLF          // in place of the server's first frame
	strayHTTP          // of a response
	strayRefusal       // in place of the client's first frame
)

// strange reports whether the header is none, and notes what it is instead.
func (w *socket) strange(dir flow.Dir) bool {
	f := &w.dirs[dir]
	if f.undecided() {
		return false
	}
	first := f.kinds == [6]uint32{}
	switch h := f.hdr[:f.have]; string(h) {
	case textCRLF:
		if first && dir != w.client {
			w.strays[dir] = strayCRLF
		}
		return true
	case textHTTP:
		w.strays[dir] = strayHTTP
		return true
	case textRefusal:
		if first && dir == w.client {
			w.strays[dir] = strayRefusal
		}
		return true
	default:
		control := h[0]&8 != 0
		return !knownOpcode(h[0]&15) || control && h[0]&0x80 == 0 || control && len(h) > 1 && h[1]&0x7f > maxControlPayload
	}
}

// header takes a complete header.
func (w *socket) header(a *Analyzer, dir flow.Dir) {
	f := &w.dirs[dir]
	f.have = 0
	f.left = int64(f.hdr[1] & 0x7f)
	switch f.left {
	case 126:
		f.left = int64(binary.BigEndian.Uint16(f.hdr[2:]))
	case 127:
		f.left = int64(binary.BigEndian.Uint64(f.hdr[2:]))
	}
	if f.left < 0 || f.hdr[0]&8 != 0 && f.left > maxControlPayload {
		f.lost()
		return
	}
	f.bytes += f.left
	op := f.hdr[0] & 15
	f.tally(op)
	if f.closing = op == opClose; f.closing && f.left == 0 {
		w.closed(a, dir, nil)
	}
}

// tally counts a frame. A direction with more of one kind than can be counted is
// not followed on.
func (f *frames) tally(op byte) {
	n := &f.kinds[kindOf(op)]
	if *n == math.MaxUint32 {
		f.lost()
		return
	}
	*n++
}

// body takes payload.
func (w *socket) body(a *Analyzer, number uint32, dir flow.Dir, b []byte) int {
	f := &w.dirs[dir]
	n := int(min(f.left, int64(len(b))))
	f.left -= int64(n)
	if f.closing {
		w.closePayload(a, number, dir, b[:n])
	}
	return n
}

// closePayload takes payload of a Close frame. It nearly always comes in one
// piece; else the pieces are kept until all are there.
func (w *socket) closePayload(a *Analyzer, number uint32, dir flow.Dir, b []byte) {
	of := payloadOf{number, dir}
	if before := a.payloads[of]; len(before) > 0 {
		b = append(before, b...)
	}
	if w.dirs[dir].left == 0 {
		delete(a.payloads, of)
		w.closed(a, dir, b)
		return
	}
	if !w.close.at.Seen() {
		a.payloads[of] = bytes.Clone(b)
	}
}

// A payloadOf names the direction of a socket.
type payloadOf struct {
	socket uint32
	dir    flow.Dir
}

// closed takes a complete Close frame, RFC 6455, Section 5.5.1.
func (w *socket) closed(a *Analyzer, dir flow.Dir, payload []byte) {
	f := &w.dirs[dir]
	f.closing = false
	if w.close.at.Seen() {
		return
	}
	w.close = closeNote{at: w.stamps[dir].header, code: -1, by: w.side(dir)}
	var b [maxControlPayload]byte
	if n := copy(b[:], payload); n >= 2 {
		f.unmask(b[:n])
		w.close.code = int32(binary.BigEndian.Uint16(b[:]))
		if n > 2 {
			w.close.reason = a.journal.write(append([]byte{byte(n - 2)}, b[2:n]...))
		}
	}
}

// unmask takes the mask off the payload, RFC 6455, Section 5.3.
func (f *frames) unmask(payload []byte) {
	if f.hdr[1]&0x80 == 0 {
		return
	}
	key := f.hdr[f.headerLen()-4 : f.headerLen()]
	for i := range payload {
		payload[i] ^= key[i&3]
	}
}
