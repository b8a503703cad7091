package analyze

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// Bounds of what counts as following a redirect.
const (
	MaxHops       = 20 // hops of one chain
	followWithin  = 30 * int64(time.Second)
	loopHops      = 5                  // more hops than this are a loop, whatever they ask for
	minAfterwards = int64(time.Second) // how long the capture must go on to say so of a client that closed
)

// URL returns what the request asked for: its absolute-form target, or Host and
// target together (RFC 9112, Section 3.3), with a ws or wss scheme. It is nil if
// the request was not seen or makes no URL.
func (t *Attempt) URL() *url.URL {
	if t.Request == nil || t.Request.Head.Method == "CONNECT" {
		return nil
	}
	h := &t.Request.Head
	target := h.Target
	if !strings.Contains(target, "://") || strings.HasPrefix(target, "/") {
		host, ok := h.Get("Host")
		if !ok {
			host = t.Server().String()
		}
		target = "ws://" + host + target
	}
	u, err := url.Parse(target)
	if err != nil {
		return nil
	}
	u.Scheme = webSocketScheme(u.Scheme)
	return u
}

// webSocketScheme maps http to ws and https to wss: which of both a Location
// says makes no difference to where it leads.
func webSocketScheme(scheme string) string {
	switch scheme = strings.ToLower(scheme); scheme {
	case "http":
		return "ws"
	case "https":
		return "wss"
	}
	return scheme
}

// target resolves the Location of a redirect, RFC 9110, Section 10.2.2.
func (t *Attempt) target() (location string, u *url.URL) {
	location, _ = t.Response.Head.Get("Location")
	from := t.URL()
	if from == nil {
		from = &url.URL{}
	}
	base := *from
	base.Scheme = strings.Replace(base.Scheme, "ws", "http", 1)
	u, err := base.Parse(location)
	if err != nil || u.Host == "" {
		return location, nil
	}
	return location, u
}

// destinationOf is what a URL leads to: scheme, host with port, path and query.
func destinationOf(u *url.URL) string {
	port := u.Port()
	scheme := webSocketScheme(u.Scheme)
	if port == "" {
		port = defaultPort(scheme)
	}
	path := u.RequestURI()
	return scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port) + path
}

func defaultPort(scheme string) string {
	if scheme == "wss" {
		return "443"
	}
	return "80"
}

// noteMoved remembers a client that was redirected to TLS.
func (a *Analyzer) noteMoved(c *flow.Conn, d *draft) {
	if d.status < 300 || d.status > 399 {
		return
	}
	a.packer.b = a.packer.whole[:0]
	a.packer.exchange(d)
	a.packer.whole = a.packer.b
	var s store
	t := &s.Attempt
	u := unpacker{b: a.packer.whole, phrases: &a.phrases}
	t.Conn = &flow.Evidence{A: c.Addr(flow.AtoB), B: c.Addr(flow.BtoA)}
	u.exchange(t, &s)
	if _, to := t.target(); to != nil && webSocketScheme(to.Scheme) == "wss" {
		a.moved[t.Client().Addr()] = true
	}
}

// A candidate is a request that may follow a redirect.
type candidate struct {
	index int
	done  int   // frame that completes it
	first int64 // time of its first byte
}

// An errand is what a client asks for: where a redirect leads, and a request.
type errand struct {
	client netip.Addr
	to     string
}

// A window is the time in which a client may follow its redirects.
type window struct {
	from, to int64 // of the redirects
	any      bool
}

func (w window) with(time int64) window {
	if !w.any {
		return window{time, time, true}
	}
	return window{min(w.from, time), max(w.to, time), true}
}

// holds reports whether a request that began at a time may follow one of them.
func (w window) holds(first int64) bool {
	return w.any && first >= w.from && first <= w.to+followWithin
}

// chains joins redirects with the requests that followed them.
func (j *judge) chains() []*Chain {
	errands := j.errands()
	var chains []*Chain
	for i := range j.len() {
		if j.entry(i).at&moved == 0 {
			continue
		}
		if t := j.attempt(i); t.Verdict == Redirected && t.Redirect == nil {
			c := &Chain{ID: len(chains) + 1}
			chains = append(chains, c)
			j.follow(c, i, errands)
			j.judgeChain(c)
		}
	}
	return chains
}

// errands lists who asked for what redirects lead to.
func (j *judge) errands() map[errand][]candidate {
	errands, sent := map[errand][]candidate{}, map[netip.Addr]window{}
	for i := range j.len() {
		if j.entry(i).at&moved == 0 {
			continue
		}
		t := j.load(i, &j.store)
		if _, to := t.target(); to != nil {
			client := t.Client().Addr()
			errands[errand{client, destinationOf(to)}] = nil
			sent[client] = sent[client].with(t.Response.Done.Time)
		}
	}
	if len(errands) == 0 {
		return errands
	}
	for i := range j.len() {
		if g := j.glance(i); !sent[g.client].holds(g.first.Time) {
			continue
		}
		t := j.load(i, &j.store)
		u := t.URL()
		if u == nil {
			continue
		}
		e := errand{t.Client().Addr(), destinationOf(u)}
		if list, ok := errands[e]; ok {
			errands[e] = append(list, candidate{i, t.Request.Done.Frame, t.Request.First.Time})
		}
	}
	return errands
}

// follow adds a redirected attempt and the hops after it to a chain, and says
// how the chain ends.
func (j *judge) follow(c *Chain, i int, errands map[errand][]candidate) {
	seen, loops := map[string]bool{}, false
	for {
		t := j.attempt(i)
		from := t.URL()
		if len(c.Hops) == 0 && from != nil {
			c.URLs = append(c.URLs, from.String())
		}
		j.addHop(c, i, t)
		if from != nil {
			seen[destinationOf(from)] = true
		}
		if t.Verdict != Redirected {
			c.End = endOf(t)
			return
		}
		location, to := t.target()
		redirect := j.relation(i).redirect
		redirect.Location = location
		if to == nil {
			c.End = ChainNotFollowed
			return
		}
		redirect.Target = to.String()
		c.URLs = append(c.URLs, to.String())
		next, ok := j.nextHop(t, errands[errand{t.Client().Addr(), destinationOf(to)}])
		if !ok {
			if c.End = j.lastHop(t, to); loops {
				c.End = ChainLoop
			}
			return
		}
		loops = loops || seen[destinationOf(to)]
		if len(c.Hops) >= MaxHops {
			c.End = ChainTooLong
			return
		}
		i = next
	}
}

// addHop makes an attempt the next hop.
func (j *judge) addHop(c *Chain, i int, t *Attempt) {
	c.Hops = append(c.Hops, i+1)
	if r := j.relation(i); r.redirect == nil {
		r.redirect = &Redirect{Chain: c, Hop: len(c.Hops)}
	}
}

// nextHop returns the first of the candidates that asks within followWithin of
// the redirect, and that belongs to no chain yet.
func (j *judge) nextHop(t *Attempt, candidates []candidate) (index int, ok bool) {
	done := t.Response.Done
	i := sort.Search(len(candidates), func(i int) bool { return candidates[i].done > done.Frame })
	for _, n := range candidates[i:] {
		after := n.first - done.Time
		if after > followWithin {
			break
		}
		if r := j.relations[n.index]; after >= 0 && (r == nil || r.redirect == nil) {
			return n.index, true
		}
	}
	return 0, false
}

// endOf says how a chain ends whose last hop is no redirect.
func endOf(t *Attempt) ChainEnd {
	switch t.Verdict {
	case OK, BadHandshake, AcceptMismatch, AcceptMissing:
		return ChainUpgraded
	case Rejected:
		return ChainRefused
	}
	return ChainUnanswered
}

// lastHop says how a chain ends whose target nobody was seen asking for.
func (j *judge) lastHop(t *Attempt, to *url.URL) ChainEnd {
	if webSocketScheme(to.Scheme) == "wss" && j.a.intoTLS(t, to) {
		return ChainIntoTLS
	}
	after := j.last.Time - t.Response.Done.Time
	if after >= followWithin || after >= minAfterwards && t.Close.By == Client {
		return ChainNotFollowed
	}
	return ChainOutOfCapture
}

func (a *Analyzer) intoTLS(t *Attempt, to *url.URL) bool {
	port, err := strconv.ParseUint(cmp.Or(to.Port(), "443"), 10, 16)
	if err != nil {
		return false
	}
	starts := a.tls[tlsPeer{t.Client().Addr(), uint16(port)}]
	i, _ := slices.BinarySearch(starts, t.Response.Done.Time)
	return i < len(starts) && starts[i]-t.Response.Done.Time <= followWithin
}

// judgeChain says what is wrong with the redirects of a chain.
func (j *judge) judgeChain(c *Chain) {
	for hop, number := range c.Hops {
		t := j.attempt(number - 1)
		before := len(t.Findings)
		if t.Verdict == Redirected {
			t.checkRedirect()
		}
		last := hop == len(c.Hops)-1
		if c.End == ChainLoop && last || hop == loopHops && t.Verdict == Redirected {
			t.find(RedirectLoop, strings.Join(c.URLs, " -> "), "an answer after a few hops")
		}
		if last && c.End == ChainNotFollowed && t.Redirect.Target != "" {
			t.find(RedirectNotFollowed, t.Redirect.Location, "a request to it")
			if s := t.Response.Head.Status; s == 307 || s == 308 {
				t.find(RedirectStatusUnsupported, t.Response.Head.Line, "301 or 302 for clients that know no other")
			}
		}
		r := j.relation(number - 1)
		r.chained = append(r.chained, t.Findings[before:]...)
	}
}

// find adds a finding about the Location of a redirect.
func (t *Attempt) find(code Code, got, want string) {
	t.add(code, Server, t.Response.Done.Frame, "Location", got, want)
}

// login matches the addresses of login pages.
var login = regexp.MustCompile(`(?i)\b(log-?in|sign-?in|oauth2?|sso|saml2?|auth|authorize|accounts)\b`)

// checkRedirect says where a redirect leads, RFC 9110, Section 15.4.
func (t *Attempt) checkRedirect() {
	location, to := t.target()
	from := t.URL()
	if !strings.Contains(location, "://") {
		t.find(RedirectRelativeLocation, location, "an absolute URL")
	}
	if to == nil || from == nil {
		return
	}
	scheme := webSocketScheme(to.Scheme)
	sameHost := strings.EqualFold(from.Hostname(), to.Hostname())
	switch {
	case sameHost && from.Scheme == "ws" && scheme == "wss":
		t.find(RedirectHTTPToHTTPS, location, "wss in the client's URL")
	case from.Scheme == "wss" && scheme == "ws":
		t.find(RedirectTLSDowngrade, location, "https or wss")
	case sameHost && onlySpelling(from, to):
		t.find(RedirectHostPortNormalisation, location, "the URL in this spelling at once")
	}
	if login.MatchString(to.Hostname()+to.Path) && !login.MatchString(from.Hostname()+from.Path) {
		t.find(RedirectToLogin, location, "credentials in the request")
	}
	t.checkScheme(from, to, location)
}

// onlySpelling reports whether two URLs of one host differ in port or slash only.
func onlySpelling(from, to *url.URL) bool {
	return strings.TrimSuffix(from.Path, "/") == strings.TrimSuffix(to.Path, "/") && webSocketScheme(to.Scheme) == from.Scheme && from.RawQuery == to.RawQuery
}

// checkScheme looks for clients that cannot use the scheme of a Location.
func (t *Attempt) checkScheme(from, to *url.URL, location string) {
	agent, _ := t.Request.Head.Get("User-Agent")
	switch {
	case strings.HasPrefix(agent, "ESP32 Websocket Client") && webSocketScheme(to.Scheme) != from.Scheme:
		t.find(RedirectSchemeUnusable, location, "a target without a change between plain and TLS")
	case strings.HasPrefix(agent, "Go-http-client") && strings.HasPrefix(strings.ToLower(to.Scheme), "ws"):
		t.find(RedirectSchemeUnusable, location, "http or https")
	}
}
