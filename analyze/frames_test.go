package analyze

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// wsFrame makes a frame; the mask of a client is 1 2 3 4.
func wsFrame(first byte, masked bool, payload string) string {
	b := []byte{first, 0}
	switch n := len(payload); {
	case n < 126:
		b[1] = byte(n)
	case n < 1<<16:
		b[1] = 126
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	default:
		b[1] = 127
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	if !masked {
		return string(b) + payload
	}
	b[1] |= 0x80
	b = append(b, 1, 2, 3, 4)
	for i := range len(payload) {
		b = append(b, payload[i]^byte(i&3+1))
	}
	return string(b)
}

// TestFrames counts the frames of one side, in one segment and byte by byte.
func TestFrames(t *testing.T) {
	long := strings.Repeat("x", 125)
	for _, c := range []struct {
		name  string
		bytes string
		want  Frames
	}{
		{"none", "", Frames{}},
		{"text", wsFrame(0x81, false, "hello"), Frames{Text: 1, Bytes: 5}},
		{"empty", wsFrame(0x82, false, ""), Frames{Binary: 1}},
		{"125 bytes", wsFrame(0x82, false, long), Frames{Binary: 1, Bytes: 125}},
		{"126 bytes", wsFrame(0x82, false, long+"x"), Frames{Binary: 1, Bytes: 126}},
		{"65535 bytes", wsFrame(0x82, false, strings.Repeat("x", 65535)), Frames{Binary: 1, Bytes: 65535}},
		{"65536 bytes", wsFrame(0x82, false, strings.Repeat("x", 65536)), Frames{Binary: 1, Bytes: 65536}},
		{"fragments with a ping between", wsFrame(0x01, false, "a") + wsFrame(0x89, false, "p") + wsFrame(0x00, false, "b") + wsFrame(0x80, false, "c"), Frames{Text: 1, Continuation: 2, Ping: 1, Bytes: 4}},
		{"pong, compressed text, close", wsFrame(0x8a, false, "") + wsFrame(0xc1, false, "z") + wsFrame(0x88, false, "\x03\xe8"), Frames{Pong: 1, Text: 1, Close: 1, Bytes: 3}},
		{"reserved opcode", wsFrame(0x81, false, "a") + wsFrame(0x83, false, "b") + wsFrame(0x81, false, "c"), Frames{Text: 1, Bytes: 1, Unclear: true}},
		{"fragmented control frame", wsFrame(0x09, false, ""), Frames{Unclear: true}},
		{"control frame too long", wsFrame(0x89, false, long+"x"), Frames{Unclear: true}},
		{"length with the highest bit", "\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00x", Frames{Unclear: true}},
		{"broken off in a header", "\x81\x7e\x01", Frames{}},
		{"broken off in a payload", "\x81\x05hel", Frames{Text: 1, Bytes: 5}},
		{"CR LF that is none", "\r\x05hello", Frames{Unclear: true}},
		{"another answer", wsFrame(0x81, false, "a") + "HTTP/1.1 500 Oops\r\n\r\n", Frames{Text: 1, Bytes: 1, Unclear: true}},
	} {
		for _, segments := range [][]string{{c.bytes}, strings.Split(c.bytes, "")} {
			d := newDialogue()
			d.say(client, upgrade)
			d.say(server, switching)
			d.say(server, segments...)
			if got := d.finish().Attempts.At(0).Frames[1]; got != c.want {
				t.Errorf("%s in %d segments: got %+v, want %+v", c.name, len(segments), got, c.want)
			}
		}
	}
}

// TestClose looks at how connections end.
func TestClose(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(d *dialogue)
		want Close
	}{
		{"open", func(*dialogue) {}, Close{Code: -1}},
		{"by the client", func(d *dialogue) {
			d.say(client, wsFrame(0x88, true, "\x03\xe9bye"))
			d.say(server, wsFrame(0x88, false, "\x03\xe9"))
		}, Close{By: Client, How: CloseFrame, Code: 1001, Reason: "bye"}},
		{"by the server, in two segments", func(d *dialogue) {
			d.say(server, "\x88\x04\x03", "\xf2no")
		}, Close{By: Server, How: CloseFrame, Code: 1010, Reason: "no"}},
		{"without a code", func(d *dialogue) { d.say(server, "\x88\x00") }, Close{By: Server, How: CloseFrame, Code: -1}},
		{"half a code", func(d *dialogue) { d.say(server, "\x88\x01\x03") }, Close{By: Server, How: CloseFrame, Code: -1}},
		{"FIN", func(d *dialogue) { d.end(client, flow.FIN) }, Close{By: Client, How: CloseFIN, Code: -1}},
		{"RST", func(d *dialogue) { d.end(server, flow.RST) }, Close{By: Server, How: CloseRST, Code: -1}},
		{"close frame, then FIN", func(d *dialogue) {
			d.say(client, wsFrame(0x88, true, ""))
			d.end(server, flow.FIN)
		}, Close{By: Client, How: CloseFrame, Code: -1}},
		{"forgotten", func(d *dialogue) {
			d.end(client, flow.Evicted)
			d.end(server, flow.Evicted)
		}, Close{How: Forgotten, Code: -1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDialogue()
			d.say(client, upgrade)
			d.say(server, switching)
			c.play(d)
			got := d.finish().Attempts.At(0).Close
			got.At = flow.Stamp{}
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// TestOddFirstBytes looks at what is known to stand where frames should.
func TestOddFirstBytes(t *testing.T) {
	for _, c := range []struct {
		dir   flow.Dir
		bytes string
		want  string
	}{
		{server, "\r\n", "bad-handshake GET /ws 101 server:0? extra-crlf-after-head"},
		{server, "HTTP/1.1 400 Bad Request\r\n\r\n", "bad-handshake GET /ws 101 server:0? http-response-after-101"},
		{client, "This is a webSocket client!", "ok GET /ws 101 client:0? accept-ok-but-client-refuses"},
		{client, plain, "ok GET /ws 101 client:0?"},
		{server, "This is text", "ok GET /ws 101 server:0?"},
	} {
		d := newDialogue()
		d.say(client, upgrade)
		d.say(server, switching)
		d.say(c.dir, strings.Split(c.bytes, "")...)
		r := d.finish()
		if got := attemptText(r.Attempts.At(0)); got != c.want {
			t.Errorf("%q: got %q, want %q", c.bytes, got, c.want)
		}
	}
}
