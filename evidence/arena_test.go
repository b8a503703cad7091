package evidence

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/wssniff/wssniff/capture"
)

// packet makes a packet whose bytes tell its frame.
func packet(num, size int) *capture.Packet {
	return &capture.Packet{
		Num: num, Time: 1767323045e9 + int64(num)*1000, Iface: num % 3, Link: capture.LinkEthernet,
		WireLen: size + num%2, Data: bytes.Repeat([]byte{byte(num)}, size),
	}
}

// read returns the packets of a list.
func (a *arena) read(l *list) (all []capture.Packet) {
	var p capture.Packet
	for c := a.cursor(l); ; {
		var room []byte
		if !c.next(&p, &room) {
			return all
		}
		all = append(all, p)
	}
}

// TestArena plays with lists and with slices, which must stay the same, and counts
// chunks.
func TestArena(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	a := newArena(64 << 10)
	lists := make([]list, 5)
	model := make([][]capture.Packet, len(lists))
	for num := 1; num < 20_000; num++ {
		i := rnd.IntN(len(lists))
		switch p := packet(num, 1+rnd.IntN(600)); {
		case rnd.IntN(50) == 0:
			a.clear(&lists[i])
			model[i] = nil
		case rnd.IntN(2) == 0 && lists[i].bytes > 0:
			a.drop(&lists[i])
			model[i] = model[i][1:]
		case a.unused >= needs(p):
			before := a.unused
			a.push(&lists[i], p)
			if before-a.unused > needs(p) {
				t.Fatalf("%d chunks for a packet of %d bytes", before-a.unused, len(p.Data))
			}
			model[i] = append(model[i], *p)
		}
		if got := a.read(&lists[i]); len(got) != len(model[i]) || len(got) > 0 && !reflect.DeepEqual(got, model[i]) {
			t.Fatalf("packet %d: list %d has %d packets that are not the %d that were pushed", num, i, len(got), len(model[i]))
		}
	}
	used := 0
	for i := range lists {
		used += lists[i].chunks()
		a.clear(&lists[i])
	}
	if used == 0 || a.unused != a.most || len(a.pages)*pageChunks*chunkSize > 2*64<<10 {
		t.Errorf("%d chunks were used, %d of %d are free in %d pages", used, a.unused, a.most, len(a.pages))
	}
}
