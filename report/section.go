package report

import (
	"fmt"
	"slices"
)

// A section is a table of the report before it is laid out.
type section struct {
	title  string
	cols   []column
	stacks []string   // headings of the shared cells
	rows   [][]string // sanitised, one line per cell
	dense  bool       // no lines between rows, even if some are tall
	most   int        // rows; 0: any number
	left   int        // rows left out for that
}

// maxRows is how many rows a section has unless all attempts are asked for. Nobody
// reads more, and what is not printed costs no memory.
const maxRows = 1000

// A column of a section. Columns of one stack share a cell, one below the
// other, when the terminal is too narrow for all of them side by side.
type column struct {
	name  string
	stack int  // number of the shared cell; in order
	min   int  // width to which it may be wrapped; 0: never
	paint bool // its words are coloured
	right bool // numbers
	bare  bool // its name is left out in a shared cell
}

func (s *section) add(cells ...string) {
	if s.most > 0 && len(s.rows) >= s.most {
		s.left++
		return
	}
	s.rows = append(s.rows, cells)
}

// heading is the title, which tells what is left out.
func (s *section) heading() string {
	if s.left == 0 {
		return s.title
	}
	return fmt.Sprintf("%s (the first %d of %d rows, --all shows the rest)", s.title, len(s.rows), len(s.rows)+s.left)
}

// Times are of the column with this name and in this layout.
const (
	timeColumn = "time (UTC)"
	dateLayout = "2006-01-02 "
	timeLayout = dateLayout + "15:04:05.000"
)

// dropDates leaves the dates of all times out.
func (s *section) dropDates() {
	i := slices.IndexFunc(s.cols, func(c column) bool { return c.name == timeColumn })
	if i < 0 {
		return
	}
	for _, r := range s.rows {
		r[i] = r[i][min(len(r[i]), len(dateLayout)):]
	}
}

// labelled returns the section with the names of all columns shown in shared
// cells.
func (s *section) labelled() *section {
	l := *s
	l.cols = slices.Clone(s.cols)
	for i := range l.cols {
		l.cols[i].bare = false
	}
	return &l
}

// dropEmpty leaves out the columns that are empty in every row.
func (s *section) dropEmpty() {
	keep := make([]bool, len(s.cols))
	for _, r := range s.rows {
		for i, cell := range r {
			keep[i] = keep[i] || cell != ""
		}
	}
	s.cols = kept(s.cols, keep)
	for i := range s.rows {
		s.rows[i] = kept(s.rows[i], keep)
	}
}

func kept[T any](list []T, keep []bool) []T {
	var rest []T
	for i, v := range list {
		if keep[i] {
			rest = append(rest, v)
		}
	}
	return rest
}
