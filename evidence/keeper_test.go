package evidence

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/capture"
)

// A keeping is a Keeper under test. Packets are told apart by their frames, which
// are their times.
type keeping struct {
	*Keeper
	t    *testing.T
	file string
	num  int
}

func newKeeping(t *testing.T, l *Limits) *keeping {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a.pcapng")
	return &keeping{Keeper: NewKeeper(create(t, file, nil), l), t: t, file: file}
}

// packet gives a packet of a connection to the Keeper, and returns its frame.
func (k *keeping) packet(s Sight, size int) (frame int, want Want) {
	k.num++
	return k.num, k.Packet(&s, &capture.Packet{Num: k.num, Time: int64(k.num), Link: capture.LinkRaw, WireLen: size, Data: make([]byte, size)})
}

// lone gives a packet to the Keeper that no connection has.
func (k *keeping) lone(to func(*capture.Packet), size int) int {
	k.num++
	to(&capture.Packet{Num: k.num, Time: int64(k.num), Link: capture.LinkRaw, WireLen: size, Data: make([]byte, size)})
	return k.num
}

// written closes everything and returns the frames that were written.
func (k *keeping) written() (frames []int) {
	k.t.Helper()
	k.Close()
	closeWriter(k.t, k.w)
	all, _ := readBack(k.t, k.file)
	for _, p := range all {
		frames = append(frames, int(p.Time))
	}
	return frames
}

func (k *keeping) check(want ...int) {
	k.t.Helper()
	if got := k.written(); !slices.Equal(got, want) {
		k.t.Errorf("frames %v were written, want %v", got, want)
	}
}

// TestKeep has three connections: one failed, one a verdict rests on, one is nobody's.
func TestKeep(t *testing.T) {
	k := newKeeping(t, nil)
	for i := range 9 { // frames 1 to 9
		k.packet(Sight{Conn: int64(i % 3), New: i < 3}, 100)
	}
	k.Keep(1, map[int][]string{5: {"wssniff: rejected"}})
	k.packet(Sight{Conn: 1}, 100) // frame 10 follows
	k.packet(Sight{Conn: 0}, 100)
	k.KeepToo(2)
	k.KeepToo(7) // is not there
	k.Over(1)
	k.Forget(0)
	if _, want := k.packet(Sight{Conn: 0}, 100); want != None {
		t.Errorf("of a forgotten connection %d is wanted", want)
	}
	k.check(2, 5, 8, 3, 6, 9, 10)
	if s := k.w.Stats(); s.Conversations != 2 || s.LostMemory != 0 || s.Packets != 7 || s.Bytes != 700 {
		t.Errorf("%+v", s)
	}
}

// TestKeepLate keeps a connection that is over, and once more.
func TestKeepLate(t *testing.T) {
	k := newKeeping(t, nil)
	k.packet(Sight{Conn: 0, New: true}, 100)
	k.Over(0)
	k.Keep(0, nil)
	k.Keep(0, nil) // another attempt on it
	if n := k.w.Stats().LostMemory; n != 0 {
		t.Errorf("%d are lost", n)
	}
	k.Keep(5, nil) // was never seen, or is lost
	if n := k.w.Stats().LostMemory; n != 1 {
		t.Errorf("%d are lost, want 1", n)
	}
	k.check(1)
}

// TestKeepAgain keeps connections once more when many others were written meanwhile:
// what is remembered is bounded.
func TestKeepAgain(t *testing.T) {
	k := newKeeping(t, nil)
	const conns = 3 * maxWritten
	for i := range int64(conns) {
		k.packet(Sight{Conn: i, New: true}, 10)
		k.Keep(i, nil)
		k.Over(i)
	}
	for i := range int64(maxWritten) {
		k.Keep(conns-1-i, nil)
	}
	if s := k.w.Stats(); s.LostMemory != 0 || len(k.done) != maxWritten || len(k.byConn) != 0 {
		t.Errorf("%+v; %d are remembered, %d held", s, len(k.done), len(k.byConn))
	}
	closeWriter(t, k.w)
}

// TestFirstAndLast keeps of a long connection how it began, and how it ended.
func TestFirstAndLast(t *testing.T) {
	k := newKeeping(t, &Limits{First: 1000, Last: 1000})
	for i := range 100 {
		k.packet(Sight{New: i == 0}, 100)
	}
	k.packet(Sight{}, 5000) // has no room but its own
	k.Keep(0, nil)
	k.check(1, 2, 3, 4, 5, 6, 7, 8, 101)

	k = newKeeping(t, &Limits{First: 1000, Last: 1000})
	for i := range 100 {
		k.packet(Sight{New: i == 0}, 100)
	}
	k.Keep(0, nil)
	for range 20 { // frames 101 to 120
		k.packet(Sight{}, 100)
	}
	k.check(1, 2, 3, 4, 5, 6, 7, 8, 94, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 114, 115, 116, 117, 118, 119, 120)
}

// TestQuiet stops where nobody reads a connection, but for its end.
func TestQuiet(t *testing.T) {
	k := newKeeping(t, &Limits{First: 1 << 20, Quiet: 1000})
	k.packet(Sight{New: true}, 100)
	var wants []Want
	for range 12 {
		_, want := k.packet(Sight{Quiet: true, Idle: true}, 100)
		wants = append(wants, want)
	}
	k.packet(Sight{Idle: true}, 100)
	if got := fmt.Sprint(wants); got != "[0 0 0 0 0 0 0 1 1 1 1 1]" {
		t.Errorf("wants %s", got)
	}
	k.Keep(0, nil)
	k.check(1, 2, 3, 4, 5, 6, 7, 8, 14)
}

// TestMemory has more connections than room: the oldest go, those that are idle
// first, and what is missing is counted. The arena does not grow.
func TestMemory(t *testing.T) {
	k := newKeeping(t, &Limits{Memory: MinMemory})
	const conns = 20_000
	for i := range conns {
		idle := i%2 == 0
		k.packet(Sight{Conn: int64(i), New: true, Idle: idle}, 900)
		k.packet(Sight{Conn: int64(i), Idle: idle}, 900)
	}
	held, idle := 0, 0
	oldest := conns
	for i := range k.all {
		if c := &k.all[i]; c.first.bytes > 0 {
			held++
			if c.idle {
				idle++
			} else {
				oldest = min(oldest, int(c.conn))
			}
		}
	}
	if n := len(k.arena.pages) * pageChunks * chunkSize; n > MinMemory {
		t.Errorf("%d bytes, want %d at most", n, MinMemory)
	}
	if held < MinMemory/3000 || idle < held/5 || idle > held/3 || len(k.byConn) != held {
		t.Errorf("%d connections are held, %d of them idle; %d are found", held, idle, len(k.byConn))
	}
	for i := oldest; i < conns; i += 2 {
		if _, ok := k.byConn[int64(i)]; !ok {
			t.Errorf("connection %d is gone, %d is not", i, oldest)
		}
	}
	k.Keep(int64(oldest-2), nil)
	k.Keep(int64(oldest), nil)
	if s := k.w.Stats(); s.LostMemory != 1 || s.Conversations != 1 || s.Packets != 2 {
		t.Errorf("%+v", s)
	}
}

// TestMemoryOfFailed needs the room of a connection that failed: it is written, and
// goes on.
func TestMemoryOfFailed(t *testing.T) {
	k := newKeeping(t, &Limits{Memory: MinMemory})
	k.packet(Sight{New: true}, 100)
	k.Keep(0, nil)
	var want []int
	for range 3 {
		frame, _ := k.packet(Sight{}, 100)
		want = append(want, frame)
		for i := range 10_000 {
			k.packet(Sight{Conn: int64(k.num), New: true, Idle: i%3 == 0}, 900)
		}
	}
	if got := k.written(); !slices.Equal(got, append([]int{1}, want...)) {
		t.Errorf("frames %v, want 1 and %v", got, want)
	}
}

// TestRelease forgets first what did not fail.
func TestRelease(t *testing.T) {
	k := newKeeping(t, &Limits{Memory: MinMemory})
	k.packet(Sight{Conn: -1, New: true}, 100)
	k.packet(Sight{Conn: -2, New: true}, 100)
	k.Release(-2)
	if _, want := k.packet(Sight{Conn: -2}, 100); want != None {
		t.Errorf("of a released connection %d is wanted", want)
	}
	conn := int64(0)
	for ; k.arena.unused > 10; conn++ {
		k.packet(Sight{Conn: conn, New: true}, 900)
		k.Release(conn)
	}
	for range 100 {
		conn++
		k.packet(Sight{Conn: conn, New: true}, 900)
	}
	k.KeepToo(-2)
	k.KeepToo(-1)
	k.check(1)
}

// TestFragments finds the fragments of an IP packet when its last one has come.
func TestFragments(t *testing.T) {
	k := newKeeping(t, &Limits{Memory: MinMemory})
	var parts []int
	for range 3 {
		parts = append(parts, k.lone(k.Fragment, 500))
		k.lone(k.Fragment, 500) // of another one
	}
	k.packet(Sight{Conn: 4, New: true, Parts: parts}, 100)
	k.Keep(4, nil)
	for range 10_000 {
		k.lone(k.Fragment, 500)
	}
	if most := MinMemory / 16; k.pieces.bytes > most || len(k.pieces.at) > most/500 {
		t.Errorf("%d bytes of fragments, %d frames", k.pieces.bytes, len(k.pieces.at))
	}
	k.packet(Sight{Conn: 5, New: true, Parts: []int{2, 4}}, 100) // which are gone
	k.Keep(5, nil)
	k.check(1, 3, 5, 7, 10008)
}

// TestDatagrams finds a datagram by its frame.
func TestDatagrams(t *testing.T) {
	k := newKeeping(t, nil)
	for range 5 {
		k.lone(k.Datagram, 200)
	}
	k.KeepDatagram(3)
	k.KeepDatagram(30)
	k.check(3)
}

// TestExpect knows before the first packet what is to be written: whole, in order,
// and once each.
func TestExpect(t *testing.T) {
	k := newKeeping(t, &Limits{First: 100, Last: 100})
	k.Expect(map[int64]bool{1: true, 2: true}, map[int][]string{3: nil, 5: {"wssniff: rejected"}})
	k.packet(Sight{Conn: 0, New: true}, 500)
	k.packet(Sight{Conn: 1, New: true}, 500)
	k.lone(k.Datagram, 50)
	k.lone(k.Datagram, 50)
	k.packet(Sight{Conn: 2, New: true}, 500)
	part := k.lone(k.Fragment, 50)
	for i := range 100 {
		k.packet(Sight{Conn: int64(i % 4), Quiet: i > 50, Parts: []int{part}[:i&1]}, 500)
	}
	var want []int
	for frame := 7; frame < 107; frame++ {
		switch (frame - 7) % 4 {
		case 1:
			want = append(want, frame) // part comes before it, for the first time
		case 2:
			want = append(want, frame)
		}
	}
	got := k.written()
	got = slices.DeleteFunc(got, func(frame int) bool { return frame == part })
	if want = append([]int{2, 3, 5}, want...); !slices.Equal(got, want) {
		t.Errorf("frames %v, want %v", got, want)
	}
	if s := k.w.Stats(); s.Conversations != 2 {
		t.Errorf("%+v", s)
	}
}

// TestComments writes the comments of a frame to it.
func TestComments(t *testing.T) {
	k := newKeeping(t, nil)
	k.packet(Sight{Conn: 0, New: true}, 100)
	k.packet(Sight{Conn: 0}, 100)
	k.Keep(0, map[int][]string{2: {"wssniff: one", "wssniff: two"}, 9: {"nowhere"}})
	k.Close()
	got := string(k.w.buf)
	if strings.Count(got, "wssniff: one") != 1 || !strings.Contains(got, "wssniff: two") || strings.Contains(got, "nowhere") {
		t.Errorf("%q", got)
	}
	closeWriter(t, k.w)
}

// TestKeeperNoAllocs: what comes most leaves no garbage, once the arena is full.
func TestKeeperNoAllocs(t *testing.T) {
	k := newKeeping(t, &Limits{Memory: MinMemory})
	conn := int64(0)
	p := &capture.Packet{Link: capture.LinkRaw, WireLen: 1000, Data: make([]byte, 1000)}
	step := func() {
		conn++
		for i := range 5 {
			p.Num++
			k.Packet(&Sight{Conn: conn, New: i == 0, Idle: i == 0}, p)
		}
		k.Datagram(p)
	}
	for range 20_000 {
		step()
	}
	if got := testing.AllocsPerRun(2000, step); got > 0 {
		t.Errorf("%v allocations", got)
	}
	closeWriter(t, k.w)
}

// TestTogether puts a conversation that a file has room for into one file.
func TestTogether(t *testing.T) {
	dir := t.TempDir()
	w := create(t, filepath.Join(dir, "a.pcapng"), &Config{Size: MinSize})
	k := &keeping{Keeper: NewKeeper(w, nil), t: t}
	const conns, packets = 100, 40
	for i := range conns * packets {
		k.packet(Sight{Conn: int64(i / packets), New: i%packets == 0}, 1000)
	}
	for i := range conns {
		k.Keep(int64(i), nil)
	}
	closeWriter(t, w)
	names := files(t, dir)
	total := 0
	for _, name := range names {
		all, _ := readBack(t, filepath.Join(dir, name))
		total += len(all)
		if len(all)%packets != 0 || onDisk(t, dir) > int64(len(names))*MinSize {
			t.Errorf("%s has %d packets", name, len(all))
		}
	}
	if total != conns*packets || len(names) < 4 {
		t.Errorf("%d packets in %q", total, names)
	}
}

func BenchmarkKeeper(b *testing.B) {
	w, err := Create(filepath.Join(b.TempDir(), "a.pcapng"), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	k := NewKeeper(w, nil)
	p := &capture.Packet{Link: capture.LinkRaw, WireLen: 500, Data: make([]byte, 500)}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p.Num++
		k.Packet(&Sight{Conn: int64(i / 10), New: i%10 == 0, Idle: i%10 < 2}, p)
	}
}
