package tlsdecrypt

import (
	"encoding/binary"

	"github.com/wssniff/wssniff/internal/tlswire"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// Bounds of what it may cost to find out where a direction goes on.
const (
	maxWindow     = 1 << 10 // records that may be missing in a row
	maxBad        = 64      // records in a row that do not authenticate
	trialsPerByte = 64      // bytes opened in vain for each byte received
	maxCredit     = 16 << 20
)

// A stage is a time between two changes of keys in a direction.
type stage uint8

const (
	inClear     stage = iota
	inEarly           // TLS 1.3 only, and the client's
	inHandshake       // TLS 1.3 only
	inTraffic
)

// A half is one direction of a connection.
type half struct {
	dir    flow.Dir
	reason Reason     // but for Decrypted: it is not read on
	at     flow.Chunk // the last one, without its bytes
	next   uint32     // sequence number of the byte behind it
	buf    []byte     // an incomplete record, or one that waits; nil: there is none
	begun  bool       // there were bytes

	waiting  bool         // for the other direction, or for secrets
	lacks    bool         // it is secrets that it waits for
	forced   bool         // it must not wait any more
	held     []flow.Chunk // since it waits
	heldSize int

	stage     stage
	now, then *protection // of this stage; of the next one for which there are secrets; nil: not known
	thenStage stage
	window    uint64 // records that may be missing before the next one
	bad       int    // records in a row that did not authenticate
	credit    int    // bytes that may be opened in vain
	holes     bool   // bytes were lost
	drop      int    // bytes to come of a record of which some were lost
	typeAt    int    // of TLS 1.3: where in the fragment of that record its type is; 0: it cannot be told
	gapBefore int64  // gap before that record
	searching bool   // for the beginning of a record

	greeted bool   // the hello was read
	blind   bool   // handshake messages cannot be read any more, in this stage
	msg     []byte // an incomplete one
	pass    int    // bytes to come of one that is too long

	offset   int64 // of the next byte inside
	gap      int64 // bytes inside that are missing before it; -1: their number is unknown
	skip     int64 // bytes inside that are not wanted
	unwanted bool  // nothing is
	ended    flow.End
	endTold  bool
}

// fail gives up a direction.
func (c *Conn) fail(h *half, why Reason) {
	h.reason, h.gap, h.lacks = why, -1, false
	h.buf, h.msg = c.d.release(h.buf), c.d.release(h.msg)
	h.now, h.then = nil, nil
}

// failBoth gives up the connection.
func (c *Conn) failBoth(why Reason) {
	for i := range c.halves {
		c.fail(&c.halves[i], why)
	}
}

// waits lets a direction wait before the record at hand, which then is in its
// buffer, unless it must not. It cannot in a renegotiation, where the record is
// opened already.
func (c *Conn) waits(h *half) bool {
	renegotiates := h.stage == inTraffic && c.version < versionTLS13
	if h.forced || renegotiates || c.d.held+maxRecord > maxHeldAll {
		return false
	}
	h.waiting = true
	c.d.held += maxRecord
	return true
}

// wait lets a direction wait, or else gives it up.
func (c *Conn) wait(h *half, why Reason) {
	if !c.waits(h) {
		c.fail(h, why)
	}
}

// size is how many bytes the record has that b begins with, or as long as that is
// not known its header.
func size(b []byte) int {
	if len(b) < tlswire.HeaderLen {
		return tlswire.HeaderLen
	}
	return min(tlswire.HeaderLen+int(binary.BigEndian.Uint16(b[3:])), maxRecord)
}

// fill completes the record in the buffer as far as b does, and returns how many
// bytes that took.
func (h *half) fill(b []byte) (n int) {
	for n < len(b) && len(h.buf) < size(h.buf) {
		k := min(size(h.buf)-len(h.buf), len(b)-n)
		h.buf = append(h.buf, b[n:n+k]...)
		n += k
	}
	return n
}

// run reads what is in the buffer.
func (c *Conn) run(h *half) {
	i := 0
	for i < len(h.buf) && !h.waiting {
		n := c.step(h, h.buf[i:])
		if n == 0 || h.reason != Decrypted {
			break
		}
		i += n
	}
	if i == len(h.buf) || h.reason != Decrypted {
		h.buf = c.d.release(h.buf)
		return
	}
	h.buf = h.buf[:copy(h.buf, h.buf[i:])]
}

// step reads what b begins with and returns how many bytes that are, 0 if it needs
// more of them or has to wait.
func (c *Conn) step(h *half, b []byte) int {
	if h.drop > 0 {
		n := min(h.drop, len(b))
		if h.typeAt > 0 {
			h.typeOf(b[:n])
		}
		h.drop -= n
		h.passed(b[:n])
		return n
	}
	if h.searching {
		if !c.greeted || !c.answered {
			if c.wait(h, BytesLost); !h.waiting {
				return len(b)
			}
			return 0
		}
		if n := c.search(h, b); n > 0 {
			h.passed(b[:n])
			return n
		}
	}
	if len(b) < tlswire.HeaderLen && tlswire.Starts(b) {
		return 0
	}
	header, ok := tlswire.ReadHeader(b)
	if !ok {
		c.fail(h, NotTLS)
		return len(b)
	}
	n := tlswire.HeaderLen + header.Length
	if len(b) < n {
		return 0
	}
	ok = c.record(h, b[:n], header.Type)
	switch {
	case h.waiting:
		return 0
	case ok:
		h.searching = false
	case h.searching:
		h.passed(b[:1])
		return 1
	}
	return n
}

func (h *half) passed(b []byte) {
	if h.now != nil {
		h.now.passed(b)
	}
}

// record reads a record. While the beginning of one is searched for, it is ok if it
// surely is one.
func (c *Conn) record(h *half, b []byte, kind tlswire.ContentType) (ok bool) {
	switch {
	case !h.greeted && kind != tlswire.Handshake && kind != tlswire.Alert:
		c.failBoth(NoHandshake)
	case h.stage == inTraffic && c.version < versionTLS13:
		return c.sealed(h, b)
	case kind == tlswire.ApplicationData:
		if !c.answered || !c.greeted {
			c.wait(h, NoHandshake)
			return false
		}
		if c.version == versionTLS13 {
			return c.sealed(h, b)
		}
		return h.searching && c.sealed(h, b) || !h.searching && c.unopened(h)
	case kind == tlswire.ChangeCipherSpec:
		return c.changeCipher(h, b[tlswire.HeaderLen:])
	case h.searching:
		return c.sealed(h, b)
	case kind == tlswire.Handshake:
		c.messages(h, b[tlswire.HeaderLen:], false)
	}
	return true
}

// sealed reads a record that is encrypted.
func (c *Conn) sealed(h *half, b []byte) (ok bool) {
	if h.stage == inClear && c.version == versionTLS13 && !c.begin(h) {
		return false
	}
	kind, content, ok := c.open(h, b)
	if !ok && (h.waiting || h.searching || h.reason != Decrypted) {
		return false
	}
	h.passed(b)
	if !ok {
		return c.unopened(h)
	}
	switch kind {
	case tlswire.ApplicationData:
		c.deliver(h, content)
	case tlswire.Handshake:
		c.messages(h, content, true)
	case tlswire.Alert:
		c.alert(h, content)
	case tlswire.ChangeCipherSpec: // of a renegotiation
		c.changeCipher(h, content)
	}
	return true
}

// open finds the keys and the number under which a record authenticates.
func (c *Conn) open(h *half, b []byte) (kind tlswire.ContentType, content []byte, ok bool) {
	if h.now == nil && h.stage != inClear {
		h.now = c.protection(h, h.stage)
	}
	if h.now != nil {
		if kind, content, ok = c.try(h, h.now, h.stage, b); ok {
			return kind, content, true
		}
	}
	c.following(h)
	switch {
	case h.then != nil:
		p := h.then
		if kind, content, ok = c.try(h, p, h.thenStage, b); ok {
			c.enter(h, p, h.thenStage)
		}
	case h.now == nil:
		c.lack(h)
	case c.d.Late && h.blind && h.stage < inTraffic: // the stage may be over
		h.lacks = c.waits(h)
	}
	return kind, content, ok
}

// lack says that there are no secrets for a direction.
func (c *Conn) lack(h *half) {
	if c.d.Late {
		c.wait(h, NoKeys)
		h.lacks = h.waiting
		return
	}
	c.fail(h, NoKeys)
}

// try opens a record with all numbers that it may have in a stage.
func (c *Conn) try(h *half, p *protection, s stage, b []byte) (kind tlswire.ContentType, content []byte, ok bool) {
	for skipped := uint64(0); skipped <= h.window; skipped++ {
		if skipped > 0 || p != h.now || h.searching {
			if h.credit < len(b) {
				break
			}
			h.credit -= len(b)
		}
		if kind, content, ok = p.open(c.d.plain, b, p.seq+skipped); !ok {
			continue
		}
		p.seq += skipped + 1
		h.window, h.bad = 0, 0
		h.blind = skipped > 0 && s < inTraffic || h.blind && p == h.now
		if skipped > 0 && s == inTraffic {
			h.gap = -1
		}
		return kind, content, true
	}
	return 0, nil, false
}

// enter begins a stage.
func (c *Conn) enter(h *half, p *protection, s stage) {
	h.now, h.then, h.stage = p, nil, s
	if h.dir != c.client && s == inTraffic && c.early == offered {
		c.early = unknown // the answer was not read
	}
}

// following finds the keys that may come next: those of the next stage, or after
// holes those behind an update.
func (c *Conn) following(h *half) {
	switch {
	case h.then != nil:
	case h.stage < inTraffic:
		for h.thenStage = h.stage + 1; h.thenStage <= inTraffic; h.thenStage++ {
			if h.then = c.protection(h, h.thenStage); h.then != nil {
				return
			}
		}
	case h.now != nil && h.holes && c.version == versionTLS13:
		h.then, h.thenStage = h.now.updated(), inTraffic
	}
}

// unopened takes note of a record that does not authenticate.
func (c *Conn) unopened(h *half) bool {
	h.msg, h.pass = c.d.release(h.msg), 0
	if h.stage == inTraffic || h.holes {
		h.window = min(h.window+1, maxWindow)
	}
	if h.stage == inTraffic || h.stage == inEarly {
		h.gap = -1
	}
	if h.bad++; h.bad > maxBad || h.stage == inClear {
		why := BadRecord
		if h.holes {
			why = BytesLost
		}
		c.fail(h, why)
	}
	return false
}
