package tlsdecrypt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A segment is what one side sent at once.
type segment struct {
	dir  flow.Dir
	data []byte
	lost int64 // bytes that are missing right before
}

// A result is what a Decrypter made of segments.
type result struct {
	data   [2][]byte
	lost   [2][]int64 // of the chunks that told something lost
	events [2][]string
	ends   [2]flow.End
	reason [2]Reason
	chunks []flow.Chunk // without bytes
	sizes  []int        // of them
	over   int          // chunks with Evidence
}

// decrypt hands segments, the n-th as frame n, to a Decrypter, and the end of both
// directions behind them.
func decrypt(t testing.TB, d *Decrypter, segments []segment) *result {
	t.Helper()
	return decryptWith(t, d, segments, func(int) {})
}

// decryptWith does the same and calls before in front of each segment, and of the end.
func decryptWith(t testing.TB, d *Decrypter, segments []segment, before func(n int)) *result {
	t.Helper()
	r := new(result)
	d.out = func(c flow.Chunk) flow.Want {
		if c.Offset < int64(len(r.data[c.Dir])) {
			t.Errorf("frame %d: offset %d behind %d bytes", c.Stamp.Frame, c.Offset, len(r.data[c.Dir]))
		}
		if r.ends[c.Dir] != flow.Open || c.End == flow.Open && len(c.Data) == 0 {
			t.Errorf("frame %d: a chunk of %d bytes with end %d, after end %d", c.Stamp.Frame, len(c.Data), c.End, r.ends[c.Dir])
		}
		r.data[c.Dir] = append(r.data[c.Dir], c.Data...)
		if c.Lost != 0 {
			r.lost[c.Dir] = append(r.lost[c.Dir], c.Lost)
		}
		r.ends[c.Dir] = c.End
		if c.Evidence != nil {
			r.over++
			if c.Evidence.Doubts != nil {
				t.Error("what authenticates is in doubt")
			}
		}
		r.sizes = append(r.sizes, len(c.Data))
		c.Data, c.Conn = nil, nil
		r.chunks = append(r.chunks, c)
		return flow.All
	}
	d.event = func(e Event) {
		text := fmt.Sprintf("message %d of %d bytes", e.Message, len(e.Body))
		if e.Alert {
			text = fmt.Sprint(e.Why)
		}
		r.events[e.Dir] = append(r.events[e.Dir], text)
	}
	outer := flow.Conn{Ends: flow.EndsOf(netip.MustParseAddrPort("192.0.2.1:50000"), netip.MustParseAddrPort("192.0.2.2:443"))}
	c := d.Conn(&outer)
	var at [2]int64
	var none [2]bool
	give := func(in flow.Chunk) {
		in.Conn, in.Offset = &outer, at[in.Dir]
		in.Seq, in.Ack = uint32(1000+at[in.Dir]), uint32(1000+at[in.Dir.Reverse()])
		if none[in.Dir] && in.End == flow.Open {
			return
		}
		if want := c.Chunk(in); want != flow.All {
			none[in.Dir] = true
		}
	}
	for i, s := range segments {
		before(i)
		at[s.dir] += s.lost
		give(flow.Chunk{Dir: s.dir, Lost: s.lost, Data: s.data, Stamp: flow.Stamp{Frame: i + 1}})
		at[s.dir] += int64(len(s.data))
	}
	before(len(segments))
	last := flow.Stamp{Frame: len(segments) + 1}
	give(flow.Chunk{Dir: flow.AtoB, End: flow.FIN, Stamp: last})
	give(flow.Chunk{Dir: flow.BtoA, End: flow.RST, Stamp: last, Evidence: &flow.Evidence{Doubts: make([]flow.Doubt, 1)}})
	r.reason = [2]Reason{c.Reason(0), c.Reason(1)}
	if d.held != 0 {
		t.Errorf("%d bytes are held when all is over", d.held)
	}
	return r
}

// keysOf reads a key log.
func keysOf(log []byte) *Keys {
	k := NewKeys()
	l := k.NewLog()
	l.Write(log)
	l.Close()
	return k
}

// A recorder notes what is written to connections, in order.
type recorder struct {
	mu       sync.Mutex
	segments []segment
}

type recorded struct {
	net.Conn
	dir flow.Dir
	to  *recorder
}

func (c recorded) Write(b []byte) (int, error) {
	c.to.mu.Lock()
	c.to.segments = append(c.to.segments, segment{dir: c.dir, data: bytes.Clone(b)})
	c.to.mu.Unlock()
	return c.Conn.Write(b)
}

// testCertificates returns one with an RSA key and one with an ECDSA key.
var testCertificates = sync.OnceValue(func() (list [2]tls.Certificate) {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"test.example"}, NotAfter: time.Now().Add(time.Hour)}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &rsaKey.PublicKey, rsaKey)
	if err != nil {
		panic(err)
	}
	list[0] = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: rsaKey}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	if der, err = x509.CreateCertificate(rand.Reader, template, template, &ecKey.PublicKey, ecKey); err != nil {
		panic(err)
	}
	list[1] = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: ecKey}
	return list
})

// loopback returns the ends of a connection. A net.Pipe would not do: both sides
// must be able to write without the other one reading.
func loopback(t testing.TB) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// An exchange is a recorded connection.
type exchange struct {
	segments []segment
	log      []byte    // its secrets
	data     [2][]byte // what was sent inside
	state    tls.ConnectionState
}

// exchangeOf lets crypto/tls talk to itself: messages of random sizes go both ways.
func exchangeOf(t testing.TB, client, server *tls.Config, random *mathrand.Rand) *exchange {
	t.Helper()
	var messages [12][]byte
	for i := range messages {
		messages[i] = make([]byte, random.IntN([]int{20, 3000, 40000}[random.IntN(3)])+1)
		for j := range messages[i] {
			messages[i][j] = byte(random.Uint32())
		}
	}
	return dialogue(t, client, server, messages[:]...)
}

// dialogue lets crypto/tls talk to itself: both sides say one message after the
// other, the client first, then both close.
func dialogue(t testing.TB, client, server *tls.Config, messages ...[]byte) *exchange {
	t.Helper()
	x := new(exchange)
	var log bytes.Buffer
	client, server = client.Clone(), server.Clone()
	client.KeyLogWriter, client.InsecureSkipVerify, client.ServerName = &log, true, "test.example"
	if server.Certificates == nil {
		list := testCertificates()
		server.Certificates = list[:]
	}
	var r recorder
	a, b := loopback(t)
	ends := [2]*tls.Conn{tls.Client(recorded{a, flow.AtoB, &r}, client), tls.Server(recorded{b, flow.BtoA, &r}, server)}
	var done sync.WaitGroup
	done.Go(func() {
		if err := ends[1].Handshake(); err != nil {
			t.Errorf("server: %v", err)
		}
	})
	if err := ends[0].Handshake(); err != nil {
		t.Fatalf("client: %v", err)
	}
	done.Wait()
	x.state = ends[0].ConnectionState()
	for i, message := range messages {
		from := i % 2
		x.data[from] = append(x.data[from], message...)
		done.Go(func() { ends[from].Write(message) })
		if _, err := io.ReadFull(ends[1-from], make([]byte, len(message))); err != nil {
			t.Fatal(err)
		}
		done.Wait()
	}
	for i := range ends {
		done.Go(func() { ends[i].CloseWrite() })
		if _, err := ends[1-i].Read(make([]byte, 1)); err != io.EOF {
			t.Fatalf("read after close: %v", err)
		}
		done.Wait()
	}
	x.segments, x.log = r.segments, log.Bytes()
	return x
}

// check demands that the exchange was decrypted in whole.
func (x *exchange) check(t testing.TB, r *result) {
	t.Helper()
	for dir, want := range x.data {
		if !bytes.Equal(r.data[dir], want) {
			t.Errorf("direction %d: %d bytes, want %d, equal up to %d (%v)", dir, len(r.data[dir]), len(want), common(r.data[dir], want), r.reason[dir])
		}
		if r.lost[dir] != nil || r.reason[dir] != Decrypted {
			t.Errorf("direction %d: lost %v, %v", dir, r.lost[dir], r.reason[dir])
		}
		if !slices.Contains(r.events[dir], "close_notify") {
			t.Errorf("direction %d: events %q without close_notify", dir, r.events[dir])
		}
	}
	if r.ends != [2]flow.End{flow.FIN, flow.RST} || r.over != 1 {
		t.Errorf("ends %v, evidence %d times", r.ends, r.over)
	}
}

func common(a, b []byte) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// cut divides segments anew, at random places or, with a size, after so many bytes.
func cut(segments []segment, random *mathrand.Rand, size int) (list []segment) {
	for _, s := range segments {
		for b := s.data; len(b) > 0; {
			n := min(len(b), size)
			if size == 0 {
				n = 1 + random.IntN(min(len(b), 1+random.IntN(5000)))
			}
			list = append(list, segment{s.dir, b[:n], s.lost})
			b, s.lost = b[n:], 0
		}
	}
	return list
}
