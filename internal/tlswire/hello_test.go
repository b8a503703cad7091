package tlswire

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"
)

// A recorder is a connection that keeps what is written and answers nothing.
type recorder struct {
	net.Conn
	bytes.Buffer
}

func (r *recorder) Write(b []byte) (int, error)      { return r.Buffer.Write(b) }
func (r *recorder) Read([]byte) (int, error)         { return 0, io.EOF }
func (r *recorder) Close() error                     { return nil }
func (r *recorder) SetWriteDeadline(time.Time) error { return nil }

// stdHello is the body of the ClientHello that crypto/tls sends.
func stdHello(t testing.TB, c *tls.Config) []byte {
	t.Helper()
	var r recorder
	c.InsecureSkipVerify = true // ServerName may be empty
	tls.Client(&r, c).Handshake()
	h, ok := ReadHeader(r.Bytes())
	if !ok || h.Type != Handshake {
		t.Fatalf("crypto/tls sent no handshake: %x", r.Bytes())
	}
	kind, body, _, _, ok := NextMessage(r.Bytes()[HeaderLen:])
	if !ok || kind != ClientHelloType {
		t.Fatal("crypto/tls sent no ClientHello")
	}
	return body
}

// A seen is what the tests compare of a ClientHello.
type seen struct {
	name    string
	alpn    []string
	version uint16
}

func mustBe(t *testing.T, body []byte, want seen) {
	t.Helper()
	h, ok := ParseClientHello(body)
	if !ok {
		t.Fatalf("%x is no ClientHello", body)
	}
	if got := (seen{h.ServerName, h.ALPN, h.Version()}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func mustNotBe(t *testing.T, body []byte) {
	t.Helper()
	if h, ok := ParseClientHello(body); ok {
		t.Errorf("%x is %+v", body, h)
	}
}

func TestClientHello(t *testing.T) {
	for _, c := range []struct {
		name   string
		config *tls.Config
		want   seen
	}{
		{"default", &tls.Config{ServerName: "GW.example.net"}, seen{name: "gw.example.net", version: tls.VersionTLS13}},
		{"ALPN", &tls.Config{ServerName: "a_b-1.example", NextProtos: []string{"h2", "http/1.1"}}, seen{"a_b-1.example", []string{"h2", "http/1.1"}, tls.VersionTLS13}},
		{"no server name", &tls.Config{NextProtos: []string{"x"}}, seen{alpn: []string{"x"}, version: tls.VersionTLS13}},
		{"address", &tls.Config{ServerName: "192.0.2.1"}, seen{version: tls.VersionTLS13}},
		{"1.2 only", &tls.Config{ServerName: "old.example", MaxVersion: tls.VersionTLS12}, seen{name: "old.example", version: tls.VersionTLS12}},
		{"1.0 to 1.1", &tls.Config{ServerName: "older.example", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, seen{name: "older.example", version: tls.VersionTLS11}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := stdHello(t, c.config)
			mustBe(t, b, c.want)
			mustNotBe(t, append(b[:len(b):len(b)], "anything"...))
			before := 2 + 32 + 1 + int(b[34])
			before += 2 + int(binary.BigEndian.Uint16(b[before:]))
			before += 1 + int(b[before])
			for n := range b {
				if n != before { // there it is one without extensions
					mustNotBe(t, b[:n])
				}
			}
		})
	}
}

// handMade is the body of a ClientHello with these extensions, nil: none at all.
func handMade(extensions ...string) []byte {
	body := "\x03\x03" + strings.Repeat("r", 32) + // legacy_version, random
		vec(1, "session") +
		vec(2, "\x13\x01\x2a\x2a") + // cipher suites
		vec(1, "\x00") // no compression
	if extensions != nil {
		body += vec(2, strings.Join(extensions, ""))
	}
	return []byte(body)
}

// vec is a vector after its length in so many bytes.
func vec(size int, s string) string {
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(s)))
	return string(n[4-size:]) + s
}

func ext(kind byte, data string) string { return "\x00" + string([]byte{kind}) + vec(2, data) }

func sni(names ...string) string {
	list := ""
	for _, n := range names {
		list += "\x00" + vec(2, n)
	}
	return ext(0, vec(2, list))
}

const (
	greaseExt  = "\x3a\x3a\x00\x01\x00"
	unknownExt = "\xff\x01\x00\x01\x00"
)

func TestHelloByHand(t *testing.T) {
	const tls12, tls13 = 0x0303, 0x0304
	for _, c := range []struct {
		name       string
		extensions []string
		want       seen
	}{
		{"no extensions", nil, seen{version: tls12}},
		{"extensions of no bytes", []string{""}, seen{version: tls12}},
		{"GREASE", []string{greaseExt, ext(43, vec(1, "\x6a\x6a\xfa\xfa\x03\x04\x03\x03\x7f\x1c")), "\xfa\xfa\x00\x00"}, seen{version: tls13}},
		{"only GREASE", []string{ext(43, vec(1, "\x6a\x6a"))}, seen{}},
		{"name", []string{unknownExt, sni("A-1_b.Example.")}, seen{name: "a-1_b.example.", version: tls12}},
		{"odd bytes in a name", []string{sni("a\x1b[31m.example")}, seen{version: tls12}},
		{"zero in a name", []string{sni("a\x00.example")}, seen{version: tls12}},
		{"name in UTF-8", []string{sni("bücher.example")}, seen{version: tls12}},
		{"address of IPv6", []string{sni("2001:db8::1")}, seen{version: tls12}},
		{"empty name", []string{sni("")}, seen{version: tls12}},
		{"longest name", []string{sni(strings.Repeat("a", 255))}, seen{name: strings.Repeat("a", 255), version: tls12}},
		{"too long a name", []string{sni(strings.Repeat("a", 256))}, seen{version: tls12}},
		{"two names", []string{sni("a.example", "b.example")}, seen{version: tls12}},
		{"name of another type before", []string{ext(0, vec(2, "\x07"+vec(2, "?")+"\x00"+vec(2, "a.example")))}, seen{name: "a.example", version: tls12}},
		{"empty extensions", []string{ext(0, ""), ext(16, ""), ext(43, "")}, seen{}},
		{"empty lists", []string{ext(0, vec(2, "")), ext(16, vec(2, "")), ext(43, vec(1, ""))}, seen{}},
		{"empty protocol", []string{ext(16, vec(2, vec(1, "h2")+vec(1, "")))}, seen{version: tls12}},
		{"many protocols", []string{ext(16, vec(2, strings.Repeat(vec(1, "h2"), 40)))}, seen{alpn: strings.Fields(strings.Repeat("h2 ", 16)), version: tls12}},
		{"list longer than its extension", []string{ext(0, "\x00\x63\x00\x00\x01a"), ext(16, "\x00\x09\x02h2")}, seen{version: tls12}},
		{"list shorter than its extension", []string{ext(0, vec(2, "\x00"+vec(2, "a"))+"x"), ext(16, vec(2, vec(1, "h2"))+"x"), ext(43, vec(1, "\x03\x04")+"x")}, seen{}},
		{"member longer than its list", []string{ext(0, vec(2, "\x00\x00\x63a")), ext(16, vec(2, vec(1, "h2")+"\x09x")), ext(43, vec(1, "\x03\x04\x03"))}, seen{}},
	} {
		t.Run(c.name, func(t *testing.T) { mustBe(t, handMade(c.extensions...), c.want) })
	}
}

func TestNoHello(t *testing.T) {
	fixed := "\x03\x03" + strings.Repeat("r", 32)
	for name, body := range map[string]string{
		"empty message":                "",
		"too short for its fixed part": fixed[:33],
		"no cipher suites":             fixed + vec(1, ""),
		"half a cipher suite":          fixed + vec(1, "") + vec(2, "\x13\x01\x13") + vec(1, "\x00"),
		"session beyond the end":       fixed + "\xff" + "session",
		"cipher suites beyond the end": fixed + vec(1, "") + "\xff\xff\x13\x01",
		"compression beyond the end":   fixed + vec(1, "") + vec(2, "\x13\x01") + "\x02\x00",
		"extensions beyond the end":    fixed + vec(1, "") + vec(2, "\x13\x01") + vec(1, "\x00") + "\x00\x05\x00\x00\x00\x00",
		"bytes after the extensions":   fixed + vec(1, "") + vec(2, "\x13\x01") + vec(1, "\x00") + vec(2, ext(16, "")) + "x",
		"extension beyond the end":     string(handMade(sni("a.example"), "\x00\x10\x00\x09\x00")),
		"extension without length":     string(handMade(sni("a.example"), "\x00\x10\x00")),
		"extension twice":              string(handMade(sni("a.example"), sni("b.example"))),
	} {
		t.Run(name, func(t *testing.T) { mustNotBe(t, []byte(body)) })
	}
}

func TestReadHeader(t *testing.T) {
	for _, c := range []struct {
		b    string
		want Header
		ok   bool
	}{
		{"\x16\x03\x01\x00\x05hello", Header{Handshake, 0x0301, 5}, true},
		{"\x17\x03\x03\x48\x00", Header{ApplicationData, 0x0303, MaxFragment}, true},
		{"\x17\x03\x03\x48\x01", Header{}, false},
		{"\x16\x03\x01\x00", Header{}, false},
		{"\x13\x03\x01\x00\x05", Header{}, false},
		{"\x18\x03\x01\x00\x05", Header{}, false},
		{"\x16\x02\x01\x00\x05", Header{}, false},
		{"\x16\xfe\xfd\x00\x05", Header{}, false},
		{"\x16\x03\x05\x00\x05", Header{}, false},
	} {
		h, ok := ReadHeader([]byte(c.b))
		if ok != c.ok || ok && h != c.want {
			t.Errorf("%q: %+v, %v", c.b, h, ok)
		}
	}
	for b, want := range map[string]bool{"": true, "\x16": true, "\x16\x03": true, "\x16\x03\x04": true, "G": false, "\x16G": false, "\x16\x03\x05": false} {
		if Starts([]byte(b)) != want {
			t.Errorf("%q: %v", b, !want)
		}
	}
}

func TestNextMessage(t *testing.T) {
	b := []byte("\x0b\x00\x00\x03abc\x0e\x00\x00\x00\x01")
	kind, body, rest, _, ok := NextMessage(b)
	if kind != CertificateType || string(body) != "abc" || !ok {
		t.Errorf("%v %q %v", kind, body, ok)
	}
	kind, body, rest, _, ok = NextMessage(rest)
	if kind != ServerHelloDone || len(body) != 0 || !ok {
		t.Errorf("%v %q %v", kind, body, ok)
	}
	if _, _, rest, need, ok := NextMessage(rest); ok || need != 0 || len(rest) != 1 {
		t.Errorf("%q %d %v", rest, need, ok)
	}
	if _, _, _, need, ok := NextMessage(b[:6]); ok || need != 7 {
		t.Errorf("%d %v", need, ok)
	}
}

func TestServerHello(t *testing.T) {
	body := func(random string, extensions ...string) []byte {
		return []byte("\x03\x03" + random + vec(1, "id") + "\xc0\x2f\x00" + vec(2, strings.Join(extensions, "")))
	}
	random := strings.Repeat("s", 32)
	want := ServerHello{LegacyVersion: 0x0303, Version: 0x0303, SessionID: "id", Suite: 0xc02f, Random: [32]byte([]byte(random))}
	for _, c := range []struct {
		name string
		body []byte
		edit func(h *ServerHello)
	}{
		{"1.2", body(random), func(h *ServerHello) {}},
		{"1.3", body(random, ext(43, "\x03\x04"), ext(51, "\x00\x1d"+vec(2, "key"))), func(h *ServerHello) {
			h.Version, h.Group, h.Extensions = 0x0304, 29, []uint16{43, 51}
		}},
		{"ALPN", body(random, ext(16, vec(2, vec(1, "h2"))), ext(23, ""), ext(22, "")), func(h *ServerHello) {
			h.ALPN, h.ExtendedMasterSecret, h.EncryptThenMAC, h.Extensions = "h2", true, true, []uint16{16, 23, 22}
		}},
		{"two protocols", body(random, ext(16, vec(2, vec(1, "h2")+vec(1, "h3")))), func(h *ServerHello) { h.Extensions = []uint16{16} }},
		{"retry", body(helloRetry, ext(41, "\x00\x00")), func(h *ServerHello) {
			h.Retry, h.PreSharedKey, h.Extensions, h.Random = true, true, []uint16{41}, [32]byte([]byte(helloRetry))
		}},
	} {
		want := want
		c.edit(&want)
		h, ok := ParseServerHello(c.body)
		if !ok || !reflect.DeepEqual(*h, want) {
			t.Errorf("%s: %+v, %v; want %+v", c.name, h, ok, want)
		}
		for n := range c.body {
			if _, ok := ParseServerHello(c.body[:n]); ok && n != 2+32+3+3 {
				t.Errorf("%s: ok with %d bytes", c.name, n)
			}
		}
	}
}

func TestCertificates(t *testing.T) {
	list, ok := ParseCertificate([]byte(vec(3, vec(3, "leaf")+vec(3, "root"))))
	if !ok || len(list) != 2 || string(list[0]) != "leaf" || string(list[1]) != "root" {
		t.Errorf("%q %v", list, ok)
	}
	list, ok = ParseCertificate13([]byte(vec(1, "context") + vec(3, vec(3, "leaf")+vec(2, "ext")+vec(3, "root")+vec(2, ""))))
	if !ok || len(list) != 2 || string(list[1]) != "root" {
		t.Errorf("%q %v", list, ok)
	}
	if list, ok := ParseCertificate([]byte(vec(3, strings.Repeat(vec(3, "c"), 99)))); !ok || len(list) != maxCertificates {
		t.Errorf("%d %v", len(list), ok)
	}
	for _, b := range []string{"", "\x00", vec(3, "\x00\x00\x09x"), vec(3, vec(3, "x")) + "y"} {
		if _, ok := ParseCertificate([]byte(b)); ok {
			t.Errorf("%q is ok", b)
		}
		if _, ok := ParseCertificate13([]byte(vec(1, "") + b)); ok {
			t.Errorf("%q is ok in TLS 1.3", b)
		}
	}
}

// The examples are those of the texts that define the fingerprints.
func TestFingerprints(t *testing.T) {
	h := &ClientHello{
		LegacyVersion: 0x0303, HasName: true, ServerName: "x", ALPN: []string{"h2", "http/1.1"}, Versions: []uint16{0x6a6a, 0x0304, 0x0303},
		Suites:     []uint16{0xdada, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035},
		Extensions: []uint16{0x7a7a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015, 0x4a4a},
		Signatures: []uint16{0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601},
	}
	if got, want := h.JA4(), "t13d1516h2_8daaf6152771_e5627efa2ab1"; got != want {
		t.Errorf("JA4 %s, want %s", got, want)
	}
	if got, want := new(ClientHello).JA4(), "t00i000000_000000000000_000000000000"; got != want {
		t.Errorf("JA4 of nothing %s, want %s", got, want)
	}
	odd := &ClientHello{ALPN: []string{"\xab"}, LegacyVersion: 0x0300, Extensions: []uint16{16}}
	if got, want := odd.JA4(), "ts3i0001ab_000000000000_000000000000"; got != want {
		t.Errorf("JA4 %s, want %s", got, want)
	}
	for alpn, want := range map[string]string{ // those of the definition, and GREASE
		"h2": "h2", "http/1.1": "h1", "q": "qq", "\xab\xcd": "ad", "\x30\xab": "3b", "\x30\x31\xab\xcd": "3d", "\x30\xab\xcd\x31": "01",
		"\x1a\x1a h2": "h2", "\x1a\x1a": "00", "\x1a\x2a": "1a",
	} {
		if got := (&ClientHello{ALPN: strings.Fields(alpn)}).JA4(); got[8:10] != want {
			t.Errorf("%q: JA4 %s, want %s", alpn, got, want)
		}
	}
	for _, test := range []struct {
		h    ClientHello
		want string
	}{
		{ClientHello{LegacyVersion: 0x0302}, "11"},
		{ClientHello{LegacyVersion: 0x0303, Versions: []uint16{0x0303, 0x0304}, Extensions: []uint16{43}}, "13"},
		{ClientHello{LegacyVersion: 0x0303, Versions: []uint16{0x7f1c, 0x0303}, Extensions: []uint16{43}}, "00"}, // a draft
		{ClientHello{LegacyVersion: 0x0303, Versions: []uint16{0x8a8a}, Extensions: []uint16{43}}, "00"},
	} {
		if got := test.h.JA4(); got[1:3] != test.want {
			t.Errorf("%x: JA4 %s, want %s", test.h.Versions, got, test.want)
		}
	}
	old := &ClientHello{
		LegacyVersion: 769, Suites: []uint16{47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4},
		Extensions: []uint16{0, 10, 11}, Groups: []uint16{23, 24, 25}, PointFormats: "\x00",
	}
	if got, want := old.JA3(), "ada70206e40642a3e4461f35503241d5"; got != want {
		t.Errorf("JA3 %s, want %s", got, want)
	}
	if got, want := (&ClientHello{LegacyVersion: 769, Suites: []uint16{4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99}}).JA3(), "de350869b8c85de67a350c8d186f11e6"; got != want {
		t.Errorf("JA3 %s, want %s", got, want)
	}
}

func TestNames(t *testing.T) {
	for v, want := range map[uint16]string{0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0304: "TLS 1.3", 0x7f1c: "0x7f1c"} {
		if got := VersionName(v); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := AlertDescription(48).String() + ", " + AlertDescription(250).String(); got != "unknown_ca, alert 250" {
		t.Error(got)
	}
}

// FuzzHello checks that a hello is found only where nothing of it is missing and
// nothing follows, and that fingerprints can be made of whatever it is.
func FuzzHello(f *testing.F) {
	f.Add(stdHello(f, &tls.Config{ServerName: "a.example", NextProtos: []string{"h2"}}))
	f.Add(handMade(greaseExt, sni("a.example"), ext(16, vec(2, vec(1, "h2")))))
	f.Add(handMade(ext(43, "\x03\x04"), ext(51, "\x00\x1d")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, ok := ParseClientHello(b); ok {
			if len(h.JA3()) != 32 || len(h.JA4()) != 36 {
				t.Fatalf("%s %s", h.JA3(), h.JA4())
			}
			if _, ok := ParseClientHello(append(b[:len(b):len(b)], 1)); ok && len(h.Extensions) > 0 {
				t.Fatal("bytes may follow")
			}
		}
		ParseServerHello(b)
		for _, parse := range []func([]byte) ([][]byte, bool){ParseCertificate, ParseCertificate13} {
			list, _ := parse(b)
			total := 0
			for _, c := range list {
				total += len(c)
			}
			if total > len(b) {
				t.Fatalf("%d bytes of certificates in %d", total, len(b))
			}
		}
	})
}
