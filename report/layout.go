package report

import (
	"strings"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

// A layout is a section whose cells are split into lines that fit.
type layout struct {
	cols []column
	rows [][][]string // row, cell, lines
}

// gap is what the renderer puts between two cells, edge what it puts around a
// row.
const (
	gap  = 3
	edge = 2
)

// lay fits a section into width columns: as it is if it fits or width is 0,
// else with wrapped cells, else with the columns of a stack in one cell, else
// with all of a row in one cell.
func lay(s *section, width int) layout {
	flat := layout{cols: s.cols}
	for _, r := range s.rows {
		flat.rows = append(flat.rows, single(r))
	}
	if width <= 0 || flat.fit(width) {
		return flat
	}
	stacked := stack(s, s.stacks, func(c column) int { return c.stack })
	if stacked.fit(width) {
		return stacked
	}
	records := stack(s.labelled(), []string{""}, func(column) int { return 0 })
	records.wrap([]int{max(width-edge, 8)})
	return records
}

// fit wraps the cells so that a row takes at most width, if that can be done
// within the columns' minima.
func (l *layout) fit(width int) bool {
	widths := l.natural()
	room := width - edge - gap*(len(widths)-1)
	for total(widths) > room {
		widest := -1
		for i, w := range widths {
			if m := l.cols[i].least(); m > 0 && w > m && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return false
		}
		widths[widest]--
	}
	l.wrap(widths)
	return true
}

// least is how narrow a column may become: its heading is never wrapped.
func (c *column) least() int {
	if c.min == 0 {
		return 0
	}
	return max(c.min, displayWidth(c.name))
}

func (l *layout) natural() []int {
	widths := make([]int, len(l.cols))
	for i, c := range l.cols {
		widths[i] = displayWidth(c.name)
	}
	for _, r := range l.rows {
		for i, lines := range r {
			for _, line := range lines {
				widths[i] = max(widths[i], displayWidth(line))
			}
		}
	}
	return widths
}

func (l *layout) wrap(widths []int) {
	for _, r := range l.rows {
		for i, lines := range r {
			var wrapped []string
			for _, line := range lines {
				wrapped = append(wrapped, wrapLine(line, widths[i])...)
			}
			r[i] = wrapped
		}
	}
}

// stack puts the columns of one group into one cell, one line each, behind their
// names. Empty ones are left out.
func stack(s *section, headings []string, group func(column) int) layout {
	var l layout
	index := make([]int, len(s.cols))
	for i := range s.cols {
		if i == 0 || group(s.cols[i]) != group(s.cols[i-1]) {
			l.cols = append(l.cols, s.cols[i])
		}
		index[i] = len(l.cols) - 1
	}
	l.share(s, index, headings, group)
	for _, r := range s.rows {
		l.rows = append(l.rows, stackRow(s.cols, r, index, len(l.cols)))
	}
	return l
}

// share gives the columns that have become shared cells a heading of their own,
// and as minimum what the widest line needs that may not be wrapped.
func (l *layout) share(s *section, index []int, headings []string, group func(column) int) {
	shared, label := labels(s.cols, index, len(l.cols))
	plain := layout{cols: s.cols}
	for _, r := range s.rows {
		plain.rows = append(plain.rows, single(r))
	}
	natural := plain.natural()
	for i, c := range s.cols {
		k := index[i]
		if shared[k] == 1 {
			continue
		}
		joined := &l.cols[k]
		if i == 0 || index[i-1] != k {
			*joined = column{name: headings[group(c)]}
		}
		joined.paint = joined.paint || c.paint
		need := c.min
		if need == 0 || need > natural[i] {
			need = natural[i]
		}
		if !c.bare {
			need += label[k] + 2
		}
		joined.min = max(joined.min, need)
	}
}

// single makes a line of each cell of a row.
func single(row []string) [][]string {
	cells := make([][]string, len(row))
	for i, cell := range row {
		cells[i] = []string{cell}
	}
	return cells
}

// labels counts the columns of each cell and tells how wide their names are.
func labels(cols []column, index []int, n int) (shared, width []int) {
	shared, width = make([]int, n), make([]int, n)
	for i, c := range cols {
		shared[index[i]]++
		if !c.bare {
			width[index[i]] = max(width[index[i]], displayWidth(c.name))
		}
	}
	return shared, width
}

func stackRow(cols []column, row []string, index []int, n int) [][]string {
	cells := make([][]string, n)
	shared, label := labels(cols, index, n)
	for i, c := range cols {
		k := index[i]
		switch {
		case row[i] == "":
		case c.bare || shared[k] == 1:
			cells[k] = append(cells[k], row[i])
		default:
			cells[k] = append(cells[k], c.name+strings.Repeat(" ", label[k]-displayWidth(c.name)+2)+row[i])
		}
	}
	return cells
}

// wrapLine splits a line into pieces of at most width columns, at a space if
// there is one, else behind punctuation, else anywhere. Nothing is lost but the
// spaces at which it splits.
func wrapLine(line string, width int) []string {
	var lines []string
	indent := strings.Repeat(" ", hanging(line, width))
	for displayWidth(line) > width {
		cut := breakAt(line, width, len(indent))
		if cut == len(line) {
			break
		}
		lines = append(lines, strings.TrimRight(line[:cut], " "))
		line = indent + strings.TrimLeft(line[cut:], " ")
	}
	return append(lines, line)
}

// hanging returns the indent of continuation lines: below the value of a
// labelled line, as far as there is room.
func hanging(line string, width int) int {
	i := strings.Index(line, "  ") // two spaces or more end a label
	if i < 0 {
		return 0
	}
	n := i + len(line[i:]) - len(strings.TrimLeft(line[i:], " "))
	if n > width/2 {
		return 0
	}
	return n
}

// breakAt returns the index, greater than from, at which a line too long for
// width is split.
func breakAt(line string, width, from int) int {
	end := fitting(line, width, from)
	if end == len(line) || line[end] == ' ' {
		return end
	}
	if i := strings.LastIndexByte(line[from:end], ' ') + from; i > from {
		word, _, _ := strings.Cut(line[i+1:], " ")
		if i-from > (end-from)/3 || from+displayWidth(word) <= width {
			return i
		}
	}
	if i := strings.LastIndexAny(line[from:end], "/?&,;-") + from; i > from+(end-from)/2 {
		return i + 1
	}
	return end
}

// fitting returns how many bytes of line take at most width columns, and at
// least one character behind from.
func fitting(line string, width, from int) int {
	used := 0
	for i, r := range line {
		w := displayWidth(string(r))
		if used+w > width && i > from {
			return i
		}
		used += w
	}
	return len(line)
}

// displayWidth is the number of terminal columns of s, the same in every
// locale.
func displayWidth(s string) int {
	if isPlain(s) {
		return len(s)
	}
	return twwidth.WidthWithOptions(s, twwidth.Options{})
}

func total(list []int) (sum int) {
	for _, v := range list {
		sum += v
	}
	return sum
}
