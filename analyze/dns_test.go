package analyze

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A reply is a DNS answer to be packed. Records are "owner CNAME target", "owner A
// address" and "owner AAAA address".
type reply struct {
	name    string
	v6      bool
	rcode   int
	records []string
	change  func(m *dnsmessage.Message)
}

func (r reply) bytes() []byte {
	kind := dnsmessage.TypeA
	if r.v6 {
		kind = dnsmessage.TypeAAAA
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, Response: true, RCode: dnsmessage.RCode(r.rcode)},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(r.name + "."), Type: kind, Class: dnsmessage.ClassINET}},
	}
	for _, record := range r.records {
		f := strings.Fields(record)
		h := dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(f[0] + "."), Class: dnsmessage.ClassINET, TTL: 60}
		var body dnsmessage.ResourceBody
		switch f[1] {
		case "CNAME":
			body = &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(f[2] + ".")}
		case "A":
			body = &dnsmessage.AResource{A: netip.MustParseAddr(f[2]).As4()}
		case "AAAA":
			body = &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(f[2]).As16()}
		}
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: body})
	}
	if r.change != nil {
		r.change(&m)
	}
	b, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return b
}

func (r *answer) String() string {
	return fmt.Sprintf("%s %v %d %q %v partial %v", r.name.bytes(), r.v6, r.rcode, r.cname.bytes(), r.addrs, r.partial)
}

// TestAnswer reads answers, and what is none; "" is what is not taken.
func TestAnswer(t *testing.T) {
	var many []string
	for i := range maxAddrs + 1 {
		many = append(many, fmt.Sprintf("gw A 10.0.0.%d", i))
	}
	var crowd []string
	for range maxRecords {
		crowd = append(crowd, "other A 10.0.0.1")
	}
	for _, test := range []struct {
		name  string
		reply reply
		want  string
	}{
		{"address", reply{name: "gw.example", records: []string{"gw.example A 192.0.2.1"}}, `gw.example false 0 "" [192.0.2.1] partial false`},
		{"two, one twice", reply{name: "gw", records: []string{"gw A 192.0.2.2", "gw A 192.0.2.1", "gw A 192.0.2.2"}}, `gw false 0 "" [192.0.2.2 192.0.2.1] partial false`},
		{"IPv6", reply{name: "gw", v6: true, records: []string{"gw AAAA 2001:db8::1"}}, `gw true 0 "" [2001:db8::1] partial false`},
		{"of the other kind", reply{name: "gw", records: []string{"gw AAAA 2001:db8::1"}}, ""},
		{"of the other kind, IPv6", reply{name: "gw", v6: true, records: []string{"gw A 192.0.2.1"}}, ""},
		{"any case", reply{name: "Gw.eXample", records: []string{"gW.ExaMple A 192.0.2.1"}}, `gw.example false 0 "" [192.0.2.1] partial false`},
		{"of another name", reply{name: "gw", records: []string{"other A 192.0.2.1"}}, ""},
		{"of a name as long", reply{name: "gw", records: []string{"gx A 192.0.2.1", "gw A 192.0.2.2"}}, `gw false 0 "" [192.0.2.2] partial false`},
		{"of the beginning of the name", reply{name: "gw.example", records: []string{"gw A 192.0.2.1"}}, ""},
		{"alias", reply{name: "gw", records: []string{"gw CNAME Edge.CDN", "edge.cdn A 192.0.2.1"}}, `gw false 0 "edge.cdn" [192.0.2.1] partial false`},
		{"aliases in reverse", reply{name: "gw", records: []string{"c A 192.0.2.1", "b CNAME c", "gw CNAME b"}}, `gw false 0 "c" [192.0.2.1] partial false`},
		{"alias of nothing", reply{name: "gw", records: []string{"gw CNAME b"}}, ""},
		{"aliases in a circle", reply{name: "gw", records: []string{"gw CNAME b", "b A 192.0.2.1", "b CNAME gw"}}, ""},
		{"alias that is no host", reply{name: "gw", records: []string{"gw CNAME a*b", "a*b A 192.0.2.1"}}, `gw false 0 "" [192.0.2.1] partial false`},
		{"no such name", reply{name: "gw", rcode: 3, records: []string{"gw CNAME b", "b A 192.0.2.1"}}, `gw false 3 "b" [] partial false`},
		{"failure", reply{name: "gw", rcode: 2}, `gw false 2 "" [] partial false`},
		{"nothing", reply{name: "gw"}, ""},
		{"truncated", reply{name: "gw", records: []string{"gw A 192.0.2.1"}, change: func(m *dnsmessage.Message) { m.Truncated = true }}, `gw false 0 "" [192.0.2.1] partial true`},
		{"too many addresses", reply{name: "gw", records: many}, fmt.Sprintf(`gw false 0 "" %v partial true`, addrsUpTo(maxAddrs))},
		{"too many records", reply{name: "gw", records: append([]string{"gw A 10.0.0.0"}, crowd...)}, `gw false 0 "" [10.0.0.0] partial true`},
		{"underscore", reply{name: "_ws-1.gw", records: []string{"_ws-1.gw A 192.0.2.1"}}, `_ws-1.gw false 0 "" [192.0.2.1] partial false`},
		{"no host's name", reply{name: "g w", records: []string{`gw A 192.0.2.1`}}, ""},
		{"a question", reply{name: "gw", records: []string{"gw A 192.0.2.1"}, change: func(m *dnsmessage.Message) { m.Response = false }}, ""},
		{"an update", reply{name: "gw", records: []string{"gw A 192.0.2.1"}, change: func(m *dnsmessage.Message) { m.OpCode = 5 }}, ""},
		{"two questions", reply{name: "gw", records: []string{"gw A 192.0.2.1"}, change: func(m *dnsmessage.Message) { m.Questions = append(m.Questions, m.Questions[0]) }}, ""},
		{"no question", reply{name: "gw", records: []string{"gw A 192.0.2.1"}, change: func(m *dnsmessage.Message) { m.Questions = nil }}, ""},
		{"another class", reply{name: "gw", records: []string{"gw A 192.0.2.1"}, change: func(m *dnsmessage.Message) { m.Questions[0].Class = dnsmessage.ClassCHAOS }}, ""},
		{"record of another class", reply{name: "gw", records: []string{"gw A 192.0.2.1"}, change: func(m *dnsmessage.Message) { m.Answers[0].Header.Class = dnsmessage.ClassCHAOS }}, ""},
		{"another type", reply{name: "gw", records: []string{"gw A 192.0.2.1"}, change: func(m *dnsmessage.Message) { m.Questions[0].Type = dnsmessage.TypeMX }}, ""},
		{"the root", reply{name: "", records: nil, rcode: 3}, ""},
	} {
		r, got := answer{}, ""
		if r.read(test.reply.bytes()) {
			got = r.String()
		}
		if got != test.want {
			t.Errorf("%s: got  %s\nwant %s", test.name, got, test.want)
		}
	}
}

func addrsUpTo(n byte) (addrs []netip.Addr) {
	for i := range n {
		addrs = append(addrs, netip.AddrFrom4([4]byte{10, 0, 0, i}))
	}
	return addrs
}

// TestAnswerCut cuts an answer everywhere: it counts for the addresses that it has.
func TestAnswerCut(t *testing.T) {
	b := reply{name: "gw", records: []string{"gw CNAME b", "b A 192.0.2.1", "b A 192.0.2.2", "b A 192.0.2.3"}}.bytes()
	seen := map[int]int{}
	for n := range b {
		var r answer
		if r.read(b[:n]) {
			seen[len(r.addrs)]++
			if !r.partial || len(r.addrs) == 0 {
				t.Errorf("cut to %d of %d: %v", n, len(b), &r)
			}
		}
	}
	if seen[1] == 0 || seen[2] == 0 || seen[3] != 0 {
		t.Errorf("numbers of addresses: %v", seen)
	}
}

// TestAnswerNoAllocs: once its buffer is there, an answer is read without garbage.
func TestAnswerNoAllocs(t *testing.T) {
	b := reply{name: "gw.example", records: []string{"gw.example CNAME edge.example", "edge.example A 192.0.2.1"}}.bytes()
	a := New(nil)
	d := flow.Datagram{From: netip.MustParseAddrPort("10.0.0.1:53"), To: netip.MustParseAddrPort("10.0.0.7:40000"), Data: b}
	if got := testing.AllocsPerRun(100, func() { a.Datagram(d) }); got != 0 || a.names.Len() != 1 {
		t.Errorf("%v allocations, %d answers", got, a.names.Len())
	}
}

// replies are answers to begin with.
func replies() [][]byte {
	var all [][]byte
	for _, r := range []reply{
		{name: "gw.example", records: []string{"gw.example A 192.0.2.1", "gw.example A 192.0.2.2"}},
		{name: "gw.example", v6: true, records: []string{"gw.example CNAME b.example", "b.example AAAA 2001:db8::1"}},
		{name: "x", rcode: 3},
		{name: "gw", records: []string{"b CNAME gw", "gw CNAME b"}},
	} {
		all = append(all, r.bytes())
	}
	return all
}

// check checks what always holds of an answer.
func (r *answer) check(t *testing.T) {
	t.Helper()
	if len(r.addrs) > maxAddrs || r.rcode == 0 && len(r.addrs) == 0 || r.rcode != 0 && len(r.addrs) != 0 || r.name.n == 0 {
		t.Errorf("%v", r)
	}
	for _, c := range slices.Concat(r.name.bytes(), r.cname.bytes()) {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-_.", rune(c)) {
			t.Errorf("%v", r)
		}
	}
	for i, a := range r.addrs {
		if a.Is6() != r.v6 || slices.Contains(r.addrs[:i], a) {
			t.Errorf("%v", r)
		}
	}
}

// FuzzAnswer reads anything as an answer.
func FuzzAnswer(f *testing.F) {
	for _, b := range replies() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		var r answer
		if r.read(b) {
			r.check(t)
		}
		if !bytes.Equal(b, before) {
			t.Error("it changes the message")
		}
	})
}
