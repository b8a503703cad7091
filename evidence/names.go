package evidence

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// names are those of the files of one Writer, in its directory.
type names struct {
	base string // as given
	stem string // without the extension
	ext  string // with that of the compression
	many bool   // there are several files, with times in their names

	second string // in the name that was made last
	number int    // the same
}

// namesOf takes a name apart.
func namesOf(base string) names {
	rest := base
	for _, packed := range []string{".zst", ".gz", ".lz4"} {
		rest = strings.TrimSuffix(rest, packed)
	}
	stem := strings.TrimSuffix(rest, filepath.Ext(rest))
	if stem == "" { // .pcapng is all of a name
		stem = rest
	}
	return names{base: base, stem: stem, ext: base[len(stem):]}
}

// part is the name of the file that is being written.
func (n *names) part() string { return n.base + ".part" }

// timeForm is how a time stands in a name: in the order of time by the order of
// letters.
const timeForm = "20060102T150405Z"

// maxOfSecond is how many files begin in one second at most.
const maxOfSecond = 9999

// settle gives the file that was written its name, at once and whole: with a time
// in nanoseconds in it, if there are many. No file is overwritten then, as none that
// is there can be linked to; where there are no links, none is expected to come up
// in the same moment.
func (n *names) settle(dir *os.Root, at int64) error {
	if !n.many {
		return dir.Rename(n.part(), n.base)
	}
	if n.linked(dir) {
		return dir.Remove(n.part())
	}
	if second := time.Unix(0, at).UTC().Format(timeForm); second != n.second {
		n.second, n.number = second, 0
	}
	for n.number < maxOfSecond {
		n.number++ // not that of a file that was removed: names tell the order
		name := fmt.Sprintf("%s-%s-%04d%s", n.stem, n.second, n.number, n.ext)
		err := dir.Link(n.part(), name)
		switch {
		case err == nil:
			return dir.Remove(n.part())
		case errors.Is(err, fs.ErrExist):
			continue
		}
		if _, err := dir.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return dir.Rename(n.part(), name)
		}
	}
	return fmt.Errorf("more than %d files of one second", maxOfSecond)
}

// linked reports whether the file that was written has its name, too: a run was
// killed in between.
func (n *names) linked(dir *os.Root) bool {
	part, err := dir.Lstat(n.part())
	return err == nil && slices.ContainsFunc(n.settled(dir), func(info fs.FileInfo) bool { return os.SameFile(part, info) })
}

// settled returns the files with times in their names, in the order in which they
// were written. Other files it does not know.
func (n *names) settled(dir *os.Root) (all []fs.FileInfo) {
	entries, err := fs.ReadDir(dir.FS(), ".")
	if err != nil {
		return nil
	}
	ours := regexp.MustCompile("^" + regexp.QuoteMeta(n.stem) + `-\d{8}T\d{6}Z-\d{4}` + regexp.QuoteMeta(n.ext) + "$")
	for _, e := range entries {
		if !ours.MatchString(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		if info, err := e.Info(); err == nil { // else it is gone
			all = append(all, info)
		}
	}
	slices.SortFunc(all, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), strings.Compare(a.Name(), b.Name()))
	})
	return all
}
