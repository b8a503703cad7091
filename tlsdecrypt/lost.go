package tlsdecrypt

import (
	"encoding/binary"

	"github.com/wssniff/wssniff/internal/tlswire"
)

// lost takes note of n bytes that are missing, -1: some.
func (c *Conn) lost(h *half, n int64) {
	if h.reason != Decrypted {
		return
	}
	h.holes = true
	h.msg, h.pass = c.d.release(h.msg), 0
	if !h.greeted {
		c.failBoth(BytesLost)
		return
	}
	h.blind = h.blind || h.stage == inClear
	if left := h.left(); n > 0 && n <= int64(left) {
		if h.drop == 0 {
			c.damaged(h)
		}
		h.drop = left - int(n)
		h.buf = c.d.release(h.buf)
		return
	}
	h.buf, h.drop, h.typeAt, h.searching = c.d.release(h.buf), 0, 0, true
	records, shortest := int64(maxWindow), int64(tlswire.HeaderLen+1)
	if h.now != nil {
		shortest = int64(tlswire.HeaderLen + h.now.overhead())
	}
	if n > 0 {
		records = min(records, 2+n/shortest)
	}
	h.window = min(h.window+uint64(records), maxWindow)
	if h.stage == inTraffic || h.stage == inEarly {
		h.gap = -1
	}
}

// left is how many bytes of the record at hand are to come, 0 if that is not known.
func (h *half) left() int {
	if h.searching || len(h.buf) < tlswire.HeaderLen {
		return h.drop
	}
	return size(h.buf) - len(h.buf)
}

// damaged takes note of a record, whose header is in the buffer, that cannot be
// opened because some of its bytes were lost.
func (c *Conn) damaged(h *half) {
	if h.stage != inTraffic || h.now == nil {
		h.window = min(h.window+1, maxWindow)
		if h.stage == inEarly {
			h.gap = -1
		}
		return
	}
	h.now.seq++
	before, n := h.gap, size(h.buf)-tlswire.HeaderLen-h.now.overhead()
	h.gap = -1
	switch {
	case before < 0 || n < 0 || tlswire.ContentType(h.buf[0]) != tlswire.ApplicationData:
	case h.now.exact():
		h.gap = before + int64(n)
	case h.now.version == versionTLS13 && h.window == 0:
		h.typeAt, h.gapBefore = n, before
	}
}

// typeOf looks for the type of a record of TLS 1.3 of which bytes were lost, in the
// bytes of it that come next. If it is there, and not padding, the length of the
// record tells how much data is missing.
func (h *half) typeOf(b []byte) {
	i := h.drop - h.now.aead.Overhead() - 1
	if i < 0 || i >= len(b) {
		return
	}
	switch tlswire.ContentType(h.now.byteAt(h.typeAt, b[i], h.now.seq-1)) {
	case tlswire.ApplicationData:
		h.gap = h.gapBefore + int64(h.typeAt)
	case tlswire.Handshake, tlswire.Alert:
		h.gap = h.gapBefore
	}
	h.typeAt = 0
}

// search returns how many bytes come before what may be a record.
func (c *Conn) search(h *half, b []byte) int {
	for i := range b {
		if c.plausible(h, b[i:]) {
			return i
		}
	}
	return len(b)
}

// plausible reports whether b may begin a record of a connection that is under way.
func (c *Conn) plausible(h *half, b []byte) bool {
	if !tlswire.Starts(b) || c.version == versionTLS13 && b[0] != byte(tlswire.ApplicationData) {
		return false
	}
	if len(b) < tlswire.HeaderLen {
		return len(b) < 3 || b[2] == byte(min(c.version, versionTLS12))
	}
	n := int(binary.BigEndian.Uint16(b[3:]))
	return b[2] == byte(min(c.version, versionTLS12)) && 0 < n && n <= tlswire.MaxFragment
}
