package tlsdecrypt

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// hexOf spells n times the same byte.
func hexOf(b byte, n int) string { return strings.Repeat(fmt.Sprintf("%02x", b), n) }

func TestLog(t *testing.T) {
	random, short, long := hexOf(0xab, 32), hexOf(0xcd, 32), hexOf(0xef, 48)
	for _, test := range []struct {
		name, text string
		want       LogCounts
	}{
		{"empty", "", LogCounts{}},
		{"TLS 1.2", "CLIENT_RANDOM " + random + " " + long + "\n", LogCounts{Lines: 1, Secrets: 1}},
		{"CRLF", "CLIENT_RANDOM " + random + " " + long + "\r\n", LogCounts{Lines: 1, Secrets: 1}},
		{"upper case", "CLIENT_RANDOM " + strings.ToUpper(random+" "+long) + "\n", LogCounts{Lines: 1, Secrets: 1}},
		{"nothing ends the last line", "CLIENT_RANDOM " + random + " " + long, LogCounts{Lines: 1, Secrets: 1}},
		{"comments and empty lines", "# by software\n\n  \n#" + strings.Repeat("x", 10*maxLine) + "\n", LogCounts{Lines: 4}},
		{"TLS 1.3, SHA-256 and SHA-384", "CLIENT_HANDSHAKE_TRAFFIC_SECRET " + random + " " + short + "\nSERVER_TRAFFIC_SECRET_0 " + random + " " + long + "\n", LogCounts{Lines: 2, Secrets: 2}},
		{"not needed", "EXPORTER_SECRET " + random + " " + short + "\nSERVER_TRAFFIC_SECRET_1 " + random + " " + short + "\nCLIENT_TRAFFIC_SECRET_12 " + random + " " + short + "\n", LogCounts{Lines: 3, Unused: 3}},
		{"old NSS", "RSA " + hexOf(1, 8) + " " + long + "\n", LogCounts{Lines: 1, Secrets: 1}},
		{"junk", "\nhello\nCLIENT_RANDOM " + random + "\nCLIENT_RANDOM " + random + " " + short + "\n", LogCounts{Lines: 4, Junk: 3, FirstJunk: 2}},
		{"no such label", "CLIENT_SECRET " + random + " " + long + "\nCLIENT_TRAFFIC_SECRET_x " + random + " " + long + "\n", LogCounts{Lines: 2, Junk: 2, FirstJunk: 1}},
		{"no hexadecimal", "CLIENT_RANDOM " + random + " " + long[:94] + "zz\n", LogCounts{Lines: 1, Junk: 1, FirstJunk: 1}},
		{"odd", "CLIENT_RANDOM " + random + " " + long[:95] + "\n", LogCounts{Lines: 1, Junk: 1, FirstJunk: 1}},
		{"random too short", "CLIENT_RANDOM " + random[2:] + " " + long + "\n", LogCounts{Lines: 1, Junk: 1, FirstJunk: 1}},
		{"too long", "CLIENT_RANDOM " + random + " " + long + strings.Repeat(" ", maxLine) + "\n# next\n", LogCounts{Lines: 2, Secrets: 0, Junk: 1, FirstJunk: 1}},
	} {
		for _, size := range []int{len(test.text) + 1, 1, 7} { // bytes in one Write
			k := NewKeys()
			l := k.NewLog()
			for rest := []byte(test.text); len(rest) > 0; {
				n := min(size, len(rest))
				if wrote, err := l.Write(rest[:n]); wrote != n || err != nil {
					t.Fatalf("%s: Write: %d, %v", test.name, wrote, err)
				}
				rest = rest[n:]
			}
			l.Close()
			if got := l.Counts(); got != test.want {
				t.Errorf("%s, %d bytes at a time: %+v, want %+v", test.name, size, got, test.want)
			}
			if len(l.line) > maxLine+1 {
				t.Errorf("%s: %d bytes of a line are kept", test.name, len(l.line))
			}
		}
	}
}

// TestLogGrows reads a log whose last line is not complete yet.
func TestLogGrows(t *testing.T) {
	k := NewKeys()
	l := k.NewLog()
	id := secretID{label: clientTrafficSecret, random: [randomLen]byte(bytes.Repeat([]byte{0xab}, 32))}
	fmt.Fprintf(l, "CLIENT_TRAFFIC_SECRET_0 %s %s", hexOf(0xab, 32), hexOf(0xcd, 20))
	if k.get(id, 32) != nil {
		t.Fatal("half a secret is taken for a whole one")
	}
	fmt.Fprintf(l, "%s\n", hexOf(0xcd, 12))
	if got, want := k.get(id, 32), bytes.Repeat([]byte{0xcd}, 32); !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
	if k.get(id, 48) != nil {
		t.Error("a secret of another length is returned")
	}
}

func TestKeysBounded(t *testing.T) {
	k := NewKeys()
	k.limit = 100
	for i := range 1000 {
		k.put(secretID{random: [randomLen]byte{byte(i), byte(i >> 8)}}, secret{n: 48})
	}
	kept := len(k.recent) + len(k.older)
	if kept > 100 || kept+k.Dropped() != 1000 {
		t.Errorf("%d secrets are kept and %d dropped of 1000; at most 100 may be kept", kept, k.Dropped())
	}
	for i := 950; i < 1000; i++ {
		if k.get(secretID{random: [randomLen]byte{byte(i), byte(i >> 8)}}, 48) == nil {
			t.Fatalf("secret %d of 1000 is dropped", i)
		}
	}
}

// FuzzLog reads any text, cut anywhere: the secrets are the same, each is in the
// text, and nothing of it shows.
func FuzzLog(f *testing.F) {
	f.Add([]byte("# comment\r\nCLIENT_RANDOM "+hexOf(0xab, 32)+" "+hexOf(0xcd, 48)+"\r\n"), 5)
	f.Add([]byte("SERVER_TRAFFIC_SECRET_0 "+hexOf(0xab, 32)+" "+hexOf(0xcd, 32)+"\nRSA "+hexOf(1, 8)+" "+hexOf(2, 48)), 70)
	f.Add([]byte("CLIENT_TRAFFIC_SECRET_1 x y\n\nEXPORTER_SECRET "), 1)
	f.Fuzz(func(t *testing.T, text []byte, cut int) {
		cut = max(0, min(cut, len(text)))
		var read [2]*Keys
		var counts [2]LogCounts
		for i, parts := range [][][]byte{{text}, {text[:cut], text[cut:]}} {
			read[i] = NewKeys()
			l := read[i].NewLog()
			for _, p := range parts {
				l.Write(p)
			}
			l.Close()
			counts[i] = l.Counts()
		}
		if counts[0] != counts[1] || fmt.Sprint(read[0].recent) != fmt.Sprint(read[1].recent) {
			t.Fatalf("whole: %+v, cut at %d: %+v", counts[0], cut, counts[1])
		}
		shown, lower := fmt.Sprintf("%v %+v %#v", read[0], *read[0], read[0]), bytes.ToLower(text)
		for _, s := range read[0].recent {
			spelt := hex.EncodeToString(s.bytes())
			if !bytes.Contains(lower, []byte(spelt)) {
				t.Fatal("a secret is not in the text")
			}
			if strings.Contains(shown, spelt[:16]) {
				t.Fatal("a secret shows")
			}
		}
	})
}
