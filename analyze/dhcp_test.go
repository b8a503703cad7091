package analyze

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// option is a DHCP option.
func option(code byte, value string) []byte {
	return append([]byte{code, byte(len(value))}, value...)
}

// dhcpBytes is a DHCP message of, or to, a client.
func dhcpBytes(op byte, mac flow.MAC, yours string, options ...[]byte) []byte {
	b := make([]byte, 236)
	b[0], b[1], b[2] = op, 1, 6
	copy(b[16:], netip.MustParseAddr(yours).AsSlice())
	copy(b[28:], mac[:])
	return slices.Concat(b, []byte{0x63, 0x82, 0x53, 0x63}, slices.Concat(options...), []byte{255})
}

var esp = flow.MAC{2, 0, 0, 0, 0, 7}

func TestReadDHCP(t *testing.T) {
	request := option(53, "\x03")
	long := strings.Repeat("x", 255)
	for _, test := range []struct {
		name    string
		options [][]byte
		want    string
	}{
		{"host name", [][]byte{request, option(12, "esp-7")}, "esp-7"},
		{"padding", [][]byte{{0, 0}, option(12, "esp-7"), {0}, request}, "esp-7"},
		{"ends with NUL", [][]byte{request, option(12, "esp-7\x00")}, "esp-7"},
		{"ends with a dot", [][]byte{request, option(12, "esp-7.lan.")}, "esp-7.lan"},
		{"UTF-8", [][]byte{request, option(12, "Jörgs-Gerät")}, "Jörgs-Gerät"},
		{"the longest", [][]byte{request, option(12, long)}, long},
		{"not printable", [][]byte{request, option(12, "esp\x1b[2J")}, ""},
		{"no UTF-8", [][]byte{request, option(12, "esp\xff")}, ""},
		{"behind the end", [][]byte{request, {255}, option(12, "esp-7")}, ""},
		{"longer than the message", [][]byte{request, {12, 100, 'e'}}, ""},
		{"FQDN of labels", [][]byte{request, option(81, "\x04\x00\x00\x05esp-7\x03lan\x00")}, "esp-7.lan"},
		{"FQDN of some labels", [][]byte{request, option(81, "\x04\x00\x00\x05esp-7")}, "esp-7"},
		{"FQDN of labels that are too long", [][]byte{request, option(81, "\x04\x00\x00\x06esp-7")}, ""},
		{"FQDN of a pointer", [][]byte{request, option(81, "\x04\x00\x00\xc0"+strings.Repeat("x", 192))}, ""},
		{"FQDN as text", [][]byte{request, option(81, "\x00\x00\x00esp-7.lan.")}, "esp-7.lan"},
		{"FQDN without a name", [][]byte{request, option(81, "\x00\x00\x00")}, ""},
		{"both", [][]byte{option(81, "\x00\x00\x00other"), request, option(12, "esp-7")}, "esp-7"},
	} {
		m, ok := readDHCP(dhcpBytes(1, esp, "0.0.0.0", test.options...))
		if !ok || m.reply || m.kind != dhcpRequest || m.mac != esp || m.name != test.want {
			t.Errorf("%s: %v %+v, want %q", test.name, ok, m, test.want)
		}
	}
}

func TestReadDHCPNonsense(t *testing.T) {
	good := dhcpBytes(2, esp, "10.0.0.7", option(53, "\x05"))
	if m, ok := readDHCP(good); !ok || !m.reply || m.kind != dhcpACK || m.yours != netip.MustParseAddr("10.0.0.7") {
		t.Errorf("%v %+v", ok, m)
	}
	for i, change := range []func(b []byte) []byte{
		func(b []byte) []byte { b[0] = 3; return b },
		func(b []byte) []byte { b[1] = 6; return b },
		func(b []byte) []byte { b[2] = 16; return b },
		func(b []byte) []byte { b[239]++; return b },
		func(b []byte) []byte { return b[:240] }, // BOOTP
		func(b []byte) []byte { return b[:241] },
		func(b []byte) []byte { return b[:242] },
		func(b []byte) []byte { b[241] = 2; return b },
	} {
		if m, ok := readDHCP(change(slices.Clone(good))); ok {
			t.Errorf("%d: %+v", i, m)
		}
	}
}

// FuzzDHCP reads anything as a DHCP message.
func FuzzDHCP(f *testing.F) {
	f.Add(dhcpBytes(1, esp, "0.0.0.0", option(53, "\x03"), option(12, "esp-7"), option(81, "\x04\x00\x00\x05esp-7\x03lan\x00")))
	f.Add(dhcpBytes(2, esp, "10.0.0.7", option(53, "\x05")))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, ok := readDHCP(b)
		if len(m.name) > 255 || strings.ContainsFunc(m.name, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q", m.name)
		}
		a := New(nil)
		a.Datagram(flow.Datagram{From: netip.MustParseAddrPort("10.0.0.1:67"), To: netip.MustParseAddrPort("10.0.0.7:68"), Data: b})
		if n := len(a.hosts.addrs); n > 1 || n == 1 && (!ok || m.kind != dhcpACK || a.hosts.Of(m.yours).MAC != m.mac) {
			t.Errorf("%+v: %d addresses", m, n)
		}
	})
}
