package analyze

import (
	"slices"
	"strings"
)

// A shape is what heads have in common that differ in their start line and their
// token only: most heads of one client, or of one server. It is taken apart and
// checked once.
type shape struct {
	fields []Field // offsets from the end of the start line on
	lfOnly int
	at     int // where the token lies, from the end of the start line on
	size   int // of the token
	token  int // the field that is the token; -1: there is none

	checked [2]checked // as a request, and as a response
}

// Checked is what the checks of the fields found in heads of a shape.
type checked struct {
	found  []Finding // but for the frame, valid iff known
	known  bool
	varies bool // it depends on the token
}

// newShape makes the shape of a head that was taken apart; nil if the token is
// not the whole value of a field.
func newShape(h *Head, line, at int, token string) *shape {
	s := &shape{fields: slices.Clone(h.Fields), lfOnly: h.LFOnly - lfOnly(h.Raw[:line]), at: at, size: len(token), token: -1}
	for i := range s.fields {
		f := &s.fields[i]
		f.Offset -= line
		if begins := f.Offset + len(f.Name) + f.Pre + len(":") + f.Post; token != "" && begins == at && f.Value == token && !f.Folded {
			s.token = i
		}
	}
	if token != "" && s.token < 0 {
		return nil
	}
	return s
}

// lfOnly counts a start line that ends in LF without CR.
func lfOnly(line string) int {
	if strings.HasSuffix(line, "\n") && !strings.HasSuffix(line, "\r\n") {
		return 1
	}
	return 0
}

// fill takes a head of the shape apart, of which Raw is set.
func (s *shape) fill(h *Head, line int) {
	h.Line = strings.TrimSuffix(strings.TrimSuffix(h.Raw[:line], "\n"), "\r")
	h.parseLine()
	h.LFOnly = s.lfOnly + lfOnly(h.Raw[:line])
	h.Fields = append(h.Fields[:0], s.fields...)
	for i := range h.Fields {
		h.Fields[i].Offset += line
	}
	if s.token >= 0 {
		h.Fields[s.token].Value = h.Raw[line+s.at : line+s.at+s.size]
	}
}

// checkFields adds what check finds in the fields of a message, which must not
// depend on its start line.
func (t *Attempt) checkFields(m *Message, side Side, check func(h *Head, find finder)) {
	find := func(code Code, field, got, want string) { t.add(code, side, m.Done.Frame, field, got, want) }
	if m.shape == nil || !m.Complete {
		check(&m.Head, find)
		return
	}
	switch c := &m.shape.checked[side-1]; {
	case c.varies:
		check(&m.Head, find)
	case c.known:
		for _, f := range c.found {
			f.Frame = m.Done.Frame
			t.Findings = append(t.Findings, f)
		}
	default:
		before := len(t.Findings)
		check(&m.Head, find)
		c.found = slices.Clone(t.Findings[before:])
		c.varies = m.shape.tellsToken(c.found)
		c.known = !c.varies
	}
}

// tellsToken reports whether findings may tell about the token.
func (s *shape) tellsToken(found []Finding) bool {
	return s.token >= 0 && slices.ContainsFunc(found, func(f Finding) bool { return strings.EqualFold(f.Field, s.fields[s.token].Name) })
}
