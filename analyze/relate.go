package analyze

import (
	"bytes"
	"cmp"
	"crypto/sha1"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// relate finds what only several attempts of a capture show together: keys used
// again, an Accept meant for another request, a proxy that removed fields.
func (j *judge) relate() {
	keys := newKeyIndex(j)
	j.relateAccepts(keys)
	j.relateKeys(keys.again)
	j.guessPairs()
	j.relatePortals()
	j.relateEntropy()
}

// A keyIndex finds the first attempt with a key. Keys are known by their prints.
type keyIndex struct {
	j     *judge
	slots []uint32 // indices, plus one; a power of two
	again []int    // attempts that share their key with others
}

func newKeyIndex(j *judge) *keyIndex {
	size := 2
	for size < 2*j.len() {
		size *= 2
	}
	x := &keyIndex{j: j, slots: make([]uint32, size)}
	firsts := map[int]bool{}
	for i := range j.len() {
		print := j.entry(i).print
		if print == 0 {
			continue
		}
		slot := x.slot(print)
		if *slot == 0 {
			*slot = uint32(i) + 1
			continue
		}
		if first := int(*slot - 1); !firsts[first] {
			firsts[first] = true
			x.again = append(x.again, first)
		}
		x.again = append(x.again, i)
	}
	return x
}

// slot returns where a key is, or where it belongs: then it is 0.
func (x *keyIndex) slot(print uint64) *uint32 {
	mask := uint64(len(x.slots) - 1)
	for i := print >> 1 & mask; ; i = (i + 1) & mask {
		if n := x.slots[i]; n == 0 || x.j.entry(int(n)-1).print == print {
			return &x.slots[i]
		}
	}
}

// relateAccepts looks for the requests that wrong Accepts were computed for.
func (j *judge) relateAccepts(keys *keyIndex) {
	var other store
	for i := range j.len() {
		if j.entry(i).at&wrongAccept == 0 {
			continue
		}
		t := j.load(i, &j.store)
		accept := ""
		if t.Response != nil {
			accept, _ = t.Response.Head.Get("Sec-WebSocket-Accept")
		}
		var sum [sha1.Size]byte
		if decodeUsual(sum[:], accept) != len(sum) {
			continue
		}
		n := *keys.slot(printOf(sum))
		if n == 0 {
			continue
		}
		if from := j.load(int(n)-1, &other); Accept(from.key()) == accept {
			r := j.relation(i)
			r.belongs, r.owner = fmt.Sprintf("%s (for the key of frame %d, tcp.stream eq %d)", accept, from.order(), from.Conn.ID), from.Conn.ID
		}
	}
}

// nameCause says more about a wrong Accept: whose it is, if it belongs to another
// request, and otherwise how it was made.
func (t *Attempt) nameCause(belongs string) {
	if t.Cause == RecipeNone {
		return
	}
	frame, got := t.Response.Done.Frame, t.Accept
	if belongs != "" {
		t.Cause = RecipeOtherFlow
		t.add(AcceptBelongsToOtherFlow, Server, frame, "Sec-WebSocket-Accept", belongs, t.Expected)
		return
	}
	if code, ok := t.Cause.code(); ok {
		t.add(code, Server, frame, "Sec-WebSocket-Accept", got, t.Expected)
	}
}

// relateKeys looks at the attempts that share a key: two sides of a proxy, or a
// key used again.
func (j *judge) relateKeys(again []int) {
	slices.SortFunc(again, func(x, y int) int {
		if c := cmp.Compare(j.entry(x).print, j.entry(y).print); c != 0 {
			return c
		}
		return cmp.Or(inTime(j.glance(x).done, j.glance(y).done), x-y)
	})
	for len(again) > 0 {
		n := 1
		for n < len(again) && j.entry(again[n]).print == j.entry(again[0]).print {
			n++
		}
		j.relateKey(again[:n])
		again = again[n:]
	}
}

// maxHopsBack is how many attempts with the same key are searched for the other
// side of a proxy.
const maxHopsBack = 16

// relateKey looks at those with the same key.
func (j *judge) relateKey(same []int) {
	var again []int
	var recent []hop
	streams := map[int]bool{}
	for _, i := range same {
		h := hopOf(j.load(i, &j.store), i)
		if outer := h.outer(recent); outer != nil {
			j.pair(outer.index, i, false)
			j.compareHop(outer.index, i)
		} else if !streams[h.stream] {
			streams[h.stream] = true
			again = append(again, i)
		}
		if recent = append(recent, h); len(recent) > maxHopsBack {
			recent = recent[1:]
		}
	}
	if len(again) < 2 {
		return
	}
	for _, i := range again {
		j.reused.add(i, j.entry(i).print, len(again), j.len())
	}
	j.reused.first[j.entry(again[0]).print] = [2]int{j.glance(again[0]).stream, j.glance(again[1]).stream}
}

// A keyGroups knows whose keys were used again.
type keyGroups struct {
	members bits
	conns   map[uint64]int    // connections that share a key, by its print
	first   map[uint64][2]int // of them, two streams
}

func (g *keyGroups) add(i int, print uint64, conns, all int) {
	if g.conns == nil {
		g.conns, g.first = map[uint64]int{}, map[uint64][2]int{}
	}
	g.members.set(i, all)
	g.conns[print] = conns
}

// of returns how many connections share the key of an attempt, 0 if it was not
// used again.
func (g *keyGroups) of(i int, print uint64) int {
	if !g.members.has(i) {
		return 0
	}
	return g.conns[print]
}

func (t *Attempt) addReused(conns int) {
	t.add(KeyReused, Client, t.Request.Done.Frame, "Sec-WebSocket-Key", fmt.Sprintf("%s on %d connections", t.Key, conns), "a new key for each connection")
}

// A hop is what tells the two sides of a proxy.
type hop struct {
	index, stream   int
	client          netip.Addr
	server          netip.AddrPort
	asked, answered flow.Stamp // request and answer
	ended           flow.Stamp
}

// inTime compares stamps by time, as a file may have two networks one behind the
// other, and by frame if that does not tell.
func inTime(x, y flow.Stamp) int {
	return cmp.Or(cmp.Compare(x.Time, y.Time), cmp.Compare(x.Frame, y.Frame))
}

func hopOf(t *Attempt, i int) hop {
	h := hop{index: i, stream: t.Conn.ID, client: t.Client().Addr(), server: t.Server(), ended: t.Close.At}
	if t.Request != nil {
		h.asked = t.Request.Done
	}
	if t.Response != nil {
		h.answered = t.Response.Done
	}
	return h
}

// outer returns the attempt of which h is the other side of a proxy: the same
// key on another connection, asked while the first waited for its answer.
func (h *hop) outer(recent []hop) *hop {
	for i := len(recent) - 1; i >= 0; i-- {
		o := &recent[i]
		if o.stream == h.stream || !o.asked.Seen() || !h.asked.Seen() {
			continue
		}
		end := cmp.Or(o.answered, o.ended)
		if waiting := !end.Seen() || inTime(end, h.asked) > 0; waiting && inTime(o.asked, h.asked) < 0 && !o.sameEnds(h) {
			return o
		}
	}
	return nil
}

// sameEnds reports whether two attempts go from the same host to the same
// server: then one is not the other side of a proxy between them.
func (h *hop) sameEnds(o *hop) bool { return h.client == o.client && h.server == o.server }

// compareHop looks for the hop-by-hop fields that a proxy did not pass on.
func (j *judge) compareHop(outside, inside int) {
	var s store
	outer, inner := j.load(outside, &s), j.load(inside, &j.store)
	for _, name := range []string{"Upgrade", "Connection"} {
		token := "websocket"
		if name == "Connection" {
			token = "upgrade"
		}
		got, _ := inner.Request.Head.Get(name)
		want, _ := outer.Request.Head.Get(name)
		if countToken(outer.Request.Head.Tokens(name), token) > 0 && countToken(inner.Request.Head.Tokens(name), token) == 0 && inner.Request.Complete {
			j.add(inside, HopHeaderStrippedRequest, Client, inner.Request.Done.Frame, name, got, want)
		}
	}
}

// add adds a finding that does not follow from the attempt alone.
func (j *judge) add(i int, code Code, side Side, frame int, field, got, want string) {
	r := j.relation(i)
	r.findings = append(r.findings, newFinding(code, side, frame, field, got, want))
}

// manyKeys is how many keys of a client show what its random generator leaves
// out: by chance, 256 keys of 16 bytes lack a given byte value once in ten
// million.
const manyKeys = 256

// relateEntropy looks for clients whose keys never hold a byte 0x00 or 0xff, as
// those of Arduino's random(0xff) do.
func (j *judge) relateEntropy() {
	turnout := &j.a.turnout
	if turnout.most < manyKeys {
		return
	}
	type keys struct {
		first, frame, n int
		zero, ones      bool
	}
	byClient := map[netip.Addr]*keys{}
	for i := range j.len() {
		g := j.glance(i)
		if turnout.of(g.client) < manyKeys || j.reused.of(i, j.entry(i).print) > 0 {
			continue
		}
		exchange, _ := j.open(i)
		nonce := exchange.requestNonce()
		if len(nonce) != 16 || printable(nonce) {
			continue
		}
		k := byClient[g.client]
		if k == nil {
			k = &keys{first: i, frame: g.done.Frame}
			byClient[g.client] = k
		}
		k.n++
		k.zero, k.ones = k.zero || bytes.IndexByte(nonce, 0x00) >= 0, k.ones || bytes.IndexByte(nonce, 0xff) >= 0
	}
	for _, k := range byClient {
		if k.n >= manyKeys && !(k.zero && k.ones) {
			j.add(k.first, KeyLowEntropy, Client, k.frame, "Sec-WebSocket-Key",
				fmt.Sprintf("%d keys without a byte 0x00 or 0xff", k.n), "16 random bytes")
		}
	}
}

// relatePortals looks for clients that are sent to one place whatever host they
// ask for.
func (j *judge) relatePortals() {
	type way struct {
		client netip.Addr
		to     string
	}
	type sent struct {
		attempts []int
		hosts    map[string]bool
	}
	ways := map[way]*sent{}
	for i := range j.len() {
		if j.entry(i).at&moved == 0 {
			continue
		}
		t := j.load(i, &j.store)
		if t.URL() == nil {
			continue
		}
		host := site(t.URL().Hostname())
		_, to := t.target()
		if to == nil || site(to.Hostname()) == host || login.MatchString(to.Hostname()+to.Path) {
			continue
		}
		w := way{t.Client().Addr(), to.Hostname()}
		if ways[w] == nil {
			ways[w] = &sent{hosts: map[string]bool{}}
		}
		ways[w].attempts = append(ways[w].attempts, i)
		ways[w].hosts[host] = true
	}
	for w, s := range ways {
		for _, i := range s.attempts {
			if len(s.hosts) < 2 {
				break
			}
			if t := j.settle(i, &j.store); !t.has(CaptivePortal) {
				j.add(i, CaptivePortal, Server, t.Response.Done.Frame, "Location",
					fmt.Sprintf("%s for %d different sites", w.to, len(s.hosts)), "the server's own answer")
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
