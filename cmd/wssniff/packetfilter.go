package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/net/bpf"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/capture/filter"
)

// A packetFilter passes the packets that -f or --bpf-program ask for. A nil one
// passes every packet.
type packetFilter struct {
	expr    *filter.Expr    // nil: a program was given
	given   filter.Program  // for all link types; nil: an expression was given
	program *filter.Matcher // of given
	byLink  map[capture.LinkType]*filter.Matcher
}

// newPacketFilter reads what the options ask for. The error of an expression
// shows the place.
func (o *options) newPacketFilter() (*packetFilter, error) {
	switch {
	case o.filter != "":
		expr, err := filter.Parse(o.filter)
		if err != nil {
			return nil, showPlace(err)
		}
		return &packetFilter{expr: expr, byLink: map[capture.LinkType]*filter.Matcher{}}, nil
	case o.bpfProgram != "":
		f := &packetFilter{}
		if err := f.readProgram(o.bpfProgram); err != nil {
			return nil, fmt.Errorf("%s: %w", o.bpfProgram, err)
		}
		return f, nil
	}
	return nil, nil
}

func showPlace(err error) error {
	if e, ok := errors.AsType[*filter.Error](err); ok {
		return fmt.Errorf("%w\n%s", err, e.Caret())
	}
	return err
}

func (f *packetFilter) readProgram(name string) error {
	r, err := os.Open(name)
	if err != nil {
		return errors.Unwrap(err)
	}
	defer r.Close()
	if f.given, err = filter.ParseProgram(r); err != nil {
		return err
	}
	f.program, err = f.given.Matcher()
	return err
}

// forKernel is the filter as a live capture takes it.
func (f *packetFilter) forKernel() func(capture.LinkType) ([]bpf.RawInstruction, error) {
	if f == nil {
		return nil
	}
	return func(link capture.LinkType) ([]bpf.RawInstruction, error) {
		if f.given != nil {
			return f.given, nil
		}
		p, err := f.expr.Compile(link)
		if err != nil {
			return nil, showPlace(err)
		}
		return p, nil
	}
}

// match reports whether a packet passes. An expression is compiled for each link
// type when its first packet comes; the error of one for which it cannot be is
// returned once, and its packets do not pass.
func (f *packetFilter) match(p *capture.Packet) (bool, error) {
	if f == nil {
		return true, nil
	}
	return f.run(p)
}

func (f *packetFilter) run(p *capture.Packet) (bool, error) {
	if f.program != nil {
		return f.program.Match(p.Data, p.WireLen), nil
	}
	m, ok := f.byLink[p.Link]
	if !ok {
		var err error
		if m, err = f.compile(p.Link); err != nil {
			f.byLink[p.Link] = nil
			return false, err
		}
		f.byLink[p.Link] = m
	}
	return m != nil && m.Match(p.Data, p.WireLen), nil
}

func (f *packetFilter) compile(link capture.LinkType) (*filter.Matcher, error) {
	program, err := f.expr.Compile(link)
	if err != nil {
		return nil, showPlace(err)
	}
	return program.Matcher()
}
