package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// maxFollowed is how many files of a directory or pattern are looked at, and how
// many of those that were read are remembered.
const maxFollowed = 1 << 16

// A follow is a capture that is being written: a file, and whatever takes its
// place; or the files of a directory or a pattern, one after the other.
type follow struct {
	*streams
	name string
	ctx  context.Context
	tell func(string)
	said bool // that there is nothing yet

	several  bool                  // name stands for a directory or a pattern
	found    map[string]*candidate // by path
	looked   time.Time             // when those were looked for
	crowded  bool                  // there were more
	probing  *streams
	damage   []error // to be told
	hopeless bool    // nothing can be read

	read    []*followed // the last of them is being read, or was read last
	file    *growing    // is being read; nil: none is, or it is compressed
	noticed time.Time   // when there was a next one; zero: there is none
}

// A followed is a file that was read, or is being read.
type followed struct {
	first int64 // candidate.first
	print print
	size  int64 // bytes that were read
	left  bool  // size is not to change any more
}

func newFollow(name string, cfg *Config, ss *streams) *follow {
	return &follow{streams: ss, name: name, ctx: cfg.Context, tell: cfg.Tell, probing: newProbing(cfg.MaxPacket)}
}

func (f *follow) next() (*stream, error) {
	f.look()
	if err := f.toTell(); err != nil {
		return nil, err
	}
	for c := f.successor(); c != nil; c = f.successor() {
		// Meanwhile one may have been read that it is a copy of.
		c = f.probe(c.path)
		f.found[c.path] = c
		if c == f.successor() {
			return f.open(c)
		}
	}
	if f.ctx.Err() != nil {
		return nil, f.none()
	}
	f.say()
	return nil, ErrIdle
}

// open returns a stream that reads a file.
func (f *follow) open(c *candidate) (*stream, error) {
	file, err := os.Open(c.path)
	if err != nil {
		return nil, ErrIdle // it has just gone
	}
	c.read = &followed{first: c.first, print: c.print}
	if len(f.read) == maxFollowed {
		f.read = append(f.read[:0], f.read[1:]...)
	}
	f.read = append(f.read, c.read)
	f.noticed = time.Time{}
	var src io.Reader = file
	if f.file = nil; !c.packed {
		f.file = &growing{file: file, print: c.print}
		src = f.file
	}
	t := f.stream(c.path, src)
	t.closers = append(t.closers, func() { file.Close() })
	return t, nil
}

func (f *follow) opened(*stream) {}

// watch lets the file that is read end when there is a next one. The rest of a
// record may still come for a while.
func (f *follow) watch(t *stream) error {
	f.look()
	if err := f.toTell(); err != nil {
		return err
	}
	switch {
	case f.successor() == nil:
		f.noticed = time.Time{}
		return ErrIdle
	case f.noticed.IsZero():
		f.noticed = time.Now()
	}
	if t.partial && time.Since(f.noticed) < f.patience {
		return ErrIdle
	}
	f.file.last = true
	return nil
}

func (f *follow) lost(t *stream, err *error) bool {
	if t == nil {
		return !f.hopeless && f.ctx.Err() == nil
	}
	if f.file != nil {
		r := f.read[len(f.read)-1]
		r.size = f.file.read
		if f.file.truncated {
			f.tell(printable(t.name) + " was truncated; reading it from its beginning")
			*err = io.EOF
		}
		r.left = *err == io.EOF // what is damaged is left for that reason
		f.file = nil
	}
	return true
}

// none is why there is no file at the end: io.EOF if there was one.
func (f *follow) none() error {
	switch {
	case len(f.read) > 0:
		return io.EOF
	case f.several:
		return unreadable(f.name, errNoCaptures)
	case f.found[f.name] != nil:
		return unreadable(f.name, errEmpty)
	}
	_, err := os.Stat(f.name)
	return unreadable(f.name, cmp.Or(err, io.EOF))
}

// say tells once what is waited for at the beginning.
func (f *follow) say() {
	if f.said || len(f.read) > 0 {
		return
	}
	f.said = true
	c, what := f.found[f.name], "is not there yet; waiting for it"
	switch {
	case f.several:
		what = "has no capture with packets yet; waiting for one"
	case c != nil && c.packed:
		what = "is compressed; waiting until nobody writes to it any more"
	case c != nil:
		what = "has no packets yet; waiting for them"
	}
	f.tell(printable(f.name) + " " + what)
}

// toTell returns what is to be told of the files that were found.
func (f *follow) toTell() (err error) {
	if len(f.damage) > 0 {
		err, f.damage = f.damage[0], f.damage[1:]
	}
	return err
}

// tellDamage has something told of a file.
func (f *follow) tellDamage(path, format string, args ...any) {
	f.damage = append(f.damage, &Damage{Name: path, What: fmt.Sprintf(format, args...)})
}

// look looks now and then which files are there.
func (f *follow) look() {
	every := idleTick
	if f.several {
		every = f.listEvery
	}
	if time.Since(f.looked) < every && f.ctx.Err() == nil {
		return
	}
	f.looked = time.Now()
	found := map[string]*candidate{}
	for _, path := range f.paths() {
		if c := f.candidate(path); c != nil {
			found[path] = c
		}
	}
	for _, path := range slices.Sorted(maps.Keys(f.found)) {
		if c := f.found[path]; c.read == nil && c.state == ready && !c.remains(found) {
			f.tellDamage(path, "is gone before it was read")
		}
	}
	f.found = found
}

// paths are what the name stands for.
func (f *follow) paths() []string {
	st, err := os.Stat(f.name)
	isDir := err == nil && st.IsDir()
	f.several = isDir || err != nil && strings.ContainsAny(f.name, "*?[")
	var all []string
	switch {
	case isDir:
		all, err = entries(f.name)
	case f.several:
		all, err = filepath.Glob(f.name)
	default:
		return []string{f.name}
	}
	if err != nil && len(f.read) == 0 && !f.hopeless {
		f.hopeless = true
		f.damage = append(f.damage, unreadable(f.name, err))
	}
	if len(all) > maxFollowed {
		all = all[:maxFollowed]
		if !f.crowded {
			f.tellDamage(f.name, "more than %d files; the others are not read", maxFollowed)
		}
		f.crowded = true
	}
	return all
}

func entries(dir string) (paths []string, err error) {
	list, err := os.ReadDir(dir)
	for _, e := range list {
		paths = append(paths, filepath.Join(dir, e.Name()))
	}
	return paths, err
}

// successor is the file to be read next, nil if there is none.
func (f *follow) successor() *candidate {
	// At the end a file without packets is better than none.
	least := ready
	if f.ctx.Err() != nil && len(f.read) == 0 {
		least = begun
	}
	var next *candidate
	for _, c := range f.found {
		if c.read == nil && c.state >= least && (next == nil || c.before(next)) {
			next = c
		}
	}
	return next
}

// candidate looks at a file, unless it has not changed. It is nil if there is
// none.
func (f *follow) candidate(path string) *candidate {
	stat := os.Stat
	if f.several {
		stat = os.Lstat // a link leads to a file that is there besides
	}
	st, err := stat(path)
	if err != nil || f.several && !st.Mode().IsRegular() {
		return nil
	}
	old := f.found[path]
	if old != nil && old.isStill(st) {
		return old
	}
	c := f.probe(path)
	switch r := c.read; {
	case c.err != nil && (old == nil || old.err == nil):
		f.damage = append(f.damage, c.err)
		f.hopeless = !f.several && len(f.read) == 0
	case r != nil && r.left && !c.packed && c.size > r.size:
		f.tellDamage(path, "%d bytes were not read: they came when another file had begun", c.size-r.size)
		r.left = false
	}
	return c
}

// probe looks at a file.
func (f *follow) probe(path string) *candidate {
	c := &candidate{path: path}
	start, err := c.probe(f.probing, f.patience)
	// In a directory there may be other files.
	if err != ErrIdle && !(f.several && (errors.Is(err, errNotCapture) || errors.Is(err, errEmpty))) {
		c.err = err
	}
	for _, r := range f.read {
		if c.state == ready && r.first == c.first && r.print.of(start) {
			c.read = r
		}
	}
	return c
}
