package workload

import (
	"bytes"
	"slices"
	"testing"
)

// damaged makes upgrades and TLS-like flows that meet a damage.
func damaged(t *testing.T, d damage) []byte {
	t.Helper()
	var b bytes.Buffer
	g := newGenerator(&b, Spec{Kind: "dirty", Seed: 7})
	g.arrivals(600, millisecond, func(i int64) *conn {
		c := g.tlsFlow(i, 2)
		if i%2 == 0 {
			c = g.shortUpgrade(i, 0.3, 6)
		}
		c.mss = [...]int64{1448, 200}[g.rng.IntN(2)]
		c.damage = &d
		return c
	})
	g.run()
	if _, err := g.finish(Spec{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A receiver is what one direction has brought so far.
type receiver struct {
	syn   bool
	next  uint32 // the first byte that is missing, valid iff syn
	early []*parsedPacket
}

// take takes a packet; what comes too early waits for the bytes before it.
func (r *receiver) take(p *parsedPacket) {
	if p.flags&flagSYN != 0 && !r.syn {
		r.syn, r.next = true, p.seq+1
	}
	r.early = append(r.early, p)
	for again := r.syn; again; {
		before := r.next
		r.early = slices.DeleteFunc(r.early, r.accept)
		again = r.next != before
	}
}

// accept takes the bytes of a packet unless there are some missing before them.
func (r *receiver) accept(p *parsedPacket) bool {
	if p.flags&flagSYN == 0 && int32(p.seq-r.next) > 0 {
		return false
	}
	end := p.seq + uint32(len(p.data))
	if p.flags&(flagSYN|flagFIN) != 0 {
		end++
	}
	if int32(end-r.next) > 0 {
		r.next = end
	}
	return true
}

// eachPacket calls f with every packet, and with what its sender (here) and its
// receiver (there) had received before.
func eachPacket(t *testing.T, file []byte, f func(i int, p *parsedPacket, here, there *receiver)) {
	t.Helper()
	into := map[[2]string]*receiver{}
	get := func(from, to string) *receiver {
		way := [2]string{from, to}
		if into[way] == nil {
			into[way] = new(receiver)
		}
		return into[way]
	}
	for i, stored := range packets(t, file) {
		p, err := parsePacket(stored.data)
		if err != nil {
			t.Fatal(err)
		}
		there := get(p.from, p.to)
		f(i+1, p, get(p.to, p.from), there)
		there.take(p)
	}
}

// TestResentComesBeforeItsEffect has the network lose packets before they are
// captured: nobody acknowledges or answers one before it is sent again.
func TestResentComesBeforeItsEffect(t *testing.T) {
	file := damaged(t, damage{resend: 0.1, duplicate: 0.05, overlap: 0.1})
	gaps := 0
	eachPacket(t, file, func(i int, p *parsedPacket, here, there *receiver) {
		if p.flags&flagACK != 0 && (!here.syn || int32(p.ack-here.next) > 0) {
			t.Fatalf("packet %d acknowledges what is not in the capture yet", i)
		}
		if there.syn && int32(p.seq-there.next) > 0 {
			gaps++
		}
	})
	if gaps < 100 {
		t.Errorf("%d packets come too early: there is hardly any damage", gaps)
	}
}

// TestSYNIsFirstOfItsSide has the capture reorder packets: a side's SYN stays
// before its data and its FIN.
func TestSYNIsFirstOfItsSide(t *testing.T) {
	file := damaged(t, damage{reorder: 0.3, resend: 0.1, duplicate: 0.05, overlap: 0.1})
	overtaken := 0
	eachPacket(t, file, func(i int, p *parsedPacket, here, there *receiver) {
		if p.flags&flagSYN != 0 {
			return
		}
		if !there.syn && (len(p.data) > 0 || p.flags&flagFIN != 0) {
			t.Fatalf("packet %d comes before the SYN of its side", i)
		}
		if !here.syn {
			overtaken++
		}
	})
	if overtaken == 0 {
		t.Error("no SYN is overtaken by what the other side sends")
	}
}
