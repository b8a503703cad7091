package capture

import (
	"context"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
)

func threePackets() []byte {
	return pcapFile(le, 0xa1b2c3d4, pcapRecord(le, 1, "one"), pcapRecord(le, 2, "two"), pcapRecord(le, 3, "three"))
}

// A feed is a server of pcap-over-IP that sends one text to each connection, in
// turn, and closes it.
func feed(t *testing.T, texts ...[]byte) (name string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for _, text := range texts {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write(text)
			c.Close()
		}
		l.Close()
	}()
	return remotePrefix + l.Addr().String()
}

// readRemote reads to the end, or until so many packets have come.
func readRemote(t *testing.T, name string, packets int) (nums []int, told []string, errs []error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	src, err := Open([]string{name}, &Config{Context: ctx, Tell: func(s string) { told = append(told, s) }})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var p Packet
	for {
		switch err := src.Next(&p); {
		case err == io.EOF:
			if s := src.Stats(); s.Inputs > 1 || s.Size != -1 {
				t.Errorf("%+v", s)
			}
			return nums, told, errs
		case err == ErrIdle:
			continue
		case err != nil:
			errs = append(errs, err)
			continue
		}
		if nums = append(nums, p.Num); len(nums) == packets {
			cancel()
		}
	}
}

func TestRemote(t *testing.T) {
	pcap := threePackets()
	for _, test := range []struct {
		name    string
		texts   [][]byte
		packets int // then nobody wants more
		told    int
		err     string // the end of it
	}{
		{name: "one connection", texts: [][]byte{pcap}, packets: 3},
		{name: "lost between packets", texts: [][]byte{pcap, pcap}, packets: 5, told: 2},
		{name: "lost in a packet", texts: [][]byte{pcap[:len(pcap)-5], pcap, pcap}, packets: 7, told: 4},
		{name: "lost in a file header", texts: [][]byte{pcap, pcap[:10], nil, pcap}, packets: 5, told: 2},
		{name: "at first in the header", texts: [][]byte{nil, pcap[:3], pcap[:20], pcap}, packets: 3},
		{name: "never a header", texts: [][]byte{nil, nil, nil, nil, nil}, err: "empty file"},
		{name: "refused", err: "refused"},
		{name: "no capture", texts: [][]byte{[]byte("HTTP/1.1 400 Bad Request\r\n")}, err: "not a capture file (pcap or pcapng)"},
		{name: "damaged", texts: [][]byte{slices.Concat(pcap, make([]byte, 8), []byte{255, 255, 255, 255, 255, 255, 255, 255})}, packets: 9, err: "bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // there are pauses
			name := feed(t, test.texts...)
			nums, told, errs := readRemote(t, name, test.packets)
			if test.err == "" && (len(errs) > 0 || len(nums) < test.packets) {
				t.Errorf("%d packets of %d, errors %v", len(nums), test.packets, errs)
			}
			for i, n := range nums {
				if n != i+1 {
					t.Errorf("packet %d has number %d", i+1, n)
				}
			}
			if len(told) != test.told {
				t.Errorf("told %q", told)
			}
			if test.err != "" && (len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), name+": ") || !strings.Contains(errs[0].Error(), test.err)) {
				t.Errorf("errors %v, want %s", errs, test.err)
			}
		})
	}
}

// TestRemoteEnds has a connection on which nothing comes.
func TestRemoteEnds(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("needs IPv6: ", err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		if c, err := l.Accept(); err == nil {
			c.Write(threePackets())
		}
	}()
	src, err := Open([]string{remotePrefix + l.Addr().String()}, &Config{Context: ctx})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var p Packet
	for n := 0; n < 3; {
		switch err := src.Next(&p); err {
		case nil:
			n++
		case ErrIdle:
		default:
			t.Fatal(err)
		}
	}
	if err := src.Next(&p); err != ErrIdle {
		t.Error("nothing comes: ", err)
	}
	cancel()
	for err = ErrIdle; err == ErrIdle; {
		err = src.Next(&p)
	}
	if err != io.EOF {
		t.Error(err)
	}
}
