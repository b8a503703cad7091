package main

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// from returns what is selected of a result. Chains of which one attempt is
// selected stay whole.
func (s *selection) from(r *analyze.Result, in span) *analyze.Result {
	since, until := s.since.in(in), s.until.in(in)
	begun := func(at flow.Stamp) bool { return s.begun(at, since, until) }
	chains := map[*analyze.Chain]bool{}
	attempt := func(t *analyze.Attempt) bool {
		selected := s.attempt(t) && begun(t.Start())
		if selected && t.Redirect != nil {
			chains[t.Redirect.Chain] = true
		}
		return selected
	}
	part := *r
	part.Attempts = s.ofDevices(r).Select(attempt)
	part.Upgrades = filtered(r.Upgrades, func(u *analyze.Upgrade) bool { return s.upgrade(u) && begun(u.Start()) })
	part.Chains = filtered(r.Chains, func(c *analyze.Chain) bool { return chains[c] })
	return &part
}

func filtered[T any](all []T, keep func(T) bool) []T {
	var kept []T
	for _, x := range all {
		if keep(x) {
			kept = append(kept, x)
		}
	}
	return kept
}

// begun reports whether something begun at a time is selected. What has no time,
// as some captures have it, is not if one is asked for.
func (s *selection) begun(at flow.Stamp, since, until time.Time) bool {
	anyStart, anyEnd := s.since.from == noMoment, s.until.from == noMoment
	if at.Time == 0 {
		return anyStart && anyEnd
	}
	t := time.Unix(0, at.Time)
	return (anyStart || !t.Before(since)) && (anyEnd || t.Before(until))
}

func (s *selection) attempt(t *analyze.Attempt) bool {
	return s.exchange(t.Client(), t.Server(), t.Request, sealedHosts(t)) &&
		s.verdicts.allows(func(g glob) bool { return g.matchAny(verdictNames(t.Verdict)) }) &&
		s.codes.allows(func(g glob) bool {
			return slices.ContainsFunc(t.Findings, func(f analyze.Finding) bool { return g.match(f.Code.String()) })
		})
}

// upgrade reports whether an upgrade to another protocol is selected. It has
// neither verdict nor findings that could be asked for.
func (s *selection) upgrade(u *analyze.Upgrade) bool {
	return !s.verdicts.given() && !s.codes.given() &&
		s.exchange(u.Conn.Addr(u.ClientDir), u.Conn.Addr(u.ClientDir.Reverse()), u.Request, nil)
}

// sealedHosts returns by which names the server of an attempt is known whose request
// was not seen: the server name of TLS, and the target of the tunnel.
func sealedHosts(t *analyze.Attempt) (names []string) {
	if t.TLS != nil {
		names = append(names, t.TLS.ServerName)
	}
	if t.Tunnel != "" {
		names = append(names, withoutPort(t.Tunnel)...)
	}
	return names
}

// exchange looks at what is known without a judgement. A request that was not
// seen has no path and fits none, and may have hosts all the same.
func (s *selection) exchange(client, server netip.AddrPort, request *analyze.Message, hosts []string) bool {
	target := ""
	if request != nil {
		hosts, target = hostNames(request), originForm(request.Head.Target)
	}
	return s.clients.allows(func(e endpoint) bool { return e.contains(client) }) &&
		s.servers.allows(func(e endpoint) bool { return e.contains(server) }) &&
		s.hosts.allows(func(g glob) bool { return g.matchAny(hosts) }) &&
		s.paths.allows(func(g glob) bool { return request != nil && g.match(asFarAs(g, target)) })
}

func verdictNames(v analyze.Verdict) []string {
	if v.Failed() {
		return []string{v.String(), anyFailed}
	}
	return []string{v.String()}
}

// hostNames returns the Host field with and without its port, in lower case.
func hostNames(m *analyze.Message) []string {
	host, ok := m.Head.Get("Host")
	if !ok {
		return nil
	}
	return withoutPort(host)
}

// withoutPort returns an authority with and without its port, in lower case.
func withoutPort(host string) []string {
	host = strings.ToLower(host)
	name := host
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		name = host[:i]
	}
	return []string{host, name}
}

// originForm makes path and query of a target that is a whole URL, RFC 9112,
// Section 3.2. Other targets it returns as sent.
func originForm(target string) string {
	_, rest, ok := strings.Cut(target, "://")
	if !ok || target[0] == '/' {
		return target
	}
	i := strings.IndexAny(rest, "/?")
	if i < 0 {
		return "/"
	}
	return "/" + strings.TrimPrefix(rest[i:], "/")
}

// asFarAs returns the part of a target that a glob is about: without the query
// if the glob has none.
func asFarAs(g glob, target string) string {
	if !strings.Contains(string(g), "?") {
		target, _, _ = strings.Cut(target, "?")
	}
	return target
}
