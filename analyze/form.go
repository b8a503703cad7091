package analyze

import (
	"bytes"
	"slices"
)

// A form is what a head has behind its start line, but for its token. Nearly all
// heads of handshakes have one of a few forms, and are known by comparing bytes:
// where they end, what they say of a body, and their phrase.
type form struct {
	number  uint32 // of the phrase
	text    []byte // which is this
	at      int    // where in text the token belongs
	size    int    // of the token in base64; 0: there is none
	framing        // spans counted from the end of the start line
}

// A rawHead is the bytes of a head with what is read of them at once.
type rawHead struct {
	bytes []byte
	framing
	framed bool  // framing is valid
	form   *form // nil: none that is known
	nonce  token // valid iff form is not nil
}

func newRawHead(b []byte) rawHead { return rawHead{bytes: b, framing: frame(b), framed: true} }

// Forms are the forms seen lately, of requests and of responses, those that come
// often first.
type forms [2][]*form

const maxForms = 8 // of requests, and of responses

func (l *forms) of(response bool) *[]*form {
	if response {
		return &l[1]
	}
	return &l[0]
}

// match returns the head that data begins with, if it has a form that is known.
func (l *forms) match(response bool, data []byte) (h rawHead, ok bool) {
	line := startLine(data)
	list := *l.of(response)
	for i, f := range list {
		nonce, ok := f.matches(data[line:])
		if !ok {
			continue
		}
		if i > 0 {
			list[i-1], list[i] = f, list[i-1]
		}
		h = rawHead{bytes: data[:line+len(f.text)+f.size], framing: f.framing, framed: true, form: f, nonce: nonce}
		h.key, h.accept = h.key.behind(line), h.accept.behind(line)
		return h, true
	}
	return h, false
}

// matches compares what follows a start line. A token of the usual form holds no
// line end, so the head ends where the text does.
func (f *form) matches(rest []byte) (nonce token, ok bool) {
	if len(rest) < len(f.text)+f.size || !bytes.Equal(rest[:f.at], f.text[:f.at]) || !bytes.HasPrefix(rest[f.at+f.size:], f.text[f.at:]) {
		return nonce, false
	}
	if f.size == 0 {
		return nonce, true
	}
	nonce = span{f.at, f.at + f.size}.decode(rest)
	return nonce, nonce.n > 0
}

// behind moves a span, unless it is none.
func (s span) behind(n int) span {
	if s == (span{}) {
		return s
	}
	return span{s.from + n, s.to + n}
}

// learn takes up the form of a complete head whose rest is a phrase.
func (l *forms) learn(response bool, h *rawHead, line int, value span, number uint32, text []byte) {
	f := &form{number: number, text: text, size: value.to - value.from, framing: h.framing}
	if f.size > 0 {
		f.at = value.from - line
	} else {
		f.at = len(text)
	}
	f.key, f.accept = f.key.behind(-line), f.accept.behind(-line)
	list := l.of(response)
	if slices.ContainsFunc(*list, func(o *form) bool { return o.number == number && o.at == f.at && o.size == f.size }) {
		return
	}
	if len(*list) < maxForms {
		*list = append(*list, f)
	} else {
		(*list)[maxForms-1] = f
	}
}
