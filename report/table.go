package report

import (
	"bufio"
	"fmt"
	"io"
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
	if err := p.writeAdvice(b); err != nil {
		return err
	}
	line := p.oneLine(len(sections))
	if line != "" {
		fmt.Fprintln(b, line)
	}
	if line == "" || len(in.gaps()) > 0 {
		if line != "" {
			fmt.Fprintln(b)
		}
		if err := render(b, p.summary(), p.opt); err != nil {
			return err
		}
	}
	return b.Flush()
}
