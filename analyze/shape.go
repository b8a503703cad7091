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
	at     int   // where the token lies, from the end of the start line on
	size   int   // of the token
	token  int   // the field that is the token; -1: there is none
	more   bool  // other fields have the name of that
	has    uint8 // which of the fields below there are

	checked [2]checked // as a request, and as a response
}

// Fields that most heads do not have.
const (
	hasLength   = 1 << iota // Content-Length or Transfer-Encoding
	hasProtocol             // Sec-WebSocket-Protocol
	hasExtensions
)

// lacks reports whether a message is known to have none of some fields.
func (m *Message) lacks(fields uint8) bool { return m.shape != nil && m.shape.has&fields == 0 }

// token returns the first field of a name that is that of a token, nil if there is
// none, and whether there are more.
func (m *Message) token(name string) (f *Field, more bool) {
	if m.shape != nil && m.shape.token >= 0 {
		return &m.Head.Fields[m.shape.token], m.shape.more
	}
	return m.Head.first(name)
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
		f.Name, f.Value = strings.Clone(f.Name), strings.Clone(f.Value) // else all of Raw is kept
		if begins := f.Offset + len(f.Name) + f.Pre + len(":") + f.Post; token != "" && begins == at && f.Value == token && !f.Folded {
			s.token = i
		}
	}
	for bit, names := range [...][]string{{"Content-Length", "Transfer-Encoding"}, {"Sec-WebSocket-Protocol"}, {"Sec-WebSocket-Extensions"}} {
		for _, name := range names {
			if f, _ := h.first(name); f != nil {
				s.has |= 1 << bit
			}
		}
	}
	if s.token >= 0 {
		_, s.more = h.first(s.fields[s.token].Name)
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
	if m.shape == nil || !m.Complete {
		t.checkAnew(m, side, check)
		return
	}
	switch c := &m.shape.checked[side-1]; {
	case c.varies:
		t.checkAnew(m, side, check)
	case c.known:
		for _, f := range c.found {
			f.Frame = m.Done.Frame
			t.Findings = append(t.Findings, f)
		}
	default:
		before := len(t.Findings)
		t.checkAnew(m, side, check)
		c.found = slices.Clone(t.Findings[before:])
		for i := range c.found {
			f := &c.found[i]
			f.Field, f.Got, f.Want = strings.Clone(f.Field), strings.Clone(f.Got), strings.Clone(f.Want)
		}
		c.varies = m.shape.tellsToken(c.found)
		c.known = !c.varies
	}
}

func (t *Attempt) checkAnew(m *Message, side Side, check func(h *Head, find finder)) {
	check(&m.Head, func(code Code, field, got, want string) { t.add(code, side, m.Done.Frame, field, got, want) })
}

// tellsToken reports whether findings may tell about the token.
func (s *shape) tellsToken(found []Finding) bool {
	return s.token >= 0 && slices.ContainsFunc(found, func(f Finding) bool { return strings.EqualFold(f.Field, s.fields[s.token].Name) })
}
