package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestREADME runs the sessions of the README and compares what they print.
func TestREADME(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	sessions := consoleSessions(string(readme))
	if len(sessions) == 0 {
		t.Fatal("no session in the README")
	}
	for _, s := range sessions {
		t.Run(s.command, func(t *testing.T) {
			args := strings.Fields(strings.TrimPrefix(s.command, "go run ./cmd/"))
			if args[0] != "wssniff" {
				t.Fatalf("a session of another program: %q", s.command)
			}
			var out, complaints bytes.Buffer
			if code := run(args[1:], strings.NewReader(""), &out, &complaints); code != exitOK {
				t.Errorf("exit code %d: %s", code, complaints.String())
			}
			if d := cmp.Diff(s.output, strings.TrimRight(out.String(), "\n")+"\n"); d != "" {
				t.Errorf("the README shows something else (-README +now):\n%s", d)
			}
		})
	}
}

type session struct{ command, output string }

// consoleSessions returns the fenced blocks of kind console: a line with the
// command behind a dollar sign, then what it prints.
func consoleSessions(text string) []session {
	var sessions []session
	for _, block := range strings.Split(text, "```console\n$ ")[1:] {
		block, _, _ = strings.Cut(block, "```")
		command, output, _ := strings.Cut(block, "\n")
		sessions = append(sessions, session{command, output})
	}
	return sessions
}
