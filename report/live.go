package report

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"github.com/wssniff/wssniff/analyze"
)

// A Live prints attempts while the capture goes on. Its methods take what
// analyze.Told is told; what they print is written when Flush is called.
type Live struct {
	w       *bufio.Writer
	opt     *Options
	printer livePrinter
	tally   tally
	parties analyze.Parties
	told    Told
	silent  io.Writer // where to print from Finish on; nil: from the beginning
}

// Told counts what a Live was told.
type Told struct {
	Attempts int
	Of       int // the attempts of the capture; 0: all were told
	Chains   int
}

// A livePrinter is a format.
type livePrinter interface {
	attempt(a *analyze.Attempt) error
	ended(a *analyze.Attempt) error
	chain(c *analyze.Chain, all analyze.Attempts) error
	finish(in *Input, l *Live) error
}

// NewLive returns a Live that prints on w. The formats are table, jsonl and csv;
// for another one it returns nil. A nil opt means defaults.
func NewLive(w io.Writer, format string, opt *Options) *Live {
	l := &Live{w: bufio.NewWriterSize(w, 64<<10), opt: opt.orDefault(), tally: newTally(), parties: analyze.NewParties()}
	switch format {
	case "table":
		l.printer = &liveTable{w: l.w, page: newEmptyPage(l.opt)}
	case "jsonl":
		l.printer = &liveLines{newLines(l.w, l.opt)}
	case "csv":
		p := &liveCSV{csv.NewWriter(l.w), newMasker(l.opt)}
		p.w.Write(csvHeader) // it is buffered
		l.printer = p
	default:
		return nil
	}
	return l
}

// Silence has nothing printed before Finish.
func (l *Live) Silence(w io.Writer) {
	l.silent = w
	l.w.Reset(io.Discard)
}

// Attempt prints an attempt.
func (l *Live) Attempt(a *analyze.Attempt) error {
	l.told.Attempts++
	l.tally.add(a)
	if len(l.parties.Clients) < analyze.MaxClients {
		l.parties.Add(a)
	}
	return l.printer.attempt(a)
}

// Ended prints how an attempt ended that was printed while its connection was open.
// The findings that it has only now are counted.
func (l *Live) Ended(a *analyze.Attempt, before analyze.Standing) error {
	l.tally.change(a, before)
	return l.printer.ended(a)
}

// Chain prints a redirect chain.
func (l *Live) Chain(c *analyze.Chain, all analyze.Attempts) error {
	l.told.Chains++
	return l.printer.chain(c, all)
}

// Passed counts an attempt that is not selected.
func (l *Live) Passed() { l.told.Of++ }

// Concerns reports whether an incident is about somebody who was told of.
func (l *Live) Concerns(i *analyze.Incident) bool { return l.told.Of == 0 || l.parties.Concerns(i) }

// Flush writes what was printed.
func (l *Live) Flush() error { return l.w.Flush() }

// Summary prints the counts up to now, whatever the format, to w.
func (l *Live) Summary(w io.Writer, in *Input) error {
	p := newEmptyPage(l.opt)
	p.in, p.tally = l.input(in), l.tally
	return render(w, p.summary(), p.opt)
}

// Finish prints what is known at the end. in is the result of a watching Analyzer.
func (l *Live) Finish(in *Input) error {
	if l.silent != nil {
		l.w.Reset(l.silent)
	}
	if err := l.printer.finish(l.input(in), l); err != nil {
		return err
	}
	return l.w.Flush()
}

// input adds the counts.
func (l *Live) input(in *Input) *Input {
	i, told := *in, l.told
	if told.Of > 0 {
		told.Of += told.Attempts
	}
	i.Told = &told
	return &i
}

// liveLines prints JSON Lines.
type liveLines struct{ lines *lines }

func (p *liveLines) attempt(a *analyze.Attempt) error { return p.lines.attempt("attempt", a) }
func (p *liveLines) ended(a *analyze.Attempt) error   { return p.lines.attempt("end", a) }

func (p *liveLines) chain(c *analyze.Chain, all analyze.Attempts) error {
	return p.lines.chain(&Input{Result: &analyze.Result{Attempts: all}}, c)
}

func (p *liveLines) finish(in *Input, l *Live) error {
	some := &l.parties
	if in.Told.Of == 0 {
		some = nil
	}
	if err := p.lines.histories(in, l.opt, some, &l.tally); err != nil {
		return err
	}
	if !l.opt.Summary {
		return nil
	}
	return p.lines.write(newSummary(in, &l.tally))
}

// liveCSV prints rows, and nothing of how they end.
type liveCSV struct {
	w *csv.Writer
	m *masker
}

func (p *liveCSV) attempt(a *analyze.Attempt) error             { return p.flush(writeCSV(p.w, p.m, a)) }
func (p *liveCSV) ended(*analyze.Attempt) error                 { return nil }
func (p *liveCSV) chain(*analyze.Chain, analyze.Attempts) error { return nil }
func (p *liveCSV) finish(*Input, *Live) error                   { return p.flush(nil) }
func (p *liveCSV) flush(err error) error {
	if err != nil {
		return err
	}
	p.w.Flush()
	return p.w.Error()
}

// liveTable prints a line for each attempt with something to say, and below it
// what that is; at the end the sections about clients and the whole.
type liveTable struct {
	w       *bufio.Writer
	page    *page
	printed bool // something
}

func (t *liveTable) attempt(a *analyze.Attempt) error {
	p := t.page
	p.advise(a)
	lines := t.findings(a, 0)
	if len(lines) == 0 && !p.opt.All && !a.Verdict.Failed() {
		return nil
	}
	return t.write(a, a.Verdict.String(), lines)
}

// ended prints what was found since the attempt was printed.
func (t *liveTable) ended(a *analyze.Attempt) error {
	lines := t.findings(a, answered(a).Frame+1)
	if len(lines) == 0 && !t.page.opt.All {
		return nil
	}
	return t.write(a, "ended", append(lines, "by "+endText(a)))
}

func (t *liveTable) write(a *analyze.Attempt, what string, lines []string) error {
	p := t.page
	t.printed = true
	_, err := fmt.Fprintf(t.w, "%s  #%-4d %s  %s -> %s  %s  %s\n", p.time(a.Start()), a.Number, padded(what, p.opt.Color), a.Client(), a.Server(), p.url(a), filterText(a))
	for _, line := range lines {
		fmt.Fprintf(t.w, "    %s\n", line)
	}
	return err
}

// findings returns those that are worth a line, from a frame on.
func (t *liveTable) findings(a *analyze.Attempt, frame int) (lines []string) {
	p := t.page
	for _, f := range a.Findings {
		if f.Frame >= frame && worth(a, f, p.opt.All) {
			lines = append(lines, fmt.Sprintf("%s %s: %s", paint(f.Severity.String(), p.opt.Color), f.Code, cellText(Message(p.veil(a).finding(f)))))
		}
	}
	if a.Reason != "" && frame == 0 {
		lines = append(lines, p.text(a, a.Reason))
	}
	return lines
}

// padded is a verdict as wide as the longest.
func padded(verdict string, color bool) string {
	return paint(verdict, color) + strings.Repeat(" ", max(0, len("accept-mismatch")-len(verdict)))
}

// chain prints a chain, unless it is one that was printed before.
func (t *liveTable) chain(c *analyze.Chain, all analyze.Attempts) error {
	if c.First != nil {
		return nil
	}
	var hops []string
	veil := veil{masker: t.page.mask}
	veil.learnChain(&Input{Result: &analyze.Result{Attempts: all}}, c)
	for _, u := range c.URLs {
		hops = append(hops, cellText(veil.text(u)))
	}
	_, err := fmt.Fprintf(t.w, "%s  #%-4d %s  %s  %s: %s\n", t.page.time(c.Hops[0].Start), c.Hops[0].Attempt, padded("chain", false), c.Hops[0].Client, strings.Join(hops, " -> "), cellText(veil.text(chainEnd(c))))
	return err
}

func (t *liveTable) finish(in *Input, l *Live) error {
	p := t.page
	t.printed = t.printed && l.silent == nil
	p.in, p.parties, p.tally = in, l.parties, l.tally
	p.addRest()
	if t.printed {
		fmt.Fprintln(t.w)
	}
	sections := p.sections()
	for _, s := range sections {
		if err := render(t.w, s, p.opt); err != nil {
			return err
		}
	}
	if t.printed {
		sections = append(sections, nil) // it is no section, but something to say
	}
	return p.writeEnd(t.w, len(sections))
}
