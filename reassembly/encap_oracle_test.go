package reassembly

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// TestEncapsulationsTshark carries some connections in random headers, another
// stack for each packet, and compares with what tshark finds in them. What it
// does not open is left out, see wrapper.closed and wrapper.opens.
func TestEncapsulationsTshark(t *testing.T) {
	const conns, rounds = 100, 50
	rnd := rand.New(rand.NewPCG(1, 4))
	all := make([]peers, conns)
	for i := range all {
		all[i] = newPeers(rnd, i)
	}
	var packets []part
	var names [][]string
	for i := range conns * rounds {
		e := newEncap(uint64(i), uint64(i))
		e.peer = true
		packets = append(packets, e.around(all[rnd.IntN(conns)].next(rnd)))
		names = append(names, e.names)
	}
	want := tsharkFields(t, packets, "tcp.stream", "tcp.srcport", "tcp.seq_raw", "tcp.len")
	failed := 0
	for i, got := range ourFields(packets) {
		if got == want[i] {
			continue
		}
		t.Errorf("packet %d: got %q, tshark has %q: link %d, %v", i+1, got, want[i], packets[i].what, names[i])
		if failed++; failed == 10 {
			t.FailNow()
		}
	}
}

// TestSendersTshark compares who sent the frames around UDP datagrams of DNS with
// what tshark finds: the last of the addresses of one kind, unless an IP tunnel
// begins behind it.
func TestSendersTshark(t *testing.T) {
	const rounds = 1000
	var packets []part
	var names [][]string
	rnd := rand.New(rand.NewPCG(6, 6))
	for i := range uint64(rounds) {
		e := newEncap(i, i+99)
		e.peer = true
		p := newPeers(rnd, int(i))
		packets = append(packets, e.aroundBody(part{form: ipBody, what: protoUDP, b: datagramBytes(53, 50000, make([]byte, 12))}, p.addr[0], p.addr[1]))
		names = append(names, e.names)
	}
	told := 0
	for i, line := range tsharkFields(t, packets, "udp.srcport", "eth.src", "wlan.sa", "sll.src.eth", "ieee8021ah.csrc") {
		fields := strings.Split(line, "\t")
		r, got := receiver(Config{})
		r.Packet(packets[i].capture(i + 1))
		if len(*got) != 1 || lastOf(fields[0]) != "53" {
			t.Fatalf("packet %d: got %+v, tshark has %q: %v", i+1, *got, line, names[i])
		}
		mac := (*got)[0].Link.String()
		if mac == "" {
			continue
		}
		told++
		if !slices.ContainsFunc(fields[1:], func(f string) bool {
			return lastOf(f) == mac || slices.Contains(names[i], "A-MSDU") && strings.Contains(f, mac)
		}) {
			t.Errorf("packet %d: got %s, tshark has %q: link %d, %v", i+1, mac, line, packets[i].what, names[i])
		}
	}
	if told < rounds/10 {
		t.Errorf("of %d packets it is known who sent them", told)
	}
}

func lastOf(list string) string { return list[strings.LastIndexByte(list, ',')+1:] }

// TestClosedToTshark checks that what is left out is so for a reason: tshark does
// not open it, though it opens all the rest of the packet.
func TestClosedToTshark(t *testing.T) {
	var packets []part
	var names []string
	for i := range wrappers {
		w := &wrappers[i]
		if w.closed == "" {
			continue
		}
		rnd := rand.New(rand.NewPCG(uint64(i), 5))
		for found := 0; found < 5; {
			e := newEncap(rnd.Uint64(), rnd.Uint64())
			e.peer, e.but = true, w.name
			peers := newPeers(rnd, len(packets))
			p := e.around(peers.next(rnd))
			if slices.Contains(e.names, w.name) {
				packets, names = append(packets, p), append(names, w.name)
				found++
			}
		}
	}
	for i, stream := range tsharkFields(t, packets, "tcp.stream") {
		if stream != "" {
			t.Errorf("tshark opens %s in packet %d", names[i], i+1)
		}
	}
}

// ourFields is what a reassembler finds in packets, as tshark would print it:
// connection, port of the sender, sequence number and length.
func ourFields(packets []part) []string {
	r := New(func(*flow.Chunk) flow.Want { return flow.None }, nil)
	var lines []string
	for i, p := range packets {
		before := r.stats.Segments
		r.Packet(&capture.Packet{Num: i + 1, Time: int64(i) * millisecond, Link: capture.LinkType(p.what), WireLen: len(p.b) + p.cut, Data: p.b})
		if r.stats.Segments == before {
			lines = append(lines, "\t\t\t")
			continue
		}
		s := &r.decoder.segment
		c, _ := r.table.find(&s.Ends, r.table.hash(&s.Ends))
		lines = append(lines, fmt.Sprintf("%d\t%d\t%d\t%d", c.id, s.Port[0], s.seq, s.wire))
	}
	return lines
}

// peers are both ends of a connection that goes on without a flaw.
type peers struct {
	addr [2][]byte
	port [2]uint16
	seq  [2]uint32
	sent int
}

func newPeers(rnd *rand.Rand, i int) peers {
	p := peers{
		addr: [2][]byte{{192, 0, 2, byte(i)}, {198, 51, 100, byte(i)}},
		port: [2]uint16{uint16(50000 + i), uint16(51000 + i)}, // none has a meaning
		seq:  [2]uint32{rnd.Uint32(), rnd.Uint32()},
	}
	if rnd.IntN(2) == 0 {
		p.addr = [2][]byte{set(ipv6[8:24], 15, byte(i)), set(ipv6[8:24], 14, byte(i))}
	}
	return p
}

// next is the next segment of the connection.
func (p *peers) next(rnd *rand.Rand) *segment {
	from, flags, n := rnd.IntN(2), uint8(flagACK), rnd.IntN(50)
	switch p.sent {
	case 0:
		from, flags, n = 0, flagSYN, 0
	case 1:
		from, flags, n = 1, flagSYN|flagACK, 0
	}
	p.sent++
	s := &segment{
		Ends: packed(p.addr[from], p.addr[1-from], p.port[from], p.port[1-from]),
		seq:  p.seq[from], flags: flags, payload: randomBytes(rnd, n), wire: n,
	}
	if flags&flagACK != 0 {
		s.ack = p.seq[1-from]
	}
	p.seq[from] += uint32(n)
	if flags&flagSYN != 0 {
		p.seq[from]++
	}
	return s
}

// tsharkFields lets tshark read packets, one line for each.
func tsharkFields(t *testing.T, packets []part, fields ...string) []string {
	t.Helper()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is missing: apt-get install tshark")
	}
	file := filepath.Join(t.TempDir(), "packets.pcapng")
	if err := os.WriteFile(file, pcapng(packets), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-r", file, "-T", "fields"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	out, err := exec.Command(tshark, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(packets) {
		t.Fatalf("tshark reads %d packets, want %d", len(lines), len(packets))
	}
	return lines
}

// pcapng is a file of packets with an interface for each link type.
func pcapng(packets []part) []byte {
	le := binary.LittleEndian
	block := func(what uint32, body []byte) []byte {
		body = append(body, make([]byte, -len(body)&3)...)
		n := uint32(12 + len(body))
		return join(le.AppendUint32(le.AppendUint32(nil, what), n), body, le.AppendUint32(nil, n))
	}
	file := block(0x0a0d0d0a, join(le.AppendUint32(nil, 0x1a2b3c4d), []byte{1, 0, 0, 0}, make([]byte, 8)))
	var links []int
	for i, p := range packets {
		iface := slices.Index(links, p.what)
		if iface < 0 {
			iface = len(links)
			links = append(links, p.what)
			file = append(file, block(1, le.AppendUint32(le.AppendUint32(nil, uint32(p.what)), 0))...)
		}
		var head []byte
		for _, n := range []int{iface, 0, 1000 * i, len(p.b), len(p.b) + p.cut} {
			head = le.AppendUint32(head, uint32(n))
		}
		file = append(file, block(6, join(head, p.b))...)
	}
	return file
}
