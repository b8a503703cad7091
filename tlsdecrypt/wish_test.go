package tlsdecrypt

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"slices"
	"testing"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A waiting is a connection of which all bytes came before its secrets.
type waiting struct {
	*Conn
	x      *exchange
	data   [2][]byte
	frames []int      // of the chunks handed out
	ends   []flow.Dir // that were told, the last one with the evidence
	over   bool
}

// waitFor hands a Decrypter a short connection without its end.
func waitFor(t *testing.T, d *Decrypter, version uint16) *waiting {
	t.Helper()
	config := &tls.Config{MaxVersion: version}
	messages := make([][]byte, 8)
	for i := range messages {
		messages[i] = bytes.Repeat([]byte{byte(i)}, 100*i+1)
	}
	w := &waiting{x: dialogue(t, config, config, messages...)}
	w.Conn = d.Conn(&flow.Conn{})
	d.out = func(c flow.Chunk) flow.Want {
		w.data[c.Dir] = append(w.data[c.Dir], c.Data...)
		switch {
		case w.over:
			t.Error("something comes behind the evidence")
		case c.End != flow.Open:
			w.ends = append(w.ends, c.Dir)
		default:
			w.frames = append(w.frames, c.Stamp.Frame)
		}
		w.over = c.Evidence != nil
		return flow.All
	}
	for i, s := range w.x.segments {
		if want := w.Chunk(flow.Chunk{Dir: s.dir, Data: s.data, Stamp: flow.Stamp{Frame: i + 1}}); want != flow.All {
			t.Errorf("want %v", want)
		}
	}
	if w.frames != nil {
		t.Error("decrypted without secrets")
	}
	return w
}

func (w *waiting) check(t *testing.T) {
	t.Helper()
	if !bytes.Equal(w.data[0], w.x.data[0]) || !bytes.Equal(w.data[1], w.x.data[1]) {
		t.Errorf("%d and %d bytes, want %d and %d", len(w.data[0]), len(w.data[1]), len(w.x.data[0]), len(w.x.data[1]))
	}
	if !slices.IsSorted(w.frames) {
		t.Errorf("frames %v", w.frames)
	}
}

// end ends both directions.
func (w *waiting) end() { w.endWith(flow.BtoA, nil) }

// endWith gives secrets between the ends of both directions, the one named last.
func (w *waiting) endWith(last flow.Dir, log []byte) {
	w.Chunk(flow.Chunk{Dir: last.Reverse(), End: flow.FIN})
	w.d.keys.NewLog().Write(log)
	w.Chunk(flow.Chunk{Dir: last, End: flow.FIN, Evidence: &flow.Evidence{}})
}

// TestGranted gives secrets when the connection has no more to say: all at once, a
// line at a time, to a connection that is over meanwhile, and to none.
func TestGranted(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			keys := NewKeys()
			d := New(keys, nil, nil)
			d.Late = true
			grants := func() (n int) {
				for _, c := range keys.Granted() {
					c.Resume()
					n++
				}
				return n
			}
			ask := func(w *waiting, log []byte, want int) {
				t.Helper()
				keys.NewLog().Write(log)
				if n := grants(); n != want {
					t.Errorf("%d grants, want %d", n, want)
				}
			}

			w := waitFor(t, d, version)
			other := waitFor(t, New(NewKeys(), nil, nil).late(), version)
			ask(w, other.x.log, 0)
			ask(w, w.x.log, 1)
			w.check(t)
			ask(w, w.x.log, 0)
			w.end()

			w = waitFor(t, d, version)
			lines := 0
			for line := range bytes.Lines(w.x.log) {
				keys.NewLog().Write(line)
				lines += grants()
				lines -= grants() // nothing came since
			}
			w.check(t)
			if lines == 0 {
				t.Error("no grants")
			}
			w.end()

			for _, last := range []flow.Dir{flow.AtoB, flow.BtoA} {
				w = waitFor(t, d, version)
				w.endWith(last, w.x.log) // before anybody asked
				w.check(t)
				if n := grants(); n != 0 {
					t.Errorf("%d grants for a connection that is over", n)
				}
				if !slices.Equal(w.ends, []flow.Dir{last.Reverse(), last}) {
					t.Errorf("ends %v, want %v last", w.ends, last)
				}
			}

			w = waitFor(t, d, version)
			w.end()
			ask(w, w.x.log, 0)
			if w.Reason(0) != NoKeys || w.Reason(1) != NoKeys {
				t.Errorf("%v, %v", w.Reason(0), w.Reason(1))
			}
			w = waitFor(t, d, version)
			w.GiveUp()
			ask(w, w.x.log, 0)
			if len(keys.open)+len(keys.granted)+d.held > 0 {
				t.Errorf("%d wishes and %d bytes are left", len(keys.open)+len(keys.granted), d.held)
			}
		})
	}
}

func (d *Decrypter) late() *Decrypter {
	d.Late = true
	return d
}

// TestGrantedAlike has two connections that say the same, as both sides of a tunnel
// do.
func TestGrantedAlike(t *testing.T) {
	keys := NewKeys()
	d := New(keys, nil, nil).late()
	w := waitFor(t, d, tls.VersionTLS13)
	again := d.Conn(&flow.Conn{})
	for _, s := range w.x.segments {
		again.Chunk(flow.Chunk{Dir: s.dir, Data: s.data})
	}
	keys.NewLog().Write(w.x.log)
	if got := keys.Granted(); len(got) != 2 || got[0] != w.Conn || got[1] != again {
		t.Errorf("%d grants", len(got))
	}
}

// FuzzLate gives secrets at any time: whatever was sent, the same comes out as if they
// had been there before. Unless something strange was sent they may come in parts; a
// record that belongs behind the handshake and comes before its end is opened only if
// its secret is there by then.
func FuzzLate(f *testing.F) {
	var logs [3][]byte
	var segments [3][]segment
	for i, name := range []string{"rfc8448-3.txt", "rfc8448-4.txt", "rfc8448-5.txt"} {
		logs[i], segments[i] = trace(f, name)
		for n := range segments[i] {
			f.Add(byte(i), byte(n), []byte(nil), byte(0), byte(n), byte(1))
			f.Add(byte(i), byte(n), segments[i][n].data, byte(0), byte(n/2), byte(3))
		}
		f.Add(byte(i), byte(4), segments[i][5].data, byte(9), byte(3), byte(0))
	}
	f.Add(byte(0), byte(11), []byte(nil), byte(106), byte(39), byte(1)) // the secrets of the handshake first, and its end is not seen
	f.Fuzz(func(t *testing.T, which, keep byte, b []byte, hole, when, every byte) {
		if len(b) > maxHeld/2 { // what waits longer is given up
			return
		}
		if len(b) > 0 {
			every = 0
		}
		log, all := logs[which%3], segments[which%3]
		n := int(keep) % len(all)
		list := slices.Concat(all[:n], []segment{{all[n].dir, b, int64(hole)}}, all[n:])
		text := func(r *result) string {
			return fmt.Sprintf("%x %v %q %v %v", r.data, r.lost, r.events, r.reason, r.ends)
		}
		want := text(decrypt(t, New(keysOf(log), nil, nil), list))
		keys := NewKeys()
		lines := slices.Collect(bytes.Lines(log))
		got := text(decryptWith(t, New(keys, nil, nil).late(), list, func(n int) {
			for len(lines) > 0 && (n >= int(when) || n == len(list)) {
				keys.NewLog().Write(lines[0])
				if lines = lines[1:]; len(lines) > 0 && (every == 0 || len(lines)%int(every) > 0) {
					continue
				}
				for _, c := range keys.Granted() {
					c.Resume()
				}
			}
		}))
		if got != want {
			t.Errorf("late: %s\nbefore: %s", got, want)
		}
		if len(keys.open)+len(keys.granted) > 0 {
			t.Error("wishes are left")
		}
	})
}
