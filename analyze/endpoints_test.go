package analyze

import (
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// issued is a certificate for a.example and a.zscaler.example by an authority, in public logs or not.
func issued(t *testing.T, by string, logged bool) *Certificate {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	leaf := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a.example"}, DNSNames: []string{"a.example", "a.zscaler.example"}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(4e9, 0)}
	if logged {
		leaf.ExtraExtensions = []pkix.Extension{{Id: []int{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: []byte{4, 0}}}
	}
	authority := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: by}}
	der, err := x509.CreateCertificate(nil, leaf, authority, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	var all certificates
	return all.at(all.numbers(nil, [][]byte{der})[0])
}

// A product is named if it made the certificate for the name that was asked for.
func TestInspected(t *testing.T) {
	for _, test := range []struct {
		name, server string
		chain        []*Certificate
		want         string
	}{
		{"product", "a.example", []*Certificate{issued(t, "ESET SSL Filter CA", false)}, "ESET"},
		{"in other case", "a.example", []*Certificate{issued(t, "MITMPROXY", false)}, "mitmproxy"},
		{"further up", "a.example", []*Certificate{issued(t, "Corp", false), issued(t, "Zscaler Root CA", false)}, "Zscaler"},
		{"in public logs", "a.example", []*Certificate{issued(t, "ESET SSL Filter CA", true)}, ""},
		{"the vendor's own", "a.zscaler.example", []*Certificate{issued(t, "Zscaler Root CA", false)}, ""},
		{"anybody", "a.example", []*Certificate{issued(t, "Example CA", false)}, ""},
		{"for another name", "b.example", []*Certificate{issued(t, "ESET SSL Filter CA", false)}, ""},
		{"without a name", "", []*Certificate{issued(t, "ESET SSL Filter CA", false)}, ""},
		{"unreadable", "a.example", []*Certificate{{SHA256: "00"}}, ""},
		{"none", "a.example", nil, ""},
	} {
		x := &TLS{ServerName: test.server, Certificates: test.chain}
		if product, _, ok := x.inspected(); product != test.want || ok != (test.want != "") {
			t.Errorf("%s: %q, want %q", test.name, product, test.want)
		}
	}
	for _, i := range inspectors {
		if i.authority != strings.ToLower(i.authority) {
			t.Errorf("%s is not in lower case", i.authority)
		}
	}
}

var somebody = netip.MustParseAddr("10.0.0.7")

// seen are visits of a client from one time to another.
func seen(n int, first, last int64, clients ...netip.Addr) visits {
	return visits{n: n, first: first, last: last, clients: clients}
}

func TestIntercepted(t *testing.T) {
	made, real := issued(t, "Corp", false), issued(t, "Public", true)
	for _, test := range []struct {
		name string
		see  []*Certificate // one after the other
		want bool
	}{
		{"between", []*Certificate{real, made, real}, true},
		{"around", []*Certificate{made, real, made}, true},
		{"by the same issuer", []*Certificate{real, issued(t, "Public", false), real}, false},
		{"before", []*Certificate{made, made, real, real}, false},
		{"after", []*Certificate{real, real, made, made}, false},
		{"two public ones", []*Certificate{real, issued(t, "Other", true), real}, false},
		{"two of nobody", []*Certificate{issued(t, "Other", false), made, issued(t, "Other", false)}, false},
	} {
		k := &endpoint{endpointKey: endpointKey{name: "a.example"}}
		for i, c := range test.see {
			k.addIssuer(c, flow.Stamp{Frame: i + 1, Time: int64(i + 1)}, somebody)
		}
		i, ok := k.intercepted()
		if ok != test.want {
			t.Errorf("%s: %v", test.name, ok)
		}
		if ok && (!strings.Contains(i.Got, "CN=Corp") || !strings.Contains(i.Want, "CN=Public") || i.Frame == 0) {
			t.Errorf("%s: %+v", test.name, i)
		}
	}
	k := &endpoint{endpointKey: endpointKey{name: "b.example"}}
	if k.addIssuer(made, flow.Stamp{Frame: 1}, somebody); len(k.issuers) > 0 {
		t.Error("a certificate for another name counts")
	}
	k.name = "a.example"
	if k.addIssuer(certificateFor(t, "a.example", 0, 4e9), flow.Stamp{Frame: 1}, somebody); len(k.issuers) > 0 {
		t.Error("a certificate that is signed by itself counts")
	}
}

// Only what is about servers of attempts is told.
func TestEndpointIncidents(t *testing.T) {
	var l endpoints
	server := netip.MustParseAddrPort("192.0.2.9:443")
	k := l.at(endpointKey{"a.example", server})
	for i, c := range []*Certificate{issued(t, "Public", true), issued(t, "Corp", false), issued(t, "Public", true)} {
		k.addIssuer(c, flow.Stamp{Frame: i + 1, Time: int64(i)}, somebody)
	}
	if list := l.incidents(nil); len(list) != 0 {
		t.Errorf("%+v", list)
	}
	if list := l.incidents(map[netip.AddrPort]*service{server: {}}); len(list) != 1 || list[0].Code != TLSMITMSuspected || list[0].Server != server {
		t.Errorf("%+v", list)
	}
}

func TestFailsAlone(t *testing.T) {
	other := netip.MustParseAddr("10.0.0.8")
	for _, test := range []struct {
		name string
		bad  endpoint
		good []endpoint
		want bool
	}{
		{"alone", endpoint{hellos: 3, failed: seen(3, 10, 30, somebody)}, []endpoint{{hellos: 3, opened: seen(3, 15, 25, somebody)}}, true},
		{"some unclear", endpoint{hellos: 6, failed: seen(5, 10, 30, somebody)}, []endpoint{{hellos: 5, opened: seen(4, 15, 25, somebody)}}, true},
		{"several others", endpoint{hellos: 3, failed: seen(3, 10, 30, somebody)}, []endpoint{{hellos: 2, opened: seen(2, 15, 25, somebody)}, {hellos: 1, opened: seen(1, 40, 40, other)}}, true},
		{"most unclear", endpoint{hellos: 9, failed: seen(5, 10, 30, somebody)}, []endpoint{{hellos: 3, opened: seen(3, 15, 25, somebody)}}, false},
		{"few failures", endpoint{hellos: 2, failed: seen(2, 10, 30, somebody)}, []endpoint{{hellos: 3, opened: seen(3, 15, 25, somebody)}}, false},
		{"one went well", endpoint{hellos: 9, failed: seen(8, 10, 30, somebody), opened: seen(1, 20, 20, other)}, []endpoint{{hellos: 3, opened: seen(3, 15, 25, somebody)}}, false},
		{"few went well elsewhere", endpoint{hellos: 3, failed: seen(3, 10, 30, somebody)}, []endpoint{{hellos: 2, opened: seen(2, 15, 25, somebody)}}, false},
		{"others fail too", endpoint{hellos: 3, failed: seen(3, 10, 30, somebody)}, []endpoint{{hellos: 8, opened: seen(4, 15, 25, somebody)}}, false},
		{"another client", endpoint{hellos: 3, failed: seen(3, 10, 30, somebody)}, []endpoint{{hellos: 3, opened: seen(3, 15, 25, other)}}, false},
		{"afterwards", endpoint{hellos: 3, failed: seen(3, 10, 30, somebody)}, []endpoint{{hellos: 3, opened: seen(3, 31, 40, somebody)}}, false},
		{"before", endpoint{hellos: 3, failed: seen(3, 10, 30, somebody)}, []endpoint{{hellos: 3, opened: seen(3, 1, 9, somebody)}}, false},
		{"no other", endpoint{hellos: 3, failed: seen(3, 10, 30, somebody)}, nil, false},
	} {
		all := []*endpoint{&test.bad}
		for i := range test.good {
			all = append(all, &test.good[i])
		}
		if _, ok := test.bad.failsAlone(all); ok != test.want {
			t.Errorf("%s: %v", test.name, ok)
		}
	}
}

// Endpoints beyond the bound are counted, their clients and issuers are just not known.
func TestEndpointBounds(t *testing.T) {
	a := New(nil)
	for i := range maxEndpoints {
		a.endpoints.at(endpointKey{name: fmt.Sprint(i)})
	}
	if a.overhears([]spoken{{client, clientHello("a.example")}, {server, ""}}, nil, 0); a.result.UncomparedTLS != 1 || len(a.endpoints.order) != maxEndpoints {
		t.Errorf("%d not compared", a.result.UncomparedTLS)
	}
	k := &endpoint{endpointKey: endpointKey{name: "a.example"}}
	for i := range 2 * maxEndpointClients {
		k.addIssuer(issued(t, fmt.Sprint("CA ", i), false), flow.Stamp{}, somebody)
		k.opened.add(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), int64(i))
	}
	if len(k.issuers) != maxIssuers || len(k.opened.clients) != maxEndpointClients || k.opened.n != 2*maxEndpointClients || k.opened.last != 2*maxEndpointClients-1 {
		t.Errorf("%d issuers, %+v", len(k.issuers), k.opened)
	}
}

// Hosts that are not the name of TLS matter where the answer says so.
func TestHostAndSNI(t *testing.T) {
	covers := []*Certificate{issued(t, "Example CA", false)}
	for _, test := range []struct {
		name, sni, host string
		status          int
		h2              bool
		want            string
	}{
		{"the same", "a.example", "A.example.:443", 421, false, ""},
		{"the same, with a dot", "a.example.", "a.example", 421, false, ""},
		{"another, misdirected", "b.example", "a.example", 421, false, "warning tls-sni-host-mismatch"},
		{"another, not found", "b.example", "a.example", 404, false, "warning tls-sni-host-mismatch"},
		{"another, and it works", "b.example", "a.example", 101, false, "note tls-sni-host-mismatch"},
		{"another, and the server fails", "b.example", "a.example", 500, false, "note tls-sni-host-mismatch"},
		{"HTTP/2 for several hosts", "b.example", "a.example", 200, true, ""},
		{"HTTP/2 for another host", "b.example", "c.example", 200, true, "note tls-sni-host-mismatch"},
		{"HTTP/2, misdirected", "b.example", "a.example", 421, true, "warning tls-sni-host-mismatch"},
		{"no name", "", "a.example", 421, false, "warning tls-sni-missing"},
		{"no name, and it works", "", "a.example", 101, false, ""},
		{"no name, by address", "", "192.0.2.9:443", 404, false, ""},
		{"no name, by address of IPv6", "", "[2001:db8::1]:443", 404, false, ""},
	} {
		a := &Attempt{
			Request:  &Message{Head: Head{Fields: []Field{{Name: "Host", Value: test.host}}}},
			Response: &Message{Head: Head{Status: test.status}},
			TLS:      &TLS{ServerName: test.sni, Named: test.sni != "", Certificates: covers},
		}
		if test.h2 {
			a.H2 = &H2{}
		}
		a.checkHostAndSNI()
		got := ""
		for _, f := range a.Findings {
			got += f.Severity.String() + " " + f.Code.String()
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// Servers that want a certificate may say so inside.
func TestWantsCertificate(t *testing.T) {
	for body, want := range map[string]bool{
		"<title>400 No required SSL certificate was sent</title>": true,
		"<title>400 The SSL certificate error</title>":            true,
		"<title>400 Bad Request</title>":                          false,
	} {
		if got := wantsCertificate(&Message{Head: Head{Status: 400}, Body: body}); got != want {
			t.Errorf("%s: %v", body, got)
		}
		if wantsCertificate(&Message{Head: Head{Status: 200}, Body: body}) {
			t.Errorf("%s: with status 200", body)
		}
	}
}
