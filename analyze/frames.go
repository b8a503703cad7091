package analyze

import (
	"encoding/binary"

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
// Payloads are skipped, but for that of a Close frame. What every packet needs
// comes first: a million open connections do not fit into a cache.
type frames struct {
	pos     int64 // offset of the next byte
	left    int64 // bytes of payload to come
	count   Frames
	first   flow.Stamp // of the first bytes
	side    Side
	dead    bool // the stream cannot be followed any more
	closing bool // the payload is that of a Close frame
	ended   bool
	have    uint8 // bytes of hdr
	hdr     [14]byte
	attempt *Attempt
	payload []byte
	at      flow.Stamp // of the first byte of the header
}

// lost stops the walk: frame borders cannot be found again.
func (f *frames) lost() {
	f.dead, f.count.Unclear = true, true
}

// want says what the walk needs next.
func (f *frames) want() flow.Want {
	switch {
	case f.dead:
		return flow.None
	case f.left > 0 && !f.closing:
		return flow.Want(f.left)
	}
	return flow.All
}

// skip accounts for payload that was skipped.
func (f *frames) skip(n int64) { f.left -= min(max(n, 0), f.left) }

// take reads some bytes of a packet, at least one, and says how many.
func (f *frames) take(b []byte, at flow.Stamp) int {
	if !f.first.Seen() {
		f.first = at
	}
	switch {
	case f.dead:
		return len(b)
	case f.left > 0:
		return f.body(b)
	case f.have == 0:
		if n := f.stride(b); n > 0 {
			return n
		}
		f.at = at
	}
	n := 0
	for n < len(b) && !f.dead {
		f.hdr[f.have] = b[n]
		f.have++
		n++
		if f.strange() {
			f.lost()
		} else if f.have >= 2 && int(f.have) == f.headerLen() && !f.undecided() {
			f.header()
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
		f.count.Bytes += size
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

// strange reports whether the header is none, and notes what it is instead.
func (f *frames) strange() bool {
	if f.undecided() {
		return false
	}
	first := f.count.Total() == 0
	switch h := f.hdr[:f.have]; string(h) {
	case textCRLF:
		if first && f.side == Server {
			f.attempt.add(ExtraCRLFAfterHead, Server, f.at.Frame, "", "CR LF", "a frame")
		}
		return true
	case textHTTP:
		f.attempt.add(HTTPResponseAfter101, f.side, f.at.Frame, "", textHTTP, "a frame")
		return true
	case textRefusal:
		if first && f.side == Client {
			f.attempt.refusal = f.at
		}
		return true
	default:
		control := h[0]&8 != 0
		return !knownOpcode(h[0]&15) || control && h[0]&0x80 == 0 || control && len(h) > 1 && h[1]&0x7f > maxControlPayload
	}
}

// header takes a complete header.
func (f *frames) header() {
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
	f.count.Bytes += f.left
	f.tally(f.hdr[0] & 15)
	if f.closing && f.left == 0 {
		f.closed()
	}
}

func (f *frames) tally(op byte) {
	switch op {
	case opContinuation:
		f.count.Continuation++
	case opText:
		f.count.Text++
	case opBinary:
		f.count.Binary++
	case opPing:
		f.count.Ping++
	case opPong:
		f.count.Pong++
	case opClose:
		f.count.Close++
		f.closing, f.payload = true, nil
	}
}

// body takes payload.
func (f *frames) body(b []byte) int {
	n := int(min(f.left, int64(len(b))))
	f.left -= int64(n)
	if f.closing {
		f.payload = append(f.payload, b[:n]...)
		if f.left == 0 {
			f.closed()
		}
	}
	return n
}

// closed takes a complete Close frame, RFC 6455, Section 5.5.1.
func (f *frames) closed() {
	f.closing = false
	if f.attempt.closeFrame.At.Seen() {
		return
	}
	c := Close{By: f.side, How: CloseFrame, Code: -1, At: f.at}
	f.unmask()
	if len(f.payload) >= 2 {
		c.Code = int(binary.BigEndian.Uint16(f.payload))
		c.Reason = string(f.payload[2:])
	}
	f.payload = nil
	f.attempt.closeFrame = c
}

// unmask takes the mask off the payload, RFC 6455, Section 5.3.
func (f *frames) unmask() {
	if f.hdr[1]&0x80 == 0 {
		return
	}
	key := f.hdr[f.headerLen()-4 : f.headerLen()]
	for i := range f.payload {
		f.payload[i] ^= key[i&3]
	}
}
