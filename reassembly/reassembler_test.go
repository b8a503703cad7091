package reassembly

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly/flow"
)

const (
	A = flow.AtoB
	B = flow.BtoA
)

const millisecond = int64(1e6)

// A talk is a connection under test: packets go in by its verbs, positions
// counted in bytes of a direction's stream, and what the consumer is told comes
// out as one line of text for each chunk.
type talk struct {
	r    *Reassembler
	isn  [2]uint32
	port uint16 // of A
	now  int64
	num  int
	log  []string
	want func(*flow.Chunk) flow.Want // nil: all
	conn *flow.Evidence              // of the last connection that was over
	id   int                         // of the last chunk's connection
}

func newTalk(cfg *Config) *talk {
	k := &talk{isn: [2]uint32{1000, 5000}, port: 51234, now: 1e18}
	ends := map[int]int{}
	k.r = New(func(c *flow.Chunk) flow.Want {
		k.id = idOf(k.r, c.Conn)
		if c.End != flow.Open {
			ends[k.id]++
		}
		if (c.Evidence != nil) != (ends[k.id] == 2) || c.Evidence != nil && c.Evidence.ID != k.id {
			panic(fmt.Sprintf("connection %d, %s: end number %d, evidence %+v", k.id, chunkText(c), ends[k.id], c.Evidence))
		}
		if c.Evidence != nil {
			e := *c.Evidence // it is valid during the call only
			k.conn = &e
		}
		k.log = append(k.log, chunkText(c))
		if k.want == nil {
			return flow.All
		}
		return k.want(c)
	}, cfg)
	return k
}

// connsOf returns the connections that are remembered, in order of their number.
func connsOf(r *Reassembler) (list []*conn) {
	for _, i := range r.all() {
		list = append(list, r.table.conns.at(i))
	}
	return list
}

// idOf returns the number of the connection that a chunk is of.
func idOf(r *Reassembler, of *flow.Conn) int {
	for _, c := range connsOf(r) {
		if &c.Conn == of {
			return c.id
		}
	}
	return -1
}

// chunkText is a chunk as one line: direction, offset, what is lost, the bytes,
// the end.
func chunkText(c *flow.Chunk) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%c%d", "AB"[c.Dir], c.Offset)
	if c.Lost != 0 {
		fmt.Fprintf(&b, " lost %d", c.Lost)
	}
	if len(c.Data) > 0 {
		fmt.Fprintf(&b, " %s", c.Data)
	}
	if c.End != flow.Open {
		b.WriteString([...]string{"", " FIN", " RST", " end", " evicted"}[c.End])
	}
	return b.String()
}

// send hands in one segment. off is the position of its first byte, ack that of
// the next byte its sender expects; wire is the payload's length before the cut.
func (k *talk) send(from flow.Dir, flags uint8, off, ack int, data string, wire int) {
	k.num++
	k.now += millisecond
	seq := k.isn[from] + 1 + uint32(off)
	if flags&flagSYN != 0 {
		seq--
	}
	b := rawPacket(from, k.port, seq, k.isn[from.Reverse()]+1+uint32(ack), flags, data, wire)
	k.r.Packet(&capture.Packet{Num: k.num, Time: k.now, Link: capture.LinkRaw, WireLen: len(b) + wire - len(data), Data: b})
}

// rawPacket makes an IPv4 packet between 10.0.0.7 and 192.0.2.9:80.
func rawPacket(from flow.Dir, port uint16, seq, ack uint32, flags uint8, data string, wire int) []byte {
	ip := set(ipv4, 2, byte((40+wire)>>8), byte(40+wire))
	header := set(tcpHeader, 0, byte(port>>8), byte(port))
	if from == B {
		ip = set(ip, 12, 192, 0, 2, 9, 10, 0, 0, 7)
		header = set(header, 0, 0, 80, byte(port>>8), byte(port))
	}
	binary.BigEndian.PutUint32(header[4:], seq)
	binary.BigEndian.PutUint32(header[8:], ack)
	header[13] = flags
	return join(ip, header, []byte(data))
}

func (k *talk) data(from flow.Dir, off int, data string) {
	k.send(from, flagACK|flagPSH, off, 0, data, len(data))
}
func (k *talk) cut(from flow.Dir, off int, data string, wire int) {
	k.send(from, flagACK, off, 0, data, wire)
}
func (k *talk) ack(from flow.Dir, off, ack int) { k.send(from, flagACK, off, ack, "", 0) }
func (k *talk) fin(from flow.Dir, off int)      { k.send(from, flagFIN|flagACK, off, 0, "", 0) }
func (k *talk) rst(from flow.Dir, off int)      { k.send(from, flagRST|flagACK, off, 0, "", 0) }
func (k *talk) wait(ms int)                     { k.now += int64(ms) * millisecond }
func (k *talk) finish()                         { k.r.Finish() }

func (k *talk) handshake() {
	k.send(A, flagSYN, 0, 0, "", 0)
	k.send(B, flagSYN|flagACK, 0, 0, "", 0)
	k.ack(A, 0, 0)
}

// tick lets the reassembler look at its clocks, by a packet of another protocol.
func (k *talk) tick() {
	k.num++
	k.r.Packet(&capture.Packet{Num: k.num, Time: k.now, Link: capture.LinkRaw, WireLen: 44, Data: join(set(ipv4, 9, 17), tcpHeader, get)})
}

// open starts a talk after its handshake.
func open(cfg *Config) *talk {
	k := newTalk(cfg)
	k.handshake()
	return k
}

// answer makes the consumer give one answer after the other, and then All.
func (k *talk) answer(wants ...flow.Want) {
	k.want = func(*flow.Chunk) flow.Want {
		if len(wants) == 0 {
			return flow.All
		}
		w := wants[0]
		wants = wants[1:]
		return w
	}
}

// check compares what the consumer was told, and that nothing is queued.
func (k *talk) check(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(k.log, want) {
		t.Errorf("got  %q\nwant %q", k.log, want)
	}
	checkEmpty(t, k.r)
}

// checkEmpty checks that neither we nor gopacket hold pages.
func checkEmpty(t *testing.T, r *Reassembler) {
	t.Helper()
	if r.stats.Panics > 0 {
		t.Errorf("%d panics", r.stats.Panics)
	}
	if r.sorter == nil {
		return
	}
	if r.sorter.pages != 0 || len(r.holes) != 0 {
		t.Errorf("%d pages held, %d directions out of order", r.sorter.pages, len(r.holes))
	}
	if got := r.sorter.assembler.Dump(); !strings.HasPrefix(got, "pageCache: used: 0,") {
		t.Errorf("gopacket has %s", got)
	}
}

// TestDelivery plays segments and compares what the consumer is told.
func TestDelivery(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(k *talk)
		want []string
	}{
		{"in order", func(k *talk) {
			k.data(A, 0, "GET")
			k.data(A, 3, "/x")
			k.data(B, 0, "HTTP")
			k.fin(A, 5)
			k.fin(B, 4)
		}, []string{"A0 GET", "A3 /x", "B0 HTTP", "A5 FIN", "B4 FIN"}},
		{"out of order", func(k *talk) {
			k.data(A, 3, "def")
			k.data(A, 6, "ghi")
			k.data(A, 0, "abc")
			k.data(A, 9, "jkl")
		}, []string{"A0 abc", "A3 def", "A6 ghi", "A9 jkl", "A12 end", "B0 end"}},
		{"last first", func(k *talk) {
			k.data(A, 6, "ghi")
			k.data(A, 3, "def")
			k.data(A, 0, "abc")
		}, []string{"A0 abc", "A3 def", "A6 ghi", "A9 end", "B0 end"}},
		{"both directions out of order", func(k *talk) {
			k.data(A, 3, "def")
			k.data(B, 3, "456")
			k.data(B, 0, "123")
			k.data(A, 0, "abc")
		}, []string{"B0 123", "B3 456", "A0 abc", "A3 def", "A6 end", "B6 end"}},
		{"overlap in order", func(k *talk) {
			k.data(A, 0, "abcd")
			k.data(A, 2, "cdef")
		}, []string{"A0 abcd", "A4 ef", "A6 end", "B0 end"}},
		{"overlap out of order, the first copy counts", func(k *talk) {
			k.data(A, 3, "DEF")
			k.data(A, 2, "cdefgh")
			k.data(A, 0, "ab")
		}, []string{"A0 ab", "A2 c", "A3 DEF", "A6 gh", "A8 end", "B0 end"}},
		{"overlap over two queued runs", func(k *talk) {
			k.data(A, 2, "C")
			k.data(A, 4, "E")
			k.data(A, 0, "abcdefg")
		}, []string{"A0 ab", "A2 C", "A3 d", "A4 E", "A5 fg", "A7 end", "B0 end"}},
		{"retransmission", func(k *talk) {
			k.data(A, 0, "abc")
			k.data(A, 0, "abc")
			k.data(A, 0, "ab")
			k.data(A, 3, "def")
		}, []string{"A0 abc", "A3 def", "A6 end", "B0 end"}},
		{"retransmission of what is queued", func(k *talk) {
			k.data(A, 3, "def")
			k.data(A, 3, "def")
			k.data(A, 0, "abc")
		}, []string{"A0 abc", "A3 def", "A6 end", "B0 end"}},
		{"hole to the end", func(k *talk) {
			k.data(A, 0, "abc")
			k.data(A, 6, "ghi")
			k.data(A, 12, "mno")
		}, []string{"A0 abc", "A6 lost 3 ghi", "A12 lost 3 mno", "A15 end", "B0 end"}},
		{"hole before the FIN", func(k *talk) {
			k.data(A, 0, "abc")
			k.fin(A, 9)
		}, []string{"A0 abc", "A9 lost 6 FIN", "B0 end"}},
		{"hole that is filled late", func(k *talk) {
			k.data(A, 3, "def")
			k.wait(59_000)
			k.tick()
			k.data(A, 0, "abc")
		}, []string{"A0 abc", "A3 def", "A6 end", "B0 end"}},
		{"hole of acknowledged bytes", func(k *talk) {
			k.data(A, 3, "def")
			k.ack(B, 0, 6)
			k.wait(2000)
			k.tick()
			k.data(A, 0, "abc") // too late
			k.data(A, 6, "ghi")
		}, []string{"A3 lost 3 def", "A6 ghi", "A9 end", "B0 end"}},
		{"hole of acknowledged bytes, not yet two seconds old", func(k *talk) {
			k.data(A, 3, "def")
			k.ack(B, 0, 6)
			k.wait(1900)
			k.tick()
			k.data(A, 0, "abc")
		}, []string{"A0 abc", "A3 def", "A6 end", "B0 end"}},
		{"hole of bytes not acknowledged", func(k *talk) {
			k.data(A, 3, "def")
			k.wait(60_000)
			k.tick()
			k.data(A, 6, "ghi")
		}, []string{"A3 lost 3 def", "A6 ghi", "A9 end", "B0 end"}},
		{"FIN before data", func(k *talk) {
			k.fin(A, 6)
			k.data(A, 3, "def")
			k.data(A, 0, "abc")
			k.fin(B, 0)
		}, []string{"A0 abc", "A3 def", "A6 FIN", "B0 FIN"}},
		{"FIN with data", func(k *talk) {
			k.send(A, flagFIN|flagACK, 0, 0, "abc", 3)
			k.fin(B, 0)
		}, []string{"A0 abc", "A3 FIN", "B0 FIN"}},
		{"FIN with data out of order", func(k *talk) {
			k.send(A, flagFIN|flagACK, 3, 0, "def", 3)
			k.data(A, 0, "abc")
			k.fin(B, 0)
		}, []string{"A0 abc", "A3 def", "A6 FIN", "B0 FIN"}},
		{"data after the FIN", func(k *talk) {
			k.data(A, 0, "abc")
			k.fin(A, 3)
			k.data(A, 3, "def")
			k.data(A, 4, "ef")
		}, []string{"A0 abc", "A3 FIN", "B0 end"}},
		{"FIN twice", func(k *talk) {
			k.fin(A, 0)
			k.fin(A, 0)
			k.fin(B, 0)
		}, nil},
		{"RST, and late data in its wake", func(k *talk) {
			k.data(A, 0, "abc")
			k.rst(B, 0)
			k.data(A, 3, "def")
			k.wait(2500)
			k.tick()
			k.data(A, 6, "ghi")
		}, []string{"A0 abc", "A3 def", "A6 RST", "B0 RST"}},
		{"FINs, and late data in their wake", func(k *talk) {
			k.fin(A, 3)
			k.fin(B, 0)
			k.data(A, 0, "abc")
			k.wait(2500)
			k.tick()
		}, []string{"A0 abc", "A3 FIN", "B0 FIN"}},
		{"RST far outside", func(k *talk) {
			k.data(A, 0, "abc")
			k.rst(A, 1<<30)
			k.wait(5000)
			k.tick()
			k.data(A, 3, "def")
		}, []string{"A0 abc", "A3 def", "A6 end", "B0 end"}},
		{"data in the SYN", func(k *talk) {
			k.isn[A] += 100
			k.port++ // another connection
			k.send(A, flagSYN, 0, 0, "abc", 3)
			k.send(B, flagSYN|flagACK, 0, 3, "", 0)
			k.data(A, 3, "def")
		}, []string{"A0 abc", "A3 def", "A6 end", "B0 end"}},
		{"keep-alive probe", func(k *talk) {
			k.data(A, 0, "abc")
			k.send(A, flagACK, 2, 0, "\x00", 1)
			k.data(A, 3, "def")
		}, []string{"A0 abc", "A3 def", "A6 end", "B0 end"}},
		{"cut payload", func(k *talk) {
			k.cut(A, 0, "abc", 5)
			k.data(A, 5, "fgh")
		}, []string{"A0 abc", "A5 lost 2 fgh", "A8 end", "B0 end"}},
		{"cut payload, nothing left of it", func(k *talk) {
			k.cut(A, 0, "", 5)
			k.data(A, 5, "fgh")
		}, []string{"A5 lost 5 fgh", "A8 end", "B0 end"}},
		{"cut payload out of order", func(k *talk) {
			k.cut(A, 5, "fgh", 6)
			k.cut(A, 0, "abc", 5)
			k.data(A, 11, "lmn")
		}, []string{"A0 abc", "A5 lost 2 fgh", "A11 lost 3 lmn", "A14 end", "B0 end"}},
		{"cut payload, then the end", func(k *talk) {
			k.cut(A, 0, "abc", 5)
			k.fin(A, 5)
		}, []string{"A0 abc", "A5 lost 2 FIN", "B0 end"}},
		{"segment far ahead is garbage", func(k *talk) {
			k.data(A, 0, "abc")
			k.data(A, 1<<25, "xyz")
			k.data(A, 3, "def")
		}, []string{"A0 abc", "A3 def", "A6 end", "B0 end"}},
		{"segment that ends far ahead", func(k *talk) {
			k.data(A, 0, "abc")
			k.data(A, 3+maxAhead-1, "xyz")
			k.data(A, 3, "def")
		}, []string{"A0 abc", "A3 def", "A6 end", "B0 end"}},
		{"segment that ends as far ahead as may be", func(k *talk) {
			k.data(A, 0, "abc")
			k.data(A, 3+maxAhead-3, "xyz")
			k.data(A, 3, "def")
		}, []string{"A0 abc", "A3 def", "A1048576 lost 1048570 xyz", "A1048579 end", "B0 end"}},
		{"two segments far ahead are not", func(k *talk) {
			k.data(A, 0, "abc")
			k.data(A, 1<<25, "xyz")
			k.data(A, 1<<25+3, "uvw")
		}, []string{"A0 abc", "A33554435 lost 33554432 uvw", "A33554438 end", "B0 end"}},
		{"segment far ahead that is acknowledged", func(k *talk) {
			k.data(A, 0, "abc")
			k.ack(B, 0, 1<<25+3)
			k.data(A, 1<<25, "xyz")
		}, []string{"A0 abc", "A33554432 lost 33554429 xyz", "A33554435 end", "B0 end"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := open(nil)
			c.play(k)
			k.finish()
			k.check(t, c.want...)
			wrapped := newTalk(nil) // the same with sequence numbers that wrap
			wrapped.isn = [2]uint32{0xffff_fffe, 0xffff_fffa}
			wrapped.handshake()
			c.play(wrapped)
			wrapped.finish()
			wrapped.check(t, c.want...)
		})
	}
}

// TestWants plays the same with a consumer that does not want every byte.
func TestWants(t *testing.T) {
	for _, c := range []struct {
		name  string
		wants []flow.Want
		play  func(k *talk)
		want  []string
	}{
		{"none", []flow.Want{flow.None}, func(k *talk) {
			k.data(A, 0, "abc")
			k.data(A, 3, "def")
			k.data(B, 0, "123")
			k.data(A, 9, "jkl")
			k.fin(A, 12)
		}, []string{"A0 abc", "B0 123", "A3 FIN", "B3 end"}},
		{"skip a part of a segment", []flow.Want{4}, func(k *talk) {
			k.data(A, 0, "abc")
			k.data(A, 3, "defghi")
		}, []string{"A0 abc", "A7 hi", "A9 end", "B0 end"}},
		{"skip up to a segment", []flow.Want{6}, func(k *talk) {
			k.data(A, 0, "abc")
			k.data(A, 3, "def")
			k.data(A, 6, "ghi")
			k.data(A, 9, "jkl")
		}, []string{"A0 abc", "A9 jkl", "A12 end", "B0 end"}},
		{"skip, and skip again", []flow.Want{1, 1, 1}, func(k *talk) {
			k.data(A, 0, "ab")
			k.data(A, 2, "cde")
			k.data(A, 5, "fghijk")
		}, []string{"A0 ab", "A3 de", "A6 ghijk", "A11 end", "B0 end"}},
		{"skip over a hole", []flow.Want{6}, func(k *talk) {
			k.data(A, 0, "abc")
			k.data(A, 6, "ghi")
			k.data(A, 9, "jkl")
		}, []string{"A0 abc", "A9 jkl", "A12 end", "B0 end"}},
		{"skip over the beginning of a hole", []flow.Want{2}, func(k *talk) {
			k.data(A, 0, "abc")
			k.data(A, 6, "ghi")
		}, []string{"A0 abc", "A6 lost 1 ghi", "A9 end", "B0 end"}},
		{"skip, then out of order", []flow.Want{3}, func(k *talk) {
			k.data(A, 0, "abc")
			k.data(A, 9, "jkl")
			k.data(A, 6, "ghi")
		}, []string{"A0 abc", "A6 ghi", "A9 jkl", "A12 end", "B0 end"}},
		{"skip inside what is queued", []flow.Want{4}, func(k *talk) {
			k.data(A, 3, "def")
			k.data(A, 6, "ghi")
			k.data(A, 0, "abc")
		}, []string{"A0 abc", "A7 hi", "A9 end", "B0 end"}},
		{"skip from a queue over a second hole", []flow.Want{6}, func(k *talk) {
			k.data(A, 3, "def")
			k.data(A, 12, "mno")
			k.data(A, 0, "abc")
			k.data(A, 9, "jkl")
		}, []string{"A0 abc", "A9 jkl", "A12 mno", "A15 end", "B0 end"}},
		{"skip, and skip again behind what was skipped", []flow.Want{flow.All, 3, 3}, func(k *talk) {
			k.data(A, 3, "def")
			k.data(A, 9, "jkl")
			k.data(A, 18, "stu")
			k.data(A, 0, "abc")
		}, []string{"A0 abc", "A3 def", "A9 jkl", "A18 lost 3 stu", "A21 end", "B0 end"}},
		{"skip beyond what is queued", []flow.Want{20}, func(k *talk) {
			k.data(A, 3, "def")
			k.data(A, 9, "jkl")
			k.data(A, 0, "abc")
			k.data(A, 12, "mnopqrstuvwxyz")
		}, []string{"A0 abc", "A23 xyz", "A26 end", "B0 end"}},
		{"none inside what is queued", []flow.Want{flow.All, flow.None}, func(k *talk) {
			k.data(A, 3, "def")
			k.data(A, 9, "jkl")
			k.data(A, 0, "abc")
			k.data(A, 6, "ghi")
		}, []string{"A0 abc", "A3 def", "A6 end", "B0 end"}},
		{"skip over a cut payload", []flow.Want{5}, func(k *talk) {
			k.data(A, 0, "abc")
			k.cut(A, 3, "d", 5)
			k.data(A, 8, "ijk")
		}, []string{"A0 abc", "A8 ijk", "A11 end", "B0 end"}},
		{"skip the cut part of the same segment", []flow.Want{4}, func(k *talk) {
			k.cut(A, 0, "abc", 5)
			k.data(A, 5, "fgh")
		}, []string{"A0 abc", "A7 h", "A8 end", "B0 end"}},
		{"skip a retransmission", []flow.Want{3}, func(k *talk) {
			k.data(A, 0, "abc")
			k.data(A, 0, "abc")
			k.data(A, 3, "def")
			k.data(A, 3, "def")
			k.data(A, 6, "ghi")
		}, []string{"A0 abc", "A6 ghi", "A9 end", "B0 end"}},
		{"skip up to the FIN", []flow.Want{3}, func(k *talk) {
			k.data(A, 0, "abc")
			k.data(A, 3, "def")
			k.fin(A, 6)
		}, []string{"A0 abc", "A6 FIN", "B0 end"}},
		{"skip beyond the FIN", []flow.Want{10}, func(k *talk) {
			k.data(A, 0, "abc")
			k.fin(A, 6)
			k.fin(B, 0)
		}, []string{"A0 abc", "A13 FIN", "B0 FIN"}}, // the offset counts what was to be skipped
	} {
		t.Run(c.name, func(t *testing.T) {
			k := open(nil)
			k.answer(c.wants...)
			c.play(k)
			k.finish()
			k.check(t, c.want...)
		})
	}
}

// TestSkipHuge skips more than the sequence space holds, with every segment
// captured and with some left out.
func TestSkipHuge(t *testing.T) {
	for _, n := range []int64{1<<31 - 1, 1 << 31, 1<<31 + 5, 1 << 32, 5<<32 + 7} {
		k := open(nil)
		k.answer(flow.Want(n))
		k.data(A, 0, "abc")
		const step = 1 << 28
		for off := int64(3); off < n-6; off += step {
			k.data(A, int(off), "skipped")
			k.data(A, int(off), "skipped")
		}
		k.data(A, int(n), "xxxyes")
		k.data(A, int(n)+9, "out of order")
		k.data(A, int(n)+6, "and")
		k.finish()
		at := n + 3
		k.check(t, "A0 abc", fmt.Sprintf("A%d yes", at), fmt.Sprintf("A%d and", at+3), fmt.Sprintf("A%d out of order", at+6), fmt.Sprintf("A%d end", at+18), "B0 end")
	}
}

// TestMidStream starts a capture inside a connection.
func TestMidStream(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(k *talk)
		want []string
	}{
		{"in order", func(k *talk) {
			k.data(A, 10, "abc")
			k.data(A, 13, "def")
			k.data(B, 0, "123")
		}, []string{"A0 lost -1 abc", "A3 def", "B0 lost -1 123", "A6 end", "B3 end"}},
		{"the first segments in disorder", func(k *talk) {
			k.ack(B, 0, 10)
			k.data(A, 13, "def")
			k.data(A, 10, "abc")
		}, []string{"B0 lost -1 abc", "B3 def", "A0 end", "B6 end"}},
		{"bytes before the first segments are missing", func(k *talk) {
			k.ack(B, 0, 7)
			k.data(A, 10, "abc")
		}, []string{"B3 lost -1 abc", "A0 end", "B6 end"}},
		{"starts with a probe", func(k *talk) {
			k.send(A, flagACK, 9, 0, "\x00", 1)
			k.data(A, 10, "abc")
		}, []string{"A0 lost -1 abc", "A3 end", "B0 end"}},
		{"the SYN is missing, not the SYN-ACK", func(k *talk) {
			k.send(B, flagSYN|flagACK, 0, 0, "", 0)
			k.data(A, 0, "abc")
			k.data(B, 0, "123")
		}, []string{"B0 abc", "A0 123", "A3 end", "B3 end"}},
		{"the SYN-ACK is missing", func(k *talk) {
			k.send(A, flagSYN, 0, 0, "", 0)
			k.data(A, 0, "abc")
			k.data(B, 0, "123")
		}, []string{"A0 abc", "B0 123", "A3 end", "B3 end"}},
		{"nothing but a FIN", func(k *talk) {
			k.fin(A, 10)
		}, nil},
		{"nothing but an ACK", func(k *talk) {
			k.ack(A, 10, 20)
		}, nil},
		{"a cut payload first", func(k *talk) {
			k.cut(A, 10, "", 4)
			k.data(A, 14, "abc")
		}, []string{"A4 lost -1 abc", "A7 end", "B0 end"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newTalk(nil)
			c.play(k)
			k.finish()
			k.check(t, c.want...)
		})
	}
}

// TestReuse uses a 4-tuple twice.
func TestReuse(t *testing.T) {
	k := open(nil)
	k.data(A, 0, "old")
	k.data(A, 6, "queued")
	k.send(A, flagSYN, 0, 0, "", 0) // the same SYN again: no new connection
	k.isn = [2]uint32{9000, 70}
	k.handshake()
	k.data(A, 0, "new")
	if k.id != 1 {
		t.Errorf("connection %d, want 1", k.id)
	}
	k.finish()
	k.check(t, "A0 old", "A0 new", "A6 lost 3 queued", "A12 end", "B0 end", "A3 end", "B0 end")
	if s := k.r.Stats(); s.Reused != 1 || s.Conns != 2 || s.Evicted != 0 {
		t.Errorf("stats %+v", s)
	}
}

// TestReuseByServer has the peer of the old connection open the new one.
func TestReuseByServer(t *testing.T) {
	k := newTalk(nil)
	k.data(B, 0, "middle")
	k.isn[B] = 99
	k.send(B, flagSYN, 0, 0, "", 0)
	k.data(B, 0, "new")
	k.finish()
	k.check(t, "A0 lost -1 middle", "A0 new", "A6 end", "B0 end", "A3 end", "B0 end")
}

// TestReuseAtOnce has two connections on one 4-tuple at the same time, told apart
// by their sequence numbers, and a third one that ends the first.
func TestReuseAtOnce(t *testing.T) {
	k := open(nil)
	first := k.isn
	k.data(A, 0, "one ")
	k.isn = [2]uint32{first[A] + 1<<30, first[B] + 1<<29}
	k.handshake()
	second := k.isn
	k.data(A, 0, "two ")
	k.isn = first
	k.data(B, 0, "to one")
	k.isn = second
	k.data(B, 0, "to two")
	k.isn = first
	k.data(A, 4, "goes on")
	k.isn = [2]uint32{first[A] + 1<<31, first[B] + 1<<30}
	k.handshake()
	k.finish()
	k.check(t, "A0 one ", "A0 two ", "B0 to one", "B0 to two", "A4 goes on", "A11 end", "B6 end", "A4 end", "B6 end")
}

// TestPageLimits queues more than is allowed, by direction and over all.
func TestPageLimits(t *testing.T) {
	for _, cfg := range []*Config{{MaxQueuedDir: 2 * pageBytes}, {MaxQueued: 2 * pageBytes}} {
		k := open(cfg)
		k.data(A, 3, "def")
		k.data(A, 9, "jkl")
		k.data(A, 15, "pqr") // the third page
		k.data(A, 6, "ghi")
		k.data(A, 12, "mno")
		k.finish()
		k.check(t, "A3 lost 3 def", "A6 ghi", "A9 jkl", "A12 mno", "A15 pqr", "A18 end", "B0 end")
		if s := k.r.Stats(); s.PageLimit != 1 || s.LostBytes != 3 || s.HolesGiven != 0 {
			t.Errorf("stats %+v", s)
		}
	}
}

// TestPageLimitOverAll has one connection's queue make another one's hole go.
func TestPageLimitOverAll(t *testing.T) {
	k := open(&Config{MaxQueued: 3 * pageBytes})
	long := strings.Repeat("x", 3*pageBytes)
	k.data(A, 3, long)
	k.port++
	k.handshake()
	k.data(A, 3, "def")
	k.finish()
	k.check(t, "A3 lost 3 def", "A3 lost 3 "+long, "A5703 end", "B0 end", "A6 end", "B0 end")
}

// TestEvict forgets the least recently active connection, rather one that
// nobody wants.
func TestEvict(t *testing.T) {
	k := newTalk(&Config{MaxConns: 3})
	k.want = func(c *flow.Chunk) flow.Want {
		c.Conn.State = 1 // wanted
		return flow.All
	}
	for port := range uint16(3) {
		k.port = port
		k.handshake()
		if port != 1 {
			k.data(A, 0, fmt.Sprint(port))
		}
	}
	k.port = 3
	k.handshake() // drops 1, in which there was nothing
	k.data(A, 0, "3")
	k.port = 0
	k.data(A, 1, "0 again")
	k.port = 4
	k.handshake() // drops 2, the oldest
	k.port = 2
	k.data(A, 1, "2 is unknown")
	k.finish()
	want := []string{"A0 0", "A0 2", "A0 3", "A1 0 again", "A1 evicted", "B0 evicted", "A0 lost -1 2 is unknown"}
	if got := k.log[:len(want)]; !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if s := k.r.Stats(); s.Evicted != 3 || s.Conns != 6 || s.MidStream != 1 || k.r.table.used != 3 {
		t.Errorf("stats %+v, %d in the table", s, k.r.table.used)
	}
}

// TestEvidence looks at what a connection's headers say of it.
func TestEvidence(t *testing.T) {
	k := newTalk(nil)
	k.handshake()
	k.data(A, 0, "abc")
	k.ack(B, 0, 3)
	k.data(A, 0, "abc")
	k.cut(B, 0, "12", 4)
	k.data(B, 10, "xyz")
	k.ack(A, 3, 20)
	k.fin(A, 3)
	k.rst(B, 13)
	k.finish()
	c := k.conn
	if got, want := c.A.String()+" "+c.B.String(), "10.0.0.7:51234 192.0.2.9:80"; got != want {
		t.Errorf("ends %q, want %q", got, want)
	}
	type evidence struct {
		syn, synack, finA, finB, rstA, rstB, first int
		sent, acked, unseen                        [2]bool
		retrans, cut                               [2]int32
		lost                                       [2]int64
	}
	got := evidence{
		c.SYN.Frame, c.SYNACK.Frame, c.FIN[A].Frame, c.FIN[B].Frame, c.RST[A].Frame, c.RST[B].Frame, c.First.Frame,
		c.Sent, c.Acked, c.Unseen, c.Retrans, c.Cut, c.Lost,
	}
	want := evidence{
		1, 2, 10, 0, 0, 11, 1,
		[2]bool{true, true}, [2]bool{true, true}, [2]bool{false, true}, [2]int32{1, 0}, [2]int32{0, 1}, [2]int64{0, 8},
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestSYNsWithoutSuccess: what only asked, and what was refused, is counted, and not
// what opened or whose answers the capture does not show.
func TestSYNsWithoutSuccess(t *testing.T) {
	k := newTalk(nil)
	connection := func(play func(), refused, unanswered int) {
		t.Helper()
		k.port++
		play()
		if s := k.r.Stats(); s.Refused != refused || s.Unanswered != unanswered {
			t.Errorf("port %d: %d refused, %d unanswered; want %d, %d", k.port, s.Refused, s.Unanswered, refused, unanswered)
		}
	}
	syn := func() { k.send(A, flagSYN, 0, 0, "", 0) }
	connection(k.handshake, 0, 0)
	connection(func() { syn(); syn() }, 0, 1)
	connection(func() { syn(); k.rst(A, 0) }, 0, 2)
	connection(func() { syn(); k.rst(B, 0); k.rst(B, 0) }, 1, 2)
	connection(func() { syn(); syn(); k.rst(B, 0) }, 2, 2)
	connection(func() { syn(); k.ack(A, 0, 0); k.rst(B, 0) }, 2, 2)
	connection(func() { k.send(B, flagSYN|flagACK, 0, 0, "", 0) }, 2, 2)
	connection(func() { k.data(A, 0, "abc"); k.rst(B, 0) }, 2, 2)
	k.finish()
	if s := k.r.Stats(); s.Refused != 2 || s.Unanswered != 2 {
		t.Errorf("at the end: %d refused, %d unanswered", s.Refused, s.Unanswered)
	}
}

// TestForesee: the state of a connection is told just before bytes in order are handed
// out, and not if nobody wants them.
func TestForesee(t *testing.T) {
	told, sent := 0, 0
	k := open(&Config{Foresee: func(state uint32) { told += int(state) }})
	k.answer(flow.All, flow.All, 5)
	play := func(data string, want int) {
		t.Helper()
		told = 0
		k.data(A, sent, data)
		sent += len(data)
		if told != want {
			t.Errorf("told %d before %q, want %d", told, data, want)
		}
	}
	before := k.want
	k.want = func(c *flow.Chunk) flow.Want { c.Conn.State = 7; return before(c) }
	play("first", 0)
	play("next", 7)
	play("skip", 7)
	play("12345", 0)
	k.want = func(*flow.Chunk) flow.Want { return flow.None }
	play("last", 7)
	play("unwanted", 0)
}

// TestEvidenceNow asks for it while connections go on, of which two share a
// 4-tuple, and for that of a connection inside of another.
func TestEvidenceNow(t *testing.T) {
	k := open(nil)
	seen := map[string]flow.Evidence{}
	k.want = func(c *flow.Chunk) flow.Want {
		if len(c.Data) > 0 {
			inside := *c.Conn
			seen[string(c.Data)], seen["in "+string(c.Data)] = k.r.Evidence(c.Conn), k.r.Evidence(&inside)
		}
		return flow.All
	}
	first := k.isn
	k.data(A, 0, "one")
	k.isn = [2]uint32{first[A] + 1<<30, first[B] + 1<<29}
	k.handshake()
	k.data(A, 0, "two")
	k.isn = first
	k.data(B, 0, "answer")
	for data, want := range map[string][3]int{"one": {0, 1, 0}, "two": {1, 5, 0}, "answer": {0, 1, 0}, "in one": {0, 1, 0}, "in two": {1, 5, 0}} {
		if e := seen[data]; [3]int{e.ID, e.SYN.Frame, e.FIN[A].Frame} != want || !e.Sent[A] {
			t.Errorf("at %q: connection %d, %+v, want %v", data, e.ID, e, want)
		}
	}
	unknown := flow.Conn{Ends: flow.EndsOf(netip.MustParseAddrPort("10.0.0.1:1"), netip.MustParseAddrPort("10.0.0.2:2"))}
	if e := k.r.Evidence(&unknown); e.A.String() != "10.0.0.1:1" || e.First.Seen() {
		t.Errorf("of no connection: %+v", e)
	}
}

// TestTick ends a closed connection where no packets come.
func TestTick(t *testing.T) {
	k := open(nil)
	k.data(A, 0, "abc")
	k.fin(A, 3)
	k.fin(B, 0)
	k.r.Tick(k.now)
	if k.conn != nil {
		t.Error("late packets have no time to come")
	}
	k.r.Tick(k.now + k.r.cfg.Linger + second)
	if k.conn == nil {
		t.Error("the connection is not over")
	}
}

// TestCutAtOnce: nobody waits for what the snap length cut.
func TestCutAtOnce(t *testing.T) {
	k := open(nil)
	k.cut(A, 0, "abc", 5)
	k.data(A, 5, "fgh")
	k.check(t, "A0 abc", "A5 lost 2 fgh")
}

// TestUnseenBeforeFIN has a direction of which nothing was captured but an empty
// segment, and the FIN behind bytes that the receiver acknowledged.
func TestUnseenBeforeFIN(t *testing.T) {
	k := newTalk(nil)
	k.data(A, 0, "GET")
	k.ack(B, 0, 3)
	k.ack(A, 3, 100)
	k.send(B, flagFIN|flagACK, 100, 3, "", 0)
	k.finish()
	if got := k.conn.Unseen; got != [2]bool{false, true} {
		t.Errorf("unseen %v, want the bytes before the FIN", got)
	}
}

// TestStamps checks that a byte is told with the packet that brought
// it first, in order and out of order.
func TestStamps(t *testing.T) {
	k := open(nil) // frames 1 to 3
	var frames []int
	k.want = func(c *flow.Chunk) flow.Want {
		frames = append(frames, c.Stamp.Frame)
		return flow.All
	}
	k.data(A, 0, "abc")    // 4
	k.data(A, 6, "ghi")    // 5
	k.data(A, 9, "jkl")    // 6
	k.data(A, 0, "abcdef") // 7
	k.data(A, 9, "jkl")    // 8
	k.fin(A, 12)           // 9
	if want := []int{4, 7, 5, 6, 9}; !slices.Equal(frames, want) {
		t.Errorf("frames %v, want %v", frames, want)
	}
}

func TestStats(t *testing.T) {
	k := newTalk(nil)
	one := func(link capture.LinkType, b []byte, wire int) {
		k.r.Packet(&capture.Packet{Num: 1, Time: 1, Link: link, Data: b, WireLen: wire})
	}
	one(capture.LinkRaw, join(set(ipv4, 9, 17), tcpHeader, get), 44)
	one(capture.LinkRaw, join(set(ipv4, 6, 0x20), tcpHeader, get), 44)
	one(capture.LinkRaw, ipv4, 44)
	one(147, ipv4, 20)
	one(147, ipv4, 20)
	k.handshake()
	k.data(A, 0, "abc")
	k.data(A, 0, "abc")
	k.cut(A, 3, "d", 3)
	k.data(A, 9, "jkl")
	k.port++
	k.data(A, 5, "x")
	k.data(A, 1<<29, "far")
	k.finish()
	got := k.r.Stats()
	if got.UnknownLinks[147] != 2 || len(got.UnknownLinks) != 1 {
		t.Errorf("unknown links %v", got.UnknownLinks)
	}
	got.UnknownLinks = nil
	want := Stats{Packets: 14, Segments: 9, Conns: 2, MidStream: 1, Other: 1, Fragments: 1, FragLost: 1, CutHeaders: 1, CutPayload: 1, Retrans: 1, Disordered: 1, LostBytes: 5, HolesGiven: 1, FarIgnored: 1, Tracked: 2}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestNoAllocs: packets cost no allocation, but for those of a direction out of
// order.
func TestNoAllocs(t *testing.T) {
	for _, c := range []struct {
		name string
		want flow.Want
		size int
		play func(b []byte, i uint32) // sets what is another thing in each packet
	}{
		{"wanted", flow.All, 1000, func(b []byte, i uint32) { binary.BigEndian.PutUint32(b[24:], i*1000) }},
		{"not wanted", flow.None, 1000, func(b []byte, i uint32) { binary.BigEndian.PutUint32(b[24:], i*1000) }},
		{"skipped in part", 100, 1000, func(b []byte, i uint32) { binary.BigEndian.PutUint32(b[24:], i*1000) }},
		{"skipped", 1 << 40, 1000, func(b []byte, i uint32) { binary.BigEndian.PutUint32(b[24:], i*1000) }},
		{"acknowledgements", flow.All, 0, func(b []byte, i uint32) { binary.BigEndian.PutUint32(b[28:], i) }},
		{"sent again", flow.All, 1000, func([]byte, uint32) {}},
		{"new connections", flow.All, 0, func(b []byte, i uint32) {
			b[33] = flagSYN
			binary.BigEndian.PutUint32(b[12:], i)
		}},
		{"new connections with bytes", flow.All, 1000, func(b []byte, i uint32) { binary.BigEndian.PutUint32(b[12:], i) }},
		{"new connections that are refused", flow.All, 0, func(b []byte, i uint32) {
			b[33] = flagSYN
			if i%2 == 1 {
				b[33] = flagRST
			}
			binary.BigEndian.PutUint32(b[12:], i/2)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := New(func(*flow.Chunk) flow.Want { return c.want }, &Config{MaxConns: 2000, MaxHalfOpen: 1000})
			b := rawPacket(A, 51234, 0, 0, flagACK, strings.Repeat("x", c.size), c.size)
			p := capture.Packet{Num: 1, Time: 1e18, Link: capture.LinkRaw, WireLen: len(b), Data: b}
			i := uint32(0xffff_0000) / 1000 // sequence numbers wrap
			send := func() {
				c.play(b, i)
				i++
				p.Num++
				p.Time += millisecond
				r.Packet(&p)
			}
			for range 10_000 { // until connections are used again
				send()
			}
			if got := testing.AllocsPerRun(5000, send); got != 0 {
				t.Errorf("%v allocations for a packet", got)
			}
		})
	}
}

// TestFINFirst has a FIN captured before the bytes that it ends, of a direction
// of which nothing else was seen.
func TestFINFirst(t *testing.T) {
	k := newTalk(nil)
	k.fin(B, 6)
	k.data(A, 0, "question")
	k.data(B, 0, "answer")
	k.fin(A, 8)
	k.finish()
	k.check(t, "B0 lost -1 question", "A0 lost -1 answer", "A6 FIN", "B8 FIN") // whoever comes first is A

	k = newTalk(nil)
	k.fin(B, 6)
	k.data(A, 0, "question")
	k.finish()
	k.check(t, "B0 lost -1 question", "A0 lost -1 FIN", "B8 end")
}
