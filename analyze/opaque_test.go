package analyze

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// sealed13 are records of TLS 1.3 with so many bytes inside.
func sealed13(sizes ...int) (b string) {
	for _, n := range sizes {
		b += tlsData(n + 1 + 16)
	}
	return b
}

// sealed12 are records of TLS 1.2 with AES-GCM.
func sealed12(sizes ...int) (b string) {
	for _, n := range sizes {
		b += tlsData(n + 8 + 16)
	}
	return b
}

// opening13 is a handshake of TLS 1.3, and what the client says behind it.
func opening13(flight []int, said ...int) []spoken {
	hello := strings.Replace(serverHello13(), "\xc0\x2f", "\x13\x01", 1)
	return []spoken{{client, clientHello("a.example")}, {server, hello + tlsChange + sealed13(900)}, {client, tlsChange + sealed13(flight...) + sealed13(said...)}}
}

func opening12(said ...int) []spoken {
	finished := tlsChange + tlsRecord(22, strings.Repeat("\xc5", 40))
	return []spoken{
		{client, clientHello("a.example")}, {server, serverHello12() + tlsRecord(22, tlsMessage(14, ""))},
		{client, tlsRecord(22, tlsMessage(16, "k")) + finished}, {server, finished}, {client, sealed12(said...)},
	}
}

// What lengths show is the same whatever the pieces are that the bytes come in, and
// in whatever order the directions do.
func TestOutline(t *testing.T) {
	for _, test := range []struct {
		name string
		talk []spoken
		want Outline
	}{
		{"TLS 1.3", append(opening13([]int{36}, 200), spoken{server, sealed13(233, 233, 129)}, spoken{client, sealed13(6, 17, 18, 5)}),
			Outline{Request: 200, Replies: []uint16{233, 233, 129}, More: 4, Frames: 2, Tiny: 1, Whole: true}},
		{"close_notify", append(opening13([]int{36}, 200), spoken{server, sealed13(233, 150, 2)}, spoken{client, sealed13(2)}),
			Outline{Request: 200, Replies: []uint16{233, 150, 2}, Whole: true}},
		{"two that short", append(opening13([]int{36}, 200), spoken{server, sealed13(150)}, spoken{client, sealed13(2, 2)}),
			Outline{Request: 200, Replies: []uint16{150}, More: 1, Tiny: 1, Whole: true}},
		{"client certificate", append(opening13([]int{8, 36}, 200), spoken{server, sealed13(150)}),
			Outline{Request: 200, Replies: []uint16{150}, Whole: true}},
		{"no Finished", append(opening13([]int{40}, 200), spoken{server, sealed13(150)}), Outline{}},
		{"many replies", append(opening13([]int{36}, 200), spoken{server, sealed13(1, 2, 3, 4, 5, 6, 7)}),
			Outline{Request: 200, Replies: []uint16{1, 2, 3, 4, 5, 6}}},
		{"TLS 1.2", append(opening12(200), spoken{server, sealed12(150)}, spoken{client, sealed12(2, 6)}),
			Outline{Request: 200, Replies: []uint16{150}, More: 2, Frames: 1, Tiny: 1, Whole: true}},
		{"server first", append(opening12(), spoken{server, sealed12(50)}, spoken{client, sealed12(200)}),
			Outline{Request: 200, Whole: true}},
	} {
		rng := rand.New(rand.NewPCG(3, 4))
		for round := range 40 {
			a := New(nil)
			pieces := rng
			if round == 0 {
				pieces = nil
			}
			a.dialogue(0).overhear(test.talk, pieces, 1+rng.IntN(300))
			s := a.sessions[0]
			s.summarise()
			got := s.Outline
			got.Answered = flow.Stamp{}
			if !reflect.DeepEqual(got, test.want) {
				t.Fatalf("%s: %+v, want %+v", test.name, got, test.want)
			}
		}
	}
}

// What is likely a WebSocket, and what is something else that lasts.
func TestLikelyUpgraded(t *testing.T) {
	for _, test := range []struct {
		name string
		o    Outline
		want bool
	}{
		{"pings", Outline{Request: 200, Replies: []uint16{233, 129}, More: 9, Frames: 2}, true},
		{"HTTP, request after request", Outline{Request: 200, Replies: []uint16{233, 300}, More: 9}, false},
		{"MQTT, PINGREQ", Outline{Request: 200, Replies: []uint16{233, 4}, More: 9, Frames: 2, Tiny: 5}, false},
		{"MQTT, short CONNECT", Outline{Request: 60, Replies: []uint16{233, 4}, More: 9, Frames: 9}, false},
		{"no answer that large", Outline{Request: 200, Replies: []uint16{4, 40}, More: 9, Frames: 9}, false},
		{"nothing known", Outline{}, false},
	} {
		if got := test.o.likelyUpgraded(); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

func TestDiffers(t *testing.T) {
	type list = []uint16
	for _, test := range []struct {
		name            string
		replies, opened list
		want            bool
	}{
		{"another answer", list{162}, list{129, 20}, true},
		{"and a body", list{162, 900}, list{129, 20}, true},
		{"behind tickets", list{233, 233, 162}, list{233, 233, 129, 20}, true},
		{"behind one ticket of two", list{233, 162}, list{233, 233, 129}, true},
		{"tickets came before", list{233, 233, 162}, list{129, 20}, true},
		{"the same", list{129}, list{129, 20}, false},
		{"the same, behind tickets", list{233, 233, 129}, list{233, 233, 129, 20}, false},
		{"the same, fewer tickets", list{233, 129}, list{233, 233, 129}, false},
		{"the same, another ticket", list{249, 129, 2}, list{233, 129}, false},
		{"a message behind the same", list{233, 129, 300}, list{233, 129, 20}, false},
		{"no answer", list{233, 233}, list{233, 233, 129}, false},
		{"none at all", nil, list{129}, false},
		{"only an alert", list{233, 2}, list{233, 129}, false},
		{"alerts are alike", list{233, 162, 2}, list{233, 129, 2}, true},
		{"nothing to compare with", list{162}, nil, false},
	} {
		if got := differs(test.replies, test.opened); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

// Only what is whole, short and over at once may have been refused.
func TestMayBeRefused(t *testing.T) {
	at := func(d time.Duration) flow.Stamp { return flow.Stamp{Frame: 9, Time: 1e18 + int64(d)} }
	good := TLS{Records: [2]int{3, 4}, Small: [2]int{3, 4}, Outline: Outline{Request: 200, Replies: []uint16{162}, Answered: at(0), Whole: true}}
	for name, test := range map[string]struct {
		edit func(x *TLS)
		end  flow.Stamp
		want bool
	}{
		"refused":               {func(*TLS) {}, at(time.Second), true},
		"later":                 {func(*TLS) {}, at(time.Second + 1), false},
		"still open":            {func(*TLS) {}, flow.Stamp{}, false},
		"more of the client":    {func(x *TLS) { x.Outline.More = 1 }, at(0), false},
		"bytes missing":         {func(x *TLS) { x.Outline.Whole = false }, at(0), false},
		"too short a request":   {func(x *TLS) { x.Outline.Request = minUpgrade - 1 }, at(0), false},
		"too short an answer":   {func(x *TLS) { x.Outline.Replies = []uint16{16, 2} }, at(0), false},
		"HTTP/2 on offer":       {func(x *TLS) { x.ALPN = []string{"h2", "http/1.1"} }, at(0), false},
		"looks like a long one": {func(x *TLS) { x.Records, x.Small = [2]int{4, 4}, [2]int{4, 4} }, at(0), false},
	} {
		x := good
		if test.edit(&x); x.mayBeRefused(test.end) != test.want {
			t.Errorf("%s: %v", name, !test.want)
		}
	}
}

// Bids are alike if software, server and length are.
func TestBids(t *testing.T) {
	attempt := func(edit func(x *TLS)) *Attempt {
		x := &TLS{ServerName: "a.example", JA4: "j", Version: tls13, Suite: 0x1301, Outline: Outline{Request: 200, Replies: []uint16{129}, Frames: 2}}
		edit(x)
		return &Attempt{TLS: x, Conn: &flow.Evidence{A: netip.MustParseAddrPort("10.0.0.1:1"), B: netip.MustParseAddrPort("10.0.0.2:443")}}
	}
	l := bids{}
	l.add(attempt(func(*TLS) {}))
	for name, test := range map[string]struct {
		edit func(x *TLS)
		want bool
	}{
		"alike":          {func(*TLS) {}, true},
		"other length":   {func(x *TLS) { x.Outline.Request++ }, false},
		"other software": {func(x *TLS) { x.JA4 = "k" }, false},
		"other version":  {func(x *TLS) { x.Version = tls12 }, false},
		"other suite":    {func(x *TLS) { x.Suite = 0x1303 }, false},
		"other name":     {func(x *TLS) { x.ServerName = "b.example" }, false},
		"no name":        {func(x *TLS) { x.ServerName = "" }, false},
	} {
		a := attempt(func(x *TLS) { x.Outline.Replies, x.Outline.Frames = []uint16{162}, 0 })
		test.edit(a.TLS)
		if got := l.refused(a); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	other := attempt(func(x *TLS) { x.Outline.Replies = []uint16{162, 162} })
	if l.add(other); l.refused(attempt(func(x *TLS) { x.Outline.Replies = []uint16{162} })) {
		t.Error("what one of two opened WebSockets got is called a refusal")
	}
}

// There is room for so many that others must speak for, and for the rest all the same.
func TestOpaqueBound(t *testing.T) {
	a := New(nil)
	a.keptOpaque = maxTLSOpaque
	talk := append(opening12(200), spoken{server, sealed12(150)}, spoken{server, ""})
	if r := a.overhears(talk, nil, 0); r.UncomparedTLS != 1 || r.Attempts.Len() != 0 || r.UnlistedTLS != 0 {
		t.Errorf("%d not compared, %d attempts", r.UncomparedTLS, r.Attempts.Len())
	}
	a = New(nil)
	a.ConnectFailures, a.keptOpaque = AllFailures, maxTLSOpaque
	if r := a.overhears([]spoken{{client, clientHello("a.example")}, {server, tlsAlert(2, 40)}}, nil, 0); r.UncomparedTLS != 0 || r.Attempts.Len() != 1 {
		t.Errorf("%d not compared, %d attempts", r.UncomparedTLS, r.Attempts.Len())
	}
}
