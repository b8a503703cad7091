package capture

import "testing"

func TestElsewhere(t *testing.T) {
	for _, c := range []struct{ goos, name, want string }{
		{"darwin", "en0", "en0: wssniff captures on Linux, elsewhere if built with -tags libpcap; here through a pipe: tcpdump -i en0 -U -w - | wssniff -"},
		{"darwin", "any", "any: wssniff captures on Linux, elsewhere if built with -tags libpcap; here through a pipe: tcpdump -i pktap,all -U -w - | wssniff -"},
		{"freebsd", "any", "any: wssniff captures on Linux, elsewhere if built with -tags libpcap; here through a pipe: tcpdump -i IFACE -U -w - | wssniff -"},
		{"windows", "Wi-Fi 2", `Wi-Fi 2: wssniff captures on Linux; here through a pipe: dumpcap -i "Wi-Fi 2" -w - | wssniff -`},
		{"windows", `\Device\NPF_{5}`, `\Device\NPF_{5}: wssniff captures on Linux; here through a pipe: dumpcap -i \Device\NPF_{5} -w - | wssniff -`},
		{"openbsd", "\x1b", `"\x1b": wssniff captures on Linux, elsewhere if built with -tags libpcap; here through a pipe: tcpdump -i "\x1b" -U -w - | wssniff -`},
	} {
		if got := elsewhere(c.goos, c.name).Error(); got != c.want {
			t.Errorf("%s, %q:\n%s\nwant:\n%s", c.goos, c.name, got, c.want)
		}
	}
}

func TestNoPermission(t *testing.T) {
	const want = "en0: no permission to capture: run as root, or make /dev/bpf* readable for you"
	if got := noPermission("darwin", "en0").Error(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
