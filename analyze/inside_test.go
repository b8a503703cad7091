package analyze

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
	"github.com/wssniff/wssniff/tlsdecrypt"
)

// An overheard is a TLS connection: what both sides wrote, in order, and the key log.
type overheard struct {
	mu   sync.Mutex
	talk []spoken
	log  bytes.Buffer
}

// A tapped is one end of it.
type tapped struct {
	net.Conn
	by   flow.Dir
	into *overheard
}

func (t tapped) Write(b []byte) (int, error) {
	t.into.mu.Lock()
	t.into.talk = append(t.into.talk, spoken{t.by, string(b)})
	t.into.mu.Unlock()
	return t.Conn.Write(b)
}

// overhear lets crypto/tls talk: each side says one thing after the other, in turns.
func overhear(t *testing.T, version uint16, said ...string) *overheard {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "inside.example"}, DNSNames: []string{"inside.example"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(4e9, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	o := &overheard{}
	x, y := net.Pipe()
	defer x.Close()
	defer y.Close()
	c := tls.Client(tapped{x, client, o}, &tls.Config{ServerName: "inside.example", InsecureSkipVerify: true, MaxVersion: version, KeyLogWriter: &o.log, NextProtos: []string{"http/1.1"}})
	v := tls.Server(tapped{y, server, o}, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MaxVersion: version, NextProtos: []string{"http/1.1"}, SessionTicketsDisabled: true})
	done := make(chan error, 1)
	go func() { done <- v.Handshake() }()
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for i, s := range said {
		from, to := c, v
		if i%2 == 1 {
			from, to = v, c
		}
		go func() { _, err := from.Write([]byte(s)); done <- err }()
		if _, err := io.ReadFull(to, make([]byte, len(s))); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// attempts returns what is found of the connection with keys, the bytes being cut in
// pieces.
func (o *overheard) attempts(log []byte, rng *mathrand.Rand, most int) *Result {
	a := New(nil)
	keys := tlsdecrypt.NewKeys()
	keys.NewLog().Write(log)
	a.Decrypt(keys, Before)
	a.ConnectFailures = AllFailures
	return a.overhears(o.talk, rng, most)
}

// attemptsLate does the same with keys that come when the connection has said so many
// things, line by line or all at once.
func (o *overheard) attemptsLate(after int, lines bool) *Result {
	a := New(nil)
	keys := tlsdecrypt.NewKeys()
	a.Decrypt(keys, Late)
	a.ConnectFailures = AllFailures
	d := a.dialogue(0)
	d.overhear(o.talk[:after], nil, 0)
	parts := [][]byte{o.log.Bytes()}
	if lines {
		parts = slices.Collect(bytes.Lines(o.log.Bytes()))
	}
	for _, part := range parts {
		keys.NewLog().Write(part)
		a.KeysAdded()
	}
	d.overhear(o.talk[after:], nil, 0)
	return d.hangUp()
}

const insideRequest = "GET /chat HTTP/1.1\r\nHost: inside.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

const insideSwitching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

// TestInside reads handshakes inside TLS, however the bytes are cut.
func TestInside(t *testing.T) {
	const right = insideSwitching
	ping, pong := wsFrame(0x89, true, "hello"), wsFrame(0x8a, false, "hello")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, test := range []struct {
			name    string
			said    []string
			verdict Verdict
			code    Code
		}{
			{"ok", []string{insideRequest, right, ping, pong}, OK, numCodes},
			{"wrong Accept", []string{insideRequest, strings.Replace(right, "s3pP", "s3pQ", 1)}, AcceptMismatch, AcceptMismatchCode},
			{"refused", []string{insideRequest, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"}, Rejected, Status404},
			{"other Host", []string{strings.Replace(insideRequest, "Host: inside", "Host: other", 1), right}, OK, TLSHostNotSNI},
		} {
			o := overhear(t, version, test.said...)
			rng := mathrand.New(mathrand.NewPCG(1, 1))
			for i := range 30 {
				r := o.attempts(o.log.Bytes(), map[bool]*mathrand.Rand{false: rng}[i == 0], 1+i*i)
				if r.Attempts.Len() != 1 {
					t.Fatalf("%s: %d attempts", test.name, r.Attempts.Len())
				}
				a := r.Attempts.At(0)
				x := a.TLS
				if a.Verdict != test.verdict || test.code != numCodes && !a.has(test.code) || a.URL().Scheme != "wss" || len(r.Undecrypted) > 0 {
					t.Errorf("%s: %v (%s) %+v, undecrypted %v", test.name, a.Verdict, a.Reason, a.Findings, r.Undecrypted)
				}
				if x == nil || x.Version != version || x.ServerName != "inside.example" || x.Protocol != "http/1.1" || len(x.Certificates) != 1 || !x.Certificates[0].Covers("inside.example") {
					t.Errorf("%s: %+v", test.name, x)
				}
				if test.name == "ok" && (a.Frames[0].Ping != 1 || a.Frames[1].Pong != 1) {
					t.Errorf("frames %+v", a.Frames)
				}
			}
		}
	}
}

// TestInsideWithoutKeys says why nothing was decrypted, and does not guess.
func TestInsideWithoutKeys(t *testing.T) {
	o := overhear(t, tls.VersionTLS13, insideRequest, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
	r := o.attempts(nil, nil, 0)
	if r.Attempts.Len() != 0 || r.Undecrypted[tlsdecrypt.NoKeys] != 1 {
		t.Errorf("no keys: %d attempts, %v", r.Attempts.Len(), r.Undecrypted)
	}
	var half []byte
	for line := range bytes.Lines(o.log.Bytes()) {
		if bytes.HasPrefix(line, []byte("CLIENT_")) {
			half = append(half, line...)
		}
	}
	r = o.attempts(half, nil, 0)
	if r.Attempts.Len() != 1 || r.Attempts.At(0).Verdict != Indeterminate || !strings.Contains(r.Attempts.At(0).Reason, "no keys for this connection") {
		t.Errorf("keys of the client alone: %d attempts, %v", r.Attempts.Len(), r.Undecrypted)
		for a := range r.Attempts.All() {
			t.Logf("%v %q %+v", a.Verdict, a.Reason, a.Findings)
		}
	}
}

// TestInsideLate finds the same whenever the keys come while the connection lasts.
func TestInsideLate(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		o := overhear(t, version, insideRequest, insideSwitching, wsFrame(0x89, true, "hello"), wsFrame(0x8a, false, "hello"))
		want := foundText(o.attempts(o.log.Bytes(), nil, 0).Attempts.At(0))
		if !strings.HasPrefix(want, "ok ") {
			t.Fatal(want)
		}
		for after := range len(o.talk) + 1 {
			for _, lines := range []bool{false, true} {
				r := o.attemptsLate(after, lines)
				if r.Attempts.Len() != 1 || len(r.Undecrypted) > 0 {
					t.Fatalf("keys behind turn %d: %d attempts, %v", after, r.Attempts.Len(), r.Undecrypted)
				}
				if got := foundText(r.Attempts.At(0)); got != want {
					t.Errorf("keys behind turn %d, line by line %v:\n%s\nwant\n%s", after, lines, got, want)
				}
			}
		}
	}
}

// TestInsideLateAtOnce reads inside without another byte of the connection.
func TestInsideLateAtOnce(t *testing.T) {
	o := overhear(t, tls.VersionTLS13, insideRequest, insideSwitching)
	a := New(nil)
	keys := tlsdecrypt.NewKeys()
	a.Decrypt(keys, Late)
	d := a.dialogue(0)
	d.overhear(o.talk, nil, 0)
	if a.KeysAdded(); a.Decided() != 0 {
		t.Error("decided without keys")
	}
	keys.NewLog().Write(o.log.Bytes())
	if a.KeysAdded(); a.Decided() != 1 {
		t.Error("the connection was not read on")
	}
	if r := d.hangUp(); r.Attempts.Len() != 1 || r.Attempts.At(0).Verdict != OK {
		t.Errorf("%d attempts", r.Attempts.Len())
	}
}

// TestPerhaps reads inside the first connections of a capture that may hold secrets,
// and inside all once it holds some.
func TestPerhaps(t *testing.T) {
	a := New(nil)
	keys := tlsdecrypt.NewKeys()
	a.Decrypt(keys, Perhaps)
	begin := func(id int) *session {
		d := a.dialogue(id)
		d.say(client, clientHello("a.example"))
		return a.sessions[d.live.State>>kindBits]
	}
	for id := range maxHopeful + 2 {
		if got := begin(id).inner != nil; got != (id < maxHopeful) {
			t.Errorf("connection %d: read %v", id, got)
		}
	}
	if a.Decrypt(keys, Late); begin(maxHopeful+2).inner == nil {
		t.Error("not read although there are secrets")
	}
}
