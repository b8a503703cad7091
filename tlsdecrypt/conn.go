package tlsdecrypt

import (
	"bytes"
	"fmt"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A Conn is a TLS connection while it is followed.
type Conn struct {
	handshake
	d      *Decrypter
	inner  flow.Conn
	halves [2]half // by the direction in which they are sent
	told   bool    // something was handed out
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
	c.take(h, in)
	c.resume()
	if h.reason != Decrypted || h.unwanted {
		return flow.None
	}
	return flow.All
}

// resume goes on with directions that wait, until none can.
func (c *Conn) resume() {
	for again := true; again; {
		again = false
		for i := range c.halves {
			if h := &c.halves[i]; h.waiting {
				again = c.replay(h) || again
			}
		}
	}
}

// replay goes on with a direction that waits. It reports whether it waits no more.
func (c *Conn) replay(h *half) bool {
	h.waiting = false
	c.d.held -= maxRecord
	if c.run(h); h.waiting {
		return false
	}
	held := h.held
	h.held = nil
	for i, in := range held {
		if h.waiting {
			h.held = append(h.held, held[i:]...)
			return false
		}
		h.heldSize -= len(in.Data)
		c.d.held -= heldCost(&in)
		c.take(h, in)
	}
	return !h.waiting
}

// heldCost is what it takes to hold a chunk.
func heldCost(in *flow.Chunk) int { return len(in.Data) + 256 }

// hold keeps a chunk until what the direction waits for is there, but no more of
// them than the bounds allow.
func (c *Conn) hold(h *half, in flow.Chunk) {
	in.Data, in.Conn = bytes.Clone(in.Data), nil
	h.held = append(h.held, in)
	h.heldSize += len(in.Data)
	c.d.held += heldCost(&in)
	if h.heldSize > maxHeld || len(h.held) > maxHeldChunks || c.d.held > maxHeldAll {
		h.forced = true
		c.replay(h)
	}
}

// take reads a chunk of a direction, or holds it.
func (c *Conn) take(h *half, in flow.Chunk) {
	if h.waiting {
		c.hold(h, in)
		return
	}
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
