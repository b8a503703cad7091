package capture

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
)

var (
	errNotCapture = errors.New("not a capture file (pcap or pcapng)")
	errEmpty      = errors.New("empty file")
)

// Damage tells that an input cannot be read, or not to its end. The packets
// before the damage have been delivered.
type Damage struct {
	Name   string // of the input, as it was named to Open; "standard input" for "-"
	Packet int    // 1-based number within that input of the packet that could not be read; 0: the input could not be opened or is no capture
	Offset int64  // of the damaged record, in bytes from the start of the decompressed input; valid iff Packet > 0
	What   string // one line, without bytes from the input that could upset a terminal
	Err    error  // the cause, if some other package gave one; else nil
}

// Error returns "NAME: packet N, byte B: WHAT", or "NAME: WHAT" where no
// packet could be looked for.
func (d *Damage) Error() string {
	if d.Packet == 0 {
		return printable(d.Name) + ": " + d.What
	}
	return fmt.Sprintf("%s: packet %d, byte %d: %s", printable(d.Name), d.Packet, d.Offset, d.What)
}

// Unwrap returns Err.
func (d *Damage) Unwrap() error { return d.Err }

// unreadable is the Damage of an input of which nothing can be read.
func unreadable(name string, err error) *Damage {
	return &Damage{Name: name, What: reason(err), Err: err}
}

// reason is the text of err without the path, which the Damage names itself.
func reason(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	return printable(err.Error())
}

// printable quotes s if it has characters that do not belong on a terminal.
// A file may be named with them, and a library's error may quote its input.
func printable(s string) string {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// damage reports the record that starts at position start.
func (t *stream) damage(start int64, format string, args ...any) error {
	return &Damage{Name: t.name, Packet: t.frames + 1, Offset: start, What: fmt.Sprintf(format, args...)}
}

// cut reports that the stream ended or failed in the record that starts at
// position start: what takes need bytes. It is io.EOF if the stream ended
// before the first byte of it, the proper end of a capture, and ErrIdle if the
// rest may still come.
func (t *stream) cut(start int64, what string, need int64) error {
	left := t.end() - start
	switch {
	case t.err == ErrIdle:
		t.partial = left > 0
		return ErrIdle
	case t.err != io.EOF:
		return &Damage{Name: t.name, Packet: t.frames + 1, Offset: start, What: reason(t.err), Err: t.err}
	case left == 0:
		return io.EOF
	}
	return t.damage(start, "file cut short: %s needs %d bytes, %s left", what, need, areLeft(left))
}

func areLeft(n int64) string {
	if n == 1 {
		return "1 is"
	}
	return strconv.FormatInt(n, 10) + " are"
}
