package top

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/report"
)

func emptyBoard() *board { return newBoard(report.NewBriefs(nil), start) }

func pictureOf(b *board, now time.Time) *picture {
	var p picture
	b.picture(&p, now)
	return &p
}

// TestRolling lets a minute pass over an attempt.
func TestRolling(t *testing.T) {
	b := emptyBoard()
	b.attempt(try{client: "192.0.2.1:1", server: "192.0.2.2:80", verdict: analyze.NoResponse}.attempt(), start)
	for _, test := range []struct {
		after                    time.Duration
		wantTen, wantMin, wantIn int
	}{
		{0, 1, 1, 1}, {9 * time.Second, 1, 1, 1}, {10 * time.Second, 0, 1, 1}, {59 * time.Second, 0, 1, 1}, {60 * time.Second, 0, 0, 1},
		{10 * time.Hour, 0, 0, 1}, {-time.Hour, 0, 0, 1}, // the clock was set
	} {
		p := pictureOf(b, start.Add(test.after))
		got := [3]int{p.ten[analyze.NoResponse], p.minute[analyze.NoResponse], p.total[analyze.NoResponse]}
		if want := [3]int{test.wantTen, test.wantMin, test.wantIn}; got != want {
			t.Errorf("after %v: %v, want %v", test.after, got, want)
		}
	}
	b.attempt(try{client: "192.0.2.1:1", server: "192.0.2.2:80", verdict: analyze.OK}.attempt(), start.Add(time.Minute))
	if p := pictureOf(b, start.Add(time.Minute)); p.minute[analyze.NoResponse] != 0 || p.minute[analyze.OK] != 1 {
		t.Errorf("a second is counted twice: %v", p.minute)
	}
}

// TestBounds tells of more clients, servers and failures than are kept.
func TestBounds(t *testing.T) {
	b := emptyBoard()
	for i := range maxParties + 9 {
		b.attempt(try{client: "10.0.0.1:1024", server: "10.0.0.2:80", verdict: analyze.OK}.attempt(), start) // do not rest
		b.attempt(try{
			client: fmt.Sprintf("10.1.%d.%d:1024", i/250, i%250), server: fmt.Sprintf("10.2.%d.%d:80", i/250, i%250),
			verdict: analyze.Rejected, code: analyze.Status404,
			host: strings.Repeat("h", 5000), target: "/" + strings.Repeat("t", 5000),
		}.attempt(), start)
	}
	p := pictureOf(b, start)
	if len(p.clients) != maxParties || p.clientsOut != 10 || len(p.servers) != maxParties || p.servOut != 10 || len(p.failures) != maxFailures {
		t.Errorf("%d clients and %d forgotten, %d servers and %d forgotten, %d failures", len(p.clients), p.clientsOut, len(p.servers), p.servOut, len(p.failures))
	}
	if len(p.servers[0].host) > maxHost || len(p.failures[0].url) > maxText {
		t.Errorf("%d and %d bytes of text", len(p.servers[0].host), len(p.failures[0].url))
	}
	if p.failures[0].server != p.servers[0].name {
		t.Errorf("the latest failure is at %s, want %s", p.failures[0].server, p.servers[0].name)
	}
	kept := map[string]bool{}
	for _, c := range p.clients {
		kept[c.name] = true
	}
	if !kept["10.0.0.1"] || kept["10.1.0.9"] || !kept["10.1.0.10"] {
		t.Error("others than those that were not seen for longest are forgotten")
	}
	if !strings.Contains(modelOf(b, start, 120, 24).View().Content, "[Clients 4096 (10 forgotten)]   Servers 4096 (10 forgotten)") {
		t.Error("it is not told that some were forgotten")
	}
}

// TestCauses counts more findings than are kept.
func TestCauses(t *testing.T) {
	var c causes
	for i := range 20 {
		c.add("often")
		c.add(fmt.Sprint("seldom ", i))
		c.add("")
	}
	if got := c.most(); got != "often" {
		t.Errorf("%q, want often", got)
	}
}

// TestRates takes pictures while packets come, while they do not, and after the end.
func TestRates(t *testing.T) {
	b := emptyBoard()
	at := func(after time.Duration) int64 { return start.Add(after).UnixNano() }
	for _, test := range []struct {
		after          time.Duration
		stats          Stats
		packets, bytes float64 // a second
		now            int64
	}{
		{0, Stats{Packets: 1000}, 0, 0, 0},
		{2 * time.Second, Stats{Packets: 1500, Bytes: 8000, Last: at(0)}, 250, 4000, at(0)},
		{2100 * time.Millisecond, Stats{Packets: 1600, Bytes: 8000, Last: at(0)}, 250, 4000, at(100 * time.Millisecond)}, // too soon
		{3 * time.Second, Stats{Packets: 1600, Bytes: 8000, Last: at(500)}, 100, 0, at(500)},
		{4 * time.Second, Stats{Packets: 1600, Bytes: 8000, Last: at(500)}, 0, 0, at(500 + time.Second)},
	} {
		b.stats = test.stats
		p := pictureOf(b, start.Add(test.after))
		if p.packets != test.packets || p.bytes != test.bytes || p.now != test.now {
			t.Errorf("after %v: %v packets, %v bytes a second, at %d, want %v, %v, %d", test.after, p.packets, p.bytes, p.now, test.packets, test.bytes, test.now)
		}
	}
	b.stats.Drops = -1
	b.end(start.Add(4 * time.Second))
	b.attempt(fleet()[0].attempt(), start.Add(5*time.Second))
	p := pictureOf(b, start.Add(5*time.Second))
	if all, _ := p.ten.all(); all != 0 || p.total[analyze.Redirected] != 1 || p.now != b.stats.Last || p.ran != 4*time.Second {
		t.Errorf("after the end %d attempts lately, at %v, %v long", all, p.now, p.ran)
	}
	if screen := modelOf(b, start.Add(5*time.Second), 80, 24).View().Content; !strings.Contains(screen, " ended ") || !strings.Contains(screen, "all      1600 packets      - dropped") {
		t.Errorf("the screen does not tell of the end:\n%s", screen)
	}
}

// TestEnded tells of attempts that turned out to be something else when their
// connections were over, of one of which the client and the server are forgotten.
func TestEnded(t *testing.T) {
	s := &Screen{board: emptyBoard()}
	standing := func(v analyze.Verdict) analyze.Standing { return analyze.Standing([]byte{byte(v)}) }
	const client, server = "192.0.2.1:1", "192.0.2.2:80"
	early := try{client: client, server: server, verdict: analyze.OK, host: "host.example", target: "/early"}
	late := try{client: client, server: server, verdict: analyze.NoResponse, code: analyze.HTTPRequestUnanswered, host: "host.example", target: "/late", after: time.Second}
	s.Attempt(early.attempt())
	s.Attempt(late.attempt())
	early.verdict, early.code, late.verdict = analyze.AcceptMismatch, analyze.AcceptWrongGUID, analyze.OK
	other := try{client: "192.0.2.8:1", server: "192.0.2.9:80", verdict: analyze.OK}
	for range 2 { // the second time nothing is new
		s.Ended(early.attempt(), standing(analyze.OK))
		s.Ended(late.attempt(), standing(analyze.NoResponse))
		s.Ended(other.attempt(), "")
		early.verdict, late.verdict = analyze.OK, analyze.NoResponse
	}
	p := pictureOf(s.board, start)
	if want := (counts{analyze.OK: 1, analyze.AcceptMismatch: 1}); p.total != want {
		t.Errorf("the totals are %v", p.total)
	}
	for _, parties := range [][]party{p.clients, p.servers} {
		if len(parties) != 1 || parties[0].attempts != 2 || parties[0].failed != 1 || parties[0].last != analyze.OK || parties[0].causes[1].code != "accept-wrong-guid" {
			t.Errorf("who tried: %+v", parties)
		}
	}
	if len(p.failures) != 2 || p.failures[0].url != "host.example/early" || p.failures[0].verdict != analyze.AcceptMismatch {
		t.Errorf("failures: %+v", p.failures)
	}
}

// TestHostile shows text that could upset a terminal.
func TestHostile(t *testing.T) {
	b := emptyBoard()
	evil := "\x1b]0;owned\x07\x1b[2J\u202e\x9b31m\r\n\t\xff"
	a := try{client: "192.0.2.1:1", server: "192.0.2.2:80", verdict: analyze.NotHTTP, code: analyze.ResponseNotHTTP, host: evil, target: "/" + evil}.attempt()
	a.Findings[0].Got = evil
	b.attempt(a, start)
	b.say(printable(evil), start)
	for _, width := range []int{80, 200} {
		m := modelOf(b, start, width, 24)
		m.title = printable(evil)
		if m.View().Content == "" {
			t.Fatal("nothing is shown")
		}
		for _, r := range m.View().Content {
			if r != '\n' && (!unicode.IsPrint(r) || unicode.IsMark(r)) {
				t.Fatalf("%q on the screen:\n%q", r, m.View().Content)
			}
		}
	}
}

// TestSecrets shows a token as its hash, also in what is kept.
func TestSecrets(t *testing.T) {
	b := emptyBoard()
	b.attempt(fleet()[0].attempt(), start)
	if text := fmt.Sprintf("%+v", *pictureOf(b, start)); strings.Contains(text, "s3cr3t") || !strings.Contains(text, "***(14,") {
		t.Errorf("the token is not masked in %s", text)
	}
}

// TestScreenConcurrently tells of everything from several goroutines at once.
func TestScreenConcurrently(t *testing.T) {
	var out painted
	left := 0
	s, err := Start(context.Background(), &Config{In: strings.NewReader("sr/10\t"), Out: &out, Title: "eth\x1b]0;0", Leave: func() { left++ }})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	list := fleet()
	for range 4 {
		wg.Go(func() {
			for i := range 200 {
				s.Attempt(list[rand.IntN(len(list))].attempt())
				s.Stats(Stats{Packets: int64(i)})
				s.Due()
				s.Say("something happened")
				s.End()
			}
		})
	}
	wg.Wait()
	for range 500 { // until there is a picture: the size of what is no terminal, zero, may be told late
		s.program.Send(tea.WindowSizeMsg{Width: 80, Height: 24})
		if strings.Contains(out.String(), "eth") {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if strings.Contains(out.String(), "\x1b]0;") || !strings.Contains(out.String(), "eth?]0;0") {
		t.Errorf("the title is not made safe in %q", out.String())
	}
	s.Attempt(list[0].attempt())
	s.End()
	s.Wait()
	if err := s.Close(); err != nil || left != 1 {
		t.Errorf("closed twice: %v; left %d times", err, left)
	}
	var none *Screen
	none.Attempt(nil)
	none.Stats(Stats{})
	none.Say("")
	none.End()
	none.Wait()
	if none.Due() || none.Close() != nil {
		t.Error("a nil screen does something")
	}
}

// painted is what a screen wrote, which may be looked at meanwhile.
type painted struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (p *painted) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(b)
}

func (p *painted) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.String()
}

// TestScreenContext ends with its context.
func TestScreenContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s, err := Start(ctx, &Config{In: strings.NewReader(""), Out: &bytes.Buffer{}})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	s.Wait()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
