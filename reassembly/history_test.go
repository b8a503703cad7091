package reassembly

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// A noted is a record as the model has it.
type noted struct {
	seq   uint32
	data  []byte
	frame int
	from  uint64 // counted bytes of the ring when it was written
}

// TestHistory notes segments of some directions until the ring has wrapped often,
// and reads everything back that must still be there.
func TestHistory(t *testing.T) {
	var y history
	halves := make([]half, 7)
	model := make([][]noted, len(halves))
	rnd := rand.New(rand.NewPCG(1, 11))
	for frame := 1; y.end < 20*historyUnits; frame++ {
		i := rnd.IntN(len(halves))
		n := noted{rnd.Uint32(), randomBytes(rnd, rnd.IntN(3000)), frame, y.end}
		if rnd.IntN(200) == 0 {
			n.data = bytes.Repeat([]byte("long"), historyLength/2)
		}
		y.note(&halves[i], n.seq, n.data, flow.Stamp{Frame: frame, Time: -int64(frame)})
		n.data = n.data[:min(len(n.data), historyLength)]
		model[i] = append(model[i], n)
		if frame%10 == 0 {
			checkNoted(t, &y, &halves[i], model[i])
		}
		if t.Failed() {
			t.Fatalf("frame %d", frame)
		}
	}
	if y.end/historyUnits < 20 {
		t.Errorf("the ring was filled %d times", y.end/historyUnits)
	}
}

// TestHistoryWraps notes bytes when the places of the ring are used up, and looks
// at what connections know that were silent since: nothing, not the records that
// lie in the same places.
func TestHistoryWraps(t *testing.T) {
	r := New(func(*flow.Chunk) flow.Want { return flow.All }, nil)
	_, silent := r.table.conns.take()
	_, talks := r.table.conns.take()
	at := func(i uint32) *half { return &r.table.conns.at(i).half[A] }
	rnd := rand.New(rand.NewPCG(2, 11))
	for range 9 { // quarters of the 2^32 places
		r.history.note(at(silent), 7, []byte("silent"), flow.Stamp{Frame: 1 << 30})
		if rec, ok := r.history.read(at(silent).noted); !ok || rec.at.Frame != 1<<30 || string(rec.data) != "silent" {
			t.Fatalf("read %+v, %v right after it was noted", rec, ok)
		}
		r.history.end += 1<<30 - historyUnits - uint64(rnd.IntN(1000)) // as if all that had been noted
		for range 3 {
			r.history.end += 1 << 30
			r.lookUp(0)
		}
		for range 3000 {
			r.history.note(at(talks), 7, randomBytes(rnd, 500), flow.Stamp{Frame: 2})
			if rec, ok := r.history.read(at(silent).noted); ok {
				t.Fatalf("place %d, end %d: read %+v, which is another's", at(silent).noted, r.history.end, rec)
			}
		}
	}
}

// checkNoted walks the records of a direction, newest first.
func checkNoted(t *testing.T, y *history, h *half, want []noted) {
	t.Helper()
	place := h.noted
	for _, w := range slices.Backward(want) {
		rec, ok := y.read(place)
		if !ok {
			if age := (y.end - w.from) * historyUnit; age < historySize-historyLength-historyHead {
				t.Errorf("frame %d is forgotten after %d bytes", w.frame, age)
			}
			return
		}
		if rec.seq != w.seq || rec.at.Frame != w.frame || rec.at.Time != -int64(w.frame) || !bytes.Equal(rec.data, w.data) {
			t.Errorf("read frame %d, %d bytes, want frame %d, %d bytes", rec.at.Frame, len(rec.data), w.frame, len(w.data))
			return
		}
		place = rec.before
	}
	if place != 0 {
		t.Error("there is a record before the first one")
	}
}

// TestHistoryCompare compares segments with what was sent before, right and
// wrong, with a byte-wise model.
func TestHistoryCompare(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 12))
		stream := randomBytes(rnd, 4000)
		base := -uint32(rnd.IntN(8000)) // mostly, it wraps
		var y history
		var h half
		var sent []noted
		for frame := 1; frame < 60; frame++ {
			n := noted{frame: frame, seq: uint32(rnd.IntN(3900))}
			n.data = bytes.Clone(stream[n.seq:][:1+rnd.IntN(99)])
			for rnd.IntN(2) == 0 {
				n.data[rnd.IntN(len(n.data))] ^= byte(rnd.IntN(3))
			}
			got, differs := y.compare(&h, base+n.seq, n.data)
			first, count, frame := modelDifference(sent, n)
			if differs != (frame > 0) || differs && (got.seq != base+uint32(first) || got.n != count || got.rec.at.Frame != frame) {
				t.Fatalf("seed %d: got %v, %d bytes from %d on, frame %d; want %d from %d on, frame %d", seed, differs, got.n, got.seq-base, got.rec.at.Frame, count, first, frame)
			}
			y.note(&h, base+n.seq, n.data, flow.Stamp{Frame: n.frame})
			sent = append(sent, n)
		}
	}
}

// modelDifference looks for the newest record that contradicts n: where, up to
// the last byte that does, and its frame, 0 if there is none.
func modelDifference(sent []noted, n noted) (first, count, frame int) {
	for _, s := range slices.Backward(sent[max(0, len(sent)-historyDepth):]) {
		for i, b := range n.data {
			pos := int(n.seq) + i
			if at := pos - int(s.seq); 0 <= at && at < len(s.data) && s.data[at] != b {
				if frame == 0 {
					first, frame = pos, s.frame
				}
				count = pos - first + 1
			}
		}
		if frame > 0 {
			return first, count, frame
		}
	}
	return 0, 0, 0
}

// TestNoFalseDoubts sends true bytes in all ways: nothing is doubted.
func TestNoFalseDoubts(t *testing.T) {
	stream := strings.Repeat("0123456789", 300)
	for seed := range uint64(100) {
		rnd := rand.New(rand.NewPCG(seed, 13))
		k := newTalk(nil)
		k.isn[A] = -uint32(rnd.IntN(4000))
		k.handshake()
		next := 0
		for range 200 {
			off, n := rnd.IntN(2900), 1+rnd.IntN(99)
			if rnd.IntN(2) == 0 && next < 2900 { // overlapping what was sent last
				off = max(0, next-rnd.IntN(50))
				next = max(next, off+n)
			}
			k.data(A, off, stream[off:off+n])
		}
		k.data(A, 0, stream[:2900])
		k.finish()
		if len(k.conn.Doubts) > 0 || k.r.Stats().Differing > 0 {
			t.Fatalf("seed %d: %+v", seed, k.conn.Doubts)
		}
	}
}

// TestDoubts sends bytes again with other content. The handshake is frames 1 to
// 3, so that the segments of a case begin with frame 4.
func TestDoubts(t *testing.T) {
	at := func(frame int) flow.Stamp {
		return flow.Stamp{Frame: frame, Time: 1e18 + int64(frame)*millisecond}
	}
	differs := func(offset int64, n, first, second int) flow.Doubt {
		return flow.Doubt{Kind: flow.Differs, Dir: A, Offset: offset, Len: n, First: at(first), Second: at(second)}
	}
	acked := func(d flow.Doubt) flow.Doubt { d.Acked = true; return d }
	wide := func(d flow.Doubt) flow.Doubt { d.Wide = true; return d }
	linux := func(d flow.Doubt) flow.Doubt { d.Linux = true; return d }
	bsd := func(d flow.Doubt) flow.Doubt { d.BSD, d.Linux = true, true; return d }
	queued := func(off int, data string) func(*talk) { // bytes 10 to 14 wait behind a hole, then others come
		return func(k *talk) {
			k.data(A, 10, "abcde")
			k.data(A, off, data)
			k.data(A, 0, "..........")
		}
	}
	for _, c := range []struct {
		name string
		play func(k *talk)
		want []flow.Doubt
	}{
		{"the same again", func(k *talk) { k.data(A, 0, "abc"); k.data(A, 0, "abc") }, nil},
		{"one byte", func(k *talk) { k.data(A, 0, "abc"); k.data(A, 0, "aXc") }, []flow.Doubt{differs(1, 1, 4, 5)}},
		{"the first and the last", func(k *talk) { k.data(A, 0, "abcde"); k.data(A, 0, "XbcdX") }, []flow.Doubt{differs(0, 5, 4, 5)}},
		{"acknowledged before", func(k *talk) {
			k.data(A, 0, "abc")
			k.ack(B, 0, 3)
			k.data(A, 0, "abX")
		}, []flow.Doubt{acked(differs(2, 1, 4, 6))}},
		{"acknowledged up to the byte", func(k *talk) {
			k.data(A, 0, "abc")
			k.ack(B, 0, 2)
			k.data(A, 0, "abX")
		}, []flow.Doubt{differs(2, 1, 4, 6)}},
		{"with more behind", func(k *talk) { k.data(A, 0, "abc"); k.data(A, 1, "Xcdef") }, []flow.Doubt{differs(1, 1, 4, 5)}},
		{"over two segments, the newer one counts", func(k *talk) {
			k.data(A, 0, "abc")
			k.data(A, 3, "def")
			k.data(A, 0, "Xbcdef")
			k.data(A, 0, "XbcXef")
		}, []flow.Doubt{differs(0, 1, 4, 6), differs(3, 1, 5, 7)}},
		{"of the other side", func(k *talk) {
			k.data(B, 0, "123")
			k.data(A, 0, "abc")
			k.data(B, 0, "12X")
		}, []flow.Doubt{{Kind: flow.Differs, Dir: B, Offset: 2, Len: 1, First: at(4), Second: at(6)}}},
		{"probe with a stale byte", func(k *talk) { k.data(A, 0, "abc"); k.data(A, 2, "\x00") }, nil},
		{"one byte, but no probe", func(k *talk) { k.data(A, 0, "abc"); k.data(A, 1, "\x00") }, []flow.Doubt{differs(1, 1, 4, 5)}},
		{"queued, begins earlier", queued(8, "..Xbc"), []flow.Doubt{bsd(differs(10, 1, 4, 5))}},
		{"queued, begins earlier and ends later", queued(8, "..Xbcdefg"), []flow.Doubt{bsd(differs(10, 1, 4, 5))}},
		{"queued, begins there and ends earlier", queued(10, "Xbc"), []flow.Doubt{differs(10, 1, 4, 5)}},
		{"queued, begins and ends there", queued(10, "Xbcde"), []flow.Doubt{differs(10, 1, 4, 5)}},
		{"queued, begins there and ends later", queued(10, "Xbcdef"), []flow.Doubt{linux(differs(10, 1, 4, 5))}},
		{"queued, begins later", queued(11, "Xcd"), []flow.Doubt{differs(11, 1, 4, 5)}},
		{"queued, begins later and ends later", queued(11, "Xcdefgh"), []flow.Doubt{differs(11, 1, 4, 5)}},
		{"queued, the other side has it", func(k *talk) {
			k.data(A, 10, "abcde")
			k.data(A, 0, "..........")
			k.data(A, 8, "..Xbc")
		}, []flow.Doubt{differs(10, 1, 4, 6)}},
		{"urgent", func(k *talk) { k.pointed(flagACK|flagURG, "abc", 2) }, []flow.Doubt{{Kind: flow.Urgent, Dir: A, Offset: 1, Len: 1, First: at(4)}}},
		{"urgent pointer without the flag", func(k *talk) { k.pointed(flagACK, "abc", 2) }, nil},
		{"more than once the same", func(k *talk) {
			k.data(A, 0, "abc")
			for range 3 {
				k.data(A, 0, "abX")
			}
		}, []flow.Doubt{differs(2, 1, 4, 5)}},
		{"more than are kept apart", func(k *talk) {
			k.data(A, 0, "abcdef")
			for i := range 6 {
				k.data(A, 0, "abcdef"[:i]+"X"+"abcdef"[i+1:])
			}
		}, []flow.Doubt{differs(0, 1, 4, 5), wide(differs(1, 5, 4, 6))}},
		{"acknowledged in part", func(k *talk) {
			k.data(A, 0, "abcdef")
			k.ack(B, 0, 3)
			k.data(A, 0, "aXcdXf")
		}, []flow.Doubt{differs(1, 4, 4, 6)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, isn := range []uint32{1000, 0xffff_fff8} { // with the other one, it wraps
				k := newTalk(nil)
				k.isn[A] = isn
				k.handshake()
				c.play(k)
				k.finish()
				if !slices.Equal(k.conn.Doubts, c.want) {
					t.Errorf("got  %+v\nwant %+v", k.conn.Doubts, c.want)
				}
				count := 0
				for _, d := range c.want {
					if d.Kind == flow.Differs {
						count++
					}
				}
				if got := k.r.Stats().Differing; got != count && !strings.HasPrefix(c.name, "more than") {
					t.Errorf("%d counted, want %d", got, count)
				}
			}
		})
	}
}

// pointed sends the first segment of A with an urgent pointer.
func (k *talk) pointed(flags uint8, data string, pointer int) {
	k.num++
	k.now += millisecond
	b := set(rawPacket(A, k.port, k.isn[A]+1, k.isn[B]+1, flags, data, len(data)), 38, u16(pointer)...)
	k.r.Packet(&capture.Packet{Num: k.num, Time: k.now, Link: capture.LinkRaw, WireLen: len(b), Data: b})
}
