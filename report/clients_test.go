package report

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/wssniff/wssniff/analyze"
)

func TestTimesText(t *testing.T) {
	x := analyze.Times{Step: time.Second}
	copy(x.Attempts[:], []int{1, 0, 7, 7, 2, 1})
	copy(x.Failed[:], []int{0, 0, 1, 6, 2, 1})
	if bars, step, _ := strings.Cut(timesText(&x), " "); bars != "▁·▂▇██" || !strings.HasPrefix(step, "1") || !strings.HasSuffix(step, " each") {
		t.Errorf("%q %q", bars, step)
	}
	x = analyze.Times{Step: time.Second}
	x.Attempts[0] = 3
	if got := timesText(&x); got != "" {
		t.Errorf("one step alone shows %q", got)
	}
}

func TestRhythmText(t *testing.T) {
	for _, tt := range []struct {
		r    analyze.Rhythm
		want string
	}{
		{analyze.Rhythm{Waits: 2, Median: time.Second}, ""},
		{analyze.Rhythm{Kind: analyze.Constant, Median: 10 * time.Second}, "after 10.00 s"},
		{analyze.Rhythm{Kind: analyze.Constant, Median: time.Second, Like: "x"}, "after 1.00 s, as x does"},
		{analyze.Rhythm{Kind: analyze.Immediate, Median: time.Millisecond}, "at once, 1.0 ms"},
		{analyze.Rhythm{Kind: analyze.BackOff, From: time.Second, To: 30 * time.Second}, "later each time, 1.00 s to 30.00 s"},
		{analyze.Rhythm{Kind: analyze.Irregular, Median: 7 * time.Second}, "irregularly, median 7.00 s"},
	} {
		if got := rhythmText(&tt.r); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.r.Kind, got, tt.want)
		}
	}
}

func TestLifeText(t *testing.T) {
	s := time.Second
	for want, l := range map[string]analyze.Lives{
		"":                                {},
		"5.00 s":                          {Ended: 2, Shortest: 5 * s, Median: 5 * s, Longest: 5 * s},
		"1.00 s to 9.00 s, median 2.00 s": {Ended: 3, Shortest: s, Median: 2 * s, Longest: 9 * s},
	} {
		if got := lifeText(&l); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestEndsText(t *testing.T) {
	l := analyze.Lives{Ends: []analyze.LifeEnd{
		{By: analyze.Server, How: analyze.CloseFrame, Code: 1001, Count: 3}, {By: analyze.Client, How: analyze.CloseFrame, Code: -1, Count: 2},
		{By: analyze.Server, How: analyze.CloseRST, Code: -1, Count: 2}, {How: analyze.StillOpen, Code: -1, Count: 1},
	}}
	if got, want := endsText(&l), "server close-frame 1001 ×3, client close-frame ×2, server rst ×2, open ×1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestCauseText(t *testing.T) {
	for _, tt := range []struct {
		c    analyze.History
		want string
	}{
		{analyze.History{Failed: 3}, ""},
		{analyze.History{Failed: 3, Causes: []analyze.Cause{{Code: analyze.Status404, Count: 2}, {Code: analyze.Status403, Count: 1}}}, "status-404 (2 of 3)"},
		{analyze.History{Failed: 3, Causes: []analyze.Cause{{Code: analyze.Status404, Count: 2}}, Fault: analyze.Client}, "status-404 (2 of 3), others succeed with the same server meanwhile"},
		{analyze.History{Failed: 3, Causes: []analyze.Cause{{Code: analyze.Status404, Count: 2}}, Fault: analyze.Server}, "status-404 (2 of 3), the server fails for others too"},
	} {
		if got := causeText(&tt.c); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

func TestDifferencesText(t *testing.T) {
	v := &veil{masker: newMasker(&Options{})}
	if got := differencesText(v, nil); got != "unchanged" {
		t.Errorf("%q", got)
	}
	got := differencesText(v, []analyze.Difference{
		{Kind: analyze.Changed, What: "start line", Before: "a", After: "b"}, {Kind: analyze.Added, What: "field", Field: "Via", After: "x\x1b"},
		{Kind: analyze.Removed, What: "field", Field: "Origin", Before: "o"}, {Kind: analyze.Renamed, What: "field", Field: "Host", Before: "Host", After: "host"},
		{Kind: analyze.Changed, What: "field", Field: "Cookie", Before: "a=b", After: "a=c"},
	})
	if want := `start line: a => b; +Via: x\x1b; -Origin: o; Host written host; Cookie: a=` + masked("b") + " => a=" + masked("c"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// comers are clients that fail, each once more than the one before.
func comers(n int) *Input {
	var list []*analyze.Attempt
	s := &script{}
	for i := range n {
		for range 2 + i%3 {
			a := s.attempt(analyze.Rejected, getRequest, "HTTP/1.1 404 No")
			a.Conn.A = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 1)
			list = append(list, a)
		}
	}
	return &Input{Result: &analyze.Result{Attempts: analyze.NewAttempts(list...)}}
}

// Those with the most failures come first, and not all of them unless they are
// asked for.
func TestClientRows(t *testing.T) {
	rows := func(opt *Options) (addrs []string, failed []string, title string) {
		p := newPage(comers(maxClientRows+10), opt)
		for _, r := range p.clients.rows {
			addrs, failed = append(addrs, r[0]), append(failed, r[4])
		}
		return addrs, failed, p.clients.title
	}
	addrs, failed, title := rows(&Options{})
	if len(addrs) != maxClientRows || failed[0] != "4" || failed[maxClientRows-1] != "2" || addrs[0] != "10.1.0.2" || addrs[1] != "10.1.0.5" {
		t.Errorf("%d rows: %v\n%v", len(addrs), addrs, failed)
	}
	if want := fmt.Sprintf("(%d of %d, see --all)", maxClientRows, maxClientRows+10); !strings.Contains(title, want) {
		t.Errorf("%q does not say %q", title, want)
	}
	if addrs, _, title := rows(&Options{All: true}); len(addrs) != maxClientRows+10 || title != "Clients" {
		t.Errorf("%d rows: %q", len(addrs), title)
	}
}

// A client that came once, or with which nothing is wrong, has no row.
func TestClientsRemarkable(t *testing.T) {
	s := &script{}
	for name, tt := range map[string]struct {
		verdicts []analyze.Verdict
		want     int
	}{
		"once":    {[]analyze.Verdict{analyze.Rejected}, 0},
		"twice":   {[]analyze.Verdict{analyze.Rejected, analyze.OK}, 1},
		"no fail": {[]analyze.Verdict{analyze.OK, analyze.OK}, 0},
	} {
		var list []*analyze.Attempt
		s.attempts = 0
		for _, v := range tt.verdicts {
			list = append(list, s.attempt(v, getRequest, "HTTP/1.1 101 ok"))
		}
		p := newPage(&Input{Result: &analyze.Result{Attempts: analyze.NewAttempts(list...)}}, &Options{})
		if len(p.clients.rows) != tt.want {
			t.Errorf("%s: %q", name, p.clients.rows)
		}
	}
}

// A timeline tells what did not fit, and why nobody can tell.
func TestTimelineRows(t *testing.T) {
	s := &script{}
	late := sampleLate(s)
	in := &Input{Result: &analyze.Result{Attempts: analyze.NewAttempts(late, s.attempt(analyze.OK, getRequest, "HTTP/1.1 101 ok"), s.attempt(analyze.OK, getRequest, "HTTP/1.1 101 ok"))}}
	p := newPage(in, &Options{Timeline: true})
	if r := p.timeline.rows; len(r) != 2 || r[0][7] != late.Reason || r[0][10] != "#1" || r[1][2] != "2" || r[1][10] != "#2-#3" {
		t.Errorf("%q", p.timeline.rows)
	}
	var list []*analyze.Attempt
	s = &script{}
	for i := range maxPeriods + 7 {
		list = append(list, s.attempt([]analyze.Verdict{analyze.OK, analyze.Rejected}[i%2], getRequest, "HTTP/1.1 101 ok"))
	}
	p = newPage(&Input{Result: &analyze.Result{Attempts: analyze.NewAttempts(list...)}}, &Options{Timeline: true})
	if len(p.timeline.rows) != maxPeriods || !strings.Contains(p.timeline.title, "without 7 attempts at the end") {
		t.Errorf("%d rows: %q", len(p.timeline.rows), p.timeline.title)
	}
}

// A failure that differs in nothing that shows says so.
func TestNothingChanged(t *testing.T) {
	s := &script{}
	list := []*analyze.Attempt{s.attempt(analyze.OK, getRequest, "HTTP/1.1 101 ok"), s.attempt(analyze.BadHandshake, getRequest, "HTTP/1.1 101 ok")}
	p := newPage(&Input{Result: &analyze.Result{Attempts: analyze.NewAttempts(list...)}}, &Options{})
	if r := p.changed.rows; len(r) != 1 || r[0][3] != "nothing that the capture shows" {
		t.Errorf("%q", r)
	}
}
