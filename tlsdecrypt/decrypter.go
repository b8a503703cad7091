// Package tlsdecrypt turns the bytes of TLS connections into those inside, with the
// secrets that an endpoint logged or with the server's RSA key. It follows what
// passes and takes no part in it: it computes no signatures, checks no Finished and
// negotiates nothing, so that it shows also what peers do wrong.
//
// It stands between reassembly and whoever reads plain connections. A caller
//
//   - feeds key logs: keys := NewKeys(), then keys.NewLog().Write for each file (a
//     file that grows: for what is new, whenever there is something) and each
//     Decryption Secrets Block, and keys.AddPrivateKey for PEM files;
//   - makes one Decrypter, d := New(keys, out, event), whose out is the function
//     that takes chunks of plain connections;
//   - makes c := d.Conn(chunk.Conn) when a connection begins like TLS, keeps it,
//     and from then on answers each chunk of the connection with c.Chunk(chunk);
//   - in event gets the messages that are encrypted, with chunk.Conn of out to know
//     the connection by;
//   - when the chunk with the Evidence was taken, asks c.Reason(dir) why bytes of
//     a direction were not decrypted, and forgets c.
//
// Secrets must be there before the packets that need them, or else Decrypter.Late is
// set, and whoever adds some calls Resume for the connections that keys.Granted returns
// then. Nothing here prints a secret: types that hold some have a Format.
package tlsdecrypt

import (
	"fmt"

	"github.com/wssniff/wssniff/internal/tlswire"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// Bounds of what is kept of connections.
const (
	maxRecord     = tlswire.HeaderLen + tlswire.MaxFragment // bytes of an incomplete record, of a direction
	maxMessage    = tlswire.MaxFragment                     // bytes of an incomplete handshake message, of a direction; a longer one is passed over
	maxHeld       = 32 << 10                                // bytes of a direction that wait for the other one, or for secrets
	maxHeldChunks = 1024                                    // the same, in chunks
	maxHeldAll    = 16 << 20                                // bytes of all connections that wait, chunks counted with 256 more each and directions with maxRecord
	maxSpare      = 16                                      // buffers of maxRecord bytes that wait to be used again
)

// A Decrypter has what connections share. It is not safe for concurrent use, and a
// TLS connection inside another one needs a Decrypter of its own.
type Decrypter struct {
	// Late says that secrets may come after the packets that need them, as they do
	// when a key log is followed as it grows: up to 32 KiB of each direction are
	// kept until then. When some came they are looked for by Conn.Resume, and with
	// the next chunk of the connection. This is not so for premaster secrets of RSA
	// key exchange and for those of resumed sessions, which have other names than
	// the random of the ClientHello.
	Late bool

	keys  *Keys
	out   func(flow.Chunk) flow.Want
	event func(Event)
	plain []byte   // what the last record held
	spare [][]byte // buffers
	held  int      // bytes, of all connections
}

// An Event is what happens inside the encryption besides data. It is a message of
// the handshake, or an alert.
type Event struct {
	Conn    *flow.Conn // that of the chunks handed out
	Dir     flow.Dir
	Stamp   flow.Stamp            // of the packet that completed it
	Message tlswire.HandshakeType // valid iff it is no Alert
	Body    []byte                // of the message, valid during the call; nil if it is longer than 18 KiB
	Alert   bool
	Fatal   bool                     // valid iff it is an Alert; in TLS 1.3 all but close_notify and user_canceled are
	Why     tlswire.AlertDescription // valid iff it is an Alert
}

// New returns a Decrypter that hands plaintext to out, and whatever else was
// encrypted to event, which may be nil. Chunks are like those of reassembly, with
// these differences: Offset, Seq and Ack count decrypted bytes (Ack is 0 where it
// cannot be told exactly), Stamp and Link are of the packet that completed the
// record, and Evidence has no Doubts, as what authenticates is not in doubt. Lost
// is -1 where the number of missing bytes cannot be known: records may be padded.
func New(keys *Keys, out func(flow.Chunk) flow.Want, event func(Event)) *Decrypter {
	if event == nil {
		event = func(Event) {}
	}
	return &Decrypter{keys: keys, out: out, event: event, plain: make([]byte, maxRecord)}
}

// Format writes nothing of what was decrypted.
func (d Decrypter) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "decrypter with %v, %d bytes held", d.keys, d.held)
}

// buffer returns an empty buffer for maxRecord bytes.
func (d *Decrypter) buffer() []byte {
	if n := len(d.spare); n > 0 {
		b := d.spare[n-1]
		d.spare = d.spare[:n-1]
		return b
	}
	return make([]byte, 0, maxRecord)
}

// release takes a buffer back; the caller has none then.
func (d *Decrypter) release(b []byte) []byte {
	if cap(b) >= maxRecord && len(d.spare) < maxSpare {
		d.spare = append(d.spare, b[:0])
	}
	return nil
}
