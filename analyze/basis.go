package analyze

import (
	"net/url"
	"slices"
	"strings"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A Basis is what a verdict and its findings rest on besides the attempt's own
// connection: who keeps the packets of an attempt keeps these too, lest another
// verdict be read from them.
type Basis struct {
	Streams []int // other connections, Wireshark's tcp.stream
	Frames  []int // answers of DNS
}

// Basis returns that of an attempt: the connection whose key was answered, two of
// those that share its key, the other side of a proxy, and all of a chain of
// redirects. What is counted over many attempts is not in it.
func (t *Attempt) Basis() (b Basis) {
	b.add(t.others...)
	if t.Passage != nil {
		b.add(t.Passage.Stream)
	}
	if t.Redirect != nil {
		c := t.Redirect.Chain
		for _, h := range c.Hops {
			b.add(h.Stream)
		}
		b.add(c.basis.Streams...)
		b.Frames = c.basis.Frames
	}
	b.Streams = slices.DeleteFunc(b.Streams, func(n int) bool { return n == t.Conn.ID })
	return b
}

func (b *Basis) add(streams ...int) {
	for _, n := range streams {
		if !slices.Contains(b.Streams, n) {
			b.Streams = append(b.Streams, n)
		}
	}
}

// noteAnswers adds the answers of DNS that tell where a redirect leads.
func (j *judge) noteAnswers(c *Chain, t *Attempt, to *url.URL) {
	l, ok := j.a.names.Latest(t.Client().Addr(), strings.ToLower(to.Hostname()), t.Response.Done.Time+followWithin)
	if ok && len(c.basis.Frames) < MaxHops && !slices.Contains(c.basis.Frames, l.At.Frame) {
		c.basis.Frames = append(c.basis.Frames, l.At.Frame)
	}
}

// Concerns reports whether something may be said of a connection, now or when it
// is over: false means that its packets are nobody's evidence.
func (a *Analyzer) Concerns(c *flow.Conn) bool {
	switch c.State & kindMask {
	case notOurs, inDNS:
		return false
	case inStream:
		s := a.streams[c.State>>kindBits]
		begun := s.early != nil || s.dirs[s.client].state == inHead // a request whose end may never come
		return begun || s.made > 0 || s.waits > 0 || len(s.challenged) > 0 || len(s.tls) > 0
	}
	return true
}
