package capture

import (
	"encoding/binary"
	"io"
	"math/bits"
	"time"
)

// A stream is one capture being read, whatever its format.
type stream struct {
	window
	name    string
	frames  int             // records read so far to which Wireshark gives a frame number
	max     int             // bytes of the largest packet accepted
	table   *interfaceTable // where the interfaces of this capture are entered
	tell    func([]byte)    // Config.Secrets
	pool    *bufferPool
	records walker   // nil: the format is not known yet
	opened  bool     // the file header was read
	again   bool     // it goes on with what another stream lost
	partial bool     // it is idle in the middle of a record; valid iff it is idle
	raw     *window  // what the bytes come from that the window reads; nil: its own source; belongs to ahead if there is one
	ahead   *ahead   // what reads ahead of the window; nil: the window itself does
	closers []func() // in the order of opening
}

// A walker goes through the records of one format.
type walker interface {
	// begin reads the file header. After ErrIdle it is called again.
	begin() error

	// next sets all of p but Num. It returns io.EOF at the end, or a *Damage;
	// after either it is not called again. After ErrIdle it is, and goes on where
	// it was.
	next(p *Packet) error

	// buffered is next for the usual case, a proper packet that the window
	// holds all of. If it is false it has done nothing, and next does it.
	buffered(p *Packet) bool
}

// Streams are made with what they have in common.
type streams struct {
	pool      bufferPool
	ifaces    interfaceTable
	maxPacket int
	secrets   func([]byte)
	wake      chan struct{} // gets something when something came for a stream that waits

	patience, listEvery time.Duration // see waiting.go
}

// stream returns a stream that reads src. Its buffers come from the pool and go
// back to it by close.
func (ss *streams) stream(name string, src io.Reader) *stream {
	t := &stream{name: name, max: ss.maxPacket, table: &ss.ifaces, tell: ss.secrets, pool: &ss.pool}
	t.window = window{src: src, buf: t.pool.get()}
	t.closers = append(t.closers, func() { t.pool.put(t.buf) })
	return t
}

// waiting returns a stream that reads src, which may keep its reader waiting, in
// a goroutine: the stream itself says ErrIdle then.
func (ss *streams) waiting(name string, src io.Reader) *stream {
	t := ss.stream(name, src)
	raw := t.window
	t.raw, t.ahead = &raw, readAhead(&raw, unknown, ss.wake)
	t.readFrom(t.ahead, nil)
	return t
}

// open looks at what the input begins with and reads its file header. After
// ErrIdle it is called again.
func (t *stream) open() error {
	if t.records == nil {
		if err := t.recognise(); err != nil {
			return err
		}
	}
	err := t.records.begin()
	t.opened = err == nil
	return err
}

// recognise tells the format by the first bytes, of what is decompressed if it is
// compressed.
func (t *stream) recognise() error {
	magic, err := t.magic()
	if err != nil {
		return err
	}
	if how := compressionOf(magic); how != plain && t.raw == nil {
		if err := t.unpack(how); err != nil {
			return err
		}
		if magic, err = t.magic(); err != nil {
			return err
		}
	}
	switch m := binary.LittleEndian.Uint32(magic); m {
	case blockSection:
		if t.records = (&pcapngWalker{stream: t}); t.tell != nil {
			t.tell(nil) // there may be some
		}
	default:
		t.records, err = newPcapWalker(t, m)
	}
	return err
}

// unpack puts a decompressor between the input and the window.
func (t *stream) unpack(how compression) error {
	raw := t.window
	t.raw = &raw
	if t.pool.ahead < maxAhead {
		t.pool.ahead++
		t.ahead = readAhead(&raw, how, nil)
		t.readFrom(t.ahead, func() { t.pool.ahead-- })
		return nil
	}
	z, release, err := newUnpacked(how, &raw)
	if err != nil {
		return unreadable(t.name, err)
	}
	t.window = window{src: unpacker{z}, buf: t.pool.get()}
	t.closers = append(t.closers, func() { t.pool.put(raw.buf) }, release)
	return nil
}

// readFrom lets the window read what comes from a goroutine. Its end is told to
// over.
func (t *stream) readFrom(a *ahead, over func()) {
	t.window = window{src: a, buf: t.pool.get()}
	t.closers = append(t.closers, func() {
		if over != nil {
			over()
		}
		if a.close() {
			t.pool.put(t.raw.buf)
		}
	})
}

// magic returns the 4 bytes that tell the format.
func (t *stream) magic() ([]byte, error) {
	magic := t.peek(4)
	switch {
	case magic != nil:
		return magic, nil
	case t.err == ErrIdle:
		return nil, ErrIdle
	case t.err != io.EOF:
		return nil, unreadable(t.name, t.err)
	case t.end() == 0:
		return nil, unreadable(t.name, errEmpty)
	}
	return nil, unreadable(t.name, errNotCapture)
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
