package workload

import (
	"encoding/binary"
	"math/rand/v2"
)

// A message is what an application writes at once: parts one after the other.
type message []part

// A part is literal bytes, and then a number of bytes from the pool.
type part struct {
	text string
	fill int64
	from int64 // position in the pool of the first byte of fill
}

func (p *part) len() int64 { return int64(len(p.text)) + p.fill }

func (m message) len() int64 {
	var n int64
	for i := range m {
		n += m[i].len()
	}
	return n
}

// text is a message of literal bytes.
func text(s string) message { return message{{text: s}} }

const (
	poolSize  = 1 << 20
	maxLength = 64 << 10 // of a segment
)

// newPool makes random bytes, the first repeated at the end so that a segment
// never meets the border.
func newPool(rng *rand.Rand) []byte {
	b := make([]byte, 0, poolSize+maxLength)
	for len(b) < poolSize {
		b = binary.LittleEndian.AppendUint64(b, rng.Uint64())
	}
	return append(b, b[:maxLength]...)
}

// filled is a part with text and then n bytes from somewhere in the pool.
func (g *generator) filled(text string, n int64) part {
	return part{text, n, g.rng.Int64N(poolSize)}
}

// appendRange appends n bytes of a message from an offset.
func (g *generator) appendRange(b []byte, m message, off, n int64) []byte {
	for i := range m {
		p := &m[i]
		if off >= p.len() {
			off -= p.len()
			continue
		}
		if n == 0 {
			break
		}
		k := min(n, p.len()-off)
		b = g.appendPart(b, p, off, k)
		n -= k
		off = 0
	}
	return b
}

func (g *generator) appendPart(b []byte, p *part, off, n int64) []byte {
	if t := int64(len(p.text)); off < t {
		k := min(n, t-off)
		b = append(b, p.text[off:off+k]...)
		off += k
		n -= k
	}
	at := (p.from + off - int64(len(p.text))) & (poolSize - 1)
	return append(b, g.pool[at:at+n]...)
}
