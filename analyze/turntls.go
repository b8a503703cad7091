package analyze

import (
	"bytes"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// turnTLS notes that the connection, or the tunnel in it (RFC 9110, Section 9.3.6),
// carries TLS: a direction begins with it, and nobody spoke HTTP. All that follows is
// held until the chunk at hand is read.
func (s *stream) turnTLS(p *parser, first []byte) {
	s.began(p, first, &p.mark)
	other := &s.dirs[p.dir.Reverse()]
	switch e := s.early; {
	case e != nil && e.opens(p.mark.seq):
	case e != nil:
		s.began(other, e.head.bytes, &mark{first: e.msg.First, off: e.msg.Offset, seq: e.msg.seq, ack: e.msg.ack})
	case other.alien != "":
		s.began(other, []byte(other.alien), &mark{first: other.alienAt})
	default:
		s.began(other, other.buf, &other.mark)
	}
	s.early = nil
	for dir := range s.dirs {
		s.dirs[dir].state = holding
		s.dirs[dir].freeBuf()
	}
}

// opens reports whether a response can only be that to a CONNECT before the capture:
// it is 2xx, and the server had not received the first byte of TLS.
func (e *early) opens(hello uint32) bool {
	status := statusCode(e.head.bytes)
	return 200 <= status && status < 300 && e.msg.ack != 0 && !e.msg.reached(hello)
}

// began keeps a copy of what a direction began with.
func (s *stream) began(p *parser, b []byte, m *mark) {
	if len(b) > 0 {
		s.tls = append(s.tls, flow.Chunk{Dir: p.dir, Offset: m.off, Stamp: m.first, Seq: m.seq, Ack: m.ack, Data: bytes.Clone(b)})
	}
}

// beginning returns all that was read and held.
func (s *stream) beginning(c *flow.Chunk) []flow.Chunk {
	for dir := range s.dirs {
		p := &s.dirs[dir]
		for _, d := range p.held {
			s.tls = append(s.tls, flow.Chunk{Dir: p.dir, Offset: d.off, Stamp: d.at, Seq: d.seq, Ack: d.ack, Data: d.data})
		}
		if p.dropped {
			s.tls = append(s.tls, flow.Chunk{Dir: p.dir, Lost: -1, Offset: p.pos, Stamp: c.Stamp})
		}
	}
	return s.tls
}

// turnedTLS hands the connection over to a session, with the chunk c with which it
// became clear that it carries TLS. If anything is still to be told of what it carried
// before, the stream stays until the connection is over.
func (s *stream) turnedTLS(c *flow.Chunk) flow.Want {
	a, beginning, tunnel := s.a, s.beginning(c), s.tunnel
	rest := flow.Chunk{
		Conn: c.Conn, Evidence: c.Evidence, Dir: c.Dir, Link: c.Link, Offset: c.Offset + int64(len(c.Data)), Stamp: c.Stamp,
		Seq: c.Seq + uint32(len(c.Data)), Ack: c.Ack, End: c.End,
	}
	kept := len(s.drafts)+len(s.challenged)+len(s.upgrades) > 0
	if kept {
		s.tls = nil
		s.dirs[0].stop()
		s.dirs[1].stop()
	} else {
		a.release(s)
	}
	number, ok := a.newSession(c.Conn)
	switch {
	case ok:
	case kept:
		c.Conn.State = s.state
		return flow.None
	default:
		return flow.None
	}
	x := a.sessions[number]
	if x.tunnel = tunnel; kept {
		x.before = s
	}
	for i := range beginning {
		beginning[i].Conn = c.Conn
		a.readTLS(&beginning[i], x)
	}
	return a.tlsChunk(&rest, number)
}
