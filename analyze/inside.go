package analyze

import (
	"github.com/wssniff/wssniff/internal/tlswire"
	"github.com/wssniff/wssniff/reassembly/flow"
	"github.com/wssniff/wssniff/tlsdecrypt"
)

// An Arrival says when secrets come.
type Arrival uint8

const (
	Before  Arrival = iota // before the packets that need them
	Perhaps                // if at all, they come while the capture is read
	Late                   // some come while the capture is read, behind packets that need them too
)

// Decrypt makes the Analyzer read inside TLS connections whose secrets are in keys,
// those that begin from now on. Unless the secrets come Before, KeysAdded is called
// whenever some did. What is expected may grow, keys must be the same at each call.
func (a *Analyzer) Decrypt(keys *tlsdecrypt.Keys, when Arrival) {
	if a.decrypter == nil {
		a.keys, a.decrypter = keys, tlsdecrypt.New(keys, a.plaintext, a.sealed)
	}
	a.arrival = max(a.arrival, when)
	a.decrypter.Late = a.arrival != Before
}

// KeysAdded goes on with the connections that wait for secrets of which some came
// since it was called last.
func (a *Analyzer) KeysAdded() {
	if a.keys == nil {
		return
	}
	for _, c := range a.keys.Granted() {
		a.inside = a.sessions[c.Number]
		c.Resume()
		a.inside = nil
	}
}

// maxHopeful is how many connections of a capture are read for secrets that Perhaps
// come, when there were none up to then.
const maxHopeful = 64

// newInside begins to read inside a connection; nil: there are no secrets.
func (a *Analyzer) newInside(c *flow.Conn, number uint32) *tlsdecrypt.Conn {
	if a.decrypter == nil || a.arrival == Perhaps && a.result.TLSConns > maxHopeful {
		return nil
	}
	inner := a.decrypter.Conn(c)
	inner.Number = number
	return inner
}

// readInside takes the next bytes of a TLS connection and reads what is inside. It
// reports whether all that follows is needed for that.
func (a *Analyzer) readInside(s *session, c *flow.Chunk) bool {
	if s.inner == nil {
		return false
	}
	a.inside = s
	want := s.inner.Chunk(*c)
	a.inside = nil
	if want != flow.All && a.arrival == Perhaps {
		s.inner.GiveUp()
		s.inner = nil
	}
	return want == flow.All
}

// plaintext takes bytes from inside a TLS connection, as those of a connection of
// their own.
func (a *Analyzer) plaintext(c flow.Chunk) flow.Want {
	a.inside.carried = a.inside.carried || len(c.Data) > 0
	a.plain = c // so that it does not get a place of its own each time
	return a.Chunk(&a.plain)
}

// sealed takes what is encrypted besides: the end of the handshake in TLS 1.3, and
// alerts.
func (a *Analyzer) sealed(e tlsdecrypt.Event) {
	s := a.inside
	switch {
	case e.Alert:
		if w := &s.ways[e.Dir]; !s.carried && !w.alert.Fatal {
			w.alert = TLSAlert{At: e.Stamp, Fatal: e.Fatal, Description: e.Why}
		}
	case s.Version < tls13:
	case e.Message == tlswire.EncryptedExtensions:
		if x, ok := tlswire.ParseEncryptedExtensions(e.Body); ok {
			s.Protocol = x.ALPN
		}
	case e.Message == tlswire.CertificateType && e.Dir != s.client:
		if list, ok := tlswire.ParseCertificate13(e.Body); ok {
			s.chain, s.CertificateAt = a.certificates.numbers(s.chain[:0], list), e.Stamp
		}
	case e.Message == tlswire.CertificateRequest:
		s.AsksCertificate = true
	}
}

// endInside notes what could not be read inside a connection that is over.
func (a *Analyzer) endInside(s *session) {
	if s.inner == nil || a.arrival == Perhaps {
		return
	}
	s.unread()
	for _, why := range s.Unread {
		if why != tlsdecrypt.Decrypted {
			a.result.Undecrypted[why]++
			break
		}
	}
	if s.carried && s.start > 0 {
		a.tls[s.start-1].read = true
	}
}

// unread notes why bytes were not decrypted, up to now.
func (s *session) unread() {
	if s.inner != nil {
		s.Unread = [2]tlsdecrypt.Reason{s.inner.Reason(s.client), s.inner.Reason(s.client.Reverse())}
	}
}
