package main

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

// maxHeld bounds what is held of a speech, in bytes.
const maxHeld = 64 << 10

// A speech is what the command says on standard error. As long as a screen has
// the terminal it is shown there instead, and said afterwards.
type speech struct {
	w io.Writer

	mu     sync.Mutex
	show   func(line string) // nil: there is no screen
	held   bytes.Buffer
	unheld int // lines that there was no room for
}

// Write says a line.
func (s *speech) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.show == nil:
		return s.w.Write(line)
	case s.held.Len()+len(line) > maxHeld:
		s.unheld++
	default:
		s.held.Write(line)
	}
	s.show(string(bytes.TrimSuffix(line, []byte("\n"))))
	return len(line), nil
}

// hold has lines shown until release.
func (s *speech) hold(show func(line string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.show = show
}

// release says what was held.
func (s *speech) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.show = nil
	s.held.WriteTo(s.w)
	if s.unheld > 0 {
		fmt.Fprintf(s.w, "wssniff: and %d more lines\n", s.unheld)
		s.unheld = 0
	}
}
