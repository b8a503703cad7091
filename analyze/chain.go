package analyze

import (
	"net/netip"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// MaxHops is how many hops are kept of a chain.
const MaxHops = 20

// A Chain is a redirect and what came of following it.
type Chain struct {
	ID     int
	Hops   []Hop    // that the capture shows, in order, at most MaxHops
	Long   int      // how many there are in all
	URLs   []string // what each hop asked for, and the last target if nobody was seen asking for it
	End    ChainEnd
	Reason string // what happened at the end, if there is more to say; may be ""

	TLSFailed bool // End is ChainIntoTLS, and the handshake there failed

	First   *Chain        // the earliest chain that is the same: this one is a retry; nil: there is none
	Retries int           // how many later chains are the same: client, URLs and end
	Every   time.Duration // the median time from one of them to the next, valid iff Retries > 0

	basis Basis // what it rests on besides its hops
}

// A Hop is a request of a chain, or what shows of it inside TLS.
type Hop struct {
	Attempt        int    // its number; 0: a TLS connection that is not listed
	TLS            bool   // it is a TLS connection, in which nothing more is visible
	URL            string // what is asked for; "" if that is not known
	Client, Server netip.AddrPort
	Stream         int        // Wireshark's tcp.stream
	Start          flow.Stamp // its first byte
	Asked          flow.Stamp // the head of the request, or the ClientHello, was complete; not seen if it is not
	Answered       flow.Stamp // the same of the response
	Ended          flow.Stamp // the connection was closed, or used for something else; not seen if it was not
	Status         int        // of the response; 0: none
	Location       string     // as sent; "" if it is no redirect
	ServerName     string     // in the ClientHello
	ByHost         bool       // it comes from another address than the redirect went to: joined by host and User-Agent
}

// ChainEnd says how a chain of redirects ended.
type ChainEnd uint8

const (
	ChainNotFollowed  ChainEnd = iota // nobody was seen asking for the target
	ChainUpgraded                     // the last hop opened a WebSocket
	ChainRefused                      // the last hop got another final answer
	ChainUnanswered                   // the last hop got no answer, or none of HTTP
	ChainLoop                         // a hop asks again for what an earlier one asked
	ChainTooLong                      // more than MaxHops
	ChainDowngraded                   // the target would have led out of TLS, and nobody asked for it
	ChainIntoTLS                      // the client went on inside TLS: what followed is not visible
	ChainOutOfCapture                 // the capture does not show it, or ends too early
)

var chainEndNames = [...]string{"not-followed", "upgraded", "refused", "unanswered", "loop", "too-long", "downgraded", "into-tls", "out-of-capture"}

func (e ChainEnd) String() string { return chainEndNames[e] }

// Outcome says whether the chain led to a WebSocket: known is false if the
// capture does not tell.
func (c *Chain) Outcome() (opened, known bool) {
	switch c.End {
	case ChainUpgraded:
		return true, true
	case ChainIntoTLS:
		return false, c.TLSFailed
	case ChainOutOfCapture:
		return false, false
	}
	return false, true
}

// A Redirect is the place of an attempt in a chain of redirects.
type Redirect struct {
	Location string // the field as sent; "" on the last hop if that is no redirect
	Target   string // Location resolved against the request, an absolute URL; "" if it cannot be
	Chain    *Chain
	Hop      int // 1-based place in the chain
}
