package report

import (
	"strings"

	"github.com/wssniff/wssniff/analyze"
)

// Message returns the sentence of a finding. A parenthesis of the catalogue's
// sentence whose value the finding lacks is left out.
func Message(f analyze.Finding) string {
	return sentence(f.Code.Entry().Sentence, func(name string) string {
		switch name {
		case "got":
			return f.Got
		case "want":
			return f.Want
		case "field":
			return f.Field
		case "side":
			return f.Side.String()
		}
		return ""
	})
}

// plainSentence returns the sentence of a code without any finding's values.
func plainSentence(c analyze.Code) string {
	return sentence(c.Entry().Sentence, func(string) string { return "" })
}

func sentence(text string, value func(name string) string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, " (")
		inside, after, closed := strings.Cut(rest, ")")
		if !ok || !closed {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(before)
		if filled, ok := fill(inside, value); ok {
			b.WriteString(" (" + filled + ")")
		}
		text = after
	}
}

// fill puts values into the placeholders of text, and reports whether all of
// them have one.
func fill(text string, value func(name string) string) (string, bool) {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{")
		b.WriteString(before)
		if !ok {
			return b.String(), true
		}
		name, after, _ := strings.Cut(rest, "}")
		v := value(name)
		if v == "" {
			return "", false
		}
		b.WriteString(v)
		text = after
	}
}
