package analyze

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// playLegs plays steps on connections, each of which has a name: o1 to the proxy,
// l1 from there, m1 from another host, and q1 to that; in capitals with a long
// request. A step is "l1?", a request, "l1?/path", "l1=404", an answer, or "l1!", a
// reset. It returns the pairs that are guessed, as "o1>l1".
func playLegs(t *testing.T, steps string) (pairs []string) {
	t.Helper()
	a, talks, names := New(nil), map[string]*dialogue{}, []string(nil)
	at := flow.Stamp{Frame: 1, Time: 1e18}
	for step := range strings.FieldsSeq(steps) {
		name, rest := step[:2], step[3:]
		d := talks[name]
		if d == nil {
			d = a.dialogue(len(talks))
			d.conn.A, d.conn.B = legEnds(name, len(talks))
			d.live.Ends = flow.EndsOf(d.conn.A, d.conn.B)
			talks[name] = d
		}
		d.step, d.at = 0, at
		switch step[2] {
		case '?':
			names = append(names, name)
			d.say(client, legRequest(name, rest))
		case '=':
			d.say(server, "HTTP/1.1 "+rest+" x\r\nContent-Length: 0\r\n\r\n")
		case '!':
			d.end(server, flow.RST)
			d.end(client, flow.RST)
		}
		at.Frame, at.Time = at.Frame+10, at.Time+1e6
	}
	for _, d := range talks {
		for dir := range d.way {
			if !d.way[dir].ended {
				d.chunk(flow.Dir(dir), "", flow.CaptureEnd)
			}
		}
	}
	for x := range a.Finish(flow.Stamp{Frame: at.Frame, Time: at.Time + 10e9}, 0).Attempts.All() {
		if p := x.Passage; p != nil && p.Side == Client {
			pairs = append(pairs, names[x.Number-1]+">"+names[p.Other-1])
			if !p.Guess {
				t.Errorf("%s: %s is no guess", steps, pairs[len(pairs)-1])
			}
		}
	}
	return pairs
}

// legEnds returns client and server of a connection.
func legEnds(name string, n int) (client, server netip.AddrPort) {
	port := 40000 + n
	switch name[0] | 0x20 { // in lower case
	case 'l':
		return addrOf(3, 1, port), addrOf(2, 1, 8080)
	case 'm':
		return addrOf(3, 2, port), addrOf(2, 1, 8080)
	case 'q':
		return addrOf(1, 9, port), addrOf(3, 2, 80)
	}
	return addrOf(1, n, port), addrOf(3, 1, 80)
}

func legRequest(name, path string) string {
	request := strings.Replace(upgrade, key, keyOfBytes([]byte(fmt.Sprintf("%16s", name))), 1)
	if path != "" {
		request = strings.Replace(request, "/ws", path, 1)
	}
	if name == strings.ToUpper(name) {
		request = strings.Replace(request, "\r\n", "\r\nX-Long: "+strings.Repeat("x", 1000)+"\r\n", 1)
	}
	return request
}

func TestGuessPairs(t *testing.T) {
	for _, tt := range []struct {
		name, steps string
		want        []string
	}{
		{"one", "o1? l1? l1=404 o1=404", []string{"o1>l1"}},
		{"one after the other", "o1? l1? l1=404 o1=404 o2? l2? l2=200 o2=200", []string{"o1>l1", "o2>l2"}},
		{"two with other paths", "o1?/a o2?/b l2?/b l1?/a l1=404 l2=404 o1=404 o2=404", []string{"o1>l1", "o2>l2"}},
		{"nobody answers", "o1? l1? o1!", []string{"o1>l1"}},
		{"only the other side is answered", "o1? l1? l1=404 o1!", []string{"o1>l1"}},
		{"only this side is answered", "o1? l1? o1=404", nil},
		{"another path", "o1? l1?/x l1=404 o1=404", nil},
		{"another status", "o1? l1? l1=404 o1=403", nil},
		{"answered too late", "o1? l1? o1=404 l1=404", nil},
		{"asked too early", "l1? o1? l1=404 o1=404", nil},
		{"asked after the answer", "o1? o1=404 l1? l1=404", nil},
		{"asked after the end", "o1? o1! l1? l1=404", nil},
		{"two may be meant", "o1? o2? l1? l1=404 o1=404 o2=404", nil},
		{"two may be made of it", "o1? l1? l2? l1=404 l2=404 o1=404", nil},
		{"two may be made of it, of which one is answered later", "o1? o2? l1? l2? l1=404 o1=404 l2=404 o2=404", nil},
		{"another host asks", "q1?/q q1=404 l9?/l l9=404 o1? m1? m1=404 o1=404", nil},
		{"much longer", "o1? L1? L1=404 o1=404", nil},
		{"much shorter", "O1? l1? l1=404 O1=404", nil},
		{"both long", "O1? L1? L1=404 O1=404", []string{"O1>L1"}},
	} {
		if got := playLegs(t, tt.steps); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
