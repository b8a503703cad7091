package analyze

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A packed is a message with the bytes of its head, and where its token lies.
type packed struct {
	msg   Message
	raw   string
	token span
}

// check packs messages behind each other and unpacks them again: each must be
// what it was, and its head what parseHead makes of it.
func checkPacked(t *testing.T, ph *phrases, known *forms, messages []packed) {
	t.Helper()
	p := packer{phrases: ph, forms: known}
	base := flow.Stamp{Frame: 7, Time: 1e18}
	for i := range messages {
		m := &messages[i]
		response := strings.HasPrefix(m.raw, "HTTP/")
		p.message(&m.msg, m.head(t, known, response), m.token, response, base)
		base = m.msg.Done
	}
	u := unpacker{b: p.b, phrases: ph}
	base = flow.Stamp{Frame: 7, Time: 1e18}
	var got Message // used again, as the judge does
	for i := range messages {
		want := messages[i].msg
		want.Head = parseHead(messages[i].raw)
		u.message(&got, base)
		base = got.Done
		if d := messageDiff(&want, &got); d != "" {
			t.Fatalf("message %d: %s", i, d)
		}
	}
	if len(u.b) != 0 {
		t.Fatalf("%d bytes are left", len(u.b))
	}
}

// head reads the head as a parser does: by its form, if that is known.
func (m *packed) head(t *testing.T, known *forms, response bool) *rawHead {
	t.Helper()
	raw := []byte(m.raw)
	want := newRawHead(raw)
	if want.framed = m.msg.Complete && headEnd(raw, 0) == len(raw); !want.framed {
		return &want
	}
	got, ok := known.match(response, raw)
	if !ok {
		return &want
	}
	if len(got.bytes) != len(raw) || got.framing != want.framing {
		t.Fatalf("%q: by its form %d bytes and %+v, is %+v", raw, len(got.bytes), got.framing, want.framing)
	}
	return &got
}

// messageDiff compares messages but for their shapes.
func messageDiff(want, got *Message) string {
	w, g := *want.clone(), *got.clone()
	w.shape, g.shape, w.nonce, g.nonce = nil, nil, token{}, token{}
	if len(w.Head.Fields)+len(g.Head.Fields) == 0 {
		w.Head.Fields, g.Head.Fields = nil, nil
	}
	if reflect.DeepEqual(w, g) {
		return ""
	}
	return fmt.Sprintf("want %+v\ngot  %+v", w, g)
}

// tokenOf is where stream.request and stream.response say that the token of a
// head lies.
func tokenOf(raw string, complete bool) span {
	f := frame([]byte(raw))
	if strings.HasPrefix(raw, "HTTP/") {
		return f.accept
	}
	if f.socket && complete && !f.folded {
		return f.key
	}
	return span{}
}

// FuzzPack packs heads that have a start line or fields in common with others:
// all twice and more, so that they become phrases and shapes.
func FuzzPack(f *testing.F) {
	tail := "\r\n\r\n"
	for _, s := range []struct{ line, other, before, after string }{
		{"GET /ws HTTP/1.1\r\n", "GET /other?ticket=1 HTTP/1.1\n", "Host: gw\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ", tail},
		{"HTTP/1.1 101 Switching Protocols\r\n", "HTTP/1.1  101 \r\n", "Upgrade: websocket\r\nSec-WebSocket-Accept: ", "\r\nX:y\r\n\r\n"},
		{"GET / HTTP/1.1\n", "HTTP/1.1 101 ok\n", "Sec-WebSocket-Key: k\nSec-WebSocket-Accept:", "\n\n"},
		{"HTTP/1.1 101 ok\r\n", "HTTP/1.1 101 ok\n", "X: AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Accept: ", "\r\n folded" + tail},
		{"GET / HTTP/1.1\r\n", "", "Host: a\r\n b\r\n\tc\r\nSec-WebSocket-Key:\t ", " \t\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==" + tail},
		{"GET / HTTP/1.1", "HTTP/1.1 10", "", ""},
		{"GET / HTTP/1.1\r\n", "GET / HTTP/1.1\n", "A: b\r\nSec-WebSocket-Key: ", " \r\nX: y" + tail},
		{"GET / HTTP/1.1\r\n", "HTTP/1.1 101 ok\r\n", "Sec-WebSocket-Accept: AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Key: ", tail},
		{"GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\n", " Sec-WebSocket-Key: ", "\r\nno colon\r\n: no name\r\nA :  b  \r\n: "},
	} {
		f.Add(s.line, s.other, s.before, s.after, "AQIDBAUGBwgJCgsMDQ4PEA==", uint64(1))
	}
	f.Fuzz(func(t *testing.T, line, other, before, after, moved string, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 5))
		tokens := []string{moved, randomToken(rng, 16), randomToken(rng, 20), randomToken(rng, 16), randomToken(rng, rng.IntN(23)), ""}
		var all []packed
		for range 2 {
			for _, start := range []string{line, other} {
				for _, token := range tokens {
					for _, raw := range []string{start + before + token + after, start + token + before + after, start + before + after, oneLater(start+before, token, after)} {
						all = append(all, randomMessage(rng, raw))
					}
				}
			}
		}
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		var ph phrases
		var known forms
		for range 2 { // phrases, forms and shapes of before stay
			checkPacked(t, &ph, &known, all)
		}
	})
}

// TestPackTokenElsewhere packs heads that are the same text without their token,
// which lies at two places: the shape of one is not that of the other.
func TestPackTokenElsewhere(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var ph phrases
	for range 4 {
		for _, spaces := range [][2]string{{" ", " "}, {"  ", ""}} {
			m := randomMessage(rng, "GET / HTTP/1.1\r\nSec-WebSocket-Key:"+spaces[0]+randomToken(rng, 16)+spaces[1]+"\r\n\r\n")
			m.msg.Complete, m.token = true, tokenOf(m.raw, true)
			checkPacked(t, &ph, new(forms), []packed{m})
		}
	}
}

// oneLater is a head whose token lies one byte later in the same text.
func oneLater(before, token, after string) string {
	n := min(1, len(after))
	return before + after[:n] + token + after[n:]
}

func randomToken(rng *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return base64.StdEncoding.EncodeToString(b)
}

// randomMessage is a message with a head and random properties.
func randomMessage(rng *rand.Rand, raw string) packed {
	m := Message{Complete: rng.IntN(4) > 0, Lost: rng.IntN(4) == 0, Done: randomStamp(rng), Segments: 1, seq: rng.Uint32(), ack: rng.Uint32()}
	m.First = m.Done
	if rng.IntN(3) == 0 {
		m.First = randomStamp(rng)
	}
	if rng.IntN(3) == 0 {
		m.Segments = rng.IntN(1000)
	}
	if rng.IntN(3) == 0 {
		m.Offset = rng.Int64() >> rng.IntN(63)
	}
	if rng.IntN(2) == 0 {
		m.Tail = rng.IntN(1 << 20)
	}
	return packed{m, raw, tokenOf(raw, m.Complete)}
}

// randomStamp is a stamp that was set.
func randomStamp(rng *rand.Rand) flow.Stamp {
	return flow.Stamp{Frame: 1 + rng.IntN(1<<(1+rng.IntN(30))), Time: (rng.Int64() - 1<<62) >> rng.IntN(63)}
}

// maybe is a stamp that may not be set.
func maybe(rng *rand.Rand) flow.Stamp {
	if rng.IntN(2) == 0 {
		return flow.Stamp{}
	}
	return randomStamp(rng)
}

// A noted is everything that the journal keeps of an attempt, before it is packed.
type noted struct {
	draft
	request, response packed
	socket            *socket // nil: the connection was not upgraded by the attempt
	end               flow.Evidence
	reason            string // of the Close frame
}

func randomNoted(rng *rand.Rand) *noted {
	n := &noted{end: randomEvidence(rng)}
	n.client = flow.Dir(rng.IntN(2))
	key, accept := randomToken(rng, 10+rng.IntN(11)), randomToken(rng, 20)
	if rng.IntN(2) == 0 {
		accept = Accept(key)
	}
	if n.asked = rng.IntN(5) > 0; n.asked {
		n.request = randomMessage(rng, "GET /"+randomToken(rng, rng.IntN(3))+" HTTP/1.1\r\nSec-WebSocket-Key: "+key+"\r\n\r\n")
	}
	if n.answered = !n.asked || rng.IntN(3) > 0; n.answered {
		n.response = randomMessage(rng, "HTTP/1.1 "+[]string{"101", "302", "404", "x"}[rng.IntN(4)]+"\r\nSec-WebSocket-Accept: "+accept+"\r\n\r\n")
		if rng.IntN(2) == 0 {
			n.body = []byte(randomToken(rng, rng.IntN(150)))
		}
	}
	if rng.IntN(2) == 0 {
		n.randomEvents(rng)
	}
	if rng.IntN(4) == 0 {
		n.h2 = randomH2(rng)
	}
	if rng.IntN(2) == 0 {
		n.socket = &socket{client: n.client, forgotten: rng.IntN(2) == 0}
		n.randomFrames(rng)
	} else {
		n.forgotten = rng.IntN(2) == 0
	}
	return n
}

func (n *noted) randomEvents(rng *rand.Rand) {
	for range rng.IntN(3) {
		n.interim = append(n.interim, 100+rng.IntN(100))
	}
	n.tunnel = randomToken(rng, rng.IntN(10))
	n.alien, n.alienAt = randomToken(rng, rng.IntN(20)), maybe(rng)
	n.unread = rng.IntN(2) == 0
	n.earlyData, n.framesAfterRefusal, n.nextRequest = maybe(rng), maybe(rng), maybe(rng)
}

func (n *noted) randomFrames(rng *rand.Rand) {
	w := n.socket
	for dir := range w.dirs {
		if rng.IntN(3) == 0 {
			continue
		}
		f := &w.dirs[dir]
		w.stamps[dir] = frameStamps{randomStamp(rng), randomStamp(rng)}
		*f = frames{kinds: [6]uint32{rng.Uint32(), rng.Uint32(), 3, rng.Uint32N(500), rng.Uint32N(3), 1}, bytes: rng.Int64(), dead: rng.IntN(2) == 0}
		w.strays[dir] = stray(rng.IntN(4))
	}
	if w.dirs == [2]frames{} {
		return
	}
	w.latest = rng.Int64N(1 << 50)
	if rng.IntN(2) == 0 {
		w.close = closeNote{at: randomStamp(rng), code: int32(rng.IntN(5000)) - 1, by: Side(1 + rng.IntN(2))}
		n.reason = randomToken(rng, rng.IntN(maxControlPayload*3/4-2))
	}
}

func randomEvidence(rng *rand.Rand) flow.Evidence {
	e := flow.Evidence{ID: rng.IntN(1 << 20), First: randomStamp(rng), SYN: maybe(rng), SYNACK: maybe(rng), SYNDir: flow.Dir(rng.IntN(2))}
	if rng.IntN(3) == 0 {
		e.SYN = e.First
	}
	e.A, e.B = randomAddrs(rng)
	flip := func() bool { return rng.IntN(2) == 0 }
	for dir := range 2 {
		if e.FIN[dir] = maybe(rng); e.FIN[dir].Seen() {
			e.FINSeq[dir], e.FINAck[dir] = rng.Uint32(), rng.Uint32()
		}
		e.RST[dir] = maybe(rng)
		e.Sent[dir], e.Acked[dir], e.Unseen[dir] = flip(), flip(), flip()
		if rng.IntN(3) == 0 {
			e.Retrans[dir], e.Cut[dir], e.Lost[dir] = rng.Int32(), rng.Int32N(9), rng.Int64()>>rng.IntN(63)
		}
	}
	for range rng.IntN(flow.MaxDoubts + 1) {
		e.Doubts = append(e.Doubts, flow.Doubt{
			Kind: flow.DoubtKind(rng.IntN(2)), Dir: flow.Dir(rng.IntN(2)), Offset: rng.Int64N(1<<40) - 5, Len: rng.IntN(1 << 20),
			Wide: flip(), First: maybe(rng), Second: maybe(rng), Acked: flip(), Linux: flip(), BSD: flip(),
		})
	}
	return e
}

func randomH2(rng *rand.Rand) *h2Stream {
	x := &H2{Stream: rng.Uint32(), Last: rng.Uint32()}
	for _, on := range x.flags() {
		*on = rng.IntN(2) == 0
	}
	for _, end := range x.ends() {
		end.At, end.Code = maybe(rng), rng.Uint32()
	}
	for i := range x.blind {
		x.blind[i], x.size[i], x.Faults[i] = blindness(rng.IntN(len(blindnessNames))), rng.IntN(1<<20), []string{"", "no :path"}[rng.IntN(2)]
	}
	return &h2Stream{H2: *x}
}

func randomAddrs(rng *rand.Rand) (a, b netip.AddrPort) {
	port := func() uint16 { return uint16(rng.Uint32()) }
	if rng.IntN(2) == 0 {
		ip := func() netip.Addr { return netip.AddrFrom4([4]byte{10, byte(rng.Uint32()), 0, byte(rng.Uint32())}) }
		return netip.AddrPortFrom(ip(), port()), netip.AddrPortFrom(ip(), port())
	}
	ip := func() netip.Addr {
		return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 9: byte(rng.Uint32()), 15: byte(rng.Uint32())})
	}
	return netip.AddrPortFrom(ip(), port()), netip.AddrPortFrom(ip(), port())
}

// keep lets an Analyzer keep what was noted, the way streams do, and returns the
// number of the attempt.
func (n *noted) keep(a *Analyzer) uint32 {
	d := a.newDraft(n.client)
	d.interim, d.tunnel, d.body, d.evidence = n.interim, n.tunnel, n.body, n.evidence
	d.entry = a.list(nil)
	entry := d.entry
	if n.asked {
		h := newRawHead([]byte(n.request.raw))
		h.key = n.request.token
		a.request(d, &n.request.msg, &h, h.key.of(h.bytes))
	}
	if n.answered {
		h := newRawHead([]byte(n.response.raw))
		a.response(d, &n.response.msg, &h, statusCode(h.bytes))
		n.right = n.response.msg.Complete && !h.folded && n.asked && n.request.token != (span{}) && Accept(string(n.request.token.of([]byte(n.request.raw)))) == string(h.accept.of(h.bytes))
	}
	d.h2 = n.h2
	if n.socket == nil {
		a.seal(d, &n.end, nil)
		return entry
	}
	if n.socket.close.at.Seen() && n.reason != "" {
		n.socket.close.reason = a.journal.write(append([]byte{byte(len(n.reason))}, n.reason...))
	}
	if n.h2 != nil {
		a.seal(d, &n.end, n.socket)
		return entry
	}
	a.keepExchange(d, nil)
	n.socket.entry = entry
	a.keepEnding(n.socket, &n.end)
	return entry
}

// want is the attempt as the judge must find it, before it looks for endings.
func (n *noted) want() *Attempt {
	t := &Attempt{Conn: &n.end, ClientDir: n.client, Interim: n.interim, Tunnel: n.tunnel, evidence: n.evidence}
	if n.asked {
		m := n.request.msg
		m.Head = parseHead(n.request.raw)
		t.Request = &m
	}
	if n.answered {
		m := n.response.msg
		m.Head, m.Body = parseHead(n.response.raw), string(n.body)
		t.Response = &m
	}
	if n.h2 != nil {
		t.H2 = &n.h2.H2
	}
	w := n.socket
	if w == nil {
		return t
	}
	t.refusal, t.lastFrame = w.strayAt(n.client, strayRefusal), w.latest
	if n.h2 == nil {
		t.forgotten = w.forgotten
	}
	for i, dir := range []flow.Dir{n.client, n.client.Reverse()} {
		t.Frames[i], t.firstBytes[i] = w.dirs[dir].count(), w.stamps[dir].first
		if at := w.strayAt(dir, strayHTTP); at.Seen() {
			t.add(HTTPResponseAfter101, Side(i+1), at.Frame, "", textHTTP, "a frame")
		}
	}
	if at := w.strayAt(n.client.Reverse(), strayCRLF); at.Seen() {
		t.add(ExtraCRLFAfterHead, Server, at.Frame, "", "CR LF", "a frame")
	}
	if w.close.at.Seen() {
		t.closeFrame = Close{By: w.close.by, How: CloseFrame, Code: int(w.close.code), Reason: n.reason, At: w.close.at}
	}
	return t
}

// FuzzPackAttempts keeps attempts of any kind, and takes them out of the journal
// again in any order.
func FuzzPackAttempts(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 6))
		a := New(nil)
		all := make([]*noted, 1+rng.IntN(20))
		for i := range all {
			all[i] = randomNoted(rng)
			if all[i].keep(a) != uint32(i)+1 {
				t.Fatal("numbers")
			}
		}
		j := &judge{a: a, relations: map[int]*relation{}}
		var s store
		for _, i := range rng.Perm(len(all)) {
			checkTaken(t, all[i], j.load(i, &s), i)
		}
	})
}

func checkTaken(t *testing.T, n *noted, got *Attempt, i int) {
	t.Helper()
	want := n.want()
	want.Number = i + 1
	want.ending()
	if want.strangeRequest() {
		want.Request = nil
	}
	w, g := want.Clone(), got.Clone()
	for _, m := range []struct{ want, got *Message }{{w.Request, g.Request}, {w.Response, g.Response}} {
		if (m.want == nil) != (m.got == nil) {
			t.Fatalf("message %v, want %v", m.got, m.want)
		}
		if m.want != nil {
			if d := messageDiff(m.want, m.got); d != "" {
				t.Fatal(d)
			}
		}
	}
	w.Request, w.Response, g.Request, g.Response = nil, nil, nil, nil
	for _, a := range []*Attempt{w, g} { // empty or nil is the same
		a.Interim, a.Findings, a.Conn.Doubts = append([]int(nil), a.Interim...), append([]Finding(nil), a.Findings...), append([]flow.Doubt(nil), a.Conn.Doubts...)
	}
	if !reflect.DeepEqual(w, g) {
		t.Fatalf("want %+v of %+v\ngot  %+v of %+v", w, w.Conn, g, g.Conn)
	}
}
