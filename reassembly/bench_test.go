package reassembly

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// benchFrame is an Ethernet frame with a segment of the i-th client.
func benchFrame(i int, dir flow.Dir, seq, ack uint32, flags uint8, payload string) []byte {
	b := rawPacket(dir, uint16(i), seq, ack, flags, payload, len(payload))
	at := 12 // where the client's address is
	if dir == B {
		at = 16
	}
	copy(b[at:], []byte{10, 9, byte(i >> 24), byte(i >> 16)})
	return append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0}, b...)
}

func BenchmarkDecode(b *testing.B) {
	data := benchFrame(1, A, 1, 1, flagACK, strings.Repeat("x", 1000))
	for name, read := range map[string]func(d *decoder) bool{
		"plain": func(d *decoder) bool { return d.plain(capture.LinkEthernet, data, len(data)) },
		"any":   func(d *decoder) bool { return d.packet(capture.LinkEthernet, data, len(data)) == tcp },
	} {
		b.Run(name, func(b *testing.B) {
			var d decoder
			b.ReportAllocs()
			for b.Loop() {
				if !read(&d) {
					b.Fatal("no TCP")
				}
			}
		})
	}
}

// BenchmarkFind looks connections up in a table of a hundred thousand.
func BenchmarkFind(b *testing.B) {
	const conns = 100_000
	r := New(func(*flow.Chunk) flow.Want { return flow.None }, nil)
	ends := make([]flow.Ends, 2*conns)
	for i := range ends {
		ends[i] = endsOf(b, benchFrame(i, A, 1, 1, flagACK, ""))
		if i < conns {
			data := benchFrame(i, A, 1, 1, flagACK, "")
			r.Packet(&capture.Packet{Num: i + 1, Link: capture.LinkEthernet, WireLen: len(data), Data: data})
		}
	}
	for name, from := range map[string]int{"hit": 0, "miss": conns} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i = (i + 7919) % conns {
				e := &ends[from+i]
				if c, _ := r.table.find(e, r.table.hash(e)); (c != nil) != (from == 0) {
					b.Fatal("found or not")
				}
			}
		})
	}
}

func endsOf(b *testing.B, data []byte) flow.Ends {
	var d decoder
	if !d.plain(capture.LinkEthernet, data, len(data)) {
		b.Fatal("no TCP")
	}
	return d.Ends
}

// BenchmarkPacket takes segments of one connection, in order.
func BenchmarkPacket(b *testing.B) {
	for _, test := range []struct {
		name    string
		want    flow.Want
		payload int
	}{{"wanted", flow.All, 1000}, {"skipped", 1 << 50, 1000}, {"not wanted", flow.None, 1000}, {"acknowledgements", flow.All, 0}} {
		b.Run(test.name, func(b *testing.B) {
			r := New(func(*flow.Chunk) flow.Want { return test.want }, nil)
			data := benchFrame(1, A, 0, 1, flagACK, strings.Repeat("x", test.payload))
			p := capture.Packet{Link: capture.LinkEthernet, WireLen: len(data), Data: data}
			seq := uint32(1)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				binary.BigEndian.PutUint32(data[14+24:], seq)
				seq += uint32(test.payload)
				p.Num++
				p.Time += 1000
				r.Packet(&p)
			}
		})
	}
}

// BenchmarkManyConns takes segments of many connections in turn, more than a
// cache holds.
func BenchmarkManyConns(b *testing.B) {
	const conns = 100_000
	r := New(func(*flow.Chunk) flow.Want { return flow.All }, nil)
	data := benchFrame(0, A, 0, 1, flagACK, strings.Repeat("x", 100))
	p := capture.Packet{Link: capture.LinkEthernet, WireLen: len(data), Data: data}
	i, seq := 0, uint32(1)
	b.ReportAllocs()
	for b.Loop() {
		binary.BigEndian.PutUint16(data[14+20:], uint16(i))
		data[14+15] = byte(i >> 16)
		binary.BigEndian.PutUint32(data[14+24:], seq)
		if i++; i == conns {
			i, seq = 0, seq+100
		}
		p.Num++
		p.Time += 1000
		r.Packet(&p)
	}
}

// BenchmarkFlood takes SYNs of connections that never open, while as many are
// remembered as may be.
func BenchmarkFlood(b *testing.B) {
	r := New(func(*flow.Chunk) flow.Want { return flow.All }, &Config{MaxConns: 80_000, MaxHalfOpen: 10_000})
	data := benchFrame(0, A, 1, 0, flagSYN, "")
	p := capture.Packet{Link: capture.LinkEthernet, WireLen: len(data), Data: data}
	syn := func() {
		p.Num++
		p.Time += 1000
		binary.BigEndian.PutUint16(data[14+20:], uint16(p.Num))
		binary.BigEndian.PutUint16(data[14+14:], uint16(p.Num>>16))
		r.Packet(&p)
	}
	for range 20_000 {
		syn()
	}
	b.ReportAllocs()
	for b.Loop() {
		syn()
	}
}
