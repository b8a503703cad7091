package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wssniff/wssniff/analyze"
)

// Servers are told apart as long as they are few: the rest is counted together.
// Anybody can ask for any name, so half of the room is for those that did not fail
// when they were seen first.
const (
	maxServers    = 100
	maxFailing    = maxServers / 2
	maxServerName = 253 + len(":65535") // bytes, RFC 1035, Section 2.3.4, and a port
	otherServers  = "other"
)

// servers counts attempts by what the client calls the server.
type servers struct {
	attempts *prometheus.CounterVec
	known    map[string]verdicts
	others   verdicts
}

// verdicts counts the attempts of a server, by verdict.
type verdicts []prometheus.Counter

func newServers() servers {
	s := servers{known: map[string]verdicts{}, attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "wssniff_attempts_total",
		Help: "Attempts to open a WebSocket that are decided, by verdict and by the server's name, or address if it has none.",
	}, []string{"verdict", "server"})}
	s.others = s.counters(otherServers)
	return s
}

func (s *servers) counters(name string) verdicts {
	list := analyze.Verdicts()
	of := make(verdicts, len(list))
	for _, v := range list {
		of[v] = s.attempts.WithLabelValues(v.String(), name)
	}
	return of
}

// of returns the counters for an attempt.
func (s *servers) of(a *analyze.Attempt) verdicts {
	name := serverName(a)
	if of, ok := s.known[name]; ok {
		return of
	}
	room := maxServers
	if a.Verdict.Failed() {
		room = maxFailing
	}
	if len(s.known) >= room {
		return s.others
	}
	name = strings.Clone(name)
	of := s.counters(name)
	s.known[name] = of
	return of
}

// serverName is what the client calls the server: the Host field, the server name
// of TLS, or failing that its address.
func serverName(a *analyze.Attempt) string {
	port := ":80"
	if a.TLS != nil {
		port = ":443"
	}
	if a.Request != nil {
		field, _ := a.Request.Head.Get("Host")
		if name, ok := hostName(field, port); ok {
			return name
		}
	}
	if a.TLS != nil {
		if name, ok := hostName(a.TLS.ServerName, port); ok {
			return name
		}
	}
	return a.Server().String()
}

// hostName returns a Host field in lower case, without the port that is the
// default, and false if it has bytes that no host has (RFC 9110, Section 7.2,
// leaving out those that no name in the DNS has).
func hostName(field, port string) (string, bool) {
	if len(field) > maxServerName {
		return "", false
	}
	name := strings.TrimSuffix(strings.ToLower(field), port)
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte("-._:[]", c) < 0 {
			return "", false
		}
	}
	return name, name != ""
}
