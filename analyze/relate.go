package analyze

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// relate finds what only several attempts of a capture show together: keys used
// again, an Accept meant for another request, a proxy that removed fields.
// Attempts are in the order of their requests.
func relate(attempts []*Attempt) {
	byKey := map[string][]*Attempt{}
	byAccept := map[string]*Attempt{}
	for _, t := range attempts {
		if t.Key != "" {
			byKey[t.Key] = append(byKey[t.Key], t)
			if byAccept[t.Expected] == nil {
				byAccept[t.Expected] = t
			}
		}
	}
	for _, t := range attempts {
		relateAccept(t, byAccept)
		if same := byKey[t.Key]; t.Key != "" && len(same) > 1 && same[0] == t {
			relateKey(same)
		}
	}
	relatePortals(attempts)
	relateEntropy(attempts)
}

// manyKeys is how many keys of a client show what its random generator leaves
// out: by chance, 256 keys of 16 bytes lack a given byte value once in ten
// million.
const manyKeys = 256

// relateEntropy looks for clients whose keys never hold a byte 0x00 or 0xff, as
// those of Arduino's random(0xff) do.
func relateEntropy(attempts []*Attempt) {
	byClient := map[netip.Addr][]*Attempt{}
	for _, t := range attempts {
		if len(decodeKey(t.Key)) == 16 && !t.has(KeyReused) && !t.has(KeyLowEntropy) {
			byClient[t.Client().Addr()] = append(byClient[t.Client().Addr()], t)
		}
	}
	for _, same := range byClient {
		var seen [256]bool
		for _, t := range same {
			for _, b := range []byte(decodeKey(t.Key)) {
				seen[b] = true
			}
		}
		if len(same) >= manyKeys && (!seen[0x00] || !seen[0xff]) {
			same[0].add(KeyLowEntropy, Client, same[0].Request.Done.Frame, "Sec-WebSocket-Key",
				fmt.Sprintf("%d keys without a byte 0x00 or 0xff", len(same)), "16 random bytes")
		}
	}
}

// relatePortals looks for clients that are sent to one place whatever host they
// ask for.
func relatePortals(attempts []*Attempt) {
	type way struct {
		client netip.Addr
		to     string
	}
	sent := map[way][]*Attempt{}
	for _, t := range attempts {
		if t.Response == nil || t.Response.Head.Status < 300 || t.Response.Head.Status > 399 || t.URL() == nil {
			continue
		}
		if _, to := t.target(); to != nil && site(to.Hostname()) != site(t.URL().Hostname()) && !login.MatchString(to.Hostname()+to.Path) {
			w := way{t.Client().Addr(), to.Hostname()}
			sent[w] = append(sent[w], t)
		}
	}
	for w, same := range sent {
		hosts := map[string]bool{}
		for _, t := range same {
			hosts[site(t.URL().Hostname())] = true
		}
		for _, t := range same {
			if len(hosts) > 1 && !t.has(CaptivePortal) {
				t.add(CaptivePortal, Server, t.Response.Done.Frame, "Location",
					fmt.Sprintf("%s for %d different sites", w.to, len(hosts)), "the server's own answer")
			}
		}
	}
}

// site returns the last two labels of a host name, which two hosts of one owner
// mostly share, or a whole address.
func site(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return host
	}
	labels := strings.Split(strings.ToLower(strings.TrimSuffix(host, ".")), ".")
	return strings.Join(labels[max(0, len(labels)-2):], ".")
}

// relateAccept looks for the request that a wrong Accept was computed for, and
// otherwise names the recipe.
func relateAccept(t *Attempt, byAccept map[string]*Attempt) {
	if t.Cause == RecipeNone {
		return
	}
	frame, got := t.Response.Done.Frame, t.Accept
	if from := byAccept[t.Accept]; from != nil {
		t.Cause = RecipeOtherFlow
		t.add(AcceptBelongsToOtherFlow, Server, frame, "Sec-WebSocket-Accept", fmt.Sprintf("%s (for the key of frame %d, tcp.stream eq %d)", got, from.order(), from.Conn.ID), t.Expected)
		return
	}
	if code, ok := t.Cause.code(); ok {
		t.add(code, Server, frame, "Sec-WebSocket-Accept", got, t.Expected)
	}
}

// relateKey looks at the attempts that share a key: two sides of a proxy, or a
// key used again.
func relateKey(same []*Attempt) {
	var again []*Attempt
	conns := map[*flow.Conn]bool{}
	for i, t := range same {
		if outer := outerOf(t, same[max(0, i-maxHopsBack):i]); outer != nil {
			compareHop(outer, t)
		} else if !conns[t.Conn] {
			conns[t.Conn] = true
			again = append(again, t)
		}
	}
	if len(again) < 2 {
		return
	}
	for _, t := range again {
		t.add(KeyReused, Client, t.Request.Done.Frame, "Sec-WebSocket-Key", fmt.Sprintf("%s on %d connections", t.Key, len(again)), "a new key for each connection")
	}
}

// maxHopsBack is how many attempts with the same key are searched for the other
// side of a proxy.
const maxHopsBack = 16

// outerOf returns the attempt of which t is the other side of a proxy: the same
// key on another connection, asked while the first waited for its answer.
func outerOf(t *Attempt, same []*Attempt) *Attempt {
	for _, o := range same {
		if o == t || o.Conn == t.Conn || o.Request == nil || t.Request == nil {
			continue
		}
		end := o.Close.At.Frame
		waiting := o.Response == nil && (end == 0 || end > t.Request.Done.Frame) ||
			o.Response != nil && o.Response.Done.Frame > t.Request.Done.Frame
		if o.Request.Done.Frame < t.Request.Done.Frame && waiting && !sameEnds(o, t) {
			return o
		}
	}
	return nil
}

// sameEnds reports whether two attempts go from the same host to the same
// server: then one is not the other side of a proxy between them.
func sameEnds(a, b *Attempt) bool {
	return a.Client().Addr() == b.Client().Addr() && a.Server() == b.Server()
}

// compareHop looks for the hop-by-hop fields that a proxy did not pass on.
func compareHop(outer, inner *Attempt) {
	for _, name := range []string{"Upgrade", "Connection"} {
		token := "websocket"
		if name == "Connection" {
			token = "upgrade"
		}
		got, _ := inner.Request.Head.Get(name)
		want, _ := outer.Request.Head.Get(name)
		if countToken(outer.Request.Head.Tokens(name), token) > 0 && countToken(inner.Request.Head.Tokens(name), token) == 0 && inner.Request.Complete {
			inner.add(HopHeaderStrippedRequest, Client, inner.Request.Done.Frame, name, got, want)
		}
	}
}
