package top

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/wssniff/wssniff/analyze"
)

// margin is left free at the left.
const margin = 1

// A layout says how many lines each part of the screen gets.
type layout struct {
	counts, rates, heading, header, rows, failures, footer int
	space, air                                             int // free lines, below the title and above the table
}

// layout shares out the lines: on a short screen the least important go first.
func (m *model) layout() layout {
	l := layout{}
	left := m.height - 1 // but for the title
	give := func(from, n int) int {
		if m.height < from {
			return 0
		}
		left -= n
		return n
	}
	l.footer, l.header = give(4, 1), give(3, 1)
	l.counts, l.heading, l.rates = give(7, 1), give(8, 1), give(9, 1)
	if m.height >= 16 {
		l.counts += give(0, 3)
	}
	l.air, l.space = give(20, 1), give(28, 1)
	if m.height >= 18 {
		left -= 2 // a free line, and the title of the failures
		l.rows = min(left*3/5, max(len(m.pic.clients), len(m.pic.servers), 3))
		l.failures = left - l.rows
		return l
	}
	l.rows = max(left, 0)
	return l
}

func (m *model) View() tea.View {
	v := tea.NewView(strings.Join(m.lines(), "\n"))
	v.AltScreen = true
	if m.typing && m.height > 1 {
		v.Cursor = tea.NewCursor(min(margin+1+columns(string(m.filter)), max(m.width-1, 0)), m.height-1)
	}
	return v
}

// lines are the whole screen.
func (m *model) lines() []string {
	if m.width < 1 || m.height < 1 {
		return nil
	}
	if m.help {
		return m.helpLines()
	}
	l := m.layout()
	screen := append(pad([]string{m.titleLine()}, l.space), m.countLines(l.counts)...)
	if l.rates > 0 {
		screen = append(screen, m.ratesLine())
	}
	screen = pad(screen, l.air)
	if l.heading > 0 {
		screen = append(screen, m.headingLine(l.rows))
	}
	cols := m.columns()
	if l.header > 0 {
		screen = append(screen, m.header(cols))
	}
	screen = append(screen, m.tableLines(cols, l.rows)...)
	if l.failures > 0 {
		screen = append(pad(screen, 1), m.failuresTitle())
		screen = append(screen, m.failureLines(l.failures)...)
	}
	if l.footer > 0 {
		screen = append(screen, m.footerLine())
	}
	return screen[:min(len(screen), m.height)]
}

// line begins a line.
func (m *model) line() *line {
	l := &line{room: m.width, color: m.color}
	l.space(margin)
	return l
}

// pad appends empty lines.
func pad(lines []string, n int) []string {
	for range n {
		lines = append(lines, "")
	}
	return lines
}

func (m *model) titleLine() string {
	l := m.line()
	l.put(bold, "wssniff")
	l.space(gap)
	state, s := "", plain
	switch {
	case m.pic.ended:
		state, s = "ended", yellow
	case m.paused:
		state, s = "paused", yellow
	}
	at := clockText(m.pic.ran)
	if m.pic.now != 0 {
		at = time.Unix(0, m.pic.now).UTC().Format("15:04:05") + " UTC  " + at
	}
	if rest := l.room - columns(at) - columns(state) - 2*gap; rest >= 8 {
		l.left(plain, m.title, rest)
		l.space(gap)
		l.put(s, state)
		l.space(gap)
		l.put(dim, at)
		return l.text()
	}
	if state != "" {
		l.put(s, state)
		l.space(gap)
	}
	l.put(plain, m.title)
	return l.text()
}

func (m *model) ratesLine() string {
	l := m.line()
	s := &m.pic.stats
	label, packets, bytes, per := "now", scaled(m.pic.packets), bytesText(m.pic.bytes), "/s"
	if m.pic.ended {
		label, packets, bytes, per = "all", count(int(s.Packets)), bytesText(float64(s.Bytes)), ""
	}
	drops := "-" // not told
	if s.Drops >= 0 {
		drops = count(int(s.Drops))
	}
	l.left(dim, label, spanWidth)
	l.quantity(plain, packets, 8, " packets"+per)
	l.quantity(alarm(int(s.Drops)), drops, 7, " dropped")
	l.quantity(plain, bytes+per, 11, "")
	l.quantity(plain, count(s.Conns), 8, " connections")
	l.quantity(plain, strconv.FormatInt(s.Memory>>20, 10), 6, " MiB")
	return l.text()
}

// quantity writes a number of something, if there is room for all of it.
func (l *line) quantity(s style, number string, width int, what string) {
	if width+len(what) <= l.room {
		l.right(s, number, width)
		l.put(dim, what)
	}
}

// headingLine names the two tables, and what is chosen of the one that is shown.
func (m *model) headingLine(rows int) string {
	l := m.line()
	m.tab(l, "Clients", m.pic.clients, m.pic.clientsOut, !m.servers)
	l.space(gap)
	m.tab(l, "Servers", m.pic.servers, m.pic.servOut, m.servers)
	var notes []string
	if m.filter != "" && !m.typing {
		notes = append(notes, "/"+string(m.filter))
	}
	if m.failing {
		notes = append(notes, "failing only")
	}
	if len(m.rows) > rows {
		notes = append(notes, fmt.Sprintf("%d-%d of %d", m.from+1, min(m.from+rows, len(m.rows)), len(m.rows)))
	}
	l.end(yellow, strings.Join(notes, "  "))
	return l.text()
}

// tab names a table, in brackets if it is shown.
func (m *model) tab(l *line, name string, all []party, out int, shown bool) {
	text := fmt.Sprintf("%s %d", name, len(all))
	if out > 0 {
		text += fmt.Sprintf(" (%d forgotten)", out)
	}
	if shown {
		l.put(bold, "["+text+"]")
	} else {
		l.put(dim, " "+text+" ")
	}
}

func (m *model) tableLines(cols []column, n int) []string {
	var lines []string
	for i := m.from; i < len(m.rows) && len(lines) < n; i++ {
		lines = append(lines, m.row(cols, &m.rows[i]))
	}
	if len(lines) == 0 && n > 0 {
		l := m.line()
		l.put(dim, m.nothing())
		lines = append(lines, l.text())
	}
	return pad(lines, n-len(lines))
}

// nothing says why there are no rows.
func (m *model) nothing() string {
	switch {
	case len(m.pic.clients) == 0:
		return "no attempt decided yet"
	case m.filter != "":
		return "nothing with " + string(m.filter)
	}
	return "nobody fails"
}

func (m *model) failuresTitle() string {
	l := m.line()
	l.put(bold, "Latest failures")
	return l.text()
}

// failureLines tell of the latest failures, two lines each.
func (m *model) failureLines(n int) []string {
	var lines []string
	for i := range m.failures {
		if len(lines)+2 > n {
			break
		}
		lines = append(lines, m.failureHead(&m.failures[i]), m.failureCause(&m.failures[i]))
	}
	if len(lines) == 0 {
		l := m.line()
		l.put(dim, "none")
		lines = append(lines, l.text())
	}
	return pad(lines, n-len(lines))
}

func (m *model) failureHead(f *failure) string {
	l := m.line()
	l.left(dim, time.Unix(0, f.at).UTC().Format("15:04:05"), 8)
	l.space(gap)
	width := 15
	if m.width < 72 {
		width = 0
	}
	l.left(red, f.verdict.String(), max(width, len(f.verdict.String())))
	l.space(gap)
	l.put(plain, f.client)
	l.put(dim, " → ")
	l.put(plain, f.server)
	if times := "×" + count(f.times); f.times > 1 && gap+columns(times) <= l.room {
		l.space(gap)
		l.put(yellow, times)
	}
	return l.text()
}

func (m *model) failureCause(f *failure) string {
	l := m.line()
	l.space(8 + gap)
	switch {
	case f.url == "":
		l.put(dim, f.cause)
	case f.cause == "":
		l.put(plain, f.url)
	default:
		l.put(plain, fit(f.url, max(l.room*2/5, l.room-columns(f.cause)-gap)))
		l.space(gap)
		l.put(dim, f.cause)
	}
	return l.text()
}

// footerLine has the filter that is typed, or the latest message, or the keys.
func (m *model) footerLine() string {
	l := m.line()
	switch {
	case m.typing:
		l.put(bold, "/")
		l.put(plain, string(m.filter))
		l.end(dim, "Enter keeps  Esc clears")
	case m.pic.said != "":
		l.put(yellow, m.pic.said)
	default:
		m.keyHints(l)
	}
	return l.text()
}

// keyHints names keys, as many as there is room for.
func (m *model) keyHints(l *line) {
	other := "servers"
	if m.servers {
		other = "clients"
	}
	for _, h := range [][2]string{
		{"q", "quit"}, {"?", "help"}, {"Tab", other}, {"s", "sort"}, {"r", "reverse"}, {"/", "filter"}, {"f", "failing"}, {"p", "pause"},
	} {
		if columns(h[0]+" "+h[1]) > l.room {
			return
		}
		l.put(bold, h[0])
		l.put(dim, " "+h[1])
		l.space(gap)
	}
}

func verdictStyle(v analyze.Verdict) style {
	switch {
	case v.Failed():
		return red
	case v.Opened():
		return green
	}
	return yellow
}

// alarm is how a number is written that should be zero.
func alarm(n int) style {
	if n > 0 {
		return red
	}
	return plain
}
