package reassembly

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// TestStreamNumbers compares the numbers of connections with tshark's
// tcp.stream, packet by packet, where flags and sequence numbers make no sense
// and 4-tuples are used again in every way.
func TestStreamNumbers(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is missing: apt-get install tshark")
	}
	packets := oddPackets(rand.New(rand.NewPCG(1, 2)), 500, 12)
	file := filepath.Join(t.TempDir(), "odd.pcap")
	if err := os.WriteFile(file, rawPcap(packets), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tshark, "-r", file, "-T", "fields", "-e", "tcp.stream").Output()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(string(out))
	if len(want) != len(packets) {
		t.Fatalf("tshark sees %d segments, want %d", len(want), len(packets))
	}
	r := New(func(*flow.Chunk) flow.Want { return flow.None }, nil)
	for i, p := range packets {
		r.Packet(&capture.Packet{Num: i + 1, Time: int64(i), Link: capture.LinkRaw, WireLen: len(p), Data: p})
		var s segment
		if decode(capture.LinkRaw, p, len(p), &s) != tcp {
			t.Fatalf("packet %d is no TCP", i+1)
		}
		c, _ := r.table.find(&s.Ends, r.table.hash(&s.Ends))
		if got := strconv.Itoa(c.id); got != want[i] {
			t.Fatalf("packet %d: connection %s, tcp.stream %s", i+1, got, want[i])
		}
	}
}

// oddPackets returns IPv4 packets of some connections, each of some segments
// with random flags and sequence numbers from a few.
func oddPackets(rnd *rand.Rand, conns, segments int) [][]byte {
	flags := []byte{flagSYN, flagSYN, flagSYN, flagSYN | flagACK, flagSYN | flagACK, flagACK, flagACK | flagPSH, flagACK | flagFIN, flagACK | flagRST, flagRST}
	seqs := []uint32{1000, 1001, 1005, 5000, 5001, 90000, 1<<32 - 1}
	var packets [][]byte
	for c := range conns {
		for range segments {
			fl, seq, ack := flags[rnd.IntN(len(flags))], seqs[rnd.IntN(len(seqs))], uint32(0)
			var payload []byte
			if fl&flagACK != 0 {
				ack = seqs[rnd.IntN(len(seqs))]
				if fl&(flagSYN|flagRST) == 0 && rnd.IntN(2) == 0 {
					payload = []byte("abc")
				}
			}
			packets = append(packets, rawTCP(uint16(10000+c), rnd.IntN(2) == 0, seq, ack, fl, payload))
		}
	}
	return packets
}

// rawTCP is an IPv4 packet between port and port 80 of two hosts.
func rawTCP(port uint16, toServer bool, seq, ack uint32, flags byte, payload []byte) []byte {
	src, dst, sport, dport := byte(1), byte(2), port, uint16(80)
	if !toServer {
		src, dst, sport, dport = dst, src, dport, sport
	}
	b := []byte{0x45, 0, 0, byte(40 + len(payload)), 0, 0, 0, 0, 64, protoTCP, 0, 0, 10, 0, 0, src, 10, 0, 0, dst}
	b = binary.BigEndian.AppendUint16(b, sport)
	b = binary.BigEndian.AppendUint16(b, dport)
	b = binary.BigEndian.AppendUint32(b, seq)
	b = binary.BigEndian.AppendUint32(b, ack)
	b = append(b, 5<<4, flags, 0x20, 0, 0, 0, 0, 0)
	return append(b, payload...)
}

// rawPcap is a pcap file of LINKTYPE_RAW.
func rawPcap(packets [][]byte) []byte {
	var b bytes.Buffer
	le := binary.LittleEndian
	b.Write(le.AppendUint32(le.AppendUint32(nil, 0xa1b2c3d4), 4<<16|2))
	b.Write(make([]byte, 8))
	b.Write(le.AppendUint32(le.AppendUint32(nil, 65535), uint32(capture.LinkRaw)))
	for i, p := range packets {
		b.Write(le.AppendUint32(le.AppendUint32(nil, uint32(i)), 0))
		b.Write(le.AppendUint32(le.AppendUint32(nil, uint32(len(p))), uint32(len(p))))
		b.Write(p)
	}
	return b.Bytes()
}
