package analyze

import (
	"bytes"
	"slices"
	"strings"

	"golang.org/x/net/http2"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A stream is a connection that may carry HTTP.
type stream struct {
	a            *Analyzer
	conn         *flow.Conn // valid while a chunk is taken
	state        uint32     // of conn, see Analyzer.Chunk
	dirs         [2]parser
	roles        bool        // client is known
	client       flow.Dir    // the direction in which the client sends
	links        [2]flow.MAC // source addresses of the frames with the first bytes of each direction
	waits        int         // pending exchanges whose answer decides what the client's next bytes are
	pending      []exchange
	early        *early
	last         lastRequest
	challenged   []challenge // refused CONNECTs that may still succeed
	tunnel       string      // target of the CONNECT that turned the connection into a tunnel
	current      *draft
	drafts       []*draft   // listed attempts that were begun
	upgrades     []*Upgrade // to other protocols, listed when the connection is over
	made         int
	socket       *socket // what the connection turned into; nil: it did not
	socketNumber uint32
	h2           *h2          // what it turned into; nil: it did not
	outer        *session     // the TLS around it; nil: there is none
	tls          []flow.Chunk // what the connection, or the tunnel in it, began with, if that was TLS
	ended        [2]bool
	forgotten    bool // the reassembler dropped the connection
}

// An exchange is a request that waits for its answer.
type exchange struct {
	seq     uint32   // of the first byte of the request
	last    int      // lastRequest.n, if the request is kept there; 0: it is not
	ack     uint32   // what its sender had received by then; 0: unknown
	head    bool     // the method is HEAD: the answer has no body
	connect bool     // the method is CONNECT
	doubt   bool     // a request may be missing whose answer comes first
	msg     *Message // nil: the request is not in the capture, or it is not special
	attempt *draft   // nil: no attempt
	upgrade *Upgrade // nil: no upgrade to another protocol
}

// special reports whether the answer decides what the client's next bytes are.
func (x *exchange) special() bool { return x.attempt != nil || x.upgrade != nil || x.connect }

// A challenge is a refused CONNECT. It counts only if the client does not get its
// tunnel afterwards: a proxy that wants credentials refuses the first one.
type challenge struct {
	request, response *Message
	body              *[]byte // of the response
	tunnel            string  // in which it was
}

// maxChallenges bounds the refused CONNECTs kept of one connection.
const maxChallenges = 64

// An early is a response that was captured before its request. What the server
// sent behind it is held: without the request nobody knows whether it has a body.
type early struct {
	head rawHead
	msg  Message
}

// A lastRequest is the latest request that was not special, for the case that
// it is answered by a 101 all the same. The buffer is used again and again.
type lastRequest struct {
	n   int // counts them; 0: there was none
	raw []byte
	msg Message
}

func (l *lastRequest) message() *Message {
	m := l.msg
	m.Head = parseHead(string(l.raw))
	return &m
}

// chunk takes the next bytes of one direction.
func (s *stream) chunk(c *flow.Chunk) flow.Want {
	p := &s.dirs[c.Dir]
	s.conn, p.dir = c.Conn, c.Dir
	if s.links[c.Dir] == (flow.MAC{}) {
		s.links[c.Dir] = c.Link
	}
	p.skip(s, c.Offset-max(c.Lost, 0))
	p.pos = c.Offset + int64(len(c.Data))
	if c.Lost != 0 && !p.begins(c) {
		p.lost(s, max(c.Lost, 0))
	}
	if p.next == 0 && len(c.Data) > 0 {
		p.next = c.Seq
		if !startsTLS(c.Data) && !mayBeTLS(c.Data) {
			s.settleEarly()
		}
	}
	p.ack = c.Ack
	p.take(s, piece{c.Data, c.Stamp, c.Offset, c.Seq, c.Ack, true})
	s.settleEarly()
	switch {
	case p.state == inFrames:
		return s.opened(c)
	case s.tls != nil:
		return s.turnedTLS(c)
	}
	if c.End != flow.Open {
		p.end(s, c.End == flow.FIN || c.End == flow.RST)
		s.ended[c.Dir] = true
		s.forgotten = s.forgotten || c.End == flow.Evicted
		if s.h2 != nil {
			s.h2.settle(s)
		}
	}
	return p.want(s)
}

// mustHold reports whether the next bytes of a direction mean nothing yet: the
// client's while the answer to an upgrade or CONNECT request is awaited.
func (s *stream) mustHold(p *parser) bool {
	return p.state == holding || p.state == inH2 && s.h2.ways[p.dir].waits || p.state == betweenHeads && s.waits > 0 && s.roles && p.dir == s.client
}

// role settles who the client is by the first start line seen. It reports
// whether a later line agrees.
func (s *stream) role(dir flow.Dir, response bool) bool {
	client := dir
	if response {
		client = dir.Reverse()
	}
	if s.roles {
		return s.client == client
	}
	s.roles, s.client = true, client
	if s.outer == nil || s.outer.tunnel == "" { // else it was counted with the CONNECT
		s.a.result.HTTPConns++
	}
	if other := &s.dirs[dir.Reverse()]; other.kind == h2Settings && other.state == holding { // it is no HTTP/2 after all
		other.state = betweenHeads
		other.replay(s)
	}
	return true
}

// request takes the head of a request, whole or broken off.
func (s *stream) request(p *parser, h *rawHead, m *Message) {
	s.a.result.Requests++
	if s.current != nil {
		s.current.nextUse(m.First)
	}
	raw := h.bytes
	x := exchange{seq: m.seq, ack: m.ack, head: bytes.HasPrefix(raw, []byte("HEAD ")), connect: bytes.HasPrefix(raw, []byte("CONNECT "))}
	switch {
	case h.socket && m.Complete && !h.folded && !x.connect:
		x.attempt = s.newDraft(m)
		s.a.request(x.attempt, m, h, h.key.of(raw))
	case h.upgrade || x.connect || !m.Complete:
		s.special(&x, *m, h)
	default:
		s.last.raw, s.last.msg = append(s.last.raw[:0], raw...), *m
		s.last.n++
		x.last = s.last.n
	}
	x.doubt, p.broken = s.mayFollowLost(p, m), false
	if p.afterHead(&h.framing, false, false); s.await(x) {
		s.settleEarly()
	}
}

// mayFollowLost reports whether a request that is missing from the capture may
// still be unanswered when the client sends m: bytes of the client are missing
// before m, and the client received nothing meanwhile.
func (s *stream) mayFollowLost(p *parser, m *Message) bool {
	if !p.broken || m.ack == 0 {
		return false
	}
	if p.before != 0 {
		return m.ack == p.before
	}
	return s.conn.Handshake && s.dirs[s.client.Reverse()].next == 0
}

// special takes a request that has to be looked at as a whole, and tells attempts
// from upgrades to other protocols.
func (s *stream) special(x *exchange, m Message, h *rawHead) {
	m.Head = parseHead(string(h.bytes))
	x.msg = &m
	if !h.upgrade {
		return
	}
	if isAttempt(&m.Head) {
		x.attempt = s.newAttempt(&m)
		return
	}
	if protocol, ok := m.Head.Get("Upgrade"); ok && protocol != "" {
		x.upgrade = &Upgrade{ClientDir: s.client, Request: &m, Protocol: protocol}
	}
}

// isAttempt reports whether a request tries to open a WebSocket. Any
// Sec-WebSocket field is enough: a proxy may have removed the Upgrade.
func isAttempt(h *Head) bool {
	for _, f := range h.Fields {
		if len(f.Name) > 14 && strings.EqualFold(f.Name[:14], "Sec-WebSocket-") {
			return true
		}
	}
	return countToken(h.Tokens("Upgrade"), "websocket") > 0
}

// newAttempt begins an attempt with a request that was taken apart; nil: it was
// not seen.
func (s *stream) newAttempt(m *Message) *draft {
	d := s.newDraft(m)
	if m != nil {
		key, _ := m.Head.Get("Sec-WebSocket-Key")
		s.a.request(d, m, &rawHead{bytes: []byte(m.Head.Raw)}, []byte(key))
	}
	return d
}

// newDraft begins an attempt with a request; nil: it was not seen. The attempt is
// listed unless there are too many.
func (s *stream) newDraft(m *Message) *draft {
	d := s.a.newDraft(s.client)
	d.outer = s.outer
	d.tunnel = s.tunnel
	s.current = d
	if s.made++; s.made <= maxPerConn {
		d.entry = s.a.list(m)
	}
	if s.made == 1 {
		s.a.hosts.saw(s.conn.Addr(s.client).Addr(), s.links[s.client])
	}
	if d.entry == 0 { // nobody will ask for it: it is not kept
		s.a.result.Unlisted++
	} else {
		s.drafts = append(s.drafts, d)
	}
	return d
}

// await puts a request behind those that wait for their answers. It reports false
// if there are too many: the connection is not read on.
func (s *stream) await(x exchange) bool {
	if len(s.pending) >= s.a.limits.Pipelined {
		s.a.result.Unpaired++
		s.dirs[0].stop()
		s.dirs[1].stop()
		if x.attempt != nil {
			x.attempt.unread = true
		}
		return false
	}
	s.pending = append(s.pending, x)
	if x.special() {
		s.waits++
	}
	return true
}

// pop takes the oldest request that waits.
func (s *stream) pop() exchange {
	x := s.pending[0]
	s.pending = slices.Delete(s.pending, 0, 1)
	if x.special() {
		s.waits--
	}
	return x
}

// response takes the head of a response, whole or broken off.
func (s *stream) response(p *parser, h *rawHead, m *Message) {
	if s.requestMayCome(m) {
		s.early, p.state = &early{*h, *m}, holding
		s.early.head.bytes = bytes.Clone(h.bytes)
		return
	}
	s.pair(p, h, m)
}

// reached reports whether the sender of a message had received the byte at seq
// of the other direction. Acknowledgement numbers pair requests and responses
// even where some are missing from the capture, or in the wrong order.
func (m *Message) reached(seq uint32) bool {
	return m.ack == 0 || int32(m.ack-seq) > 0
}

// candidates counts the requests, from the oldest on, that a response may
// answer: the server had received them, and the client had not yet received the
// response when it sent them.
func (s *stream) candidates(m *Message) int {
	for i, x := range s.pending {
		if !m.mayAnswer(x.seq, x.ack) {
			return i
		}
	}
	return len(s.pending)
}

// mayAnswer reports whether a response may answer the request that begins at seq,
// in a packet that acknowledges ack.
func (m *Message) mayAnswer(seq, ack uint32) bool {
	return m.reached(seq) && (ack == 0 || m.ack == 0 || int32(ack-m.seq) <= 0)
}

// requestMayCome reports whether the request of a response is still to come: none
// that waits fits it, and the server had received bytes of the client that were not
// read yet, or the beginning of a head. A server need not wait for the end of one
// that is too large or too slow (RFC 6585, Section 5; RFC 9110, Section 15.5.9).
func (s *stream) requestMayCome(m *Message) bool {
	client := &s.dirs[s.client]
	if s.candidates(m) > 0 || s.ended[s.client] || client.state == done {
		return false
	}
	if client.state == inHead && m.mayAnswer(client.mark.seq, client.mark.ack) {
		return true
	}
	return client.next == 0 || m.ack == 0 && len(s.pending) == 0 || m.ack != 0 && int32(m.ack-client.next) > 0
}

// pair takes a response as the answer to the oldest request that it may answer,
// if there is one.
func (s *stream) pair(p *parser, h *rawHead, m *Message) {
	if p.broken {
		s.skipHeld(m)
	}
	n := s.candidates(m)
	if p.broken && n > 1 {
		n = s.dropUnanswered(n)
	}
	p.broken = false
	var x exchange
	if n > 0 {
		x = s.pending[0]
	}
	status := statusCode(h.bytes)
	if x.doubt && status != 101 && status >= 200 { // a 101 is the last answer, so it is that to the last request
		if x.attempt != nil {
			x.attempt.unread = true
		}
		n, x = 0, exchange{}
	}
	p.afterResponse(&h.framing, status, x.head, x.connect)
	if n == 0 && p.state != betweenHeads && p.state != holding { // without its request nobody knows whether it has a body
		p.guess = true
		if p.state == untilClose {
			p.state = resync
		}
	}
	if status >= 100 && status < 200 && status != 101 {
		if x.attempt != nil {
			x.attempt.interim = append(x.attempt.interim, status)
		}
		return
	}
	if n > 0 {
		s.pop()
	}
	s.answer(p, &x, h, m, status)
}

// skipHeld drops an upgrade or CONNECT whose answer lies in a hole before m: the client
// sent another request or began TLS, which is held, and the server had received it.
func (s *stream) skipHeld(m *Message) {
	client := &s.dirs[s.client]
	for s.waits > 0 && len(client.held) > 0 && m.reached(client.held[0].seq) && (classify(client.held[0].data) == requestLine || startsTLS(client.held[0].data)) {
		for s.waits > 0 {
			if t := s.pop().attempt; t != nil {
				t.unread = true
			}
		}
		client.replay(s)
	}
}

// dropUnanswered drops the requests whose answers lie in a hole of the server's
// direction, of n that the response behind it may answer. What the client had
// received when it sent a request tells which were answered by then. It returns
// how many are left: one, or none if they were sent together, so that nobody can
// say which of them is answered.
func (s *stream) dropUnanswered(n int) int {
	latest, first := s.pending[n-1].ack, n-1
	for first > 0 && s.pending[first-1].ack == latest {
		first--
	}
	drop, left := first, 1
	if n-first > 1 {
		drop, left = n, 0
	}
	for range drop {
		if x := s.pop(); x.attempt != nil {
			x.attempt.unread = true
		}
	}
	return left
}

// afterResponse sets how the server's bytes go on after the head of a response.
func (p *parser) afterResponse(f *framing, status int, head, connect bool) {
	switch {
	case status == 101 || connect && status >= 200 && status < 300:
		p.state = holding // until the answer is paired
	default:
		p.afterHead(f, true, head || status < 200 || status == 204 || status == 304)
	}
}

// settleEarly releases an early response whose request is there, or will not
// come.
func (s *stream) settleEarly() {
	if s.tls != nil || s.early != nil && mayBeTLS(s.dirs[s.client].buf) { // then it answers no request
		return
	}
	for s.early != nil && !s.requestMayCome(&s.early.msg) {
		s.releaseEarly()
	}
}

// releaseEarly pairs the early response with the request that it answers, if
// that came, and reads on behind it.
func (s *stream) releaseEarly() {
	e, p := s.early, &s.dirs[s.client.Reverse()]
	s.early = nil
	s.pair(p, &e.head, &e.msg)
	p.replay(s)
}

// answer records the final response to a request.
func (s *stream) answer(p *parser, x *exchange, h *rawHead, m *Message, status int) {
	switch {
	case status == 101:
		s.switched(x, m, h)
	case x.connect && status >= 200 && status < 300:
		s.tunnelled(x)
	default:
		s.refused(p, x, m, h, status)
	}
}

// refused records an answer other than 101.
func (s *stream) refused(p *parser, x *exchange, m *Message, h *rawHead, status int) {
	var body *[]byte
	switch {
	case x.attempt != nil:
		s.a.response(x.attempt, m, h, status)
		s.a.noteMoved(s.conn, x.attempt)
		body = &x.attempt.body
	case x.upgrade != nil:
		s.offered(x.upgrade, *m, h)
	case x.connect:
		if len(s.challenged) < maxChallenges {
			refusal := *m
			refusal.Head = parseHead(string(h.bytes))
			body = new([]byte)
			s.challenged = append(s.challenged, challenge{x.msg, &refusal, body, s.tunnel})
		}
	}
	if p.state == inBody || p.state == inChunkSize || p.state == untilClose {
		p.sample = body
	}
	if client := &s.dirs[s.client]; len(client.held) > 0 && s.waits == 0 {
		client.replay(s)
	}
}

// offered records the answer to an upgrade to another protocol.
func (s *stream) offered(u *Upgrade, m Message, h *rawHead) {
	m.Head = parseHead(string(h.bytes))
	u.Response, u.Status = &m, m.Head.Status
	s.upgrades = append(s.upgrades, u)
}

// switched takes a 101: nothing after it is HTTP.
func (s *stream) switched(x *exchange, m *Message, h *rawHead) {
	t := x.attempt
	if t == nil && x.upgrade == nil && isWebSocket101(m, h.bytes) {
		if x.msg == nil && x.last > 0 && x.last == s.last.n {
			x.msg = s.last.message()
		}
		t = s.newAttempt(x.msg)
	}
	if t == nil {
		s.otherProtocol(x, *m, h)
		return
	}
	s.a.response(t, m, h, 101)
	s.current = t
	s.pending, s.waits, s.early = s.pending[:0], 0, nil
	if held := s.dirs[s.client].held; len(held) > 0 && !(m.ack != 0 && int32(held[0].ack-m.seq) > 0) {
		t.earlyData = held[0].at // else the client had the 101, and the capture has them in the wrong order
	}
	s.socket, s.socketNumber = s.a.sockets.get()
	s.socket.client = s.client
	for dir := range s.dirs {
		s.dirs[dir].dir = flow.Dir(dir)
		s.dirs[dir].upgrade(s)
	}
}

// opened hands the connection over to a socket, or to nothing as long as it is
// silent. c is the chunk with which that became clear.
func (s *stream) opened(c *flow.Chunk) flow.Want {
	a, w, number := s.a, s.socket, s.socketNumber
	s.forgotten = s.forgotten || c.End == flow.Evicted
	s.handOver()
	want := w.dirs[c.Dir].want()
	a.release(s)
	c.Conn.State = number<<kindBits | inSocket
	if *w == (socket{entry: w.entry, client: w.client}) && a.elders[number] == nil && a.outlived[number] == nil {
		c.Conn.State = w.entry<<silentBits | uint32(w.client)<<kindBits | silent
		a.sockets.put(number)
	}
	return want
}

// handOver leaves to the socket what is to be done when the connection is over.
func (s *stream) handOver() {
	a, w, number := s.a, s.socket, s.socketNumber
	s.refuseChallenged()
	w.entry, w.forgotten = s.current.entry, s.forgotten
	for _, d := range s.drafts {
		if d == s.current {
			continue
		}
		a.elders[number] = append(a.elders[number], d)
		if a.watch != nil {
			a.preview(d, s.conn)
		}
	}
	a.keepExchange(s.current, s.conn)
	if len(s.upgrades) > 0 {
		a.outlived[number] = append(a.outlived[number], s.upgrades...)
	}
}

// isWebSocket101 reports whether a 101 means a WebSocket although its request
// did not ask for one, or is not in the capture. A head that breaks off before
// it says what it switches to is taken for one.
func isWebSocket101(m *Message, raw []byte) bool {
	h := parseHead(string(raw))
	if _, ok := h.Get("Sec-WebSocket-Accept"); ok {
		return true
	}
	tokens := h.Tokens("Upgrade")
	return countToken(tokens, "websocket") > 0 || len(tokens) == 0 && !m.Complete
}

func (s *stream) otherProtocol(x *exchange, m Message, h *rawHead) {
	u := x.upgrade
	if u == nil {
		u = &Upgrade{ClientDir: s.client, Request: x.msg}
	}
	s.offered(u, m, h)
	if got, ok := u.Response.Head.Get("Upgrade"); ok {
		u.Protocol = got
	}
	if x.upgrade != nil && countToken(u.Response.Head.Tokens("Upgrade"), "h2c") > 0 {
		s.turnH2(s.client, len(http2.ClientPreface), 1) // stream 1 is that of the request, RFC 7540, Section 3.2
		return
	}
	s.dirs[0].stop()
	s.dirs[1].stop()
}

// stop gives up a direction.
func (p *parser) stop() {
	p.state, p.held, p.buf = done, nil, nil
}

// upgrade turns a direction from HTTP to WebSocket frames.
func (p *parser) upgrade(s *stream) {
	if p.state == resync || p.state == done {
		s.socket.dirs[p.dir].lost()
	}
	p.state = inFrames
	p.replay(s)
}

// tunnelled starts both directions anew: what is inside a tunnel is a
// connection of its own (RFC 9110, Section 9.3.6).
func (s *stream) tunnelled(x *exchange) {
	s.tunnel = x.msg.Head.Target
	s.challenged = slices.DeleteFunc(s.challenged, func(c challenge) bool { return c.request.Head.Target == s.tunnel })
	s.pending, s.early, s.waits = s.pending[:0], nil, 0
	for dir := range s.dirs {
		s.dirs[dir].state, s.dirs[dir].spoke = betweenHeads, false
	}
	s.dirs[s.client].replay(s)
	s.dirs[s.client.Reverse()].replay(s)
}

// maxAlien is how many bytes are kept of an answer that is not HTTP.
const maxAlien = maxTLSOther

// notHTTP takes the bytes of a direction that should be HTTP and is not.
func (s *stream) notHTTP(p *parser, first []byte, at flow.Stamp) {
	asked := s.roles && s.dirs[s.client].spoke
	if startsTLS(first) && !p.broken && !p.spoke && !asked {
		s.turnTLS(p, first)
		return
	}
	if s.roles && p.dir == s.client {
		s.framesInHTTP(first, at)
		return
	}
	p.alien, p.alienAt = string(first[:min(len(first), maxAlien)]), at
}

// said returns how a direction began, as far as that is still there.
func (s *stream) said(p *parser) *greeting {
	switch {
	case s.early != nil:
		g := &greeting{dir: p.dir, first: s.early.msg.First, bytes: bytes.Clone(s.early.head.bytes)}
		for _, held := range p.held {
			g.bytes = append(g.bytes, held.data...)
		}
		return g
	case p.alien != "":
		return &greeting{dir: p.dir, first: p.alienAt, bytes: []byte(p.alien)}
	}
	return &greeting{dir: p.dir, first: p.mark.first, bytes: bytes.Clone(p.buf)}
}

// A greeting is how a direction began of a connection that turned out to carry
// HTTP/2.
type greeting struct {
	dir   flow.Dir
	first flow.Stamp
	bytes []byte
}

// framesInHTTP looks at bytes of a client that are no request: masked frames
// after a refusal mean that it never looked at the status.
func (s *stream) framesInHTTP(first []byte, at flow.Stamp) {
	t := s.current
	if t == nil || !t.answered || t.status == 101 || len(first) < 2 {
		return
	}
	if first[0]&0x70 == 0 && knownOpcode(first[0]&15) && first[1]&0x80 != 0 {
		t.framesAfterRefusal = at
	}
}

// finish closes the books of a connection.
func (s *stream) finish(e *flow.Evidence) {
	for len(s.pending) > 0 {
		x := s.pop()
		if x.upgrade != nil {
			s.upgrades = append(s.upgrades, x.upgrade)
		}
		if x.connect && x.attempt == nil && s.deserted(e) {
			x.attempt = s.newAttempt(x.msg)
		}
		if x.attempt != nil {
			server := &s.dirs[s.client.Reverse()]
			x.attempt.alien, x.attempt.alienAt, x.attempt.unread = server.alien, server.alienAt, x.attempt.unread || server.passedOver()
		}
	}
	if s.early != nil {
		s.releaseEarly() // to nothing
	}
	s.countLate()
	if s.socket != nil { // it was a 101
		s.handOver()
		s.a.closeSocket(s.socketNumber, e)
		s.a.release(s)
		return
	}
	if e.Lost != [2]int64{} || e.Unseen != [2]bool{} { // the client may have come again with credentials
		s.challenged = slices.DeleteFunc(s.challenged, func(c challenge) bool { return c.response.Head.Status == 407 })
	}
	s.refuseChallenged()
	if s.current != nil {
		s.current.forgotten = s.forgotten
	}
	for _, d := range s.drafts {
		x := d.h2
		s.a.seal(d, e, s.closeH2(d))
		s.a.freeH2(x)
	}
	s.a.listUpgrades(s.upgrades, e)
	s.a.release(s)
}

// deserted reports whether a connection is over without an answer to what the client
// waited for, of which everything was seen.
func (s *stream) deserted(e *flow.Evidence) bool {
	client, server := &s.dirs[s.client], &s.dirs[s.client.Reverse()]
	over := e.FIN != [2]flow.Stamp{} || e.RST != [2]flow.Stamp{}
	whole := e.Sent[0] && e.Sent[1] && e.Lost == [2]int64{} && e.Unseen == [2]bool{}
	return over && whole && len(client.held) == 0 && !client.dropped && !server.passedOver()
}

// refuseChallenged makes attempts of the refused CONNECTs that will not succeed
// any more.
func (s *stream) refuseChallenged() {
	current := s.current
	for _, c := range s.challenged {
		d := s.newAttempt(c.request)
		d.tunnel = c.tunnel
		s.a.response(d, c.response, &rawHead{bytes: []byte(c.response.Head.Raw)}, c.response.Head.Status)
		d.body = append(d.body, *c.body...)
	}
	s.challenged, s.current = nil, current
}
