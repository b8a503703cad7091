package top

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/wssniff/wssniff/report"
)

var update = flag.Bool("update", false, "rewrite the golden screens")

// golden compares a screen with a file of testdata, in which ESC is written as ␛.
func golden(t *testing.T, name, got string) {
	t.Helper()
	got = strings.ReplaceAll(got, "\x1b", "␛") + "\n"
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// gateway is a model with a fleet on its board, some minutes after the start.
func gateway(width, height int) *model {
	b := newBoard(report.NewBriefs(nil), start)
	list := fleet()
	slices.SortStableFunc(list, func(x, y try) int { return int(x.after - y.after) })
	now := start
	for _, t := range list {
		now = start.Add(t.after)
		b.attempt(t.attempt(), now)
	}
	b.stats = Stats{Packets: 81_000, Bytes: 42_000_000}
	pictureOf(b, now)
	now = now.Add(time.Second)
	b.stats = Stats{Packets: 93_345, Bytes: 50_100_000, Conns: 1234, Memory: 48 << 20, Last: now.UnixNano()}
	return modelOf(b, now, width, height)
}

// modelOf is a model that shows a board as it is at a time.
func modelOf(b *board, now time.Time, width, height int) *model {
	m := &model{title: "eth0  tcp port 80", take: func(p *picture) { b.picture(p, now) }, ready: func() {}}
	m.Init()
	m.Update(tea.WindowSizeMsg{Width: width, Height: height})
	return m
}

// press types keys, each of which is one character or has a name.
func press(m *model, keys ...string) {
	codes := map[string]rune{
		"tab": tea.KeyTab, "esc": tea.KeyEscape, "enter": tea.KeyEnter, "up": tea.KeyUp, "down": tea.KeyDown, "backspace": tea.KeyBackspace,
		"pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "home": tea.KeyHome, "end": tea.KeyEnd,
	}
	for _, k := range keys {
		if code, ok := codes[k]; ok {
			m.Update(tea.KeyPressMsg{Code: code})
			continue
		}
		r := []rune(k)[0]
		m.Update(tea.KeyPressMsg{Code: r, Text: k})
	}
}

func TestScreens(t *testing.T) {
	for _, test := range []struct {
		name          string
		width, height int
		keys          []string
	}{
		{"base", 80, 24, nil},
		{"servers", 80, 24, []string{"tab"}},
		{"wide", 132, 40, nil},
		{"wider", 200, 50, []string{"tab"}},
		{"narrow", 60, 24, nil},
		{"short", 80, 12, nil},
		{"small", 40, 10, nil},
		{"tiny", 20, 4, nil},
		{"help", 80, 24, []string{"?"}},
		{"typing", 80, 24, []string{"/", "c", "l", "o", "u"}},
		{"filtered", 80, 24, []string{"/", "c", "l", "o", "u", "d", "enter", "f", "s"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := gateway(test.width, test.height)
			press(m, test.keys...)
			golden(t, test.name, m.View().Content)
		})
	}
	t.Run("color", func(t *testing.T) {
		m := gateway(80, 24)
		m.color = true
		golden(t, "color", m.View().Content)
	})
	t.Run("empty", func(t *testing.T) {
		golden(t, "empty", modelOf(newBoard(report.NewBriefs(nil), start), start.Add(time.Second), 80, 24).View().Content)
	})
}

// TestScreensFit draws at all sizes: as many lines as the terminal has, none wider.
func TestScreensFit(t *testing.T) {
	for _, keys := range [][]string{nil, {"tab"}, {"?"}, {"/", "x"}} {
		m := gateway(1, 1)
		press(m, keys...)
		for width := 1; width <= 240; width += 1 + width/10 {
			for height := 1; height <= 45; height++ {
				m.Update(tea.WindowSizeMsg{Width: width, Height: height})
				lines := m.lines()
				if !m.help && len(lines) != height {
					t.Fatalf("%q %dx%d: %d lines", keys, width, height, len(lines))
				}
				for _, line := range lines {
					if columns(line) > width {
						t.Fatalf("%q %dx%d: %d columns: %q", keys, width, height, columns(line), line)
					}
				}
			}
		}
	}
}
