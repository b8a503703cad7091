package capture

import (
	"hash/maphash"
	"io"
	"os"
)

// A growing is a file that somebody else is still writing. At its end it is idle.
type growing struct {
	file  *os.File
	print print // of what was read
	read  int64
	last  bool // nothing more will come: the end is the end

	truncated bool // somebody has begun to write the file anew
}

// Read is Read of the file. Once it was truncated, that is the end: what is read
// then is of another capture.
func (g *growing) Read(p []byte) (int, error) {
	n, err := g.file.Read(p)
	switch {
	case err != nil && err != io.EOF:
		return n, err
	case g.anew(n):
		g.truncated = true
		return 0, io.EOF
	}
	g.read += int64(n)
	if err == io.EOF && !g.last {
		err = ErrIdle
	}
	return n, err
}

// anew reports whether n bytes that were read are of another content than those
// before. It has to be asked after reading: who writes anew begins at the
// beginning.
func (g *growing) anew(n int) bool {
	if n == 0 {
		st, err := g.file.Stat()
		return err == nil && st.Size() < g.read
	}
	var start [printBytes]byte
	n, err := g.file.ReadAt(start[:], 0)
	if err != nil && err != io.EOF {
		return false // the next Read will tell
	}
	if !g.print.of(start[:n]) {
		return true
	}
	g.print = printOf(start[:n])
	return false
}

// A print tells captures apart by how they begin. The zero value is of all.
type print struct {
	len int
	sum uint64
}

// Of a capture printBytes are looked at, but not its first printSkip, which a
// writer of pcapng may change when it knows how long the section is.
const (
	printSkip  = 24
	printBytes = 4 << 10
)

var printSeed = maphash.MakeSeed()

// printOf is the print of a capture that begins so.
func printOf(start []byte) print {
	start = start[:min(len(start), printBytes)]
	return print{len(start), maphash.Bytes(printSeed, start[min(len(start), printSkip):])}
}

// of reports whether what begins so is that capture, perhaps grown.
func (p print) of(start []byte) bool {
	return p.len == 0 || len(start) >= p.len && printOf(start[:p.len]) == p
}
