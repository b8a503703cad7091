package workload

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
)

// A verdict is what becomes of an attempt, by the names that wssniff prints.
type verdict string

const (
	ok             verdict = "ok"
	acceptMismatch verdict = "accept-mismatch"
	acceptMissing  verdict = "accept-missing"
	badHandshake   verdict = "bad-handshake"
	redirected     verdict = "redirected"
	rejected       verdict = "rejected"
	noResponse     verdict = "no-response"
	notHTTP        verdict = "not-http"
	indeterminate  verdict = "indeterminate"
)

// failures are the verdicts that a capture without damage can hold besides ok,
// the frequent ones more than once.
var failures = []verdict{
	rejected, rejected, rejected, rejected, redirected, redirected, redirected,
	acceptMismatch, acceptMismatch, noResponse, noResponse, acceptMissing, badHandshake, notHTTP,
}

// outcome chooses a verdict: ok but for a share of failures.
func (g *generator) outcome(failed float64) verdict {
	if g.chance(failed) {
		return failures[g.rng.IntN(len(failures))]
	}
	return ok
}

// upgrade appends an attempt with a given verdict to a connection; session is
// what follows a 101 with the right answer.
func (c *conn) upgrade(g *generator, v verdict, session func(c *conn) bool) {
	key := g.key()
	g.open++
	c.careful = true
	c.say(client, 100*microsecond, text(g.upgradeRequest(key)))
	c.answer(g, v, key)
	c.note(func() {
		g.open--
		g.truth.Attempts++
		g.truth.Verdicts[string(v)]++
		c.careful = false
	})
	if v == ok || v == indeterminate {
		c.script = session
	}
}

// answer appends what the server says to an upgrade request, and the end of the
// connection if that is none of a WebSocket's.
func (c *conn) answer(g *generator, v verdict, key string) {
	think := c.rtt + g.between(200, 5000)
	switch v {
	case ok:
		c.say(server, think, text(switching(acceptFor(key))))
		return
	case indeterminate:
		c.say(server, think, text(switching(acceptFor(key))))
		c.steps[len(c.steps)-1-g.rng.IntN(2)].lost = true
		return
	case acceptMismatch:
		c.say(server, think, text(switching(acceptFor(g.key()))))
	case acceptMissing:
		c.say(server, think, text("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"))
	case badHandshake:
		c.say(server, think, text("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: "+acceptFor(key)+"\r\nUpgrade: websocket\r\n\r\n"))
	case redirected:
		c.say(server, think, text("HTTP/1.1 301 Moved Permanently\r\nLocation: https://gw.example.net/ws\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
	case rejected:
		c.say(server, think, message{g.filled("HTTP/1.1 "+g.refusal()+"\r\nServer: nginx\r\nContent-Type: application/octet-stream\r\nContent-Length: 153\r\nConnection: close\r\n\r\n", 153)})
	case notHTTP:
		c.say(server, think, text("SSH-2.0-OpenSSH_10.0p2 Debian-7\r\n"))
	case noResponse:
		c.close(client, 300*millisecond)
		return
	}
	c.close(server, 300*microsecond)
}

func (g *generator) refusal() string {
	lines := [...]string{"403 Forbidden", "400 Bad Request", "404 Not Found", "401 Unauthorized", "503 Service Unavailable"}
	return lines[g.rng.IntN(len(lines))]
}

// key makes a Sec-WebSocket-Key, RFC 6455, Section 4.1.
func (g *generator) key() string {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], g.rng.Uint64())
	binary.LittleEndian.PutUint64(b[8:], g.rng.Uint64())
	return base64.StdEncoding.EncodeToString(b[:])
}

// acceptFor is the answer to a key, RFC 6455, Section 4.2.2.
func acceptFor(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// upgradeRequest is the request of one of a few clients.
func (g *generator) upgradeRequest(key string) string {
	id := g.rng.IntN(100_000)
	switch g.rng.IntN(3) {
	case 0:
		return fmt.Sprintf("GET /ws?d=%05d HTTP/1.1\r\nHost: gw.example.net\r\nUser-Agent: Go-http-client/1.1\r\n"+
			"Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n\r\n", id, key)
	case 1:
		return fmt.Sprintf("GET /mqtt/%05d HTTP/1.1\r\nConnection: Upgrade\r\nHost: gw.example.net:80\r\n"+
			"User-Agent: ESP32 Websocket Client\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", id, key)
	}
	return fmt.Sprintf("GET /live/%05d HTTP/1.1\r\nHost: gw.example.net\r\n"+
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\nAccept: */*\r\n"+
		"Sec-WebSocket-Version: 13\r\nOrigin: http://gw.example.net\r\nSec-WebSocket-Key: %s\r\n"+
		"Connection: keep-alive, Upgrade\r\nPragma: no-cache\r\nCache-Control: no-cache\r\nUpgrade: websocket\r\n\r\n", id, key)
}

// switching is the head of a 101.
func switching(accept string) string {
	return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + "\r\n\r\n"
}
