package analyze

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// headOf takes a head apart: its lines, without the blank one.
func headOf(lines ...string) *Message {
	text := ""
	for _, line := range lines {
		text += line + "\r\n"
	}
	return &Message{Head: parseHead(text + "\r\n"), Complete: true}
}

// sides are two attempts without a difference.
func sides() (good, bad *Attempt) {
	list := make([]*Attempt, 2)
	for i := range list {
		d := deed{verdict: OK}
		list[i] = d.attempt(1)
		list[i].Request.Head = headOf("GET /ws HTTP/1.1", "Host: gw", "Upgrade: websocket", "Cookie: a=b", "Sec-WebSocket-Key: x").Head
		list[i].Response.Head = headOf("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Date: today").Head
		list[i].Request.Complete, list[i].Response.Complete = true, true
		list[i].Conn.SYNACK = flow.Stamp{Frame: 2, Time: list[i].Conn.SYN.Time + 1e6}
	}
	for _, t := range list {
		t.add(RequestHostMissing, Client, 1, "", "", "") // what both have is no change
	}
	return list[0], list[1]
}

func TestCompare(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(bad *Attempt)
		want   []string
	}{
		{"nothing", func(*Attempt) {}, nil},
		{"what is never the same", func(a *Attempt) {
			a.Request.Head = headOf("GET /ws HTTP/1.1", "Host: gw", "Upgrade: websocket", "Cookie: a=b", "sec-websocket-key: y").Head
			a.Response.Head = headOf("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Date: tomorrow").Head
		}, []string{`renamed request field Sec-WebSocket-Key "Sec-WebSocket-Key" "sec-websocket-key"`}},
		{"server", func(a *Attempt) { a.Conn.B = netip.MustParseAddrPort("10.2.0.9:81") }, []string{`changed server  "10.2.0.0:80" "10.2.0.9:81"`}},
		{"proxy", func(a *Attempt) { a.Tunnel = "proxy:1" }, []string{`changed proxy  "" "proxy:1"`}},
		{"connection used again", func(a *Attempt) { a.Request.Offset = 9 }, []string{`changed use of the connection  "first request" "after other requests"`}},
		{"request line", func(a *Attempt) { a.Request.Head.Line = "GET /x HTTP/1.0" }, []string{`changed request line  "GET /ws HTTP/1.1" "GET /x HTTP/1.0"`}},
		{"fields", func(a *Attempt) {
			a.Request.Head = headOf("GET /ws HTTP/1.1", "host: gw2", "Upgrade: websocket", "Sec-WebSocket-Key: x", "Origin: o").Head
		}, []string{`changed request field Host "gw" "gw2"`, `renamed request field Host "Host" "host"`, `removed request field Cookie "a=b" ""`, `added request field Origin "" "o"`}},
		{"order of fields", func(a *Attempt) {
			a.Request.Head = headOf("GET /ws HTTP/1.1", "Upgrade: websocket", "Host: gw", "Cookie: a=b", "Sec-WebSocket-Key: x").Head
		}, []string{`changed order of the request fields  "Host, Upgrade, Cookie, Sec-WebSocket-Key" "Upgrade, Host, Cookie, Sec-WebSocket-Key"`}},
		{"a head that broke off", func(a *Attempt) {
			a.Request.Head, a.Request.Complete = headOf("GET /ws HTTP/1.1", "Host: gw").Head, false
		}, nil},
		{"no answer", func(a *Attempt) { a.Response = nil }, []string{`changed status  "HTTP/1.1 101 Switching Protocols" "no answer"`}},
		{"no HTTP", func(a *Attempt) { a.Response, a.alien = nil, "15 03" }, []string{`changed status  "HTTP/1.1 101 Switching Protocols" "no HTTP"`}},
		{"size", func(a *Attempt) { a.Request.Head.Raw += fmt.Sprintf("%64d", 0) }, []string{`changed request head  "85 bytes" "149 bytes"`}},
		{"hardly a size", func(a *Attempt) { a.Request.Head.Raw += fmt.Sprintf("%63d", 0) }, nil},
		{"time to connect", func(a *Attempt) { a.Conn.SYNACK.Time += 20e6 }, []string{`changed time to connect  "1.0 ms" "21.0 ms"`}},
		{"nearly that time", func(a *Attempt) { a.Conn.SYNACK.Time += 19e6 }, nil},
		{"nearly the time to the answer", func(a *Attempt) { a.Response.First.Time += 100e6 - 1 }, nil},
		{"no SYN", func(a *Attempt) { a.Conn.SYNACK = flow.Stamp{} }, nil},
		{"time to the answer", func(a *Attempt) { a.Response.First.Time += 100e6 }, []string{`changed time to the answer  "9.0 ms" "109.0 ms"`}},
		{"retransmissions", func(a *Attempt) { a.Conn.Retrans = [2]int32{1, 2} }, []string{`changed retransmissions  "0 in 10.0 ms" "3 in 10.0 ms"`}},
		{"as many retransmissions in a longer time", func(a *Attempt) { a.Conn.Retrans, a.lastFrame = [2]int32{1, 2}, a.Conn.First.Time+1e13 },
			[]string{`changed retransmissions  "0 in 10.0 ms" "3 in 2h46m40s"`}},
		{"few retransmissions", func(a *Attempt) { a.Conn.Retrans = [2]int32{1, 1} }, nil},
		{"findings", func(a *Attempt) {
			a.add(Status404, Server, 1, "", "", "")
			a.add(Status404, Server, 1, "", "", "")
			a.add(KeyKnownConstant, Client, 1, "", "", "") // a note
		}, []string{`changed findings  "" "status-404"`}},
	} {
		good, bad := sides()
		tt.change(bad)
		var got []string
		for _, d := range compare(good, bad, nil) {
			got = append(got, fmt.Sprintf("%v %s %s %q %q", d.Kind, d.What, d.Field, d.Before, d.After))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// What is frequent depends on how long a connection lasts.
func TestCompareRetransmissions(t *testing.T) {
	good, bad := sides()
	good.Conn.Retrans, good.lastFrame = [2]int32{30, 30}, good.Conn.First.Time+60e9
	bad.Conn.Retrans, bad.lastFrame = [2]int32{3, 0}, bad.Conn.First.Time+2e9
	if got := compare(good, bad, nil); len(got) != 0 {
		t.Errorf("1 each second, then 1.5: %+v", got)
	}
	bad.Conn.Retrans[1] = 1
	if got := compare(good, bad, nil); len(got) != 1 || got[0].Before != "60 in 60.0 s" || got[0].After != "4 in 2.00 s" {
		t.Errorf("1 each second, then 2: %+v", got)
	}
}

func TestCompareTLS(t *testing.T) {
	at := func(ms int64) flow.Stamp { return flow.Stamp{Frame: 1, Time: ms * 1e6} }
	x := TLS{
		ServerName: "gw", JA4: "t12d", Asked: at(1), Answered: at(2), Version: tls12, Suite: 0xc02f, Protocol: "http/1.1",
		Certificates: []*Certificate{{SHA256: "ab"}},
	}
	for _, tt := range []struct {
		name   string
		change func(x *TLS)
		want   []string
	}{
		{"nothing", func(*TLS) {}, nil},
		{"all", func(x *TLS) {
			*x = TLS{ServerName: "gw2", JA4: "t13d", Asked: at(1), Answered: at(200), Version: tls13, Suite: 0x1301, Certificates: []*Certificate{{SHA256: "cd"}, {}}}
		}, []string{
			`server name "gw" "gw2"`, `ClientHello (JA4) "t12d" "t13d"`, `TLS version "TLS 1.2" "TLS 1.3"`,
			`cipher suite "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" "TLS_AES_128_GCM_SHA256"`, `ALPN "http/1.1" ""`,
			`certificate "SHA-256 ab" "SHA-256 cd"`, `certificates sent "1" "2"`, `time to the ServerHello "1.0 ms" "199.0 ms"`,
		}},
		{"no ServerHello", func(x *TLS) { *x = TLS{ServerName: "gw", JA4: "t12d", Asked: at(1)} }, nil},
	} {
		good, bad := sides()
		y, z := x, x
		good.TLS, bad.TLS = &y, &z
		tt.change(&z)
		var got []string
		for _, d := range compare(good, bad, nil) {
			got = append(got, fmt.Sprintf("%s %q %q", d.What, d.Before, d.After))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A name that leads elsewhere than before is a change, also if the server is the
// same by chance.
func TestCompareNames(t *testing.T) {
	good, bad := sides()
	bad.Request.First.Time += int64(time.Hour)
	a := New(nil)
	for i, addrs := range [][]string{{"192.0.2.2", "192.0.2.1"}, {"192.0.2.3"}} {
		r := reply{name: "gw"}
		for _, addr := range addrs {
			r.records = append(r.records, "gw A "+addr)
		}
		a.told(good.Start().Time/1e9+int64(i), 7, r)
	}
	got := compare(good, bad, a.namesOf())
	if want := (Difference{Changed, "DNS answer", "", "gw is 192.0.2.1, 192.0.2.2", "gw is 192.0.2.3"}); len(got) != 1 || got[0] != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Of many breaks the first ones and the last are kept.
func TestBreaks(t *testing.T) {
	var deeds []deed
	for i := range 10 {
		deeds = append(deeds, deed{at: time.Duration(2*i) * time.Second, path: "/", verdict: OK}, deed{at: time.Duration(2*i+1) * time.Second, path: "/", verdict: Rejected})
	}
	c := historiesOf(deeds).order[0]
	var got []int
	for _, x := range c.Changes {
		got = append(got, x.Good, x.Bad)
	}
	if want := []int{1, 2, 3, 4, 5, 6, 19, 20}; c.Breaks != 10 || !slices.Equal(got, want) {
		t.Errorf("%d breaks, kept %v, want %v", c.Breaks, got, want)
	}
}

// A time that is long anyway changes when it doubles.
func TestCompareLongTimes(t *testing.T) {
	good, bad := sides()
	good.Response.First.Time += 1e9
	bad.Response.First.Time += 19e8
	if got := compare(good, bad, nil); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	bad.Response.First.Time += 2e8
	if got := compare(good, bad, nil); len(got) != 1 || got[0].What != "time to the answer" {
		t.Errorf("%+v", got)
	}
}
