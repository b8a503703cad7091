package pcapgen

import (
	"encoding/binary"
	"slices"
	"strings"
)

// Frame types, flags and error codes of RFC 9113, Sections 6 and 7.
const (
	h2Data         = 0
	h2Headers      = 1
	h2RSTStream    = 3
	h2Settings     = 4
	h2GoAway       = 7
	h2WindowUpdate = 8
	h2Continuation = 9

	h2EndStream  = 0x1
	h2EndHeaders = 0x4
	h2Padded     = 0x8

	h2NoError       = 0
	h2ProtocolError = 1
	h2StreamClosed  = 5
	h2RefusedStream = 7
	h2Cancel        = 8
)

const h2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

func h2Frame(kind, flags byte, stream uint32, payload []byte) []byte {
	b := append(vec24(payload)[:3:3], kind, flags)
	return append(binary.BigEndian.AppendUint32(b, stream), payload...)
}

// h2SettingsOf is a frame of settings: identifiers and values in turn.
func h2SettingsOf(pairs ...uint32) []byte {
	var b []byte
	for i := 0; i < len(pairs); i += 2 {
		b = binary.BigEndian.AppendUint16(b, uint16(pairs[i]))
		b = binary.BigEndian.AppendUint32(b, pairs[i+1])
	}
	return h2Frame(h2Settings, 0, 0, b)
}

func h2Reset(stream, code uint32) []byte {
	return h2Frame(h2RSTStream, 0, stream, binary.BigEndian.AppendUint32(nil, code))
}

func h2Leave(last, code uint32) []byte {
	return h2Frame(h2GoAway, 0, 0, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), code))
}

// h2PaddedData is DATA with n bytes of padding.
func h2PaddedData(stream uint32, data []byte, n int) []byte {
	return h2Frame(h2Data, h2Padded, stream, append(append([]byte{byte(n)}, data...), make([]byte, n)...))
}

// An hpackTable is the dynamic table of an encoder, the latest field first. It
// holds more than a case sends.
type hpackTable []string

// block encodes lines, RFC 7541, Section 6: the first time literally, with a new
// name, then by their index. Names and values are shorter than 127 bytes.
func (t *hpackTable) block(lines ...string) []byte {
	var b []byte
	for _, line := range lines {
		if i := slices.Index(*t, line); i >= 0 {
			b = append(b, 0x80|byte(62+i))
			continue
		}
		i := strings.Index(line[1:], ":") + 1 // a pseudo-header field begins with one
		name, value := line[:i], strings.TrimPrefix(line[i+1:], " ")
		b = append(append(b, 0x40, byte(len(name))), name...)
		b = append(append(b, byte(len(value))), value...)
		*t = slices.Insert(*t, 0, line)
	}
	return b
}

// An h2Conn is a connection of HTTP/2.
type h2Conn struct {
	*Conn
	tables [2]hpackTable
}

// dialH2 opens a connection and exchanges settings, among them whether the server
// takes extended CONNECT.
func (g *Capture) dialH2(takesConnect bool) *h2Conn {
	c := &h2Conn{Conn: g.Dial(clientAddr, serverAddr)}
	c.greet(takesConnect)
	return c
}

func (c *h2Conn) greet(takesConnect bool) {
	c.Client(append([]byte(h2Preface), h2SettingsOf(2, 0, 4, 1<<20)...))
	if takesConnect {
		c.Server(h2SettingsOf(3, 100, 8, 1))
	} else {
		c.Server(h2SettingsOf(3, 100))
	}
}

// headers is a header block in one frame.
func (c *h2Conn) headers(from Side, flags byte, stream uint32, lines ...string) []byte {
	return h2Frame(h2Headers, flags|h2EndHeaders, stream, c.tables[from].block(lines...))
}

// extendedConnect are the fields of a request for a WebSocket, RFC 8441, Section 5.1.
func extendedConnect(more ...string) []string {
	return append([]string{
		":method: CONNECT", ":protocol: websocket", ":scheme: http", ":path: " + wsPath, ":authority: " + hostName,
		"sec-websocket-version: 13", "user-agent: test/1.0",
	}, more...)
}

// ask sends an extended CONNECT and begins the truth about it.
func (c *h2Conn) ask(stream uint32, more ...string) Attempt {
	frame := c.Client(c.headers(Client, 0, stream, extendedConnect(more...)...))
	return Attempt{Stream: c.Stream(), RequestFrame: frame}
}

// accept answers it.
func (c *h2Conn) accept(a *Attempt, stream uint32) {
	a.ResponseFrame = c.Server(c.headers(Server, 0, stream, ":status: 200"))
	a.Verdict, a.Status = "h2-ok", 200
}

// talk sends a frame of each side and closes the WebSocket.
func (c *h2Conn) talk(a *Attempt, stream uint32) {
	c.Client(h2Frame(h2Data, 0, stream, c.masked(opText, `{"hello":"world"}`)))
	c.Server(h2Frame(h2Data, 0, stream, frame(opText, `{"ok":true}`)))
	c.Client(h2Frame(h2Data, h2EndStream, stream, c.masked(opClose, closeBody(1000, "bye"))))
	c.Server(h2Frame(h2Data, h2EndStream, stream, frame(opClose, closeBody(1000, ""))))
	a.ClientFrames, a.ServerFrames, a.CloseBy, a.CloseCode, a.CloseReason = 2, 2, "client", 1000, "bye"
}
