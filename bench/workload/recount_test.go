package workload

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
)

// A storedPacket is a record of a capture.
type storedPacket struct {
	at   int64
	data []byte
}

// packets reads a classic pcap file as the generator writes it.
func packets(t *testing.T, file []byte) []storedPacket {
	t.Helper()
	le := binary.LittleEndian
	if le.Uint32(file) != 0xa1b2c3d4 {
		t.Fatal("no pcap file")
	}
	var list []storedPacket
	for b := file[24:]; len(b) > 0; {
		n := le.Uint32(b[8:])
		list = append(list, storedPacket{int64(le.Uint32(b))*second + int64(le.Uint32(b[4:])), b[16 : 16+n]})
		b = b[16+n:]
	}
	return list
}

// pcapngPackets reads the enhanced packets of a pcapng file.
func pcapngPackets(t *testing.T, file []byte) []storedPacket {
	t.Helper()
	le := binary.LittleEndian
	var list []storedPacket
	for b := file; len(b) > 0; {
		n := le.Uint32(b[4:])
		if le.Uint32(b[n-4:]) != n {
			t.Fatal("a block's two lengths differ")
		}
		if le.Uint32(b) == 6 {
			at := int64(le.Uint32(b[12:]))<<32 | int64(le.Uint32(b[16:]))
			list = append(list, storedPacket{at, b[28 : 28+le.Uint32(b[20:])]})
		}
		b = b[n:]
	}
	return list
}

// A parsedPacket is what the recount needs of a packet.
type parsedPacket struct {
	from, to string // address and port, as bytes
	seq, ack uint32
	flags    byte
	data     []byte
}

// parsePacket takes a packet apart and checks lengths and checksums.
func parsePacket(b []byte) (*parsedPacket, error) {
	at := 12
	for b[at] == 0x81 || b[at] == 0x88 {
		at += 4
	}
	ip := b[at+2:]
	var addresses, tcp []byte
	switch binary.BigEndian.Uint16(b[at:]) {
	case 0x0800:
		addresses, tcp = ip[12:20], ip[20:binary.BigEndian.Uint16(ip[2:])]
		if plainChecksum(ip[:20]) != 0 {
			return nil, errors.New("wrong checksum of IP")
		}
	case 0x86dd:
		addresses, tcp = ip[8:40], ip[40:40+binary.BigEndian.Uint16(ip[4:])]
	default:
		return nil, fmt.Errorf("type %x", b[at:at+2])
	}
	pseudo := append(append([]byte(nil), addresses...), 0, 6)
	pseudo = binary.BigEndian.AppendUint16(pseudo, uint16(len(tcp)))
	if plainChecksum(append(pseudo, tcp...)) != 0 {
		return nil, errors.New("wrong checksum of TCP")
	}
	half := len(addresses) / 2
	return &parsedPacket{
		from:  string(addresses[:half]) + string(tcp[0:2]),
		to:    string(addresses[half:]) + string(tcp[2:4]),
		seq:   binary.BigEndian.Uint32(tcp[4:]),
		ack:   binary.BigEndian.Uint32(tcp[8:]),
		flags: tcp[13],
		data:  tcp[tcp[12]>>4*4:],
	}, nil
}

// counts is what a recount finds.
type counts struct {
	packets, connections, attempts int64
	right                          int64 // attempts whose request and right answer are in the capture
}

// recount finds connections by their addresses, puts the beginning of each
// direction together by sequence numbers, and looks for upgrades in it.
func recount(t *testing.T, file []byte) counts {
	t.Helper()
	var n counts
	streams := map[[2]string]*beginning{}
	conns := map[[2]string]bool{}
	for _, stored := range packets(t, file) {
		p, err := parsePacket(stored.data)
		if err != nil {
			t.Fatal(err)
		}
		n.packets++
		if !conns[[2]string{p.to, p.from}] {
			conns[[2]string{p.from, p.to}] = true
		}
		way := [2]string{p.from, p.to}
		if streams[way] == nil {
			streams[way] = new(beginning)
		}
		streams[way].take(p)
	}
	n.connections = int64(len(conns))
	for way := range conns {
		n.judge(streams[way].bytes(), streams[[2]string{way[1], way[0]}].bytes())
	}
	return n
}

func (n *counts) judge(a, b []byte) {
	if bytes.HasPrefix(b, []byte("GET ")) {
		a, b = b, a
	}
	_, key, asked := bytes.Cut(a, []byte("Sec-WebSocket-Key: "))
	if !asked && !bytes.Contains(b, []byte("Sec-WebSocket-Accept: ")) && !bytes.Contains(a, []byte("Sec-WebSocket-Accept: ")) {
		return
	}
	n.attempts++
	if !asked {
		return
	}
	accept := "Sec-WebSocket-Accept: " + acceptFor(string(key[:24]))
	if bytes.Contains(b, []byte(accept)) && bytes.Contains(b, []byte("Connection: Upgrade\r\n")) {
		n.right++
	}
}

// A beginning is the first bytes of a direction.
type beginning struct {
	isn     uint32
	started bool
	early   []*parsedPacket // before the SYN
	data    [1024]byte
}

func (s *beginning) take(p *parsedPacket) {
	switch {
	case p.flags&flagSYN != 0:
		s.isn, s.started = p.seq, true
		for _, e := range s.early {
			s.put(e)
		}
		s.early = nil
	case !s.started:
		s.early = append(s.early, p)
	default:
		s.put(p)
	}
}

func (s *beginning) put(p *parsedPacket) {
	if at := int64(p.seq - s.isn - 1); at < int64(len(s.data)) {
		copy(s.data[at:], p.data)
	}
}

func (s *beginning) bytes() []byte {
	if s == nil {
		return nil
	}
	return s.data[:]
}
