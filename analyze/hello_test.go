package analyze

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

// stdHello is the ClientHello that crypto/tls sends.
func stdHello(t testing.TB, c *tls.Config) []byte {
	t.Helper()
	var r recorder
	c.InsecureSkipVerify = true // ServerName may be empty
	tls.Client(&r, c).Handshake()
	b := r.Bytes()
	if len(b) < 5 {
		t.Fatal("crypto/tls sent no ClientHello")
	}
	return b[:5+binary.BigEndian.Uint16(b[3:])] // an alert follows
}

// stdHellos are ClientHellos of crypto/tls and what is in them.
var stdHellos = []struct {
	name   string
	config *tls.Config
	want   Hello
}{
	{"default", &tls.Config{ServerName: "GW.example.net"}, Hello{ServerName: "gw.example.net", Version: tls.VersionTLS13}},
	{"ALPN", &tls.Config{ServerName: "a_b-1.example", NextProtos: []string{"h2", "http/1.1"}}, Hello{"a_b-1.example", []string{"h2", "http/1.1"}, tls.VersionTLS13}},
	{"no server name", &tls.Config{NextProtos: []string{"x"}}, Hello{ALPN: []string{"x"}, Version: tls.VersionTLS13}},
	{"address", &tls.Config{ServerName: "192.0.2.1"}, Hello{Version: tls.VersionTLS13}},
	{"1.2 only", &tls.Config{ServerName: "old.example", MaxVersion: tls.VersionTLS12}, Hello{ServerName: "old.example", Version: tls.VersionTLS12}},
	{"1.0 to 1.1", &tls.Config{ServerName: "older.example", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, Hello{ServerName: "older.example", Version: tls.VersionTLS11}},
	{"small", &tls.Config{ServerName: "p256.example", CurvePreferences: []tls.CurveID{tls.CurveP256}}, Hello{ServerName: "p256.example", Version: tls.VersionTLS13}},
}

// mustBe checks that b is a whole ClientHello with these contents.
func mustBe(t *testing.T, b []byte, want Hello) {
	t.Helper()
	got, ok, more := readHello(b)
	if !ok || more || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, ok %v, more %v; want %+v", got, ok, more, want)
	}
}

// mustNotBe checks that b is no ClientHello, or that more of it may be to come.
func mustNotBe(t *testing.T, b []byte, wantMore bool) {
	t.Helper()
	got, ok, more := readHello(b)
	if ok || more != wantMore || !reflect.DeepEqual(got, Hello{}) {
		t.Errorf("%d bytes: %+v, ok %v, more %v; want none, more %v", len(b), got, ok, more, wantMore)
	}
}

func TestHello(t *testing.T) {
	for _, c := range stdHellos {
		t.Run(c.name, func(t *testing.T) {
			b := stdHello(t, c.config)
			mustBe(t, b, c.want)
			mustBe(t, append(b[:len(b):len(b)], "anything"...), c.want)
			for n := range b {
				mustNotBe(t, b[:n], true)
			}
		})
	}
}

// spread puts the message of a single record into records of so many bytes.
func spread(b []byte, size int) (records []byte) {
	for message := b[5:]; len(message) > 0; {
		n := min(size, len(message))
		records = binary.BigEndian.AppendUint16(append(records, 22, 3, 1), uint16(n))
		records = append(records, message[:n]...)
		message = message[n:]
	}
	return records
}

func TestHelloInSeveralRecords(t *testing.T) {
	c := stdHellos[1]
	b := stdHello(t, c.config)
	for _, size := range []int{len(b)/maxHelloRecords + 1, 100, 1000, len(b) - 6} {
		s := spread(b, size)
		mustBe(t, s, c.want)
		mustBe(t, append(s, 23, 3, 3), c.want)
		for n := range s {
			mustNotBe(t, s[:n], true)
		}
	}
	many := spread(b, 1)
	mustNotBe(t, many[:6*maxHelloRecords], true)
	mustNotBe(t, many[:6*maxHelloRecords+1], false)
	s := spread(b, 100)
	s[105] = 23 // application data between the fragments
	mustNotBe(t, s, false)
}

// handMade is a ClientHello with these extensions, nil: none at all.
func handMade(extensions ...string) []byte {
	body := "\x03\x03" + strings.Repeat("r", 32) + // legacy_version, random
		vec(1, "session") +
		vec(2, "\x13\x01\x2a\x2a") + // cipher suites
		vec(1, "\x00") // no compression
	if extensions != nil {
		body += vec(2, strings.Join(extensions, ""))
	}
	return handRecord("\x01" + vec(3, body))
}

func handRecord(fragment string) []byte { return []byte("\x16\x03\x01" + vec(2, fragment)) }

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
		want       Hello
	}{
		{"no extensions", nil, Hello{Version: tls12}},
		{"extensions of no bytes", []string{""}, Hello{Version: tls12}},
		{"GREASE", []string{greaseExt, ext(43, vec(1, "\x6a\x6a\xfa\xfa\x03\x04\x03\x03\x7f\x1c")), "\xfa\xfa\x00\x00"}, Hello{Version: tls13}},
		{"only GREASE", []string{ext(43, vec(1, "\x6a\x6a"))}, Hello{}},
		{"name", []string{unknownExt, sni("A-1_b.Example.")}, Hello{ServerName: "a-1_b.example.", Version: tls12}},
		{"odd bytes in a name", []string{sni("a\x1b[31m.example")}, Hello{Version: tls12}},
		{"zero in a name", []string{sni("a\x00.example")}, Hello{Version: tls12}},
		{"name in UTF-8", []string{sni("bücher.example")}, Hello{Version: tls12}},
		{"address of IPv6", []string{sni("2001:db8::1")}, Hello{Version: tls12}},
		{"empty name", []string{sni("")}, Hello{Version: tls12}},
		{"longest name", []string{sni(strings.Repeat("a", 255))}, Hello{ServerName: strings.Repeat("a", 255), Version: tls12}},
		{"too long a name", []string{sni(strings.Repeat("a", 256))}, Hello{Version: tls12}},
		{"two names", []string{sni("a.example", "b.example")}, Hello{Version: tls12}},
		{"name of another type before", []string{ext(0, vec(2, "\x07"+vec(2, "?")+"\x00"+vec(2, "a.example")))}, Hello{ServerName: "a.example", Version: tls12}},
		{"empty extensions", []string{ext(0, ""), ext(16, ""), ext(43, "")}, Hello{}},
		{"empty lists", []string{ext(0, vec(2, "")), ext(16, vec(2, "")), ext(43, vec(1, ""))}, Hello{}},
		{"empty protocol", []string{ext(16, vec(2, vec(1, "h2")+vec(1, "")))}, Hello{Version: tls12}},
		{"many protocols", []string{ext(16, vec(2, strings.Repeat(vec(1, "h2"), 40)))}, Hello{ALPN: strings.Fields(strings.Repeat("h2 ", 16)), Version: tls12}},
		{"list longer than its extension", []string{ext(0, "\x00\x63\x00\x00\x01a"), ext(16, "\x00\x09\x02h2")}, Hello{Version: tls12}},
		{"list shorter than its extension", []string{ext(0, vec(2, "\x00"+vec(2, "a"))+"x"), ext(16, vec(2, vec(1, "h2"))+"x"), ext(43, vec(1, "\x03\x04")+"x")}, Hello{}},
		{"member longer than its list", []string{ext(0, vec(2, "\x00\x00\x63a")), ext(16, vec(2, vec(1, "h2")+"\x09x")), ext(43, vec(1, "\x03\x04\x03"))}, Hello{}},
	} {
		t.Run(c.name, func(t *testing.T) { mustBe(t, handMade(c.extensions...), c.want) })
	}
}

func TestNoHello(t *testing.T) {
	fixed := "\x03\x03" + strings.Repeat("r", 32)
	message := func(body string) []byte { return handRecord("\x01" + vec(3, body)) }
	for _, c := range []struct {
		name string
		b    []byte
	}{
		{"HTTP", []byte("G")},
		{"TLS 1.5", []byte("\x16\x03\x05")},
		{"DTLS", []byte("\x16\xfe")},
		{"alert", []byte("\x15\x03\x01\x00\x02\x02\x28")},
		{"ServerHello", []byte("\x16\x03\x03\x00\x7a\x02")},
		{"empty record", []byte("\x16\x03\x01\x00\x00")},
		{"too long a record", []byte("\x16\x03\x01\x40\x01")},
		{"too long a message", []byte("\x16\x03\x01\x40\x00\x01\x00\x3f\xfd")},
		{"empty message", message("")},
		{"too short for its fixed part", message(fixed[:33])},
		{"no cipher suites", message(fixed + vec(1, ""))},
		{"session beyond the end", message(fixed + "\xff" + "session")},
		{"cipher suites beyond the end", message(fixed + vec(1, "") + "\xff\xff\x13\x01")},
		{"compression beyond the end", message(fixed + vec(1, "") + vec(2, "\x13\x01") + "\x02\x00")},
		{"extensions beyond the end", message(fixed + vec(1, "") + vec(2, "\x13\x01") + vec(1, "\x00") + "\x00\x05\x00\x00\x00\x00")},
		{"bytes after the extensions", message(fixed + vec(1, "") + vec(2, "\x13\x01") + vec(1, "\x00") + vec(2, ext(16, "")) + "x")},
		{"extension beyond the end", handMade(sni("a.example"), "\x00\x10\x00\x09\x00")},
		{"extension without length", handMade(sni("a.example"), "\x00\x10\x00")},
		{"extension twice", handMade(sni("a.example"), sni("b.example"))},
	} {
		t.Run(c.name, func(t *testing.T) { mustNotBe(t, c.b, false) })
	}
}

func TestHelloAllocatesNamesOnly(t *testing.T) {
	b := handMade(sni("a.example"), ext(43, vec(1, "\x03\x04")))
	for name, b := range map[string][]byte{"one record": b, "several": spread(b, 9)} {
		if n := testing.AllocsPerRun(100, func() { readHello(b) }); n > 1 {
			t.Errorf("%s: %v allocations, want that of the name", name, n)
		}
	}
}

// FuzzHello checks that what is found stays when bytes follow, and that a
// ClientHello is asked to go on until it is whole, however it is spread.
func FuzzHello(f *testing.F) {
	for _, c := range stdHellos {
		f.Add(stdHello(f, c.config), uint16(50))
	}
	f.Add(handMade(greaseExt, sni("a.example"), ext(16, vec(2, vec(1, "h2")))), uint16(1))
	f.Add(spread(handMade(sni("a.example")), 20), uint16(7))
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		h, ok, more := readHello(b)
		if ok && more || !ok && !reflect.DeepEqual(h, Hello{}) {
			t.Fatalf("%+v, ok %v, more %v", h, ok, more)
		}
		if more && len(b) > maxHello+5*maxHelloRecords {
			t.Fatalf("more is wanted after %d bytes", len(b))
		}
		if !more {
			again, okAgain, moreAgain := readHello(append(b[:len(b):len(b)], 22, 3, 1, 0, 1, 1))
			if !reflect.DeepEqual(again, h) || okAgain != ok || moreAgain {
				t.Fatalf("bytes follow: %+v, ok %v, more %v; before %+v, ok %v", again, okAgain, moreAgain, h, ok)
			}
		}
		if n := min(int(cut), len(b)); ok {
			if _, early, more := readHello(b[:n]); early == more {
				t.Fatalf("%d of %d bytes: ok %v, more %v", n, len(b), early, more)
			}
		}
		fragment, _, _ := tlsFragment(b)
		if _, whole, _ := helloBody(fragment); ok && whole {
			size := len(fragment)/maxHelloRecords + 1 + int(cut)
			mustBe(t, spread(b[:5+len(fragment)], min(size, 1<<14)), h)
		}
	})
}
