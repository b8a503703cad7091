package analyze

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A turn is what one side says without waiting.
type turn struct {
	dir   flow.Dir
	bytes string
}

// exchanges are real ones, in four turns each.
var exchanges = [][4]string{
	{upgrade, switching, hello, world},
	{upgrade + hello, switching + world, wsFrame(0x88, true, "\x03\xe8"), wsFrame(0x88, false, "\x03\xe8")},
	{upgrade, refusal, upgrade, switching + wsFrame(0x82, false, strings.Repeat("x", 300))},
	{plain + plain + upgrade, page + page + "HTTP/1.1 100 Continue\r\n\r\n" + switching, hello, "HTTP/1.1 500 Oops\r\n\r\n"},
	{plain + upgrade, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n" + switching, hello, "\r\n"},
	{"CONNECT gw:80 HTTP/1.1\r\nHost: gw:80\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", upgrade + hello, switching},
	{"CONNECT gw:80 HTTP/1.1\r\n\r\n" + upgrade, "HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno", upgrade, "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\nbody"},
	{"CONNECT gw:443 HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", clientHello("gw"), tlsAlert(2, 40)},
	{"CONNECT gw:443 HTTP/1.1\r\n\r\n" + clientHello("gw"), "HTTP/1.1 200 OK\r\n\r\n" + serverHello12(), tlsAlert(2, 48), ""},
	{upgrade + "CONNECT gw:443 HTTP/1.1\r\n\r\n", refusal + "HTTP/1.1 200 OK\r\n\r\n", clientHello(""), "HTTP/1.1 400 Bad Request\r\n\r\n"},
	{"HEAD / HTTP/1.1\r\n\r\n" + upgrade, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n" + switching, plain, page},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + upgrade, page + strings.ReplaceAll(switching, "\r\n", "\n"), "This is a webSocket client!", world},
	{"GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", page, plain, switching},
	{upgrade, "SSH-2.0-x\r\n", hello, ""},
	{"", switching + world, upgrade + hello, ""},
}

// FuzzStream cuts what both sides say into segments, in whatever way: the same
// must be found.
func FuzzStream(f *testing.F) {
	for i, e := range exchanges {
		f.Add(e[0], e[1], e[2], e[3], uint64(i))
	}
	f.Fuzz(func(t *testing.T, a, b, c, d string, seed uint64) {
		if len(a)+len(b)+len(c)+len(d) > 8<<10 { // below the bounds on heads, lines and held bytes
			return
		}
		turns := []turn{{client, a}, {server, b}, {client, c}, {server, d}}
		want, sure, whole := whatIsFound(t, turns, func(s string) []string { return []string{s} })
		if !sure || !whole {
			return
		}
		for _, cut := range []func(string) []string{cutAll, cutter(seed, 3), cutter(seed, 40)} {
			if got, sure, _ := whatIsFound(t, turns, cut); sure && !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		}
	})
}

func cutAll(s string) []string { return strings.Split(s, "") }

// cutter cuts into random pieces of up to so many bytes.
func cutter(seed uint64, most int) func(string) []string {
	rng := rand.New(rand.NewPCG(seed, uint64(most)))
	return func(s string) (pieces []string) {
		for s != "" {
			n := min(1+rng.IntN(most), len(s))
			pieces = append(pieces, s[:n])
			s = s[n:]
		}
		return pieces
	}
}

// whatIsFound plays turns, each cut into segments. It is not sure if an answer
// without request had a body: its end is guessed, and a segment that begins with
// a head ends the guess. What was found is not the whole if a direction made no
// sense any more, so that a head at the beginning of a segment was awaited.
func whatIsFound(t *testing.T, turns []turn, cut func(string) []string) (lines []string, sure, whole bool) {
	d := newDialogue()
	d.step, sure, whole = 0, true, true
	look := func() {
		if st := d.stream(); st != nil {
			sure = sure && !st.dirs[0].guess && !st.dirs[1].guess
			whole = whole && st.dirs[0].state != resync && st.dirs[1].state != resync
		}
	}
	for _, turn := range turns {
		for _, segment := range cut(turn.bytes) {
			d.say(turn.dir, segment)
			look()
		}
	}
	d.end(client, flow.FIN)
	look()
	d.end(server, flow.FIN) // what waited for its request is read without it
	look()
	r := d.finish()
	d.a.checkReleased(t)
	lines = []string{fmt.Sprintf("%d requests on %d connections", r.Requests, r.HTTPConns)}
	for t := range r.Attempts.All() {
		lines = append(lines, foundText(t))
	}
	for _, u := range r.Upgrades {
		lines = append(lines, fmt.Sprintf("upgrade to %q: %d", u.Protocol, u.Status))
	}
	return lines, sure, whole
}

// segmentation are the findings that depend on the segments by their nature.
// The last three look at the first bytes of a direction in the segment in which
// they came.
var segmentation = []Code{ResponseSplitOverSegments, FirstFrameCoalesced, FirstFrameDelayedByClient, ResponseNotHTTP, ClientAcceptsNon101, TLSToPlainPort}

var frameNumber = regexp.MustCompile(`frame \d+`)

// foundText is all of an attempt that does not depend on segments.
func foundText(t *Attempt) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %q %q %q %q %v %q interim %d", t.Verdict, t.Reason, t.Key, t.Accept, t.Expected, t.Cause, t.Tunnel, t.Interim)
	for _, m := range []*Message{t.Request, t.Response} {
		if m != nil {
			fmt.Fprintf(&b, " [%q at %d, complete %v, lost %v, body %q]", m.Head.Raw, m.Offset, m.Complete, m.Lost, m.Body)
		}
	}
	fmt.Fprintf(&b, " %+v by %v with %v %d %q", t.Frames, t.Close.By, t.Close.How, t.Close.Code, t.Close.Reason)
	for _, f := range t.Findings {
		if !slices.Contains(segmentation, f.Code) {
			fmt.Fprintf(&b, " (%v %v %v %q %q %q)", f.Code, f.Severity, f.Side, f.Field, frameNumber.ReplaceAllString(f.Got, "frame"), f.Want)
		}
	}
	return b.String()
}

// FuzzHoles leaves segments out and mixes the turns: nothing may go wrong but
// the understanding.
func FuzzHoles(f *testing.F) {
	for i, e := range exchanges {
		f.Add(e[0], e[1], e[2], e[3], uint64(i))
	}
	f.Fuzz(func(t *testing.T, a, b, c, d string, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 2))
		play, cut := newDialogue(), cutter(seed, 60)
		rest := [2][]string{append(cut(a), cut(c)...), append(cut(b), cut(d)...)}
		for len(rest[0])+len(rest[1]) > 0 {
			dir := flow.Dir(rng.IntN(2))
			if len(rest[dir]) == 0 {
				continue
			}
			s := rest[dir][0]
			rest[dir] = rest[dir][1:]
			switch rng.IntN(8) {
			case 0:
				play.lose(dir, int64(len(s)))
			case 1:
				play.lose(dir, int64(rng.IntN(100_000)))
				play.say(dir, s)
			default:
				play.say(dir, s)
			}
			play.checkHeld(t)
		}
		r := play.finish()
		for t := range r.Attempts.All() {
			_ = attemptText(t)
		}
		play.a.checkReleased(t)
	})
}

// checkHeld checks what is held of bytes that mean nothing yet.
func (d *dialogue) checkHeld(t *testing.T) {
	t.Helper()
	st := d.stream()
	if st == nil {
		return
	}
	for dir, p := range st.dirs {
		n := 0
		for _, h := range p.held {
			n += len(h.data)
		}
		if n > MaxHeld || len(p.buf) > MaxHead {
			t.Fatalf("direction %d holds %d bytes, and %d of a head", dir, n, len(p.buf))
		}
	}
}

// checkReleased checks that nothing is left of connections that are over.
func (a *Analyzer) checkReleased(t *testing.T) {
	t.Helper()
	if n := int(a.sockets.used) - len(a.sockets.spare); n != 0 {
		t.Errorf("%d sockets are left", n)
	}
	if n := len(a.streams) - len(a.idle); n != 0 {
		t.Errorf("%d streams are left", n)
	}
	if n := len(a.sessions) - len(a.unused); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
	if n := len(a.elders) + len(a.outlived) + len(a.payloads); n != 0 {
		t.Errorf("%d notes on sockets are left", n)
	}
	if a.tables != 0 {
		t.Errorf("%d bytes of header tables are left", a.tables)
	}
}
