package analyze

import (
	"net/netip"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// Bounds of what is kept of TLS connections.
const (
	maxTLSStarts  = 1 << 20  // those that may follow a redirect
	maxHelloBytes = 16 << 20 // of all ClientHellos that are not complete yet
)

// A tlsStart is a TLS connection that may follow a redirect.
type tlsStart struct {
	client, server netip.AddrPort
	name           string     // server_name; "" if the ClientHello has none, or was not read
	first, done    flow.Stamp // of the ClientHello; done is not seen if it was not read
	stream         int
	end            flow.Stamp // the first FIN or RST
	by             Side       // who sent that
}

// A greeting is a ClientHello of which more is to come.
type greeting struct {
	dir   flow.Dir
	first flow.Stamp
	bytes []byte
}

// beginTLS takes the first bytes of a TLS connection.
func (a *Analyzer) beginTLS(c *flow.Conn, dir flow.Dir, data []byte, at flow.Stamp) flow.Want {
	a.result.TLSConns++
	c.State = notOurs
	if len(a.moved) == 0 || len(a.tls) >= maxTLSStarts {
		return flow.None
	}
	if fromServer(data) { // the capture has the directions in the wrong order
		c.State = a.greet(greeting{dir: dir.Reverse()})<<kindBits | inHello
		return flow.None
	}
	h, ok, more := readHello(data)
	if more && a.helloBytes+len(data) <= maxHelloBytes {
		number := a.greet(greeting{dir: dir, first: at, bytes: data})
		c.State = number<<kindBits | inHello
		return flow.All
	}
	done := at
	if !ok {
		done = flow.Stamp{}
	}
	a.noteTLS(c, dir, h.ServerName, at, done)
	return flow.None
}

// fromServer reports whether a TLS handshake begins with a ServerHello, RFC 8446,
// Section 4.
func fromServer(data []byte) bool {
	const recordHeader, serverHello = 5, 2
	return len(data) > recordHeader && data[recordHeader] == serverHello
}

// greet keeps a copy of a greeting and returns its number.
func (a *Analyzer) greet(g greeting) uint32 {
	g.bytes = append([]byte(nil), g.bytes...)
	a.helloBytes += len(g.bytes)
	if n := len(a.greeted); n > 0 {
		number := a.greeted[n-1]
		a.greeted = a.greeted[:n-1]
		a.greetings[number] = g
		return number
	}
	a.greetings = append(a.greetings, g)
	return uint32(len(a.greetings) - 1)
}

// goOnTLS takes the next bytes of a ClientHello.
func (a *Analyzer) goOnTLS(c *flow.Chunk, number uint32) flow.Want {
	g := &a.greetings[number]
	if c.Dir != g.dir {
		return flow.None
	}
	if !g.first.Seen() {
		g.first = c.Stamp
	}
	g.bytes = append(g.bytes, c.Data...)
	a.helloBytes += len(c.Data)
	h, ok, more := readHello(g.bytes)
	if more && c.Lost == 0 && c.End == flow.Open && a.helloBytes <= maxHelloBytes {
		return flow.All
	}
	done := c.Stamp
	if !ok || c.Lost != 0 {
		h, done = Hello{}, flow.Stamp{}
	}
	first := g.first
	a.dropGreeting(number)
	c.Conn.State = notOurs
	a.noteTLS(c.Conn, c.Dir, h.ServerName, first, done)
	return flow.None
}

func (a *Analyzer) dropGreeting(number uint32) {
	a.helloBytes -= len(a.greetings[number].bytes)
	a.greetings[number] = greeting{}
	a.greeted = append(a.greeted, number)
}

// noteTLS remembers a TLS connection if its client was redirected to one, or
// somebody to its server.
func (a *Analyzer) noteTLS(c *flow.Conn, dir flow.Dir, name string, first, done flow.Stamp) {
	client := c.Addr(dir)
	if !a.moved[client.Addr()] && (name == "" || !a.movedTo[name]) || len(a.tls) >= maxTLSStarts {
		return
	}
	a.tls = append(a.tls, tlsStart{client: client, server: c.Addr(dir.Reverse()), name: name, first: first, done: done, stream: -1})
	c.State = uint32(len(a.tls)-1)<<kindBits | inTLS
}

// over notes how the connection ended.
func (t *tlsStart) over(e *flow.Evidence) {
	t.stream = e.ID
	for dir := range flow.Dir(2) {
		by := Server
		if e.Addr(dir) == t.client {
			by = Client
		}
		for _, at := range [...]flow.Stamp{e.FIN[dir], e.RST[dir]} {
			if at.Seen() && (!t.end.Seen() || at.Frame < t.end.Frame) {
				t.end, t.by = at, by
			}
		}
	}
}
