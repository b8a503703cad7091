package report

import (
	"strings"

	"github.com/wssniff/wssniff/analyze"
)

// An account is what programs are told of one attempt, with secrets masked and
// nothing cut. It holds on to the attempt, so it must not outlive it.
type account struct {
	veil
	a                 *analyze.Attempt
	request, response fields
}

// read reads the heads of the attempt.
func (x *account) read() {
	x.request.read(x.a.Request, &x.veil)
	x.response.read(x.a.Response, &x.veil)
	x.learnTarget(x.a)
}

// sent returns the value of a field of the request, "" if it has none; false if
// the request is not complete enough to tell.
func (x *account) sent(n fieldName) (string, bool) { return x.value(x.a.Request, &x.request, n) }

// answered is sent for the response.
func (x *account) answered(n fieldName) (string, bool) { return x.value(x.a.Response, &x.response, n) }

func (x *account) value(m *analyze.Message, fs *fields, n fieldName) (string, bool) {
	value, ok := fs.value(n)
	if !ok {
		return "", m != nil && m.Complete
	}
	switch n {
	case nameHost:
		return x.authority(value), true
	case nameUserAgent:
		return value, true
	case nameKey, nameAccept:
		return x.hide(value), true
	case nameProtocol:
		return x.hide(x.protocolList(value)), true
	}
	return x.text(value), true
}

// key returns the key of the request; its absence is not told of HTTP/2, which has
// none.
func (x *account) key() (string, bool) {
	if x.request.first[nameKey] == nil && x.a.H2 != nil {
		return "", false
	}
	return x.sent(nameKey)
}

// accept returns the Accept of the answer; its absence is told of a 101 only.
func (x *account) accept() (string, bool) {
	if x.response.first[nameAccept] == nil && (!x.a.Switched() || x.a.H2 != nil) {
		return "", false
	}
	return x.answered(nameAccept)
}

// outcome is event.outcome of the Elastic Common Schema.
func (x *account) outcome() string {
	switch x.a.Verdict {
	case analyze.OK, analyze.H2OK:
		return "success"
	case analyze.Indeterminate, analyze.Encrypted:
		return "unknown"
	}
	return "failure"
}

// httpVersion is that of the request, or of the response if there is no request.
func (x *account) httpVersion() string {
	m := x.a.Request
	if m == nil || m.Head.Method == "" {
		m = x.a.Response
	}
	return strings.TrimPrefix(m.Head.Version, "HTTP/")
}

// A wireURL is the URL that a request asked for.
type wireURL struct {
	original string // the target
	base     string // what the target is relative to, plain ASCII; "" if full is all
	full     string // what follows the base; "" if the target makes no URL
	domain   string
}

// url returns the URL, and false if it is not known.
func (x *account) url() (u wireURL, ok bool) {
	r := x.a.Request
	if r == nil || r.Head.Target == "" {
		return u, false
	}
	if r.Head.Tunnels() {
		u.original = x.authority(r.Head.Target)
	} else {
		u.original = x.text(r.Head.Target)
		if host, _ := x.request.value(nameHost); r.Head.Target[0] == '/' && len(x.known) == 0 && isPlainHost(host) {
			u.base, u.full, u.domain = host, u.original, domainOf(host)
			return u, true
		}
	}
	full := urlOf(x.a)
	if full == "" {
		u.domain = domainOf(hostOf(x.a))
		return u, true
	}
	_, authority, _ := strings.Cut(full, "://")
	if i := strings.IndexAny(authority, "/?#"); i >= 0 {
		authority = authority[:i]
	}
	u.full, u.domain = x.text(full), domainOf(authority)
	return u, true
}

// isPlainHost reports whether a host has nothing that ends an authority, must be
// escaped, or could make one secret with the path that follows it: text masks
// such a host and a path together as it masks the path alone.
func isPlainHost(host string) bool {
	return host != "" && classOf(host)&^colon == 0 && !mayHaveHeader(host)
}

// causeOf names the recipe of a wrong Accept; "" if there is none that fits.
func causeOf(a *analyze.Attempt) string {
	if a.Cause == analyze.RecipeUnknown {
		return ""
	}
	return a.Cause.String()
}

// closeCode returns the code of a Close frame, and false if there is none.
func closeCode(c *analyze.Close) (int, bool) {
	return c.Code, c.How == analyze.CloseFrame && c.Code >= 0
}
