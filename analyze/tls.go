package analyze

import (
	"slices"
	"time"

	"github.com/wssniff/wssniff/internal/tlswire"
	"github.com/wssniff/wssniff/reassembly/flow"
	"github.com/wssniff/wssniff/tlsdecrypt"
)

const (
	tls12 = 0x0303
	tls13 = 0x0304
)

// A TLS is what a TLS connection shows without its keys: the clear part of the
// handshake, and the sizes of records after it.
type TLS struct {
	First, Asked flow.Stamp // the first byte of the ClientHello, and the packet that completed it
	ServerName   string     // in the ClientHello, in lower case; "" if there is none, or it makes no sense
	Named        bool       // there is a server_name extension
	Offered      uint16     // the highest version offered; 0 if that cannot be told
	ALPN         []string   // offered, of any bytes
	Suites       []uint16   // offered
	Groups       []uint16   // offered for the exchange of keys, RFC 8446, Section 4.2.7
	JA3, JA4     string     // fingerprints of the ClientHello, which tell what software sent it
	HelloTime    uint32     // the first four bytes of its random: seconds since 1970 with old software, anything with other

	Answered   flow.Stamp // the packet that completed the ServerHello; not seen if there is none
	Version    uint16     // chosen, valid iff Answered is seen, like those below
	Suite      uint16
	Protocol   string // chosen of ALPN; "" if there is none, as always in TLS 1.3, where it is encrypted
	Retry      bool   // the server sent a HelloRetryRequest
	Resumption Resumption

	Certificates    []*Certificate // of the server, its own first; none in TLS 1.3, which encrypts them
	CertificateAt   flow.Stamp
	AsksCertificate bool          // the server asks for one
	FlightDone      flow.Stamp    // a ServerHelloDone, before TLS 1.3
	Garbled         bool          // one side's bytes make no sense from some place on
	Unreceived      bool          // bytes of the server that the capture lacks did not reach the client either
	Spoke           [2]flow.Stamp // the first bytes that are encrypted, by the client and by the server, valid iff Answered is seen

	Alert  TLSAlert   // the first that is fatal, else the last
	Opened flow.Stamp // the handshake is over and went well

	Latest  flow.Stamp // the latest record of application data
	Records [2]int     // of application data, by the client and by the server; at most 256 and those of the same packet are counted. In TLS 1.3 the end of the handshake looks like it
	Small   [2]int     // of them, those of 1 KiB at most

	// Unnotified says of which sides everything was seen, and no close_notify or
	// encrypted alert that can be one, RFC 8446, Section 6.1.
	Unnotified [2]bool

	Outline Outline // of what is inside

	Unread [2]tlsdecrypt.Reason // why bytes of the client and of the server were not decrypted, as far as there are keys

	Other   string // the first bytes of the server if they are not TLS, at most 64; "" if they are
	OtherAt flow.Stamp
}

// A TLSAlert is an alert that was sent before the handshake was over, RFC 8446,
// Section 6.
type TLSAlert struct {
	At          flow.Stamp // not seen: there was none
	By          Side
	Fatal       bool
	Sealed      bool // it is encrypted: nothing is known but that it is one
	Description tlswire.AlertDescription
}

// decisive returns which of two alerts counts: the first that is fatal, or sealed and
// so perhaps fatal, else the last.
func decisive(x, y TLSAlert) TLSAlert {
	grave := func(l TLSAlert) bool { return l.Fatal || l.Sealed }
	switch {
	case !x.At.Seen(), grave(y) && !grave(x) && y.At.Seen():
		return y
	case !y.At.Seen(), grave(x) && !grave(y), grave(x) == (x.At.Frame < y.At.Frame):
		return x
	}
	return y
}

// Resumption says what became of the wish to resume an earlier session.
type Resumption uint8

const (
	NotOffered Resumption = iota
	Resumed
	Refused // the server made a full handshake instead
)

// smallRecord is the fragment of a record that a message of a device fits in.
const smallRecord = 1 << 10

// offersH2 reports whether the client would speak HTTP/2, on which there is no
// upgrade as RFC 6455 has it.
func (x *TLS) offersH2() bool { return slices.Contains(x.ALPN, "h2") }

// looksLikeWebSocket reports whether what shows of a connection is what a
// WebSocket shows: small records go both ways, it is no HTTP/2, and it lasts, or
// its server is one that somebody was sent to for a WebSocket.
func (x *TLS) looksLikeWebSocket(known bool) bool {
	const lasts, talk = 10 * int64(time.Second), 4
	if x.offersH2() || !known && x.Latest.Time-x.Opened.Time < lasts {
		return false
	}
	for side := range x.Records {
		if x.Records[side] < talk || 4*x.Small[side] < 3*x.Records[side] {
			return false
		}
	}
	return true
}
