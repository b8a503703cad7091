package report

import (
	"strings"

	"github.com/wssniff/wssniff/analyze"
)

// Message returns the sentence of a finding. A parenthesis of the catalogue's
// sentence whose value the finding lacks is left out.
func Message(f analyze.Finding) string {
	return string(appendSentence(nil, f.Code.Entry().Sentence, &f))
}

// plainSentence returns the sentence of a code without any finding's values.
func plainSentence(c analyze.Code) string {
	return string(appendSentence(nil, c.Entry().Sentence, &analyze.Finding{}))
}

func appendSentence(dst []byte, text string, f *analyze.Finding) []byte {
	for {
		before, rest, ok := strings.Cut(text, " (")
		inside, after, closed := strings.Cut(rest, ")")
		if !ok || !closed {
			return append(dst, text...)
		}
		dst = append(dst, before...)
		if filled, ok := appendClause(append(dst, " ("...), inside, f); ok {
			dst = append(filled, ')')
		}
		text = after
	}
}

// appendClause puts the values of a finding into the placeholders of text, and
// reports whether all of them have one.
func appendClause(dst []byte, text string, f *analyze.Finding) ([]byte, bool) {
	for {
		before, rest, ok := strings.Cut(text, "{")
		dst = append(dst, before...)
		if !ok {
			return dst, true
		}
		name, after, _ := strings.Cut(rest, "}")
		v := placeholder(name, f)
		if v == "" {
			return dst, false
		}
		dst = append(dst, v...)
		text = after
	}
}

func placeholder(name string, f *analyze.Finding) string {
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
}
