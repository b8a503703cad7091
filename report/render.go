package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// render prints a section as a table for people.
func render(w io.Writer, s *section, opt *Options) error {
	s.dropEmpty()
	l := lay(s, opt.Width)
	if _, err := fmt.Fprintf(w, "%s\n\n", paintTitle(s.heading(), opt.Color)); err != nil {
		return err
	}
	settings := tw.Settings{Separators: tw.Separators{BetweenRows: tw.Off}}
	if l.tall() && !s.dense {
		settings.Separators.BetweenRows = tw.On
	}
	t := newTable(w, l.cols, renderer.NewBlueprint(tw.Rendition{
		Borders:  tw.Border{Left: tw.Off, Right: tw.Off, Top: tw.Off, Bottom: tw.Off},
		Symbols:  tw.NewSymbols(tw.StyleLight),
		Settings: settings,
	}))
	for _, r := range l.rows {
		if err := t.Append(joinRow(l.cols, r, opt.Color)); err != nil {
			return err
		}
	}
	if err := t.Render(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}

// newTable returns a table that prints its cells as they are.
func newTable(w io.Writer, cols []column, r tw.Renderer) *tablewriter.Table {
	align := make([]tw.Align, len(cols))
	names := make([]string, len(cols))
	for i, c := range cols {
		align[i], names[i] = tw.AlignLeft, c.name
		if c.right {
			align[i] = tw.AlignRight
		}
	}
	t := tablewriter.NewTable(w,
		tablewriter.WithRenderer(r),
		tablewriter.WithHeaderAutoFormat(tw.Off), tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithRowAutoFormat(tw.Off), tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithHeaderAlignmentConfig(tw.CellAlignment{Global: tw.AlignLeft, PerColumn: align}),
		tablewriter.WithRowAlignmentConfig(tw.CellAlignment{Global: tw.AlignLeft, PerColumn: align}),
		tablewriter.WithTrimSpace(tw.Off), tablewriter.WithTrimLine(tw.Off), tablewriter.WithTrimTab(tw.Off),
		tablewriter.WithEastAsian(tw.Off), // else the locale decides
	)
	if strings.Join(names, "") != "" {
		t.Header(names)
	}
	return t
}

// tall reports whether some row takes more than one line.
func (l *layout) tall() bool {
	for _, r := range l.rows {
		for _, lines := range r {
			if len(lines) > 1 {
				return true
			}
		}
	}
	return false
}

func joinRow(cols []column, row [][]string, color bool) []string {
	cells := make([]string, len(row))
	for i, lines := range row {
		cells[i] = strings.Join(lines, "\n")
		if color && cols[i].paint {
			cells[i] = paintCell(lines)
		}
	}
	return cells
}
