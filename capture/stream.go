package capture

import (
	"encoding/binary"
	"io"
	"math/bits"
)

// A stream is one capture being read, whatever its format.
type stream struct {
	window
	name    string
	frames  int             // records read so far to which Wireshark gives a frame number
	max     int             // bytes of the largest packet accepted
	table   *interfaceTable // where the interfaces of this capture are entered
	tell    func([]byte)    // Config.Secrets
	records walker
	raw     *window  // what is decompressed; nil if nothing; belongs to ahead if there is one
	ahead   *ahead   // what decompresses it ahead of the window; nil if the window itself does
	closers []func() // in the order of opening
}

// A walker goes through the records of one format.
type walker interface {
	// next sets all of p but Num. It returns io.EOF at the end, or a *Damage;
	// after either it is not called again.
	next(p *Packet) error

	// buffered is next for the usual case, a proper packet that the window
	// holds all of. If it is false it has done nothing, and next does it.
	buffered(p *Packet) bool
}

// open looks at what src begins with and gets ready to read its first record.
// The buffers come from the pool and go back to it by close.
func (t *stream) open(src io.Reader, pool *bufferPool) error {
	t.window = window{src: src, buf: pool.get()}
	t.closers = append(t.closers, func() { pool.put(t.buf) })
	magic, err := t.magic()
	if err != nil {
		return err
	}
	if how := compressionOf(magic); how != plain {
		if magic, err = t.unpack(how, pool); err != nil {
			return err
		}
	}
	return t.start(magic)
}

// unpack puts a decompressor between the input and the window, and returns
// the first bytes that come out of it.
func (t *stream) unpack(how compression, pool *bufferPool) ([]byte, error) {
	raw := t.window
	z, release, err := newUnpacked(how, &raw)
	if err != nil {
		return nil, unreadable(t.name, err)
	}
	t.raw = &raw
	if pool.ahead < maxAhead {
		t.readAhead(z, release, pool)
	} else {
		t.window = window{src: unpacker{z}, buf: pool.get()}
		t.closers = append(t.closers, func() { pool.put(raw.buf) }, release)
	}
	return t.magic()
}

// readAhead makes the decompressor run ahead of the window.
func (t *stream) readAhead(z packed, release func(), pool *bufferPool) {
	pool.ahead++
	t.ahead = readAhead(z, t.raw, release)
	t.window = window{src: unpacker{t.ahead}, buf: pool.get()}
	t.closers = append(t.closers, func() {
		pool.ahead--
		if t.ahead.close() {
			pool.put(t.raw.buf)
		}
	})
}

// magic returns the 4 bytes that tell the format.
func (t *stream) magic() ([]byte, error) {
	magic := t.peek(4)
	switch {
	case magic != nil:
		return magic, nil
	case t.err != io.EOF:
		return nil, unreadable(t.name, t.err)
	case t.end() == 0:
		return nil, unreadable(t.name, errEmpty)
	}
	return nil, unreadable(t.name, errNotCapture)
}

// start reads the file header.
func (t *stream) start(magic []byte) error {
	var err error
	switch m := binary.LittleEndian.Uint32(magic); m {
	case blockSection:
		t.records, err = newPcapngWalker(t)
	default:
		t.records, err = newPcapWalker(t, m)
	}
	return err
}

func (t *stream) close() {
	for i := len(t.closers); i > 0; i-- {
		t.closers[i-1]()
	}
	t.closers = nil
}

// diskBytes is how much of the input itself was read.
func (t *stream) diskBytes() int64 {
	switch {
	case t.ahead != nil:
		return t.ahead.diskBytes()
	case t.raw != nil:
		return t.raw.end()
	}
	return t.end()
}

// A byteOrder is the order in which a writer laid down its integers.
type byteOrder bool

const (
	littleEndian byteOrder = false
	bigEndian    byteOrder = true
)

func (o byteOrder) u16(b []byte) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if o == bigEndian {
		v = bits.ReverseBytes16(v)
	}
	return v
}

func (o byteOrder) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if o == bigEndian {
		v = bits.ReverseBytes32(v)
	}
	return v
}

func (o byteOrder) u64(b []byte) uint64 {
	v := binary.LittleEndian.Uint64(b)
	if o == bigEndian {
		v = bits.ReverseBytes64(v)
	}
	return v
}

// A bufferPool keeps the buffers of closed streams for the next ones, so that
// a thousand small files do not cost a thousand buffers.
type bufferPool struct {
	size  int
	free  [][]byte
	ahead int // streams that read ahead now
}

func (p *bufferPool) get() []byte {
	if n := len(p.free); n > 0 {
		b := p.free[n-1]
		p.free = p.free[:n-1]
		return b
	}
	return make([]byte, p.size)
}

func (p *bufferPool) put(b []byte) { p.free = append(p.free, b) }
