package pcapgen

import (
	"net/netip"
	"time"
)

// A Chain is the truth about one redirect chain.
type Chain struct {
	// URLs are what the hops asked for, and last the target of the last
	// redirect if nobody was seen asking for it. The first has the scheme ws or
	// wss; the others are as Location names them, relative ones with the scheme
	// http or https. They may be spelled otherwise in the sense of RFC 3986,
	// Sections 6.2.2 and 6.2.3, and have no fragment and no userinfo.
	URLs []string

	// End is one of upgraded, refused, unanswered, not-followed, loop, too-long,
	// downgraded, into-tls, out-of-capture.
	End   string
	Codes []string // findings that one attempt of the chain at least must have

	// What follows is stated by the chains that have hops.

	Hops    []Hop
	RetryOf int // index of the chain that the client runs into again here, plus 1; 0 if it is the first time
	Retries int // of the first time: how often the client came again
	// Rhythm is from when to when the median of the times from one first request
	// to the next lies: the two in the middle if their number is even.
	Rhythm [2]time.Duration
	// Unusable means that the last Location names nothing that can be asked for;
	// it is not in URLs.
	Unusable bool
	Story    string // what the chain shows, in words
}

// A Hop is a request of a chain, or the ClientHello that hides it.
type Hop struct {
	URL            string
	Client, Server netip.AddrPort
	Stream         int // tcp.stream
	RequestFrame   int // frame in which the head, or the ClientHello, became complete
	ResponseFrame  int // 0 if there is no answer
	Status         int // the same
	Location       string
	TLS            bool
	ServerName     string // of TLS; "" if there is none
}

// maxHops is how many hops a chain has before it is too long; those beyond it
// need not be listed.
const maxHops = 20

// Listed returns the hops and URLs that a list of the chain must begin with, and
// whether it may go on.
func (c *Chain) Listed() (hops []Hop, urls []string, open bool) {
	if len(c.Hops) <= maxHops {
		return c.Hops, c.URLs, c.Unusable
	}
	return c.Hops[:maxHops], c.URLs[:maxHops], true
}
