package analyze

import (
	"cmp"
	"net"
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

// place is what a URL leads to: scheme, host with port, path and query.
func place(u *url.URL) string {
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
func (a *Analyzer) noteMoved(t *Attempt) {
	h := &t.Response.Head
	if h.Status < 300 || h.Status > 399 {
		return
	}
	if _, u := t.target(); u != nil && webSocketScheme(u.Scheme) == "wss" {
		a.moved[t.Client().Addr()] = true
	}
}

// chains joins redirects with the requests that followed them. Attempts are in
// the order of their requests.
func (a *Analyzer) chains(attempts []*Attempt, last flow.Stamp) []*Chain {
	var chains []*Chain
	byClient := map[string][]*Attempt{}
	for _, t := range attempts {
		if u := t.URL(); u != nil {
			k := t.Client().Addr().String() + " " + place(u)
			byClient[k] = append(byClient[k], t)
		}
	}
	for _, t := range attempts {
		if t.Verdict != Redirected || t.Redirect != nil {
			continue
		}
		c := &Chain{ID: len(chains) + 1}
		chains = append(chains, c)
		a.follow(c, t, byClient, last)
		c.judge()
	}
	return chains
}

// follow adds a redirected attempt and the hops after it to a chain, and says
// how the chain ends.
func (a *Analyzer) follow(c *Chain, t *Attempt, byClient map[string][]*Attempt, last flow.Stamp) {
	seen, loops := map[string]bool{}, false
	if u := t.URL(); u != nil {
		c.URLs = append(c.URLs, u.String())
	}
	for {
		c.add(t)
		if u := t.URL(); u != nil {
			seen[place(u)] = true
		}
		if t.Verdict != Redirected {
			c.End = endOf(t)
			return
		}
		location, to := t.target()
		t.Redirect.Location = location
		if to == nil {
			c.End = ChainNotFollowed
			return
		}
		t.Redirect.Target = to.String()
		c.URLs = append(c.URLs, to.String())
		next := nextHop(t, byClient[t.Client().Addr().String()+" "+place(to)])
		if next == nil {
			if c.End = a.lastHop(t, to, last); loops {
				c.End = ChainLoop
			}
			return
		}
		loops = loops || seen[place(to)]
		if len(c.Attempts) >= MaxHops {
			c.End = ChainTooLong
			return
		}
		t = next
	}
}

// add makes an attempt the next hop.
func (c *Chain) add(t *Attempt) {
	c.Attempts = append(c.Attempts, t)
	if t.Redirect == nil {
		t.Redirect = &Redirect{Chain: c, Hop: len(c.Attempts)}
	}
}

// nextHop returns the first of the candidates that asks within followWithin of
// the redirect, and that belongs to no chain yet.
func nextHop(t *Attempt, candidates []*Attempt) *Attempt {
	done := t.Response.Done
	i := sort.Search(len(candidates), func(i int) bool { return candidates[i].Request.Done.Frame > done.Frame })
	for _, n := range candidates[i:] {
		after := n.Request.First.Time - done.Time
		if after > followWithin {
			break
		}
		if after >= 0 && n.Redirect == nil {
			return n
		}
	}
	return nil
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
func (a *Analyzer) lastHop(t *Attempt, to *url.URL, last flow.Stamp) ChainEnd {
	if webSocketScheme(to.Scheme) == "wss" && a.intoTLS(t, to) {
		return ChainIntoTLS
	}
	after := last.Time - t.Response.Done.Time
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

// judge says what is wrong with the redirects of a chain.
func (c *Chain) judge() {
	for i, t := range c.Attempts {
		if t.Verdict == Redirected {
			t.checkRedirect()
		}
		if c.End == ChainLoop && i == len(c.Attempts)-1 || i == loopHops && t.Verdict == Redirected {
			t.find(RedirectLoop, strings.Join(c.URLs, " -> "), "an answer after a few hops")
		}
	}
	if t := c.Attempts[len(c.Attempts)-1]; c.End == ChainNotFollowed && t.Redirect.Target != "" {
		t.find(RedirectNotFollowed, t.Redirect.Location, "a request to it")
		if s := t.Response.Head.Status; s == 307 || s == 308 {
			t.find(RedirectStatusUnsupported, t.Response.Head.Line, "301 or 302 for clients that know no other")
		}
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
