package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter/renderer"
)

// Markdown prints the sections of Table as Markdown, for tickets. Text from the
// wire is escaped so that it is shown and neither formats nor links.
func Markdown(w io.Writer, in *Input, opt *Options) error {
	b := bufio.NewWriter(w)
	p := newPage(in, opt.orDefault())
	sections := p.sections()
	line := p.oneLine(len(sections))
	if p.opt.All && in.Result.Attempts.Len() > 0 {
		sections = append(sections, p.all)
	}
	for _, s := range sections {
		if err := renderMarkdown(b, s); err != nil {
			return err
		}
	}
	p.markdownAdvice(b)
	if line != "" {
		fmt.Fprintf(b, "%s\n\n", upperFirst(markdownText(line)))
	}
	if line == "" || len(in.gaps()) > 0 {
		if err := renderMarkdown(b, p.summary()); err != nil {
			return err
		}
	}
	return b.Flush()
}

func renderMarkdown(w io.Writer, s *section) error {
	s.dropEmpty()
	fmt.Fprintf(w, "## %s\n\n", s.heading())
	t := newTable(w, s.cols, renderer.NewMarkdown())
	for _, r := range s.rows {
		cells := make([]string, len(r))
		for i, cell := range r {
			cells[i] = markdownText(strings.TrimSpace(cell))
		}
		if err := t.Append(cells); err != nil {
			return err
		}
	}
	if err := t.Render(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}

func (p *page) markdownAdvice(w io.Writer) {
	list := p.advice()
	if len(list) == 0 {
		return
	}
	fmt.Fprint(w, "## What to do\n\n")
	for i, ad := range list {
		fmt.Fprintf(w, "%d. **%s** `%s` (%s): %s. *%s.*\n", i+1, ad.severity, ad.code, p.where(ad),
			markdownText(plainSentence(ad.code)), markdownText(upperFirst(ad.code.Entry().Remedy)))
	}
	fmt.Fprintln(w)
}

// markdownText escapes what GitHub's Markdown gives a meaning inside a line or
// a table cell.
func markdownText(s string) string { return markdownEscapes.Replace(s) }

var markdownEscapes = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", `*`, `\*`, `[`, `\[`, `]`, `\]`, `<`, `&lt;`, `>`, `&gt;`, `&`, `&amp;`, `|`, `\|`, `~`, `\~`,
)
