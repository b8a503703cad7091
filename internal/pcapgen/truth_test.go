package pcapgen

import (
	"reflect"
	"slices"
	"testing"
)

var verdicts = []string{
	"ok", "accept-mismatch", "accept-missing", "bad-handshake", "redirected",
	"rejected", "no-response", "not-http", "tls-failed", "encrypted", "h2-ok", "h2-refused", "indeterminate",
}

// TestTruth checks that what the cases claim is possible at all.
func TestTruth(t *testing.T) {
	for _, c := range Cases() {
		for i, a := range c.Attempts {
			checkAttempt(t, c.Name, i, a)
		}
		for _, ch := range c.Chains {
			if len(ch.URLs) < 2 || ch.End == "" {
				t.Errorf("%s: chain %q has no hop or no end", c.Name, ch.URLs)
			}
		}
	}
}

func checkAttempt(t *testing.T, name string, i int, a Attempt) {
	t.Helper()
	if !slices.Contains(verdicts, a.Verdict) {
		t.Errorf("%s, attempt %d: verdict %q", name, i, a.Verdict)
	}
	if (a.Verdict == "ok" || a.Verdict == "bad-handshake") && a.Accept != a.Want {
		t.Errorf("%s, attempt %d: %s with accept %q, want %q", name, i, a.Verdict, a.Accept, a.Want)
	}
	if a.Verdict == "accept-mismatch" && a.Accept == a.Want {
		t.Errorf("%s, attempt %d: the mismatch has the right accept", name, i)
	}
	for _, code := range a.Codes {
		if slices.Contains(a.NotCodes, code) || slices.Contains(a.MayCodes, code) {
			t.Errorf("%s, attempt %d: %s is demanded and something else as well", name, i, code)
		}
	}
}

// TestSame checks that cases with the same packets have the same truth but for
// the frames.
func TestSame(t *testing.T) {
	cases := map[string]Case{}
	for _, c := range Cases() {
		cases[c.Name] = c
	}
	for _, c := range cases {
		if c.Same == "" {
			continue
		}
		if a, b := withoutFrames(c.Attempts), withoutFrames(cases[c.Same].Attempts); !reflect.DeepEqual(a, b) {
			t.Errorf("%s: %+v, but %s: %+v", c.Name, a, c.Same, b)
		}
	}
}

func withoutFrames(attempts []Attempt) []Attempt {
	attempts = slices.Clone(attempts)
	for i := range attempts {
		attempts[i].RequestFrame, attempts[i].ResponseFrame = 0, 0
	}
	return attempts
}

// TestKeys checks that no key is used twice, but in the case about that and
// between the two sides of a proxy, and where the packets are the same.
func TestKeys(t *testing.T) {
	seen := map[string]string{}
	for _, c := range Cases() {
		if c.Name == "key-reused" || len(c.Passages) > 0 || c.Same != "" {
			continue
		}
		for _, a := range c.Attempts {
			if by, ok := seen[a.Key]; ok && a.Key != "" {
				t.Errorf("%s: key %q is also in %s", c.Name, a.Key, by)
			}
			seen[a.Key] = c.Name
		}
	}
}
