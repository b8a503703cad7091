package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/wssniff/wssniff/analyze"
)

// Explain prints the catalogue's page on a code, or for "all" a line about each.
// For an unknown code it returns UnknownCode.
func Explain(w io.Writer, code string, opt *Options) error {
	opt = opt.orDefault()
	if code == "all" {
		return explainAll(w, opt)
	}
	for _, c := range analyze.Codes() {
		if c.String() == code {
			return explainOne(w, c, opt)
		}
	}
	return UnknownCode(code)
}

// UnknownCode returns the error for a code that the catalogue does not have. It
// names those that come nearest.
func UnknownCode(code string) error {
	hint := ""
	if near := nearest(code, 3); len(near) > 0 {
		hint = ": did you mean " + strings.Join(near, ", ") + "?"
	}
	return fmt.Errorf("unknown finding %q%s (--explain all lists them)", visible(code), hint)
}

func explainOne(w io.Writer, c analyze.Code, opt *Options) error {
	e := c.Entry()
	var b strings.Builder
	fmt.Fprintf(&b, "%s  (%s)\n\n", paintTitle(e.Name, opt.Color), paint(e.Severity.String(), opt.Color))
	writeIndented(&b, "", upperFirst(plainSentence(c))+".", opt.Width)
	b.WriteString("\n")
	writeIndented(&b, "On the wire:  ", upperFirst(e.Wire)+".", opt.Width)
	writeIndented(&b, "Causes:       ", upperFirst(e.Causes)+".", opt.Width)
	writeIndented(&b, "What to do:   ", upperFirst(e.Remedy)+".", opt.Width)
	if e.RFC != "" {
		fmt.Fprintf(&b, "Standard:     %s\n", e.RFC)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// explainAll lists the codes by severity, the gravest first, in the order of
// the catalogue.
func explainAll(w io.Writer, opt *Options) error {
	codes := analyze.Codes()
	longest := 0
	for _, c := range codes {
		longest = max(longest, len(c.String()))
	}
	var b strings.Builder
	for _, severity := range []analyze.Severity{analyze.Error, analyze.Warning, analyze.Note} {
		if severity != analyze.Error {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s\n", paint(severity.String(), opt.Color))
		for _, c := range codes {
			if c.Entry().Severity == severity {
				fmt.Fprintf(&b, "  %-*s  %s\n", longest, c, plainSentence(c))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// nearest returns up to n names that need the fewest changes to become word, and
// not more than half of its length; those that contain it come first.
func nearest(word string, n int) []string {
	word = strings.ToLower(word[:min(len(word), 64)])
	var names []string
	distance := map[string]int{}
	for _, c := range analyze.Codes() {
		name := c.String()
		names = append(names, name)
		distance[name] = editDistance(word, name)
		if len(word) >= 3 && strings.Contains(name, word) {
			distance[name] = 0
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(distance[a], distance[b]) })
	for n > 0 && distance[names[n-1]] > len(word)/2 {
		n--
	}
	return names[:n]
}

// editDistance is the Levenshtein distance in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
