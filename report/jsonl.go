package report

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

//go:embed schema.json
var schemaJSON []byte

// Schema returns the JSON Schema (2020-12) that every line of JSONL obeys.
func Schema() []byte { return bytes.Clone(schemaJSON) }

// JSONL prints one JSON object per attempt and line, and at last a summary if
// Options.Summary is set. Bytes from the wire that are no UTF-8 are read as
// Latin-1, so that none is lost; values are never cut.
func JSONL(w io.Writer, in *Input, opt *Options) error {
	opt = opt.orDefault()
	l := newLines(w)
	m := newMasker(opt)
	t := newTally()
	for a := range in.Result.Attempts.All() {
		t.add(a)
		if err := l.write(newRecord(a, m, opt)); err != nil {
			return err
		}
	}
	if opt.Summary {
		if err := l.write(newSummary(in, &t)); err != nil {
			return err
		}
	}
	return l.w.Flush()
}

// lines writes records as JSON, one a line, through a buffer of one line.
type lines struct {
	w    *bufio.Writer
	line bytes.Buffer
	enc  *json.Encoder
}

func newLines(w io.Writer) *lines {
	l := &lines{w: bufio.NewWriter(w)}
	l.enc = json.NewEncoder(&l.line)
	l.enc.SetEscapeHTML(false)
	return l
}

func (l *lines) write(record any) error {
	l.line.Reset()
	if err := l.enc.Encode(record); err != nil {
		return fmt.Errorf("encoding a record: %w", err)
	}
	_, err := l.w.Write(escapeInvisible(l.line.Bytes()))
	return err
}

// escapeInvisible writes the characters that a terminal would obey or hide, and
// that encoding/json lets through, as \u escapes: DEL, the C1 controls, marks
// of direction. They stand inside strings only.
func escapeInvisible(line []byte) []byte {
	if !slices.ContainsFunc(line, func(c byte) bool { return c >= 0x7f }) {
		return line
	}
	var out []byte
	done := 0
	for i := 0; i < len(line); {
		r, n := utf8.DecodeRune(line[i:])
		if r == 0x7f || n > 1 && r < 0x10000 && visible(string(r)) != string(r) {
			out = append(out, line[done:i]...)
			out = fmt.Appendf(out, `\u%04x`, r)
			done = i + n
		}
		i += n
	}
	return append(out, line[done:]...)
}
