package analyze

import (
	"fmt"
	"regexp"
	"strings"
)

// checkStatus says what an answer other than 101 means.
func (t *Attempt) checkStatus() {
	m := t.Response
	h := &m.Head
	find := func(code Code, field, got, want string) { t.add(code, Server, m.Done.Frame, field, got, want) }
	if t.statusCut() {
		return
	}
	if t.framesAfterRefusal.Seen() {
		t.add(ClientAcceptsNon101, Client, t.framesAfterRefusal.Frame, "", "a masked frame", "none after "+h.Line)
	}
	if cutStatusLine(h.Raw) {
		find(HeadNotTerminated, "head", h.Line, "a status line with its code")
		return
	}
	if h.Status == 0 {
		find(ResponseNotHTTP, "status", h.Line, "HTTP/1.1 101 Switching Protocols")
		return
	}
	if t.Request != nil && t.Request.Head.Tunnels() {
		find(ConnectTunnelRefused, "status", h.Line, "2xx")
		return
	}
	checkResponseVersion(h, find)
	want := "101"
	if t.H2 != nil {
		want = "2xx"
	}
	if code, ok := t.redirectCode(); !ok || t.H2 != nil {
		t.checkRefusal(find, want)
	} else if code != 0 || h.Status == 304 {
		find(code, "status", h.Line, want)
	}
	t.checkIntermediary(find)
}

// checkRefusal says what a status means that is no redirect, and whether the head of
// the request is to blame.
func (t *Attempt) checkRefusal(find finder, want string) {
	h := &t.Response.Head
	raw := requestRaw(t)
	large := h.Status == 431 || len(raw) > smallBuffer && (h.Status == 400 || h.Status == 413 || h.Status == 414 || h.Status == 494)
	if h.Status != 431 || raw == "" {
		find(t.statusCode(), "status", h.Line, want)
	}
	if large && raw != "" {
		find(RequestHeaderTooLarge, "head", fmt.Sprintf("%d bytes, %s", len(raw), h.Line), fmt.Sprintf("at most what the server takes, often %d", smallBuffer))
	}
	if t.abandoned() {
		t.addHeadNotTerminated()
	}
}

// abandoned reports whether the server refused a head for which it may have waited:
// it had all that the client sent, which is whole lines without the blank one.
func (t *Attempt) abandoned() bool {
	r := t.Request
	return r != nil && !r.Complete && !r.Lost && t.Response.Head.Status != 431 && strings.HasSuffix(r.Head.Raw, "\n") &&
		t.Response.reached(r.seq+uint32(len(r.Head.Raw))-1) && !t.Conn.Unseen[t.ClientDir] && t.Conn.Lost[t.ClientDir] == 0
}

func (t *Attempt) addHeadNotTerminated() {
	t.add(HeadNotTerminated, Client, t.Request.Done.Frame, "head", "no blank line", "a blank line after the last field")
}

// smallBuffer is the least buffer for a request head among common servers.
const smallBuffer = 4096

func requestRaw(t *Attempt) string {
	if t.Request == nil {
		return ""
	}
	return t.Request.Head.Raw
}

// redirectCode reports whether the status is a redirect, and the finding that
// belongs to it if it is one that leads nowhere. Where it leads is judged with
// the chains.
func (t *Attempt) redirectCode() (Code, bool) {
	h := &t.Response.Head
	if h.Status < 300 || h.Status > 399 {
		return 0, false
	}
	if h.Status == 304 {
		return StatusOther, true
	}
	if _, ok := h.Get("Location"); !ok && t.Response.Complete {
		return RedirectLocationMissing, true
	}
	return 0, true
}

// statusCodes are the findings that depend on the status alone.
var statusCodes = map[int]Code{
	200: Status200, 400: Status400, 401: Status401, 403: Status403, 404: Status404, 405: Status405, 407: Status407,
	408: Status408, 411: Status411, 421: Status421, 426: Status426, 429: Status429, 500: Status500, 501: Status501, 502: Status502,
	503: Status503, 504: Status504, 505: Status505,
	520: Status52xCDN, 521: Status52xCDN, 522: Status52xCDN, 523: Status52xCDN, 524: Status52xCDN, 525: Status52xCDN,
	526: Status52xCDN, 527: Status52xCDN, 530: Status52xCDN, 511: CaptivePortal,
}

func (t *Attempt) statusCode() Code {
	h := &t.Response.Head
	code, ok := statusCodes[h.Status]
	switch {
	case !ok:
		return StatusOther
	case h.Status == 400 && wantsTLS.MatchString(t.Response.Body):
		return PlainToTLSPort
	case h.Status == 403 && envoyRefuses(h):
		return Status403UpgradeDisabled
	case (h.Status == 403 || h.Status == 400 && strings.Contains(strings.ToLower(t.Response.Body), "origin")) && t.foreignOrigin():
		return Status403Origin
	case h.Status == 400 && t.engineIO():
		return SocketIOSessionUnknown
	}
	return code
}

// wantsTLS matches what nginx, Apache, Go and others say to plain HTTP on a port for
// TLS.
var wantsTLS = regexp.MustCompile(`(?i)plain HTTP request was sent to HTTPS port|speaking plain HTTP to an SSL-enabled|HTTP request to an HTTPS server|combination of host and port requires TLS`)

// envoyRefuses reports whether an Envoy, and not what is behind it, refused.
func envoyRefuses(h *Head) bool {
	server, _ := h.Get("Server")
	_, upstream := h.Get("x-envoy-upstream-service-time")
	server = strings.ToLower(server)
	return !upstream && (strings.Contains(server, "envoy") || strings.Contains(server, "istio"))
}

// foreignOrigin reports whether the request's Origin is not its Host.
func (t *Attempt) foreignOrigin() bool {
	if t.Request == nil {
		return false
	}
	origin, ok := t.Request.Head.Get("Origin")
	host, _ := t.Request.Head.Get("Host")
	_, name, _ := strings.Cut(origin, "://")
	return ok && hostOf(name) != hostOf(host)
}

// engineIO reports whether an engine.io server does not know the session.
func (t *Attempt) engineIO() bool {
	target := requestTarget(t)
	return strings.Contains(target, "sid=") && strings.Contains(target, "transport=") && strings.Contains(t.Response.Body, `"code"`)
}

func requestTarget(t *Attempt) string {
	if t.Request == nil {
		return ""
	}
	return t.Request.Head.Target
}

// portal matches the names that login pages of networks have.
var portal = regexp.MustCompile(`(?i)captive-?portal|hotspot|wifi-?login|guest-?(wifi|login|portal)`)

// checkIntermediary looks for the marks of a machine between client and server.
func (t *Attempt) checkIntermediary(find finder) {
	h := &t.Response.Head
	switch h.Status {
	case 400, 403, 411, 501:
		if mark, field := proxyMark(h); mark != "" && t.Server().Port() == 80 && t.Tunnel == "" && !strings.Contains(requestTarget(t), "://") {
			find(TransparentProxy, field, mark, "the server's own answer")
		}
	case 200, 302, 303, 307:
		location, to := t.target()
		elsewhere := to == nil || t.URL() == nil || site(to.Hostname()) != site(t.URL().Hostname())
		if h.Status == 200 && portal.MatchString(t.Response.Body) || h.Status != 200 && elsewhere && portal.MatchString(location) {
			find(CaptivePortal, "Location", location, "the server's own answer")
		}
	}
}

// proxyMark returns what a transparent proxy is known to leave in an answer, and
// where. A Via alone proves nothing: reverse proxies send it too.
func proxyMark(h *Head) (mark, field string) {
	if v, ok := h.Get("X-Squid-Error"); ok {
		return v, "X-Squid-Error"
	}
	for _, name := range []string{"Via", "X-Cache", "Server", "Proxy-Connection"} {
		v, _ := h.Get(name)
		if low := strings.ToLower(v); strings.Contains(low, "squid") || strings.Contains(low, "bytemobile") {
			return v, name
		}
	}
	return "", ""
}
