package top

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wssniff/wssniff/internal/tmux"
)

// TestMain makes a program of the test that shows a fleet, for the tests in tmux.
func TestMain(m *testing.M) {
	if os.Getenv("TOP_DEMO") == "" {
		os.Exit(m.Run())
	}
	if err := demo(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// demo shows a fleet until somebody leaves, with a new failure each second.
func demo() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, err := Start(ctx, &Config{Out: os.Stdout, Title: "eth0  tcp port 80", Color: os.Getenv("NO_COLOR") == "", Leave: cancel})
	if err != nil {
		return err
	}
	defer fmt.Println("the report")
	defer s.Close()
	list := fleet()
	for _, t := range list {
		s.Attempt(t.attempt())
	}
	stats := Stats{Conns: 1234, Memory: 48 << 20, Last: start.Add(7 * time.Minute).UnixNano()}
	for ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
		stats.Packets += 123
		stats.Bytes += 81_000
		stats.Last += 1e7
		s.Stats(stats)
		if s.Due() {
			s.Attempt(list[0].attempt())
		}
	}
	return nil
}

func TestTerminal(t *testing.T) {
	before := t.TempDir() + "/tty"
	term := tmux.New(t, 80, 24, "stty -g >"+before+"; TOP_DEMO=1 "+os.Args[0]+"; echo exit $?; stty -g | cmp - "+before+" && echo same terminal; cat")
	screen := term.Wait("[Clients 8]", "192.0.2.31", "packets/s", "q quit")
	if n := strings.Count(screen, "\n"); n != 24 {
		t.Errorf("%d lines:\n%s", n, screen)
	}
	if !strings.Contains(term.Colored(), "\x1b[31m") {
		t.Errorf("no red in %q", term.Colored())
	}
	count := regexp.MustCompile(`192\.0\.2\.31 +(\d+)`)
	first := count.FindStringSubmatch(screen)[1]
	for range 100 { // it goes on by itself
		if now := count.FindStringSubmatch(term.Screen()); now != nil && now[1] != first {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if now := count.FindStringSubmatch(term.Screen())[1]; now == first {
		t.Errorf("still %s attempts", now)
	}
	term.Keys("Tab")
	term.Wait("[Servers 3]", "198.51.100.20:8080")
	term.Keys("/", "4", "4", "3")
	term.Wait("/443", "Enter keeps")
	term.Keys("Enter")
	if screen := term.Wait("[2001:db8::443]:443", "q quit"); strings.Contains(screen, "198.51.100.20") {
		t.Errorf("the filter does not choose:\n%s", screen)
	}
	term.Keys("Escape")
	term.Wait("198.51.100.20:8080")
	term.Keys("p")
	term.Wait("paused")
	term.Keys("?")
	term.Wait("Ctrl-C")
	term.Keys("x", "p", "Tab")
	term.Resize(40, 10)
	screen = term.Wait("[Clients 8]", "q quit", "▾failed")
	if n := strings.Count(screen, "\n"); n != 10 {
		t.Errorf("%d lines:\n%s", n, screen)
	}
	term.Resize(132, 40)
	term.Wait("last verdict", "Latest failures", "device-api.example.com")
	term.Keys("q")
	if screen := term.Wait("the report", "exit 0", "same terminal"); strings.Contains(screen, "Clients") {
		t.Errorf("the screen is still there:\n%s", screen)
	}
}

// TestTerminalInterrupt leaves by Ctrl-C, without colours.
func TestTerminalInterrupt(t *testing.T) {
	term := tmux.New(t, 80, 24, "NO_COLOR=1 TOP_DEMO=1 "+os.Args[0]+"; echo exit $?; cat")
	term.Wait("[Clients 8]", "192.0.2.31")
	if screen := term.Colored(); strings.Contains(screen, "\x1b[") {
		t.Errorf("colours: %q", screen)
	}
	term.Keys("C-c")
	term.Wait("the report", "exit 0")
}
