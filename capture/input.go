package capture

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"
)

// stdinName stands for "-" in messages.
const stdinName = "standard input"

// unknownTime sorts an input before all packets: it is opened at once.
const unknownTime = math.MinInt64

var (
	errNoCaptures = errors.New("no capture files in this directory")
	errStdinTwice = errors.New("named twice, but can be read only once")
)

// An input is one of the files that a Source reads, or standard input, or a
// series.
type input struct {
	name   string
	path   string    // valid iff src and series are nil
	src    io.Reader // standard input
	series series    // a capture in several streams
	err    error     // why it cannot be read, told in its turn
	waits  bool      // more may come later: see waiting.go
	first  int64     // time of its first packet, or unknownTime
	order  int       // its place among all inputs

	stream *stream // nil: not open
	head   Packet  // read and not yet delivered, valid iff held; Num unset
	held   bool
	idle   bool      // nothing came when it was read last
	since  time.Time // when idle changed; zero: never
}

// A series is a capture that comes in several streams, one after the other. None
// of its methods waits.
type series interface {
	// next returns the next stream, not open yet; ErrIdle while there is none,
	// and io.EOF when there will be none.
	next() (*stream, error)

	// opened takes note that the file header of a stream was read.
	opened(*stream)

	// watch looks after a stream that is idle, and returns ErrIdle, or nil if it is
	// to be read again at once. A *Damage is to be told, and concerns another one.
	watch(*stream) error

	// lost takes note of the end of a stream, nil if there was none yet, and says
	// whether another one may follow. It sets err, unless that is to be told, to
	// io.EOF.
	lost(t *stream, err *error) bool
}

// time is when the input's next packet was captured, as far as is known.
func (in *input) time() int64 {
	switch {
	case in.held:
		return in.head.Time
	case in.idle:
		return unknownTime
	}
	return in.first
}

// expand turns the names that a user gave into inputs. A name that leads
// nowhere becomes an input with an error.
func expand(names []string, cfg *Config, ss *streams) []*input {
	var all []*input
	stdin := false
	for _, name := range names {
		switch {
		case name == "-" && stdin:
			all = append(all, &input{name: stdinName, err: errStdinTwice})
		case name == "-":
			all = append(all, &input{name: stdinName, src: cfg.Stdin, waits: IsPipe(cfg.Stdin)})
			stdin = true
		case IsRemote(name):
			all = append(all, &input{name: name, series: newRemote(name, cfg, ss), waits: true})
		case cfg.Follow:
			all = append(all, &input{name: name, series: newFollow(name, cfg, ss), waits: true})
		case isDir(name):
			all = append(all, directory(name)...)
		default:
			all = append(all, &input{name: name, path: name, waits: exists(os.Stat(name)) && !isRegular(name)})
		}
	}
	for i, in := range all {
		in.order, in.first = i, unknownTime
	}
	return all
}

// IsPipe tells a pipe, a terminal or the like, which may have nothing for a while,
// from a file and from what is no *os.File.
func IsPipe(src io.Reader) bool {
	f, ok := src.(*os.File)
	return ok && exists(f.Stat()) && !isFile(f.Stat())
}

func exists(_ fs.FileInfo, err error) bool { return err == nil }

func isFile(st fs.FileInfo, err error) bool { return err == nil && st.Mode().IsRegular() }

func isDir(name string) bool {
	st, err := os.Stat(name)
	return err == nil && st.IsDir()
}

// directory lists the captures in a directory, not those below it: what
// writes captures rotates them in one place, and a walk into everything below
// a mistaken "." would surprise more than it helps.
func directory(dir string) []*input {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return []*input{{name: dir, err: err}}
	}
	var all []*input
	probing := newProbing(DefaultMaxPacket)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if isCapture(path, probing) {
			all = append(all, &input{name: path, path: path})
		}
	}
	if len(all) == 0 {
		return []*input{{name: dir, err: errNoCaptures}}
	}
	return all
}

// isCapture tells if a file begins like a capture. One that cannot be read
// might be, and its error should be seen.
func isCapture(path string, probing *streams) bool {
	if !isRegular(path) { // to open a named pipe would wait for its writer
		return false
	}
	t, err := probing.file(path, path)
	if err == nil {
		err = t.open()
		t.close()
	}
	return !errors.Is(err, errNotCapture) && !errors.Is(err, errEmpty)
}

func isRegular(path string) bool { return isFile(os.Stat(path)) }

// filesOf returns the names of those inputs that are files, or nothing, and whether
// all are.
func filesOf(inputs []*input) (names []string, all bool) {
	all = true
	for _, in := range inputs {
		switch {
		case in.path != "" && isRegular(in.path):
			names = append(names, in.path)
		case in.err == nil && in.path == "": // standard input, a connection
			all = false
		case in.path != "":
			if _, err := os.Stat(in.path); err == nil { // a pipe
				all = false
			}
		}
	}
	return names, all
}

// size is the number of bytes an input has on disk, false if it is a stream.
func (in *input) size() (int64, bool) {
	if in.err != nil {
		return 0, true
	}
	if in.series != nil {
		return 0, false
	}
	if in.src != nil {
		f, ok := in.src.(interface{ Stat() (fs.FileInfo, error) })
		if !ok {
			return 0, false
		}
		st, err := f.Stat()
		return regularSize(st, err)
	}
	st, err := os.Stat(in.path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, true
	}
	return regularSize(st, err)
}

func regularSize(st fs.FileInfo, err error) (int64, bool) {
	if !isFile(st, err) {
		return 0, false
	}
	return st.Size(), true
}

// file returns a stream that reads a file.
func (ss *streams) file(name, path string) (*stream, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(name, err)
	}
	read := ss.stream
	if IsPipe(f) {
		read = ss.waiting
	}
	t := read(name, f)
	t.closers = append(t.closers, func() { f.Close() })
	return t, nil
}
