package analyze

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/netip"
	"testing"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// literalAttempt is an attempt of 10.0.0.7 as the streams leave it, with one
// exchange of two heads; response may be empty.
func literalAttempt(id int, request, response string) *Attempt {
	c := &flow.Conn{ID: id, A: netip.MustParseAddrPort("10.0.0.7:50000"), B: netip.MustParseAddrPort("192.0.2.9:80")}
	at := flow.Stamp{Frame: 10*id + 1, Time: int64(id) * 1e9}
	t := &Attempt{Conn: c, Request: &Message{Head: parseHead(request), Complete: true, First: at, Done: at}}
	if response != "" {
		at.Frame++
		t.Response = &Message{Head: parseHead(response), Complete: true, First: at, Done: at}
	}
	return t
}

func keyOfBytes(nonce []byte) string { return base64.StdEncoding.EncodeToString(nonce) }

func TestRelateEntropy(t *testing.T) {
	for _, test := range []struct {
		name string
		keys int
		byte func(i byte) byte
		want bool
	}{
		{"never 0xff", manyKeys, func(b byte) byte { return b % 255 }, true},
		{"never 0x00", manyKeys, func(b byte) byte { return max(b, 1) }, true},
		{"any byte", manyKeys, func(b byte) byte { return b }, false},
		{"too few", manyKeys - 1, func(b byte) byte { return b % 255 }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var attempts []*Attempt
			for i := range test.keys {
				nonce := sha1.Sum(fmt.Append(nil, i))
				for j := range nonce {
					nonce[j] = test.byte(nonce[j])
				}
				a := literalAttempt(i, "GET / HTTP/1.1\r\n\r\n", "")
				a.Key = keyOfBytes(nonce[:16])
				attempts = append(attempts, a)
			}
			relateEntropy(attempts)
			if got := attempts[0].has(KeyLowEntropy); got != test.want {
				t.Errorf("key-low-entropy: %v, want %v", got, test.want)
			}
		})
	}
}

func TestRelatePortals(t *testing.T) {
	redirect := func(host, location string) *Attempt {
		return literalAttempt(1, "GET /ws HTTP/1.1\r\nHost: "+host+"\r\n\r\n", "HTTP/1.1 302 Found\r\nLocation: "+location+"\r\n\r\n")
	}
	for _, test := range []struct {
		name     string
		attempts []*Attempt
		want     bool
	}{
		{"two sites to one", []*Attempt{redirect("a.example.com", "http://10.1.1.1/x"), redirect("b.example.net", "http://10.1.1.1/y")}, true},
		{"one site", []*Attempt{redirect("a.example.com", "http://10.1.1.1/x"), redirect("b.example.com", "http://10.1.1.1/y")}, false},
		{"own site", []*Attempt{redirect("a.example.com", "http://login.example.com/"), redirect("b.example.net", "http://login.example.com/")}, false},
	} {
		relatePortals(test.attempts)
		for _, a := range test.attempts {
			if got := a.has(CaptivePortal); got != test.want {
				t.Errorf("%s: captive-portal: %v, want %v", test.name, got, test.want)
			}
		}
	}
}
