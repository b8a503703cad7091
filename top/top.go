// Package top shows on a terminal what a capture brings while it goes on: rates,
// clients and servers with those that fail first, and the latest failures.
//
// Whoever reads the packets tells a Screen of attempts and counts, which puts
// them on a board: bounded, and never waiting for the terminal. Once a second the
// screen takes a picture of the board, of plain values, and draws it. Keys change
// what is drawn, never what is counted, but for the one that leaves.
//
// Text from the wire is masked and made safe by package report before it gets
// here.
package top

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/report"
)

// A Config says where and what to show.
type Config struct {
	In     io.Reader       // keys; nil: standard input, or the process's terminal if that is none
	Out    io.Writer       // the terminal
	Title  string          // what is captured, in a few words
	Color  bool            // else nothing but text
	Report *report.Options // how text is masked; nil: the defaults
	Leave  func()          // called when the terminal is as it was before, whoever wanted that; it must not call the Screen
}

// Stats are counts of a run so far.
type Stats struct {
	Packets int64 // delivered
	Bytes   int64 // of them
	Drops   int64 // packets that the capturing system lost; -1: it does not tell
	Conns   int   // TCP connections that are remembered now
	Memory  int64 // bytes in use
	Last    int64 // time of the last packet, in nanoseconds since 1970; 0: there was none
}

// A Screen is a terminal that shows what it is told of. Its methods may be called
// from any goroutine, and of a nil Screen.
type Screen struct {
	program *tea.Program
	leave   func()
	due     atomic.Bool
	over    chan struct{} // closed when the terminal is as it was before, and leave was called
	err     error         // valid once over is closed

	mu    sync.Mutex
	board *board
}

// frames is how often a second the terminal is written to at most.
const frames = 20

// Start takes the terminal over until a key or Close says otherwise, or ctx is
// done. When it returns, all is set up: what it needs no more may be forbidden.
func Start(ctx context.Context, cfg *Config) (*Screen, error) {
	s := &Screen{leave: cfg.Leave, over: make(chan struct{}), board: newBoard(report.NewBriefs(cfg.Report), time.Now())}
	ready := make(chan struct{})
	m := &model{title: printable(cfg.Title), color: cfg.Color, take: s.take, ready: func() { close(ready) }}
	options := []tea.ProgramOption{
		tea.WithOutput(cfg.Out), tea.WithFPS(frames), tea.WithoutSignalHandler(), tea.WithColorProfile(profile(cfg.Color)),
	}
	if cfg.In != nil {
		options = append(options, tea.WithInput(cfg.In))
	}
	s.program = tea.NewProgram(m, options...)
	go s.run()
	select {
	case <-ready:
	case <-s.over:
		return nil, s.err
	}
	context.AfterFunc(ctx, s.program.Quit)
	return s, nil
}

// profile is said, because to find it out the library would run programs.
func profile(color bool) colorprofile.Profile {
	if color {
		return colorprofile.ANSI
	}
	return colorprofile.ASCII
}

func (s *Screen) run() {
	defer close(s.over)
	_, s.err = s.program.Run()
	if s.leave != nil {
		s.leave()
	}
}

// Attempt tells of an attempt that is decided. Nothing of it is kept.
func (s *Screen) Attempt(a *analyze.Attempt) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.board.attempt(a, time.Now())
}

// Ended tells how an attempt ended that was told of before, while its connection was
// open. Nothing of it is kept.
func (s *Screen) Ended(a *analyze.Attempt, before analyze.Standing) {
	was := before.Verdict(a.Verdict)
	if s == nil || was == a.Verdict {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.board.changed(a, was)
}

// Stats tells of the run. It costs little enough to be called for each packet: then
// the screen is up to date also while the next one is waited for.
func (s *Screen) Stats(st Stats) {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.board.stats = st
	s.mu.Unlock()
}

// Due reports, about once a second, whether to find out anew what costs more to
// know.
func (s *Screen) Due() bool { return s != nil && s.due.Load() && s.due.Swap(false) }

// Say shows a line, the last of which stays for a while.
func (s *Screen) Say(line string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.board.say(printable(line), time.Now())
}

// End tells that no more packets come. What is told of afterwards counts in the
// totals only: it was not decided just now.
func (s *Screen) End() {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.board.end(time.Now())
	s.mu.Unlock()
	s.program.Send(lookMsg{})
}

// Wait waits until somebody leaves.
func (s *Screen) Wait() {
	if s != nil {
		s.program.Send(lookMsg{})
		<-s.over
	}
}

// Close gives the terminal back. It returns why that went wrong, or the screen
// before.
func (s *Screen) Close() error {
	if s == nil {
		return nil
	}
	s.program.Quit()
	<-s.over
	return s.err
}

// take takes a picture of the board.
func (s *Screen) take(p *picture) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.board.picture(p, time.Now())
	s.due.Store(true)
}
