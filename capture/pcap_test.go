package capture

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
)

// pcapFile is a pcap file of Ethernet packets with snap length 65535.
func pcapFile(o order, magic uint32, records ...[]byte) []byte {
	return join(u32(o, magic), u16(o, 2, 4), u32(o, 0, 0, 65535, 1), join(records...))
}

// pcapRecord is a record captured so many seconds after 1970.
func pcapRecord(o order, sec uint32, data string) []byte {
	return join(u32(o, sec, 0, uint32(len(data)), uint32(len(data))), []byte(data))
}

// One file by hand, to be compared with the draft.
func TestPcapByHand(t *testing.T) {
	file := []byte{
		0xd4, 0xc3, 0xb2, 0xa1, // magic, microseconds
		0x02, 0x00, 0x04, 0x00, // version 2.4
		0x00, 0x00, 0x00, 0x00, // reserved
		0x00, 0x00, 0x00, 0x00, // reserved
		0x60, 0x00, 0x00, 0x00, // snap length 96
		0x71, 0x00, 0x00, 0x00, // Linux cooked
		0x80, 0x43, 0x6d, 0x38, // 2000-01-01 00:00:00 UTC
		0x03, 0x00, 0x00, 0x00, // and 3 us
		0x02, 0x00, 0x00, 0x00, // 2 bytes kept
		0x05, 0x00, 0x00, 0x00, // of 5
		0xca, 0xfe,
	}
	packets, errs, stats := readBytes(t, file)
	diff(t, "errors", errs, []string(nil))
	diff(t, "packets", packets, []Packet{{Num: 1, Time: 946684800_000003000, Link: LinkSLL, WireLen: 5, Data: []byte{0xca, 0xfe}}})
	diff(t, "interfaces", stats.Interfaces, []Interface{{Link: LinkSLL, SnapLen: 96, Drops: -1}})
}

func TestPcapVariants(t *testing.T) {
	for _, o := range []order{le, be} {
		for _, c := range []struct {
			name  string
			magic uint32
			extra []byte // at the end of the record header
			time  int64
		}{
			{"micro", pcapMicro, nil, 7_000000000 + 999999_000},
			{"nano", pcapNano, nil, 7_000000000 + 999999},
			{"modified", pcapModified, make([]byte, 8), 7_000000000 + 999999_000},
		} {
			file := pcapFile(o, c.magic,
				join(u32(o, 7, 999999, 3, 3), c.extra, []byte("abc")),
				join(u32(o, 7, 999999, 0, 9), c.extra))
			packets, errs, _ := readBytes(t, file)
			name := fmt.Sprint(c.name, " ", o)
			diff(t, name+": errors", errs, []string(nil))
			diff(t, name+": packets", packets, []Packet{
				{Num: 1, Time: c.time, Link: LinkEthernet, WireLen: 3, Data: []byte("abc")},
				{Num: 2, Time: c.time, Link: LinkEthernet, WireLen: 9, Data: []byte{}},
			})
		}
	}
}

// What writers put into lengths and link types, and libpcap accepts.
func TestPcapOddFields(t *testing.T) {
	header := func(snaplen, link uint32) []byte {
		return join(u32(le, pcapMicro), u16(le, 2, 4), u32(le, 0, 0, snaplen, link))
	}
	for _, c := range []struct {
		name string
		file []byte
		want Packet
	}{
		{"snap length 0", join(header(0, 1), pcapRecord(le, 1, "abc")),
			Packet{Num: 1, Time: 1e9, Link: 1, WireLen: 3, Data: []byte("abc")}},
		{"longer than the snap length", join(header(2, 1), pcapRecord(le, 1, "abc")),
			Packet{Num: 1, Time: 1e9, Link: 1, WireLen: 3, Data: []byte("abc")}},
		{"kept more than the wire had", join(header(2, 1), u32(le, 1, 0, 3, 2), []byte("abc")),
			Packet{Num: 1, Time: 1e9, Link: 1, WireLen: 2, Data: []byte("abc")}},
		{"length of the frame check sequence", join(header(9, 0x44000001), pcapRecord(le, 1, "abc")),
			Packet{Num: 1, Time: 1e9, Link: 1, WireLen: 3, Data: []byte("abc")}},
		{"last second", join(header(9, 1), u32(le, math.MaxUint32, math.MaxUint32, 0, math.MaxUint32)),
			Packet{Num: 1, Time: math.MaxUint32*1e9 + math.MaxUint32*1e3, Link: 1, WireLen: math.MaxInt32, Data: []byte{}}},
		{"largest packet", join(header(9, 1), pcapRecord(le, 1, strings.Repeat("x", DefaultMaxPacket))),
			Packet{Num: 1, Time: 1e9, Link: 1, WireLen: DefaultMaxPacket, Data: bytes.Repeat([]byte("x"), DefaultMaxPacket)}},
	} {
		packets, errs, _ := readBytes(t, c.file)
		diff(t, c.name+": errors", errs, []string(nil))
		diff(t, c.name+": packets", packets, []Packet{c.want})
	}
}

// Behind a file may stand another one of any kind, as after cat or in gzip members.
func TestPcapConcatenated(t *testing.T) {
	first := pcapFile(le, pcapMicro, pcapRecord(le, 1, "a"))
	for _, o := range []order{le, be} {
		for _, c := range []struct {
			name  string
			magic uint32
			extra []byte
		}{{"micro", pcapMicro, nil}, {"nano", pcapNano, nil}, {"modified", pcapModified, make([]byte, 8)}} {
			second := join(u32(o, c.magic), u16(o, 2, 4), u32(o, 0, 0, 96, 113), u32(o, 2, 3000, 1, 1), c.extra, []byte("b"))
			nanos := int64(3000_000)
			if c.magic == pcapNano {
				nanos = 3000
			}
			want := []Packet{
				{Num: 1, Time: 1e9, Link: 1, WireLen: 1, Data: []byte("a")},
				{Num: 2, Time: 2e9 + nanos, Iface: 1, Link: 113, WireLen: 1, Data: []byte("b")},
				{Num: 3, Time: 1e9, Iface: 2, Link: 1, WireLen: 1, Data: []byte("a")},
			}
			for how, file := range map[string][]byte{
				"plain": join(first, second, first),
				"gzip":  join(gzipped1(first), gzipped1(second), gzipped1(first)),
			} {
				packets, errs, stats := readBytes(t, file)
				name := fmt.Sprint(c.name, " ", o, " ", how)
				diff(t, name+": errors", errs, []string(nil))
				diff(t, name+": packets", packets, want)
				diff(t, name+": interfaces", stats.Interfaces, []Interface{{Link: 1, SnapLen: 65535, Drops: -1}, {Link: 113, SnapLen: 96, Drops: -1}, {Link: 1, SnapLen: 65535, Drops: -1}})
			}
		}
	}
}

// What only resembles a file header is a packet.
func TestPcapNotConcatenated(t *testing.T) {
	for name, rec := range map[string][]byte{
		"a microsecond like a version": u32(le, 7, pcapVersion, 0, 0),
		"a second like a magic number": u32(le, pcapMicro, 7, 0, 0),
		"a packet that had a byte":     u32(le, pcapMicro, pcapVersion, 0, 1),
	} {
		packets, errs, _ := readBytes(t, join(pcapFile(le, pcapMicro), rec, pcapRecord(le, 1, "a")))
		if len(packets) != 2 || errs != nil {
			t.Errorf("%s: %d packets, want 2; errors %q", name, len(packets), errs)
		}
	}
}

func TestPcapDamage(t *testing.T) {
	good := pcapFile(le, pcapMicro, pcapRecord(le, 1, "abc"))
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"header cut", good[:10], "standard input: packet 1, byte 0: file cut short: pcap file header needs 24 bytes, 10 are left"},
		{"version", join(u32(le, pcapMicro), u16(le, 9, 4), make([]byte, 16)), "standard input: packet 1, byte 0: pcap version 9 is not known"},
		{"record header cut", join(good, []byte{1}), "standard input: packet 2, byte 43: file cut short: packet header needs 16 bytes, 1 is left"},
		{"record cut", good[:42], "standard input: packet 1, byte 24: file cut short: packet needs 19 bytes, 18 are left"},
		{"header behind cut", join(good, good[:20]), "standard input: packet 2, byte 43: file cut short: pcap file header needs 24 bytes, 20 are left"},
		{"huge", join(good, u32(le, 0, 0, 262145, 1)), "standard input: packet 2, byte 43: packet of 262145 bytes is larger than 262144"},
		{"random", join(good, bytes.Repeat([]byte{0xee, 0x1b, 0x07}, 99)), "standard input: packet 2, byte 43: packet of 119270919 bytes is larger than 262144"},
	} {
		_, errs, stats := readBytes(t, c.file)
		diff(t, c.name+": errors", errs, []string{c.want})
		if stats.Damaged != 1 {
			t.Errorf("%s: %d inputs damaged, want 1", c.name, stats.Damaged)
		}
	}
}

func TestMaxPacket(t *testing.T) {
	for file, at := range map[string]int{
		string(pcapFile(le, pcapMicro, pcapRecord(le, 1, "abc"), pcapRecord(le, 1, "abcd"))):              43,
		string(join(section(le), iface(le, 1, 0), enhanced(le, 0, 1, "abc"), enhanced(le, 0, 1, "abcd"))): 84,
	} {
		s, err := Open([]string{"-"}, &Config{Stdin: strings.NewReader(file), MaxPacket: 3})
		if err != nil {
			t.Fatal(err)
		}
		packets, errs := collect(t, s)
		diff(t, "packets", datas(packets), []string{"abc"})
		diff(t, "errors", errs, []string{fmt.Sprintf("standard input: packet 2, byte %d: packet of 4 bytes is larger than 3", at)})
	}
}

// checkPrefixes cuts a file at every length. The packets before the cut come
// out, and an error iff the cut is not at one of the borders: the end of the
// file header, then the end of each record.
func checkPrefixes(t *testing.T, file []byte, ends []int, packetAt func(end int) bool) {
	t.Helper()
	for n := 1; n <= len(file); n++ {
		want, clean := 0, false
		for _, end := range ends {
			if end <= n && packetAt(end) {
				want++
			}
			clean = clean || end == n
		}
		packets, errs, _ := readBytes(t, file[:n])
		if len(packets) != want {
			t.Errorf("%d bytes: %d packets, want %d", n, len(packets), want)
		}
		if clean != (errs == nil) || len(errs) > 1 {
			t.Errorf("%d bytes: errors %q, cut at a border: %v", n, errs, clean)
		}
	}
}

func TestPcapPrefixes(t *testing.T) {
	file := pcapFile(le, pcapMicro, pcapRecord(le, 1, "abc"), pcapRecord(le, 2, ""), pcapRecord(le, 3, "defgh"))
	checkPrefixes(t, file, []int{24, 43, 59, 80}, func(end int) bool { return end > 24 })
}
