package main

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// Messages are what is said beside the results: lines on standard error, those for
// the journal of systemd with the priority that it knows them by.
type messages struct {
	*slog.Logger
	complaints int
}

// newMessages says them on w, which is standard error or what stands for it.
func newMessages(w io.Writer, journal bool) *messages {
	return &messages{Logger: slog.New(&lineHandler{w: w, journal: journal})}
}

// complain says what could not be done.
func (m *messages) complain(err error) {
	m.complaints++
	m.Error(err.Error())
}

// tell says what became of an interface or a connection.
func (m *messages) tell(s string) { m.Warn(s) }

// A lineHandler writes a record as a line, or as the lines of its message. A
// record has nothing beside its message and level, of which those for information
// are for the journal only: it is read by who did not see the command.
type lineHandler struct {
	mu      sync.Mutex
	w       io.Writer
	journal bool
}

func (h *lineHandler) Enabled(_ context.Context, level slog.Level) bool {
	return h.journal || level >= slog.LevelWarn
}

func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	text := "wssniff: " + r.Message
	if h.journal { // which has the name already
		text = priority(r.Level) + strings.ReplaceAll(r.Message, "\n", "\n"+priority(r.Level))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.w, text+"\n")
	return err
}

func (h *lineHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h *lineHandler) WithGroup(string) slog.Handler      { return h }

// priority is how a line for the journal begins, sd-daemon(3).
func priority(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return "<3>"
	case level >= slog.LevelWarn:
		return "<4>"
	}
	return "<6>"
}
