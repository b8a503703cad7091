package capture

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

// A candidate is a file that may be one to be followed.
type candidate struct {
	path   string
	size   int64
	mtime  time.Time
	packed bool
	state  candidacy
	first  int64 // time of its first packet; valid iff ready
	time   int64 // the same, or when the file was changed if the packet has none
	print  print
	read   *followed // as what it was read; nil: it was not
	err    error     // why it cannot be read
}

// A candidacy is how far somebody has come who writes a file.
type candidacy uint8

const (
	nothing candidacy = iota // that could be read
	begun                    // the file header
	ready                    // a packet
)

var errSpecial = errors.New("not a file, which alone can be followed")

// probe looks at the file. It returns the bytes by which it begins, decompressed;
// and ErrIdle if it is too early to say more.
func (c *candidate) probe(probing *streams, patience time.Duration) (start []byte, err error) {
	if !isRegular(c.path) && exists(os.Stat(c.path)) {
		return nil, unreadable(c.path, errSpecial) // to open a named pipe would wait for its writer
	}
	file, err := os.Open(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrIdle
	}
	if err != nil {
		return nil, unreadable(c.path, err)
	}
	defer file.Close()
	if err := c.stat(file); err != nil {
		return nil, err
	}
	if c.packed && time.Since(c.mtime) < patience {
		return nil, ErrIdle // it may not be whole
	}
	var src io.Reader = &growing{file: file}
	if c.packed {
		src = file
	}
	t := probing.stream(c.path, src)
	defer t.close()
	probing.ifaces = interfaceTable{}
	return c.begin(t)
}

// stat looks at the file from outside.
func (c *candidate) stat(file *os.File) error {
	st, err := file.Stat()
	if err != nil {
		return unreadable(c.path, err)
	}
	c.size, c.mtime = st.Size(), st.ModTime()
	var magic [4]byte
	if n, _ := file.ReadAt(magic[:], 0); n == len(magic) {
		c.packed = compressionOf(magic[:]) != plain
	}
	return nil
}

// begin reads what the file begins with.
func (c *candidate) begin(t *stream) (start []byte, err error) {
	if err := t.recognise(); err != nil {
		return nil, err
	}
	t.peek(printBytes) // or as many as there are
	start = bytes.Clone(t.buf[t.r:t.w])
	c.print = printOf(start)
	if err := t.open(); err != nil {
		return start, err
	}
	c.state = begun
	var p Packet
	switch err := t.records.next(&p); {
	case err == ErrIdle, err == io.EOF:
		return start, ErrIdle
	case err != nil: // is told when it is read
		p.Time = 0
	}
	c.state, c.first = ready, p.Time
	if c.time = p.Time; c.time == 0 {
		c.time = c.mtime.UnixNano()
	}
	return start, nil
}

// isStill reports whether a look at the file would tell nothing new.
func (c *candidate) isStill(st fs.FileInfo) bool {
	return c.err == nil && !(c.packed && c.state == nothing) && c.size == st.Size() && c.mtime.Equal(st.ModTime())
}

// remains reports whether the file is among those found, by whatever name, or may
// be in one that is being compressed.
func (c *candidate) remains(found map[string]*candidate) bool {
	for _, other := range found {
		if other.state == ready && other.first == c.first || other.state == nothing && other.packed {
			return true
		}
	}
	return false
}

func (c *candidate) before(other *candidate) bool {
	return cmp.Or(cmp.Compare(c.time, other.time), strings.Compare(c.path, other.path)) < 0
}
