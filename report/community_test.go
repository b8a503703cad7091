package report

import (
	"net/netip"
	"testing"
)

// The first vector is that of the specification's test data.
func TestCommunityID(t *testing.T) {
	for _, tt := range []struct{ a, b, want string }{
		{"128.232.110.120:34855", "66.35.250.204:80", "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
		{"66.35.250.204:80", "128.232.110.120:34855", "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
		{"[::ffff:128.232.110.120]:34855", "66.35.250.204:80", "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
	} {
		if got := string(appendCommunityID(nil, netip.MustParseAddrPort(tt.a), netip.MustParseAddrPort(tt.b))); got != tt.want {
			t.Errorf("%s, %s: got %s, want %s", tt.a, tt.b, got, tt.want)
		}
	}
}
