package analyze

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// exchange plays one connection of 10.0.0.7 with an exchange of two heads; the
// response may be empty.
func (a *Analyzer) exchange(id int, request, response string) {
	d := a.dialogue(id)
	d.say(client, request)
	if response != "" {
		d.say(server, response)
	}
	for dir := range d.way {
		d.end(flow.Dir(dir), flow.FIN)
	}
}

// finishAll judges what several dialogues played.
func (a *Analyzer) finishAll() []string {
	return summary(a.Finish(flow.Stamp{Frame: 1 << 30, Time: 2e18}, 0))
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
			a := New(nil)
			for i := range test.keys {
				nonce := sha1.Sum(fmt.Append(nil, i))
				for j := range nonce {
					nonce[j] = test.byte(nonce[j])
				}
				a.exchange(i, strings.Replace(upgrade, key, keyOfBytes(nonce[:16]), 1), "")
			}
			for i, line := range a.finishAll() {
				if got := strings.Contains(line, KeyLowEntropy.String()); got != (test.want && i == 0) {
					t.Errorf("attempt %d: %q", i, line)
				}
			}
		})
	}
}

func TestRelatePortals(t *testing.T) {
	type redirect struct{ host, location string }
	for _, test := range []struct {
		name string
		sent []redirect
		want bool
	}{
		{"two sites to one", []redirect{{"a.example.com", "http://10.1.1.1/x"}, {"b.example.net", "http://10.1.1.1/y"}}, true},
		{"one site", []redirect{{"a.example.com", "http://10.1.1.1/x"}, {"b.example.com", "http://10.1.1.1/y"}}, false},
		{"a page inside", []redirect{{"a.example.com", "http://10.1.1.1/hotspot"}}, true},
		{"a page inside that is told where from", []redirect{{"a.example.com", "http://10.1.1.1/?for=a.example.com"}}, true},
		{"a page outside", []redirect{{"a.example.com", "http://203.0.113.1/terms"}}, false},
		{"own site", []redirect{{"a.example.com", "http://login.example.com/"}, {"b.example.net", "http://login.example.com/"}}, false},
	} {
		a := New(nil)
		for i, r := range test.sent {
			a.exchange(i, strings.Replace(upgrade, "Host: gw", "Host: "+r.host, 1), "HTTP/1.1 302 Found\r\nLocation: "+r.location+"\r\n\r\n")
		}
		for _, line := range a.finishAll() {
			if got := strings.Contains(line, CaptivePortal.String()); got != test.want {
				t.Errorf("%s: %q, want captive-portal: %v", test.name, line, test.want)
			}
		}
	}
}
