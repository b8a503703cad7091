package main

import (
	"io"
	"os"
	"path/filepath"
)

// An outputFile is the file that -o names.
type outputFile struct {
	f *os.File
}

func (o *outputFile) Write(b []byte) (int, error) { return o.f.Write(b) }
func (o *outputFile) Close() error                { return o.f.Close() }

// reopen goes on in the file that has the name now, which somebody may have given to
// another one, and makes it if there is none. If it cannot, it goes on in the old one.
func (o *outputFile) reopen() error {
	f, err := os.OpenFile(o.f.Name(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	old := o.f
	o.f = f
	return old.Close()
}

// create opens the file that -o names; without, or if it is open, it is what is
// given. To be called at the end: done.
func (o *options) create(given io.Writer) (out io.Writer, done func() error, err error) {
	if _, open := given.(*outputFile); open || o.output == "" || o.output == "-" {
		return given, func() error { return nil }, nil
	}
	f, err := os.Create(o.output)
	if err != nil {
		return nil, nil, err
	}
	file := &outputFile{f}
	return file, file.Close, nil
}

// createEarly is create for a run that may not open it later, or prints as it goes on.
func (o *options) createEarly(given io.Writer) (out io.Writer, done func() error, err error) {
	if o.live.iface == "" && !o.tells() {
		return given, func() error { return nil }, nil
	}
	return o.create(given)
}

// outputDir is where the file lies that -o names, "" if it names none.
func (o *options) outputDir() string {
	if o.output == "" || o.output == "-" {
		return ""
	}
	return filepath.Dir(o.output)
}
