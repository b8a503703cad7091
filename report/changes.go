package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// changes lists what was different in failures right after a success.
func changes() *section {
	return &section{
		title:  "What changed before it failed",
		stacks: []string{"client", "last success / first failure", "difference"},
		dense:  true,
		cols: []column{
			{name: "client", bare: true},
			{name: "last success", stack: 1},
			{name: "first failure", stack: 1},
			{name: "what", stack: 2, min: 16},
			{name: "before", stack: 2, min: 16},
			{name: "after", stack: 2, min: 16},
		},
	}
}

func (p *page) addChanges(c *analyze.History) {
	for _, change := range c.Changes {
		v := p.veilOf(change.Good, change.Bad)
		head := []string{c.Addr.String(), p.place(change.Good, change.GoodAt), p.place(change.Bad, change.BadAt) + " " + change.Verdict.String()}
		if len(change.Differences) == 0 {
			p.changed.add(append(head, "nothing that the capture shows", "", "")...)
		}
		for _, d := range change.Differences {
			d = v.difference(d)
			p.changed.add(append(head, cellText(differenceText(d)), cellText(d.Before), cellText(d.After))...)
			head = []string{"", "", ""}
		}
	}
}

// place names an attempt by number and time.
func (p *page) place(number int, at int64) string {
	time := p.time(flow.Stamp{Frame: 1, Time: at})
	if !p.days.several {
		time = time[len(dateLayout):]
	}
	return fmt.Sprintf("#%d %s", number, time)
}

// veilOf returns a veil that knows the secrets of several attempts.
func (p *page) veilOf(numbers ...int) *veil {
	joint := &veil{masker: p.mask}
	for _, n := range numbers {
		joint.known = append(joint.known, p.mask.veil(p.in.whole().Attempts.At(n-1)).known...)
	}
	return joint
}

// difference returns d with its values masked.
func (v *veil) difference(d analyze.Difference) analyze.Difference {
	switch _, kind := nameOf(d.Field); {
	case d.What == analyze.ThroughProxy:
		d.Before, d.After = v.authority(d.Before), v.authority(d.After)
	case d.Field == "":
		d.Before, d.After = v.line(d.Before), v.line(d.After)
	case d.Kind == analyze.Renamed:
		d.Before, d.After = v.text(d.Before), v.text(d.After)
	default:
		d.Before, d.After = v.hide(v.field(kind, d.Before)), v.hide(v.field(kind, d.After))
	}
	return d
}

// line masks text that may be a request line, of which CONNECT has a target that
// is no URL.
func (v *veil) line(s string) string {
	i := strings.LastIndexByte(s, ' ')
	if target, ok := strings.CutPrefix(s[:max(i, 0)], "CONNECT "); ok && s[i:] != " HTTP/2" {
		return "CONNECT " + v.authority(target) + s[i:]
	}
	return v.text(s)
}

// withDifferences returns a veil that knows the secrets in differences as well:
// those of the attempt on the other side of a proxy.
func (v *veil) withDifferences(lists ...[]analyze.Difference) *veil {
	w := &veil{masker: v.masker, known: slices.Clone(v.known)}
	for _, d := range slices.Concat(lists...) {
		if d.Kind == analyze.Renamed {
			continue // these are names
		}
		for _, value := range [...]string{d.Before, d.After} {
			w.learnPart(d.Field, value)
		}
	}
	w.known = longEnough(w.known)
	return w
}

func differenceText(d analyze.Difference) string {
	text := d.What
	if d.Field != "" {
		text += " " + d.Field
	}
	if d.Kind != analyze.Changed {
		text += " " + d.Kind.String()
	}
	return text
}

// learnPart takes note of the secrets of a field, or of a start line if it has no
// name.
func (v *veil) learnPart(field, value string) {
	_, kind := nameOf(field)
	if field != "" {
		v.learn(kind, value)
		return
	}
	for word := range strings.FieldsSeq(value) {
		v.learn(kind, word)
	}
}
