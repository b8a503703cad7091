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
	clients   addrTable
	order     []*History // as they came
	servers   map[netip.AddrPort]*service
	services  []*service // as they came
	endpoints *endpoints
	fed       int     // attempts
	others    History // of clients beyond MaxClients, which servers know all the same
	incidents []Incident

	recall  func(number int) *Attempt // gets an attempt that was taken lately, nil if it is forgotten; nil: all are there at the end
	names   *Names                    // for recall
	changed map[int]*Attempt          // those that changes are about, by number, if recall is set
}

// A History is that of one client address. The attempts of thousands alternate, so
// that each costs the cache lines of the history that it touches: what every one
// needs comes first, and lists are searched in what is here of them.
type History struct {
	First, Last flow.Stamp // the earliest and the latest start of its attempts
	Attempts    int
	Opened      int // WebSockets
	Failed      int // attempts that opened none, but for redirects that were followed; those that nobody can judge are in neither
	number      int

	what    [maxPursuits]uint64 // what each of the pursuits is after, see pursuitOf
	started [maxPursuits]int64  // its latest attempt
	sites   [maxPeers]uint16    // the numbers of the servers of Peers

	pursuits []pursuit
	Peers    []Peer
	Agents   []string // User-Agents, in the order in which they came

	Addr     netip.Addr
	Verdicts [numVerdicts]int
	Causes   causes // of the failed ones, each counted once by its first error, the most frequent first
	Times    Times
	Rhythm   Rhythm
	Lives    Lives
	Breaks   int      // how often a failure followed a success, with the same host and path; a WebSocket that the client drops at once is none
	Changes  []Change // the first of them, and the last
	Fault    Side     // whose it is that attempts fail, if other clients and servers show it

	waits waits
	kept  []fracture // of the breaks
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
	failing          bool  // the latest attempt failed
	rush             int32 // the latest of the server's in which the client is counted, see rushes.add
	before, after    int   // WebSockets that the server had opened for all when the first and the latest attempt came
}

// A pursuit is what a client does about one host and path.
type pursuit struct {
	good   int   // number of the latest attempt that opened a WebSocket, if nothing failed since; 0: none
	ended  int64 // when the latest attempt was over; 0: it is not, or nobody saw it
	failed bool
}

// A fracture is a failure right after a success.
type fracture struct{ good, bad int }

// newHistories returns empty histories of attempts whose TLS connections went to
// endpoints.
func newHistories(endpoints *endpoints) *histories {
	return &histories{
		endpoints: endpoints, clients: newAddrTable(), servers: map[netip.AddrPort]*service{},
		others: History{number: -1}, changed: map[int]*Attempt{},
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
		if changes += len(c.kept); changes <= maxChanges && h.recall == nil {
			c.compareBreaks(at, names)
		}
		if i, ok := c.failsEverywhere(); ok {
			h.incidents = append(h.incidents, i)
		}
	}
	for _, s := range h.services {
		h.incidents = append(h.incidents, s.incidents()...)
	}
	h.incidents = append(h.incidents, h.endpoints.incidents(h.servers)...)
	slices.SortStableFunc(h.incidents, func(x, y Incident) int { return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.Code, y.Code)) })
}

// add takes the next attempt, of which nothing is kept.
func (h *histories) add(t *Attempt) {
	c, p, s := h.begin(t)
	c.end(t, p, s)
}

// begin takes the next attempt as far as its handshake goes, and returns the
// history of its client, and what else that has to do with it: nil if there is no
// room. If what it opened lasts, call stay, and end when that is over.
func (h *histories) begin(t *Attempt) (c *History, what *pursuit, site *service) {
	h.fed++
	c = h.client(t)
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
	p := c.pursuit(h.pursuitOf(t), start.Time)
	c.waits.begin(p, start.Time, t)
	switch {
	case opened:
		c.Opened++
	case failed:
		c.Failed++
		c.Causes.add(t)
	}
	switch {
	case failed || t.dropped():
		if p.good > 0 {
			c.addBreak(fracture{p.good, t.Number})
			h.compareNow(c, p.good, t)
		}
		p.good = 0
	case opened || t.Verdict == Encrypted && !t.has(TLSOpaqueLikelyRejected): // of the latter, the TLS handshake went well
		p.good = t.Number
	}
	if t.Verdict == TLSFailed && t.TLS != nil {
		h.endpoints.fail(t)
	}
	s := h.server(t)
	if s != nil {
		p, fell := c.peer(s), false
		if p != nil {
			fell = p.add(opened, failed)
		}
		s.add(t, c, p, start.Time, opened, failed, fell)
	}
	return c, p, s
}

// stay notes that what an attempt opened, which begin has taken, is still open.
func (h *histories) stay(t *Attempt) {
	if s := h.server(t); s != nil && t.opened() {
		s.stay(t, h.client(t))
	}
}

// end takes how that ended.
func (h *histories) end(t *Attempt) {
	c, s := h.client(t), h.server(t)
	var p *pursuit
	if i := slices.Index(c.what[:len(c.pursuits)], h.pursuitOf(t)); i >= 0 && c.started[i] == begun(t).Time {
		p = &c.pursuits[i]
	}
	if s != nil {
		delete(s.open, t.Number)
	}
	c.end(t, p, s)
}

// end takes how an attempt ended.
func (c *History) end(t *Attempt, p *pursuit, s *service) {
	if p != nil {
		p.end(t)
	}
	if !t.opened() {
		return
	}
	c.Lives.add(t)
	if s != nil {
		s.end(t, c)
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
	hash := h.clients.hash(addr)
	if n := h.clients.find(addr, hash); n >= 0 {
		return h.order[n]
	}
	if len(h.order) >= MaxClients {
		return &h.others
	}
	c := &History{Addr: addr, First: begun(t), number: h.clients.add(addr, hash)}
	h.order = append(h.order, c)
	return c
}

// of returns the history of a client, nil if it has none.
func (h *histories) of(addr netip.Addr) *History {
	if n := h.clients.find(addr, h.clients.hash(addr)); n >= 0 {
		return h.order[n]
	}
	return nil
}

// server returns the history of the server of an attempt, nil if there are too
// many.
func (h *histories) server(t *Attempt) *service {
	addr := t.Server()
	s := h.servers[addr]
	if s == nil && len(h.servers) < maxServers {
		s = &service{addr: addr, number: uint16(len(h.services))}
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
	if t.Request.shape == nil { // else the text is that of all heads alike, which stays, and comparing looks at no byte
		agent = strings.Clone(agent)
	}
	c.Agents = append(c.Agents, agent)
}

// pursuitOf tells what an attempt is after: the host and the path that it asks
// for.
func (h *histories) pursuitOf(t *Attempt) uint64 {
	if t.OnlyTLS() {
		return 5 * maphash.String(h.clients.seed, t.TLS.ServerName)
	}
	if t.Request == nil {
		return 0
	}
	host, _ := t.Request.Head.Get("Host")
	path, _, _ := strings.Cut(t.Request.Head.Target, "?")
	seed := h.clients.seed
	return 3*maphash.String(seed, host) + maphash.String(seed, path)
}

// pursuit returns what a client has done about something, and notes that it began
// another attempt. If there are too many, it takes the place of the one that rested
// longest.
func (c *History) pursuit(what uint64, start int64) *pursuit {
	i, n := 0, len(c.pursuits)
	for i < n && c.what[i] != what {
		i++
	}
	switch {
	case i < n:
	case n < maxPursuits:
		c.pursuits = append(c.pursuits, pursuit{})
	default:
		i = 0
		for k, at := range c.started {
			if at < c.started[i] {
				i = k
			}
		}
		c.pursuits[i] = pursuit{}
	}
	c.what[i], c.started[i] = what, start
	return &c.pursuits[i]
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

// compareNow compares the attempts of the latest break of a client while the
// capture goes on, and keeps of such comparisons the first ones and the last.
func (h *histories) compareNow(c *History, good int, bad *Attempt) {
	if h.recall == nil {
		return
	}
	t := h.recall(good)
	if n := len(c.Changes); n > keptBreaks {
		delete(h.changed, c.Changes[keptBreaks].Good)
		delete(h.changed, c.Changes[keptBreaks].Bad)
		c.Changes = c.Changes[:keptBreaks]
	}
	if t == nil || len(h.changed) >= 2*maxChanges {
		return
	}
	c.Changes = append(c.Changes, newChange(t, bad, h.names))
	h.changed[good], h.changed[bad.Number] = t.Clone(), bad.Clone()
}

// peer returns what the client has to do with a server, nil if there are too many.
func (c *History) peer(s *service) *Peer {
	n := len(c.Peers)
	for i, number := range c.sites[:n] {
		if number == s.number {
			return &c.Peers[i]
		}
	}
	if n == maxPeers {
		return nil
	}
	c.sites[n] = s.number
	c.Peers = append(c.Peers, Peer{Server: s.addr, site: s, before: s.opened})
	return &c.Peers[n]
}

// add counts an attempt. It reports whether the client fell into trouble with the
// server: the attempt failed, and before it none did since one opened a WebSocket,
// or since the server was first seen if it opened none for anybody.
func (p *Peer) add(opened, failed bool) (fell bool) {
	p.Attempts++
	p.after = p.site.opened
	fell = failed && !p.failing && (p.Opened > 0 || p.site.opened == 0)
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
