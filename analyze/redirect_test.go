package analyze

import "testing"

func TestReference(t *testing.T) {
	for location, want := range map[string]bool{
		"/ws": true, "ws": true, "?a=b": true, "#x": true, "../x": true, "//h/ws": true, "http://h": true, "HTTPS://h/ws": true, "wss://h": true, "/login?next=http://x": true,
		"http://[::1]:80/": true, "http://h/a b": true, "http://bücher.example/": true, "a/b:c": true,
		"": false, "//": false, "///ws": false, "http:/ws": false, "http:ws": false, "http://": false, "http://:80/": false, "http://[::1": false, "http://h:x/": false,
		"javascript:alert(1)": false, "ftp://h/x": false, "app://open": false, "h.example:8080/ws": false, "192.0.2.9:80/ws": false, "/x\x1b": false, "/%zz": false,
	} {
		if got := reference(location) != nil; got != want {
			t.Errorf("%q: got %v", location, got)
		}
	}
}

func TestCanonicalHost(t *testing.T) {
	for host, want := range map[string]string{
		"GW.Example": "gw.example", "0:0:0:0:0:0:0:1": "::1", "2001:DB8:0::9": "2001:db8::9", "192.0.2.9": "192.0.2.9", "no:host": "no:host", "FE80::1%eth0": "fe80::1%eth0", "": "",
	} {
		if got := canonicalHost(host); got != want {
			t.Errorf("%q: got %q, want %q", host, got, want)
		}
	}
}
