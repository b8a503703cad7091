package evidence

import (
	"encoding/binary"

	"github.com/wssniff/wssniff/capture"
)

// An arena holds packets in chunks of one size, of which lists are made: many
// connections share it, none leaves garbage, and what is given back fits
// everybody.
type arena struct {
	pages  [][]byte
	next   []uint32 // of each chunk, the one behind it in its list, or among the free ones; 0: none
	free   uint32   // the first that is free
	unused int      // chunks that are free, or in no page yet
	most   int      // chunks in all
}

const (
	chunkSize  = 256
	pageChunks = 256
	headSize   = 32 // what is noted of a packet besides its bytes
)

// newArena returns an arena of so many bytes.
func newArena(size int) *arena {
	most := size / chunkSize
	return &arena{most: most, unused: most, next: make([]uint32, 1)}
}

func (a *arena) chunk(i uint32) []byte {
	at := (i - 1) % pageChunks * chunkSize
	return a.pages[(i-1)/pageChunks][at : at+chunkSize]
}

// take takes a chunk. There must be one.
func (a *arena) take() uint32 {
	a.unused--
	if i := a.free; i != 0 {
		a.free = a.next[i]
		a.next[i] = 0
		return i
	}
	i := uint32(len(a.next))
	if (i-1)%pageChunks == 0 {
		a.pages = append(a.pages, make([]byte, pageChunks*chunkSize))
	}
	a.next = append(a.next, 0)
	return i
}

// give takes a chunk back.
func (a *arena) give(i uint32) {
	a.next[i] = a.free
	a.free = i
	a.unused++
}

// A list is packets in the order in which they came, one behind the other in
// chunks.
type list struct {
	first, last uint32 // chunks; 0: none
	from, to    uint16 // where the first packet begins in the first chunk, and the last ends in the last one
	bytes       int    // in it, what is noted of packets included
}

// needs is how many chunks a packet may take.
func needs(p *capture.Packet) int { return needsBytes(p)/chunkSize + 2 }

func needsBytes(p *capture.Packet) int { return headSize + len(p.Data) }

// push appends a packet. There must be room.
func (a *arena) push(l *list, p *capture.Packet) {
	var head [headSize]byte
	binary.LittleEndian.PutUint64(head[:], uint64(p.Num))
	binary.LittleEndian.PutUint64(head[8:], uint64(p.Time))
	for i, v := range [4]int{p.Iface, int(p.Link), p.WireLen, len(p.Data)} {
		binary.LittleEndian.PutUint32(head[16+4*i:], uint32(v))
	}
	a.write(l, head[:])
	a.write(l, p.Data)
}

// grow makes sure that the last chunk of a list has room.
func (a *arena) grow(l *list) {
	if l.last != 0 && l.to < chunkSize {
		return
	}
	i := a.take()
	if l.last == 0 {
		l.first, l.from = i, 0
	} else {
		a.next[l.last] = i
	}
	l.last, l.to = i, 0
}

func (a *arena) write(l *list, b []byte) {
	l.bytes += len(b)
	for len(b) > 0 {
		a.grow(l)
		n := copy(a.chunk(l.last)[l.to:], b)
		l.to += uint16(n)
		b = b[n:]
	}
}

// A cursor reads a list from its beginning.
type cursor struct {
	a    *arena
	at   uint32
	from uint16
	left int
}

func (a *arena) cursor(l *list) cursor { return cursor{a, l.first, l.from, l.bytes} }

// end returns a cursor for the next n bytes that are pushed.
func (a *arena) end(l *list, n int) cursor {
	a.grow(l)
	return cursor{a, l.last, l.to, n}
}

// next reads a packet, whose Data are in *room; false: there is none.
func (c *cursor) next(p *capture.Packet, room *[]byte) bool {
	if c.left == 0 {
		return false
	}
	n := c.head(p)
	if cap(*room) < n {
		*room = make([]byte, n)
	}
	p.Data = (*room)[:n]
	c.read(p.Data)
	return true
}

// head reads what is noted of a packet, and how many bytes it has, which are next.
func (c *cursor) head(p *capture.Packet) int {
	var head [headSize]byte
	c.read(head[:])
	word := func(i int) int { return int(binary.LittleEndian.Uint32(head[16+4*i:])) }
	*p = capture.Packet{
		Num: int(binary.LittleEndian.Uint64(head[:])), Time: int64(binary.LittleEndian.Uint64(head[8:])),
		Iface: word(0), Link: capture.LinkType(word(1)), WireLen: word(2),
	}
	return word(3)
}

func (c *cursor) read(b []byte) {
	c.left -= len(b)
	for len(b) > 0 {
		if c.from == chunkSize {
			c.at, c.from = c.a.next[c.at], 0
		}
		n := copy(b, c.a.chunk(c.at)[c.from:])
		c.from += uint16(n)
		b = b[n:]
	}
}

func (c *cursor) skip(n int) {
	c.left -= n
	for n > 0 {
		if c.from == chunkSize {
			c.at, c.from = c.a.next[c.at], 0
		}
		step := min(n, chunkSize-int(c.from))
		c.from += uint16(step)
		n -= step
	}
}

// drop takes the first packet of a list out of it.
func (a *arena) drop(l *list) {
	c := a.cursor(l)
	var p capture.Packet
	c.skip(c.head(&p))
	for i := l.first; i != c.at; {
		behind := a.next[i]
		a.give(i)
		i = behind
	}
	l.first, l.from, l.bytes = c.at, c.from, c.left
	if l.bytes == 0 {
		a.clear(l)
	}
}

// clear empties a list.
func (a *arena) clear(l *list) {
	for i := l.first; i != 0; {
		behind := a.next[i]
		a.give(i)
		i = behind
	}
	*l = list{}
}

// chunks is how many chunks a list takes, or one or two more.
func (l *list) chunks() int { return (l.bytes+chunkSize-1)/chunkSize + 1 }
