package analyze

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// framed puts the length of each message in front of it.
func framed(messages ...[]byte) string {
	var b []byte
	for _, m := range messages {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(m))), m...)
	}
	return string(b)
}

// dnsDialogue is a connection to a server of DNS.
func dnsDialogue(a *Analyzer, id int) *dialogue {
	d := a.dialogue(id)
	d.conn.B = netip.MustParseAddrPort("10.0.0.1:53")
	d.live.Ends = flow.EndsOf(d.conn.A, d.conn.B)
	return d
}

// lookupTexts lists the lookups but for their times.
func (n *Names) lookupTexts() (lines []string) {
	for i := range n.lookups {
		l := &n.lookups[i]
		lines = append(lines, fmt.Sprintf("%v %v %q %v %d %q %v %v", l.client, l.server, n.name(l.name), l.v6, l.rcode, n.name(l.cname), l.addrs, l.partial))
	}
	return lines
}

// query is the beginning of a question, in a segment of its own.
const query = "\x00\x1d\x12\x34\x01\x00"

func TestDNSOverTCP(t *testing.T) {
	gw := reply{name: "gw", records: []string{"gw A 192.0.2.1"}}.bytes()
	short := framed(gw, []byte("short"), gw)
	const want = `10.0.0.7 10.0.0.1:53 "gw" false 0 "" [192.0.2.1] false`
	for _, test := range []struct {
		name   string
		play   func(d *dialogue)
		want   []string
		read   bool // it is read on
		stream bool // it is read as HTTP
	}{
		{"one message", func(d *dialogue) { d.say(client, query); d.say(server, framed(gw)) }, []string{want}, true, false},
		{"in pieces", func(d *dialogue) { d.say(client, query); d.say(server, cutAll(framed(gw))...) }, []string{want}, true, false},
		{"the server first", func(d *dialogue) { d.say(server, framed(gw)); d.say(client, query) }, []string{want}, true, false},
		{"something in between", func(d *dialogue) { d.say(client, query); d.say(server, framed([]byte("\x00no message at all"), gw)) }, []string{want}, true, false},
		{"too short for a message", func(d *dialogue) { d.say(client, query); d.say(server, short) }, []string{want}, false, false},
		{"a hole", func(d *dialogue) { d.say(client, query); d.lose(server, 3); d.say(server, framed(gw)) }, nil, false, false},
		{"a hole in a message", func(d *dialogue) {
			d.say(client, query)
			d.say(server, framed(gw)[:9])
			d.lose(server, 3)
			d.say(server, framed(gw))
		}, nil, false, false},
		{"an end in a message", func(d *dialogue) { d.say(server, framed(gw, gw)[:60]) }, []string{want}, true, false},
		{"HTTP", func(d *dialogue) { d.say(client, upgrade); d.say(server, switching) }, nil, true, true},
		{"in the middle", func(d *dialogue) { d.way[server].lost = -1; d.say(server, framed(gw)) }, nil, true, true},
	} {
		a := New(nil)
		d := dnsDialogue(a, 1)
		test.play(d)
		if got := a.names.lookupTexts(); !slices.Equal(slices.Compact(got), test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
		if kind := d.live.State & kindMask; (kind != notOurs) != test.read || (kind == inStream || kind == silent) != test.stream {
			t.Errorf("%s: state %d", test.name, kind)
		}
		d.end(server, flow.FIN)
		d.end(client, flow.FIN)
		if n := a.dnsHeld.used(); n > 0 {
			t.Errorf("%s: %d places are used", test.name, n)
		}
		if r := a.Finish(d.at, 0); test.name == "HTTP" && r.Attempts.Len() != 1 {
			t.Errorf("%s: %d attempts", test.name, r.Attempts.Len())
		}
	}
}

// used is how many places hold something, at most 64 KiB and a length each.
func (h *dnsHeld) used() (n int) {
	for _, b := range h {
		if b != nil {
			n++
		}
		if len(b) > 2+1<<16 {
			panic("more than a message is held")
		}
	}
	return n
}

// TestDNSHeld begins messages on more connections than are held.
func TestDNSHeld(t *testing.T) {
	a := New(nil)
	gw, other := framed(reply{name: "gw", records: []string{"gw A 192.0.2.1"}}.bytes()), framed(reply{name: "xy", records: []string{"xy A 192.0.2.1"}}.bytes())
	var all []*dialogue
	for i := range maxDNSHeld + 2 {
		d := dnsDialogue(a, i)
		d.say(server, gw+other[:20])
		all = append(all, d)
	}
	if n := a.dnsHeld.used(); n != maxDNSHeld || a.names.unlisted != 2 {
		t.Errorf("%d are held, %d left out", n, a.names.unlisted)
	}
	for _, d := range all {
		d.say(server, other[20:])
	}
	if n := a.dnsHeld.used(); n != 0 {
		t.Errorf("%d are held at the end", n)
	}
	if l := a.names.lookups; len(l) != 2 || l[1].last != all[maxDNSHeld-1].at {
		t.Errorf("%+v", l)
	}
}

// FuzzDNSStream cuts the bytes of a server in whatever way: the same must be found.
func FuzzDNSStream(f *testing.F) {
	for i := range replies() {
		f.Add(framed(append(replies()[i:], replies()[:i]...)...), uint64(i))
	}
	f.Add(framed(replies()...)+strings.Repeat("\x00", 100), uint64(9))
	f.Fuzz(func(t *testing.T, said string, seed uint64) {
		var want []string
		for i, cut := range []func(string) []string{func(s string) []string { return []string{s} }, cutAll, cutter(seed, 3), cutter(seed, 40)} {
			a := New(nil)
			d := dnsDialogue(a, 1)
			d.step = 0
			d.say(client, query)
			for _, s := range cut(said) {
				d.say(server, s)
				if a.dnsHeld.used() > 1 {
					t.Fatal("it holds more than one message")
				}
			}
			d.end(server, flow.FIN)
			d.end(client, flow.FIN)
			if a.dnsHeld.used() > 0 {
				t.Error("something is left")
			}
			got := append(a.names.lookupTexts(), fmt.Sprint(a.names.unlisted))
			if i == 0 {
				want = got
			} else if !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		}
	})
}
