package measure

import "bytes"

// Lines hands what is written to it to Take, line by line. A line is valid until
// Take returns; what comes after the last newline is not handed over.
type Lines struct {
	Take  func(line []byte)
	begun []byte // the beginning of a line
}

// Write implements io.Writer and never fails.
func (l *Lines) Write(b []byte) (int, error) {
	n := len(b)
	for {
		rest, after, whole := bytes.Cut(b, []byte("\n"))
		l.begun = append(l.begun, rest...)
		if !whole {
			return n, nil
		}
		l.Take(l.begun)
		l.begun, b = l.begun[:0], after
	}
}
