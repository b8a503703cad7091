// Package tmux gives tests terminals of their own, in which programs run as they do
// for people.
package tmux

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A Terminal is a window of tmux that nobody sees.
type Terminal struct {
	t      *testing.T
	socket string
}

// New runs a script of the shell in a terminal of so many columns and lines, in the
// namespaces of the test. It is over with the test, which is skipped without tmux.
func New(t *testing.T, width, height int, script string) *Terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("needs the command tmux: apt-get install tmux")
	}
	dir, err := os.MkdirTemp("", "tmux") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	term := &Terminal{t, filepath.Join(dir, "s")}
	t.Cleanup(func() {
		term.run("kill-server")
		os.RemoveAll(dir)
	})
	term.do("-u", "-f", os.DevNull, "new-session", "-d", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height), script)
	return term
}

// Keys presses keys, by the names of tmux: one character each, Enter, C-c, Tab.
func (term *Terminal) Keys(keys ...string) {
	term.t.Helper()
	term.do(append([]string{"send-keys", "--"}, keys...)...)
}

// Resize makes the terminal larger or smaller.
func (term *Terminal) Resize(width, height int) {
	term.t.Helper()
	term.do("resize-window", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height))
}

// Screen returns what is on the terminal, without colours.
func (term *Terminal) Screen() string {
	term.t.Helper()
	return term.do("capture-pane", "-p")
}

// Colored returns it with the codes of colours, as SGR.
func (term *Terminal) Colored() string {
	term.t.Helper()
	return term.do("capture-pane", "-p", "-e")
}

// Wait waits until the terminal shows all these texts, and returns it.
func (term *Terminal) Wait(texts ...string) string {
	term.t.Helper()
	screen := ""
	for range 600 {
		screen = term.Screen()
		if has(screen, texts) {
			return screen
		}
		time.Sleep(50 * time.Millisecond)
	}
	term.t.Fatalf("no %q on the terminal:\n%s", texts, screen)
	return ""
}

func has(screen string, texts []string) bool {
	for _, text := range texts {
		if !strings.Contains(screen, text) {
			return false
		}
	}
	return true
}

func (term *Terminal) do(args ...string) string {
	term.t.Helper()
	out, err := term.run(args...)
	if err != nil {
		term.t.Fatalf("tmux %q: %v: %s", args, err, out)
	}
	return string(out)
}

func (term *Terminal) run(args ...string) ([]byte, error) {
	return exec.Command("tmux", append([]string{"-S", term.socket}, args...)...).CombinedOutput()
}
