package tlsdecrypt

import (
	"bytes"
	"fmt"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A Conn is a TLS connection while it is followed.
type Conn struct {
	Number uint32 // of the caller, to know the connection by

	handshake
	d      *Decrypter
	inner  flow.Conn
	halves [2]half // by the direction in which they are sent
	told   bool    // something was handed out
	wish
}

// Conn begins to follow a connection, of which it keeps the addresses only.
func (d *Decrypter) Conn(outer *flow.Conn) *Conn {
	c := &Conn{d: d, inner: flow.Conn{Ends: outer.Ends, Handshake: outer.Handshake}}
	c.halves[flow.BtoA].dir = flow.BtoA
	return c
}

// Reason says why the bytes of a direction were not decrypted, from some point on.
func (c *Conn) Reason(d flow.Dir) Reason { return c.halves[d].reason }

// Format writes nothing of what was decrypted.
func (c Conn) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "decrypted %d bytes (%v), %d bytes (%v)", c.halves[0].offset, c.halves[0].reason, c.halves[1].offset, c.halves[1].reason)
}

// Chunk takes the next bytes of the connection and says which are wanted next: all,
// or none when the direction cannot be decrypted, or nobody wants what is inside.
// It hands on what they complete before it returns, and keeps nothing of in.Data.
func (c *Conn) Chunk(in flow.Chunk) flow.Want {
	h := &c.halves[in.Dir]
	if in.Evidence != nil { // nothing comes any more for which to wait
		for i := range c.halves {
			c.halves[i].forced = true
		}
		c.resume()
	}
	if h.pends() || c.mustHold(h) {
		c.hold(h, in)
	} else {
		c.take(h, in)
	}
	c.Resume()
	if h.reason != Decrypted || h.unwanted {
		return flow.None
	}
	return flow.All
}

// Resume goes on as far as the secrets reach that are there by now.
func (c *Conn) Resume() {
	c.resume()
	c.d.keys.note(c)
}

// GiveUp forgets what waits. The caller forgets the connection.
func (c *Conn) GiveUp() {
	c.failBoth(NoKeys)
	c.Resume()
}

// resume goes on with directions that wait until none can, in the order of the
// capture: who reads what is inside must not get answers long after what they caused.
func (c *Conn) resume() {
	stuck := [2]bool{}
	for {
		h := c.next(stuck)
		if h == nil {
			return
		}
		other := h.dir.Reverse()
		switch {
		case !h.waiting:
			c.takeHeld(h)
			stuck[other] = false
		case c.retry(h):
			stuck[other] = false
		default:
			stuck[h.dir] = true
		}
	}
}

// next returns the direction that is to go on, nil if none is: the one whose bytes came
// first or, if that is stuck, the other one.
func (c *Conn) next(stuck [2]bool) *half {
	first, second := &c.halves[0], &c.halves[1]
	if !first.pends() || second.pends() && second.since() < first.since() {
		first, second = second, first
	}
	switch {
	case !first.pends():
		return nil
	case !stuck[first.dir] && !c.inVain(first):
		return first
	case !second.pends() || stuck[second.dir] || c.inVain(second) || c.mustHold(second):
		return nil
	}
	return second
}

// inVain reports whether a direction waits for secrets, and none came since it was
// tried last.
func (c *Conn) inVain(h *half) bool { return h.lacks && !h.forced && c.state == openWish }

// pends reports whether bytes of a direction wait.
func (h *half) pends() bool { return h.waiting || len(h.held) > 0 }

// since is the frame of the first of them.
func (h *half) since() int {
	if h.waiting {
		return h.at.Stamp.Frame
	}
	return h.held[0].Stamp.Frame
}

// mustHold reports whether a direction waits because the other one waits for secrets:
// those of both may not come at once.
func (c *Conn) mustHold(h *half) bool {
	return c.halves[h.dir.Reverse()].lacks && !h.forced
}

// retry goes on with the record before which a direction waits. It reports whether
// the direction waits no more.
func (c *Conn) retry(h *half) bool {
	h.waiting, h.lacks = false, false
	c.d.held -= maxRecord
	c.run(h)
	return !h.waiting
}

// takeHeld reads the first chunk that is held.
func (c *Conn) takeHeld(h *half) {
	in, rest := h.held[0], h.held[1:]
	h.held = nil
	h.heldSize -= len(in.Data)
	c.d.held -= heldCost(&in)
	if c.take(h, in); len(h.held) == 0 {
		h.held = rest
	} else {
		h.held = append(h.held, rest...)
	}
}

// heldCost is what it takes to hold a chunk.
func heldCost(in *flow.Chunk) int { return len(in.Data) + 256 }

// hold keeps a chunk until what the direction waits for is there. When there are more
// of them than the bounds allow, it must not wait any more.
func (c *Conn) hold(h *half, in flow.Chunk) {
	in.Data, in.Conn = bytes.Clone(in.Data), nil
	h.held = append(h.held, in)
	h.heldSize += len(in.Data)
	c.d.held += heldCost(&in)
	h.forced = h.forced || h.heldSize > maxHeld || len(h.held) > maxHeldChunks || c.d.held > maxHeldAll
}

// take reads a chunk of a direction that does not wait, and holds what is left of it
// if that begins to.
func (c *Conn) take(h *half, in flow.Chunk) {
	if in.Lost != 0 && h.begun {
		c.lost(h, in.Lost)
	}
	b := in.Data
	h.at, h.at.Data, h.at.Conn, h.at.Evidence = in, nil, nil, nil
	h.next, h.begun = in.Seq+uint32(len(b)), h.begun || len(b) > 0
	h.credit = min(h.credit+trialsPerByte*len(b), maxCredit)
	for len(b) > 0 && h.reason == Decrypted && !h.waiting {
		if len(h.buf) == 0 {
			if n := c.step(h, b); n > 0 {
				b = b[n:]
				continue
			}
			h.buf = c.d.buffer()
		}
		b = b[h.fill(b):]
		if !h.waiting {
			c.run(h)
		}
	}
	switch {
	case h.waiting && (len(b) > 0 || in.End != flow.Open):
		in.Seq += uint32(len(in.Data) - len(b))
		in.Data, in.Lost = b, 0
		c.hold(h, in)
	case in.End != flow.Open:
		c.end(h, &in)
	}
}

// end ends a direction, and with the evidence the connection.
func (c *Conn) end(h *half, in *flow.Chunk) {
	if h.searching && h.reason == Decrypted {
		h.reason = BytesLost
	}
	h.buf, h.msg = c.d.release(h.buf), c.d.release(h.msg)
	h.ended = in.End
	if in.Evidence != nil {
		if other := &c.halves[h.dir.Reverse()]; !other.endTold && other.ended != flow.Open {
			c.tellEnd(other, nil)
		}
	}
	c.tellEnd(h, in.Evidence)
}

// tellEnd hands on that a direction has no more bytes, if anything was handed out.
func (c *Conn) tellEnd(h *half, e *flow.Evidence) {
	if !c.told {
		return
	}
	h.endTold = true
	chunk := c.chunk(h)
	chunk.End = h.ended
	if h.gap != 0 || h.reason != Decrypted {
		chunk.Lost = -1
	}
	if e != nil {
		inside := *e
		inside.Doubts = nil
		chunk.Evidence = &inside
	}
	c.d.out(chunk)
}

// chunk begins a chunk of what is inside.
func (c *Conn) chunk(h *half) flow.Chunk {
	return flow.Chunk{
		Conn: &c.inner, Dir: h.dir, Offset: h.offset, Stamp: h.at.Stamp, Link: h.at.Link,
		Seq: innerSeq(h.offset), Ack: c.innerAck(h),
	}
}

// innerSeq is the sequence number of a byte inside. The first has 1, as 0 is no
// acknowledgement.
func innerSeq(offset int64) uint32 { return uint32(offset + 1) }

// innerAck says which byte of the other direction the sender of the packet at hand
// waited for; 0 if it had received another number of records than were read.
func (c *Conn) innerAck(h *half) uint32 {
	other := &c.halves[h.dir.Reverse()]
	behind := other.next - h.at.Ack // bytes that were read but not acknowledged
	if h.at.Ack == 0 || !other.begun || other.reason != Decrypted || len(other.held) > 0 || behind > uint32(len(other.buf)) {
		return 0
	}
	return innerSeq(other.offset)
}

// deliver hands out the data of a record, less what is not wanted.
func (c *Conn) deliver(h *half, content []byte) {
	if len(content) == 0 {
		return
	}
	lost := h.gap
	h.gap = 0
	if lost < 0 { // it is not known how much of that was to be skipped
		h.offset, h.skip = h.offset+h.skip, 0
	} else {
		h.offset += lost
		passed := min(h.skip, lost)
		h.skip, lost = h.skip-passed, lost-passed
	}
	passed := min(h.skip, int64(len(content)))
	h.skip -= passed
	h.offset += passed
	content = content[passed:]
	if len(content) > 0 && !h.unwanted {
		chunk := c.chunk(h)
		chunk.Lost, chunk.Data = lost, content
		c.told = true
		switch want := c.d.out(chunk); {
		case want < 0:
			h.unwanted = true
		case want > 0:
			h.skip = int64(want)
		}
	}
	h.offset += int64(len(content))
}
