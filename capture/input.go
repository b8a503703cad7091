package capture

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
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
// connection.
type input struct {
	name   string
	path   string    // valid iff src and remote are nil
	src    io.Reader // standard input
	remote *remote
	err    error // why it cannot be read, told in its turn
	first  int64 // time of its first packet, or unknownTime
	order  int   // its place among all inputs

	stream *stream // nil: not open
	head   Packet  // read and not yet delivered, valid iff held; Num unset
	held   bool
}

// time is when the input's next packet was captured, as far as is known.
func (in *input) time() int64 {
	if in.held {
		return in.head.Time
	}
	return in.first
}

// expand turns the names that a user gave into inputs. A name that leads
// nowhere becomes an input with an error.
func expand(names []string, cfg *Config) []*input {
	var all []*input
	stdin := false
	for _, name := range names {
		switch {
		case name == "-" && stdin:
			all = append(all, &input{name: stdinName, err: errStdinTwice})
		case name == "-":
			all = append(all, &input{name: stdinName, src: stdinOf(cfg)})
			stdin = true
		case IsRemote(name):
			all = append(all, &input{name: name, remote: newRemote(name, cfg)})
		case isDir(name):
			all = append(all, directory(name)...)
		default:
			all = append(all, &input{name: name, path: name})
		}
	}
	for i, in := range all {
		in.order, in.first = i, unknownTime
	}
	return all
}

func stdinOf(cfg *Config) io.Reader {
	if cfg.Stdin == nil {
		return os.Stdin
	}
	return cfg.Stdin
}

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
	pool := newProbePool()
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if isCapture(path, pool) {
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
func isCapture(path string, pool *bufferPool) bool {
	if !isRegular(path) { // to open a named pipe would wait for its writer
		return false
	}
	t, err := openFile(path, path, pool, new(interfaceTable), DefaultMaxPacket)
	if t != nil {
		t.close()
	}
	return !errors.Is(err, errNotCapture) && !errors.Is(err, errEmpty)
}

func isRegular(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}

// size is the number of bytes an input has on disk, false if it is a stream.
func (in *input) size() (int64, bool) {
	if in.err != nil {
		return 0, true
	}
	if in.remote != nil {
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
	if err != nil || !st.Mode().IsRegular() {
		return 0, false
	}
	return st.Size(), true
}

// openFile opens a file and reads its header. The stream is nil iff the file
// could not be opened at all.
func openFile(name, path string, pool *bufferPool, ifaces *interfaceTable, maxPacket int) (*stream, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(name, err)
	}
	t := &stream{name: name, max: maxPacket, table: ifaces}
	t.closers = append(t.closers, func() { f.Close() })
	return t, t.open(f, pool)
}
