package filter

import (
	"fmt"
	"strings"
)

// Bounds of an expression. A kernel takes programs of 4096 instructions, and
// no expression longer than this compiles to so few.
const (
	maxExprLen = 64 << 10 // bytes
	maxNesting = 100      // parentheses and negations that are open at a time
)

// Parse reads an expression. An error is an *Error. Parse tells all that is
// wrong with an expression by itself; what cannot work for a link type is
// left to Compile.
func Parse(expr string) (*Expr, error) {
	p := &parser{scanner: scanner{src: expr}}
	if len(expr) > maxExprLen {
		return nil, p.errorf(maxExprLen, "expression longer than %d bytes", maxExprLen)
	}
	p.ahead = p.next()
	p.advance()
	if p.tok.kind == end {
		return &Expr{src: expr}, nil
	}
	root, _, err := p.expr(qualifiers{})
	if err == nil && p.tok.kind != end {
		err = p.trailing()
	}
	if err != nil {
		return nil, err
	}
	return &Expr{src: expr, root: root}, nil
}

// A parser holds the token to be looked at and the one behind it.
type parser struct {
	scanner
	tok, ahead token
	depth      int // of parentheses and negations
}

func (p *parser) advance() {
	p.tok = p.ahead
	if p.tok.kind != end {
		p.ahead = p.next()
	}
}

// take reports whether the token is the keyword or symbol s, and steps over
// it if so.
func (p *parser) take(s string) bool {
	if !p.tok.is(s) {
		return false
	}
	p.advance()
	return true
}

// open counts a parenthesis or negation; the caller calls close after it.
func (p *parser) open() error {
	if p.depth++; p.depth > maxNesting {
		return p.errorf(p.tok.at, "more than %d parentheses and negations within each other", maxNesting)
	}
	return nil
}

func (p *parser) close() { p.depth-- }

// junction returns the op of "and" and "or", and steps over it.
func (p *parser) junction() (op, bool) {
	switch {
	case p.take("and"):
		return and, true
	case p.take("or"):
		return or, true
	}
	return leaf, false
}

// expr reads terms and ids joined by and, or. The qualifiers are those that
// an id after the expression would take; q are those from before it, which a
// parenthesised term hands on.
func (p *parser) expr(q qualifiers) (*node, qualifiers, error) {
	x, own, err := p.term(q)
	for err == nil {
		j, ok := p.junction()
		if !ok {
			break
		}
		var y *node
		if p.idAhead() {
			y, err = p.id(own)
		} else {
			y, own, err = p.term(own)
		}
		x = &node{op: j, x: x, y: y}
	}
	return x, own, err
}

// idAhead reports whether an id comes next, and not a term: what decides is
// the first token that is no parenthesis and no negation.
func (p *parser) idAhead() bool {
	look := scanner{src: p.src, pos: p.tok.at}
	t := look.next()
	for t.is("(") || t.is("not") {
		t = look.next()
	}
	switch t.kind {
	case number, ipv4, ipv6, mac, name:
		return true
	}
	return false
}

// term reads what may begin an expression.
func (p *parser) term(q qualifiers) (*node, qualifiers, error) {
	at := p.tok.at
	switch {
	case p.tok.is("not"):
		return p.negation(q)
	case p.tok.is("("):
		return p.parenthesis(q)
	case p.tok.is("vlan"):
		x, err := p.vlan()
		return x, qualifiers{}, err
	}
	own, err := p.qualifiers()
	if err != nil {
		return nil, q, err
	}
	if !own.set {
		return &node{prim: protocolPrim{own.proto}, at: at}, qualifiers{}, nil
	}
	x, err := p.id(own)
	return x, own, err
}

func (p *parser) negation(q qualifiers) (*node, qualifiers, error) {
	if err := p.open(); err != nil {
		return nil, q, err
	}
	defer p.close()
	p.advance()
	x, own, err := p.term(q)
	return &node{op: not, x: x}, own, err
}

// parenthesis reads an expression in parentheses. An id after it takes the
// qualifiers from before it.
func (p *parser) parenthesis(q qualifiers) (*node, qualifiers, error) {
	if err := p.open(); err != nil {
		return nil, q, err
	}
	defer p.close()
	p.advance()
	x, _, err := p.expr(q)
	if err == nil && !p.take(")") {
		err = p.unexpected()
	}
	return x, q, err
}

// vlan reads "vlan [ID]".
func (p *parser) vlan() (*node, error) {
	n := &node{at: p.tok.at}
	p.advance()
	if p.tok.kind != number && !p.tok.is("(") {
		n.prim = vlanPrim{-1}
		return n, nil
	}
	at := p.tok.at
	v, err := p.nested()
	if err == nil && v > 0xfff {
		err = p.errorf(at, "VLAN %d is greater than 4095", v)
	}
	n.prim = vlanPrim{int(v)}
	return n, err
}

// nested reads a number in any number of parentheses.
func (p *parser) nested() (uint32, error) {
	if !p.tok.is("(") {
		return p.number()
	}
	if err := p.open(); err != nil {
		return 0, err
	}
	defer p.close()
	p.advance()
	v, err := p.nested()
	if err == nil && !p.take(")") {
		err = p.unexpected()
	}
	return v, err
}

func (p *parser) number() (uint32, error) {
	if p.tok.kind != number {
		return 0, p.unexpected()
	}
	v, err := parseNumber(p.tok.text)
	if err != nil {
		return 0, p.errorf(p.tok.at, "%v", err)
	}
	p.advance()
	return v, nil
}

// qualifiers reads the qualifiers of an id. If there is a protocol alone, set
// is false.
func (p *parser) qualifiers() (q qualifiers, err error) {
	if proto, ok := p.protocol(); ok {
		q.proto, q.word = proto, p.tok.text
		if p.ahead.is("[") {
			return q, p.errorf(p.tok.at, "byte accesses such as %s[...] are not understood; %s", p.tok.text, useTcpdump)
		}
		p.advance()
	}
	if p.tok.is("src") || p.tok.is("dst") {
		q.set = true
		if q.dir, err = p.direction(); err != nil {
			return q, err
		}
	}
	q.typ = p.idType()
	q.set = q.set || q.typ != noType
	switch {
	case p.outside():
		return q, p.unexpected()
	case !q.set && q.proto == anyProtocol:
		return q, p.unexpected()
	}
	return q, nil
}

// protocol returns the protocol that the token names.
func (p *parser) protocol() (protocol, bool) {
	if p.tok.kind != keyword {
		return anyProtocol, false
	}
	proto, ok := protocols[p.tok.text]
	return proto, ok
}

// direction reads "src", "dst" and their combinations. After a direction,
// and and or belong to it.
func (p *parser) direction() (direction, error) {
	first, d := p.tok.text, dstOnly
	if first == "src" {
		d = srcOnly
	}
	p.advance()
	j, ok := p.junction()
	if !ok {
		return d, nil
	}
	if !p.tok.is("src") && !p.tok.is("dst") || p.tok.text == first {
		return d, p.unexpected()
	}
	p.advance()
	if j == and {
		return srcAndDst, nil
	}
	return srcOrDst, nil
}

func (p *parser) idType() idType {
	switch {
	case p.take("host"):
		return typeHost
	case p.take("net"):
		return typeNet
	case p.take("portrange"):
		return typePortRange
	case p.take("port"):
		return typePort
	}
	return noType
}

// outside reports whether the token is a word that the subset lacks.
func (p *parser) outside() bool { return p.tok.kind == keyword && !subset[p.tok.text] }

// unexpected is the error for a token that is out of place.
func (p *parser) unexpected() error {
	t := p.tok
	word := quote(t.text)
	switch {
	case t.kind == end:
		return p.errorf(t.at, "the expression is not complete")
	case p.outside():
		return p.errorf(t.at, "%s is not understood; %s", word, useTcpdump)
	case t.kind == symbol && operators[t.text]:
		return p.errorf(t.at, "arithmetic and byte accesses (%s) are not understood; %s", word, useTcpdump)
	case t.kind == symbol && strings.Contains(t.text, ":"):
		return p.errorf(t.at, "%s is not an address", word)
	case t.kind == name:
		return p.errorf(t.at, "unknown word %s; for the whole language, %s", word, useTcpdump)
	case t.kind == number || t.kind == ipv4 || t.kind == ipv6:
		return p.errorf(t.at, "%s needs host, net or port before it", word)
	}
	return p.errorf(t.at, "%s is out of place", word)
}

// trailing is the error for a token behind a complete expression.
func (p *parser) trailing() error {
	t := p.tok
	switch {
	case t.is("/") || t.is("mask") || t.is(")") || p.outside():
	case t.kind == keyword || t.kind == number || t.kind == ipv4 || t.kind == ipv6 || t.is("(") || t.is("not"):
		return p.errorf(t.at, `"and" or "or" is missing before %s`, quote(t.text))
	}
	return p.unexpected()
}

func (p *parser) errorf(at int, format string, args ...any) error {
	return &Error{Expr: p.src, Offset: at, What: fmt.Sprintf(format, args...)}
}
