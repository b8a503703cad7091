package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Table prints the report for people: what failed and where to look, what to do
// about it, and a summary. Sections without rows are left out; a capture with
// nothing wrong, or without attempts, gets one line. A nil opt means defaults.
func Table(w io.Writer, in *Input, opt *Options) error {
	b := bufio.NewWriter(w)
	p := newPage(in, opt.orDefault())
	sections := p.sections()
	for _, s := range sections {
		if err := render(b, s, p.opt); err != nil {
			return err
		}
	}
	if p.opt.All && in.Result.Attempts.Len() > 0 {
		if err := render(b, p.all, p.opt); err != nil {
			return err
		}
	}
	if err := p.writeEnd(b, len(sections)); err != nil {
		return err
	}
	return b.Flush()
}

// wrapped returns a line as the tables are: as it is if width is 0.
func wrapped(line string, width int) string {
	if width <= 0 {
		return line
	}
	return strings.Join(wrapLine(line, max(width, leastMeasure)), "\n")
}

// writeEnd prints what comes behind so many sections: what is to be done, and a
// summary, or one line if there is no more to say.
func (p *page) writeEnd(b io.Writer, sections int) error {
	if err := p.writeAdvice(b); err != nil {
		return err
	}
	line := p.oneLine(sections)
	if line != "" {
		fmt.Fprintln(b, wrapped(line, p.opt.Width))
		if len(p.in.gaps()) == 0 {
			return nil
		}
		fmt.Fprintln(b)
	}
	return render(b, p.summary(), p.opt)
}
