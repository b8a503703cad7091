package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/report"
)

// A selection is what the selection flags ask of an attempt. It is applied when
// everything is analysed, unlike a packetFilter: what joins attempts, such as a
// redirect or a key used again, is found whatever is selected.
type selection struct {
	given            bool // some flag was
	devices          choice[device]
	clients, servers choice[endpoint]
	hosts, paths     choice[glob]
	verdicts, codes  choice[glob]
	since, until     moment
}

// define adds the flags. Globs are taken whole, as a path may have commas.
func (s *selection) define(fs *pflag.FlagSet) {
	flag := func(name, usage string, add func(v string) error) {
		fs.Func(name, usage, func(v string) error {
			s.given = true
			return add(v)
		})
	}
	flag("device", "of the client that is `WHO`, with its timeline: an address, a MAC address, or a GLOB for its User-Agent",
		func(v string) error { return s.devices.add(parseDevice, v) })
	flag("client", "from one of `ADDRESSES`, comma-separated: 10.0.0.7, 10.0.0.0/8, 2001:db8::/32, [2001:db8::1]:51234",
		func(v string) error { return s.clients.add(parseEndpoint, strings.Split(v, ",")...) })
	flag("server", "to one of `ADDRESSES`, the same; :443 is every address with this port",
		func(v string) error { return s.servers.add(parseEndpoint, strings.Split(v, ",")...) })
	flag("host", "with a Host field that is `GLOB`, with or without its port; * stands for any text",
		func(v string) error { return s.hosts.add(parseHost, v) })
	flag("path", "for a path that is `GLOB`; the query counts if GLOB has a ?",
		func(v string) error { return s.paths.add(parsePath, v) })
	flag("since", "begun at `TIME` or later: '2006-01-02 15:04:05.6' in UTC, RFC 3339, Unix seconds, 15:04, +10m (from the first packet), -10m (before the last)",
		func(v string) (err error) { s.since, err = parseMoment(v); return err })
	flag("until", "begun before `TIME`",
		func(v string) (err error) { s.until, err = parseMoment(v); return err })
	flag("verdict", "with a verdict of `LIST`, comma-separated; failed stands for all that opened no WebSocket",
		func(v string) error { return s.verdicts.add(parseVerdict, strings.Split(v, ",")...) })
	flag("code", "with a finding of `LIST`, comma-separated, such as redirect-*",
		func(v string) error { return s.codes.add(parseCode, strings.Split(v, ",")...) })
}

func parseHost(s string) (glob, error) {
	if s == "" {
		return "", errors.New("no host named")
	}
	return glob(strings.ToLower(s)), nil
}

func parsePath(s string) (glob, error) {
	if !strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "*") {
		return "", fmt.Errorf("no path %q: it begins with / or *", s)
	}
	return glob(s), nil
}

func parseVerdict(s string) (glob, error) {
	g := glob(s)
	var names []string
	for _, v := range analyze.Verdicts() {
		names = append(names, v.String())
	}
	if names = append(names, anyFailed); !g.matchAny(names) {
		return "", fmt.Errorf("no verdict %q: choose %s", s, strings.Join(names, ", "))
	}
	return g, nil
}

func parseCode(s string) (glob, error) {
	g := glob(s)
	for _, c := range analyze.Codes() {
		if g.match(c.String()) {
			return g, nil
		}
	}
	return "", report.UnknownCode(s)
}

// anyFailed is a name that some verdicts have beside their own.
const anyFailed = "failed"

// validate names a mistake that lies in several flags.
func (s *selection) validate() error {
	if s.since.notBefore(s.until) {
		return errors.New("nothing can be selected: --since is not before --until")
	}
	return nil
}
