package analyze

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"math/big"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wssniff/wssniff/internal/tlswire"
	"github.com/wssniff/wssniff/reassembly/flow"
	"github.com/wssniff/wssniff/tlsdecrypt"
)

// tlsRecord is a record of TLS.
func tlsRecord(kind tlswire.ContentType, fragment string) string {
	return string([]byte{byte(kind), 3, 3}) + string(binary.BigEndian.AppendUint16(nil, uint16(len(fragment)))) + fragment
}

func tlsAlert(level, description byte) string {
	return tlsRecord(tlswire.Alert, string([]byte{level, description}))
}

// tlsData is an encrypted record.
func tlsData(size int) string {
	return tlsRecord(tlswire.ApplicationData, strings.Repeat("\xc5", size))
}

// tlsMessage is a message of the handshake.
func tlsMessage(kind tlswire.HandshakeType, body string) string {
	n := len(body)
	return string([]byte{byte(kind), byte(n >> 16), byte(n >> 8), byte(n)}) + body
}

// serverHello12 and serverHello13 choose a version.
func serverHello12() string { return serverHelloWith("") }

func serverHello13() string { return serverHelloWith("\x00\x2b\x00\x02\x03\x04") }

func serverHelloWith(extensions string) string {
	body := "\x03\x03" + strings.Repeat("s", 32) + "\x00" + "\xc0\x2f" + "\x00" + string(binary.BigEndian.AppendUint16(nil, uint16(len(extensions)))) + extensions
	return tlsRecord(tlswire.Handshake, tlsMessage(tlswire.ServerHelloType, body))
}

// clientHelloAt says the time, as old software does.
func clientHelloAt(seconds uint32) string {
	return strings.Replace(clientHello("a.example"), "rrrr", string(binary.BigEndian.AppendUint32(nil, seconds)), 1)
}

const (
	tlsChange = "\x14\x03\x03\x00\x01\x01"
)

// A spoken is what one side of a TLS connection says.
type spoken struct {
	by   flow.Dir
	data string
}

// chat is what one side of a WebSocket may say.
var chat = strings.Repeat(tlsData(40), 4)

// tlsTalks are TLS connections, and what is found of them.
var tlsTalks = []struct {
	name    string
	talk    []spoken
	verdict Verdict
	codes   string
}{
	{"TLS 1.3", []spoken{{client, clientHello("a.example")}, {server, serverHello13() + tlsChange + tlsData(900)}, {client, tlsChange + tlsData(53) + chat}, {server, chat}}, Encrypted, ""},
	{"TLS 1.2", []spoken{
		{client, clientHello("a.example")}, {server, serverHello12() + tlsRecord(tlswire.Handshake, tlsMessage(tlswire.ServerHelloDone, ""))},
		{client, tlsRecord(tlswire.Handshake, tlsMessage(tlswire.ClientKeyExchange, "k")) + tlsChange + tlsRecord(tlswire.Handshake, strings.Repeat("\xc5", 40))},
		{server, tlsChange + tlsRecord(tlswire.Handshake, strings.Repeat("\xc5", 40)) + chat}, {client, chat},
	}, Encrypted, ""},
	{"alert of the server", []spoken{{client, clientHello("a.example")}, {server, tlsAlert(2, 40)}}, TLSFailed, "tls-alert-handshake-failure"},
	{"warning before the end", []spoken{{client, clientHello("a.example")}, {server, tlsAlert(1, 112) + tlsAlert(2, 70)}}, TLSFailed, "tls-no-shared-version"},
	{"alert of the client", []spoken{{client, clientHello("a.example")}, {server, serverHello12()}, {client, tlsAlert(2, 48)}}, TLSFailed, "tls-cert-untrusted"},
	{"early data", []spoken{
		{client, clientHelloWith("a.example", "\x00\x2a\x00\x00") + tlsChange + tlsData(300)}, {server, serverHello13() + tlsChange + tlsData(90) + chat},
		{client, tlsData(21) + tlsData(53) + chat},
	}, Encrypted, ""},
	{"early data, and silence", []spoken{
		{client, clientHelloWith("a.example", "\x00\x2a\x00\x00") + tlsChange + tlsData(300)}, {server, serverHello13() + tlsChange + tlsData(90)},
	}, TLSFailed, "tls-handshake-stalls"},
	{"clock that was never set", []spoken{{client, clientHelloAt(120)}, {server, serverHello12()}, {client, tlsAlert(2, 46)}}, TLSFailed, "tls-client-clock"},
	{"clock that was never set, unknown authority", []spoken{{client, clientHelloAt(120)}, {server, serverHello12()}, {client, tlsAlert(2, 48)}}, TLSFailed, "tls-cert-untrusted"},
	{"bad certificate", []spoken{{client, clientHelloAt(1 << 30)}, {server, serverHello12()}, {client, tlsAlert(2, 42)}}, TLSFailed, "tls-cert-untrusted"},
	{"encrypted alert", []spoken{{client, clientHello("a.example")}, {server, serverHello13() + tlsChange + tlsData(900)}, {client, tlsChange + tlsData(19)}}, TLSFailed, "tls-rejected-by-client"},
	{"plain port", []spoken{{client, clientHello("a.example")}, {server, "HTTP/1.1 400 Bad Request\r\n\r\n"}}, TLSFailed, "tls-clienthello-to-plain-port"},
	{"client closes at once", []spoken{{client, clientHello("a.example")}, {client, ""}}, TLSFailed, "tls-handshake-abandoned"},
	{"client closes before the flight", []spoken{{client, clientHello("a.example")}, {client, ""}, {server, serverHello13() + tlsChange + tlsData(900)}}, TLSFailed, "tls-handshake-abandoned"},
	{"server closes at once", []spoken{{client, clientHello("a.example")}, {server, ""}}, TLSFailed, "tls-handshake-cut"},
	{"client closes after the flight", []spoken{{client, clientHello("a.example")}, {server, serverHello12() + tlsRecord(tlswire.Handshake, tlsMessage(tlswire.ServerHelloDone, ""))}, {client, ""}}, TLSFailed, "tls-client-stops-after-certificate"},
	{"client certificate", []spoken{{client, clientHello("a.example")}, {server, serverHello12() + tlsRecord(tlswire.Handshake, tlsMessage(tlswire.CertificateRequest, "")+tlsMessage(tlswire.ServerHelloDone, ""))}, {server, tlsAlert(2, 40)}}, TLSFailed, "tls-client-cert-required"},
	{"no name", []spoken{{client, clientHello("")}, {server, tlsAlert(2, 40)}}, TLSFailed, "tls-alert-handshake-failure tls-sni-missing"},
	{"silence", []spoken{{client, clientHello("a.example")}}, TLSFailed, "tls-handshake-stalls"},
	{"garbage after the hello", []spoken{{client, clientHello("a.example")}, {server, serverHello13() + "garbage"}}, Indeterminate, ""},
}

// sessionOf returns what is found of a TLS connection whose bytes come in the pieces
// that cut makes of them, in any order of the two directions.
func sessionOf(talk []spoken, rng *rand.Rand, most int) *Attempt {
	a := New(nil)
	a.ConnectFailures = AllFailures
	a.movedTo["a.example"] = true
	a.movedTo[""] = true // a ClientHello without a name; through a tunnel the server is known all the same
	r := a.overhears(talk, rng, most)
	if r.Attempts.Len() == 0 {
		return nil
	}
	return r.Attempts.At(0)
}

// overhears lets an Analyzer take a connection whose bytes come in pieces of at most
// so many, and returns what it finds. A side that says nothing closes.
func (a *Analyzer) overhears(talk []spoken, rng *rand.Rand, most int) *Result {
	d := a.dialogue(0)
	d.overhear(talk, rng, most)
	return d.hangUp()
}

// overhear takes what comes next of a connection.
func (d *dialogue) overhear(talk []spoken, rng *rand.Rand, most int) {
	d.step = 0
	for _, s := range talk {
		d.turn++
		d.at = flow.Stamp{Frame: 1000 * d.turn, Time: 1e18 + int64(d.turn-1)*1e6}
		if s.data == "" {
			d.conn.FIN[s.by] = flow.Stamp{Frame: d.at.Frame + 500, Time: d.at.Time}
		}
		for b := s.data; b != ""; {
			n := len(b)
			if rng != nil {
				n = 1 + rng.IntN(min(n, most))
			}
			d.say(s.by, b[:n])
			b = b[n:]
		}
	}
}

// hangUp ends it, and the capture a minute later.
func (d *dialogue) hangUp() *Result {
	d.end(client, flow.CaptureEnd)
	d.end(server, flow.CaptureEnd)
	return d.a.Finish(flow.Stamp{Frame: 1e6, Time: 1e18 + int64(time.Minute)}, 0)
}

func TestTLS(t *testing.T) {
	for _, test := range tlsTalks {
		t.Run(test.name, func(t *testing.T) {
			got := sessionOf(test.talk, nil, 0)
			if got == nil {
				t.Fatal("no attempt")
			}
			var codes []string
			for _, f := range got.Findings {
				codes = append(codes, f.Code.String())
			}
			if s := strings.Join(codes, " "); got.Verdict != test.verdict || s != test.codes {
				t.Errorf("%v (%s) %s, want %v %s", got.Verdict, got.Reason, s, test.verdict, test.codes)
			}
		})
	}
}

// TestPlainAnswer shows of a plain server's answer the first line, as far as it is
// kept.
func TestPlainAnswer(t *testing.T) {
	for answer, want := range map[string]string{
		"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n": "HTTP/1.1 400 Bad Request",
		"220 mail.example.com ESMTP\n":                      "220 mail.example.com ESMTP",
		"SSH-2.0-x":                                         "SSH-2.0-x",
		"\r\nlogin: ":                                       "\r\nlogin: ",
		strings.Repeat("x", 2*maxTLSOther):                  strings.Repeat("x", maxTLSOther),
	} {
		for _, cut := range []int{1, 7, len(answer)} {
			talk := []spoken{{client, clientHello("a.example")}}
			for b := answer; b != ""; b = b[min(cut, len(b)):] {
				talk = append(talk, spoken{server, b[:min(cut, len(b))]})
			}
			got := sessionOf(talk, nil, 0)
			if len(got.Findings) != 1 || got.Findings[0].Code != TLSToPlainPort || got.Findings[0].Got != want {
				t.Errorf("%q: %+v, want %q", answer, got.Findings, want)
			}
		}
	}
}

// TestTLSPieces checks that it makes no difference how the bytes are cut.
func TestTLSPieces(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, test := range tlsTalks {
		want := tlsText(sessionOf(test.talk, nil, 0))
		for range 200 {
			if got := tlsText(sessionOf(test.talk, rng, 1+rng.IntN(60))); got != want {
				t.Fatalf("%s:\n%s\nwant\n%s", test.name, got, want)
			}
		}
	}
}

// tlsText is what is found but for stamps, which depend on the pieces.
func tlsText(t *Attempt) string {
	x := *t.TLS
	for _, at := range x.stamps() {
		if at.Seen() {
			*at = flow.Stamp{Frame: 1}
		}
	}
	x.First, x.Asked = flow.Stamp{}, flow.Stamp{}
	text := fmt.Sprintf("%v %+v", t.Verdict, x)
	for _, f := range t.Findings {
		text += " " + f.Code.String()
	}
	return text
}

func TestResumption(t *testing.T) {
	type hello = tlswire.ClientHello
	type answer = tlswire.ServerHello
	for _, test := range []struct {
		name  string
		hello hello
		by    answer
		whole bool // the server sends its certificate
		want  Resumption
	}{
		{"nothing offered", hello{}, answer{}, true, NotOffered},
		{"ticket", hello{Ticket: true}, answer{}, false, Resumed},
		{"ticket refused", hello{Ticket: true}, answer{SessionID: "new"}, true, Refused},
		{"identifier", hello{SessionID: "a"}, answer{SessionID: "a"}, false, Resumed},
		{"identifier that may be made up", hello{SessionID: "a"}, answer{SessionID: "b"}, true, NotOffered},
		{"pre-shared key", hello{PreSharedKey: true}, answer{Version: tls13, PreSharedKey: true}, false, Resumed},
		{"pre-shared key refused", hello{PreSharedKey: true}, answer{Version: tls13}, false, Refused},
	} {
		s := session{hello: &test.hello, server: &test.by}
		s.Spoke[1] = flow.Stamp{Frame: 9}
		if test.whole {
			s.CertificateAt = flow.Stamp{Frame: 8}
		}
		if got := s.resumption(); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// What is packed of a session is what comes out.
func TestPackedSession(t *testing.T) {
	h, ok := tlswire.ParseClientHello([]byte(clientHello("pack.example")[9:]))
	if !ok {
		t.Fatal("no ClientHello")
	}
	at := func(frame int) flow.Stamp { return flow.Stamp{Frame: frame, Time: 1e18 + int64(frame)} }
	s := &session{hello: h, TLS: TLS{
		First: at(3), Asked: at(4), Answered: at(6), Version: tls12, Suite: 0xc02f, Protocol: "http/1.1", Retry: true,
		Unreceived: true, AsksCertificate: true, FlightDone: at(8), CertificateAt: at(7),
	}}
	s.summarise()
	s.Spoke, s.Opened, s.Latest = [2]flow.Stamp{at(9), at(10)}, at(10), at(99)
	s.Other, s.OtherAt = "x", at(5)
	s.Records, s.Small, s.Resumption = [2]int{4, 5}, [2]int{1, 2}, Refused
	s.Unread = [2]tlsdecrypt.Reason{tlsdecrypt.NoKeys, tlsdecrypt.BytesLost}
	s.Alert = TLSAlert{At: at(11), By: Client, Fatal: true, Sealed: true, Description: 48}
	s.client, s.tunnel = flow.BtoA, "pack.example:443"
	a := New(nil)
	a.packer.session(s)
	u := unpacker{b: a.packer.b, phrases: &a.phrases}
	var got store
	u.exchange(&got.Attempt, &got, &a.certificates)
	if len(u.b) > 0 || !reflect.DeepEqual(*got.TLS, s.TLS) || got.Tunnel != s.tunnel || got.ClientDir != s.client {
		t.Errorf("%d bytes left\n%q %v %+v, want\n%+v", len(u.b), got.Tunnel, got.ClientDir, *got.TLS, s.TLS)
	}
}

// FuzzTLS checks that nothing panics, and that it makes no difference how the bytes
// of both directions are cut, and whether they go through a tunnel.
func FuzzTLS(f *testing.F) {
	for _, test := range tlsTalks {
		var said [2]string
		for _, s := range test.talk {
			said[s.by] += s.data
		}
		f.Add([]byte(said[client]), []byte(said[server]), uint64(7))
	}
	f.Fuzz(func(t *testing.T, asked, answered []byte, seed uint64) {
		if len(asked) > 1<<12 || len(answered) > 1<<12 || !startsTLS(asked) {
			return
		}
		talk := []spoken{{client, string(asked)}, {server, string(answered)}, {server, ""}}
		want := sessionOf(talk, nil, 0)
		rng := rand.New(rand.NewPCG(seed, 1))
		for _, talk := range [][]spoken{talk, inTunnel(talk)} {
			got := sessionOf(talk, rng, 50)
			if (want == nil) != (got == nil) || want != nil && tlsText(got) != tlsText(want) {
				t.Fatalf("%+v, want %+v", got, want)
			}
		}
	})
}

// certificateFor is what a certificate says that is valid, or was.
func certificateFor(t *testing.T, name string, from, to int64) *Certificate {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Unix(from, 0), NotAfter: time.Unix(to, 0)}
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	var all certificates
	return all.at(all.numbers(nil, [][]byte{der})[0])
}

// TestVagueAlert has a client that rejects certificates without saying why: what
// they show is told, and nothing is silent.
func TestVagueAlert(t *testing.T) {
	at := flow.Stamp{Frame: 5, Time: 1e18}
	good, expired, other := certificateFor(t, "a.example", 0, 4e9), certificateFor(t, "a.example", 0, 9e8), certificateFor(t, "b.example", 0, 4e9)
	unread := &Certificate{SHA256: "00"}
	for _, test := range []struct {
		name  string
		chain []*Certificate
		code  tlswire.AlertDescription
		want  string
	}{
		{"good", []*Certificate{good}, tlswire.BadCertificate, "tls-cert-untrusted"},
		{"expired", []*Certificate{expired}, tlswire.BadCertificate, "tls-cert-date"},
		{"another name", []*Certificate{other}, tlswire.CertificateUnknown, "tls-cert-name"},
		{"expired issuer", []*Certificate{good, expired}, tlswire.CertificateUnknown, "tls-cert-date"},
		{"issuer that cannot be read", []*Certificate{good, unread}, tlswire.BadCertificate, "tls-cert-untrusted"},
		{"none that can be read", []*Certificate{unread}, tlswire.BadCertificate, "tls-cert-untrusted"},
		{"called expired, and valid", []*Certificate{good}, tlswire.CertificateExpired, "tls-client-clock"},
		{"called expired, and not all can be read", []*Certificate{good, unread}, tlswire.CertificateExpired, "tls-cert-date"},
	} {
		a := &Attempt{Conn: &flow.Evidence{}, TLS: &TLS{
			Asked: at, CertificateAt: at, Named: true, ServerName: "a.example", HelloTime: 1 << 31, Certificates: test.chain,
			Alert: TLSAlert{At: at, By: Client, Fatal: true, Description: test.code},
		}}
		a.judgeTLS(at, 0)
		if len(a.Findings) != 1 || a.Findings[0].Code.String() != test.want || a.Verdict != TLSFailed {
			t.Errorf("%s: %v %+v, want %s", test.name, a.Verdict, a.Findings, test.want)
		}
	}
}

// A client whose later bytes are lost has no ClientHello that is.
func TestLostAfterTheHello(t *testing.T) {
	at := flow.Stamp{Frame: 5, Time: 1e18}
	a := &Attempt{Conn: &flow.Evidence{Sent: [2]bool{true, true}, Retrans: [2]int32{4, 0}}, TLS: &TLS{Asked: at, Named: true}}
	a.Close = Close{By: Client, How: CloseRST, At: flow.Stamp{Frame: 9, Time: 1e18 + 1e9}}
	if a.judgeTLS(at, 0); len(a.Findings) != 1 || a.Findings[0].Code != TLSHelloBlackhole {
		t.Errorf("%+v", a.Findings)
	}
	a.Findings, a.TLS.Answered = nil, flow.Stamp{Frame: 6, Time: 1e18 + 1}
	if a.judgeTLS(at, 0); len(a.Findings) != 1 || a.Findings[0].Code != TLSHandshakeAbandoned {
		t.Errorf("with an answer: %+v", a.Findings)
	}
}

func TestDecisiveAlert(t *testing.T) {
	alert := func(frame int, fatal, sealed bool) TLSAlert {
		return TLSAlert{At: flow.Stamp{Frame: frame, Time: 1}, Fatal: fatal, Sealed: sealed}
	}
	none := TLSAlert{}
	for i, test := range []struct{ x, y, want TLSAlert }{
		{none, none, none},
		{alert(1, false, false), none, alert(1, false, false)},
		{alert(1, false, false), alert(2, false, false), alert(2, false, false)},
		{alert(1, false, false), alert(2, true, false), alert(2, true, false)},
		{alert(1, true, false), alert(2, false, false), alert(1, true, false)},
		{alert(1, true, false), alert(2, true, false), alert(1, true, false)},
		{alert(1, false, true), alert(2, true, false), alert(1, false, true)},
	} {
		if a, b := decisive(test.x, test.y), decisive(test.y, test.x); a != test.want || b != test.want {
			t.Errorf("%d: %+v and %+v, want %+v", i, a, b, test.want)
		}
	}
}

// Certificates that are large, or many, are counted and not kept.
func TestCertificateBounds(t *testing.T) {
	var all certificates
	large := bytes.Repeat([]byte{1}, maxCertBytes/2)
	numbers := all.numbers(nil, [][]byte{large, append(large, 2), {3}, append(large, 4), large})
	if all.unread != 2 || len(all.list) != 2 || numbers[1] != 0 || numbers[3] != 0 || numbers[4] != numbers[0] {
		t.Errorf("%v, %d not kept", numbers, all.unread)
	}
	for i := range maxCertificates {
		all.numbers(nil, [][]byte{binary.BigEndian.AppendUint32(nil, uint32(i))})
	}
	if len(all.list) != maxCertificates || all.unread != 4 || all.at(0).Parsed {
		t.Errorf("%d, %d not kept", len(all.list), all.unread)
	}
}
