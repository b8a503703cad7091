package capture

import (
	"fmt"
	"io"
	"testing"
)

const benchPackets = 200_000

// benchFiles are captures of packets of 600 bytes.
func benchFiles(b *testing.B) map[string]string {
	dir := b.TempDir()
	var pcap, ng [][]byte
	for i := range benchPackets {
		data := fmt.Sprintf("%600d", i)
		pcap = append(pcap, pcapRecord(le, uint32(i), data))
		ng = append(ng, enhanced(le, 0, uint64(i)*1e6, data))
	}
	return map[string]string{
		"pcap":   writeFile(b, dir, "pcap", pcapFile(le, pcapMicro, pcap...)),
		"pcapng": writeFile(b, dir, "pcapng", join(section(le), iface(le, 1, 0), join(ng...))),
	}
}

// BenchmarkNext is the whole way from the file to the packet. To compare:
// cat FILE > /dev/null is the floor.
func BenchmarkNext(b *testing.B) {
	files := benchFiles(b)
	for _, c := range []struct {
		name  string
		files []string
	}{
		{"pcap", []string{files["pcap"]}},
		{"pcapng", []string{files["pcapng"]}},
		{"merge2", []string{files["pcap"], files["pcapng"]}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			n := int64(0)
			for b.Loop() {
				n += walk(b, c.files)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/packet")
		})
	}
}

func walk(b *testing.B, files []string) int64 {
	s, err := Open(files, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var p Packet
	for {
		if err := s.Next(&p); err == io.EOF {
			return s.Stats().Packets
		} else if err != nil {
			b.Fatal(err)
		}
	}
}
