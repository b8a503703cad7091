package reassembly

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// checkPlain checks that plain, if it reads a packet, makes of it what packet
// does. It reports whether it reads it.
func checkPlain(t *testing.T, link capture.LinkType, b []byte, wireLen int) bool {
	t.Helper()
	var short, long decoder
	short.segment = segment{urgent: 7, ack: 7, path: 7, wire: 7} // nothing must be left of the packet before
	short.IP[0][0], short.IP[1][0], short.V6, short.mac = 7, 7, true, flow.MAC{7}
	if !short.plain(link, b, wireLen) {
		return false
	}
	if k := long.packet(link, b, wireLen); k != tcp || long.rest != nil {
		t.Errorf("packet says kind %d of % x", k, b)
		return true
	}
	s, l := &short.segment, &long.segment
	if !sameHeader(s, l) || s.ack != l.ack || s.urgent != l.urgent || s.wire != l.wire || s.path != l.path || s.mac != l.mac || !bytes.Equal(s.payload, l.payload) {
		t.Errorf("got  %+v\nwant %+v\nof % x, %d on the wire", s, l, b, wireLen)
	}
	checkInside(t, b, s.payload)
	return true
}

// TestPlain cuts packets everywhere and changes bits of their headers.
func TestPlain(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 20))
	read := 0
	for _, c := range decodeCases {
		for n := range len(c.data) + 1 {
			for _, wire := range []int{len(c.data), n, n - 1, n + 1, c.wire} {
				if checkPlain(t, c.link, c.data[:n:n], wire) {
					read++
				}
			}
		}
		for range 300 {
			b := bytes.Clone(c.data)
			for range 1 + rnd.IntN(3) {
				if len(b) > 0 {
					b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
				}
			}
			if checkPlain(t, c.link, b, len(b)+rnd.IntN(5)) {
				read++
			}
		}
		if t.Failed() {
			t.Fatal(c.name)
		}
	}
	if read < 3000 {
		t.Errorf("%d packets were read", read)
	}
}

// TestPlainReads names what must not go the long way.
func TestPlainReads(t *testing.T) {
	for name, want := range map[string]bool{
		"ethernet": true, "ethernet IPv6": true, "VLAN": true, "raw": true, "raw IPv6": true, "TCP options": true,
		"no payload": true, "Ethernet padding": true, "cut in the payload": true, "cut after the headers": true,
		"four tags": false, "IPv4 options": false, "hop-by-hop": false, "first IPv4 fragment": false, "UDP": false,
	} {
		for _, c := range decodeCases {
			if c.name != name {
				continue
			}
			if got := checkPlain(t, c.link, c.data, max(c.wire, len(c.data))); got != want {
				t.Errorf("%s: read %v, want %v", name, got, want)
			}
		}
	}
	d := decoder{checkSums: true}
	if b := decodeCases[0].data; d.plain(capture.LinkEthernet, b, len(b)) {
		t.Error("it does not look at checksums")
	}
}
