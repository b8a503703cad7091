package analyze

import (
	"bytes"
	"cmp"
	"net/netip"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

const followWithin = 30 * int64(time.Second) // after a redirect; what is asked for later has another reason

// Bounds of what is looked at for one redirect or request, lest many at once take
// the square of their number.
const (
	maxOpen      = 256 // redirects that nobody followed yet, the latest
	maxNameless  = 32  // TLS connections without a server name, the next
	maxStrangers = 256 // steps of others, the next
)

// An errand is what a client asks for: where a redirect leads, and a request.
type errand struct {
	client netip.Addr
	to     string // see destinationOf
}

// A route is what happened on an errand.
type route struct {
	to    *url.URL
	steps []step
}

// A step is a redirect that sends a client on an errand, or something that may
// be the client going.
type step struct {
	at     flow.Stamp // the redirect was complete, or the request began
	kind   stepKind
	index  int // of the attempt, or of the TLS connection
	stream int // of an attempt
	agent  string
	client netip.Addr
	to     *url.URL // of a redirect

	before int  // the step before of the same client, -1: none; valid among strangers
	joined bool // it follows a redirect
}

type stepKind uint8

const (
	sent stepKind = iota
	asked
	greeted // with a ClientHello
)

// A follower is what went on where a redirect led.
type follower struct {
	index  int // of the attempt or TLS connection
	kind   stepKind
	byHost bool
}

// A trail joins redirects with what followed them.
type trail struct {
	j         *judge
	routes    map[errand]*route
	strangers map[string]*route // requests for the same by others, which were not sent there
	next      map[int]follower
	nameless  map[int]int    // TLS connections that may follow a redirect, nobody knows
	taken     map[int]bool   // TLS connections that follow a redirect
	again     map[errand]int // the last redirected attempt of a client that asked for something
	texts     map[string]string
}

func newTrail(j *judge) *trail {
	t := &trail{j: j, routes: map[errand]*route{}, strangers: map[string]*route{}, next: map[int]follower{}, taken: map[int]bool{}, nameless: map[int]int{}, again: map[errand]int{}, texts: map[string]string{}}
	from, to := t.redirects()
	if len(t.routes) == 0 {
		return t
	}
	t.requests(from, to)
	slices.SortStableFunc(j.tls, func(x, y tlsStart) int { return cmp.Compare(x.first.Frame, y.first.Frame) })
	var left []step
	for _, r := range t.routes {
		left = append(left, t.pair(r)...)
	}
	sortSteps(left)
	t.pairStrangers(t.pairTLS(left))
	return t
}

// redirects begins the routes, and returns between which times requests may
// follow.
func (t *trail) redirects() (from, to int64) {
	for i := range t.j.len() {
		if t.j.entry(i).at&moved == 0 {
			continue
		}
		a := t.j.load(i, &t.j.store)
		_, u := a.target()
		if u == nil {
			continue
		}
		e := errand{a.Client().Addr(), destinationOf(u)}
		if u := a.URL(); u != nil {
			t.again[errand{e.client, destinationOf(u)}] = i
		}
		done := a.Response.Done
		if len(t.routes) == 0 {
			from, to = done.Time, done.Time
		}
		from, to = min(from, done.Time), max(to, done.Time+followWithin)
		if t.routes[e] == nil {
			t.routes[e] = &route{to: u}
			t.strangers[e.to] = &route{to: u}
		}
		t.routes[e].add(step{at: done, kind: sent, index: i, stream: a.Conn.ID, agent: a.agent(), client: e.client, to: t.routes[e].to})
	}
	return from, to
}

func (r *route) add(s step) { r.steps = append(r.steps, s) }

func sortSteps(steps []step) {
	slices.SortFunc(steps, func(x, y step) int {
		return cmp.Or(cmp.Compare(x.at.Frame, y.at.Frame), int(x.kind)-int(y.kind), x.index-y.index)
	})
}

// agent tells what software sent the request: its User-Agent, or else the names
// of all fields as it writes them.
func (t *Attempt) agent() string {
	if t.Request == nil {
		return ""
	}
	if agent, _ := t.Request.Head.Get("User-Agent"); agent != "" {
		return strings.Clone(agent)
	}
	return strings.Join(namesOf(t.Request), ", ")
}

// requests adds the requests that may follow.
func (t *trail) requests(from, to int64) {
	targets := newTargetFilter(t)
	for i := range t.j.len() {
		if first := t.j.begins(i); first < from || first > to || !targets.may(i) {
			continue
		}
		a := t.j.load(i, &t.j.store)
		if r := t.routeOf(a); r != nil {
			r.add(step{at: a.Request.First, kind: asked, index: i, stream: a.Conn.ID, agent: a.agent(), client: a.Client().Addr()})
		}
	}
}

// routeOf returns the route that a request may be on: that of its client, or else
// of strangers; nil if there is none. Who has no name in its Host may have looked
// up the one that the redirect leads to.
func (t *trail) routeOf(a *Attempt) *route {
	u := a.URL()
	if u == nil {
		return nil
	}
	hosts := []string{u.Hostname()}
	if _, err := netip.ParseAddr(hosts[0]); err == nil && a.Tunnel == "" {
		hosts = append(hosts, t.j.a.names.Of(a.Server().Addr(), a.Start().Time)...)
	}
	for _, host := range hosts {
		to := destinationAt(u, host)
		if r := t.routes[errand{a.Client().Addr(), to}]; r != nil {
			return r
		}
		if r := t.strangers[to]; r != nil {
			return r
		}
	}
	return nil
}

// pair finds what the client itself did after each redirect, and returns the
// redirects after which it did nothing. They take the place of the steps.
func (t *trail) pair(r *route) (left []step) {
	sortSteps(r.steps)
	left = r.steps[:0]
	for _, s := range r.steps {
		if s.kind == sent {
			left = append(left, s)
			continue
		}
		if i := latest(left, s); i >= 0 && !(s.kind == greeted && t.taken[s.index]) {
			t.join(left[i], s, false)
			left = slices.Delete(left, i, i+1)
		}
	}
	return left
}

func (t *trail) join(from, to step, byHost bool) {
	t.next[from.index] = follower{to.index, to.kind, byHost}
	if to.kind == greeted {
		t.taken[to.index] = true
	}
}

// latest returns which of the redirects a step follows: the one on the same
// connection, else the latest, as a client that does not follow one tries again;
// -1: none.
func latest(open []step, s step) int {
	found := -1
	for i := len(open) - 1; i >= max(0, len(open)-maxOpen); i-- {
		after := s.at.Time - open[i].at.Time
		if after > followWithin {
			break
		}
		if after < 0 || s.kind == asked && s.index == open[i].index { // the capture has an answer before its request
			continue
		}
		if found < 0 {
			found = i
		}
		if s.kind == asked && open[i].stream == s.stream {
			return i
		}
	}
	return found
}

// A tlsPeer is where a client opens TLS connections.
type tlsPeer struct {
	client netip.Addr // the zero value: any
	name   string     // the host; "" if the ClientHello names none
	port   uint16
}

// pairTLS finds the TLS connections that the client opened after redirects, and
// returns the redirects after which it opened none.
func (t *trail) pairTLS(redirects []step) (left []step) {
	opened := map[tlsPeer][]int{}
	for i := range t.j.tls {
		s := &t.j.tls[i]
		if s.read {
			continue
		}
		peer := tlsPeer{s.client.Addr(), s.host, s.to.Port()}
		opened[peer] = append(opened[peer], i)
	}
	routes := map[tlsPeer]*route{}
	var order []tlsPeer
	for _, s := range redirects {
		peer, ok := s.tlsPeer()
		if !ok {
			left = append(left, s)
			continue
		}
		if routes[peer] == nil {
			routes[peer] = &route{}
			order = append(order, peer)
		}
		routes[peer].add(s)
	}
	for _, peer := range order {
		r := routes[peer]
		nameless := opened[tlsPeer{peer.client, "", peer.port}]
		near := t.behind(r.steps, nameless)
		t.addHellos(r, opened[peer])
		t.addHellos(r, slices.DeleteFunc(near, func(i int) bool { leads, _ := t.leadsTo(peer.name, i); return !leads }))
		for _, s := range t.pair(r) {
			left = append(left, s)
			t.noteNameless(s, nameless)
		}
	}
	sortSteps(left)
	return left
}

// behind returns those of a list of TLS connections that began right after one of
// the redirects. Both are in the order of their frames.
func (t *trail) behind(redirects []step, list []int) (near []int) {
	next := 0
	for _, s := range redirects {
		first := sort.Search(len(list), func(i int) bool { return t.j.tls[list[i]].first.Frame > s.at.Frame })
		last := min(first+maxNameless, len(list))
		if first = max(first, next); first < last {
			near, next = append(near, list[first:last]...), last
		}
	}
	return near
}

// noteNameless remembers a TLS connection that may follow a redirect, without
// anything that says so or denies it.
func (t *trail) noteNameless(redirect step, list []int) {
	peer, _ := redirect.tlsPeer()
	for _, i := range t.behind([]step{redirect}, list) {
		after := t.j.tls[i].first.Time - redirect.at.Time
		if _, known := t.leadsTo(peer.name, i); !known && !t.taken[i] && 0 <= after && after <= followWithin {
			t.nameless[redirect.index] = i
			return
		}
	}
}

func (t *trail) addHellos(r *route, list []int) {
	for _, i := range list {
		s := &t.j.tls[i]
		r.add(step{at: s.first, kind: greeted, index: i, client: s.client.Addr()})
	}
}

// tlsPeer returns where a redirected client is to open a TLS connection, and
// false if it is not.
func (s *step) tlsPeer() (tlsPeer, bool) {
	if webSocketScheme(s.to.Scheme) != "wss" {
		return tlsPeer{}, false
	}
	port, ok := portNumber(s.to)
	return tlsPeer{s.client, strings.ToLower(s.to.Hostname()), port}, ok
}

// portNumber returns the port that a URL leads to, and false if it makes no sense.
func portNumber(u *url.URL) (uint16, bool) {
	port, err := strconv.ParseUint(portOf(u), 10, 16)
	return uint16(port), err == nil
}

// leadsTo reports whether a TLS connection without a server name goes to a host:
// the host is an address, or DNS answers in the capture say so. It is not known if
// the capture has no answer for the host.
func (t *trail) leadsTo(host string, i int) (leads, known bool) {
	s := &t.j.tls[i]
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap() == s.to.Addr().Unmap(), true
	}
	return t.j.a.names.Led(host, s.to.Addr(), s.first.Time)
}

// pairStrangers looks for redirects that were followed from another address: a
// client with addresses of both families, or behind a translator, may change it.
func (t *trail) pairStrangers(left []step) {
	opened := map[tlsPeer]*route{}
	for i := range t.j.tls {
		s := &t.j.tls[i]
		peer := tlsPeer{name: s.host, port: s.to.Port()}
		if opened[peer] == nil {
			opened[peer] = &route{}
		}
		if s.host != "" && !s.read && !t.taken[i] {
			t.addHellos(opened[peer], []int{i})
		}
	}
	for _, r := range opened {
		r.linkClients()
	}
	for _, r := range t.strangers {
		r.linkClients()
	}
	for _, from := range left {
		r := t.strangers[destinationOf(from.to)]
		if peer, ok := from.tlsPeer(); ok && len(r.steps) == 0 {
			r = opened[tlsPeer{name: peer.name, port: peer.port}]
		}
		if i := t.stranger(r, &from); i >= 0 {
			t.join(from, r.steps[i], true)
			r.steps[i].joined = true
		}
	}
}

// linkClients sorts the steps, and links each to the one before of its client.
func (r *route) linkClients() {
	sortSteps(r.steps)
	latest := map[netip.Addr]int{}
	for i := range r.steps {
		s := &r.steps[i]
		s.before = latest[s.client] - 1
		latest[s.client] = i + 1
	}
}

// stranger returns the only step that may follow a redirect, -1 if there is none,
// or several, or too many to tell. Who asks for it without having been sent is
// none.
func (t *trail) stranger(r *route, from *step) int {
	if r == nil {
		return -1
	}
	found := -1
	first := sort.Search(len(r.steps), func(i int) bool { return r.steps[i].at.Frame > from.at.Frame })
	for i := first; i < len(r.steps); i++ {
		s := &r.steps[i]
		after := s.at.Time - from.at.Time
		if after > followWithin {
			break
		}
		if i-first == maxStrangers {
			return -1
		}
		if after < 0 || s.joined || s.before >= 0 && !r.steps[s.before].joined || !t.sameDevice(from, s) {
			continue
		}
		if found >= 0 {
			return -1
		}
		found = i
	}
	return found
}

// An address that a translator gave a client anew asks at once, and for little
// else.
const (
	anewWithin = 5 * int64(time.Second)
	anewAtMost = 4 // attempts
)

// sameDevice reports whether another address may be that of the redirected
// client: it uses the same software, and its frames have the same MAC address or,
// if that is not known, it is of the other family or new.
func (t *trail) sameDevice(from, s *step) bool {
	if s.client == from.client || s.kind == asked && s.agent != from.agent {
		return false
	}
	x, y := t.j.a.hosts.Of(from.client).MAC, t.j.a.hosts.Of(s.client).MAC
	if x != (flow.MAC{}) && y != (flow.MAC{}) {
		return x == y
	}
	if from.client.Unmap().Is4() != s.client.Unmap().Is4() {
		return true
	}
	return s.kind == asked && s.at.Time-from.at.Time <= anewWithin && t.j.a.turnout.of(s.client) <= anewAtMost
}

// A targetFilter tells which requests may be for what somebody was sent to,
// without taking most of them apart.
type targetFilter struct {
	j       *judge
	paths   map[string]bool // with their queries, of targets
	hosts   map[string]bool // of the same
	phrases map[uint32]bool // whether heads with a phrase are for such a host
}

func newTargetFilter(t *trail) *targetFilter {
	f := &targetFilter{j: t.j, paths: map[string]bool{}, hosts: map[string]bool{}, phrases: map[uint32]bool{}}
	for _, w := range t.strangers {
		f.paths[w.to.RequestURI()], f.hosts[strings.ToLower(w.to.Hostname())] = true, true
	}
	return f
}

// may reports whether an attempt may be one.
func (f *targetFilter) may(i int) bool {
	exchange, _ := f.j.open(i)
	line, fields, number := exchange.requestFields()
	_, target, _ := bytes.Cut(line, []byte(" "))
	target, _, _ = bytes.Cut(target, []byte(" "))
	if len(target) > 0 && target[0] != '/' {
		return true
	}
	target = bytes.TrimRight(target, "\r\n")
	return (f.paths[string(target)] || mayBeEscaped(target)) && f.mayHost(fields, number)
}

// mayBeEscaped reports whether a byte of a target may be spelled in another way.
func mayBeEscaped(target []byte) bool {
	for _, c := range target {
		switch c {
		case '"', '#', '%', '<', '>', '[', '\\', ']', '^', '`', '{', '|', '}':
			return true
		}
		if c <= ' ' || c > '~' {
			return true
		}
	}
	return false
}

// mayHost looks at the Host. Without a name in it, the client may have looked one
// up.
func (f *targetFilter) mayHost(fields []byte, number uint32) bool {
	may, known := f.phrases[number]
	if number != 0 && known {
		return may
	}
	h := parseHead("\n" + string(fields))
	host, ok := h.Get("Host")
	host = strings.ToLower((&url.URL{Host: host}).Hostname())
	_, err := netip.ParseAddr(host)
	may = !ok || err == nil || f.hosts[host]
	if number != 0 {
		f.phrases[number] = may
	}
	return may
}
