package main

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/reassembly/flow"
)

func TestParseEndpoint(t *testing.T) {
	for _, tt := range []struct {
		text  string
		fits  []string
		fails []string
	}{
		{"10.0.0.7", []string{"10.0.0.7:1", "[::ffff:10.0.0.7]:1"}, []string{"10.0.0.8:1", "[2001:db8::1]:1"}},
		{"10.0.0.7/8", []string{"10.255.0.0:1"}, []string{"11.0.0.0:1"}},
		{"10.0.0.7/32", []string{"10.0.0.7:1"}, []string{"10.0.0.6:1"}},
		{"10.0.0.0/8:443", []string{"10.1.2.3:443"}, []string{"10.1.2.3:80", "11.0.0.0:443"}},
		{":443", []string{"10.0.0.7:443", "[2001:db8::1]:443"}, []string{"10.0.0.7:444"}},
		{":0", []string{"10.0.0.7:0"}, []string{"10.0.0.7:1"}},
		{"0.0.0.0/0", []string{"10.0.0.7:1"}, []string{"[2001:db8::1]:1"}},
		{"2001:db8::1", []string{"[2001:db8::1]:1"}, []string{"[2001:db8::2]:1", "10.0.0.7:1"}},
		{"2001:db8::1:443", []string{"[2001:db8::1:443]:1"}, []string{"[2001:db8::1]:443"}},
		{"2001:db8::/32", []string{"[2001:db8:ffff::]:1"}, []string{"[2001:db9::]:1"}},
		{"[2001:db8::1]", []string{"[2001:db8::1]:1"}, []string{"[2001:db8::2]:1"}},
		{"[2001:db8::1]:443", []string{"[2001:db8::1]:443"}, []string{"[2001:db8::1]:444"}},
		{"[2001:db8::]/32", []string{"[2001:db8::1]:1"}, []string{"[2001:db9::]:1"}},
		{"[2001:db8::]/32:443", []string{"[2001:db8::1]:443"}, []string{"[2001:db8::1]:444"}},
		{"[2001:db8::/32]:443", []string{"[2001:db8::1]:443"}, []string{"[2001:db8::1]:444"}},
		{"::/0", []string{"[2001:db8::1]:1", "[::ffff:10.0.0.7]:1"}, []string{"10.0.0.7:1"}},
		{"::ffff:10.0.0.7", []string{"10.0.0.7:1", "[::ffff:10.0.0.7]:1"}, []string{"10.0.0.8:1"}},
		{"::ffff:0:0/90", []string{"[::ffff:10.0.0.7]:1"}, []string{"10.0.0.7:1", "[2001:db8::1]:1"}},
		{"::ffff:10.0.0.0/104", []string{"10.9.9.9:1", "[::ffff:10.9.9.9]:1"}, []string{"11.0.0.0:1"}},
	} {
		e, err := parseEndpoint(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		for _, a := range tt.fits {
			if !e.contains(netip.MustParseAddrPort(a)) {
				t.Errorf("%s does not contain %s", tt.text, a)
			}
		}
		for _, a := range tt.fails {
			if e.contains(netip.MustParseAddrPort(a)) {
				t.Errorf("%s contains %s", tt.text, a)
			}
		}
	}
}

func TestParseEndpointErrors(t *testing.T) {
	for _, text := range []string{
		"", ":", "/8", ":x", ":65536", ":-1", "*:443", "host", "host:80", "10.0.0", "10.0.0.7:", "10.0.0.7:http", "10.0.0.7:65536", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.7:80/8",
		"2001:db8::/129", "2001:db8::/32:443", "fe80::1%eth0", "[2001:db8::1", "2001:db8::1]", "[]", "[]:443", "[2001:db8::1]443", "[2001:db8::1]:", "[2001:db8::1]x:443", "[[2001:db8::1]]:443",
	} {
		if e, err := parseEndpoint(text); err == nil {
			t.Errorf("%q is %+v", text, e)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, tt := range []struct {
		glob, text string
		want       bool
	}{
		{"", "", true},
		{"", "a", false},
		{"a", "a", true},
		{"a", "ab", false},
		{"a", "ba", false},
		{"*", "", true},
		{"*", "/a/b", true},
		{"**", "a", true},
		{"a*", "a", true},
		{"a*", "ba", false},
		{"*a", "ba", true},
		{"*a", "ab", false},
		{"*a", "aba", true},
		{"a*a", "a", false}, // one a cannot be both
		{"a*a", "aa", true},
		{"a*b*c", "a/b/b/c", true},
		{"a*b*c", "a/c/b", false},
		{"*ab*ab*", "ab", false},
		{"*ab*ab", "abab", true},
		{"/ws?a=*", "/ws?a=1", true},
		{"/ws?a", "/wsXa", false},
		{"[a]", "[a]", true},
		{"[a]", "a", false},
		{`\*`, `\x`, true},
	} {
		if got := glob(tt.glob).match(tt.text); got != tt.want {
			t.Errorf("%q fits %q: %v", tt.glob, tt.text, got)
		}
	}
}

func TestParseMoment(t *testing.T) {
	at := func(s string) time.Time {
		u, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	in := span{first: at("2026-01-02T23:50:00.5Z"), last: at("2026-01-03T00:20:00Z"), attempt: at("2026-01-03T00:05:00Z")}
	for _, tt := range []struct{ text, want string }{
		{"2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"},
		{"2026-01-02T03:04:05.123456789+05:30", "2026-01-01T21:34:05.123456789Z"},
		{"2026-01-02T03:04:05", "2026-01-02T03:04:05Z"},
		{"2026-01-02 03:04:05.5", "2026-01-02T03:04:05.5Z"},
		{"2026-01-02 03:04:05.5 UTC", "2026-01-02T03:04:05.5Z"},
		{"2026-01-02 03:04:05-01:00", "2026-01-02T04:04:05Z"},
		{"2026-01-02 03:04", "2026-01-02T03:04:00Z"},
		{"2026-01-02 03:04+01:00", "2026-01-02T02:04:00Z"},
		{"2026-01-02", "2026-01-02T00:00:00Z"},
		{"9999-12-31", "9999-12-31T00:00:00Z"},
		{"1767323045", "2026-01-02T03:04:05Z"},
		{"1767323045.123456789", "2026-01-02T03:04:05.123456789Z"},
		{"1767323045.1234567899", "2026-01-02T03:04:05.123456789Z"},
		{"1767323045.5", "2026-01-02T03:04:05.5Z"},
		{"+10m", "2026-01-03T00:00:00.5Z"},
		{"-1.5s", "2026-01-03T00:19:58.5Z"},
		{"03:04:05.678", "2026-01-03T03:04:05.678Z"},
		{"03:04", "2026-01-03T03:04:00Z"},
	} {
		m, err := parseMoment(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
		} else if got := m.in(in); !got.Equal(at(tt.want)) {
			t.Errorf("%s is %v, want %s", tt.text, got, tt.want)
		}
	}
	for _, text := range []string{"", "+", "-", "now", "5m", "-5", "2026", "20260102", "2026-01", "2026-02-30", "2026-01-02 25:00", "2026-01-02 03:04:05 CET", "24:00", "12", "1767323045x", "1767323045.-1", "17673230451767", "0x1767323045"} {
		if m, err := parseMoment(text); err == nil {
			t.Errorf("%q is %+v", text, m)
		}
	}
}

func TestSelectionOrder(t *testing.T) {
	for _, tt := range []struct {
		since, until string
		ok           bool
	}{
		{"2026-01-02", "2026-01-03", true},
		{"2026-01-02", "2026-01-02", false},
		{"2026-01-02", "1767323045", true},
		{"+5m", "+4m", false},
		{"-5m", "-4m", true},
		{"-4m", "+1m", true}, // the capture tells
		{"03:04", "2026-01-02", true},
		{"03:04", "03:03", false},
	} {
		var s selection
		s.since, _ = parseMoment(tt.since)
		s.until, _ = parseMoment(tt.until)
		if err := s.validate(); (err == nil) != tt.ok {
			t.Errorf("--since %s --until %s: %v", tt.since, tt.until, err)
		}
	}
}

func TestOriginForm(t *testing.T) {
	for target, want := range map[string]string{
		"/ws":                    "/ws",
		"/ws?to=http://a/b":      "/ws?to=http://a/b",
		"http://a.example/ws?x":  "/ws?x",
		"http://a.example":       "/",
		"http://a.example?x=/y":  "/?x=/y",
		"a.example:443":          "a.example:443",
		"*":                      "*",
		"":                       "",
		"ws://[2001:db8::1]:8/a": "/a",
	} {
		if got := originForm(target); got != want {
			t.Errorf("%q is %q, want %q", target, got, want)
		}
	}
}

func TestHostNames(t *testing.T) {
	for host, want := range map[string][]string{
		"Example.com":        {"example.com", "example.com"},
		"example.com:8080":   {"example.com:8080", "example.com"},
		"example.com:":       {"example.com:", "example.com"},
		"[2001:DB8::1]":      {"[2001:db8::1]", "[2001:db8::1]"},
		"[2001:db8::1]:8080": {"[2001:db8::1]:8080", "[2001:db8::1]"},
		"":                   {"", ""},
	} {
		m := &analyze.Message{Head: analyze.Head{Fields: []analyze.Field{{Name: "host", Value: host}}}}
		if got := hostNames(m); !slices.Equal(got, want) {
			t.Errorf("%q is %q, want %q", host, got, want)
		}
	}
}

// A time of day is that of the first attempt's day, not of the day on which the
// capture began; and what has no time is not of that time.
func TestNarrow(t *testing.T) {
	midnight := time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)
	stamp := func(after time.Duration) flow.Stamp {
		return flow.Stamp{Frame: 1, Time: midnight.Add(after).UnixNano()}
	}
	attempts := make([]*analyze.Attempt, 3)
	for i, at := range []flow.Stamp{stamp(time.Minute), stamp(time.Hour), {Frame: 2}} {
		attempts[i] = &analyze.Attempt{Number: i + 1, Conn: &flow.Evidence{First: at}}
	}
	for _, tt := range []struct {
		since, until string
		want         []*analyze.Attempt
	}{
		{"00:00", "", attempts[:2]},
		{"00:30", "", attempts[1:2]},
		{"", "00:30", attempts[:1]},
		{"+59m", "", attempts[1:2]},
		{"", "-1h", attempts[:1]},
		{"", "", attempts},
	} {
		r := &reading{result: &analyze.Result{Attempts: analyze.NewAttempts(attempts...)}, first: stamp(-time.Minute), last: stamp(2 * time.Hour)}
		var s selection
		s.since, _ = parseMoment(tt.since)
		s.until, _ = parseMoment(tt.until)
		r.narrow(&s)
		if got := slices.Collect(r.result.Attempts.All()); !slices.Equal(got, tt.want) || r.whole.Attempts.Len() != len(attempts) {
			t.Errorf("--since %q --until %q leaves %d of %d", tt.since, tt.until, len(got), r.whole.Attempts.Len())
		}
	}
}
