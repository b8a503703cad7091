package pcapgen

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// A leg is a place and the redirect that leads on to the next one.
type leg struct {
	at       place
	status   string
	location string
}

// A route is a chain of redirects; the last leg has no redirect.
type route []leg

// last is where the route leads.
func (r route) last() place { return r[len(r)-1].at }

func (r route) urls() []string {
	urls := []string{r[0].at.socketURL()}
	for _, l := range r[1:] {
		urls = append(urls, l.at.url())
	}
	return urls
}

// through is the route over the places, with redirects drawn at random.
func (k *corpus) through(places ...place) route {
	r := route{{at: places[0]}}
	for _, to := range places[1:] {
		l := &r[len(r)-1]
		l.status, l.location = k.redirectStatus(), k.location(l.at, to)
		r = append(r, leg{at: to})
	}
	return r
}

func (k *corpus) redirectStatus() string {
	return pick(k.rng, "301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect")
}

// places are n places of plain HTTP, each another one than all before.
func (k *corpus) places(p *party, n int) []place {
	k.routes++
	first := place{scheme: "http", host: k.host(p), path: fmt.Sprintf("/c%d/", k.routes)}
	if k.oneIn(3) {
		first.port = 8000 + k.rng.IntN(100)
	}
	first.path += pick(k.rng, "ws", "d/ws", "a%20b/ws", "%C3%BCber", "ws?id=7")
	list := []place{first}
	for i := 1; len(list) < n; i++ {
		if to := k.moved(p, list[len(list)-1], i); !slices.Contains(list, to) {
			list = append(list, to)
		}
	}
	return list
}

// host is a name of this route only, or an address.
func (k *corpus) host(p *party) string {
	switch {
	case k.oneIn(8) && p.addr.Is6():
		return "[" + k.newServer(true).String() + "]"
	case k.oneIn(12) && p.addr.Is4():
		return k.newServer(false).String()
	}
	return fmt.Sprintf("%s%d.example.com", pick(k.rng, "gw", "edge", "api", "eu-1"), k.routes)
}

// moved is another place near or far from a place.
func (k *corpus) moved(p *party, a place, i int) place {
	path, query, asks := strings.Cut(a.path, "?")
	switch k.rng.IntN(7) {
	case 0:
		a.host = k.host(p)
	case 1:
		a.port = 9000 + k.rng.IntN(100)
	case 2:
		a.port = 0
		a.host = k.host(p)
	case 3:
		if asks || strings.HasSuffix(path, "/") {
			a.path = fmt.Sprintf("%s?%s%d", path, query, i)
		} else {
			a.path += "/"
		}
	case 4:
		a.path = fmt.Sprintf("%s?step=%d", path, i)
	case 5:
		a.path = fmt.Sprintf("%sv%d/ws", a.directory(), i)
	case 6:
		a.path = fmt.Sprintf("/c%d/v%d", k.routes, i)
	}
	return a
}

// underTLS is a place of TLS that no other route leads to: mostly the one that
// the route begins at, with another scheme.
func (k *corpus) underTLS(a place) place {
	a.scheme, a.port = "https", 0
	switch k.rng.IntN(4) {
	case 0:
		a.host = fmt.Sprintf("secure%d.example.com", k.routes)
	case 1:
		a.port = 8443
	}
	if isLiteral(a.host) { // has no name to ask DNS or to send as SNI
		a.host = fmt.Sprintf("secure%d.example.com", k.routes)
	}
	return a
}

// isLiteral reports whether a host is an address and no name.
func isLiteral(host string) bool {
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}

// location is one of the ways to spell where a redirect leads.
func (k *corpus) location(from, to place) string {
	if refs := references(from, to); len(refs) > 0 && k.oneIn(2) {
		return pick(k.rng, refs...) + k.fragment()
	}
	scheme, authority, path := to.scheme, to.authority(), to.path
	if k.oneIn(8) {
		scheme = "ws" + strings.TrimPrefix(scheme, "http")
	}
	if k.oneIn(6) {
		authority = to.hostPort()
	}
	if k.oneIn(8) {
		scheme, authority = strings.ToUpper(scheme), strings.ToUpper(authority)
	}
	if k.oneIn(12) {
		authority = "user:pa55@" + authority
	}
	if k.oneIn(4) {
		path = strings.ReplaceAll(path, "%C3%BC", "ü") // as clumsy servers do
	}
	return scheme + "://" + authority + path + k.fragment()
}

func (k *corpus) fragment() string {
	if k.oneIn(10) {
		return "#top"
	}
	return ""
}
