package analyze

import (
	"cmp"
	"hash/maphash"
	"net/netip"
	"slices"
	"strings"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// Bounds of histories. What is beyond them is counted with the whole, and not
// told apart.
const (
	MaxClients  = 1 << 16 // client addresses
	maxServers  = 1 << 14 // server addresses and ports
	maxPeers    = 16      // servers of one client
	maxPursuits = 8       // host and path of one client
	maxAgents   = 4       // User-Agents of one client
	maxCauses   = 6       // codes of one client
)

// Histories put together what belongs to one client or server over many
// attempts. They are fed one attempt after the other and keep none.
type histories struct {
	seed      maphash.Seed
	clients   map[netip.Addr]*History
	order     []*History // as they came
	servers   map[netip.AddrPort]*service
	services  []*service // as they came
	fed       int        // attempts
	others    History    // of clients beyond MaxClients, which servers know all the same
	incidents []Incident
}

// A History is that of one client address.
type History struct {
	Addr        netip.Addr
	Agents      []string   // User-Agents, in the order in which they came
	First, Last flow.Stamp // the earliest and the latest start of its attempts
	Attempts    int
	Opened      int // WebSockets
	Failed      int // attempts that opened none, but for redirects that were followed; those that nobody can judge are in neither
	Verdicts    [numVerdicts]int
	Causes      causes // of the failed ones, each counted once by its first error, the most frequent first
	Peers       []Peer
	Times       Times
	Rhythm      Rhythm
	Lives       Lives
	Breaks      int      // how often a failure followed a success, with the same host and path; a WebSocket that the client drops at once is none
	Changes     []Change // the first of them, and the last
	Fault       Side     // whose it is that attempts fail, if other clients and servers show it

	number   int
	pursuits []pursuit
	waits    waits
	kept     []fracture // of the breaks
}

// A Cause is why attempts of a client failed.
type Cause struct {
	Code  Code
	Count int
}

// A Peer is a server that a client tried.
type Peer struct {
	Server           netip.AddrPort
	Attempts, Opened int
	site             *service
	failing          bool // the latest attempt failed
	before, after    int  // WebSockets that the server had opened for all when the first and the latest attempt came
}

// A pursuit is what a client does about one host and path.
type pursuit struct {
	what    uint64
	good    int   // number of the latest attempt that opened a WebSocket, if nothing failed since; 0: none
	ended   int64 // when the latest attempt was over; 0: it is not, or nobody saw it
	started int64
	failed  bool
}

// A fracture is a failure right after a success.
type fracture struct{ good, bad int }

// newHistories returns empty histories.
func newHistories() *histories {
	return &histories{
		seed: maphash.MakeSeed(), clients: map[netip.Addr]*History{}, servers: map[netip.AddrPort]*service{},
		others: History{number: -1},
	}
}

// finish says what the attempts show together, and compares those that a client
// kept; with at it gets them.
func (h *histories) finish(at func(i int) *Attempt, names *Names) {
	changes := 0
	for _, c := range h.order {
		c.Rhythm, c.Lives.Median = c.waits.rhythm(), c.Lives.sample.median()
		slices.SortStableFunc(c.Lives.Ends, func(x, y LifeEnd) int { return y.Count - x.Count })
		c.Causes.sort()
		c.Fault = c.whoFails()
		if changes += len(c.kept); changes <= maxChanges {
			c.compareBreaks(at, names)
		}
		if i, ok := c.failsEverywhere(); ok {
			h.incidents = append(h.incidents, i)
		}
	}
	for _, s := range h.services {
		h.incidents = append(h.incidents, s.incidents()...)
	}
	slices.SortStableFunc(h.incidents, func(x, y Incident) int { return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.Code, y.Code)) })
}

// add takes the next attempt, of which nothing is kept.
func (h *histories) add(t *Attempt) {
	h.fed++
	c := h.client(t)
	start, opened, failed := begun(t), t.opened(), t.failed()
	if start.Time < c.First.Time { // a request that was sent slowly is listed late
		c.First = start
	}
	if start.Time > c.Last.Time || c.Attempts == 0 {
		c.Last = start
	}
	c.Attempts++
	c.Verdicts[t.Verdict]++
	c.Times.add(start.Time, failed)
	c.addAgent(t)
	p := c.pursuit(h.pursuitOf(t))
	c.waits.add(p, start.Time, t)
	switch {
	case opened:
		c.Opened++
		c.Lives.add(t)
	case failed:
		c.Failed++
		c.Causes.add(t)
	}
	switch {
	case failed || t.dropped():
		if p.good > 0 {
			c.addBreak(fracture{p.good, t.Number})
		}
		p.good = 0
	case opened || t.Verdict == Encrypted: // of the latter, the TLS handshake went well
		p.good = t.Number
	}
	if s := h.server(t); s != nil {
		fell := c.peer(s, opened, failed)
		s.add(t, c, start.Time, opened, failed, fell)
	}
}

// begun returns when a client began an attempt: with the SYN, if the attempt is
// the first of its connection and the capture has it.
func begun(t *Attempt) flow.Stamp {
	if t.Conn.SYN.Seen() && (t.Request == nil || t.Request.Offset == 0) {
		return t.Conn.SYN
	}
	return t.Start()
}

// opened reports whether a WebSocket was opened, as far as the server is
// concerned: with a wrong Accept the client closes it.
func (t *Attempt) opened() bool { return t.Verdict.Opened() && t.Response != nil }

// dropped reports whether a client did not take the WebSocket that it was given,
// for which it may have other reasons than the checks know.
func (t *Attempt) dropped() bool { return t.has(AcceptOKButClientRefuses) }

// failed reports whether an attempt came to nothing. A redirect that was followed
// did not.
func (t *Attempt) failed() bool {
	if r := t.Redirect; t.Verdict == Redirected && r != nil && r.Hop < r.Chain.Long {
		return false
	}
	return t.Verdict.Failed()
}

func (h *histories) client(t *Attempt) *History {
	addr := t.Client().Addr()
	c := h.clients[addr]
	switch {
	case c != nil:
		return c
	case len(h.order) >= MaxClients:
		return &h.others
	}
	c = &History{Addr: addr, First: begun(t), number: len(h.order)}
	h.clients[addr] = c
	h.order = append(h.order, c)
	return c
}

func (h *histories) server(t *Attempt) *service {
	addr := t.Server()
	s := h.servers[addr]
	if s == nil && len(h.servers) < maxServers {
		s = &service{addr: addr}
		h.servers[addr] = s
		h.services = append(h.services, s)
	}
	return s
}

func (c *History) addAgent(t *Attempt) {
	if t.Request == nil {
		return
	}
	agent, ok := t.Request.Head.Get("User-Agent")
	if !ok || len(c.Agents) >= maxAgents {
		return
	}
	for _, a := range c.Agents {
		if a == agent {
			return
		}
	}
	c.Agents = append(c.Agents, strings.Clone(agent))
}

// pursuitOf tells what an attempt is after: the host and the path that it asks
// for.
func (h *histories) pursuitOf(t *Attempt) uint64 {
	var m maphash.Hash
	m.SetSeed(h.seed)
	if t.Request != nil {
		host, _ := t.Request.Head.Get("Host")
		path, _, _ := strings.Cut(t.Request.Head.Target, "?")
		m.WriteString(host)
		m.WriteString(path)
	} else if t.TLS != nil {
		m.WriteString("TLS ")
		m.WriteString(t.TLS.ServerName)
	}
	return m.Sum64()
}

// pursuit returns that of a client, the one that rested longest if there are too
// many.
func (c *History) pursuit(what uint64) *pursuit {
	oldest := 0
	for i := range c.pursuits {
		p := &c.pursuits[i]
		if p.what == what {
			return p
		}
		if p.started < c.pursuits[oldest].started {
			oldest = i
		}
	}
	if len(c.pursuits) < maxPursuits {
		oldest = len(c.pursuits)
		c.pursuits = append(c.pursuits, pursuit{})
	}
	c.pursuits[oldest] = pursuit{what: what}
	return &c.pursuits[oldest]
}

// Causes count why attempts failed, the most frequent first when they are
// sorted.
type causes []Cause

// add counts the first error of a failed attempt, of the codes that came first.
func (c *causes) add(t *Attempt) {
	for _, f := range t.Findings {
		if f.Severity != Error {
			continue
		}
		for i := range *c {
			if (*c)[i].Code == f.Code {
				(*c)[i].Count++
				return
			}
		}
		if len(*c) < maxCauses {
			*c = append(*c, Cause{f.Code, 1})
		}
		return
	}
}

const keptBreaks = 3

// addBreak counts a break, and keeps the first ones and the last.
func (c *History) addBreak(f fracture) {
	if c.Breaks++; len(c.kept) > keptBreaks {
		c.kept = c.kept[:keptBreaks]
	}
	c.kept = append(c.kept, f)
}

// peer counts an attempt with a server. It reports whether the client fell into
// trouble with it: the attempt failed, and before it none did since one opened a
// WebSocket, or since the server was first seen if it opened none for anybody.
func (c *History) peer(s *service, opened, failed bool) (fell bool) {
	i := 0
	for i < len(c.Peers) && c.Peers[i].site != s {
		i++
	}
	if i == len(c.Peers) {
		if i >= maxPeers {
			return false
		}
		c.Peers = append(c.Peers, Peer{Server: s.addr, site: s, before: s.opened})
	}
	p := &c.Peers[i]
	p.Attempts++
	p.after = s.opened
	fell = failed && !p.failing && (p.Opened > 0 || s.opened == 0)
	p.failing = failed || p.failing && !opened
	if opened {
		p.Opened++
	}
	return fell
}

// othersServed reports whether the server opened a WebSocket for somebody else
// between the attempts of a client that got none from it. What it did before and
// after them says nothing of that time.
func (p *Peer) othersServed() bool { return p.after > p.before }

// whoFails tells on which side the failures of a client lie, as far as others show
// it: on its own if its servers open WebSockets for others meanwhile, on the
// servers' if they have failed for several and opened one for nobody.
func (c *History) whoFails() Side {
	if c.Failed == 0 || c.Opened > 0 || len(c.Peers) == 0 { // it may have opened some with a server that is not listed
		return NoSide
	}
	others, nobody := 0, 0
	for _, p := range c.Peers {
		switch {
		case p.othersServed():
			others++
		case p.site.opened == 0 && len(p.site.streak.clients) > 1:
			nobody++
		}
	}
	switch len(c.Peers) {
	case others:
		return Client
	case nobody:
		return Server
	}
	return NoSide
}
