package tlsdecrypt

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A capture collects exchanges for tshark.
type capture struct {
	exchanges []*exchange
}

func (c *capture) add(x *exchange) { c.exchanges = append(c.exchanges, x) }

// compare demands that tshark reads from each exchange what is known to be in it.
func (c *capture) compare(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("tshark is not installed: apt-get install tshark")
	}
	dir := t.TempDir()
	file, log := filepath.Join(dir, "x.pcap"), filepath.Join(dir, "keys")
	var keys []byte
	args := []string{"-n", "-r", file, "-q", "-o", "tls.keylog_file:" + log, "-d", "tcp.port==443,tls"}
	for i, x := range c.exchanges {
		keys = append(keys, x.log...)
		args = append(args, "-z", fmt.Sprintf("follow,tls,raw,%d", i))
	}
	for name, b := range map[string][]byte{file: pcapOf(c.exchanges), log: keys} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), "tshark", args...).Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	got := map[string][2][]byte{}
	filter, first := "", 0 // of the stream; the side that is not indented
	for line := range strings.Lines(string(out)) {
		text, indented := strings.CutPrefix(strings.TrimRight(line, "\n"), "\t")
		if f, ok := strings.CutPrefix(text, "Filter: tcp.stream eq "); ok {
			filter = f
		}
		if node, ok := strings.CutPrefix(text, "Node 0: "); ok {
			first = 0
			if strings.HasSuffix(node, ":443") {
				first = 1
			}
		}
		if b, err := hex.DecodeString(text); err == nil {
			x := got[filter]
			side := first
			if indented {
				side = 1 - first
			}
			x[side] = append(x[side], b...)
			got[filter] = x
		}
	}
	other := 0
	for i, x := range c.exchanges {
		if g := got[fmt.Sprint(i)]; !bytes.Equal(g[0], x.data[0]) || !bytes.Equal(g[1], x.data[1]) {
			other++
			t.Logf("stream %d: tshark reads %.60q and %.60q, wanted %.60q and %.60q", i, g[0], g[1], x.data[0], x.data[1])
		}
	}
	t.Logf("tshark reads %d of %d connections the same", len(c.exchanges)-other, len(c.exchanges))
	if other > 0 {
		t.Fail()
	}
}

// pcapOf writes exchanges as a capture of IPv4 packets, each as a connection that is
// complete.
func pcapOf(exchanges []*exchange) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0)
	b = binary.LittleEndian.AppendUint32(b, 101) // LINKTYPE_RAW
	const syn, ack, fin = 2, 16, 1
	for i, x := range exchanges {
		seq := [2]uint32{1000, 2000}
		packet := func(dir flow.Dir, flags byte, data []byte) {
			ip := []byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2}
			ports := [2]uint16{uint16(10000 + i), 443}
			if dir == flow.BtoA {
				ip[15], ip[19] = 2, 1
			}
			binary.BigEndian.PutUint16(ip[2:], uint16(40+len(data)))
			tcp := binary.BigEndian.AppendUint16(ip, ports[dir])
			tcp = binary.BigEndian.AppendUint16(tcp, ports[dir^1])
			tcp = binary.BigEndian.AppendUint32(tcp, seq[dir])
			tcp = binary.BigEndian.AppendUint32(tcp, seq[dir^1])
			tcp = append(append(tcp, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0), data...)
			b = binary.LittleEndian.AppendUint32(b, uint32(i))
			b = append(b, 0, 0, 0, 0)
			b = binary.LittleEndian.AppendUint32(b, uint32(len(tcp)))
			b = binary.LittleEndian.AppendUint32(b, uint32(len(tcp)))
			b = append(b, tcp...)
			seq[dir] += uint32(len(data))
			if flags&(syn|fin) != 0 {
				seq[dir]++
			}
		}
		packet(flow.AtoB, syn, nil)
		packet(flow.BtoA, syn|ack, nil)
		for _, s := range cut(x.segments, nil, 1400) {
			packet(s.dir, ack, s.data)
		}
		packet(flow.AtoB, fin|ack, nil)
		packet(flow.BtoA, fin|ack, nil)
	}
	return b
}
