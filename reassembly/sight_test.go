package reassembly

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// sightings reads a generated capture and returns a line for each packet that is
// sighted: its frame and what is told of it.
func sightings(t *testing.T, file string, want flow.Want) []string {
	t.Helper()
	src, err := capture.Open([]string{filepath.Join("..", "testdata", "pcaps", "generated", file)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var lines []string
	var p capture.Packet
	r := New(func(*flow.Chunk) flow.Want { return want }, &Config{Sighted: func(s *flow.Sighting) {
		lines = append(lines, fmt.Sprint(p.Num, " ", sightingText(s)))
	}})
	for src.Next(&p) == nil {
		r.Packet(&p)
	}
	return lines
}

func sightingText(s *flow.Sighting) string {
	if s.Conn == nil {
		return "waits"
	}
	text := fmt.Sprint("conn ", s.ID)
	for _, f := range []struct {
		name string
		is   bool
	}{{"opened", s.Opened}, {"wanted", s.Wanted}, {"skips", s.Skips}, {"closes", s.Closes}, {"over", s.Over}} {
		if f.is {
			text += " " + f.name
		}
	}
	if s.Parts != nil {
		text += fmt.Sprint(" ", s.Parts)
	}
	return text
}

// TestSighted follows a connection from its SYN to its end: what is told of each
// packet is what is known after it.
func TestSighted(t *testing.T) {
	for _, test := range []struct {
		want  flow.Want
		lines string
	}{
		{flow.All, "1 conn 0 wanted; 2 conn 0 wanted; 3 conn 0 opened wanted; 4 conn 0 opened wanted; 5 conn 0 opened wanted; 6 conn 0 opened wanted"},
		{1 << 20, "1 conn 0 wanted; 2 conn 0 wanted; 3 conn 0 opened wanted; 4 conn 0 opened wanted; 5 conn 0 opened wanted skips; 6 conn 0 opened wanted; 7 conn 0 opened wanted skips; 8 conn 0 opened wanted skips"},
		{flow.None, "1 conn 0 wanted; 2 conn 0 wanted; 3 conn 0 opened wanted; 4 conn 0 opened wanted; 5 conn 0 opened wanted; 6 conn 0 opened"},
	} {
		got := strings.Join(sightings(t, "ok.pcap", test.want), "; ")
		if !strings.HasPrefix(got, test.lines) || !strings.Contains(got, " closes") {
			t.Errorf("want %d: got %s, want %s and so on, and an end", test.want, got, test.lines)
		}
	}
}

// TestSightedFragments has IP packets in pieces: the last piece tells of the
// others, also where the pieces were fragmented once more.
func TestSightedFragments(t *testing.T) {
	for _, file := range []string{
		"fragment-ipv4-reversed.pcap", "fragment-ipv6-interleaved.pcap", "fragment-vxlan-inner.pcap", "fragment-vxlan-outer.pcap",
		"tunnel-nested-both-fragmented.pcap",
	} {
		waits, told := map[string]bool{}, map[string]bool{}
		for _, line := range sightings(t, file, flow.All) {
			frame, text, _ := strings.Cut(line, " ")
			if text == "waits" {
				waits[frame] = true
			}
			if _, parts, ok := strings.Cut(text, " ["); ok {
				for part := range strings.FieldsSeq(strings.TrimSuffix(parts, "]")) {
					told[part] = true
				}
			}
		}
		if len(waits) == 0 || fmt.Sprint(waits) != fmt.Sprint(told) {
			t.Errorf("%s: frames %v wait for others, told of are %v", file, waits, told)
		}
	}
}

// TestMark keeps the mark of a connection as long as it is followed.
func TestMark(t *testing.T) {
	marks := map[int]uint8{}
	r := New(func(*flow.Chunk) flow.Want { return flow.None }, &Config{MaxConns: 2, Sighted: func(s *flow.Sighting) {
		if s.Conn.Mark != marks[s.ID] {
			t.Errorf("connection %d has the mark %d, want %d", s.ID, s.Conn.Mark, marks[s.ID])
		}
		s.Conn.Mark++
		marks[s.ID]++
	}})
	for i := range 60 { // each connection three packets, and in the place of another one from the third on
		data := benchFrame(i/3, A, 1, 1, flagACK, "")
		r.Packet(&capture.Packet{Num: i + 1, Link: capture.LinkEthernet, WireLen: len(data), Data: data})
	}
	if len(marks) != 20 {
		t.Errorf("%d connections, want 20", len(marks))
	}
}
