// Package analyze turns the bytes of connections into HTTP heads, heads into
// attempts to open a WebSocket, and attempts into verdicts and findings.
//
// It is pure: chunks in, values out; no files, no packets, no clock.
package analyze

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// Limits bound what one connection may make the analyser hold. The zero value of
// a field means its default.
type Limits struct {
	Head      int // bytes of a head, while its end is awaited; default MaxHead
	Pipelined int // requests that wait for their answers; default MaxPipelined
	Held      int // bytes a client sent while the answer to its upgrade request is awaited; default MaxHeld
	Attempts  int // attempts of the whole capture; default MaxAttempts
}

const (
	MaxHead      = 64 << 10
	MaxPipelined = 256
	MaxHeld      = 64 << 10
	MaxAttempts  = 1 << 20

	maxBody    = 200  // bytes of the body of a refusal kept for display
	maxPerConn = 4096 // attempts on one connection
)

// An Analyzer follows the HTTP/1 connections of one capture. It is not safe for
// concurrent use.
type Analyzer struct {
	limits Limits
	result Result
	moved  map[netip.Addr]bool // clients that were redirected to https or wss
	tls    map[tlsPeer][]int64 // times at which such clients began TLS connections
	starts int                 // in tls
}

// A tlsPeer is a client and the port to which it began a TLS connection.
type tlsPeer struct {
	client netip.Addr
	port   uint16
}

// New returns an Analyzer. Nil Limits means all defaults.
func New(l *Limits) *Analyzer {
	if l == nil {
		l = &Limits{}
	}
	limits := Limits{cmp.Or(l.Head, MaxHead), cmp.Or(l.Pipelined, MaxPipelined), cmp.Or(l.Held, MaxHeld), cmp.Or(l.Attempts, MaxAttempts)}
	return &Analyzer{limits: limits, moved: map[netip.Addr]bool{}, tls: map[tlsPeer][]int64{}}
}

// notOurs is the state of connections that carry nothing to be read.
var notOurs = new(stream)

// Chunk takes the next bytes of a connection and says which are wanted next. It
// keeps nothing of c.Data.
func (a *Analyzer) Chunk(c flow.Chunk) flow.Want {
	if w, ok := c.Conn.State.(*webSocket); ok {
		return w.chunk(&c)
	}
	s, _ := c.Conn.State.(*stream)
	if s == nil {
		if c.End != flow.Open {
			return flow.None
		}
		s = a.admit(&c)
		c.Conn.State = s
	}
	if s == notOurs {
		return flow.None
	}
	return s.chunk(&c)
}

// admit decides what a connection is by its first bytes.
func (a *Analyzer) admit(c *flow.Chunk) *stream {
	if c.Lost == 0 && startsTLS(c.Data) {
		a.noteTLS(c.Conn, c.Dir, c.Stamp)
		return notOurs
	}
	return &stream{a: a, conn: c.Conn}
}

// startsTLS reports whether bytes begin with a TLS handshake record, RFC 8446,
// Section 5.1.
func startsTLS(b []byte) bool {
	return len(b) >= 3 && b[0] == 0x16 && b[1] == 3 && b[2] <= 4
}

// noteTLS counts a TLS connection, and remembers it if its client was redirected
// to one.
func (a *Analyzer) noteTLS(c *flow.Conn, dir flow.Dir, at flow.Stamp) {
	a.result.TLSConns++
	client := c.Addr(dir).Addr()
	if a.moved[client] && a.starts < maxTLSStarts {
		peer := tlsPeer{client, c.Addr(dir.Reverse()).Port()}
		a.tls[peer] = append(a.tls[peer], at.Time)
		a.starts++
	}
}

// maxTLSStarts bounds the TLS connections remembered to see whether redirects
// were followed.
const maxTLSStarts = 1 << 20

// Finish judges what depends on the whole capture and returns everything found.
// last is the capture's last packet, drops the number of packets that it lost
// (less than one: none that is known). Every connection must have ended (see
// reassembly.Reassembler.Finish).
func (a *Analyzer) Finish(last flow.Stamp, drops int64) *Result {
	r := &a.result
	slices.SortStableFunc(r.Attempts, func(x, y *Attempt) int {
		return cmp.Or(cmp.Compare(x.order(), y.order()), cmp.Compare(x.Conn.ID, y.Conn.ID), cmp.Compare(x.offset(), y.offset()))
	})
	slices.SortStableFunc(r.Upgrades, func(x, y *Upgrade) int { return cmp.Compare(x.frame(), y.frame()) })
	for i, t := range r.Attempts {
		t.Number = i + 1
		t.judge(last, drops)
	}
	relate(r.Attempts)
	for _, t := range r.Attempts {
		t.decide()
		t.allowForDoubt()
	}
	for _, times := range a.tls {
		slices.Sort(times)
	}
	r.Chains = a.chains(r.Attempts, last)
	for _, t := range r.Attempts {
		sortFindings(t.Findings)
	}
	return r
}

// order is the frame by which attempts are listed.
func (a *Attempt) order() int {
	switch {
	case a.Request != nil:
		return a.Request.Done.Frame
	case a.Response != nil:
		return a.Response.Done.Frame
	}
	return a.Conn.First.Frame
}

// offset is where the request begins, for attempts of one connection that are
// complete with one packet.
func (a *Attempt) offset() int64 {
	if a.Request == nil {
		return 0
	}
	return a.Request.Offset
}

func (u *Upgrade) frame() int {
	if u.Request != nil {
		return u.Request.Done.Frame
	}
	return u.Response.Done.Frame
}
