package tlsdecrypt

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// trace reads a trace of RFC 8448.
func trace(t testing.TB, name string) (log []byte, segments []segment) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		mark, rest, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		b, err := hex.DecodeString(strings.TrimSpace(rest))
		switch {
		case mark == ">":
			segments = append(segments, segment{dir: flow.AtoB, data: b})
		case mark == "<":
			segments = append(segments, segment{dir: flow.BtoA, data: b})
		case mark == "":
			last := &segments[len(segments)-1]
			last.data = append(last.data, b...)
		default:
			log, err = append(log, line...), nil
		}
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
	return log, segments
}

// TestRFC8448 decrypts the traces of RFC 8448. Those with data send the bytes from 0
// to 49 both ways.
func TestRFC8448(t *testing.T) {
	payload := make([]byte, 50)
	for i := range payload {
		payload[i] = byte(i)
	}
	const finished, closing = "message 20 of 32 bytes", "close_notify"
	for _, test := range []struct {
		name   string
		data   [2][]byte
		events [2][]string
	}{
		{"rfc8448-3.txt", [2][]byte{payload, payload}, [2][]string{
			{finished, closing},
			{"message 8 of 36 bytes", "message 11 of 441 bytes", "message 15 of 132 bytes", finished, "message 4 of 201 bytes", closing},
		}},
		{"rfc8448-4.txt", [2][]byte{append([]byte("ABCDEF"), payload...), payload}, [2][]string{
			{"message 5 of 0 bytes", finished, closing},
			{"message 8 of 40 bytes", finished, closing},
		}},
		{"rfc8448-5.txt", [2][]byte{}, [2][]string{
			{finished, closing},
			{"message 8 of 24 bytes", "message 11 of 441 bytes", "message 15 of 132 bytes", finished, closing},
		}},
	} {
		log, segments := trace(t, test.name)
		for _, size := range []int{1 << 20, 1, 100} {
			r := decrypt(t, New(keysOf(log), nil, nil), cut(segments, nil, size))
			for dir := range r.data {
				if !bytes.Equal(r.data[dir], test.data[dir]) || r.lost[dir] != nil || r.reason[dir] != Decrypted {
					t.Errorf("%s, direction %d: %x, want %x; %v", test.name, dir, r.data[dir], test.data[dir], r.reason[dir])
				}
			}
			if fmt.Sprint(r.events) != fmt.Sprint(test.events) {
				t.Errorf("%s: events %q, want %q", test.name, r.events, test.events)
			}
		}
	}
}

// TestEarlyUnknown cannot see whether the server takes early data: it is not
// decrypted, and told lost.
func TestEarlyUnknown(t *testing.T) {
	log, all := trace(t, "rfc8448-4.txt")
	var silent []segment // the server says nothing after its hello
	for i, s := range all {
		if s.dir == flow.AtoB || i == 2 {
			silent = append(silent, s)
		}
	}
	var unread []byte // the secrets of the handshake are missing
	for line := range bytes.Lines(log) {
		if !bytes.Contains(line, []byte("HANDSHAKE")) {
			unread = append(unread, line...)
		}
	}
	for _, test := range []struct {
		name     string
		log      []byte
		segments []segment
	}{{"silent", log, silent}, {"unread", unread, all}} {
		r := decrypt(t, New(keysOf(test.log), nil, nil), test.segments)
		if len(r.data[0]) != 50 || fmt.Sprint(r.lost[0]) != "[-1]" || r.reason[0] != Decrypted {
			t.Errorf("%s: %q, lost %v, %v", test.name, r.data[0], r.lost[0], r.reason[0])
		}
	}
}

// TestKeySchedule has values that RFC 8448, Section 3, prints.
func TestKeySchedule(t *testing.T) {
	s, _ := suiteOf(0x1301)
	secret, err := hex.DecodeString("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		label string
		n     int
		want  string
	}{
		{"key", 16, "3fce516009c21727d0f2e4e86ee403bc"},
		{"iv", 12, "5d313eb2671276ee13000b30"},
	} {
		if got := hex.EncodeToString(expandLabel(s.kdf, secret, test.label, test.n)); got != test.want {
			t.Errorf("%s: %s, want %s", test.label, got, test.want)
		}
	}
}

// FuzzConn reads any bytes after the beginning of a trace, whole and cut in two, and
// with a hole: nothing panics, what is kept is bounded, and where they are cut makes
// no difference.
func FuzzConn(f *testing.F) {
	traces := []string{"rfc8448-3.txt", "rfc8448-4.txt", "rfc8448-5.txt"}
	var logs [3][]byte
	var segments [3][]segment
	for i, name := range traces {
		logs[i], segments[i] = trace(f, name)
		for n := range segments[i] {
			f.Add(byte(i), byte(n), segments[i][n].data, 3, byte(0))
		}
		f.Add(byte(i), byte(4), segments[i][5].data, 7, byte(9))
	}
	f.Fuzz(func(t *testing.T, which, keep byte, b []byte, cutAt int, hole byte) {
		log, all := logs[which%3], segments[which%3]
		n := int(keep) % len(all)
		before, after := all[:n:n], all[n:]
		dir := after[0].dir
		cutAt = max(0, min(cutAt, len(b)))
		whole := append(before, segment{dir, b, int64(hole)})
		pieces := append(before, segment{dir, b[:cutAt], int64(hole)}, segment{dir, b[cutAt:], 0})
		var got [2]string
		for i, list := range [][]segment{append(whole, after...), append(pieces, after...)} {
			d := New(keysOf(log), nil, nil)
			r := decrypt(t, d, list)
			got[i] = fmt.Sprintf("%x %v %q %v %v", r.data, r.lost, r.events, r.reason, r.ends)
			if len(r.data[0])+len(r.data[1]) > 2*len(b)+1000 {
				t.Errorf("%d bytes come out", len(r.data[0])+len(r.data[1]))
			}
			if len(d.spare) > maxSpare {
				t.Errorf("%d buffers are kept", len(d.spare))
			}
		}
		if got[0] != got[1] {
			t.Errorf("whole: %s\ncut at %d: %s", got[0], cutAt, got[1])
		}
	})
}
