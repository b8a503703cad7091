package workload

import (
	"fmt"
	"strings"
)

// A browsing is HTTP with keep-alive: requests and answers on one connection.
type browsing struct {
	g     *generator
	left  int64       // exchanges to come
	stop  func() bool // end before the next exchange; nil: never
	body  [2]int64    // bytes of an answer's body: least, most
	pause [2]int64    // microseconds between two exchanges
	ended bool
}

// script is the script of the connection.
func (b *browsing) script(c *conn) bool {
	if b.left == 0 || b.stop != nil && b.stop() {
		if b.ended {
			return false
		}
		b.ended = true
		c.close(client, 2*millisecond)
		return true
	}
	b.left--
	request, answer := b.exchange()
	c.say(client, b.g.between(b.pause[0], b.pause[1]), request)
	c.say(server, c.rtt+b.g.between(100, 4000), answer)
	return true
}

func (b *browsing) exchange() (request, answer message) {
	switch n := b.g.rng.IntN(20); {
	case n == 0:
		return b.request("GET", 0), text("HTTP/1.1 304 Not Modified\r\nETag: \"5e8f2a\"\r\n\r\n")
	case n == 1:
		return b.request("HEAD", 0), text("HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 48211\r\n\r\n")
	case n == 2:
		return b.request("POST", b.g.between(20, 3000)), text("HTTP/1.1 204 No Content\r\n\r\n")
	case n < 9:
		return b.request("GET", 0), b.chunked()
	}
	return b.request("GET", 0), b.sized()
}

func (b *browsing) request(method string, body int64) message {
	g := b.g
	h := fmt.Sprintf("%s /assets/%08x/img-%d.jpg HTTP/1.1\r\nHost: www.example.org\r\n"+
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"+
		"Accept: text/html,image/avif,image/webp,*/*;q=0.8\r\nAccept-Language: en-GB,en;q=0.5\r\n"+
		"Accept-Encoding: gzip, deflate\r\nReferer: http://www.example.org/\r\nConnection: keep-alive\r\n"+
		"Upgrade-Insecure-Requests: 1\r\n", method, g.rng.Uint32(), g.rng.IntN(1000))
	if body > 0 {
		h += fmt.Sprintf("Content-Type: application/octet-stream\r\nContent-Length: %d\r\n", body)
	}
	return message{g.filled(h+"\r\n", body)}
}

const answerHead = "HTTP/1.1 200 OK\r\nServer: nginx/1.26.2\r\nDate: Fri, 02 Jan 2026 03:04:05 GMT\r\n" +
	"Content-Type: image/jpeg\r\nETag: \"5e8f2a\"\r\nCache-Control: max-age=3600\r\nVary: Accept\r\n"

func (b *browsing) sized() message {
	n := b.size()
	return message{b.g.filled(fmt.Sprintf("%sContent-Length: %d\r\n\r\n", answerHead, n), n)}
}

// chunked is an answer in chunks of up to 8 KiB (RFC 9112, Section 7.1).
func (b *browsing) chunked() message {
	before := answerHead + "Transfer-Encoding: chunked\r\n\r\n"
	var m message
	for left := b.size(); left > 0; {
		n := min(left, b.g.between(200, 8192))
		m = append(m, b.g.filled(fmt.Sprintf("%s%x\r\n", before, n), n))
		before = "\r\n"
		left -= n
	}
	return append(m, part{text: strings.TrimPrefix(before, answerHead) + "0\r\n\r\n"})
}

// size is the length of a body: small ones are more frequent.
func (b *browsing) size() int64 {
	most := b.g.between(b.body[0], b.body[1])
	return b.g.between(b.body[0], most)
}
