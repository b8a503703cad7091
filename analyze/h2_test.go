package analyze

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/wssniff/wssniff/internal/tlswire"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// An h2End writes what one end of an HTTP/2 connection sends.
type h2End struct {
	b, block bytes.Buffer
	f        *http2.Framer
	enc      *hpack.Encoder
}

func newH2End() *h2End {
	e := &h2End{}
	e.f = http2.NewFramer(&e.b, nil)
	e.f.AllowIllegalWrites = true
	e.enc = hpack.NewEncoder(&e.block)
	return e
}

// sent returns what was written since the last call.
func (e *h2End) sent() string {
	s := e.b.String()
	e.b.Reset()
	return s
}

// fields encodes fields, name and value in turn.
func (e *h2End) fields(pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		if err := e.enc.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]}); err != nil {
			panic(err)
		}
	}
	s := e.block.String()
	e.block.Reset()
	return s
}

func (e *h2End) headers(id uint32, end bool, pairs ...string) string {
	return e.rawBlock(id, end, e.fields(pairs...))
}

// rawBlock sends a header block, in as many frames as it needs.
func (e *h2End) rawBlock(id uint32, end bool, block string) string {
	n := min(len(block), 16<<10)
	e.f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte(block[:n]), EndStream: end, EndHeaders: n == len(block)})
	for rest := block[n:]; rest != ""; rest = rest[n:] {
		n = min(len(rest), 16<<10)
		e.f.WriteContinuation(id, n == len(rest), []byte(rest[:n]))
	}
	return e.sent()
}

func (e *h2End) data(id uint32, end bool, data string) string {
	e.f.WriteData(id, end, []byte(data))
	return e.sent()
}

func (e *h2End) reset(id uint32, code http2.ErrCode) string {
	e.f.WriteRSTStream(id, code)
	return e.sent()
}

func (e *h2End) goAway(last uint32, code http2.ErrCode) string {
	e.f.WriteGoAway(last, code, []byte("why"))
	return e.sent()
}

func (e *h2End) settings(list ...http2.Setting) string {
	e.f.WriteSettings(list...)
	return e.sent()
}

// An h2Talk is a connection of HTTP/2 after its settings.
type h2Talk struct {
	*dialogue
	c, s *h2End
}

// connectFields are an extended CONNECT, RFC 8441, Section 5.1.
var connectFields = []string{
	":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":path", "/chat", ":authority", "gw.example.com",
	"sec-websocket-protocol", "chat, superchat", "sec-websocket-extensions", "permessage-deflate", "sec-websocket-version", "13", "origin", "http://www.example.com",
}

var takesConnect = http2.Setting{ID: http2.SettingEnableConnectProtocol, Val: 1}

// newH2Talk begins a connection whose server has some settings.
func newH2Talk(list ...http2.Setting) *h2Talk {
	d := &h2Talk{newDialogue(), newH2End(), newH2End()}
	d.say(client, http2.ClientPreface+d.c.settings())
	d.say(server, d.s.settings(list...))
	return d
}

// ask sends an extended CONNECT, with some fields besides.
func (d *h2Talk) ask(id uint32, more ...string) {
	d.say(client, d.c.headers(id, false, append(slices.Clip(connectFields), more...)...))
}

// answer sends a response that goes on.
func (d *h2Talk) answer(id uint32, status string, more ...string) {
	d.say(server, d.s.headers(id, false, append([]string{":status", status}, more...)...))
}

// open opens a WebSocket.
func (d *h2Talk) open(id uint32) {
	d.ask(id)
	d.answer(id, "200", "sec-websocket-protocol", "chat")
}

// TestH2 plays connections of HTTP/2.
func TestH2(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(d *h2Talk)
		want string
	}{
		{"opened", func(d *h2Talk) {
			d.open(1)
			d.say(client, d.c.data(1, false, hello+hello))
			d.say(server, d.s.data(1, false, world))
			d.say(client, d.c.data(1, true, wsFrame(0x88, true, "\x03\xe8bye")))
		}, `h2-ok CONNECT /chat 200 client:3 server:1; client close-frame 1000 "bye"`},
		{"closed by END_STREAM", func(d *h2Talk) {
			d.open(1)
			d.say(server, d.s.data(1, false, world), d.s.data(1, true, ""))
		}, `h2-ok CONNECT /chat 200 server:1; server end-stream -1 ""`},
		{"closed by RST_STREAM", func(d *h2Talk) {
			d.open(1)
			d.say(client, d.c.data(1, false, hello), d.c.reset(1, http2.ErrCodeCancel))
		}, `h2-ok CONNECT /chat 200 client:1; client rst-stream -1 ""`},
		{"frames across DATA", func(d *h2Talk) {
			d.open(1)
			long := wsFrame(0x82, true, strings.Repeat("x", 300))
			for _, part := range cutter(1, 50)(long + hello) {
				d.say(client, d.c.data(1, false, part))
			}
		}, `h2-ok CONNECT /chat 200 client:2; open -1 ""`},
		{"padded DATA", func(d *h2Talk) {
			d.open(1)
			for _, part := range cutter(1, 2)(hello + hello) {
				d.c.f.WriteDataPadded(1, false, []byte(part), make([]byte, 5))
			}
			d.c.f.WriteDataPadded(1, true, nil, make([]byte, 9))
			d.say(client, d.c.sent())
		}, `h2-ok CONNECT /chat 200 client:2; client end-stream -1 ""`},
		{"CONTINUATION, padding and priority", func(d *h2Talk) {
			block := d.c.fields(connectFields...)
			d.c.f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte(block[:9]), PadLength: 7, Priority: http2.PriorityParam{StreamDep: 3, Weight: 9}})
			d.c.f.WriteContinuation(1, false, []byte(block[9:20]))
			d.c.f.WriteContinuation(1, false, nil)
			d.c.f.WriteContinuation(1, true, []byte(block[20:]))
			d.say(client, d.c.sent())
			d.answer(1, "200", "sec-websocket-protocol", "chat")
		}, `h2-ok CONNECT /chat 200; open -1 ""`},
		{"interim answers and trailers", func(d *h2Talk) {
			d.ask(1)
			d.answer(1, "103", "link", "</a>")
			d.answer(1, "200", "sec-websocket-protocol", "chat")
			d.say(server, d.s.headers(1, true, "x", "y"))
		}, `h2-ok CONNECT /chat 200 after [103]; server end-stream -1 ""`},
		{"pushed", func(d *h2Talk) {
			d.ask(1)
			d.s.f.WritePushPromise(http2.PushPromiseParam{StreamID: 1, PromiseID: 2, BlockFragment: []byte(d.s.fields(":method", "GET", ":path", "/pushed")), EndHeaders: true})
			d.say(server, d.s.sent(), d.s.headers(2, false, ":status", "200"), d.s.data(2, true, "pushed"))
			d.answer(1, "200", "sec-websocket-protocol", "chat")
		}, `h2-ok CONNECT /chat 200; open -1 ""`},
		{"among others", func(d *h2Talk) {
			d.say(client, d.c.headers(1, true, ":method", "GET", ":scheme", "https", ":path", "/", ":authority", "gw.example.com", "cookie", "a=b"))
			d.ask(3)
			d.answer(1, "200", "content-type", "text/html")
			d.say(server, d.s.data(1, false, strings.Repeat("x", 5000)))
			d.answer(3, "200", "content-type", "text/html", "sec-websocket-protocol", "chat")
			d.say(server, d.s.data(1, true, ""), d.s.data(3, false, world))
			d.open(5)
		}, `h2-ok CONNECT /chat 200 server:1; open -1 ""|h2-ok CONNECT /chat 200; open -1 ""`},
		{"another protocol", func(d *h2Talk) {
			d.say(client, d.c.headers(1, false, ":method", "CONNECT", ":protocol", "connect-udp", ":scheme", "https", ":path", "/", ":authority", "a"))
		}, ``},
		{"refused", func(d *h2Talk) {
			d.ask(1)
			d.answer(1, "403", "server", "x")
			d.say(server, d.s.data(1, true, "no, "+strings.Repeat("x", 2*maxBody)))
		}, fmt.Sprintf(`h2-refused CONNECT /chat 403 %q status-403-origin; server end-stream -1 ""`, "no, "+strings.Repeat("x", maxBody-len("no, ")))},
		{"redirected", func(d *h2Talk) {
			d.ask(1)
			d.answer(1, "302", "location", "https://other/")
		}, `h2-refused CONNECT /chat 302 status-other; open -1 ""`},
		{"reset", func(d *h2Talk) {
			d.ask(1)
			d.say(server, d.s.reset(1, http2.ErrCodeRefusedStream))
		}, `h2-refused CONNECT /chat h2-stream-reset(REFUSED_STREAM); server rst-stream -1 ""`},
		{"reset by the client", func(d *h2Talk) {
			d.ask(1)
			d.say(client, d.c.reset(1, http2.ErrCodeCancel))
		}, `no-response CONNECT /chat http-request-unanswered(the client gives up after 1ms); client rst-stream -1 ""`},
		{"left out by GOAWAY", func(d *h2Talk) {
			d.open(1)
			d.ask(3)
			d.say(server, d.s.goAway(1<<31-1, http2.ErrCodeNo), d.s.goAway(1, http2.ErrCodeNo))
		}, `h2-ok CONNECT /chat 200; open -1 ""|h2-refused CONNECT /chat h2-goaway(NO_ERROR, last stream 1); server goaway -1 ""`},
		{"GOAWAY for an error", func(d *h2Talk) {
			d.ask(1)
			d.say(server, d.s.goAway(1, http2.ErrCodeEnhanceYourCalm))
		}, `h2-refused CONNECT /chat h2-goaway(ENHANCE_YOUR_CALM, last stream 1); server goaway -1 ""`},
		{"GOAWAY, answered nevertheless", func(d *h2Talk) {
			d.ask(1)
			d.say(server, d.s.goAway(1, http2.ErrCodeNo))
			d.answer(1, "200", "sec-websocket-protocol", "chat")
		}, `h2-ok CONNECT /chat 200; open -1 ""`},
		{"reset by the client, and an end of the server behind it", func(d *h2Talk) {
			d.ask(1)
			d.ask(3)
			d.say(client, d.c.reset(1, http2.ErrCodeCancel), d.c.reset(3, http2.ErrCodeCancel))
			d.say(server, d.s.reset(1, http2.ErrCodeStreamClosed), d.s.goAway(3, http2.ErrCodeInternal))
		}, `no-response CONNECT /chat http-request-unanswered(the client gives up after 2ms); client rst-stream -1 ""|no-response CONNECT /chat http-request-unanswered(the client gives up after 2ms); client rst-stream -1 ""`},
		{"the same, captured in the wrong order", func(d *h2Talk) {
			d.ask(1)
			d.ask(3)
			resets := d.c.reset(1, http2.ErrCodeCancel) + d.c.reset(3, http2.ErrCodeCancel)
			d.early[client] = int64(len(resets))
			d.say(server, d.s.reset(1, http2.ErrCodeStreamClosed), d.s.goAway(3, http2.ErrCodeInternal))
			d.early[client] = 0
			d.say(client, resets)
		}, `no-response CONNECT /chat http-request-unanswered(the client gives up after 2ms); server rst-stream -1 ""|no-response CONNECT /chat http-request-unanswered(the client gives up after 2ms); server goaway -1 ""`},
		{"reset by both at once", func(d *h2Talk) {
			d.ask(1)
			d.say(client, d.c.reset(1, http2.ErrCodeCancel))
			d.early[client] = -int64(h2HeaderLen + 4)
			d.say(server, d.s.reset(1, http2.ErrCodeRefusedStream))
			d.early[client] = 0
		}, `h2-refused CONNECT /chat h2-stream-reset(REFUSED_STREAM); client rst-stream -1 ""`},
		{"reset by both, and nobody knows what the server had", func(d *h2Talk) {
			d.ask(1)
			d.say(client, d.c.reset(1, http2.ErrCodeCancel))
			d.early[client] = -int64(seqOf(client, d.way[client].off)) // no acknowledgement number
			d.say(server, d.s.reset(1, http2.ErrCodeRefusedStream))
			d.early[client] = 0
		}, `h2-refused CONNECT /chat h2-stream-reset(REFUSED_STREAM); client rst-stream -1 ""`},
		{"reset by the server, and by the client behind it", func(d *h2Talk) {
			d.ask(1)
			d.say(server, d.s.reset(1, http2.ErrCodeRefusedStream))
			d.say(client, d.c.reset(1, http2.ErrCodeCancel))
		}, `h2-refused CONNECT /chat h2-stream-reset(REFUSED_STREAM); server rst-stream -1 ""`},
		{"ended without a status", func(d *h2Talk) {
			d.ask(1)
			d.say(server, d.s.headers(1, true, ":status", "103"))
		}, `no-response CONNECT /chat after [103] http-request-unanswered(the server ends the stream after 1ms); server end-stream -1 ""`},
		{"DATA instead of an answer", func(d *h2Talk) {
			d.ask(1)
			d.say(server, d.s.data(1, true, world))
		}, `no-response CONNECT /chat http-request-unanswered(the server ends the stream after 1ms); server end-stream -1 ""`},
		{"a host instead of :authority", func(d *h2Talk) {
			d.say(client, d.c.headers(1, false, ":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":path", "/chat", "host", "gw", "sec-websocket-version", "13"))
			d.answer(1, "200")
		}, `h2-ok CONNECT /chat 200; open -1 ""`},
		{"neither", func(d *h2Talk) {
			d.say(client, d.c.headers(1, false, ":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":path", "/chat", "sec-websocket-version", "13"))
			d.answer(1, "200")
		}, `bad-handshake CONNECT /chat 200 h2-request-malformed(no :authority); open -1 ""`},
		{"GET with :protocol", func(d *h2Talk) {
			d.say(client, d.c.headers(1, false, ":method", "GET", ":protocol", "websocket", ":scheme", "https", ":path", "/chat", ":authority", "gw", "sec-websocket-version", "13"))
			d.say(server, d.s.reset(1, http2.ErrCodeProtocol))
		}, `h2-refused GET /chat h2-classic-upgrade(GET) h2-request-malformed(:protocol without CONNECT) h2-stream-reset(PROTOCOL_ERROR); server rst-stream -1 ""`},
		{"a long header block in one frame", func(d *h2Talk) {
			block := d.c.fields(append(slices.Clip(connectFields), "cookie", strings.Repeat(";", 20<<10))...)
			d.c.f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte(block), EndHeaders: true})
			d.say(client, cutter(3, 1000)(d.c.sent())...)
			d.answer(1, "200", "sec-websocket-protocol", "chat")
		}, `h2-ok CONNECT /chat 200; open -1 ""`},
		{"silence", func(d *h2Talk) { d.ask(1) }, `no-response CONNECT /chat http-request-unanswered(silence for 10s); open -1 ""`},
		{"as in HTTP/1", func(d *h2Talk) {
			d.say(client, d.c.headers(1, true, ":method", "GET", ":scheme", "https", ":path", "/ws", ":authority", "a", "upgrade", "websocket", "connection", "Upgrade", "sec-websocket-key", key, "sec-websocket-version", "13"))
			d.say(server, d.s.reset(1, http2.ErrCodeProtocol))
		}, `h2-refused GET /ws h2-classic-upgrade(GET, connection: Upgrade, upgrade: websocket) h2-stream-reset(PROTOCOL_ERROR); server rst-stream -1 ""`},
		{"as in HTTP/1, without what is forbidden", func(d *h2Talk) {
			d.say(client, d.c.headers(1, true, ":method", "GET", ":scheme", "https", ":path", "/ws", ":authority", "a", "sec-websocket-key", key))
			d.answer(1, "404")
		}, `h2-refused GET /ws 404 status-404 h2-classic-upgrade(GET); open -1 ""`},
		{"101", func(d *h2Talk) {
			d.ask(1)
			d.answer(1, "101", "sec-websocket-accept", "x")
		}, `h2-refused CONNECT /chat 101 status-other; open -1 ""`},
		{"no version", func(d *h2Talk) {
			d.say(client, d.c.headers(1, false, connectFields[:10]...))
			d.answer(1, "200")
		}, `bad-handshake CONNECT /chat 200 version-missing; open -1 ""`},
		{"a sub-protocol that was not offered", func(d *h2Talk) {
			d.ask(1)
			d.answer(1, "200", "sec-websocket-protocol", "mqtt", "sec-websocket-extensions", "x-other")
		}, `bad-handshake CONNECT /chat 200 subprotocol-not-offered extension-not-offered; open -1 ""`},
		{"without :path", func(d *h2Talk) {
			d.say(client, d.c.headers(1, false, ":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":authority", "a", "sec-websocket-version", "13"))
			d.say(server, d.s.reset(1, http2.ErrCodeProtocol))
		}, `h2-refused CONNECT  h2-request-malformed(no :path) h2-stream-reset(PROTOCOL_ERROR); server rst-stream -1 ""`},
		{"ends with the request", func(d *h2Talk) {
			d.say(client, d.c.headers(1, true, connectFields...))
		}, `no-response CONNECT /chat http-request-unanswered(silence for 10s) h2-request-malformed(the stream ends with the request); client end-stream -1 ""`},
		{"lines in a value", func(d *h2Talk) {
			d.ask(1, "x", "a\r\nsec-websocket-key: b", "y z", "c")
			d.answer(1, "200", "a", "b\r\nsec-websocket-protocol: mqtt")
		}, `bad-handshake CONNECT /chat 200 subprotocol-missing h2-request-malformed(a line end or NUL in the value of "x") h2-response-malformed(a line end or NUL in the value of "a"); open -1 ""`},
		{"fields of HTTP/1 in the answer", func(d *h2Talk) {
			d.ask(1)
			d.answer(1, "200", "upgrade", "websocket", "sec-websocket-protocol", "chat")
			d.say(client, d.c.reset(1, http2.ErrCodeProtocol))
		}, `bad-handshake CONNECT /chat 200 h2-response-malformed("upgrade" of HTTP/1); client rst-stream -1 ""`},
		{"fields of HTTP/1 in the answer, and the client goes on", func(d *h2Talk) {
			d.ask(1)
			d.answer(1, "200", "connection", "Upgrade", "sec-websocket-protocol", "chat")
			d.say(client, d.c.data(1, false, hello))
		}, `h2-ok CONNECT /chat 200 client:1 h2-response-malformed("connection" of HTTP/1); open -1 ""`},
		{"fields of a request in the answer", func(d *h2Talk) {
			d.ask(1)
			d.answer(1, "403", ":path", "/")
		}, `h2-refused CONNECT /chat 403 status-403-origin h2-response-malformed(":path" of a request); open -1 ""`},
		{"a long name", func(d *h2Talk) {
			d.ask(1, strings.Repeat("N", 100), "x")
		}, `no-response CONNECT /chat http-request-unanswered(silence for 10s) h2-request-malformed("` + strings.Repeat("N", 64) + `" in capitals); open -1 ""`},
		{"even streams", func(d *h2Talk) { d.ask(2) }, ``},
		{"a stream again", func(d *h2Talk) {
			d.open(3)
			d.ask(1)
			d.ask(3)
		}, `h2-ok CONNECT /chat 200; open -1 ""`},
		{"no status", func(d *h2Talk) {
			d.ask(1)
			d.say(server, d.s.headers(1, false, "a", "b"))
		}, `not-http CONNECT /chat 0 response-not-http; open -1 ""`},
		{"frames that nobody knows", func(d *h2Talk) {
			d.ask(1)
			d.s.f.WriteRawFrame(0xfa, 0xff, 77, []byte("grease"))
			d.s.f.WritePing(false, [8]byte{})
			d.s.f.WriteWindowUpdate(0, 1)
			d.say(server, d.s.sent())
			d.answer(1, "200", "sec-websocket-protocol", "chat")
		}, `h2-ok CONNECT /chat 200; open -1 ""`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newH2Talk(takesConnect)
			c.play(d)
			if got := h2Text(d.finish()); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			d.a.checkReleased(t)
		})
	}
}

// h2Text is what was found, with how the streams ended.
func h2Text(r *Result) string {
	var all []string
	for t := range r.Attempts.All() {
		text := attemptText(t)
		for _, f := range t.Findings {
			if f.Side != NoSide && (f.Code >= H2ClassicUpgrade && f.Code <= H2GoAway || f.Code == HTTPRequestUnanswered) {
				text = strings.Replace(text, " "+f.Code.String(), fmt.Sprintf(" %v(%s)", f.Code, f.Got), 1)
			}
		}
		c := t.Close
		all = append(all, strings.ReplaceAll(fmt.Sprintf("%s; %v %v %d %q", text, c.By, c.How, c.Code, c.Reason), ";  ", "; "))
	}
	return strings.Join(all, "|")
}

// TestH2Announced looks for a server that does not take extended CONNECT.
func TestH2Announced(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(d *h2Talk)
		want string
	}{
		{"refused", func(d *h2Talk) {
			d.ask(1)
			d.say(server, d.s.reset(1, http2.ErrCodeProtocol))
		}, "h2-refused [h2-connect-not-announced error h2-stream-reset error]"},
		{"opened all the same", func(d *h2Talk) { d.open(1) }, "h2-ok [h2-connect-not-announced warning]"},
		{"announced later", func(d *h2Talk) {
			d.say(server, d.s.settings(takesConnect))
			d.open(1)
		}, "h2-ok []"},
		{"announced, of two values the last", func(d *h2Talk) {
			d.say(server, d.s.settings(http2.Setting{ID: takesConnect.ID}, takesConnect))
			d.open(1)
		}, "h2-ok []"},
		{"announced by the client", func(d *h2Talk) {
			d.say(client, d.c.settings(takesConnect))
			d.open(1)
		}, "h2-ok [h2-connect-not-announced warning]"},
		{"in settings that make no sense", func(d *h2Talk) {
			d.stream().h2.settings = false // as if there had been none yet
			d.say(server, d.s.settings(takesConnect, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 31}))
			d.s.f.WriteSettingsAck()
			d.say(server, d.s.sent())
			d.open(1)
		}, "h2-ok []"},
		{"announced in what is lost", func(d *h2Talk) {
			d.lose(server, 15)
			d.ask(1)
		}, "indeterminate []"},
	} {
		d := newH2Talk()
		c.play(d)
		a := d.finish().Attempts.At(0)
		found := []string{}
		for _, f := range a.Findings {
			found = append(found, f.Code.String(), f.Severity.String())
		}
		if got := fmt.Sprintf("%v %v", a.Verdict, found); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestH2Head checks the head that stands for a header block.
func TestH2Head(t *testing.T) {
	d := newH2Talk(takesConnect)
	d.open(1)
	r := d.finish()
	a := r.Attempts.At(0)
	const want = "CONNECT /chat HTTP/2\r\n:protocol: websocket\r\n:scheme: https\r\nhost: gw.example.com\r\nsec-websocket-protocol: chat, superchat\r\n" +
		"sec-websocket-extensions: permessage-deflate\r\nsec-websocket-version: 13\r\norigin: http://www.example.com\r\n\r\n"
	if got := a.Request.Head.Raw; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, _ := a.Request.Head.Get(":protocol"); got != "websocket" {
		t.Errorf(":protocol is %q", got)
	}
	if got := a.URL().String(); got != "ws://gw.example.com/chat" {
		t.Errorf("URL %q", got)
	}
	if a.H2.Stream != 1 || !a.H2.Connect || !a.H2.Announced || a.Accept != "" || a.Expected != "" {
		t.Errorf("%+v, Accept %q, want %q", a.H2, a.Accept, a.Expected)
	}
	if a.Request.Done.Frame != 6 || a.Response.Done.Frame != 7 {
		t.Errorf("frames %d and %d", a.Request.Done.Frame, a.Response.Done.Frame)
	}
	if r.H2Conns != 1 || r.HTTPConns != 0 || r.H2Blind != 0 {
		t.Errorf("%d connections of HTTP/2, %d of HTTP/1, %d blind", r.H2Conns, r.HTTPConns, r.H2Blind)
	}
}

// TestH2Table uses header compression to its end: the dynamic table changes its
// size, and what streams of no interest put into it serves others.
func TestH2Table(t *testing.T) {
	for size, want := range map[uint32]string{0: "h2-ok", 64: "h2-ok", 4096: "h2-ok", maxH2Table: "h2-ok", maxH2Table + 1: "indeterminate"} {
		d := newH2Talk(takesConnect)
		d.s.enc.SetMaxDynamicTableSizeLimit(1 << 20)
		d.s.enc.SetMaxDynamicTableSize(size)
		d.say(client, d.c.headers(1, true, ":method", "GET", ":path", "/"))
		for range 3 {
			d.answer(1, "200", "x-filler", strings.Repeat("f", int(min(size, 3000))), "sec-websocket-protocol", "chat")
		}
		d.open(3)
		d.checkH2(t)
		crowded := map[bool]int{size > maxH2Table: 1}[true]
		r := d.finish()
		if got := r.Attempts.At(0); got.Verdict.String() != want || r.H2Blind != crowded || r.H2Crowded != crowded {
			t.Errorf("table of %d bytes: %v, want %s; %d blind, %d for want of room", size, got.Verdict, want, r.H2Blind, r.H2Crowded)
		}
	}
}

// TestH2Upgrade goes on in HTTP/2 behind an upgrade to h2c, RFC 7540, Section 3.2.
func TestH2Upgrade(t *testing.T) {
	d := &h2Talk{newDialogue(), newH2End(), newH2End()}
	d.say(client, "GET / HTTP/1.1\r\nHost: gw\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
	d.say(server, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"+d.s.settings(takesConnect)+d.s.headers(1, false, ":status", "200"))
	d.say(client, http2.ClientPreface[:5], http2.ClientPreface[5:]+d.c.settings())
	d.say(server, d.s.data(1, true, "page"))
	if d.stream().h2.ways[server].waits {
		t.Error("what the server said of stream 1 is held")
	}
	d.open(3)
	r := d.finish()
	if got, want := summary(r), []string{"h2-ok CONNECT /chat 200", "upgrade to h2c: 101"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if r.H2Conns != 1 || r.HTTPConns != 1 || r.Requests != 1 {
		t.Errorf("%d connections of HTTP/2, %d of HTTP/1 with %d requests", r.H2Conns, r.HTTPConns, r.Requests)
	}
}

// TestH2ToHTTP1 sends SETTINGS to a client that speaks HTTP/1, before and after its
// request.
func TestH2ToHTTP1(t *testing.T) {
	for _, first := range []flow.Dir{client, server} {
		d := &h2Talk{newDialogue(), newH2End(), newH2End()}
		said := map[flow.Dir]string{client: upgrade, server: d.s.settings() + d.s.goAway(0, http2.ErrCodeProtocol)}
		d.say(first, cutAll(said[first])...)
		d.say(first.Reverse(), cutAll(said[first.Reverse()])...)
		d.end(server, flow.FIN)
		r := d.finish()
		if got, want := summary(r), []string{"not-http GET /ws response-not-http"}; !slices.Equal(got, want) {
			t.Errorf("direction %d first: %q, want %q", first, got, want)
		}
		if r.H2Conns != 0 || r.HTTPConns != 1 {
			t.Errorf("%d connections of HTTP/2, %d of HTTP/1", r.H2Conns, r.HTTPConns)
		}
	}
}

// TestH2Alien answers otherwise than in HTTP/2, before and after the client speaks.
func TestH2Alien(t *testing.T) {
	for _, answer := range []string{"SSH-2.0-x\r\n", "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "\x00\x00\x00\x05\x00\x00\x00\x00\x00", "\x15\x03\x01\x00\x02\x02\x46"} {
		for _, first := range []flow.Dir{client, server} {
			d := &h2Talk{newDialogue(), newH2End(), newH2End()}
			said := map[flow.Dir]string{client: http2.ClientPreface + d.c.settings() + d.c.headers(1, false, connectFields...), server: answer}
			if first == server { // it has what it answers, the capture is late
				d.early[client] = int64(len(said[client]))
			}
			d.say(first, cutAll(said[first])...)
			d.early[client] = 0
			d.say(first.Reverse(), said[first.Reverse()]+strings.Repeat("x", 5000))
			if g := d.stream().h2.alien; g != nil && len(g.bytes) > maxAlien {
				t.Errorf("%d bytes of the answer are kept", len(g.bytes))
			}
			d.end(server, flow.FIN)
			r := d.finish()
			if r.Attempts.Len() != 1 || r.Attempts.At(0).Verdict != NotHTTP || r.H2Conns != 1 || r.H2Blind != 0 {
				t.Errorf("%q, direction %d first: %q, %d connections, %d blind", answer, first, summary(r), r.H2Conns, r.H2Blind)
			}
			d.a.checkReleased(t)
		}
	}
}

// TestH2AlienLoss loses bytes of a client whose server does not speak HTTP/2.
func TestH2AlienLoss(t *testing.T) {
	d := &h2Talk{newDialogue(), newH2End(), newH2End()}
	d.say(client, http2.ClientPreface+d.c.settings())
	d.say(server, "SSH-2.0-x\r\n")
	d.lose(client, 20)
	d.ask(3)
	if r := d.finish(); r.H2Conns != 1 || r.H2Blind != 1 {
		t.Errorf("%d of %d blind", r.H2Blind, r.H2Conns)
	}
}

// TestH2Loss leaves out bytes. What comes behind them in header blocks is unknown.
func TestH2Loss(t *testing.T) {
	const unknown = "the state of the server's header compression is unknown: bytes are missing from the capture"
	for _, c := range []struct {
		name         string
		play         func(d *h2Talk)
		want, reason string
		blind        int
	}{
		{"before the answer", func(d *h2Talk) {
			d.ask(1)
			d.lose(server, 20)
			d.answer(1, "200", "sec-websocket-protocol", "chat")
		}, "indeterminate CONNECT /chat", unknown, 1},
		{"in the answer", func(d *h2Talk) {
			d.ask(1)
			b := d.s.headers(1, false, ":status", "200", "x", "y")
			d.say(server, b[:10])
			d.lose(server, 2)
			d.say(server, b[12:])
		}, "indeterminate CONNECT /chat", unknown, 1},
		{"behind the answer", func(d *h2Talk) {
			d.open(1)
			d.say(server, d.s.data(1, false, world))
			d.lose(server, 20)
			d.say(server, d.s.data(1, false, world))
		}, "h2-ok CONNECT /chat 200 server:1?", "", 1},
		{"behind an error in GOAWAY", func(d *h2Talk) {
			d.ask(1)
			d.say(server, d.s.goAway(1, http2.ErrCodeInternal))
			d.lose(server, 20)
			d.say(server, "x")
		}, "indeterminate CONNECT /chat", unknown, 1},
		{"behind a GOAWAY that leaves the stream out", func(d *h2Talk) {
			d.ask(1)
			d.say(server, d.s.goAway(0, http2.ErrCodeInternal))
			d.lose(server, 20)
			d.say(server, "x")
		}, "h2-refused CONNECT /chat h2-goaway", "", 1},
		{"inside DATA of others", func(d *h2Talk) {
			d.say(client, d.c.headers(1, true, ":method", "GET", ":path", "/"))
			d.ask(3)
			b := d.s.headers(1, false, ":status", "200") + d.s.data(1, true, strings.Repeat("x", 1000))
			d.say(server, b[:len(b)-900])
			d.lose(server, 800)
			d.say(server, b[len(b)-100:])
			d.answer(3, "200", "sec-websocket-protocol", "chat")
		}, "h2-ok CONNECT /chat 200", "", 0},
		{"inside DATA of a WebSocket", func(d *h2Talk) {
			d.open(1)
			b := d.s.data(1, false, world+wsFrame(0x82, false, "hello"))
			d.say(server, b[:len(b)-10])
			d.lose(server, 8)
			d.say(server, b[len(b)-2:], d.s.reset(1, http2.ErrCodeInternal))
		}, "h2-ok CONNECT /chat 200 server:1?", "", 0},
		{"of the client, behind the end of its stream", func(d *h2Talk) {
			d.open(1)
			d.say(client, d.c.data(1, true, hello))
			d.lose(client, 20)
			d.say(client, hello)
		}, "h2-ok CONNECT /chat 200 client:1", "", 1},
		{"of the client", func(d *h2Talk) {
			d.open(1)
			d.lose(client, 20)
			d.say(server, d.s.headers(3, false, ":status", "200"), d.s.data(1, false, world))
		}, "h2-ok CONNECT /chat 200 client:0? server:1", "", 1},
	} {
		d := newH2Talk(takesConnect)
		c.play(d)
		r := d.finish()
		a := r.Attempts.At(0)
		if got := attemptText(a); got != c.want || a.Reason != c.reason || r.H2Blind != c.blind {
			t.Errorf("%s: %q (%s, %d blind), want %q (%s, %d blind)", c.name, got, a.Reason, r.H2Blind, c.want, c.reason, c.blind)
		}
		d.a.checkReleased(t)
	}
}

// TestH2Late begins in the middle of a connection.
func TestH2Late(t *testing.T) {
	d := newH2Talk(takesConnect)
	late := &h2Talk{newDialogue(), d.c, d.s}
	late.live.Handshake = false
	late.way[client].lost, late.way[server].lost = -1, -1
	late.ask(3)
	late.answer(3, "200")
	r := late.finish()
	if r.Attempts.Len() != 0 || r.H2Conns != 1 || r.H2Blind != 1 {
		t.Errorf("%d attempts, %d connections of HTTP/2, %d blind", r.Attempts.Len(), r.H2Conns, r.H2Blind)
	}
}

// TestH2LostWhileHeld loses bytes of a server behind answers that wait for their
// requests: those are read all the same.
func TestH2LostWhileHeld(t *testing.T) {
	d := newH2Talk(takesConnect)
	d.answer(1, "200", "sec-websocket-protocol", "chat")
	d.answer(3, "200", "sec-websocket-protocol", "chat")
	d.lose(server, 10)
	d.say(server, d.s.data(3, false, world))
	d.ask(1)
	d.ask(3)
	r := d.finish()
	if got, want := summary(r), []string{"h2-ok CONNECT /chat 200 server:0?", "h2-ok CONNECT /chat 200 server:0?"}; !slices.Equal(got, want) || r.H2Blind != 1 {
		t.Errorf("%q, want %q; %d blind", got, want, r.H2Blind)
	}
}

// TestH2WithoutHandshake has connections of whose packets the capture holds those
// with payload: that they begin with shows at once.
func TestH2WithoutHandshake(t *testing.T) {
	const unknown = "the state of the server's header compression is unknown: bytes are missing from the capture"
	begin := func() *h2Talk {
		d := &h2Talk{newDialogue(), newH2End(), newH2End()}
		d.live.Handshake = false
		d.way[client].lost, d.way[server].lost = -1, -1
		return d
	}
	for _, c := range []struct {
		name         string
		play         func(d *h2Talk)
		want, reason string
		blind        int
	}{
		{"the client first", func(d *h2Talk) {
			d.say(client, http2.ClientPreface+d.c.settings())
			d.say(server, d.s.settings(takesConnect))
			d.open(1)
		}, "h2-ok CONNECT /chat 200", "", 0},
		{"the server first", func(d *h2Talk) {
			d.say(server, d.s.settings(takesConnect))
			d.say(client, http2.ClientPreface+d.c.settings())
			d.open(1)
		}, "h2-ok CONNECT /chat 200", "", 0},
		{"settings of the server are missing", func(d *h2Talk) {
			d.say(client, http2.ClientPreface+d.c.settings())
			d.s.f.WriteSettingsAck()
			d.say(server, d.s.sent())
			d.open(1)
		}, "indeterminate CONNECT /chat", unknown, 1},
		{"the preface is missing", func(d *h2Talk) {
			d.say(server, d.s.settings(takesConnect))
			d.say(client, d.c.settings())
			d.open(1)
		}, "", "", 1},
	} {
		d := begin()
		c.play(d)
		r := d.finish()
		text, reason := "", ""
		for a := range r.Attempts.All() {
			text, reason = attemptText(a), a.Reason
		}
		if text != c.want || reason != c.reason || r.H2Conns != 1 || r.H2Blind != c.blind {
			t.Errorf("%s: %q (%s), %d of %d blind", c.name, text, reason, r.H2Blind, r.H2Conns)
		}
		d.a.checkReleased(t)
	}
	d := begin()
	d.say(client, upgrade)
	d.say(server, d.s.settings()+"x")
	if r := d.finish(); r.H2Conns != 0 || r.Attempts.Len() != 1 {
		t.Errorf("HTTP/1 with settings: %d of HTTP/2, %q", r.H2Conns, summary(r))
	}
	both := newDialogue() // as servers do, and the handshake was seen
	both.say(client, d.s.settings())
	both.say(server, d.s.settings())
	if r := both.finish(); r.H2Conns != 0 {
		t.Errorf("%d of HTTP/2 without a preface", r.H2Conns)
	}
}

// TestH2LaterSettings loses the settings with which the server begins, and has others
// behind the hole: what came before them is unknown.
func TestH2LaterSettings(t *testing.T) {
	for name, play := range map[string]func(d *h2Talk){
		"at the beginning": func(d *h2Talk) { d.lose(server, 9) },
		"behind some bytes": func(d *h2Talk) {
			d.say(server, d.s.settings())
			d.way[server].lost = -1
		},
	} {
		d := &h2Talk{newDialogue(), newH2End(), newH2End()}
		d.say(client, http2.ClientPreface+d.c.settings())
		play(d)
		d.say(server, d.s.settings(takesConnect))
		d.open(1)
		if r := d.finish(); r.H2Blind != 1 || r.Attempts.At(0).Verdict != Indeterminate {
			t.Errorf("%s: %v, %d blind", name, r.Attempts.At(0).Verdict, r.H2Blind)
		}
	}
}

// TestH2GaveUp compares what the server had received with the client's RST_STREAM.
func TestH2GaveUp(t *testing.T) {
	for _, c := range []struct {
		seq, ack uint32
		want     bool
	}{
		{1000, 1013, true}, {1000, 1001, true}, {1000, 1000, false}, {1000, 900, false},
		{1<<32 - 5, 8, true}, {8, 1<<32 - 5, false}, {1<<32 - 5, 0, false}, // none
	} {
		x := &h2Stream{H2: H2{Ends: [2]H2End{{Error: true, seq: c.seq}}}}
		h := &h2{goAway: H2End{Error: true, ack: c.ack}}
		if h.gaveUp(x) != c.want {
			t.Errorf("GOAWAY, %d of %d: %v", c.ack, c.seq, !c.want)
		}
		x.Ends[1] = h.goAway
		h.goAway.ack = c.seq
		if h.gaveUp(x) != c.want {
			t.Errorf("RST_STREAM, %d of %d: %v", c.ack, c.seq, !c.want)
		}
	}
}

// TestH2LostPreface misses how the client begins: the connection is counted, as
// nobody can read it.
func TestH2LostPreface(t *testing.T) {
	for _, first := range []flow.Dir{client, server} {
		d := &h2Talk{newDialogue(), newH2End(), newH2End()}
		begin := http2.ClientPreface + d.c.settings()
		d.lose(client, int64(len(begin)))
		ask := d.c.headers(1, false, connectFields...)
		said := map[flow.Dir]string{client: ask, server: d.s.settings(takesConnect)}
		d.say(first, said[first])
		d.say(first.Reverse(), said[first.Reverse()])
		d.answer(1, "200")
		if r := d.finish(); r.Attempts.Len() != 0 || r.H2Conns != 1 || r.H2Blind != 1 {
			t.Errorf("direction %d first: %d attempts, %d of %d blind", first, r.Attempts.Len(), r.H2Blind, r.H2Conns)
		}
		d.a.checkReleased(t)
	}
}

// TestH2Alike does not take other protocols for HTTP/2 when they begin in the
// middle.
func TestH2Alike(t *testing.T) {
	for name, b := range map[string]string{
		"Modbus":              "\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x01",
		"zeros":               strings.Repeat("\x00", 50),
		"a frame that is cut": "\x00\x05\x00\x00\x00\x00\x00\x00\x01abc",
		"unknown flags":       "\x00\x00\x08\x06\x80\x00\x00\x00\x0012345678",
		"lengths":             "\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x04abcd\x00\x00\x00\x00",
		"other bytes behind":  "\x00\x00\x00\x04\x01\x00\x00\x00\x00other bytes",
	} {
		for _, handshake := range []bool{false, true} {
			d := newDialogue()
			if d.live.Handshake = handshake; !handshake {
				d.way[client].lost, d.way[server].lost = -1, -1
			}
			d.say(client, b)
			d.say(server, b)
			if r := d.finish(); r.H2Conns != 0 {
				t.Errorf("%s is taken for HTTP/2", name)
			}
		}
	}
}

// TestH2LostSettings begins with a hole in what the server said.
func TestH2LostSettings(t *testing.T) {
	d := &h2Talk{newDialogue(), newH2End(), newH2End()}
	d.lose(server, int64(len(d.s.settings())))
	d.s.f.WritePing(false, [8]byte{})
	d.say(server, d.s.sent())
	d.say(client, http2.ClientPreface+d.c.settings())
	d.open(1)
	r := d.finish()
	const want = "the state of the server's header compression is unknown: bytes are missing from the capture"
	if a := r.Attempts.At(0); a.Verdict != Indeterminate || a.Reason != want || r.H2Blind != 1 || r.H2Conns != 1 {
		t.Errorf("%v (%s), %d of %d blind", a.Verdict, a.Reason, r.H2Blind, r.H2Conns)
	}
}

// TestH2OutOfOrder breaks off header blocks, and begins them in the middle.
func TestH2OutOfOrder(t *testing.T) {
	block := func(d *h2Talk) []byte { return []byte(d.s.fields(":status", "200", "sec-websocket-protocol", "chat")) }
	for _, c := range []struct {
		name string
		play func(d *h2Talk)
	}{
		{"CONTINUATION alone", func(d *h2Talk) { d.s.f.WriteContinuation(1, true, block(d)) }},
		{"of another stream", func(d *h2Talk) {
			b := block(d)
			d.s.f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: b[:1]})
			d.s.f.WriteContinuation(3, true, b[1:])
		}},
		{"DATA inside", func(d *h2Talk) {
			b := block(d)
			d.s.f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: b[:1]})
			d.s.f.WriteData(1, false, []byte(world))
			d.s.f.WriteContinuation(1, true, b[1:])
		}},
		{"padding longer than the frame", func(d *h2Talk) {
			d.s.f.WriteRawFrame(http2.FrameHeaders, http2.FlagHeadersPadded|http2.FlagHeadersEndHeaders, 1, append([]byte{200}, block(d)...))
		}},
		{"broken off", func(d *h2Talk) {
			b := block(d)
			d.s.f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: b[:len(b)-1], EndHeaders: true})
		}},
		{"on no stream", func(d *h2Talk) {
			d.s.f.WriteRawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, 0, block(d))
		}},
	} {
		d := newH2Talk(takesConnect)
		d.ask(1)
		c.play(d)
		d.say(server, d.s.sent())
		r := d.finish()
		const want = "the state of the server's header compression is unknown: frames make no sense"
		if a := r.Attempts.At(0); a.Verdict != Indeterminate || a.Reason != want || r.H2Blind != 1 {
			t.Errorf("%s: %v (%s), %d blind", c.name, a.Verdict, a.Reason, r.H2Blind)
		}
	}
}

// TestH2Doubt takes back verdicts that rest on bytes in doubt: those of the answer,
// and of all header blocks before it.
func TestH2Doubt(t *testing.T) {
	for _, c := range []struct {
		doubt flow.Doubt
		want  Verdict
	}{
		{flow.Doubt{Dir: server, Offset: 3, Len: 1}, Indeterminate},
		{flow.Doubt{Dir: server, Offset: 20, Len: 1}, Indeterminate},
		{flow.Doubt{Dir: server, Offset: 20, Len: 1, Acked: true}, H2OK},
		{flow.Doubt{Dir: server, Offset: 20, Len: 1, Acked: true, Kind: flow.Urgent}, Indeterminate},
		{flow.Doubt{Dir: server, Offset: 500, Len: 1}, H2OK},
		{flow.Doubt{Dir: client, Offset: 50, Len: 1}, H2OK}, // the answer proves the request
	} {
		d := newH2Talk(takesConnect)
		d.conn.Doubts = []flow.Doubt{c.doubt}
		d.open(1)
		if got := d.finish().Attempts.At(0).Verdict; got != c.want {
			t.Errorf("%+v: %v, want %v", c.doubt, got, c.want)
		}
	}
}

// TestH2Redirect leaves a chain alone that leads where a stream was redirected to.
func TestH2Redirect(t *testing.T) {
	a := New(nil)
	d := a.dialogue(0)
	d.say(client, upgrade)
	d.say(server, "HTTP/1.1 302 Found\r\nLocation: /ws2\r\nContent-Length: 0\r\n\r\n")
	second := &h2Talk{a.dialogue(1), newH2End(), newH2End()}
	second.say(client, http2.ClientPreface+second.c.settings())
	second.say(server, second.s.settings())
	second.ask(1)
	second.answer(1, "302", "location", "http://gw/ws2")
	third := a.dialogue(2)
	third.say(client, strings.Replace(upgrade, "/ws", "/ws2", 1))
	third.say(server, switching)
	for _, d := range []*dialogue{d, second.dialogue} {
		d.end(client, flow.FIN)
		d.end(server, flow.FIN)
	}
	r := third.finish()
	if len(r.Chains) != 1 || r.Chains[0].End != ChainUpgraded {
		t.Errorf("%d chains, %+v", len(r.Chains), r.Chains)
	}
}

// insideTLS begins a connection whose plaintext is handed over.
func insideTLS() *h2Talk {
	d := &h2Talk{newDialogue(), newH2End(), newH2End()}
	d.a.inside = &session{TLS: TLS{Protocol: "h2", ServerName: "gw.example.com"}, hello: &tlswire.ClientHello{ServerName: "gw.example.com"}}
	return d
}

// TestH2Preconnected has a connection on which only the server speaks.
func TestH2Preconnected(t *testing.T) {
	d := insideTLS()
	d.say(server, d.s.settings(takesConnect))
	if r := d.finish(); r.H2Conns != 0 || r.H2Blind != 0 {
		t.Errorf("%d connections, %d blind", r.H2Conns, r.H2Blind)
	}
}

// TestH2InsideTLS reads plaintext of a TLS connection, from its beginning and not.
func TestH2InsideTLS(t *testing.T) {
	for _, late := range []bool{false, true} {
		d := insideTLS()
		if late {
			d.lose(client, 50)
			d.lose(server, 50)
		} else {
			d.say(client, http2.ClientPreface+d.c.settings())
			d.say(server, d.s.settings(takesConnect))
		}
		d.open(1)
		r := d.finish()
		if late {
			if r.Attempts.Len() != 0 || r.H2Conns != 1 || r.H2Blind != 1 {
				t.Errorf("late: %d attempts, %d of %d blind", r.Attempts.Len(), r.H2Blind, r.H2Conns)
			}
			continue
		}
		if got, want := summary(r), []string{"h2-ok CONNECT /chat 200"}; !slices.Equal(got, want) || r.H2Blind != 0 {
			t.Errorf("%q, want %q, %d blind", got, want, r.H2Blind)
		}
		if a := r.Attempts.At(0); a.TLS == nil || a.URL().String() != "wss://gw.example.com/chat" {
			t.Errorf("%v in TLS %v", a.URL(), a.TLS)
		}
	}
}

// An h2Script is what both ends of a connection say, in the order of each.
type h2Script [2]string

// randomBlock sends a header block in frames of any size, with padding and priority.
func (e *h2End) randomBlock(rng *rand.Rand, id uint32, end bool, pairs ...string) string {
	if rng.IntN(8) == 0 {
		e.enc.SetMaxDynamicTableSize([...]uint32{0, 100, 4096}[rng.IntN(3)])
	}
	parts := cutter(rng.Uint64(), 1+rng.IntN(100))(e.fields(pairs...))
	p := http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte(parts[0]), EndStream: end, EndHeaders: len(parts) == 1, PadLength: uint8(rng.IntN(3))}
	if rng.IntN(3) == 0 {
		p.Priority = http2.PriorityParam{StreamDep: 1, Weight: 9}
	}
	e.f.WriteHeaders(p)
	for i, part := range parts[1:] {
		e.f.WriteContinuation(id, i == len(parts)-2, []byte(part))
	}
	return e.sent()
}

// randomNoise is a frame, or none, that has nothing to do with attempts.
func (e *h2End) randomNoise(rng *rand.Rand, id uint32) string {
	switch rng.IntN(8) {
	case 0:
		e.f.WriteRawFrame(0xfa, 0xff, id, []byte("grease"))
	case 1:
		e.f.WriteWindowUpdate(id, 9)
	case 2:
		e.f.WritePriority(id, http2.PriorityParam{StreamDep: 1})
	case 3:
		e.f.WriteSettingsAck()
	case 4:
		block := []byte(e.fields(":method", "GET", ":path", "/"+randomToken(rng, 9)))
		e.f.WritePushPromise(http2.PushPromiseParam{StreamID: id, PromiseID: 2, BlockFragment: block[:1]})
		e.f.WriteContinuation(id, true, block[1:])
	}
	return e.sent()
}

// randomH2Script has several streams at once, with frames in any legal order.
func randomH2Script(rng *rand.Rand) (s h2Script) {
	c, v := newH2End(), newH2End()
	s[client], s[server] = http2.ClientPreface+c.settings(), v.settings(takesConnect)
	ids := []uint32{}
	for id := uint32(1); id < 20; id += 2 {
		s[client] += c.randomNoise(rng, id)
		if rng.IntN(3) == 0 {
			s[client] += c.randomBlock(rng, id, true, ":method", "GET", ":scheme", "https", ":path", "/"+randomToken(rng, 5), ":authority", "a")
			s[server] += v.randomBlock(rng, id, false, ":status", "200", "x", randomToken(rng, 9)) + v.data(id, true, randomToken(rng, 200))
			continue
		}
		s[client] += c.randomBlock(rng, id, false, connectFields...)
		s[server] += v.randomNoise(rng, id)
		switch rng.IntN(6) {
		case 0:
			s[server] += v.randomBlock(rng, id, false, ":status", "403") + v.data(id, true, "no")
		case 1:
			s[server] += v.reset(id, http2.ErrCodeRefusedStream)
		case 2:
			s[server] += v.randomBlock(rng, id, false, ":status", "103")
			fallthrough
		default:
			s[server] += v.randomBlock(rng, id, false, ":status", "200", "sec-websocket-protocol", "chat")
			ids = append(ids, id)
		}
		for _, id := range ids {
			switch rng.IntN(7) {
			case 0:
				s[client] += c.data(id, false, hello)
			case 1:
				v.f.WriteDataPadded(id, false, []byte(world), make([]byte, rng.IntN(20)))
				s[server] += v.sent()
			case 2:
				s[client] += c.data(id, true, wsFrame(0x88, true, "\x03\xe8bye"))
				s[server] += v.data(id, rng.IntN(2) == 0, wsFrame(0x88, false, "\x03\xe8"))
			case 3:
				s[client] += c.reset(id, http2.ErrCodeCancel)
			case 4:
				s[server] += v.randomBlock(rng, id, true, "trailer", "x")
			}
		}
	}
	if rng.IntN(2) == 0 {
		s[server] += v.goAway(17, []http2.ErrCode{http2.ErrCodeNo, http2.ErrCodeInternal}[rng.IntN(2)])
	}
	return s
}

// found plays a script, cut into segments and mixed, and tells what was found. Who
// ended a stream first is left out, as that depends on the order: nothing is
// acknowledged.
func (s h2Script) found(t *testing.T, cut func(string) []string, rng *rand.Rand) []string {
	t.Helper()
	d := newDialogue()
	d.step = 0
	rest := [2][]string{cut(s[0]), cut(s[1])}
	for len(rest[0])+len(rest[1]) > 0 {
		dir := flow.Dir(rng.IntN(2))
		if len(rest[dir]) == 0 {
			dir = dir.Reverse()
		}
		d.early[dir.Reverse()] = -int64(seqOf(dir.Reverse(), d.way[dir.Reverse()].off)) // no acknowledgement number
		d.say(dir, rest[dir][0])
		rest[dir] = rest[dir][1:]
		d.checkH2(t)
	}
	d.end(client, flow.FIN)
	d.end(server, flow.FIN)
	r := d.finish()
	d.a.checkReleased(t)
	lines := []string{fmt.Sprintf("%d of HTTP/2, %d blind", r.H2Conns, r.H2Blind)}
	for t := range r.Attempts.All() {
		t.Close, t.Findings = Close{}, slices.DeleteFunc(t.Findings, func(f Finding) bool { return TCPRSTAfterRequest <= f.Code && f.Code <= ClientGaveUpEarly })
		for i := range t.H2.ends() {
			t.H2.ends()[i].At = flow.Stamp{}
		}
		lines = append(lines, fmt.Sprintf("%s %+v", foundText(t), *t.H2))
	}
	slices.Sort(lines) // the order of attempts is that of frames
	return lines
}

// checkH2 checks what is held of a connection.
func (d *dialogue) checkH2(t *testing.T) {
	t.Helper()
	d.checkHeld(t)
	st := d.stream()
	if st == nil || st.h2 == nil {
		return
	}
	h := st.h2
	for dir := range h.ways {
		if w := &h.ways[dir]; len(w.body) > MaxHead || len(w.block) > MaxHead || w.filled > w.table || w.table > maxH2Table {
			t.Fatalf("direction %d: %d bytes of a frame, %d of a header block, %d in a table of %d", dir, len(w.body), len(w.block), w.filled, w.table)
		}
	}
	for dir := range h.ways {
		if w := &h.ways[dir]; w.decoder != nil {
			table := reflect.ValueOf(w.decoder).Elem().FieldByName("dynTab") // hpack does not tell
			if size, most := table.FieldByName("size").Uint(), table.FieldByName("maxSize").Uint(); size > uint64(w.filled) || most > uint64(w.table) {
				t.Fatalf("direction %d: %d bytes in a table of %d, counted as %d of %d", dir, size, most, w.filled, w.table)
			}
		}
	}
	if n := len(d.a.headers.fields); n > MaxHead/32 || len(h.streams) > maxPerConn {
		t.Fatalf("%d fields, %d streams", n, len(h.streams))
	}
}

// TestH2Order cuts and mixes what both ends say: the same must be found.
func TestH2Order(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 7))
		s := randomH2Script(rng)
		want := s.found(t, func(b string) []string { return []string{b} }, rng)
		for _, cut := range []func(string) []string{cutAll, cutter(seed, 5), cutter(seed, 100)} {
			if got := s.found(t, cut, rng); !slices.Equal(got, want) {
				t.Fatalf("seed %d\n%s", seed, diff.Diff(want, got))
			}
		}
	}
}

// TestH2Drops leaves out segments: an attempt keeps its verdict, becomes
// indeterminate or is not found any more.
func TestH2Drops(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 11))
		s := randomH2Script(rng)
		verdicts := func(drop int) map[uint32]Verdict {
			d := newDialogue()
			d.step = 0
			rest := [2][]string{cutter(seed, 60)(s[0]), cutter(seed+1, 60)(s[1])}
			for len(rest[0])+len(rest[1]) > 0 {
				dir := flow.Dir(rng.IntN(2))
				if len(rest[dir]) == 0 {
					dir = dir.Reverse()
				}
				if drop > 0 && rng.IntN(drop) == 0 {
					d.lose(dir, int64(len(rest[dir][0])))
				} else {
					d.say(dir, rest[dir][0])
				}
				rest[dir] = rest[dir][1:]
			}
			r, found := d.finish(), map[uint32]Verdict{}
			d.a.checkReleased(t)
			for a := range r.Attempts.All() {
				found[a.H2.Stream] = a.Verdict
			}
			if len(found) > 0 && drop > 0 && r.H2Conns != 1 {
				t.Fatalf("seed %d: %d of HTTP/2", seed, r.H2Conns)
			}
			return found
		}
		want := verdicts(0)
		for _, drop := range []int{5, 20, 60} {
			for id, v := range verdicts(drop) {
				if old, ok := want[id]; !ok || v != old && v != Indeterminate {
					t.Fatalf("seed %d, one of %d dropped, stream %d: %v, was %v", seed, drop, id, v, old)
				}
			}
		}
	}
}

// TestH2Truncated ends captures at every byte of a direction. What is there is
// judged by itself: a WebSocket is open only if the answer was seen.
func TestH2Truncated(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 8))
	s := randomH2Script(rng)
	whole := func(b string) []string { return []string{b} }
	all := s.found(t, whole, rng)
	for dir := range s {
		opened := 0
		for n := range len(s[dir]) {
			cut := s
			cut[dir] = s[dir][:n]
			got := 0
			for _, line := range cut.found(t, whole, rng) {
				if strings.HasPrefix(line, "h2-ok") {
					got++
				}
			}
			if got < opened || got > strings.Count(strings.Join(all, "\n"), "h2-ok") {
				t.Fatalf("direction %d, %d bytes: %d are open, were %d", dir, n, got, opened)
			}
			opened = got
		}
		if opened == 0 {
			t.Fatal("none was opened")
		}
	}
}

// TestH2Bounds sends more than is kept.
func TestH2Bounds(t *testing.T) {
	long := strings.Repeat("a", 15<<10) // 9.6 KiB in Huffman code
	t.Run("block", func(t *testing.T) {
		d := newH2Talk(takesConnect)
		more := []string{"a", long, "b", long, "c", long, "d", long, "e", long}
		d.ask(1, more...)
		d.say(client, d.c.headers(3, true, append(more, ":path", "/", ":method", "GET", ":protocol", "websocket")...)) // nobody knows what that was
		d.ask(5)
		d.answer(5, "403", more...)
		d.open(7)
		d.checkH2(t)
		r := d.finish()
		if got, want := summary(r), []string{"indeterminate CONNECT /chat", "h2-refused CONNECT /chat 403 status-403-origin", "h2-ok CONNECT /chat 200"}; !slices.Equal(got, want) || r.HeadsTooLarge != 3 || r.H2Blind != 0 {
			t.Errorf("%q, want %q; %d too large, %d blind", got, want, r.HeadsTooLarge, r.H2Blind)
		}
	})
	t.Run("pseudo-header fields behind what is kept", func(t *testing.T) {
		d := newH2Talk(takesConnect)
		more := []string{":method", "CONNECT", ":protocol", "websocket", "a", long, "b", long, "c", long, "d", long, "e", long, ":scheme", "https", ":path", "/", ":authority", "a"}
		d.say(client, d.c.headers(1, false, more...))
		d.answer(1, "200")
		if a := d.finish().Attempts.At(0); a.H2.Faults[0] != "" || a.Verdict != Indeterminate {
			t.Errorf("%v, fault %q", a.Verdict, a.H2.Faults[0])
		}
	})
	t.Run("frames of a block", func(t *testing.T) {
		d := newH2Talk(takesConnect)
		d.ask(1)
		d.s.f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1})
		for range 1 << 16 {
			d.s.f.WriteContinuation(1, false, []byte("\x88")) // :status: 200
			d.say(server, d.s.sent())
			d.checkH2(t)
		}
		d.s.f.WriteContinuation(1, false, nil)
		if d.say(server, d.s.sent()); d.a.result.H2Blind != 0 {
			t.Error("blind too early")
		}
		d.s.f.WriteContinuation(1, true, []byte("\x88"))
		d.say(server, d.s.sent())
		r := d.finish()
		if a := r.Attempts.At(0); a.Verdict != Indeterminate || !strings.Contains(a.Reason, "too large") || r.HeadsTooLarge != 1 || r.H2Blind != 1 {
			t.Errorf("%v (%s), %d too large, %d blind", a.Verdict, a.Reason, r.HeadsTooLarge, r.H2Blind)
		}
	})
	t.Run("bomb", func(t *testing.T) {
		d := newH2Talk(takesConnect)
		d.say(server, d.s.headers(2, false, "bomb", strings.Repeat("b", 4000)))
		d.ask(1)
		d.s.f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte(d.s.fields(":status", "200") + strings.Repeat("\xbe", 15<<10)), EndHeaders: true})
		d.say(server, d.s.sent())
		d.checkH2(t)
		if got := d.finish().Attempts.At(0); got.Verdict != Indeterminate || got.Response.Complete || len(got.Response.Head.Raw) > MaxHead {
			t.Errorf("%v (%s), head of %d bytes", got.Verdict, got.Reason, len(got.Response.Head.Raw))
		}
	})
	t.Run("string", func(t *testing.T) {
		d := newH2Talk(takesConnect)
		d.ask(1)
		block := d.s.fields(":status", "200", "a", strings.Repeat(";", MaxHead+1)) // ; does not become shorter
		for _, part := range cutter(1, 1000)(d.s.rawBlock(1, false, block)) {
			d.say(server, part)
			d.checkH2(t)
		}
		r := d.finish()
		if got := r.Attempts.At(0); got.Verdict != Indeterminate || !strings.Contains(got.Reason, "too large") || r.HeadsTooLarge != 1 || r.H2Blind != 1 {
			t.Errorf("%v (%s), %d too large, %d blind", got.Verdict, got.Reason, r.HeadsTooLarge, r.H2Blind)
		}
	})
	t.Run("frame", func(t *testing.T) {
		d := newH2Talk(takesConnect)
		d.ask(1)
		d.s.f.WriteSettings(slices.Repeat([]http2.Setting{{ID: 99}}, 3000)...) // passed over
		d.say(server, d.s.sent())
		d.answer(1, "200", "sec-websocket-protocol", "chat")
		d.s.f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: make([]byte, MaxHead+1), EndHeaders: true})
		d.say(server, d.s.sent())
		r := d.finish()
		if got := r.Attempts.At(0); got.Verdict != H2OK || r.HeadsTooLarge != 1 || r.H2Blind != 1 {
			t.Errorf("%v, %d too large, %d blind", got.Verdict, r.HeadsTooLarge, r.H2Blind)
		}
	})
	t.Run("streams", func(t *testing.T) {
		d := newH2Talk(takesConnect)
		for i := range uint32(maxPerConn + 5) {
			d.ask(2*i + 1)
			d.checkH2(t)
		}
		r := d.finish()
		if r.Attempts.Len() != maxPerConn || r.Unlisted != 5 {
			t.Errorf("%d attempts, %d left out", r.Attempts.Len(), r.Unlisted)
		}
	})
	t.Run("streams that their client gave up", func(t *testing.T) {
		d := newH2Talk(takesConnect)
		for i := range uint32(maxPerConn) {
			d.ask(2*i + 1)
			d.say(client, d.c.reset(2*i+1, http2.ErrCodeCancel))
		}
		for i := range uint32(maxPerConn) { // the capture has both directions in the wrong order
			d.answer(2*i+1, "200", "sec-websocket-protocol", "chat")
		}
		for a := range d.finish().Attempts.All() {
			if a.Verdict != H2OK {
				t.Fatalf("stream %d: %v", a.H2.Stream, a.Verdict)
			}
		}
	})
	t.Run("held", func(t *testing.T) {
		d := newH2Talk(takesConnect)
		d.say(server, d.s.headers(1, false, ":status", "200"))
		for range 100 {
			d.say(server, d.s.data(1, false, strings.Repeat("x", 1000)))
			d.checkH2(t)
		}
		d.ask(1)
		r := d.finish()
		if got := r.Attempts.At(0); got.Verdict != H2OK || !got.Frames[1].Unclear || r.Unheld != 1 {
			t.Errorf("%v, %+v, %d times dropped", got.Verdict, got.Frames, r.Unheld)
		}
	})
}

// TestH2Tables fills dynamic tables until there is no room for more. Those that are
// there go on, and when their connections are over, others have room.
func TestH2Tables(t *testing.T) {
	a := New(nil)
	var all []*h2Talk
	open := func() *h2Talk {
		d := &h2Talk{a.dialogue(len(all)), newH2End(), newH2End()}
		all = append(all, d)
		d.say(client, http2.ClientPreface+d.c.settings())
		d.say(server, d.s.settings(takesConnect))
		d.c.enc.SetMaxDynamicTableSizeLimit(maxH2Table)
		d.c.enc.SetMaxDynamicTableSize(maxH2Table)
		field := d.c.fields("fill", strings.Repeat("f", 4<<10))
		d.say(client, d.c.rawBlock(1, true, field+strings.Repeat("\xbe", 16))) // the last field, again and again
		return d
	}
	for range maxH2Tables / maxH2Table {
		open()
	}
	if a.tables != maxH2Tables || a.result.H2Blind != 0 {
		t.Fatalf("%d bytes in tables, %d blind", a.tables, a.result.H2Blind)
	}
	late := open()
	late.open(3)
	all[0].open(3) // the server's table has no room, behind its answer
	all[1].ask(3)  // the client's has
	if a.result.H2Crowded != 2 {
		t.Errorf("%d connections without room", a.result.H2Crowded)
	}
	for _, d := range all[:2] {
		d.end(client, flow.FIN)
		d.end(server, flow.FIN)
	}
	open().open(3)
	for _, d := range all[2 : len(all)-1] {
		d.end(client, flow.FIN)
		d.end(server, flow.FIN)
	}
	r := all[len(all)-1].finish()
	want := []string{"h2-ok CONNECT /chat 200 server:0?", "no-response CONNECT /chat http-request-unanswered", "h2-ok CONNECT /chat 200"}
	if got := summary(r); !slices.Equal(got, want) || r.H2Blind != 2 || r.H2Crowded != 2 {
		t.Errorf("%q, want %q; %d blind, %d for want of room", got, want, r.H2Blind, r.H2Crowded)
	}
	if a.tables != 0 {
		t.Errorf("%d bytes of tables are left", a.tables)
	}
}

// TestH2Wants checks that no payload is asked for that nobody reads.
func TestH2Wants(t *testing.T) {
	d := newH2Talk(takesConnect)
	d.say(client, d.c.headers(1, true, ":method", "GET", ":path", "/"))
	b := d.s.headers(1, false, ":status", "200") + d.s.data(1, false, strings.Repeat("x", 10000))
	d.say(server, b[:len(b)-9000], b[len(b)-9000:])
	d.open(3)
	b = d.s.data(3, false, wsFrame(0x82, false, strings.Repeat("x", 9990)))
	d.say(server, b[:len(b)-9000], b[len(b)-9000:], d.s.data(3, false, world))
	if got, want := d.way[server].wants, []flow.Want{9000, 8999}; !slices.Equal(got, want) {
		t.Errorf("%d, want %d", got, want)
	}
	if got, want := summary(d.finish()), []string{"h2-ok CONNECT /chat 200 server:2"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// FuzzH2 plays any bytes behind the prefaces of both ends, cut and mixed in any way: nothing is
// held beyond the bounds, and the same is found.
func FuzzH2(f *testing.F) {
	settings := newH2End().settings(takesConnect)
	for seed := range uint64(8) {
		s := randomH2Script(rand.New(rand.NewPCG(seed, 9)))
		f.Add([]byte(s[client][len(http2.ClientPreface):]), []byte(s[server][len(settings):]), seed)
	}
	c, v := newH2End(), newH2End()
	gaveUp := c.headers(13, false, connectFields...) + c.reset(13, http2.ErrCodeCancel)
	for seed := range uint64(8) { // the server leaves for an error, before or behind that
		f.Add([]byte(gaveUp), []byte(v.goAway(17, http2.ErrCodeInternal)), seed)
	}
	f.Fuzz(func(t *testing.T, c, v []byte, seed uint64) {
		if len(c)+len(v) > 16<<10 { // else bytes that are held may be too many
			return
		}
		s := h2Script{http2.ClientPreface + string(c), settings + string(v)}
		rng := rand.New(rand.NewPCG(seed, 10))
		want := s.found(t, func(b string) []string { return []string{b} }, rng)
		for _, cut := range []func(string) []string{cutAll, cutter(seed, 30)} {
			if got := s.found(t, cut, rng); !slices.Equal(got, want) {
				t.Error(diff.Diff(want, got))
			}
		}
	})
}

// BenchmarkH2 reads requests and answers that have nothing to do with WebSocket.
func BenchmarkH2(b *testing.B) {
	c, v := newH2End(), newH2End()
	d := &h2Talk{newDialogue(), c, v}
	d.say(client, http2.ClientPreface+c.settings())
	d.say(server, v.settings())
	id := uint32(1)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		ask := c.headers(id, true, ":method", "GET", ":scheme", "https", ":path", fmt.Sprintf("/%d", id), ":authority", "gw.example.com", "user-agent", "bench", "accept", "*/*", "cookie", "session=abcdef")
		answer := v.headers(id, false, ":status", "200", "content-type", "text/html", "date", fmt.Sprint(id)) + v.data(id, true, strings.Repeat("x", 1000))
		b.StartTimer()
		d.say(client, ask)
		d.say(server, answer)
		id += 2
	}
}
