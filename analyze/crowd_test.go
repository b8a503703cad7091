package analyze

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A crowd is many connections at once, of few clients that have few keys and ask
// few hosts: much of what they do has to do with what others did.
type crowd struct {
	rng    *rand.Rand
	events []event
	conns  int
	tick   func(at flow.Stamp) // before each event; may be nil
	talks  []*dialogue         // by connection; nil: not opened yet
}

// An event is a packet of a crowd's connection.
type event struct {
	at   int64
	conn int
	dir  flow.Dir
	data string   // "": the connection opens, or ends
	end  flow.End // how
	to   [2]netip.AddrPort
	late bool // the connection opens in the middle
}

// A caller is a connection that goes on.
type caller struct {
	c    *crowd
	conn int
	now  int64
}

const crowdStart = int64(1e18)

func (c *crowd) pick(of ...string) string { return of[c.rng.IntN(len(of))] }

// one is true once in n times.
func (c *crowd) one(n int) bool { return c.rng.IntN(n) == 0 }

func (c *crowd) addr(network, last, port int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(network), 0, byte(last)}), uint16(port))
}

// call opens a connection of a client.
func (c *crowd) call(client, port int, at int64) *caller {
	k := &caller{c, c.conns, at}
	c.conns++
	to := [2]netip.AddrPort{c.addr(1, client, 1024+c.conns), c.addr(2, c.rng.IntN(3), port)}
	c.events = append(c.events, event{at: at, conn: k.conn, to: to, late: c.one(30)})
	return k
}

// say sends a segment after a while.
func (k *caller) say(dir flow.Dir, data string, after time.Duration) {
	k.now += int64(after)
	k.c.events = append(k.c.events, event{at: k.now, conn: k.conn, dir: dir, data: data})
}

func (k *caller) hangUp() {
	if k.c.one(3) {
		return
	}
	k.now += int64(time.Millisecond)
	first := flow.Dir(k.c.rng.IntN(2))
	how := []flow.End{flow.FIN, flow.RST}[k.c.rng.IntN(2)]
	for _, dir := range []flow.Dir{first, first.Reverse()} {
		k.c.events = append(k.c.events, event{at: k.now, conn: k.conn, dir: dir, end: how})
	}
}

func (c *crowd) while() time.Duration {
	return []time.Duration{time.Millisecond, 50 * time.Millisecond, 2 * time.Second, 29 * time.Second, 31 * time.Second}[c.rng.IntN(5)]
}

func (c *crowd) key() string {
	if c.one(2) {
		return randomToken(c.rng, 16)
	}
	return keyOfBytes([]byte(strings.Repeat(c.pick("a", "\x01\x00", "\xff\x02", "x", "\x80\xfe", "q", "\x03\x04"), 16)[:16]))
}

// poor is what requests and answers may have in common.
const poor = "upgrade:websocket\r\nConnection: upgrade\r\n\r\n"

var (
	crowdHosts = []string{"a.example.com", "b.example.com", "c.example.net", "10.2.0.1", "gw"}
	crowdPaths = []string{"/", "/ws", "/ws/", "/login", "/x?y"}
)

func (c *crowd) url() string {
	return c.pick("http", "http", "ws", "https", "wss") + "://" + c.pick(crowdHosts...) + c.pick("", "", ":80", ":443", ":8080") + c.pick(crowdPaths...)
}

func (c *crowd) request(host, path, key string) string {
	if c.one(10) {
		path = "https://" + host + path
	}
	lines := "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n"
	if !c.one(6) {
		lines += "Upgrade: websocket\r\n"
	}
	if !c.one(6) {
		lines += "Connection: Upgrade\r\n"
	}
	switch {
	case c.one(12): // none
	case c.one(8):
		lines += "Sec-WebSocket-Key : " + key + "\r\n"
	default:
		lines += "Sec-WebSocket-Key: " + key + "\r\n"
	}
	if c.one(8) {
		lines += "User-Agent: " + c.pick("ESP32 Websocket Client", "Go-http-client/1.1") + "\r\n"
	}
	return lines + "Sec-WebSocket-Version: 13\r\n\r\n"
}

func redirect(status, to string) string {
	return "HTTP/1.1 " + status + "\r\nLocation: " + to + "\r\nContent-Length: 0\r\n\r\n"
}

// answer returns an answer to a request with a key, and whether another request
// may follow on the connection.
func (c *crowd) answer(key string) (head string, more bool) {
	if c.one(10) {
		return "HTTP/1.1 101 ok\r\n" + poor, false
	}
	switch c.rng.IntN(8) {
	case 0, 1:
		return strings.Replace(switching, Accept("AQIDBAUGBwgJCgsMDQ4PEA=="), Accept(key), 1), false
	case 2:
		return strings.Replace(switching, Accept("AQIDBAUGBwgJCgsMDQ4PEA=="), Accept(c.key()), 1), false
	case 3:
		return "HTTP/1.1 101 ok\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + c.pick(key, hash(key), "x", "") + "\r\n\r\n", false
	case 4:
		return "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", true
	}
	status := c.pick("301 Moved", "302 Found", "307 Temporary", "308 Permanent", "304 Not Modified")
	return redirect(status, c.pick(c.url(), c.url(), c.url(), c.pick(crowdPaths...), "//", "http://[")), true
}

// ask is an ordinary connection, of one request or more.
func (c *crowd) ask(client int, at int64) {
	k := c.call(client, 80, at)
	defer k.hangUp()
	for more := true; more && !c.one(5); {
		key, head := c.key(), ""
		if !c.one(15) {
			request := c.request(c.pick(crowdHosts...), c.pick(crowdPaths...), key)
			if c.one(8) {
				request = "GET / HTTP/1.1\r\n" + poor
			}
			k.say(flow.AtoB, request, c.while())
		}
		if c.one(12) {
			return
		}
		head, more = c.answer(key)
		k.say(flow.BtoA, head, c.while()/7)
	}
	if c.one(2) {
		k.say(flow.AtoB, hello, time.Millisecond)
	}
}

// proxy is two connections with the same key, one behind the other.
func (c *crowd) proxy(client int, at int64) {
	outer, inner := c.call(client, 80, at), c.call(100, 8080, at)
	host, path, key := c.pick(crowdHosts...), c.pick(crowdPaths...), c.key()
	outer.say(flow.AtoB, c.request(host, path, key), time.Millisecond)
	inner.say(flow.AtoB, c.request(host, path, key), 2*time.Millisecond)
	if head, _ := c.answer(key); !c.one(4) {
		inner.say(flow.BtoA, head, c.while())
		outer.say(flow.BtoA, head, time.Duration(inner.now-outer.now)+time.Millisecond)
	}
	inner.hangUp()
	outer.hangUp()
}

// follow is a client that follows its redirects, mostly.
func (c *crowd) follow(client int, at int64) {
	host, path := c.pick(crowdHosts...), c.pick(crowdPaths...)
	hops := c.rng.IntN(8)
	if c.one(4) {
		hops = MaxHops + 5
	}
	for i := range hops {
		k := c.call(client, 80, at)
		k.say(flow.AtoB, c.request(host, path, c.key()), time.Millisecond)
		next := path
		if !c.one(hops + 2) {
			next = fmt.Sprintf("/%d/%d", i, c.rng.IntN(2))
		}
		k.say(flow.BtoA, redirect(c.pick("301 Moved", "307 Temporary"), c.pick("http://"+host+next, next)), time.Millisecond)
		k.hangUp()
		path, at = next, k.now+int64(c.while()/5)
	}
	k := c.call(client, 80, at)
	key := c.key()
	k.say(flow.AtoB, c.request(host, path, key), time.Millisecond)
	head, _ := c.answer(key)
	k.say(flow.BtoA, head, time.Millisecond)
	k.hangUp()
}

// secure is a connection that carries TLS.
func (c *crowd) secure(client int, at int64) {
	k := c.call(client, []int{443, 443, 8080}[c.rng.IntN(3)], at)
	k.say(flow.AtoB, clientHello(c.pick(crowdHosts...)), time.Millisecond)
	switch c.rng.IntN(4) {
	case 0:
		k.say(flow.BtoA, tlsAlert(2, 40), time.Millisecond)
	case 1, 2:
		k.say(flow.BtoA, serverHello13()+tlsData(900), time.Millisecond)
		k.say(flow.AtoB, tlsData(53), time.Millisecond)
	}
}

// clientHello returns a ClientHello that names a server.
func clientHello(name string) string { return clientHelloWith(name, "") }

func clientHelloWith(name, extensions string) string {
	sized := func(n int, s string) string {
		size := binary.BigEndian.AppendUint32(nil, uint32(len(s)))
		return string(size[4-n:]) + s
	}
	if name != "" {
		extensions += "\x00\x00" + sized(2, sized(2, "\x00"+sized(2, name)))
	}
	body := "\x03\x03" + strings.Repeat("r", 32) + "\x00" + sized(2, "\x13\x01") + "\x01\x00" + sized(2, extensions)
	return "\x16\x03\x01" + sized(2, "\x01"+sized(3, body))
}

// gather makes a crowd of so many doings within two minutes.
func gather(rng *rand.Rand, doings int) *crowd {
	c := &crowd{rng: rng}
	for range doings {
		client, at := rng.IntN(4), crowdStart+rng.Int64N(int64(2*time.Minute))
		switch rng.IntN(10) {
		case 0:
			c.proxy(client, at)
		case 1:
			c.follow(client, at)
		case 2:
			c.secure(client, at)
		default:
			c.ask(client, at)
		}
	}
	slices.SortStableFunc(c.events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return c
}

// play lets an Analyzer see the crowd, up to some time after it, and returns the
// last stamp.
func (c *crowd) play(a *Analyzer, after time.Duration) flow.Stamp {
	talks := make([]*dialogue, c.conns)
	c.talks = talks
	at, opened := flow.Stamp{}, 0
	for _, e := range c.events {
		if c.tick != nil {
			c.tick(flow.Stamp{Frame: at.Frame, Time: e.at})
		}
		at = flow.Stamp{Frame: at.Frame + 1, Time: e.at}
		d := talks[e.conn]
		if d == nil {
			talks[e.conn] = c.open(a, &e, at, opened)
			opened++
			continue
		}
		d.step, d.at = 0, flow.Stamp{Frame: at.Frame - 1, Time: at.Time}
		if e.data != "" {
			d.say(e.dir, e.data)
		} else {
			d.end(e.dir, e.end)
		}
	}
	for _, d := range talks {
		for dir := range d.way {
			if !d.way[dir].ended {
				d.chunk(flow.Dir(dir), "", flow.CaptureEnd)
			}
		}
	}
	return flow.Stamp{Frame: at.Frame + 1, Time: at.Time + int64(after)}
}

func (c *crowd) open(a *Analyzer, e *event, at flow.Stamp, id int) *dialogue {
	d := a.dialogue(id)
	d.conn.A, d.conn.B = e.to[0], e.to[1]
	d.conn.First, d.conn.SYN, d.conn.SYNACK = at, at, at
	d.live.Ends = flow.EndsOf(d.conn.A, d.conn.B)
	if e.late {
		d.conn.SYN, d.conn.SYNACK, d.live.Handshake = flow.Stamp{}, flow.Stamp{}, false
		d.way[client].lost, d.way[server].lost = -1, -1
	}
	return d
}

// A naive relates attempts by looking at all of them each time, the way they are
// shown: without prints, bit sets, windows and numbers.
type naive struct {
	a        *Analyzer
	last     flow.Stamp
	attempts []*Attempt
	chains   []*Chain
	next     map[*Attempt]*Attempt  // the request that follows a redirect
	secure   map[*Attempt]*tlsStart // the TLS connection that does
}

// newNaive judges the attempts of an Analyzer, which must not be finished yet.
func newNaive(a *Analyzer, last flow.Stamp) *naive {
	a.listTLS(a.ConnectFailures)
	j := newJudge(a, last, 0)
	n := &naive{a: a, last: last}
	for i := range j.len() {
		t := j.load(i, &j.store)
		t.judge(last, 0)
		n.attempts = append(n.attempts, t.Clone())
	}
	n.relateAccepts()
	n.relateKeys()
	n.relatePortals()
	n.relateEntropy()
	for _, t := range n.attempts {
		t.decide()
		t.allowForDoubt()
	}
	n.pair()
	for _, t := range n.attempts {
		if t.Verdict == Redirected && t.Redirect == nil {
			n.chain(t)
		}
	}
	n.retries()
	return n
}

func (n *naive) relateAccepts() {
	for _, t := range n.attempts {
		if t.Cause == RecipeNone {
			continue
		}
		i := slices.IndexFunc(n.attempts, func(o *Attempt) bool { return o.Key != "" && o.Expected == t.Accept })
		if i >= 0 {
			from := n.attempts[i]
			t.Cause = RecipeOtherFlow
			t.add(AcceptBelongsToOtherFlow, Server, t.Response.Done.Frame, "Sec-WebSocket-Accept",
				fmt.Sprintf("%s (for the key of frame %d, tcp.stream eq %d)", t.Accept, from.order(), from.Conn.ID), t.Expected)
		} else if code, ok := t.Cause.code(); ok {
			t.add(code, Server, t.Response.Done.Frame, "Sec-WebSocket-Accept", t.Accept, t.Expected)
		}
	}
}

func (n *naive) relateKeys() {
	seen := map[string]bool{}
	for _, t := range n.attempts {
		if t.Key == "" || seen[t.Key] {
			continue
		}
		seen[t.Key] = true
		var same []*Attempt
		for _, o := range n.attempts {
			if o.Key == t.Key {
				same = append(same, o)
			}
		}
		relateSame(same)
	}
}

func relateSame(same []*Attempt) {
	var again []*Attempt
	conns := map[int]bool{}
	for i, t := range same {
		if outer := outerOf(t, same[max(0, i-maxHopsBack):i]); outer != nil {
			compareHopFields(outer, t)
			if outer.Passage == nil {
				outer.Passage = &Passage{Side: Client, Other: t.Number}
			}
			t.Passage = &Passage{Side: Server, Other: outer.Number}
		} else if !conns[t.Conn.ID] {
			conns[t.Conn.ID] = true
			again = append(again, t)
		}
	}
	for _, t := range again {
		if len(again) > 1 {
			t.add(KeyReused, Client, t.Request.Done.Frame, "Sec-WebSocket-Key", fmt.Sprintf("%s on %d connections", t.Key, len(again)), "a new key for each connection")
		}
	}
}

// outerOf returns the attempt of which t is the other side of a proxy.
func outerOf(t *Attempt, same []*Attempt) *Attempt {
	for _, o := range slices.Backward(same) {
		if o.Conn.ID == t.Conn.ID || o.Request == nil || t.Request == nil {
			continue
		}
		end := o.Close.At.Frame
		waiting := o.Response == nil && (end == 0 || end > t.Request.Done.Frame) ||
			o.Response != nil && o.Response.Done.Frame > t.Request.Done.Frame
		between := o.Client().Addr() != t.Client().Addr() || o.Server() != t.Server()
		if o.Request.Done.Frame < t.Request.Done.Frame && waiting && between {
			return o
		}
	}
	return nil
}

func compareHopFields(outer, inner *Attempt) {
	for name, token := range map[string]string{"Upgrade": "websocket", "Connection": "upgrade"} {
		got, _ := inner.Request.Head.Get(name)
		want, _ := outer.Request.Head.Get(name)
		if countToken(outer.Request.Head.Tokens(name), token) > 0 && countToken(inner.Request.Head.Tokens(name), token) == 0 && inner.Request.Complete {
			inner.add(HopHeaderStrippedRequest, Client, inner.Request.Done.Frame, name, got, want)
		}
	}
}

// elsewhere returns the site that an attempt asked for and the host of another
// one to which it was sent, if that is no page to log in.
func elsewhere(t *Attempt) (from, to string, ok bool) {
	if t.Response == nil || t.Response.Head.Status < 300 || t.Response.Head.Status > 399 || t.URL() == nil {
		return "", "", false
	}
	_, u := t.target()
	if u == nil || site(u.Hostname()) == site(t.URL().Hostname()) || login.MatchString(u.Hostname()+u.Path) {
		return "", "", false
	}
	return site(t.URL().Hostname()), u.Hostname(), true
}

func (n *naive) relatePortals() {
	for _, t := range n.attempts {
		_, to, ok := elsewhere(t)
		if !ok {
			continue
		}
		sites := map[string]bool{}
		for _, o := range n.attempts {
			if from, same, ok := elsewhere(o); ok && same == to && o.Client().Addr() == t.Client().Addr() {
				sites[from] = true
			}
		}
		if len(sites) > 1 && !t.has(CaptivePortal) {
			t.add(CaptivePortal, Server, t.Response.Done.Frame, "Location", fmt.Sprintf("%s for %d different sites", to, len(sites)), "the server's own answer")
		}
	}
}

func (n *naive) relateEntropy() {
	byClient := map[netip.Addr][]*Attempt{}
	for _, t := range n.attempts {
		if len(decodeKey(t.Key)) == 16 && !t.has(KeyReused) && !t.has(KeyLowEntropy) {
			byClient[t.Client().Addr()] = append(byClient[t.Client().Addr()], t)
		}
	}
	for _, same := range byClient {
		var seen [256]bool
		for _, t := range same {
			for _, b := range []byte(decodeKey(t.Key)) {
				seen[b] = true
			}
		}
		if len(same) >= manyKeys && (!seen[0x00] || !seen[0xff]) {
			same[0].add(KeyLowEntropy, Client, same[0].Request.Done.Frame, "Sec-WebSocket-Key",
				fmt.Sprintf("%d keys without a byte 0x00 or 0xff", len(same)), "16 random bytes")
		}
	}
}

// chain follows a redirect.
func (n *naive) chain(t *Attempt) {
	c := &Chain{ID: len(n.chains) + 1}
	n.chains = append(n.chains, c)
	seen, loops := map[string]bool{}, false
	if u := t.URL(); u != nil {
		c.URLs = append(c.URLs, u.String())
	}
	for done := false; !done; {
		c.Hops = append(c.Hops, Hop{Attempt: t.Number, Client: t.Client()})
		t.Redirect = &Redirect{Chain: c, Hop: len(c.Hops)}
		if u := t.URL(); u != nil {
			seen[destinationOf(u)] = true
		}
		if t.Verdict != Redirected {
			c.End = n.endOf(t)
			break
		}
		location, to := t.target()
		if t.Redirect.Location = location; to == nil {
			c.End = ChainNotFollowed
			break
		}
		t.Redirect.Target = to.String()
		c.URLs = append(c.URLs, to.String())
		next := n.next[t]
		switch {
		case n.secure[t] != nil:
			c.End, done = n.intoTLS(c, n.secure[t]), true
		case next == nil:
			if c.End, done = n.end(t), true; loops {
				c.End = ChainLoop
			}
		default:
			loops = loops || seen[destinationOf(to)]
			t = next
		}
	}
	if len(c.Hops) > MaxHops {
		if c.End = ChainTooLong; loops {
			c.End = ChainLoop
		}
		c.Hops, c.URLs = c.Hops[:MaxHops], c.URLs[:MaxHops]
	}
	n.judge(c)
}

// intoTLS adds a TLS connection to a chain, which ends with it.
func (n *naive) intoTLS(c *Chain, s *tlsStart) ChainEnd {
	hop := Hop{TLS: true, ServerName: s.name}
	for i, t := range n.attempts {
		if t.TLS != nil && t.TLS.First == s.first {
			hop.Attempt = i + 1
		}
	}
	c.Hops = append(c.Hops, hop)
	if hop.Attempt == 0 {
		return ChainIntoTLS
	}
	t := n.attempts[hop.Attempt-1]
	t.Redirect = &Redirect{Chain: c, Hop: len(c.Hops)}
	return ChainIntoTLS
}

func (n *naive) endOf(t *Attempt) ChainEnd {
	switch t.Verdict {
	case OK, BadHandshake, AcceptMismatch, AcceptMissing:
		return ChainUpgraded
	case Rejected:
		return ChainRefused
	case Indeterminate:
		return ChainOutOfCapture
	}
	return ChainUnanswered
}

// A naiveEvent is a redirect, or something that may follow one.
type naiveEvent struct {
	at       flow.Stamp
	redirect *Attempt
	request  *Attempt
	hello    *tlsStart
}

// pair finds what follows each redirect, in the order of time: what follows
// belongs to the redirect on the same connection, else to the latest.
func (n *naive) pair() {
	n.next, n.secure = map[*Attempt]*Attempt{}, map[*Attempt]*tlsStart{}
	var events []naiveEvent
	for _, t := range n.attempts {
		if t.Response != nil && t.Response.Head.Status/100 == 3 {
			if _, to := t.target(); to != nil {
				events = append(events, naiveEvent{at: t.Response.Done, redirect: t})
			}
		}
		if t.URL() != nil {
			events = append(events, naiveEvent{at: t.Request.First, request: t})
		}
	}
	for i := range n.a.tls {
		events = append(events, naiveEvent{at: n.a.tls[i].first, hello: &n.a.tls[i]})
	}
	slices.SortStableFunc(events, func(x, y naiveEvent) int { return x.at.Frame - y.at.Frame })
	for _, requests := range []bool{true, false} {
		for i, e := range events {
			if (e.request != nil) == requests && e.redirect == nil {
				n.follow(events[:i], e)
			}
		}
	}
}

// follow finds the redirect that e follows.
func (n *naive) follow(before []naiveEvent, e naiveEvent) {
	var best *Attempt
	for _, b := range before {
		r := b.redirect
		if r == nil || n.next[r] != nil || n.secure[r] != nil || e.at.Time < b.at.Time || e.at.Time-b.at.Time > int64(30*time.Second) || !leads(r, e) {
			continue
		}
		if best == nil || e.request == nil || best.Conn.ID != e.request.Conn.ID || r.Conn.ID == e.request.Conn.ID {
			best = r
		}
	}
	switch {
	case best == nil:
	case e.request != nil:
		n.next[best] = e.request
	default:
		n.secure[best] = e.hello
	}
}

// leads reports whether a redirect leads to what an event is about.
func leads(r *Attempt, e naiveEvent) bool {
	_, to := r.target()
	if e.request != nil {
		return e.request.Client().Addr() == r.Client().Addr() && destinationOf(e.request.URL()) == destinationOf(to)
	}
	place, secure := strings.CutPrefix(destinationOf(to), "wss://")
	return secure && e.hello.client.Addr() == r.Client().Addr() && strings.HasPrefix(place, fmt.Sprintf("%s:%d/", e.hello.name, e.hello.server.Port()))
}

func (n *naive) end(t *Attempt) ChainEnd {
	again := false
	for _, o := range n.attempts[t.Number:] {
		if o.Response != nil && o.Response.Head.Status/100 == 3 && o.URL() != nil && t.URL() != nil {
			_, to := o.target()
			again = again || to != nil && o.Client().Addr() == t.Client().Addr() && destinationOf(o.URL()) == destinationOf(t.URL())
		}
	}
	after := time.Duration(n.last.Time - t.Response.Done.Time)
	switch _, to := t.target(); {
	case after < 30*time.Second && !again && (after < time.Second || t.Close.By != Client):
		return ChainOutOfCapture
	case t.URL() != nil && strings.HasPrefix(destinationOf(t.URL()), "wss:") && strings.HasPrefix(destinationOf(to), "ws:"):
		return ChainDowngraded
	}
	return ChainNotFollowed
}

// retries finds chains that are like an earlier one.
func (n *naive) retries() {
	for i, c := range n.chains {
		for _, o := range n.chains[:i] {
			if n.attempts[c.Hops[0].Attempt-1].URL() != nil && n.attempts[o.Hops[0].Attempt-1].URL() != nil && o.First == nil && o.End == c.End && slices.Equal(o.URLs, c.URLs) && o.Hops[0].Client.Addr() == c.Hops[0].Client.Addr() {
				c.First = o
				o.Retries++
			}
		}
	}
}

func (n *naive) judge(c *Chain) {
	if c.Hops[len(c.Hops)-1].TLS {
		c = &Chain{Hops: c.Hops[:len(c.Hops)-1], URLs: c.URLs, End: c.End}
	}
	for i, h := range c.Hops {
		t := n.attempts[h.Attempt-1]
		if t.Verdict == Redirected {
			t.checkRedirect()
		}
		if c.End == ChainLoop && i == len(c.Hops)-1 || i == loopHops && t.Verdict == Redirected {
			t.find(RedirectLoop, strings.Join(c.URLs, " -> "), "an answer after a few hops")
		}
	}
	t := n.attempts[c.Hops[len(c.Hops)-1].Attempt-1]
	if c.End != ChainNotFollowed && c.End != ChainDowngraded || t.Redirect.Target == "" {
		return
	}
	if _, to := t.target(); t.futile(to) {
		return
	}
	t.find(RedirectNotFollowed, t.Redirect.Location, "a request to it")
	if s := t.Response.Head.Status; s == 307 || s == 308 {
		t.find(RedirectStatusUnsupported, t.Response.Head.Line, "301 or 302 for clients that know no other")
	}
}

// outline is what the naive way finds out about a chain.
func outline(c *Chain) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d: %q, %v, %d retries", c.ID, c.URLs, c.End, c.Retries)
	if c.First != nil {
		fmt.Fprintf(&b, " of %d", c.First.ID)
	}
	for _, h := range c.Hops {
		fmt.Fprintf(&b, ", hop %d %s", h.Attempt, h.ServerName)
	}
	return b.String()
}

// judgement is what relations can change of an attempt.
func judgement(t *Attempt) string {
	findings := make([]string, len(t.Findings))
	for i, f := range t.Findings {
		findings[i] = fmt.Sprintf("%+v", f)
	}
	slices.Sort(findings) // several with one code may be found in any order
	redirect := ""
	if r := t.Redirect; r != nil {
		redirect = fmt.Sprintf("hop %d of chain %d, %q to %q", r.Hop, r.Chain.ID, r.Location, r.Target)
	}
	if p := t.Passage; p != nil {
		redirect += fmt.Sprintf(" on the %v's side of a proxy, the other is %d, %v", p.Side, p.Other, p.Guess)
	}
	return fmt.Sprintf("%d %v %q %v %s\n\t%s", t.Number, t.Verdict, t.Reason, t.Cause, redirect, strings.Join(findings, "\n\t"))
}

// TestRelateLikeNaive compares what is found in random crowds with what the naive
// way finds.
func TestRelateLikeNaive(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 7))
		a := New(nil)
		last := gather(rng, 5+rng.IntN(60)).play(a, []time.Duration{0, 2 * time.Second, time.Minute}[seed%3])
		want := newNaive(a, last)
		compareRelations(t, want, a.Finish(last, 0), seen)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	for _, code := range []Code{KeyReused, AcceptBelongsToOtherFlow, HopHeaderStrippedRequest, CaptivePortal, RedirectLoop, RedirectNotFollowed, RedirectStatusUnsupported} {
		if seen[code.String()] == 0 {
			t.Errorf("no crowd shows %v", code)
		}
	}
	for end := range chainEndNames {
		if seen[ChainEnd(end).String()] == 0 {
			t.Errorf("no chain ends with %v", ChainEnd(end))
		}
	}
	t.Log(seen)
}

func compareRelations(t *testing.T, want *naive, got *Result, seen map[string]int) {
	t.Helper()
	if got.Attempts.Len() != len(want.attempts) || len(got.Chains) != len(want.chains) {
		t.Fatalf("%d attempts in %d chains, want %d in %d", got.Attempts.Len(), len(got.Chains), len(want.attempts), len(want.chains))
	}
	for i, c := range got.Chains {
		if g, w := outline(c), outline(want.chains[i]); g != w {
			t.Errorf("chain %s\nwant  %s", g, w)
		}
		seen[c.End.String()]++
	}
	for i := range got.Attempts.Len() {
		if g, w := judgement(got.Attempts.At(i)), judgement(want.attempts[i]); g != w {
			t.Errorf("got  %s\nwant %s", g, w)
		}
		for _, f := range want.attempts[i].Findings {
			seen[f.Code.String()]++
		}
	}
}

// TestEntropyLikeNaive does it for the keys of clients that have many.
func TestEntropyLikeNaive(t *testing.T) {
	found := 0
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 8))
		c := &crowd{rng: rng}
		for i := range 1600 {
			who := rng.IntN(4)
			nonce := make([]byte, 16)
			for j := range nonce {
				nonce[j] = byte(rng.IntN(255) + who%2) // never 0xff, or never 0x00
			}
			if key := keyOfBytes(nonce); who > 1 || rng.IntN(20) > 0 {
				c.askWith(1+who%3, int64(i), key)
			} else {
				c.askWith(1+who%3, int64(i), c.key()) // used again, printable, or with all bytes
			}
		}
		a := New(nil)
		last := c.play(a, time.Minute)
		want := newNaive(a, last)
		seen := map[string]int{}
		compareRelations(t, want, a.Finish(last, 0), seen)
		for i := range want.attempts {
			for _, f := range want.attempts[i].Findings {
				if strings.HasSuffix(f.Got, "keys without a byte 0x00 or 0xff") {
					found++
				}
			}
		}
	}
	if found == 0 || found > 18 {
		t.Errorf("found %d times", found)
	}
}

func (c *crowd) askWith(client int, at int64, key string) {
	k := c.call(client, 80, crowdStart+at)
	k.say(flow.AtoB, strings.Replace(upgrade, "AQIDBAUGBwgJCgsMDQ4PEA==", key, 1), 0)
}

// TestJudgeAgain asks for attempts in any order and again: the answer stays. A
// clone stays too, whatever is asked for after it.
func TestJudgeAgain(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 9))
		a := New(nil)
		r := a.Finish(gather(rng, 60).play(a, time.Minute), 0)
		n := r.Attempts.Len()
		first, clones := make([]string, n), make([]*Attempt, n)
		for i := range n {
			clones[i] = r.Attempts.At(i).Clone()
			first[i] = wholeAttempt(clones[i])
		}
		some := r.Attempts.Select(func(a *Attempt) bool { return a.Number%3 == 0 })
		for range 4 * n {
			i := rng.IntN(n)
			if got := wholeAttempt(r.Attempts.At(i)); got != first[i] {
				t.Fatalf("seed %d, attempt %d:\nthen  %s\nlater %s", seed, i, first[i], got)
			}
			if i := rng.IntN(some.Len()); wholeAttempt(some.At(i)) != first[3*i+2] {
				t.Fatalf("seed %d, %d of the selected ones", seed, i)
			}
		}
		for i, c := range clones {
			if got := wholeAttempt(c); got != first[i] {
				t.Fatalf("seed %d, clone %d:\nthen  %s\nlater %s", seed, i, first[i], got)
			}
		}
	}
}

// wholeAttempt is everything in an attempt, and what it points to.
func wholeAttempt(t *Attempt) string {
	c := *t
	var b strings.Builder
	fmt.Fprintf(&b, "%+v", *c.Conn)
	if c.Passage != nil {
		fmt.Fprintf(&b, " %+v", *c.Passage)
		c.Passage = nil
	}
	if c.TLS != nil {
		fmt.Fprintf(&b, " %+v", *c.TLS)
		c.TLS = nil
	}
	for _, m := range []*Message{c.Request, c.Response} {
		if m != nil {
			m := *m
			m.shape = nil
			fmt.Fprintf(&b, " %+v", m)
		}
	}
	if c.Redirect != nil {
		fmt.Fprintf(&b, " %q %q %d %d", c.Redirect.Location, c.Redirect.Target, c.Redirect.Hop, c.Redirect.Chain.ID)
	}
	c.Conn, c.Request, c.Response, c.Redirect = nil, nil, nil, nil
	fmt.Fprintf(&b, " %+v", c)
	return b.String()
}

// TestJudgeAlone judges each connection of a crowd on its own, too: what is found
// in an attempt itself does not depend on the heads of others, with which it
// shares phrases and shapes.
func TestJudgeAlone(t *testing.T) {
	for seed := range uint64(25) {
		c := gather(rand.New(rand.NewPCG(seed, 10)), 60)
		a := New(nil)
		last := c.play(a, time.Minute)
		crowded := newJudge(a, last, 0)
		byConn := map[int][]string{}
		for i := range crowded.len() {
			got := crowded.load(i, &crowded.store)
			got.judge(last, 0)
			byConn[got.Conn.ID] = append(byConn[got.Conn.ID], ownText(got))
		}
		alone := map[int][]string{}
		opened := 0
		for _, e := range c.events {
			if e.data == "" && e.end == flow.Open {
				alone[opened] = judgeConn(c, e.conn, last)
				opened++
			}
		}
		for id := range opened {
			if !slices.Equal(byConn[id], alone[id]) {
				t.Fatalf("seed %d, connection %d\nin the crowd %q\nalone        %q", seed, id, byConn[id], alone[id])
			}
		}
	}
}

// judgeConn judges the attempts of one connection of a crowd.
func judgeConn(c *crowd, conn int, last flow.Stamp) (lines []string) {
	one := &crowd{conns: 1}
	for _, e := range c.events {
		if e.conn == conn {
			e.conn = 0
			one.events = append(one.events, e)
		}
	}
	a := New(nil)
	one.play(a, 0)
	j := newJudge(a, last, 0)
	for i := range j.len() {
		t := j.load(i, &j.store)
		t.judge(last, 0)
		lines = append(lines, ownText(t))
	}
	return lines
}

// ownText is what is found in an attempt but for frames.
func ownText(t *Attempt) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %q %q %v", t.Key, t.Accept, t.Expected, t.Cause)
	for _, f := range t.Findings {
		f.Frame = 0
		fmt.Fprintf(&b, " %+v", f)
	}
	return b.String()
}
