package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestSpeech speaks before, while and after a screen has the terminal.
func TestSpeech(t *testing.T) {
	var said strings.Builder
	var shown []string
	s := &speech{w: &said}
	fmt.Fprintln(s, "before")
	s.hold(func(line string) { shown = append(shown, line) })
	fmt.Fprintln(s, "while")
	if said.String() != "before\n" || len(shown) != 1 || shown[0] != "while" {
		t.Errorf("said %q, shown %q", said.String(), shown)
	}
	s.release()
	s.release()
	fmt.Fprintln(s, "after")
	if want := "before\nwhile\nafter\n"; said.String() != want {
		t.Errorf("said %q, want %q", said.String(), want)
	}
	if len(shown) != 1 {
		t.Errorf("shown %q", shown)
	}
}

// TestSpeechBounds says more than is held.
func TestSpeechBounds(t *testing.T) {
	var said strings.Builder
	s := &speech{w: &said}
	s.hold(func(string) {})
	line := strings.Repeat("x", 1023) + "\n"
	for range maxHeld/1024 + 7 {
		s.Write([]byte(line))
	}
	s.release()
	if want := strings.Repeat(line, maxHeld/1024) + "wssniff: and 7 more lines\n"; said.String() != want {
		t.Errorf("said %d bytes, want %d", said.Len(), len(want))
	}
}
