// Package analyze turns the bytes of connections into HTTP heads, heads into
// attempts to open a WebSocket, and attempts into verdicts and findings.
//
// It is pure: chunks in, values out; no files, no packets, no clock.
package analyze

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/wssniff/wssniff/internal/prefetch"
	"github.com/wssniff/wssniff/reassembly/flow"
	"github.com/wssniff/wssniff/tlsdecrypt"
)

// Limits bound what one connection may make the analyser hold. The zero value of
// a field means its default.
type Limits struct {
	Head      int // bytes of a head, while its end is awaited; default MaxHead
	Pipelined int // requests that wait for their answers; default MaxPipelined
	Held      int // bytes a client sent while the answer to its upgrade request is awaited; default MaxHeld
	Attempts  int // attempts of the whole capture; default MaxAttempts, at most 2^28-1
}

const (
	MaxHead      = 64 << 10
	MaxPipelined = 256
	MaxHeld      = 64 << 10
	MaxAttempts  = 1 << 22

	maxBody    = 320     // bytes of the body of a refusal kept: enough for what Apache says on a port for TLS
	maxPerConn = 4096    // attempts on one connection
	maxSpare   = 4 << 10 // bytes of a buffer that waits to be used again; larger ones are dropped
)

// An Analyzer follows the connections of one capture that carry HTTP. It is not safe for
// concurrent use.
type Analyzer struct {
	ConnectFailures ConnectFailures // what is listed of those; to be set before Finish

	limits  Limits
	result  Result
	moved   map[netip.Addr]bool // clients that were redirected to https or wss
	movedTo map[string]bool     // the hosts that they were redirected to, in lower case
	tls     []tlsStart          // connections that may follow such a redirect

	refusals     map[netip.Addr][]refusedConn // what refused clients that were redirected; those clients alone are in it
	sessions     []*session                   // by number
	unused       []uint32                     // of them, those that are free
	messageBytes int                          // of messages in sessions
	certificates certificates
	decrypter    *tlsdecrypt.Decrypter // nil: there are no keys
	keys         *tlsdecrypt.Keys      // of that
	arrival      Arrival               // of them
	inside       *session              // whose plaintext is being read
	plain        flow.Chunk            // of that
	frames       framer                // of HTTP/2
	headers      headerList            // of the last header block
	tables       int                   // bytes in the dynamic tables of all connections
	keptTLS      []keptTLS             // that may be listed
	keptOpaque   int                   // of them, those that others must speak for
	endpoints    endpoints             // that TLS connections went to

	streams  []*stream // by number
	idle     []*stream // of them, those that are free
	sockets  sockets
	headBufs headBufs
	drafts   []*draft              // that are free
	elders   map[uint32][]*draft   // attempts on a connection before the one that opened its WebSocket, by the number of its socket
	outlived map[uint32][]*Upgrade // the same of upgrades to other protocols
	payloads map[payloadOf][]byte  // the beginnings of Close frames that came in pieces

	watch      *watch // nil: everything is decided at the end
	entries    entries
	decided    int  // of entries, those whose answer is known or will not come
	latest     int  // frame of the last request in entries
	disordered bool // entries are not in the order of their requests
	journal    journal
	packer     packer
	phrases    phrases
	forms      forms
	turnout    turnout
	serverIPs  map[netip.Addr]bool

	names   Names
	answer  answer // the last one
	dnsHeld dnsHeld
	hosts   Hosts
}

// New returns an Analyzer. Nil Limits means all defaults.
func New(l *Limits) *Analyzer {
	if l == nil {
		l = &Limits{}
	}
	a := &Analyzer{
		limits: Limits{cmp.Or(l.Head, MaxHead), cmp.Or(l.Pipelined, MaxPipelined), cmp.Or(l.Held, MaxHeld), min(cmp.Or(l.Attempts, MaxAttempts), mostAttempts)},
		moved:  map[netip.Addr]bool{}, movedTo: map[string]bool{}, refusals: map[netip.Addr][]refusedConn{}, serverIPs: map[netip.Addr]bool{},
		result:  Result{Undecrypted: map[tlsdecrypt.Reason]int{}},
		turnout: newTurnout(), elders: map[uint32][]*draft{}, outlived: map[uint32][]*Upgrade{}, payloads: map[payloadOf][]byte{},
	}
	a.packer.phrases, a.packer.forms, a.packer.journal = &a.phrases, &a.forms, &a.journal
	return a
}

// What the analyser keeps of a connection is told by the low bits of its state,
// which is in the flow.Conn: the rest is a number.
const (
	notOurs  = 1 // nothing that is read
	inStream = 2 // a stream
	inSocket = 3 // a socket
	silent   = 4 // an attempt that opened a WebSocket on which nothing was seen yet; its entry, and who is the client
	inTLS    = 5 // a session
	inStart  = 6 // a TLS connection that may follow a redirect, and is not read any more
	inDNS    = 7 // a connection of DNS; where the beginning of a message is held, 0: there is none

	kindBits   = 3
	kindMask   = 1<<kindBits - 1
	silentBits = kindBits + 1

	mostAttempts = 1<<(32-silentBits) - 1 // else the entry of a silent one does not fit
)

// Chunk takes the next bytes of a connection and says which are wanted next. It
// keeps nothing of c.
func (a *Analyzer) Chunk(c *flow.Chunk) flow.Want {
	want := a.take(c)
	if c.Evidence != nil {
		a.over(c.Conn, c.Evidence)
	}
	return want
}

func (a *Analyzer) take(c *flow.Chunk) flow.Want {
	state := c.Conn.State
	switch state & kindMask {
	case inSocket:
		return a.sockets.chunk(a, c, state>>kindBits)
	case silent:
		return a.inSilence(c)
	case inStream:
		return a.streams[state>>kindBits].chunk(c)
	case inDNS:
		return a.dnsChunk(c)
	case inTLS:
		return a.tlsChunk(c, state>>kindBits)
	case notOurs, inStart:
		return flow.None
	}
	switch {
	case c.End != flow.Open:
		return flow.None
	case c.Lost == 0 && startsTLS(c.Data):
		return a.beginTLS(c)
	case startsSOCKS(c):
		return a.beginSOCKS(c.Conn)
	case startsDNS(c):
		c.Conn.State = inDNS
		return a.dnsChunk(c)
	}
	return a.newStream(c.Conn).chunk(c)
}

// Foresee asks the processor for what is kept of a connection of a state, whose next
// bytes come in a moment. Many open connections do not fit into a cache.
func (a *Analyzer) Foresee(state uint32) {
	number := state >> kindBits
	switch state & kindMask {
	case inSocket:
		prefetch.Lines(a.sockets.at(number))
	case inStream:
		s := a.streams[number]
		prefetch.Lines(s)
		prefetch.Lines(&s.dirs[1])
	}
}

// newStream begins to read a connection.
func (a *Analyzer) newStream(c *flow.Conn) *stream {
	var s *stream
	if n := len(a.idle); n > 0 {
		s, a.idle = a.idle[n-1], a.idle[:n-1]
	} else {
		s = &stream{a: a, state: uint32(len(a.streams))<<kindBits | inStream}
		a.streams = append(a.streams, s)
	}
	c.State = s.state
	if s.outer = a.inside; s.outer != nil {
		s.tunnel = s.outer.tunnel
	}
	return s
}

// release ends the reading of a connection.
func (a *Analyzer) release(s *stream) {
	s.conn.State = notOurs
	if s.h2 != nil {
		a.dropTable(&s.h2.ways[0])
		a.dropTable(&s.h2.ways[1])
	}
	*s = stream{a: a, state: s.state, pending: s.pending[:0], drafts: s.drafts[:0], last: lastRequest{raw: spare(s.last.raw)}}
	a.idle = append(a.idle, s)
}

// inSilence takes the first bytes of an upgraded connection, or its end.
func (a *Analyzer) inSilence(c *flow.Chunk) flow.Want {
	if len(c.Data) == 0 && c.Lost == 0 && c.End != flow.Evicted {
		return flow.All
	}
	w, number := a.sockets.get()
	w.entry, w.client = ofSilent(c.Conn.State)
	c.Conn.State = number<<kindBits | inSocket
	return a.sockets.chunk(a, c, number)
}

// ofSilent returns the entry of a silent attempt, and the direction in which its
// client sends.
func ofSilent(state uint32) (entry uint32, client flow.Dir) {
	return state >> silentBits, flow.Dir(state >> kindBits & 1)
}

// over closes the books of a connection.
func (a *Analyzer) over(c *flow.Conn, e *flow.Evidence) {
	number := c.State >> kindBits
	switch c.State & kindMask {
	case inStream:
		a.streams[number].finish(e)
	case inSocket:
		a.closeSocket(number, e)
	case silent:
		var w socket
		w.entry, w.client = ofSilent(c.State)
		a.keepEnding(&w, e)
	case inTLS:
		a.endTLS(c, number, e)
	case inStart:
		a.overTLS(number, e)
	case inDNS:
		a.dnsHeld.take(number)
	}
	c.State = notOurs
}

// list adds an attempt to the list and returns its number, or 0 if there are too
// many. A nil request was not seen.
func (a *Analyzer) list(request *Message) uint32 {
	if a.watch != nil {
		return a.watch.newEntry(a)
	}
	if a.entries.n >= a.limits.Attempts {
		return 0
	}
	if request == nil || request.Done.Frame <= a.latest {
		a.disordered = true
	} else {
		a.latest = request.Done.Frame
	}
	return a.entries.add()
}

// listUpgrades lists upgrades to other protocols, whose connection is over.
func (a *Analyzer) listUpgrades(list []*Upgrade, e *flow.Evidence) {
	for _, u := range list {
		if a.watch != nil && len(a.result.Upgrades) >= maxUpgrades {
			a.result.UnlistedUpgrades++
			continue
		}
		u.Conn = cloneEvidence(e)
		a.result.Upgrades = append(a.result.Upgrades, u)
	}
}

// spare returns a buffer to be used again, emptied; nil if it is too large to
// wait for that.
func spare(b []byte) []byte {
	if cap(b) > maxSpare {
		return nil
	}
	return b[:0]
}

// startsTLS reports whether bytes begin with a TLS handshake record, RFC 8446,
// Section 5.1.
func startsTLS(b []byte) bool {
	return len(b) >= 3 && b[0] == 0x16 && b[1] == 3 && b[2] <= 4
}

// Decided is the number of listed attempts that were answered with a 101 or on
// HTTP/2, or whose connection is over.
func (a *Analyzer) Decided() int { return a.decided }

// SoFar returns the counts of what was found up to now, while the capture goes on.
func (a *Analyzer) SoFar() *Result {
	r := a.result
	a.count(&r)
	return &r
}

// count takes over what others count.
func (a *Analyzer) count(r *Result) {
	r.UnreadCertificates = a.certificates.unread
	r.Names, r.UnlistedNames = &a.names, a.names.unlisted
	r.Hosts, r.UnlistedHosts = &a.hosts, a.hosts.unlisted
}

// Listed is the number of attempts that are kept.
func (a *Analyzer) Listed() int {
	if a.watch != nil {
		return a.entries.n - len(a.watch.free)
	}
	return a.entries.n
}

// Finish judges what depends on the whole capture and returns everything found.
// last is the capture's last packet, drops the number of packets that it lost
// (less than one: none that is known). Every connection must have ended (see
// reassembly.Reassembler.Finish). The Result refers to the Analyzer, which must
// not be used any more. If it watches, call Decide for the last time before: then
// the Result has no chains, and a list of no attempts, At of which knows those that
// Changes are about.
func (a *Analyzer) Finish(last flow.Stamp, drops int64) *Result {
	r := &a.result
	a.names.index()
	if a.watch != nil {
		r.Attempts = Attempts{at: func(i int) *Attempt { return a.watch.histories.changed[i+1] }}
		r.book = &book{attempts: r.Attempts, names: &a.names, histories: a.watch.histories}
	}
	a.count(r)
	slices.SortStableFunc(r.Upgrades, func(x, y *Upgrade) int { return cmp.Compare(x.frame(), y.frame()) })
	if a.watch != nil {
		return r
	}
	a.listTLS(a.ConnectFailures)
	j := newJudge(a, last, drops)
	j.relate()
	r.Chains = j.chains()
	r.book = newBook(Attempts{n: j.len(), at: j.attempt}, r.Names, &a.endpoints)
	r.Attempts = Attempts{n: j.len(), at: r.book.at, client: func(i int) netip.Addr { return j.glance(i).client }}
	return r
}

func (u *Upgrade) frame() int {
	if u.Request != nil {
		return u.Request.Done.Frame
	}
	return u.Response.Done.Frame
}
