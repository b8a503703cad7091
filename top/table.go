package top

import (
	"slices"
	"time"

	"github.com/wssniff/wssniff/analyze"
)

// A column of the table of clients or servers.
type column struct {
	name  string
	width int  // the least that it needs, of numbers with what stands before them
	want  int  // the most that it makes use of
	right bool // numbers
	goes  int  // where not all have room, those with the greatest go
	order order
	cell  func(p *party) (style, string)
}

// gap is what stands before a column of text.
const gap = 2

// wide is a screen on which hosts have room.
const wide = 120

// none is the order of columns that rows are not sorted by.
const none = orders

// columns are those of the table, as many as there is room for.
func (m *model) columns() []column {
	first := column{name: "client", width: 15, want: 15, order: byName, cell: nameCell}
	host, finding := 16, 14
	if m.servers { // their names have a port
		first.name, finding = "server", 10
	}
	for i := range m.rows {
		first.want, host = max(first.want, len(m.rows[i].name)), max(host, min(columns(m.rows[i].host), 40))
	}
	list := []column{
		first,
		{name: "attempts", width: 10, right: true, goes: 2, order: byAttempts, cell: attemptsCell},
		{name: "failed", width: 8, right: true, order: byFailed, cell: failedCell},
		{name: "share", width: 7, right: true, goes: 5, order: none, cell: shareCell},
		{name: "last verdict", width: m.verdictsWidth(), goes: 4, order: none, cell: verdictCell},
		{name: "finding", width: finding, want: 34, goes: 1, order: none, cell: findingCell},
		{name: "seen", width: 6, right: true, goes: 3, order: bySeen, cell: m.seenCell},
	}
	if m.width >= wide {
		list = slices.Insert(list, 1, column{name: "host", width: 16, want: host, goes: 6, order: none, cell: hostCell})
	}
	return room(m.width-margin, list)
}

// verdictsWidth is that of a column with those that were seen.
func (m *model) verdictsWidth() int {
	width := len("last verdict")
	for _, v := range analyze.Verdicts() {
		if m.pic.total[v] > 0 {
			width = max(width, len(v.String()))
		}
	}
	return width
}

// room drops columns until the others fit, and gives them what is left.
func room(width int, cols []column) []column {
	for left(width, cols) < 0 {
		goes := 0
		for i, c := range cols {
			if c.goes > cols[goes].goes {
				goes = i
			}
		}
		if cols[goes].goes == 0 {
			cols[0].width = max(cols[0].width+left(width, cols), 1)
			break
		}
		cols = append(cols[:goes:goes], cols[goes+1:]...)
	}
	for i := range cols {
		cols[i].width += max(min(cols[i].want-cols[i].width, left(width, cols)), 0)
	}
	return cols
}

// left is the room that columns leave.
func left(width int, cols []column) int {
	for i, c := range cols {
		width -= c.before(i) + c.width
	}
	return width
}

// before is the gap before the i-th column.
func (c *column) before(i int) int {
	if i == 0 || c.right {
		return 0
	}
	return gap
}

func nameCell(p *party) (style, string) { return plain, p.name }
func hostCell(p *party) (style, string) { return plain, p.host }

func attemptsCell(p *party) (style, string) { return plain, count(p.attempts) }

func failedCell(p *party) (style, string) { return alarm(p.failed), count(p.failed) }

func shareCell(p *party) (style, string) {
	switch n := p.share(); {
	case p.failed == 0:
		return dim, "-"
	case n == 100:
		return red, "100%"
	case n == 0:
		return yellow, "<1%"
	default:
		return yellow, percent(n)
	}
}

func verdictCell(p *party) (style, string) { return verdictStyle(p.last), p.last.String() }
func findingCell(p *party) (style, string) { return plain, p.causes.most() }

func (m *model) seenCell(p *party) (style, string) {
	if m.pic.now == 0 {
		return dim, ""
	}
	return dim, ago(time.Duration(m.pic.now - p.seen))
}

// header names the columns, with an arrow at the one that rows are sorted by.
func (m *model) header(cols []column) string {
	arrow := "▾"
	if m.reverse {
		arrow = "▴"
	}
	l := m.line()
	for i, c := range cols {
		name, s := c.name, dim
		switch {
		case c.order != m.order:
		case c.right:
			name, s = arrow+name, bold
		default:
			name, s = name+arrow, bold
		}
		l.column(i, &c, s, name)
	}
	return l.text()
}

func (m *model) row(cols []column, p *party) string {
	l := m.line()
	for i, c := range cols {
		s, text := c.cell(p)
		if i == 0 {
			text = fitMiddle(text, c.width)
		}
		l.column(i, &c, s, text)
	}
	return l.text()
}

// column writes the cell of the i-th column.
func (l *line) column(i int, c *column, s style, text string) {
	l.space(c.before(i))
	if c.right {
		l.right(s, text, c.width)
	} else {
		l.left(s, text, c.width)
	}
}
