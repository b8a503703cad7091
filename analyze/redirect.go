package analyze

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// URL returns what the request asked for: its absolute-form target, or Host and
// target together (RFC 9112, Section 3.3), with a ws or wss scheme. It is nil if
// the request was not seen or makes no URL, as without the slash before a path or
// with a Host that is none.
func (t *Attempt) URL() *url.URL {
	if t.Request == nil || t.Request.Head.Tunnels() {
		return nil
	}
	h := &t.Request.Head
	target := h.Target
	if strings.HasPrefix(target, "/") {
		host, _ := h.Get("Host")
		if !isHost(host) {
			return nil
		}
		if host == "" {
			host = cmp.Or(t.Tunnel, t.Server().String())
		}
		target = t.scheme() + "://" + host + target
	} else if !strings.Contains(target, "://") {
		return nil
	}
	u, err := url.Parse(target)
	if err != nil {
		return nil
	}
	u.Scheme = webSocketScheme(u.Scheme)
	return u
}

// scheme is that of a request in origin form, RFC 6455, Section 3.
func (t *Attempt) scheme() string {
	if t.TLS != nil {
		return "wss"
	}
	return "ws"
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

// target resolves the Location of a redirect, RFC 9110, Section 10.2.2. It is nil
// if there is none, or none that leads to a host.
func (t *Attempt) target() (location string, u *url.URL) {
	location, _ = t.Response.Head.Get("Location")
	to := reference(location)
	if to == nil {
		return location, nil
	}
	from := t.URL()
	if from == nil {
		from = &url.URL{}
	}
	base := *from
	base.Scheme = strings.Replace(base.Scheme, "ws", "http", 1)
	if u = base.ResolveReference(to); u.Hostname() == "" {
		return location, nil
	}
	return location, u
}

// reference takes a Location apart, RFC 3986, Section 4.1. It is nil if that is
// none, or none to which a WebSocket client can go. The empty one would be the
// request's own URL: nobody means that, and clients take it for none.
func reference(location string) *url.URL {
	u, err := url.Parse(location)
	if err != nil || location == "" {
		return nil
	}
	switch webSocketScheme(u.Scheme) {
	case "ws", "wss":
	case "":
		if !strings.HasPrefix(location, "//") {
			return u
		}
	default:
		return nil
	}
	if u.Hostname() == "" {
		return nil
	}
	return u
}

// destinationOf is what a URL leads to: scheme, host with port, path and query.
func destinationOf(u *url.URL) string { return destinationAt(u, u.Hostname()) }

// destinationAt is destinationOf with another host.
func destinationAt(u *url.URL, host string) string {
	return webSocketScheme(u.Scheme) + "://" + net.JoinHostPort(canonicalHost(host), portOf(u)) + u.RequestURI()
}

// canonicalHost spells a host in the one way that RFC 5952 has for an address of
// IPv6, and a name in lower case.
func canonicalHost(host string) string {
	if strings.Contains(host, ":") {
		if ip, err := netip.ParseAddr(host); err == nil {
			return ip.String()
		}
	}
	return strings.ToLower(host)
}

// portOf returns the port that a URL leads to.
func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return defaultPort(webSocketScheme(u.Scheme))
}

func defaultPort(scheme string) string {
	if scheme == "wss" {
		return "443"
	}
	return "80"
}

// noteMoved remembers a client that was redirected to TLS, and the host there.
func (a *Analyzer) noteMoved(c *flow.Conn, d *draft) {
	if d.entry == 0 || d.status < 300 || d.status > 399 {
		return
	}
	a.packer.b = a.packer.whole[:0]
	a.packer.exchange(d)
	a.packer.whole = a.packer.b
	var s store
	t := &s.Attempt
	u := unpacker{b: a.packer.whole, phrases: &a.phrases}
	t.Conn = &flow.Evidence{A: c.Addr(flow.AtoB), B: c.Addr(flow.BtoA)}
	u.exchange(t, &s, &a.certificates)
	_, to := t.target()
	if to == nil {
		return
	}
	if client := t.Client().Addr(); len(a.refusals) < MaxClients && a.refusals[client] == nil {
		a.refusals[client] = []refusedConn{}
	}
	if webSocketScheme(to.Scheme) == "wss" {
		a.moved[t.Client().Addr()], a.movedTo[strings.ToLower(to.Hostname())] = true, true
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
	_, to := t.target()
	from, location := t.URL(), t.Redirect.Location
	t.checkLocation(location)
	if to == nil || from == nil {
		return
	}
	scheme := webSocketScheme(to.Scheme)
	sameHost := canonicalHost(from.Hostname()) == canonicalHost(to.Hostname())
	switch {
	case toItself(from, to):
		t.find(RedirectToItself, location, "another URL")
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

// checkLocation checks the form of a Location.
func (t *Attempt) checkLocation(location string) {
	to := reference(location)
	switch {
	case t.locationsDiffer():
		t.find(RedirectLocationInvalid, joinValues(t.Response.Head.Named("Location")), "one field")
	case to == nil:
		t.find(RedirectLocationInvalid, location, "a URL with http or https and a host")
	case to.Scheme == "":
		t.find(RedirectRelativeLocation, location, "an absolute URL")
	}
}

// locationsDiffer reports whether a redirect leads to several URLs. Which of them
// a client takes is not known.
func (t *Attempt) locationsDiffer() bool {
	first, more := t.Response.Head.first("Location")
	return more && slices.ContainsFunc(t.Response.Head.Named("Location"), func(f Field) bool { return f.Value != first.Value })
}

// toItself reports whether a redirect leads to the URL that was asked for, to the
// letter.
func toItself(from, to *url.URL) bool {
	return webSocketScheme(to.Scheme) == from.Scheme && from.Host == to.Host && from.RequestURI() == to.RequestURI()
}

// futile reports whether it is not the client's fault that it did not follow a
// redirect: that changes nothing, or nobody knows where it leads.
func (t *Attempt) futile(to *url.URL) bool {
	from := t.URL()
	return t.locationsDiffer() || from != nil && toItself(from, to)
}

// onlySpelling reports whether two URLs of one host differ in a port that goes
// without saying, or in the slash at the end, only.
func onlySpelling(from, to *url.URL) bool {
	usual := from.Port() == "80" || from.Port() == "443" // what a front end may have taken TLS off is plain here
	if portOf(from) != portOf(to) && !(usual && to.Port() == "") {
		return false
	}
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
