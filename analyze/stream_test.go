package analyze

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/reassembly/flow"
)

const (
	client = flow.AtoB
	server = flow.BtoA
)

// A dialogue plays the bytes of one connection to an Analyzer as reassembly
// does: what is not wanted is not delivered, what is skipped is counted.
type dialogue struct {
	a     *Analyzer
	live  flow.Conn
	conn  *flow.Evidence // handed over with the last chunk
	way   [2]way
	at    flow.Stamp
	step  int64 // time from one segment to the next
	turn  int   // of those that were overheard
	drops int64 // packets that the capture lost

	early [2]int64 // what is added to the bytes of a direction that the other side acknowledges: some are captured too late, or too early
}

type way struct {
	off, skip, lost int64
	none, ended     bool
	wants           []flow.Want // every answer that is not All
}

func newDialogue() *dialogue { return New(nil).dialogue(0) }

// dialogue begins another connection, ten seconds and ten frames behind the one
// before.
func (a *Analyzer) dialogue(id int) *dialogue {
	d := &dialogue{a: a, conn: newConn(id), at: flow.Stamp{Frame: 10*id + 3, Time: 1e18 + int64(id)*1e10}, step: 1e6}
	d.live = flow.Conn{Ends: flow.EndsOf(d.conn.A, d.conn.B), Handshake: true}
	return d
}

// newConn is a connection of which the handshake was seen.
func newConn(id int) *flow.Evidence {
	c := &flow.Evidence{ID: id, A: netip.MustParseAddrPort("10.0.0.7:51234"), B: netip.MustParseAddrPort("192.0.2.9:80")}
	c.First, c.SYN, c.SYNACK = flow.Stamp{Frame: 1, Time: 1e18}, flow.Stamp{Frame: 1, Time: 1e18}, flow.Stamp{Frame: 2, Time: 1e18}
	c.Sent = [2]bool{true, true}
	return c
}

// stream is what reads the connection now; nil: nothing does.
func (d *dialogue) stream() *stream {
	if d.live.State&kindMask != inStream {
		return nil
	}
	return d.a.streams[d.live.State>>kindBits]
}

// say sends the bytes of each segment.
func (d *dialogue) say(dir flow.Dir, segments ...string) {
	for _, b := range segments {
		d.at.Frame++
		d.at.Time += d.step
		w := &d.way[dir]
		n := min(w.skip, int64(len(b)))
		w.skip -= n
		w.off += n
		if b = b[n:]; b != "" && !w.none {
			d.chunk(dir, b, flow.Open)
		}
	}
}

func (d *dialogue) chunk(dir flow.Dir, b string, end flow.End) {
	w := &d.way[dir]
	w.ended = end != flow.Open
	var last *flow.Evidence
	if w.ended && d.way[dir.Reverse()].ended {
		last = d.conn
	}
	want := d.a.Chunk(&flow.Chunk{
		Conn: &d.live, Evidence: last, Dir: dir, Offset: w.off, Lost: w.lost, Stamp: d.at, Data: []byte(b), End: end,
		Seq: seqOf(dir, w.off), Ack: seqOf(dir.Reverse(), d.way[dir.Reverse()].off+d.early[dir.Reverse()]),
	})
	w.off += int64(len(b))
	w.lost = 0
	w.none, w.skip = want == flow.None, max(0, int64(want))
	if want != flow.All && end == flow.Open {
		w.wants = append(w.wants, want)
	}
}

// seqOf is the sequence number at an offset; that of the server's bytes wraps.
func seqOf(dir flow.Dir, off int64) uint32 {
	return [2]uint32{1001, 1<<32 - 100}[dir] + uint32(off)
}

// lose leaves out some bytes.
func (d *dialogue) lose(dir flow.Dir, n int64) {
	w := &d.way[dir]
	d.conn.Lost[dir] += n
	skipped := min(w.skip, n)
	w.skip -= skipped
	w.off += n
	w.lost += n - skipped
}

func (d *dialogue) end(dir flow.Dir, how flow.End) {
	d.at.Frame++
	d.at.Time += d.step
	switch how {
	case flow.FIN:
		d.conn.FIN[dir] = d.at
	case flow.RST:
		d.conn.RST[dir] = d.at
	}
	d.chunk(dir, "", how)
}

// finish ends what is open, ten seconds later.
func (d *dialogue) finish() *Result {
	for dir := range d.way {
		if !d.way[dir].ended {
			d.chunk(flow.Dir(dir), "", flow.CaptureEnd)
		}
	}
	return d.a.Finish(flow.Stamp{Frame: d.at.Frame + 1, Time: d.at.Time + 10e9}, d.drops)
}

// Heads and bodies of an exchange without fault.
const (
	key     = "AQIDBAUGBwgJCgsMDQ4PEA=="
	upgrade = "GET /ws HTTP/1.1\r\nHost: gw\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + key + "\r\nSec-WebSocket-Version: 13\r\n\r\n"
	plain   = "GET /a HTTP/1.1\r\nHost: gw\r\n\r\n"
	page    = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
	refusal = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"
	hello   = "\x81\x85\x01\x02\x03\x04iglhn" // masked text "hello"
	world   = "\x81\x05world"
)

var switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + Accept(key) + "\r\n\r\n"

// summary is a result as lines of text: an attempt each, and what else was seen.
func summary(r *Result) []string {
	var lines []string
	for t := range r.Attempts.All() {
		lines = append(lines, attemptText(t))
	}
	for _, u := range r.Upgrades {
		lines = append(lines, fmt.Sprintf("upgrade to %s: %d", u.Protocol, u.Status))
	}
	return lines
}

func attemptText(t *Attempt) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v", t.Verdict)
	if t.Request != nil {
		fmt.Fprintf(&b, " %s %s", t.Request.Head.Method, t.Request.Head.Target)
	}
	if t.Response != nil {
		fmt.Fprintf(&b, " %d", t.Response.Head.Status)
		if t.Response.Body != "" {
			fmt.Fprintf(&b, " %q", t.Response.Body)
		}
	}
	if len(t.Interim) > 0 {
		fmt.Fprintf(&b, " after %d", t.Interim)
	}
	if t.Tunnel != "" {
		fmt.Fprintf(&b, " through %s", t.Tunnel)
	}
	for i, f := range t.Frames {
		if f.Total() > 0 || f.Unclear {
			fmt.Fprintf(&b, " %v:%d", Side(i+1), f.Total())
		}
		if f.Unclear {
			b.WriteString("?")
		}
	}
	for _, f := range t.Findings {
		fmt.Fprintf(&b, " %v", f.Code)
	}
	return b.String()
}

// TestExchanges plays connections and compares what is found in them.
func TestExchanges(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(d *dialogue)
		want []string
	}{
		{"upgrade", func(d *dialogue) {
			d.say(client, upgrade)
			d.say(server, switching)
			d.say(client, hello)
			d.say(server, world)
		}, []string{"ok GET /ws 101 client:1 server:1"}},
		{"a Close frame that begins with the 101", func(d *dialogue) {
			d.say(client, upgrade)
			d.say(server, switching+"\x88\x05\x03", "\xe8bye")
		}, []string{"ok GET /ws 101 server:1 first-frame-coalesced-with-101"}},
		{"upgrade after a refused CONNECT", func(d *dialogue) {
			d.say(client, "CONNECT gw:80 HTTP/1.1\r\nHost: gw:80\r\n\r\n")
			d.say(server, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
			d.say(client, upgrade)
			d.say(server, switching)
		}, []string{"rejected CONNECT gw:80 407 connect-tunnel-refused", "ok GET /ws 101"}},
		{"nothing but other requests", func(d *dialogue) {
			d.say(client, plain)
			d.say(server, page)
		}, nil},
		{"pipelined", func(d *dialogue) {
			d.say(client, plain+plain+upgrade)
			d.say(server, page+page+switching)
			d.say(client, hello)
		}, []string{"ok GET /ws 101 client:1"}},
		{"interim answers", func(d *dialogue) {
			d.say(client, upgrade)
			d.say(server, "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\n"+switching)
		}, []string{"ok GET /ws 101 after [100 103]"}},
		{"HEAD has no body", func(d *dialogue) {
			d.say(client, "HEAD /a HTTP/1.1\r\nHost: gw\r\n\r\n"+upgrade)
			d.say(server, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"+switching)
		}, []string{"ok GET /ws 101"}},
		{"204 and 304 have no body", func(d *dialogue) {
			d.say(client, plain+plain+upgrade)
			d.say(server, "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nHTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"+switching)
		}, []string{"ok GET /ws 101"}},
		{"chunked with extensions and trailer", func(d *dialogue) {
			d.say(client, plain+upgrade)
			d.say(server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\nA\r\n\r\n\r\n0\r\n\r\n\r\n\r\n0\r\nX: y\r\n\r\n"+switching)
		}, []string{"ok GET /ws 101"}},
		{"chunked, head in two segments", func(d *dialogue) {
			d.say(client, plain+upgrade)
			d.say(server, "HTTP/1.1 200 OK\r\nTransfer-Enc", "oding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"+switching)
		}, []string{"ok GET /ws 101"}},
		{"chunked request", func(d *dialogue) {
			d.say(client, "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n"+upgrade)
			d.say(server, page+switching)
		}, []string{"ok GET /ws 101"}},
		{"upgrade with a body", func(d *dialogue) {
			d.say(client, strings.Replace(upgrade, "\r\n\r\n", "\r\nContent-Length: 2\r\n\r\n\x81\x80", 1)+hello)
			d.say(server, switching)
		}, []string{"bad-handshake GET /ws 101 client:1 request-method-not-get early-client-data 101-without-valid-request"}},
		{"a body that looks like an answer", func(d *dialogue) {
			d.say(client, plain+upgrade)
			d.say(server, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(refusal))+refusal+switching)
		}, []string{"ok GET /ws 101"}},
		{"a body without end", func(d *dialogue) {
			d.say(client, upgrade)
			d.say(server, "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "more")
		}, []string{`rejected GET /ws 200 "HTTP/1.1 101 Switching Protocols\r\n\r\nmore" status-200-instead-of-101`}},
		{"refused, then asked again", func(d *dialogue) {
			d.say(client, upgrade)
			d.say(server, refusal)
			d.say(client, upgrade)
			d.say(server, switching)
		}, []string{`rejected GET /ws 404 "gone" status-404`, "ok GET /ws 101"}},
		{"refused, with requests behind it", func(d *dialogue) {
			d.say(client, upgrade+plain+upgrade)
			d.say(server, refusal+page+switching)
		}, []string{`rejected GET /ws 404 "gone" status-404`, "ok GET /ws 101"}},
		{"the answer came first", func(d *dialogue) {
			d.early[client] = int64(len(upgrade))
			d.say(server, switching, world)
			d.early = [2]int64{server: -int64(len(switching + world))}
			d.say(client, upgrade, hello)
		}, []string{"ok GET /ws 101 client:1 server:1"}},
		{"the answers came first", func(d *dialogue) {
			d.early[client] = int64(len(plain + upgrade))
			d.say(server, page+switching+world)
			d.early = [2]int64{server: -int64(len(page + switching + world))}
			d.say(client, plain+upgrade+hello)
		}, []string{"ok GET /ws 101 client:1 server:1 first-frame-coalesced-with-101"}},
		{"frames before the answer", func(d *dialogue) {
			d.say(client, upgrade, hello)
			d.say(server, switching)
			d.say(client, hello)
		}, []string{"ok GET /ws 101 client:2 early-client-data"}},
		{"frame with the answer", func(d *dialogue) {
			d.say(client, upgrade)
			d.say(server, switching+world)
		}, []string{"ok GET /ws 101 server:1 first-frame-coalesced-with-101"}},
		{"frames after a refusal", func(d *dialogue) {
			d.say(client, upgrade)
			d.say(server, refusal)
			d.say(client, hello)
		}, []string{`rejected GET /ws 404 "gone" status-404 client-accepts-non-101`}},
		{"tunnel", func(d *dialogue) {
			d.say(client, "CONNECT gw:80 HTTP/1.1\r\nHost: gw:80\r\n\r\n")
			d.say(server, "HTTP/1.1 200 Connection established\r\nContent-Length: 9\r\n\r\n")
			d.say(client, upgrade)
			d.say(server, switching)
		}, []string{"ok GET /ws 101 through gw:80"}},
		{"tunnel, all in one", func(d *dialogue) {
			d.say(client, "CONNECT gw:80 HTTP/1.1\r\nHost: gw:80\r\n\r\n"+upgrade)
			d.say(server, "HTTP/1.1 200 OK\r\n\r\n"+switching)
		}, []string{"ok GET /ws 101 through gw:80"}},
		{"tunnel refused", func(d *dialogue) {
			d.say(client, "CONNECT gw:80 HTTP/1.1\r\nHost: gw:80\r\n\r\n")
			d.say(server, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno")
		}, []string{`rejected CONNECT gw:80 407 "no" connect-tunnel-refused`}},
		{"another protocol", func(d *dialogue) {
			d.say(client, "GET / HTTP/1.1\r\nHost: gw\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")
			d.say(server, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", switching)
		}, []string{"upgrade to h2c: 101"}},
		{"another protocol, refused", func(d *dialogue) {
			d.say(client, "GET / HTTP/1.1\r\nHost: gw\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")
			d.say(server, page)
			d.say(client, upgrade)
			d.say(server, switching)
		}, []string{"ok GET /ws 101", "upgrade to h2c: 200"}},
		{"101 that nobody asked for", func(d *dialogue) {
			d.say(client, plain)
			d.say(server, switching)
		}, []string{"bad-handshake GET /a 101 request-upgrade-missing request-connection-lacks-upgrade key-missing version-missing 101-without-valid-request"}},
		{"not HTTP", func(d *dialogue) {
			d.say(client, upgrade)
			d.say(server, "SSH-2.0-x\r\n")
		}, []string{"not-http GET /ws response-not-http"}},
		{"TLS", func(d *dialogue) {
			d.say(client, "\x16\x03\x01\x00\x05hello")
		}, nil},
		{"HTTP/2", func(d *dialogue) {
			d.say(client, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", upgrade)
		}, nil},
		{"silence", func(d *dialogue) {
			d.say(client, upgrade)
		}, []string{"no-response GET /ws http-request-unanswered"}},
		{"FIN instead of an answer", func(d *dialogue) {
			d.say(client, upgrade)
			d.end(server, flow.FIN)
		}, []string{"no-response GET /ws tcp-fin-without-response"}},
		{"forgotten", func(d *dialogue) {
			d.say(client, upgrade)
			d.end(client, flow.Evicted)
			d.end(server, flow.Evicted)
		}, []string{"indeterminate GET /ws"}},
		{"answer byte by byte", func(d *dialogue) {
			d.say(client, strings.Split(upgrade, "")...)
			d.say(server, strings.Split(switching+world, "")...)
			d.say(client, strings.Split(hello, "")...)
		}, []string{"ok GET /ws 101 client:1 server:1 response-split-over-segments"}},
		{"blank lines before heads", func(d *dialogue) {
			d.say(client, "\r\n", "\n"+upgrade)
			d.say(server, "\r\n"+switching)
		}, []string{"ok GET /ws 101"}},
		{"head that never ends", func(d *dialogue) {
			d.say(client, upgrade)
			d.say(server, strings.TrimSuffix(switching, "\r\n"))
			d.end(server, flow.FIN)
		}, []string{"bad-handshake GET /ws 101 server:0? head-not-terminated"}},
	} {
		t.Run(c.name, func(t *testing.T) { checkDialogue(t, newDialogue(), c.play, c.want) })
	}
}

func checkDialogue(t *testing.T, d *dialogue, play func(*dialogue), want []string) {
	t.Helper()
	play(d)
	if got := summary(d.finish()); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestHoles leaves bytes out in every state.
func TestHoles(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(d *dialogue)
		want []string
	}{
		{"before the request", func(d *dialogue) {
			d.say(client, plain)
			d.say(server, page)
			d.lose(client, 10)
			d.say(client, upgrade)
			d.say(server, switching)
		}, []string{"ok GET /ws 101"}},
		{"a request, whose answer must not be taken for that of the next", func(d *dialogue) {
			d.lose(client, int64(len(plain)))
			d.say(server, page)
			d.say(client, upgrade)
			d.say(server, switching)
		}, []string{"ok GET /ws 101"}},
		{"an interim answer, noticed after the next request", func(d *dialogue) {
			d.say(client, plain)
			d.lose(server, 25)
			held := d.at.Frame + 1
			d.at.Frame += 2
			d.early[server] = int64(len(page))
			d.say(client, upgrade)
			after := d.at.Frame
			d.at.Frame = held - 1
			d.early = [2]int64{client: -int64(len(upgrade))}
			d.say(server, page)
			d.at.Frame = after
			d.early = [2]int64{}
			d.say(server, switching)
		}, []string{"ok GET /ws 101"}},
		{"the request, and another one stands in its place", func(d *dialogue) {
			d.say(client, plain)
			d.say(server, page, switching)
			d.lose(client, int64(len(upgrade)))
			d.say(client, hello)
		}, []string{"indeterminate 101 client:0?"}},
		{"a HEAD request, whose answer seems to have a body", func(d *dialogue) {
			d.lose(client, 30)
			d.say(server, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
			d.say(client, upgrade)
			d.say(server, switching)
		}, []string{"ok GET /ws 101"}},
		{"a request, whose answer has a body in many segments", func(d *dialogue) {
			d.lose(client, 30)
			d.say(server, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "body", " body")
			d.say(client, upgrade)
			d.say(server, strings.Split(switching, "")...)
		}, []string{"ok GET /ws 101 response-split-over-segments"}},
		{"a CONNECT request", func(d *dialogue) {
			d.lose(client, 30)
			d.say(server, "HTTP/1.1 200 OK\r\n\r\n")
			d.say(client, upgrade)
			d.say(server, switching)
		}, []string{"ok GET /ws 101"}},
		{"a request, noticed after the answers", func(d *dialogue) {
			d.lose(client, int64(len(plain)))
			d.say(server, page)
			d.early[client] = int64(len(upgrade))
			d.say(server, switching)
			d.early = [2]int64{server: -int64(len(switching))}
			d.say(client, upgrade)
		}, []string{"ok GET /ws 101"}},
		{"in the request", func(d *dialogue) {
			d.say(client, upgrade[:30])
			d.lose(client, 20)
			d.say(client, upgrade[50:])
			d.say(server, switching)
		}, []string{"indeterminate GET /ws 101 client:0?"}},
		{"in the answer", func(d *dialogue) {
			d.say(client, upgrade)
			d.say(server, switching[:50])
			d.lose(server, 20)
			d.say(server, switching[70:], world)
		}, []string{"indeterminate GET /ws 101 server:0?"}},
		{"in the status line", func(d *dialogue) {
			d.say(client, upgrade)
			d.say(server, switching[:10])
			d.lose(server, 20)
			d.say(server, switching[30:], world)
		}, []string{"indeterminate GET /ws 0"}},
		{"the answer", func(d *dialogue) {
			d.say(client, upgrade)
			d.lose(server, int64(len(switching)))
			d.say(server, world)
			d.say(client, hello)
		}, []string{"indeterminate GET /ws"}},
		{"in a body", func(d *dialogue) {
			d.say(client, plain)
			d.say(server, page[:len(page)-4])
			d.lose(server, 2)
			d.say(server, "lo")
			d.say(client, upgrade)
			d.say(server, switching)
		}, []string{"ok GET /ws 101"}},
		{"in a body that is shown", func(d *dialogue) {
			d.say(client, upgrade)
			d.say(server, refusal[:len(refusal)-3])
			d.lose(server, 2)
			d.say(server, "e")
			d.say(client, upgrade)
			d.say(server, switching)
		}, []string{`rejected GET /ws 404 "ge" status-404`, "ok GET /ws 101"}},
		{"in the answer to an earlier request", func(d *dialogue) {
			d.say(client, plain+upgrade)
			d.say(server, page[:20])
			d.lose(server, 10)
			d.say(server, page[30:], switching)
		}, []string{"ok GET /ws 101"}},
		{"in a body, then answers to several requests", func(d *dialogue) {
			d.say(client, plain)
			d.say(server, page[:len(page)-4])
			d.lose(server, 2)
			d.say(server, "lo")
			d.say(client, plain+upgrade)
			d.say(server, page+switching)
		}, []string{"ok GET /ws 101"}},
		{"an answer, then answers to several requests", func(d *dialogue) {
			d.say(client, plain, plain)
			d.lose(server, int64(len(page)))
			d.say(server, page)
			d.say(client, plain+upgrade)
			d.say(server, page+switching)
		}, []string{"ok GET /ws 101"}},
		{"to the end of a body", func(d *dialogue) {
			d.say(client, plain)
			d.say(server, page[:len(page)-5])
			d.lose(server, 5)
			d.say(client, upgrade)
			d.say(server, switching)
		}, []string{"ok GET /ws 101"}},
		{"beyond a body", func(d *dialogue) {
			d.say(client, plain)
			d.say(server, page[:len(page)-5])
			d.lose(server, 30)
			d.say(client, upgrade)
			d.say(server, switching)
		}, []string{"ok GET /ws 101"}},
		{"in chunks", func(d *dialogue) {
			d.say(client, plain)
			d.say(server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n")
			d.lose(server, 30)
			d.say(server, "5\r\nhello\r\n0\r\n\r\n")
			d.say(client, upgrade)
			d.say(server, switching)
		}, []string{"ok GET /ws 101"}},
		{"in a chunk", func(d *dialogue) {
			d.say(client, plain)
			d.say(server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nh")
			d.lose(server, 2)
			d.say(server, "lo\r\n0\r\n\r\n")
			d.early[client] = int64(len(upgrade))
			d.say(server, switching)
			d.early = [2]int64{server: -int64(len(switching))}
			d.say(client, upgrade)
		}, []string{"ok GET /ws 101"}},
		{"in frames", func(d *dialogue) {
			d.say(client, upgrade)
			d.say(server, switching, world)
			d.lose(server, 9)
			d.say(server, world)
			d.say(client, hello)
		}, []string{"ok GET /ws 101 client:1 server:1?"}},
		{"in a payload", func(d *dialogue) {
			d.say(client, upgrade)
			d.say(server, switching, world[:3])
			d.lose(server, 4)
			d.say(server, world)
		}, []string{"ok GET /ws 101 server:2"}},
		{"in what is held", func(d *dialogue) {
			d.say(client, upgrade, hello)
			d.lose(client, 9)
			d.say(client, hello)
			d.say(server, switching)
		}, []string{"ok GET /ws 101 client:0? early-client-data"}},
		{"after the refusal", func(d *dialogue) {
			d.say(client, upgrade)
			d.lose(client, 9)
			d.say(client, upgrade)
			d.say(server, refusal, switching)
		}, []string{`rejected GET /ws 404 "gone" status-404`, "ok GET /ws 101"}},
		{"starts in the middle of a body", func(d *dialogue) {
			d.way[server].lost = -1
			d.say(server, "of a body\r\n\r\n")
			d.say(client, upgrade)
			d.say(server, switching)
		}, []string{"ok GET /ws 101"}},
	} {
		t.Run(c.name, func(t *testing.T) { checkDialogue(t, newDialogue(), c.play, c.want) })
	}
}

// TestMidStream starts without the handshake: an answer without request is one
// whose request is not in the capture.
func TestMidStream(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(d *dialogue)
		want []string
	}{
		{"the request is missing", func(d *dialogue) {
			d.say(server, switching, world)
			d.say(client, hello)
		}, []string{"indeterminate 101 client:0? server:1"}},
		{"an earlier answer is not that to the request", func(d *dialogue) {
			d.say(server, page)
			d.say(client, upgrade)
			d.say(server, switching)
		}, []string{"ok GET /ws 101"}},
		{"starts in the answer", func(d *dialogue) {
			d.say(client, upgrade)
			d.say(server, switching[5:], world)
		}, []string{"indeterminate GET /ws"}},
		{"everything but the handshake", func(d *dialogue) {
			d.say(client, upgrade)
			d.say(server, switching)
		}, []string{"ok GET /ws 101"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDialogue()
			d.conn.SYN, d.conn.SYNACK, d.live.Handshake = flow.Stamp{}, flow.Stamp{}, false
			d.way[client].lost, d.way[server].lost = -1, -1
			checkDialogue(t, d, c.play, c.want)
		})
	}
}

// TestWants checks that nothing is asked for that is not read.
func TestWants(t *testing.T) {
	d := newDialogue()
	d.say(client, plain)
	d.say(server, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", strings.Repeat("x", 400), strings.Repeat("x", 600))
	d.say(client, plain)
	d.say(server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n", strings.Repeat("x", 1000), "\r\n0\r\n\r\n")
	d.say(client, upgrade)
	d.say(server, switching, "\x82\x7e\x03\xe8", strings.Repeat("x", 1000), "\x82\x7f\x00\x00\x01\x00\x00\x00\x00\x00")
	d.say(client, hello[:6])
	if got, want := d.way[server].wants, []flow.Want{1000, 1000, 1000, 1 << 40}; !slices.Equal(got, want) {
		t.Errorf("server: %d, want %d", got, want)
	}
	if got, want := d.way[client].wants, []flow.Want{5}; !slices.Equal(got, want) {
		t.Errorf("client: %d, want %d", got, want)
	}
	if got, want := summary(d.finish()), []string{"ok GET /ws 101 client:1 server:2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestNotWanted gives up connections that carry nothing to be read.
func TestNotWanted(t *testing.T) {
	for _, first := range []string{"\x16\x03\x01\x00\x05hello", "SSH-2.0-x\r\n", "PRI * HTTP/2.0\r\n\r\nGET"} {
		d := newDialogue()
		d.say(client, first)
		if got := d.way[client].wants; !slices.Equal(got, []flow.Want{flow.None}) {
			t.Errorf("%q: wants %d", first, got)
		}
	}
}

// TestBounds feeds more than is kept.
func TestBounds(t *testing.T) {
	t.Run("head", func(t *testing.T) {
		d := newDialogue()
		d.say(client, upgrade[:len(upgrade)-2], "X: ", strings.Repeat("x", MaxHead/2), strings.Repeat("x", MaxHead), "\r\n\r\n")
		r := d.finish()
		if r.HeadsTooLarge != 1 || r.Attempts.Len() != 1 || len(r.Attempts.At(0).Request.Head.Raw) != MaxHead {
			t.Errorf("%d heads too large, attempts %q", r.HeadsTooLarge, summary(r))
		}
	})
	t.Run("requests that wait", func(t *testing.T) {
		d := newDialogue()
		for range MaxPipelined + 10 {
			d.say(client, plain)
		}
		if r := d.finish(); r.Unpaired != 1 || r.Requests != MaxPipelined+1 { // the connection is given up
			t.Errorf("%d not paired of %d", r.Unpaired, r.Requests)
		}
	})
	t.Run("held bytes", func(t *testing.T) {
		d := newDialogue()
		d.say(client, upgrade)
		for range 3 {
			d.say(client, "\x82\xfe\xff\x00abcd", strings.Repeat("x", 0xff00))
		}
		d.say(server, switching)
		want := []string{"ok GET /ws 101 client:2? early-client-data"}
		if got := summary(d.finish()); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("attempts that are not listed", func(t *testing.T) {
		d := newDialogue()
		for range maxPerConn + 100 {
			d.say(client, upgrade)
			d.say(server, refusal)
		}
		st := d.stream()
		if n := len(st.drafts); n > maxPerConn {
			t.Errorf("%d attempts are kept until the connection is over", n)
		}
		if r := d.finish(); r.Attempts.Len() != maxPerConn || r.Unlisted != 100 {
			t.Errorf("%d attempts, %d not listed", r.Attempts.Len(), r.Unlisted)
		}
	})
	t.Run("buffers that are used again", func(t *testing.T) {
		a := New(nil)
		for id := range 3 {
			d := a.dialogue(id)
			d.say(client, "GET /"+strings.Repeat("x", 12<<10)+" HTTP/1.1\r\nX: "+strings.Repeat("y", 40<<10)+"\r\n\r\n"+upgrade[:len(upgrade)-2]+"X: "+strings.Repeat("z", 40<<10)+"\r\n\r\n")
			d.end(client, flow.FIN)
			d.end(server, flow.FIN)
		}
		for _, st := range a.idle {
			if n := cap(st.last.raw); n > maxSpare {
				t.Errorf("a stream that is free has a buffer of %d bytes", n)
			}
		}
		for _, d := range a.drafts {
			if n := cap(d.packed); n > maxSpare {
				t.Errorf("a draft that is free has a buffer of %d bytes", n)
			}
		}
	})
	t.Run("body shown", func(t *testing.T) {
		d := newDialogue()
		d.say(client, upgrade)
		d.say(server, "HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 270), strings.Repeat("y", 150), "z")
		body := d.finish().Attempts.At(0).Response.Body
		if want := strings.Repeat("x", 270) + strings.Repeat("y", 50); body != want {
			t.Errorf("got %q, want %q", body, want)
		}
		if got := d.way[server].wants; !slices.Equal(got, []flow.Want{flow.None}) {
			t.Errorf("wants %d", got)
		}
	})
}

// TestCutSwitch cuts a 101 after each byte: at the end of the capture, by the end
// of the connection, and by a hole. Nothing but the whole head is a good one.
func TestCutSwitch(t *testing.T) {
	for n := range len(switching) {
		for name, cut := range map[string]func(d *dialogue){
			"capture ends": func(*dialogue) {},
			"closed":       func(d *dialogue) { d.end(server, flow.FIN); d.end(client, flow.FIN) },
			"hole":         func(d *dialogue) { d.lose(server, 9); d.say(server, "x\r\n") },
		} {
			d := newDialogue()
			d.say(client, upgrade)
			d.say(server, switching[:n])
			cut(d)
			for _, line := range summary(d.finish()) {
				if strings.HasPrefix(line, "ok") {
					t.Errorf("%s after %q: %s", name, switching[:n], line)
				}
			}
		}
	}
}

// TestFoldedAccept has an Accept that goes on in the next line, and so is not what
// the key demands.
func TestFoldedAccept(t *testing.T) {
	d := newDialogue()
	d.say(client, upgrade)
	d.say(server, strings.Replace(switching, Accept(key), Accept(key)+"\r\n folded", 1))
	if got := d.finish().Attempts.At(0).Verdict; got != AcceptMismatch {
		t.Errorf("verdict %v, want %v", got, AcceptMismatch)
	}
}

// TestServerAlone has a capture of the server's direction only: its 101 waits for
// a request until the connection is over, and what came behind it counts.
func TestServerAlone(t *testing.T) {
	d := newDialogue()
	d.say(server, switching, world, "\x88\x02\x03\xe8")
	d.end(server, flow.FIN)
	a := d.finish().Attempts.At(0)
	if got := a.Close; got.How != CloseFrame || got.Code != 1000 || got.By != Server {
		t.Errorf("closed by %v, %v %d", got.By, got.How, got.Code)
	}
	if got := a.Frames[Server-1]; got.Text != 1 || got.Close != 1 {
		t.Errorf("frames %+v", got)
	}
	d.a.checkReleased(t)
}
