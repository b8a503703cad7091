package report

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"

	"github.com/wssniff/wssniff/analyze"
)

//go:embed schema.json
var schemaJSON []byte

// Schema returns the JSON Schema (2020-12) that every line of JSONL obeys.
func Schema() []byte { return bytes.Clone(schemaJSON) }

// JSONL prints one JSON object a line: first those of the attempts, then of
// redirect chains, clients and incidents, and at last a summary if Options.Summary
// is set. Bytes from the wire that are no UTF-8 are read as Latin-1, so that none
// is lost; values are never cut.
func JSONL(w io.Writer, in *Input, opt *Options) error {
	opt = opt.orDefault()
	l := newLines(w, opt)
	t := newTally()
	var some *analyze.Parties // nil: everybody
	if in.Whole != nil {
		parties := analyze.NewParties()
		some = &parties
	}
	for a := range in.Result.Attempts.All() {
		if opt.Summary {
			t.add(a)
		}
		if some != nil {
			some.Add(a)
		}
		if err := l.attempt("attempt", a); err != nil {
			return err
		}
	}
	for _, c := range in.Result.Chains {
		if err := l.chain(in, c); err != nil {
			return err
		}
	}
	if err := l.histories(in, opt, some, &t); err != nil {
		return err
	}
	if opt.Summary {
		if err := l.write(newSummary(in, &t)); err != nil {
			return err
		}
	}
	return l.w.Flush()
}

// histories writes the lines of some clients, nil being all, and of the incidents
// about them and their servers, which are counted too.
func (l *lines) histories(in *Input, opt *Options, some *analyze.Parties, t *tally) error {
	periods := map[netip.Addr][]analyze.Period{}
	if opt.Timeline {
		list, _ := analyze.Timeline(in.Result.Attempts, maxPeriods)
		for _, p := range list {
			client := p.Example.Client().Addr()
			periods[client] = append(periods[client], p)
		}
	}
	for _, c := range in.whole().Histories() {
		if !some.Has(c.Addr) {
			continue
		}
		if err := l.history(in, c, periods[c.Addr]); err != nil {
			return err
		}
	}
	for _, i := range in.whole().Incidents() {
		if !some.Concerns(&i) {
			continue
		}
		t.count(&i.Finding)
		if err := l.incident(&i); err != nil {
			return err
		}
	}
	return nil
}

// lines writes records as JSON, one a line.
type lines struct {
	w        *bufio.Writer
	line     []byte
	masker   *masker
	known    []string // room for a veil
	clock    clock
	texts    findingTexts
	observer string // the member, "" if there is nothing to say
}

func newLines(w io.Writer, opt *Options) *lines {
	l := &lines{w: bufio.NewWriter(w), masker: newMasker(opt)}
	if opt.Observer != "" || opt.Interface != "" {
		member := appendFilled([]byte(`"observer":{`), `"name":`, opt.Observer)
		l.observer = string(endObject(appendFilled(member, `"interface":`, opt.Interface)))
	}
	return l
}

// attempt writes the line of an attempt, to which nothing points afterwards. record
// is what kind of line it is.
func (l *lines) attempt(record string, a *analyze.Attempt) error {
	x := account{a: a, veil: veil{masker: l.masker, known: l.known[:0]}}
	x.read()
	l.line = l.attemptLine(l.line[:0], record, &x)
	clear(x.known)
	l.known = x.known
	_, err := l.w.Write(l.line)
	return err
}

// write writes a record without text from the wire.
func (l *lines) write(record any) error {
	enc := json.NewEncoder(l.w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(record); err != nil {
		return fmt.Errorf("encoding a record: %w", err)
	}
	return nil
}
