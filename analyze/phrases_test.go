package analyze

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestPhrasesOnce: what comes once takes no room; what comes again has one
// number from then on, which stays its own.
func TestPhrasesOnce(t *testing.T) {
	var p phrases
	text := func(i int) []byte { return fmt.Appendf(nil, "phrase %d", i) }
	numbers := map[int]uint32{}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20_000 {
		i := rng.IntN(2000)
		n := p.number(text(i))
		if before := numbers[i]; before != 0 && n != before {
			t.Fatalf("text %d has the numbers %d and %d", i, before, n)
		}
		if n != 0 {
			numbers[i] = n
		}
	}
	if len(numbers) < 1900 || len(p.slots) < 2*len(p.texts) {
		t.Errorf("%d of 2000 texts have numbers, in %d slots", len(numbers), len(p.slots))
	}
	for i, n := range numbers {
		if got := string(p.text(n)); got != string(text(i)) {
			t.Fatalf("number %d is %q, want %q", n, got, text(i))
		}
	}
	before, taken := len(p.texts), 0
	for i := range 5000 {
		if p.number(fmt.Appendf(nil, "once %d", i)) != 0 {
			taken++
		}
	}
	const chance = 3 // a text is taken for another one before it once in a million
	if taken > chance || len(p.texts) > before+chance || p.bytes > 20*before {
		t.Errorf("%d texts of %d bytes, %d before", len(p.texts), p.bytes, before)
	}
}

// TestPhrasesBounds offers more texts, and more bytes, than there is room for.
func TestPhrasesBounds(t *testing.T) {
	for _, test := range []struct{ texts, size int }{{maxPhrases + 1000, 8}, {maxPhraseBytes/(100<<10) + 10, 100 << 10}} {
		var p phrases
		pad := strings.Repeat("x", test.size)
		refused := 0
		for i := range test.texts {
			text := fmt.Appendf(nil, "%s%d", pad, i)
			p.number(text)
			if p.number(text) == 0 {
				refused++
			}
		}
		bytes := 0
		for _, text := range p.texts {
			bytes += len(text)
		}
		if bytes != p.bytes || bytes > maxPhraseBytes || len(p.texts) > maxPhrases {
			t.Errorf("%d texts of %d bytes, counted as %d", len(p.texts), bytes, p.bytes)
		}
		if refused == 0 || refused > 2000 || len(p.slots) < 2*len(p.texts) {
			t.Errorf("%d of %d texts refused, %d slots", refused, test.texts, len(p.slots))
		}
		for n := range p.texts { // what is there is still found
			if got := p.number(p.texts[n]); got != uint32(n)+1 {
				t.Fatalf("text %d has number %d", n+1, got)
			}
		}
	}
}

// TestPhrasesPack packs heads after the room is used up: they are written out.
func TestPhrasesPack(t *testing.T) {
	var ph phrases
	rng := rand.New(rand.NewPCG(2, 2))
	var all []packed
	for i := range 300 {
		fields := fmt.Sprintf("Host: h%d\r\nSec-WebSocket-Key: ", i)
		for range 3 {
			all = append(all, randomMessage(rng, "GET / HTTP/1.1\r\n"+fields+randomToken(rng, 16)+"\r\nCookie: "+strings.Repeat("c", 32<<10)+"\r\n\r\n"))
		}
	}
	checkPacked(t, &ph, new(forms), all)
	if ph.bytes > maxPhraseBytes || ph.bytes < maxPhraseBytes-(64<<10) {
		t.Errorf("%d bytes in phrases", ph.bytes)
	}
}

// TestJournal keeps entries of all sizes, some larger than a page.
func TestJournal(t *testing.T) {
	var j journal
	rng := rand.New(rand.NewPCG(3, 3))
	kept := map[place]string{}
	for i := range 3000 {
		n := 1 + rng.IntN(4000)
		if i%500 == 0 {
			n = journalPage - 1 + rng.IntN(3)
		}
		text := strings.Repeat(fmt.Sprint(i, " "), n/len(fmt.Sprint(i, " "))+1)[:n]
		at := j.write([]byte(text))
		if _, taken := kept[at]; at == 0 || taken {
			t.Fatalf("place %d", at)
		}
		kept[at] = text
	}
	for at, text := range kept {
		if got := j.at(at); len(got) < len(text) || string(got[:len(text)]) != text {
			t.Fatalf("place %d holds other bytes", at)
		}
	}
}
