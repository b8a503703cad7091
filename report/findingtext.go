package report

import (
	"strings"

	"github.com/wssniff/wssniff/analyze"
)

// findingTexts are what the catalogue says of each code, as JSON. They are made
// when a code comes up first.
type findingTexts [1 << 8]findingText

type findingText struct {
	code     string // the members up to the severity's name
	sentence string // in which values are to be filled in, if fills
	remedy   string // the members behind the message
	fills    bool
}

func (t *findingTexts) of(c analyze.Code) *findingText {
	text := &t[c]
	if text.code == "" {
		e := c.Entry()
		text.code = string(appendWord([]byte("{"), `"code":`, e.Name)) + `"severity":"`
		text.sentence = jsonText(e.Sentence)
		text.fills = strings.Contains(e.Sentence, "{")
		text.remedy = string(endObject(appendFilled(appendString(nil, `"remedy":`, e.Remedy), `"rfc":`, e.RFC)))
	}
	return text
}

// appendFinding appends a finding, masked.
func (t *findingTexts) appendFinding(dst []byte, x *account, found *analyze.Finding) []byte {
	f, text := x.finding(*found), t.of(found.Code)
	f.Field, f.Got, f.Want = jsonText(f.Field), jsonText(f.Got), jsonText(f.Want)
	dst = append(dst, text.code...)
	dst = append(append(dst, f.Severity.String()...), `",`...)
	dst = appendPositive(dst, `"frame":`, int64(f.Frame))
	dst = appendWord(dst, `"side":`, sideName(f.Side))
	dst = appendWord(dst, `"field":`, f.Field)
	dst = appendWord(dst, `"got":`, f.Got)
	dst = appendWord(dst, `"want":`, f.Want)
	dst = append(dst, `"message":"`...)
	if text.fills {
		dst = appendSentence(dst, text.sentence, &f)
	} else {
		dst = append(dst, text.sentence...)
	}
	return append(append(dst, `",`...), text.remedy...)
}

// jsonText returns text from the wire as the inside of a JSON string.
func jsonText(s string) string {
	if classOf(s)&escaped == 0 {
		return s
	}
	return string(appendEscaped(nil, utf8Text(s)))
}

// sideName is a finding's side in the words of HTTP.
func sideName(s analyze.Side) string {
	return [...]string{"", "request", "response"}[s]
}
