package top

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

func names(m *model) string {
	var list []string
	for _, p := range m.rows {
		list = append(list, p.name)
	}
	return strings.Join(list, " ")
}

func TestOrder(t *testing.T) {
	const failed = "192.0.2.31 192.0.2.44 192.0.2.61 10.128.200.113 2001:db8:17:4::a1f 192.0.2.7 192.0.2.62 192.0.2.60"
	for _, test := range []struct {
		keys []string
		want string
	}{
		{nil, failed},
		{[]string{"r"}, "192.0.2.62 192.0.2.60 192.0.2.7 2001:db8:17:4::a1f 10.128.200.113 192.0.2.61 192.0.2.44 192.0.2.31"},
		{[]string{"s"}, "192.0.2.7 192.0.2.31 192.0.2.62 192.0.2.60 192.0.2.44 192.0.2.61 10.128.200.113 2001:db8:17:4::a1f"},
		{[]string{"s", "s"}, "192.0.2.31 10.128.200.113 192.0.2.61 192.0.2.44 192.0.2.7 192.0.2.62 2001:db8:17:4::a1f 192.0.2.60"},
		{[]string{"s", "s", "s"}, "10.128.200.113 192.0.2.7 192.0.2.31 192.0.2.44 192.0.2.60 192.0.2.61 192.0.2.62 2001:db8:17:4::a1f"},
		{[]string{"s", "s", "s", "s"}, failed},
		{[]string{"f"}, "192.0.2.31 192.0.2.44 192.0.2.61 10.128.200.113 2001:db8:17:4::a1f 192.0.2.7"},
		{[]string{"f", "f"}, failed},
		{[]string{"tab"}, "203.0.113.9:80 198.51.100.20:8080 [2001:db8::443]:443"},
		{[]string{"tab", "tab"}, failed},
		{[]string{"/", "1", "0", "."}, "10.128.200.113"},
		{[]string{"/", "C", "L", "O", "U", "D", "enter"}, "192.0.2.61 192.0.2.7 192.0.2.62"},
		{[]string{"/", "x", "esc"}, failed},
		{[]string{"/", "x", "enter", "esc"}, failed},
		{[]string{"/", "6", "x", "backspace", "1"}, "192.0.2.61"},
		{[]string{"/", "nothing"}, ""},
		{[]string{"/", "q", "enter"}, ""}, // q is a letter here
	} {
		m := gateway(80, 24)
		press(m, test.keys...)
		if got := names(m); got != test.want {
			t.Errorf("%q: %s, want %s", test.keys, got, test.want)
		}
	}
}

func TestScroll(t *testing.T) {
	for _, test := range []struct {
		keys []string
		want int // of 8 rows, with 4 on the screen
	}{
		{nil, 0},
		{[]string{"up"}, 0},
		{[]string{"down"}, 1},
		{[]string{"down", "down", "up"}, 1},
		{[]string{"pgdown"}, 4},
		{[]string{"pgdown", "pgdown", "down"}, 4},
		{[]string{"pgdown", "pgup"}, 0},
		{[]string{"end"}, 4},
		{[]string{"end", "home"}, 0},
		{[]string{"end", "tab"}, 0},
		{[]string{"end", "/", "6"}, 0},
	} {
		m := gateway(40, 10)
		press(m, test.keys...)
		if m.from != test.want {
			t.Errorf("%q: from %d, want %d", test.keys, m.from, test.want)
		}
	}
	m := gateway(40, 10)
	press(m, "end")
	if m.Update(tea.WindowSizeMsg{Width: 40, Height: 40}); m.from != 0 {
		t.Errorf("from %d although all rows have room", m.from)
	}
}

// TestPause looks at the board while the screen stands still.
func TestPause(t *testing.T) {
	b := emptyBoard()
	now := start
	m := &model{take: func(p *picture) { b.picture(p, now) }, ready: func() {}}
	m.Init()
	m.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	press(m, "p")
	b.attempt(fleet()[0].attempt(), start)
	now = now.Add(5 * time.Second)
	if _, next := m.Update(tickMsg{}); next == nil {
		t.Error("no next look")
	}
	if len(m.rows) != 0 || m.pic.ran != 0 || !strings.Contains(m.View().Content, "paused") {
		t.Errorf("it does not stand still:\n%s", m.View().Content)
	}
	press(m, "p")
	if len(m.rows) != 1 || m.pic.ran != 5*time.Second || strings.Contains(m.View().Content, "paused") {
		t.Errorf("it does not go on:\n%s", m.View().Content)
	}
}

func TestQuit(t *testing.T) {
	key := func(m *model, k tea.KeyPressMsg) bool {
		_, cmd := m.Update(k)
		if cmd == nil {
			return false
		}
		_, quits := cmd().(tea.QuitMsg)
		return quits
	}
	q, ctrlC := tea.KeyPressMsg{Code: 'q', Text: "q"}, tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}
	for _, keys := range [][]string{nil, {"?"}, {"p"}, {"tab"}} {
		for _, k := range []tea.KeyPressMsg{q, ctrlC} {
			m := gateway(80, 24)
			if press(m, keys...); !key(m, k) {
				t.Errorf("%s after %q does not leave", k, keys)
			}
		}
	}
	m := gateway(80, 24)
	if press(m, "/"); key(m, q) || !key(m, ctrlC) {
		t.Error("in a filter q is a letter, and Ctrl-C leaves")
	}
}

// TestFilterText types and pastes what no address has.
func TestFilterText(t *testing.T) {
	m := gateway(80, 24)
	m.Update(tea.PasteMsg{Content: "ignored"})
	press(m, "/")
	m.Update(tea.PasteMsg{Content: "A\x1b[31m b\n" + strings.Repeat("ü", 100)})
	if !strings.HasPrefix(string(m.filter), "a[31mbüü") || len(m.filter) > maxFilter {
		t.Errorf("the filter is %q", m.filter)
	}
	if m.View().Cursor == nil {
		t.Error("no cursor while text is typed")
	}
	press(m, "enter")
	if m.View().Cursor != nil {
		t.Error("a cursor although nothing is typed")
	}
}

// TestSaid shows a message for a while.
func TestSaid(t *testing.T) {
	b := emptyBoard()
	b.say("eth0 is down; waiting for it", start)
	for after, want := range map[time.Duration]bool{0: true, saidFor - 1: true, saidFor: false} {
		if got := strings.Contains(modelOf(b, start.Add(after), 80, 24).View().Content, "is down"); got != want {
			t.Errorf("after %v: %v, want %v", after, got, want)
		}
	}
}
