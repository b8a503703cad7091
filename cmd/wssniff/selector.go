package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/capture/filter"
)

// A selector passes the packets that -f or --bpf-program ask for. A nil selector
// passes every packet.
type selector struct {
	expr    *filter.Expr    // nil: a program was given
	program *filter.Matcher // for all link types; nil: an expression was given
	byLink  map[capture.LinkType]*filter.Matcher
}

// newSelector reads what the options ask for. The error of an expression shows
// the place.
func (o *options) newSelector() (*selector, error) {
	switch {
	case o.filter != "":
		expr, err := filter.Parse(o.filter)
		if err != nil {
			return nil, showPlace(err)
		}
		return &selector{expr: expr, byLink: map[capture.LinkType]*filter.Matcher{}}, nil
	case o.bpfProgram != "":
		program, err := readProgram(o.bpfProgram)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.bpfProgram, err)
		}
		return &selector{program: program}, nil
	}
	return nil, nil
}

func showPlace(err error) error {
	if e, ok := errors.AsType[*filter.Error](err); ok {
		return fmt.Errorf("%w\n%s", err, e.Caret())
	}
	return err
}

func readProgram(name string) (*filter.Matcher, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer f.Close()
	p, err := filter.ParseProgram(f)
	if err != nil {
		return nil, err
	}
	return p.Matcher()
}

// match reports whether a packet passes. An expression is compiled for each link
// type when its first packet comes; the error of one for which it cannot be is
// returned once, and its packets do not pass.
func (s *selector) match(p *capture.Packet) (bool, error) {
	if s == nil {
		return true, nil
	}
	if s.program != nil {
		return s.program.Match(p.Data, p.WireLen), nil
	}
	m, ok := s.byLink[p.Link]
	if !ok {
		var err error
		if m, err = s.compile(p.Link); err != nil {
			s.byLink[p.Link] = nil
			return false, err
		}
		s.byLink[p.Link] = m
	}
	return m != nil && m.Match(p.Data, p.WireLen), nil
}

func (s *selector) compile(link capture.LinkType) (*filter.Matcher, error) {
	program, err := s.expr.Compile(link)
	if err != nil {
		return nil, showPlace(err)
	}
	return program.Matcher()
}
