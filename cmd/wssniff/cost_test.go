package main

import (
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// A pipe is reassembly and analyzer, and packets that are made in place: no
// packet costs the test an allocation.
type pipe struct {
	a   *analyze.Analyzer
	asm *reassembly.Reassembler
	p   capture.Packet
	buf []byte
}

func newPipe(cfg *reassembly.Config, bounds *analyze.Limits) *pipe {
	p := &pipe{a: analyze.New(bounds), buf: make([]byte, 0, 64<<10)}
	p.asm = reassembly.New(p.a.Chunk, cfg)
	return p
}

// A leg is a connection of a pipe; client and server send in turns.
type leg struct {
	p    *pipe
	ends [2]netip.AddrPort
	next [2]uint32
}

// leg is the i-th connection: there are 2^16 client ports, and as many clients as
// are needed.
func (p *pipe) leg(i int) *leg {
	client := netip.AddrFrom4([4]byte{10, 1, byte(i >> 24), byte(i >> 16)})
	return &leg{p, [2]netip.AddrPort{netip.AddrPortFrom(client, uint16(i)), netip.MustParseAddrPort("192.0.2.9:80")}, [2]uint32{uint32(i) * 7919, -uint32(i)}}
}

func (l *leg) send(dir flow.Dir, flags byte, data string) {
	p := l.p
	n := 40 + len(data)
	b := append(p.buf[:0], 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	b = append(b, 0, 0, 0, 0, 64, 6, 0, 0)
	src, dst := l.ends[dir], l.ends[dir.Reverse()]
	s4, d4 := src.Addr().As4(), dst.Addr().As4()
	b = append(append(b, s4[:]...), d4[:]...)
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, src.Port()), dst.Port())
	b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, l.next[dir]), l.next[dir.Reverse()])
	b = append(b, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0)
	b = append(b, data...)
	l.next[dir] += uint32(len(data))
	if flags&(syn|fin) != 0 {
		l.next[dir]++
	}
	p.p = capture.Packet{Num: p.p.Num + 1, Time: p.p.Time + 1000, Link: capture.LinkRaw, WireLen: n, Data: b}
	p.asm.Packet(&p.p)
}

func (l *leg) say(dir flow.Dir, data string) { l.send(dir, ack|psh, data) }

func (l *leg) handshake() {
	l.send(flow.AtoB, syn, "")
	l.send(flow.BtoA, syn|ack, "")
	l.send(flow.AtoB, ack, "")
}

// opening is the request of a handshake with a key of its own.
func opening(i int) (request, response string) {
	nonce := make([]byte, 16)
	binary.LittleEndian.PutUint64(nonce, uint64(i)*0x9e3779b97f4a7c15)
	binary.LittleEndian.PutUint64(nonce[8:], uint64(i)*0xbf58476d1ce4e5b9)
	key := base64.StdEncoding.EncodeToString(nonce)
	return "GET /ws HTTP/1.1\r\nHost: gw.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + key + "\r\nSec-WebSocket-Version: 13\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + analyze.Accept(key) + "\r\n\r\n"
}

func (l *leg) upgrade(i int) {
	request, response := opening(i)
	l.handshake()
	l.say(flow.AtoB, request)
	l.say(flow.BtoA, response)
	l.send(flow.AtoB, ack, "")
}

// heap is how many bytes are alive.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// perConn is how much a connection costs, by the difference between few of them
// and many: what there is once, and the last step of a slab or a page, do not
// count.
func perConn(bounds *analyze.Limits, open func(l *leg, i int)) int64 {
	const few, many = 20_000, 60_000
	p := newPipe(nil, bounds)
	var at [2]int64
	for i := range many {
		open(p.leg(i), i)
		switch i + 1 {
		case few:
			at[0] = heap()
		case many:
			at[1] = heap()
		}
	}
	runtime.KeepAlive(p)
	return (at[1] - at[0]) / (many - few)
}

// TestUpgradedConnBytes measures what connections cost that opened a WebSocket:
// their own state, and what is kept of their attempts until the end. As long as
// nothing is sent they need no socket; from the first frame on they have one.
func TestUpgradedConnBytes(t *testing.T) {
	silent := func(l *leg, i int) { l.upgrade(i) }
	busy := func(l *leg, i int) {
		l.upgrade(i)
		l.say(flow.AtoB, "\x81\x85\x01\x02\x03\x04iglhn")
		l.say(flow.BtoA, "\x81\x05world")
	}
	unlisted := &analyze.Limits{Attempts: 1} // nothing is kept of the others
	for _, test := range []struct {
		name   string
		bounds *analyze.Limits
		open   func(l *leg, i int)
		most   int64
	}{
		{"its state", unlisted, silent, 255},
		{"with the packed attempt", nil, silent, 350},
		{"its state, with a socket", unlisted, busy, 620},
		{"with a socket and the packed attempt", nil, busy, 720},
	} {
		n := perConn(test.bounds, test.open)
		t.Logf("%s: %d bytes", test.name, n)
		if n > test.most || n < 192 { // the connection alone has 192
			t.Errorf("%s: %d bytes, want %d at most", test.name, n, test.most)
		}
	}
}

// TestNoAllocsOnTheWay: what comes most costs no allocation, from the packet to
// the analyzer.
func TestNoAllocsOnTheWay(t *testing.T) {
	request := "GET /a HTTP/1.1\r\nHost: gw.example.com\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n"
	response := "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello"
	body := strings.Repeat("x", 1400)
	for _, test := range []struct {
		name string
		open func(l *leg)
		step func(l *leg)
	}{
		{"frames", func(l *leg) { l.upgrade(1) }, func(l *leg) {
			l.say(flow.AtoB, "\x81\x85\x01\x02\x03\x04iglhn")
			l.say(flow.BtoA, "\x81\x05world\x89\x00")
			l.send(flow.AtoB, ack, "")
		}},
		{"frames longer than a segment", func(l *leg) { l.upgrade(1) }, func(l *leg) {
			l.say(flow.BtoA, "\x82\x7e\x05\x78"+body[:0])
			l.say(flow.BtoA, body)
		}},
		{"a body that is skipped", func(l *leg) {
			l.handshake()
			l.say(flow.AtoB, request)
			l.say(flow.BtoA, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
		}, func(l *leg) {
			l.say(flow.BtoA, body)
			l.send(flow.AtoB, ack, "")
		}},
		{"TLS", func(l *leg) {
			l.handshake()
			l.say(flow.AtoB, "\x16\x03\x01\x00\x05hello")
		}, func(l *leg) {
			l.say(flow.AtoB, body)
			l.say(flow.BtoA, body)
		}},
		{"requests and responses", func(l *leg) { l.handshake() }, func(l *leg) {
			l.say(flow.AtoB, request)
			l.say(flow.BtoA, response)
		}},
		{"requests and chunked responses", func(l *leg) { l.handshake() }, func(l *leg) {
			l.say(flow.AtoB, request)
			l.say(flow.BtoA, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
		}},
		{"acknowledgements", func(l *leg) { l.upgrade(1) }, func(l *leg) {
			l.send(flow.AtoB, ack, "")
			l.send(flow.BtoA, ack, "")
		}},
		{"what was sent before", func(l *leg) { l.upgrade(1) }, func(l *leg) {
			l.say(flow.BtoA, "\x81\x05world")
			l.next[flow.BtoA] -= 7
			l.say(flow.BtoA, "\x81\x05world")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newPipe(nil, nil).leg(1)
			test.open(l)
			for range 300 { // buffers that are used again
				test.step(l)
			}
			if got := testing.AllocsPerRun(2000, func() { test.step(l) }); got != 0 {
				t.Errorf("%v allocations", got)
			}
		})
	}
}

// TestNoAllocsForNewConns: connections that come and go use the room of others
// again, when there is no more.
func TestNoAllocsForNewConns(t *testing.T) {
	p := newPipe(&reassembly.Config{MaxConns: 1000, MaxHalfOpen: 500}, nil)
	n := 0
	flood := func() {
		n++
		p.flood(n)
	}
	for range 5000 {
		flood()
	}
	if got := testing.AllocsPerRun(5000, flood); got != 0 {
		t.Errorf("%v allocations for a SYN of a flood", got)
	}
}

// flood sends the SYN of a connection.
func (p *pipe) flood(i int) {
	l := leg{p, [2]netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 24), byte(i >> 16)}), uint16(i)), netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 9}), 80)}, [2]uint32{uint32(i), 0}}
	l.send(flow.AtoB, syn, "")
}
