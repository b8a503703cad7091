package reassembly

import (
	"slices"
	"testing"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// A crowd is many connections, told apart by a number, which is the port of A and
// a part of its address. The consumer wants the bytes of some.
type crowd struct {
	r       *Reassembler
	wanted  func(number int) bool
	now     int64
	num     int
	gone    []int        // numbers of the connections that were evicted, in order
	told    []int        // of them, those that the consumer was told of
	brought map[int]bool // connections with bytes
}

func newCrowd(cfg *Config) *crowd {
	k := &crowd{wanted: func(int) bool { return false }, now: 1e18, brought: map[int]bool{}}
	k.r = New(func(c *flow.Chunk) flow.Want {
		number := int(c.Conn.Port[A]) - 1000
		if c.End == flow.Evicted && c.Dir == A {
			k.told = append(k.told, number)
		}
		k.brought[number] = true
		if !k.wanted(number) {
			return flow.None
		}
		c.Conn.State = 1
		return flow.All
	}, cfg)
	return k
}

func (k *crowd) send(number int, flags uint8, off int, data string) {
	k.num++
	k.now += millisecond
	seq := uint32(1000 + off)
	if flags&flagSYN != 0 {
		seq--
	}
	b := rawPacket(A, uint16(1000+number), seq, 5000, flags, data, len(data))
	before := k.numbers()
	k.r.Packet(&capture.Packet{Num: k.num, Time: k.now, Link: capture.LinkRaw, WireLen: len(b), Data: b})
	after := k.numbers()
	for _, n := range before {
		if !slices.Contains(after, n) {
			k.gone = append(k.gone, n)
		}
	}
}

// numbers lists the connections that are remembered.
func (k *crowd) numbers() []int {
	var list []int
	for _, c := range connsOf(k.r) {
		list = append(list, int(c.Port[A])-1000)
	}
	return list
}

func (k *crowd) syn(number int)           { k.send(number, flagSYN, 0, "") }
func (k *crowd) data(number int, off int) { k.send(number, flagACK, off, "x") }

func (k *crowd) open(number int) {
	k.syn(number)
	k.data(number, 0)
}

// knows reports whether a connection is remembered.
func (k *crowd) knows(number int) bool {
	return slices.Contains(k.numbers(), number)
}

// TestEvictFlood floods with SYNs. Neither what is wanted nor what is merely open
// goes for them.
func TestEvictFlood(t *testing.T) {
	k := newCrowd(&Config{MaxConns: 100, MaxHalfOpen: 20})
	k.wanted = func(number int) bool { return number < 10 }
	for number := range 30 {
		k.open(number)
	}
	for i := range 10_000 {
		k.syn(100 + i)
		if n := k.r.queues[halfOpen].n; n > 20 {
			t.Fatalf("%d half open", n)
		}
	}
	for number := range 30 {
		if !k.knows(number) {
			t.Errorf("connection %d is forgotten", number)
		}
	}
	checkUses(t, k.r)
	if s := k.r.Stats(); s.EvictedBusy != 0 || s.Evicted != 10_000-20 || s.EvictedHalfOpen != s.Evicted || s.Tracked != 50 || s.HalfOpen != 20 {
		t.Errorf("stats: %d evicted, %d of them wanted, %d half-open; %d of %d left are half-open", s.Evicted, s.EvictedBusy, s.EvictedHalfOpen, s.HalfOpen, s.Tracked)
	}
}

// TestEvictFloodMidStream floods with single segments that open nothing.
func TestEvictFloodMidStream(t *testing.T) {
	k := newCrowd(&Config{MaxConns: 100})
	k.wanted = func(number int) bool { return number < 90 }
	for number := range 90 {
		k.open(number)
	}
	for i := range 10_000 {
		k.send(100+i, flagACK, 0, "")
	}
	for number := range 90 {
		if !k.knows(number) {
			t.Errorf("connection %d is forgotten", number)
		}
	}
	if s := k.r.Stats(); s.EvictedBusy != 0 || s.EvictedHalfOpen != 0 || len(k.r.all()) != 100 {
		t.Errorf("%d are remembered, %d wanted ones were evicted, %d half-open ones", len(k.r.all()), s.EvictedBusy, s.EvictedHalfOpen)
	}
}

func TestEvictOrder(t *testing.T) {
	for _, c := range []struct {
		name   string
		wanted func(int) bool
		play   func(k *crowd) // with ten connections open, and room for ten
		want   []int
	}{
		{"oldest first", nil, func(k *crowd) {
			for number := 10; number < 14; number++ {
				k.open(number)
			}
		}, []int{0, 1, 2, 3}},
		{"those that were active stay", nil, func(k *crowd) {
			for _, number := range []int{0, 2, 3, 5} {
				k.data(number, 1)
			}
			for number := 10; number < 14; number++ {
				k.open(number)
			}
		}, []int{1, 4, 6, 7}},
		{"wanted ones stay", func(n int) bool { return n%2 == 0 }, func(k *crowd) {
			for number := 11; number < 19; number += 2 {
				k.open(number)
			}
		}, []int{1, 3, 5, 7}},
		{"all are wanted", func(int) bool { return true }, func(k *crowd) {
			k.data(0, 1)
			k.data(1, 1)
			k.open(10)
		}, []int{2}},
		{"half open ones, oldest first", nil, func(k *crowd) {
			k.syn(20)
			k.syn(21)
			k.syn(22)
			k.syn(23)
		}, []int{0, 1, 20, 21}},
		{"a half open one that opened stays", nil, func(k *crowd) {
			k.syn(20)
			k.syn(21)
			k.data(20, 0)
			k.syn(22)
			k.syn(23)
		}, []int{0, 1, 2, 21}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newCrowd(&Config{MaxConns: 10, MaxHalfOpen: 2})
			if c.wanted != nil {
				k.wanted = c.wanted
			}
			for number := range 10 {
				k.open(number)
			}
			k.gone, k.told = nil, nil
			c.play(k)
			checkUses(t, k.r)
			if !slices.Equal(k.gone, c.want) {
				t.Errorf("evicted %d, want %d", k.gone, c.want)
			}
			want := slices.DeleteFunc(slices.Clone(k.gone), func(number int) bool { return !k.brought[number] })
			if !slices.Equal(k.told, want) {
				t.Errorf("told that %d are evicted, want those that brought bytes, %d", k.told, want)
			}
			busy := 0
			if c.name == "all are wanted" {
				busy = len(c.want)
			}
			if s := k.r.Stats(); s.Evicted != len(c.want) || s.EvictedBusy != busy {
				t.Errorf("%d counted, %d of them wanted, want %d, %d", s.Evicted, s.EvictedBusy, len(c.want), busy)
			}
		})
	}
}

// TestEvictOver forgets a connection that was wanted, and is over, before others.
func TestEvictOver(t *testing.T) {
	k := newCrowd(&Config{MaxConns: 10})
	k.wanted = func(int) bool { return true }
	for number := range 10 {
		k.open(number)
	}
	k.send(3, flagACK|flagRST, 1, "")
	k.now += 5 * second
	k.open(10)
	for number := range 11 {
		if got, want := k.knows(number), number != 3; got != want {
			t.Errorf("connection %d is remembered: %v", number, got)
		}
	}
	if s := k.r.Stats(); s.Evicted != 1 || s.EvictedBusy != 0 {
		t.Errorf("stats %+v", s)
	}
}

// TestForgetPast forgets connections that are over, when that has been so for long,
// and no others.
func TestForgetPast(t *testing.T) {
	const remember = 240 * second
	for _, test := range []struct {
		remember int64
		want     []int
	}{{remember, []int{2, 4, 5}}, {0, []int{1, 2, 3, 4, 5}}} {
		k := newCrowd(&Config{Remember: test.remember})
		for number := 1; number <= 4; number++ {
			k.open(number)
		}
		for _, number := range []int{1, 3, 4} {
			k.send(number, flagRST|flagACK, 1, "")
		}
		k.now += remember / 2
		k.send(4, flagACK, 0, "x") // late
		k.now += remember/2 + 3*second
		k.syn(5)
		if got := k.numbers(); !slices.Equal(got, test.want) || k.r.Stats().Evicted != 0 {
			t.Errorf("remembered for %d s: %v, want %v; %d evicted", test.remember/second, got, test.want, k.r.Stats().Evicted)
		}
		k.now += remember
		k.syn(6)
		if left := slices.Contains(k.numbers(), 4); left == (test.remember > 0) || len(k.r.past) > 0 {
			t.Errorf("remembered for %d s: is 4 still there: %v; %d wait", test.remember/second, left, len(k.r.past))
		}
	}
}

// TestForgetPastCrowd lets far more connections end than there is room for, behind
// one of which late packets keep coming.
func TestForgetPastCrowd(t *testing.T) {
	const room = 20
	k := newCrowd(&Config{MaxConns: room, Remember: 240 * second})
	for number := range 10 * room {
		k.open(number)
		k.send(number, flagRST|flagACK, 1, "")
		k.send(0, flagACK, 0, "x")
		k.now += second
		if len(k.r.past) > room+1 {
			t.Fatalf("after %d connections %d wait to be forgotten", number, len(k.r.past))
		}
	}
	k.now += 300 * second
	k.syn(5000)
	if n := len(k.r.past); n > 0 {
		t.Errorf("%d wait still", n)
	}
}

// TestEvictCost counts how many connections are put at the end of a queue, which
// is the work that there is: not more than packets came.
func TestEvictCost(t *testing.T) {
	for _, c := range []struct {
		name   string
		wanted func(int) bool
		active int // connections that go on between two new ones
	}{
		{"nobody goes on", nil, 0},
		{"all go on", nil, 200},
		{"some are wanted", func(n int) bool { return n%3 == 0 }, 5},
		{"all are wanted", func(int) bool { return true }, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newCrowd(&Config{MaxConns: 200, MaxHalfOpen: 50})
			if c.wanted != nil {
				k.wanted = c.wanted
			}
			for number := range 200 {
				k.open(number)
			}
			packets, moves := k.num, 0
			for number := 200; number < 600; number++ {
				for i := range c.active {
					k.send(number-200+i, flagACK, 1, "")
				}
				before := k.order()
				k.open(number)
				moves += moved(before, k.order())
			}
			packets = k.num - packets
			// One of those that are wanted is looked at each time, and some to choose
			// one that has to go, see leastActive.
			if limit := packets + 2*400 + 64*k.r.stats.EvictedBusy; moves > limit {
				t.Errorf("%d moves for %d packets, %d of 400 evicted ones wanted", moves, packets, k.r.stats.EvictedBusy)
			}
			if moves == 0 && c.active > 0 {
				t.Error("no moves were seen")
			}
		})
	}
}

// order lists the numbers of the connections in the queues.
func (k *crowd) order() [3][]int {
	var lists [3][]int
	for q := range k.r.queues {
		for i := k.r.queues[q].first; i != 0; i = k.r.table.conns.at(i).next {
			lists[q] = append(lists[q], k.r.table.conns.at(i).id)
		}
	}
	return lists
}

// moved counts what is no longer where it was in line.
func moved(before, after [3][]int) int {
	n := 0
	for i, list := range before {
		at := 0
		for _, c := range list {
			if at < len(after[i]) && after[i][at] == c {
				at++
				continue
			}
			n++
		}
	}
	return n
}

// TestClosingForgets: connections that were reset and then forgotten are not
// held, whatever the clock says.
func TestClosingForgets(t *testing.T) {
	k := newTalk(&Config{MaxConns: 100})
	now := k.now
	for i := range 5000 {
		k.port, k.now = uint16(i), now
		k.send(A, flagSYN, 0, 0, "", 0)
		k.rst(B, 0)
	}
	held := 0
	for _, c := range k.r.closing {
		if c != 0 {
			held++
		}
	}
	if held > 100 {
		t.Errorf("%d connections held that were forgotten", held)
	}
	k.port, k.now = 6000, now+100*second // dated far ahead
	k.rst(B, 0)
	k.port, k.now = 6001, now
	k.rst(B, 0)
	for range 65 { // until the clock goes back
		k.wait(100)
		k.tick()
	}
	if n := len(k.r.closing); n > 0 {
		t.Errorf("%d wait behind one that is dated ahead", n)
	}
	k.finish()
	checkEmpty(t, k.r)
}

// TestResetShowsLoss: a reset tells how much its sender had sent.
func TestResetShowsLoss(t *testing.T) {
	for _, c := range []struct {
		ahead int
		want  bool
	}{{0, false}, {400, true}} {
		k := open(nil)
		k.data(A, 0, "abc")
		k.rst(B, c.ahead)
		k.finish()
		if got := k.conn.Unseen[B]; got != c.want {
			t.Errorf("reset %d bytes ahead: unseen %v, want %v", c.ahead, got, c.want)
		}
	}
	k := open(nil)
	k.data(A, 0, "abc")
	k.rst(A, 3)
	k.finish()
	if k.conn.Acked[A] {
		t.Error("a sender's own reset acknowledges nothing")
	}
	if k.conn.Unseen[A] {
		t.Error("a reset right behind what was seen shows no loss")
	}
}
