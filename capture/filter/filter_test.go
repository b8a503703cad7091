package filter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/capture"
)

func mustCompile(t testing.TB, expr string, link capture.LinkType) Program {
	t.Helper()
	e, err := Parse(expr)
	if err != nil {
		t.Fatal(err)
	}
	p, err := e.Compile(link)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustMatcher(t testing.TB, p Program) *Matcher {
	t.Helper()
	m, err := p.Matcher()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func ExampleParse() {
	_, err := Parse("tcp port 443 and ether host 0:0:5e:0:1:1")
	if e, ok := errors.AsType[*Error](err); ok {
		fmt.Println(e)
		fmt.Println(e.Caret())
	}
	// Output:
	// filter: "ether" is not understood; compile the expression with tcpdump -ddd and give the result to --bpf-program (column 18)
	// tcp port 443 and ether host 0:0:5e:0:1:1
	//                  ^
}

// What is wrong with an expression, and where: at the first occurrence of at,
// or at the end if at is empty.
var errorTests = []struct{ expr, at, what string }{
	{"tcp[13] & 2 != 0", "tcp", "byte accesses such as tcp[...] are not understood; compile"},
	{"ip proto 6", "proto", `"proto" is not understood; compile`},
	{"tcp and greater 100", "greater", `"greater" is not understood; compile`},
	{"ip broadcast", "broadcast", `"broadcast" is not understood; compile`},
	{"host 10.0.0.1 or gateway 10.0.0.2", "gateway", `"gateway" is not understood; compile`},
	{"sctp port 80", "sctp", `"sctp" is not understood; compile`},
	{"vlan and mpls", "mpls", `"mpls" is not understood; compile`},
	{"port 80 + 1", "+", "arithmetic and byte accesses"},
	{"len > 5", "len", `"len" is not understood; compile`},
	{"tcp foo", "foo", `unknown word "foo"; for the whole language, compile`},
	{"prot 80", "prot", `unknown word "prot"; for the whole language, compile`},
	{"TCP", "TCP", `unknown word "TCP"`},
	{"host ::1 or prot 80", "prot", "names are not looked up"},
	{"tcp or prot 80", "prot", `unknown word "prot"`},
	{"host example.org", "example", "names are not looked up"},
	{"net loopback", "loopback", "names are not looked up"},
	{"port ftp", "ftp", "service names other than http and https"},
	{"port 80-90", "80", "write portrange"},
	{"portrange http", "http", `"http" is not a range of ports`},
	{"portrange 1-2x", "1-2x", `unknown port "2x"`},
	{"port 70000", "70000", "port number 70000 is greater than 65535"},
	{"port 09", "09", "not octal"},
	{"port 4294967296", "4294967296", "32 bits"},
	{"vlan 4096", "4096", "greater than 4095"},
	{"net 10.0.0.1/8", "10.0.0.1", "bits set outside its mask"},
	{"net 10.0.0.0/33", "33", "prefix length 33 is greater than 32"},
	{"net fe80::1/64", "fe80::1", "bits set outside its prefix"},
	{"net ::/129", "129", "greater than 128"},
	{"host 10.0.0.0/8", "10.0.0.0", "a mask belongs to net, not to host"},
	{"src ::/64", "::", "a prefix length belongs to net"},
	{"host 300.1.1.1", "300", "not an IPv4 address"},
	{"host 1::2::3", "1::2", "is not an address"},
	{"host 1:2:3:4:5:6", "1:2", "Ethernet addresses are not understood; compile"},
	{"tcp src 10.0.0.1", "10.", `tcp cannot qualify an IPv4 host; join them by "and"`},
	{"ip net ::/8", "::", "ip cannot qualify an IPv6 net"},
	{"icmp port 8", "8", "icmp cannot qualify a port; tcp and udp can"},
	{"port 10.0.0.1", "10.", "port takes no IPv4 address"},
	{"portrange ::1", "::1", "portrange takes no IPv6 address"},
	{"80", "80", "needs host, net or port before it"},
	{"ip or 10.0.0.1", "10.", "needs host, net or port before it"},
	{"ip or ::1", "::1", "needs host, net or port before it"},
	{"tcp and (80 or port 443)", "80", "needs host, net or port before it"},
	{"host 10.0.0.1 port 80", "port", `"and" or "or" is missing before "port"`},
	{"tcp)", ")", `")" is out of place`},
	{"tcp, udp", ",", `"," is out of place`},
	{"(tcp", "", "not complete"},
	{"tcp and", "", "not complete"},
	{"host", "", "not complete"},
	{"src or port 80", "port", `"port" is out of place`},
	{"tcp \x00", "\x00", `"\x00" is out of place`},
	{strings.Repeat("(", 101) + "tcp", "tcp", ""},
	{strings.Repeat("not ", 200) + "tcp", "tcp", ""},
	{"port " + strings.Repeat("(", 200) + "80", "80", ""},
	{"vlan " + strings.Repeat("(", 200) + "80", "80", ""},
	{"port " + strings.Repeat("not ", 200) + "80", "80", ""},
}

func TestErrors(t *testing.T) {
	for _, tt := range errorTests {
		_, err := Parse(tt.expr)
		e, ok := errors.AsType[*Error](err)
		switch {
		case !ok:
			t.Errorf("%.40q: got error %v, want an *Error", tt.expr, err)
			continue
		case tt.what == "":
			if !strings.HasPrefix(e.What, "more than 100 parentheses and negations") {
				t.Errorf("%.40q: got %q", tt.expr, e.What)
			}
			continue
		case !strings.Contains(e.What, tt.what):
			t.Errorf("%q: got %q, want %q", tt.expr, e.What, tt.what)
		}
		if strings.Contains(tt.what, "compile") && !strings.Contains(e.Error(), "tcpdump -ddd and give the result to --bpf-program") {
			t.Errorf("%q: no way out in %q", tt.expr, e)
		}
		want := len(tt.expr)
		if tt.at != "" {
			want = strings.Index(tt.expr, tt.at)
		}
		if e.Offset != want || strings.Contains(e.Error(), "\n") {
			t.Errorf("%q: got offset %d, want %d: %v", tt.expr, e.Offset, want, e)
		}
	}
}

// TestOtherKeywords demands that no word of the language outside the subset is
// passed over.
func TestOtherKeywords(t *testing.T) {
	for w := range others {
		for _, expr := range []string{w, "tcp and " + w + " 5", "ip " + w, "not (" + w + ")", "tcp " + w, "tcp or host 10.0.0.1 " + w} {
			_, err := Parse(expr)
			e, ok := errors.AsType[*Error](err)
			if !ok || !strings.Contains(e.What, useTcpdump) || !strings.HasPrefix(expr[e.Offset:], w) {
				t.Errorf("%q: got %v", expr, err)
			}
		}
	}
}

func TestCaret(t *testing.T) {
	tests := []struct {
		expr   string
		offset int
		want   string
	}{
		{"tcp foo", 4, "tcp foo\n    ^"},
		{"tcp", 3, "tcp\n   ^"},
		{"tcp\tfoo", 4, "tcp foo\n    ^"},
		{"\xff\x1b[2J", 2, "? [2J\n  ^"},
		{"é foo", 3, "é foo\n  ^"},
		{strings.Repeat("a", 100), 60, "..." + strings.Repeat("a", 75) + "...\n" + strings.Repeat(" ", 53) + "^"},
	}
	for _, tt := range tests {
		if got := (&Error{Expr: tt.expr, Offset: tt.offset}).Caret(); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.expr, got, tt.want)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	tests := []struct {
		expr string
		link capture.LinkType
		at   int // -1: no *Error
		what string
	}{
		{"tcp", 105, -1, "link type 105, only for Ethernet, Linux cooked (SLL, SLL2), BSD loopback (NULL, LOOP) and raw IP"},
		{"", 9, -1, "link type 9"},
		{"tcp and vlan 5", capture.LinkSLL, 8, "vlan is for Ethernet only, these packets have link type 113"},
		{"tcp and udp", capture.LinkEthernet, 0, "rejects all packets"},
		{"arp", capture.LinkRaw, 0, "rejects all packets"},
		{"ip6", capture.LinkIPv4, 0, "rejects all packets"},
		{"port 1" + strings.Repeat(" or 1", 500), capture.LinkEthernet, 2506, "too long: it needs more than 4096 tests"},
		{"vlan" + strings.Repeat(" and vlan", 1000), capture.LinkEthernet, 9004, "instructions, and 4096 is the limit"},
	}
	for _, tt := range tests {
		e, err := Parse(tt.expr)
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.Compile(tt.link)
		if err == nil || !strings.Contains(err.Error(), tt.what) {
			t.Errorf("%.40q: got %v, want %q", tt.expr, err, tt.what)
		}
		at := -1
		if e, ok := errors.AsType[*Error](err); ok {
			at = e.Offset
		}
		if at != tt.at {
			t.Errorf("%.40q: got offset %d, want %d", tt.expr, at, tt.at)
		}
	}
	if _, err := Parse(strings.Repeat(" ", maxExprLen+1)); err == nil || !strings.Contains(err.Error(), "longer than 65536 bytes") {
		t.Errorf("a very long expression: got %v", err)
	}
}

// TestServices pins what libpcap leaves to /etc/services.
func TestServices(t *testing.T) {
	for names, numbers := range map[string]string{
		"port http":                       "port 80",
		`tcp port \https`:                 "tcp port 443",
		"portrange http-https":            "portrange 80-443",
		"udp src port https":              "udp src port 443",
		"portrange 10-http":               "portrange 10-80",
		"port http or https":              "port 80 or 443",
		"tcp port 8080 and not (http)":    "tcp port 8080 and not 80",
		"portrange 8080-9000 or https-80": "portrange 8080-9000 or 80-443",
	} {
		got, want := mustCompile(t, names, capture.LinkEthernet), mustCompile(t, numbers, capture.LinkEthernet)
		if !slices.Equal(got, want) {
			t.Errorf("%q is not %q", names, numbers)
		}
	}
}

// TestByteOrder checks that LinkNull packets are read the same in both byte
// orders. TestLibpcap has those in little-endian order.
func TestByteOrder(t *testing.T) {
	for _, expr := range []string{"ip", "ip6", "tcp or not port 80", "host 10.0.0.1 or 10.0.0.2", "net 10 or ip6 and tcp", "not ip"} {
		m := mustMatcher(t, mustCompile(t, expr, capture.LinkNull))
		for _, f := range framesFor(5, 2000)[capture.LinkNull] {
			if len(f) < 4 {
				continue
			}
			big := slices.Clone(f)
			binary.BigEndian.PutUint32(big, binary.LittleEndian.Uint32(f))
			if binary.LittleEndian.Uint32(f) > 255 {
				continue // no family has more bits: the order cannot be told
			}
			if got, want := m.Match(big, len(big)), m.Match(f, len(f)); got != want {
				t.Fatalf("%q: got %v, in the other order %v: %x", expr, got, want, f)
			}
		}
	}
}

// TestRaw checks that all numbers of raw IP mean the same.
func TestRaw(t *testing.T) {
	for _, expr := range []string{"", "ip", "tcp port 80", "host 10.0.0.1 or ::1"} {
		want := mustCompile(t, expr, capture.LinkRaw)
		for _, link := range []capture.LinkType{capture.LinkRawOld, capture.LinkRawBSD} {
			if got := mustCompile(t, expr, link); !slices.Equal(got, want) {
				t.Errorf("%q: link %d differs from %d", expr, link, capture.LinkRaw)
			}
		}
	}
}
