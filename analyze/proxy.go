package analyze

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// A Passage tells of an attempt that is in the capture twice: on its way to a
// proxy, and on from there.
type Passage struct {
	Side      Side          // of the proxy on which this attempt is: Client, between client and proxy; Server, behind it
	Other     int           // number of the attempt on the other side
	Stream    int           // of that, Wireshark's tcp.stream
	Guess     bool          // the proxy made a key of its own: they are joined by address, path, status and time
	Forwarded time.Duration // from the whole request before the proxy to that behind it
	Returned  time.Duration // the same for the answer, the other way; valid iff Answered
	Answered  bool
	Request   []Difference // what the proxy made of the request
	Response  []Difference // what it made of the answer
}

// A pairing is the other side of a proxy.
type pairing struct {
	other int32 // index
	side  Side  // of this one
	guess bool
}

// pair notes that two attempts are the sides of a proxy.
func (j *judge) pair(outer, inner int, guess bool) {
	if j.pairs == nil {
		j.pairs = map[int32]pairing{}
	}
	if _, ok := j.pairs[int32(outer)]; !ok { // a chain of proxies is shown from its end
		j.pairs[int32(outer)] = pairing{int32(inner), Client, guess}
	}
	j.pairs[int32(inner)] = pairing{int32(outer), Server, guess}
}

// passage tells of the other side of an attempt, nil if there is none.
func (j *judge) passage(i int, t *Attempt) *Passage {
	p, ok := j.pairs[int32(i)]
	if !ok {
		return nil
	}
	o := j.load(int(p.other), &j.other)
	outer, inner := t, o
	if p.side == Server {
		outer, inner = o, t
	}
	x := &Passage{Side: p.side, Other: j.number(int(p.other)), Stream: o.Conn.ID, Guess: p.guess}
	x.Forwarded = time.Duration(inner.Request.Done.Time - outer.Request.Done.Time)
	x.Request = differences(outer.Request, inner.Request)
	if x.Answered = inner.Response != nil && outer.Response != nil; x.Answered {
		x.Returned = time.Duration(outer.Response.Done.Time - inner.Response.Done.Time)
		x.Response = differences(inner.Response, outer.Response)
	}
	return x
}

// differences tells what became of a head on its way.
func differences(from, to *Message) []Difference {
	if !from.Complete || !to.Complete {
		return nil
	}
	var c comparison
	c.text("start line", from.Head.Line, to.Head.Line)
	c.fields("field", from, to, nil)
	return c.list
}

// maxServerIPs bounds the addresses of servers that are remembered to see which
// of them are clients as well.
const maxServerIPs = 1 << 12

// noteServer remembers the address of a server.
func (a *Analyzer) noteServer(ip netip.Addr) {
	if !a.serverIPs[ip] && len(a.serverIPs) < maxServerIPs {
		a.serverIPs[ip] = true
	}
}

// A leg is an attempt to or from a host that is both server and client.
type leg struct {
	hop
	target string
	size   int // of the request's head
	status int
}

// guessPairs joins the sides of proxies that make keys of their own: the host
// that was asked asks somebody else for the same path before it answers, and
// nobody else can be meant.
func (j *judge) guessPairs() {
	both := map[netip.Addr]bool{}
	for ip := range j.a.serverIPs {
		if j.a.turnout.of(ip) > 0 {
			both[ip] = true
		}
	}
	if len(both) == 0 {
		return
	}
	var legs []leg
	inner := 0
	for i := range j.len() {
		if g := j.glance(i); both[g.client] || both[g.server] {
			if _, ok := j.pairs[int32(i)]; ok {
				continue
			}
			if t := j.load(i, &j.store); t.Request != nil && t.Request.Complete {
				l := leg{hop: hopOf(t, i), target: strings.Clone(t.Request.Head.Target), size: len(t.Request.Head.Raw)}
				if t.Response != nil {
					l.status = t.Response.Head.Status
				}
				legs = append(legs, l)
			}
			if both[g.client] {
				inner++
			}
		}
	}
	if inner == 0 {
		return
	}
	slices.SortFunc(legs, func(x, y leg) int { return inTime(x.asked, y.asked) })
	for i := range legs {
		if outer := legs[i].onlyOuter(legs[max(0, i-maxLegsBack):i]); outer != nil && legs[i].onlyInner(outer, legs[max(0, i-maxLegsBack):min(len(legs), i+1+maxLegsBack)]) {
			j.pair(outer.index, legs[i].index, true)
		}
	}
}

// maxLegsBack is how many attempts are searched for the other side of a proxy.
const maxLegsBack = 64

// onlyOuter returns the one of the attempts before that l may be the other side
// of; nil if there is none, or several.
func (l *leg) onlyOuter(before []leg) (found *leg) {
	for i := range before {
		if o := &before[i]; o.mayLead(l) {
			if found != nil {
				return nil
			}
			found = o
		}
	}
	return found
}

// onlyInner reports whether no attempt around l may be the other side of outer
// as well.
func (l *leg) onlyInner(outer *leg, around []leg) bool {
	for i := range around {
		if o := &around[i]; o != l && outer.mayLead(o) {
			return false
		}
	}
	return true
}

// mayLead reports whether a proxy may have made l of o.
func (o *leg) mayLead(l *leg) bool {
	if !o.answered.Seen() && o.ended.Seen() && inTime(o.ended, l.asked) < 0 {
		return false // nobody waits any more
	}
	return o.server.Addr() == l.client && o.server != l.server && o.stream != l.stream && o.target == l.target &&
		inTime(o.asked, l.asked) < 0 && (!o.answered.Seen() || l.answered.Seen() && inTime(l.answered, o.answered) < 0 && l.status == o.status) &&
		l.size <= 2*o.size+512 && o.size <= 2*l.size+512
}
