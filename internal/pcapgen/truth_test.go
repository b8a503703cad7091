package pcapgen

import (
	"slices"
	"testing"
)

var verdicts = []string{
	"ok", "accept-mismatch", "accept-missing", "bad-handshake", "redirected",
	"rejected", "no-response", "not-http", "encrypted", "indeterminate",
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

// TestKeys checks that no key is used twice, but in the case about that and
// between the two sides of a proxy.
func TestKeys(t *testing.T) {
	seen := map[string]string{}
	for _, c := range Cases() {
		if c.Name == "key-reused" || c.Name == "hop-header-stripped-request" {
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
