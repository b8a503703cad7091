package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/wssniff/wssniff/analyze"
)

// An advice is a code that occurred, and where.
type advice struct {
	code     analyze.Code
	severity analyze.Severity // the greatest that occurred
	attempts int              // how many it concerns
	first    []int            // the numbers of the first of them, maxNumbers at most
	last     int              // the number of the last
	about    []string         // instead of attempts: servers or clients, maxNumbers at most
}

// maxNumbers bounds the attempt numbers that a piece of advice lists.
const maxNumbers = 8

// advise notes what is to be done about an attempt.
func (p *page) advise(a *analyze.Attempt) {
	for _, f := range a.Findings {
		if f.Severity == analyze.Note {
			continue
		}
		ad := p.advices[f.Code]
		if ad == nil {
			ad = &advice{code: f.Code}
			p.advices[f.Code] = ad
		}
		ad.severity = max(ad.severity, f.Severity)
		if ad.last == a.Number {
			continue
		}
		ad.last = a.Number
		if ad.attempts++; len(ad.first) < maxNumbers {
			ad.first = append(ad.first, a.Number)
		}
	}
}

// adviseIncident notes what is to be done about something that is not about one
// attempt.
func (p *page) adviseIncident(i *analyze.Incident) {
	ad := p.advices[i.Code]
	if ad == nil {
		ad = &advice{code: i.Code}
		p.advices[i.Code] = ad
	}
	about := i.Client.String()
	if i.Server.IsValid() {
		about = i.Server.String()
	}
	ad.severity = max(ad.severity, i.Severity)
	if ad.attempts += i.Attempts; !slices.Contains(ad.about, about) && len(ad.about) < maxNumbers {
		ad.about = append(ad.about, about)
	}
}

// advice returns the errors and warnings that occurred, each once: the most
// severe first, then the most frequent.
func (p *page) advice() []*advice {
	return slices.SortedFunc(maps.Values(p.advices), func(a, b *advice) int {
		return cmp.Or(cmp.Compare(b.severity, a.severity), cmp.Compare(b.attempts, a.attempts), cmp.Compare(a.code, b.code))
	})
}

// where lists the attempts that a piece of advice is about.
func (p *page) where(ad *advice) string {
	if len(ad.about) > 0 {
		return strings.Join(ad.about, ", ")
	}
	if ad.attempts == 1 {
		return fmt.Sprintf("attempt #%d", ad.first[0])
	}
	var numbers []string
	for _, n := range ad.first {
		numbers = append(numbers, fmt.Sprintf("#%d", n))
	}
	if ad.attempts > maxNumbers {
		numbers = append(numbers, "...")
	}
	noun := "attempts"
	if p.in.some() {
		noun = "selected attempts"
	}
	return fmt.Sprintf("%d of %d %s: %s", ad.attempts, p.in.attempts(), noun, strings.Join(numbers, " "))
}

// writeAdvice prints what to do.
func (p *page) writeAdvice(w io.Writer) error {
	list := p.advice()
	if len(list) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", paintTitle("What to do", p.opt.Color))
	for i, ad := range list {
		b.WriteString("\n")
		var head strings.Builder
		writeIndented(&head, fmt.Sprintf("%2d. ", i+1), fmt.Sprintf("%s: %s (%s)", ad.severity, ad.code, p.where(ad)), p.opt.Width)
		b.WriteString(strings.Replace(head.String(), ad.severity.String(), paint(ad.severity.String(), p.opt.Color), 1))
		writeIndented(&b, "    ", upperFirst(plainSentence(ad.code))+".", p.opt.Width)
		writeIndented(&b, " -> ", upperFirst(ad.code.Entry().Remedy)+".", p.opt.Width)
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// Running text is not set wider on a wide terminal, nor narrower on a narrow one.
const (
	maxMeasure   = 100
	leastMeasure = 20
)

// writeIndented prints text behind a prefix, wrapped if width is not 0.
func writeIndented(b *strings.Builder, prefix, text string, width int) {
	lines := []string{text}
	if width > 0 {
		lines = wrapLine(text, max(min(width, maxMeasure)-len(prefix), leastMeasure))
	}
	for _, line := range lines {
		fmt.Fprintf(b, "%s%s\n", prefix, strings.TrimLeft(line, " "))
		prefix = strings.Repeat(" ", len(prefix))
	}
}

// upperFirst begins a sentence, unless it begins with a number or a name with
// capitals of its own.
func upperFirst(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
