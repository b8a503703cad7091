package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/wssniff/wssniff/capture"
)

// checkTargets refuses to write to a file that is read, and to write two things to
// one.
func (o *options) checkTargets(src source, stdin io.Reader) error {
	if o.keeping.file != "" && o.output != "" && isSame(o.keeping.file, o.output) {
		return fmt.Errorf("--output and --write are both %s: choose another name for one of them", o.output)
	}
	read := slices.Concat(o.inputs, o.keys.logs, o.keys.private)
	for _, f := range o.keys.open { // the one that the environment names, too
		read = append(read, f.Name())
	}
	if in, ok := src.(*capture.Source); ok {
		files, _ := in.Files()
		read = append(read, files...)
	}
	for _, to := range [...]struct{ flag, name string }{{"--output", o.output}, {"--write", o.keeping.file}} {
		name, ok := replaced(to.name, read, stdin)
		if ok {
			return fmt.Errorf("%s is read and cannot be written: choose another name for %s", name, to.flag)
		}
	}
	return nil
}

// replaced returns which of the files that are read would be replaced by one of a
// name.
func replaced(name string, read []string, stdin io.Reader) (which string, is bool) {
	to, err := os.Stat(name)
	if err != nil || name == "-" || !to.Mode().IsRegular() {
		return "", false
	}
	for _, name := range read {
		if st, err := os.Stat(name); err == nil && os.SameFile(st, to) {
			return name, true
		}
	}
	if f, ok := stdin.(*os.File); ok {
		if st, err := f.Stat(); err == nil && os.SameFile(st, to) {
			return name, true
		}
	}
	return "", false
}

// isSame reports whether two names are those of one file, there or not.
func isSame(a, b string) bool {
	x, err := os.Stat(a)
	y, err2 := os.Stat(b)
	if err == nil && err2 == nil {
		return x.Mode().IsRegular() && os.SameFile(x, y)
	}
	a, err = filepath.Abs(a)
	b, err2 = filepath.Abs(b)
	return err == nil && err2 == nil && a == b
}
