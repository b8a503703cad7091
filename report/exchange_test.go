package report

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wssniff/wssniff/analyze"
)

func TestURLOf(t *testing.T) {
	for _, tt := range []struct{ head, url, domain string }{
		{"GET /ws HTTP/1.1\nHost: h:8080", "ws://h:8080/ws", "h"},
		{"GET /ws HTTP/1.1", "ws://192.0.2.9:80/ws", "192.0.2.9"},
		{"GET /ws HTTP/1.1\nHost: ", "ws://192.0.2.9:80/ws", "192.0.2.9"},
		{"GET http://u:p@h/ws?u=http://x HTTP/1.1\nHost: other", "http://u:p@h/ws?u=http://x", "h"},
		{"GET /ws?u=http://x HTTP/1.1\nHost: [2001:db8::1]:80", "ws://[2001:db8::1]:80/ws?u=http://x", "2001:db8::1"},
		{"GET /ws HTTP/1.1\nHost: [2001:db8::1]", "ws://[2001:db8::1]/ws", "2001:db8::1"},
		{"GET /ws HTTP/1.1\nHost: [2001:DB8:0::1]:80", "ws://[2001:DB8:0::1]:80/ws", "2001:db8::1"},
		{"GET /ws HTTP/1.1\nHost: 192.0.2.1:8080", "ws://192.0.2.1:8080/ws", "192.0.2.1"},
		{"GET /ws HTTP/1.1\nHost: 2001:db8::1", "ws://2001:db8::1/ws", "2001:db8::1"},
		{"GET ws HTTP/1.1\nHost: h", "ws", "h"},
		{"CONNECT h:443 HTTP/1.1\nHost: h:443", "ws://h:443", "h"},
	} {
		a := (&script{}).attempt(analyze.OK, tt.head, "")
		x := &account{a: a, veil: veil{masker: newMasker(&Options{ShowSecrets: true})}}
		x.read()
		if u, _ := x.url(); csvURL(x) != tt.url || u.domain != tt.domain {
			t.Errorf("%q: got %+v, want %s of %s", tt.head, u, tt.url, tt.domain)
		}
	}
}

func TestDurationText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		350 * time.Microsecond: "0.350 ms", 12345 * time.Microsecond: "12.3 ms", 1234 * time.Millisecond: "1.23 s",
		61500 * time.Millisecond: "61.5 s", 5 * time.Minute: "300.0 s", 57*time.Minute + 10499*time.Millisecond: "57m10s", 90 * time.Minute: "1h30m0s", -time.Millisecond: "-1.0 ms",
	} {
		if got := analyze.DurationText(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

func TestListItems(t *testing.T) {
	for in, want := range map[string][]string{
		"": {}, " , ": {}, "a": {"a"}, "a, b ,c": {"a", "b", "c"}, `a; x="1,2", b`: {`a; x="1,2"`, "b"}, `a="\",", b`: {`a="\","`, "b"}, `"a, b`: {`"a, b`},
	} {
		if got := listItems(in); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestWrapLine(t *testing.T) {
	for _, tt := range []struct {
		in    string
		width int
		want  string
	}{
		{"short", 10, "short"},
		{"one two three", 8, "one two|three"},
		{"abcdefghijkl", 5, "abcde|fghij|kl"},
		{"ws://host/path/x", 12, "ws://host/|path/x"},
		{"key  abcdefgh", 10, "key  abcde|     fgh"},
		{"世界世界", 5, "世界|世界"},
		{"世", 1, "世"},
		{"", 5, ""},
	} {
		if got := strings.Join(wrapLine(tt.in, tt.width), "|"); got != tt.want {
			t.Errorf("%q in %d: got %q, want %q", tt.in, tt.width, got, tt.want)
		}
	}
}

func TestAdviceOrder(t *testing.T) {
	s := &script{}
	var list []*analyze.Attempt
	for range 3 {
		a := s.attempt(analyze.BadHandshake, "GET / HTTP/1.1", "HTTP/1.1 101 x")
		find(a, analyze.ObsFold, analyze.Server, "", "", "")
		find(a, analyze.KeyLowEntropy, analyze.Client, "", "", "")
		list = append(list, a)
	}
	find(list[0], analyze.KeyMissing, analyze.Client, "", "", "")
	find(list[0], analyze.KeyMissing, analyze.Client, "", "", "")
	for _, a := range list[1:] {
		find(a, analyze.ResponseUpgradeMissing, analyze.Server, "", "", "")
	}
	var got []string
	p := newPage(&Input{Result: &analyze.Result{Attempts: analyze.NewAttempts(list...)}}, &Options{})
	for _, ad := range p.advice() {
		got = append(got, ad.code.String()+" "+p.where(ad))
	}
	want := []string{"response-upgrade-missing 2 of 3 attempts: #2 #3", "key-missing attempt #1", "obs-fold 3 of 3 attempts: #1 #2 #3"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
