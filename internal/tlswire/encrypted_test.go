package tlswire

import (
	"encoding/hex"
	"reflect"
	"testing"
)

func TestParseEncryptedExtensions(t *testing.T) {
	for _, test := range []struct {
		name, body string
		want       *ServerExtensions
	}{
		{"RFC 8448, Section 3", "0022000a00140012001d00170018001901000101010201030104001c0002400100000000", &ServerExtensions{Extensions: []uint16{10, 28, 0}}},
		{"nothing", "0000", &ServerExtensions{}},
		{"h2", "0009" + "0010" + "0005" + "0003" + "026832", &ServerExtensions{Extensions: []uint16{16}, ALPN: "h2"}},
		{"early data", "0004" + "002a" + "0000", &ServerExtensions{Extensions: []uint16{42}, EarlyData: true}},
		{"two protocols", "000c" + "0010" + "0008" + "0006" + "026832" + "026833", &ServerExtensions{Extensions: []uint16{16}}},
		{"empty", "", nil},
		{"no length", "00", nil},
		{"cut", "0004" + "002a", nil},
		{"more behind", "0000" + "00", nil},
		{"the same twice", "0008" + "002a0000" + "002a0000", nil},
	} {
		body, err := hex.DecodeString(test.body)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if got, ok := ParseEncryptedExtensions(body); !reflect.DeepEqual(got, test.want) || ok != (test.want != nil) {
			t.Errorf("%s: %+v, %v, want %+v", test.name, got, ok, test.want)
		}
	}
}

func TestServerHelloCompression(t *testing.T) {
	body := append([]byte{3, 3}, make([]byte, 32+1+2)...)
	body = append(body, 1) // DEFLATE, RFC 3749
	if h, ok := ParseServerHello(body); !ok || h.Compression != 1 {
		t.Errorf("%+v, %v, want compression 1", h, ok)
	}
}

func TestParseNewSessionTicket(t *testing.T) {
	for _, test := range []struct {
		name, body, want string
		ok               bool
	}{
		{"ticket", "00001c20" + "0003" + "616263", "abc", true},
		{"no ticket", "00001c20" + "0000", "", true},
		{"cut", "00001c20" + "0003" + "6162", "", false},
		{"more behind", "00001c20" + "0001" + "6162", "a", false},
		{"empty", "", "", false},
	} {
		body, err := hex.DecodeString(test.body)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if got, ok := ParseNewSessionTicket(body); string(got) != test.want || ok != test.ok {
			t.Errorf("%s: %q, %v, want %q, %v", test.name, got, ok, test.want, test.ok)
		}
	}
}

func TestTicketBytes(t *testing.T) {
	body := append([]byte{3, 3}, make([]byte, 32+1)...)
	body = append(body, 0, 2, 0x13, 1, 1, 0)              // one suite, no compression
	body = append(body, 0, 7, 0, 35, 0, 3, 'a', 'b', 'c') // session_ticket
	if h, ok := ParseClientHello(body); !ok || !h.Ticket || h.TicketBytes != "abc" {
		t.Errorf("%+v, %v", h, ok)
	}
}
