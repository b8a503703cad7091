package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/internal/pcapgen"
)

// checkIncidents wants those that are stated and no other.
func checkIncidents(t *testing.T, got *analyze.Result, want []pcapgen.Incident) {
	t.Helper()
	var found []pcapgen.Incident
	for _, i := range got.Incidents() {
		f := pcapgen.Incident{Code: i.Code.String(), Attempts: i.Attempts, Clients: i.Clients}
		if i.Server.IsValid() {
			f.Server = i.Server.String()
		}
		if i.Client.IsValid() {
			f.Client = i.Client.String()
		}
		found = append(found, f)
		if i.From <= 0 || i.To < i.From {
			t.Errorf("%v from %d to %d", i.Code, i.From, i.To)
		}
	}
	if d := cmp.Diff(want, found); d != "" {
		t.Errorf("incidents (-want +got):\n%s", d)
	}
}

// checkPassages wants those that are stated and no other, told from both sides.
func checkPassages(t *testing.T, got *analyze.Result, want []pcapgen.Passage) {
	t.Helper()
	var found []pcapgen.Passage
	inners := 0
	for a := range got.Attempts.All() {
		p := a.Passage
		switch {
		case p == nil:
		case p.Side == analyze.Server:
			inners++
		default:
			found = append(found, pcapgen.Passage{Outer: a.Number, Inner: p.Other, Guess: p.Guess, Request: textsOf(p.Request), Response: textsOf(p.Response)})
		}
	}
	if d := cmp.Diff(want, found); d != "" || inners != len(want) {
		t.Errorf("%d passages from behind, and from before (-want +got):\n%s", inners, d)
	}
}

func textsOf(list []analyze.Difference) (texts []string) {
	for _, d := range list {
		what := d.What
		if d.Field != "" {
			what += " " + d.Field
		}
		texts = append(texts, fmt.Sprintf("%v %s: %s => %s", d.Kind, what, d.Before, d.After))
	}
	return texts
}

// checkHistories compares those that are stated.
func checkHistories(t *testing.T, got *analyze.Result, want []pcapgen.History) {
	t.Helper()
	for _, w := range want {
		h := got.History(netip.MustParseAddr(w.Client))
		if h == nil {
			t.Errorf("no history of %s", w.Client)
			continue
		}
		found := truthOf(h)
		if w.Changes == nil { // not stated
			found.Changes = nil
		}
		if d := cmp.Diff(w, found); d != "" {
			t.Errorf("history (-want +got):\n%s", d)
		}
	}
}

// truthOf is a history in the words of the generator, whose durations do not count
// the packets that begin and end a connection: a few, 300 µs apart.
func truthOf(h *analyze.History) pcapgen.History {
	whole := func(d time.Duration) time.Duration { return d.Truncate(10 * time.Millisecond) }
	f := pcapgen.History{
		Client: h.Addr.String(), Attempts: h.Attempts, Opened: h.Opened, Failed: h.Failed,
		Rhythm: h.Rhythm.Kind.String(), Wait: whole(h.Rhythm.Median), From: whole(h.Rhythm.From), To: whole(h.Rhythm.To), Like: h.Rhythm.Like,
		Lasted: [3]time.Duration{whole(h.Lives.Shortest), whole(h.Lives.Median), whole(h.Lives.Longest)}, Breaks: h.Breaks,
	}
	for _, e := range h.Lives.Ends {
		f.Ends = append(f.Ends, endText(e))
	}
	for _, c := range h.Changes {
		f.Changes = append(f.Changes, pcapgen.Change{Good: c.Good, Bad: c.Bad, Differences: textsOf(c.Differences)})
	}
	return f
}

func endText(e analyze.LifeEnd) string {
	text := e.How.String()
	if e.By != analyze.NoSide {
		text = e.By.String() + " " + text
	}
	if e.Code >= 0 {
		text += fmt.Sprintf(" %d", e.Code)
	}
	return fmt.Sprintf("%s %d", text, e.Count)
}

// A togetherLine is what is read of a line of JSON Lines.
type togetherLine struct {
	Record         string
	Client, Server struct {
		IP   string
		Port int
	}
}

// records returns the lines of one kind, but for the timelines that --device adds,
// and whom the attempts are about.
func records(t *testing.T, kind string, args ...string) (lines map[string]togetherLine, whom map[string]bool) {
	t.Helper()
	var out, complaints bytes.Buffer
	if code := run(append(args, "--format", "jsonl"), nil, &out, &complaints); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &complaints)
	}
	lines, whom = map[string]togetherLine{}, map[string]bool{}
	for line := range bytes.Lines(out.Bytes()) {
		var l togetherLine
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		switch l.Record {
		case kind:
			text, _, _ := strings.Cut(strings.TrimRight(string(line), "}]\n"), `,"timeline":`)
			lines[strings.TrimRight(text, "}]")] = l
		case "attempt":
			whom[l.Client.IP], whom[fmt.Sprint(l.Server)] = true, true
		}
	}
	return lines, whom
}

// TestSelectedTogether selects attempts in different ways: the records of clients
// and incidents are those about their clients and servers, and say the same as if
// nothing was selected.
func TestSelectedTogether(t *testing.T) {
	selections := []string{
		"--device=10.0.1.1", "--device=!10.0.0.7", "--client=10.0.1.2,10.0.0.7", "--client=!10.0.1.1", "--server=192.0.2.10", "--server=:80",
		"--host=gw.example.com", "--host=nobody", "--path=/ws", "--since=+12s", "--until=+12s", "--verdict=ok", "--verdict=failed", "--code=status-503", "--code=!*",
	}
	kept, left := 0, 0
	for _, name := range []string{"server-fails-for-all", "client-fails-everywhere", "mass-disconnect", "reconnect-storm", "idle-timeout-60s", "no-incident"} {
		file := filepath.Join("..", "..", "testdata", "pcaps", "generated", name+".pcap")
		for _, kind := range []string{"client", "incident"} {
			all, _ := records(t, kind, file)
			for _, selection := range selections {
				got, whom := records(t, kind, file, selection)
				for line, l := range all {
					_, shown := got[line]
					if want := whom[l.Client.IP] || kind == "incident" && whom[fmt.Sprint(l.Server)]; shown != want {
						t.Errorf("%s %s: %v, want %v: %s", name, selection, shown, want, line)
					}
					if shown {
						kept++
					} else {
						left++
					}
					delete(got, line)
				}
				for line := range got {
					t.Errorf("%s %s says something else: %s", name, selection, line)
				}
			}
		}
	}
	if kept == 0 || left == 0 {
		t.Errorf("%d records shown, %d left out", kept, left)
	}
}
