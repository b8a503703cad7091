package main

import (
	"fmt"
	"io"
	"time"
)

// A progress tells on a terminal how far a long reading is. A nil progress says
// nothing.
type progress struct {
	w       io.Writer
	src     source
	started time.Time
	shown   time.Time
	packets int
}

const (
	progressFrom  = 64 << 20 // bytes of input from which on progress is shown
	progressEvery = 250 * time.Millisecond
	progressLook  = 1 << 14 // packets between looks at the clock
)

// newProgress returns nil where nobody watches or nothing takes long.
func newProgress(w io.Writer, src source) *progress {
	if size := src.Stats().Size; !isTerminal(w) || size >= 0 && size < progressFrom {
		return nil
	}
	return &progress{w: w, src: src, started: time.Now()}
}

// step counts a packet.
func (p *progress) step() {
	if p != nil {
		p.count()
	}
}

func (p *progress) count() {
	if p.packets++; p.packets%progressLook != 0 || time.Since(p.shown) < progressEvery {
		return
	}
	p.shown = time.Now()
	s := p.src.Stats()
	line := fmt.Sprintf("%d packets, %d MiB", s.Packets, s.Read>>20)
	if s.Size > 0 && s.Read > 0 {
		done := float64(s.Read) / float64(s.Size)
		left := time.Duration(float64(time.Since(p.started)) * (1 - done) / done)
		line += fmt.Sprintf(", %.0f %%, %v left", 100*done, left.Round(time.Second))
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", line)
}

// end takes the line away.
func (p *progress) end() {
	if p != nil && !p.shown.IsZero() {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
