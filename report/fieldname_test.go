package report

import (
	"strings"
	"testing"
)

// The names that are looked up must be what the rules of secretName say.
func TestKnownNames(t *testing.T) {
	for length, list := range knownNames {
		for _, k := range list {
			if len(k.spelt) != length {
				t.Errorf("%s is among the names of %d bytes", k.spelt, length)
			}
			if k.name == nameOther && plainSecretName(k.spelt) {
				t.Errorf("%s holds a secret", k.spelt)
			}
			for _, s := range []string{k.spelt, strings.ToLower(k.spelt), strings.ToUpper(k.spelt)} {
				if sent, masked := nameOf(s); sent != k.name || masked != k.name {
					t.Errorf("%s is %d and %d, want %d", s, sent, masked, k.name)
				}
			}
		}
	}
}

func TestNameOf(t *testing.T) {
	for _, tt := range []struct {
		name         string
		sent, masked fieldName
	}{
		{"", nameOther, nameOther},
		{"X-Api-Key", nameOther, nameSecret},
		{"X-Frame-Options", nameOther, nameOther},
		{"Ho\u017ft", nameHost, nameOther},      // a long s
		{"coo\u212aie", nameCookie, nameCookie}, // a Kelvin sign
		{strings.Repeat("x", 100) + "token", nameOther, nameSecret},
	} {
		if sent, masked := nameOf(tt.name); sent != tt.sent || masked != tt.masked {
			t.Errorf("%q is %d and %d, want %d and %d", tt.name, sent, masked, tt.sent, tt.masked)
		}
	}
}
