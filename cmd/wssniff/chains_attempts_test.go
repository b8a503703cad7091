package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/wssniff/wssniff/internal/pcapgen"
)

// As long as wssniff prints no chain records, chains are put together from what the
// attempts say. That has no hops in TLS, no retries and no hops by host, and some
// chains are not yet read for what they are. With chain records, this file goes.

// unread are the stories of chains that the attempts say something else of, and why.
var unread = map[string]string{
	"out of TLS":             "the end is called not-followed",
	"chain-downgraded":       "the end is called not-followed",
	"from the other address": "requests are joined by client address only",
	"chain-dual-stack":       "requests are joined by client address only",
	"not followed at first":  "the request that follows a later redirect is joined to the first one",
	"followed at last":       "the request that follows it is joined to an earlier redirect",
	"a long loop":            "from the 21st hop on it is another chain",
	"too long":               "from the 21st hop on it is another chain",
	"chain-too-long":         "from the 21st hop on it is another chain",
	"TLS with another name":  "any TLS to the port of the target is taken for it",
	"chain-tls-other-name":   "any TLS to the port of the target is taken for it",
	"TLS without a name to where DNS does not lead": "any TLS to the port of the target is taken for it",
	"TLS without a name and without DNS":            "any TLS to the port of the target is taken for it",
	"the capture ends after a request":              "the end is called unanswered",
}

// beyondAttempts reports whether a chain is unread. Of disturbed packets, whoever
// sends the first ones of TLS is taken for the client.
func beyondAttempts(c *pcapgen.Chain, rules chainRules) bool {
	return unread[strings.TrimSuffix(c.Story, ", again")] != "" || !rules.frames && strings.Contains(c.Story, "TLS")
}

// forget leaves out what begins at a hop of a chain.
func forget(byStream map[int][]seenChain, c *pcapgen.Chain) {
	for _, h := range c.Hops {
		delete(byStream, h.Stream)
	}
}

// chainsOfAttempts puts the chains together from the places of the attempts.
func chainsOfAttempts(attempts []chainLine) []seenChain {
	chains := map[int]*seenChain{}
	for _, line := range attempts {
		w, p := &line.WebSocket, line.WebSocket.Redirect
		c := chains[p.Chain]
		if c == nil {
			c = &seenChain{ID: p.Chain, End: p.End, URLs: p.URLs, partial: true, client: line.Client}
			chains[p.Chain] = c
		}
		c.Hops = append(c.Hops, make([]seenHop, max(0, p.Hop-len(c.Hops)))...)
		h := seenHop{
			Server: line.Server, TCPStream: w.TCPStream, RequestFrame: w.RequestFrame, ResponseFrame: w.ResponseFrame,
			Status: line.HTTP.Response.Status, Location: p.Location,
		}
		if p.Hop <= len(p.URLs) {
			h.URL = p.URLs[p.Hop-1]
		}
		if line.Client.IP != c.client.IP {
			h.Client, h.JoinedBy = &line.Client, "host"
		}
		c.Hops[p.Hop-1] = h
	}
	var list []seenChain
	for _, id := range slices.Sorted(maps.Keys(chains)) {
		list = append(list, *chains[id])
	}
	return list
}
