package capture

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
)

// rawBlock is a block with its two lengths, blockOf one with the right ones.
func rawBlock(o order, kind, total uint32, body []byte) []byte {
	return join(u32(o, kind, total), body, u32(o, total))
}

func blockOf(o order, kind uint32, parts ...[]byte) []byte {
	body := pad(join(parts...))
	return rawBlock(o, kind, uint32(12+len(body)), body)
}

func pad(b []byte) []byte { return join(b, make([]byte, -len(b)&3)) }

func option(o order, code uint16, value []byte) []byte {
	return join(u16(o, code, uint16(len(value))), pad(value))
}

func section(o order) []byte {
	return blockOf(o, blockSection, u32(o, byteOrderMagic), u16(o, 1, 0), u64(o, math.MaxUint64))
}

// iface is an interface with snap length 65535; resol 0 leaves if_tsresol out.
func iface(o order, link uint16, resol byte) []byte {
	var opts []byte
	if resol != 0 {
		opts = join(option(o, 9, []byte{resol}), u32(o, 0))
	}
	return blockOf(o, blockInterface, u16(o, link, 0), u32(o, 65535), opts)
}

func namedIface(o order, name string) []byte {
	return blockOf(o, blockInterface, u16(o, 1, 0), u32(o, 65535), option(o, 2, []byte(name)), u32(o, 0))
}

func enhanced(o order, iface uint32, ticks uint64, data string, opts ...[]byte) []byte {
	n := uint32(len(data))
	return blockOf(o, blockEnhanced, u32(o, iface, uint32(ticks>>32), uint32(ticks), n, n), pad([]byte(data)), join(opts...))
}

// cutPacket is a packet of which 100 bytes more were on the wire.
func cutPacket(o order, iface uint32, data string) []byte {
	n := uint32(len(data))
	return blockOf(o, blockEnhanced, u32(o, iface, 0, 0, n, n+100), []byte(data))
}

// One file by hand, to be compared with the draft.
func TestPcapngByHand(t *testing.T) {
	file := []byte{
		0x0a, 0x0d, 0x0d, 0x0a, // Section Header Block
		0x00, 0x00, 0x00, 0x1c, // 28 bytes
		0x1a, 0x2b, 0x3c, 0x4d, // byte-order magic, big-endian
		0x00, 0x01, 0x00, 0x00, // version 1.0
		0xff, 0xff, 0xff, 0xff, // section length
		0xff, 0xff, 0xff, 0xff, // unknown
		0x00, 0x00, 0x00, 0x1c,

		0x00, 0x00, 0x00, 0x01, // Interface Description Block
		0x00, 0x00, 0x00, 0x20, // 32 bytes
		0x00, 0x65, 0x00, 0x00, // raw IP, reserved
		0x00, 0x00, 0x00, 0x40, // snap length 64
		0x00, 0x09, 0x00, 0x01, // if_tsresol, 1 byte
		0x09, 0x00, 0x00, 0x00, // nanoseconds, padding
		0x00, 0x00, 0x00, 0x00, // opt_endofopt
		0x00, 0x00, 0x00, 0x20,

		0x00, 0x00, 0x00, 0x06, // Enhanced Packet Block
		0x00, 0x00, 0x00, 0x24, // 36 bytes
		0x00, 0x00, 0x00, 0x00, // interface 0
		0x0d, 0x23, 0x4c, 0xcf, // 946684800 s
		0x52, 0x43, 0x00, 0x05, // and 5 ns, in ns
		0x00, 0x00, 0x00, 0x02, // 2 bytes kept
		0x00, 0x00, 0x00, 0x05, // of 5
		0xca, 0xfe, 0x00, 0x00, // data, padding
		0x00, 0x00, 0x00, 0x24,
	}
	packets, errs, stats := readBytes(t, file)
	diff(t, "errors", errs, []string(nil))
	diff(t, "packets", packets, []Packet{{Num: 1, Time: 946684800_000000005, Link: LinkRaw, WireLen: 5, Data: []byte{0xca, 0xfe}}})
	diff(t, "interfaces", stats.Interfaces, []Interface{{Link: LinkRaw, SnapLen: 64, Drops: -1}})
}

// Every kind of block, in both byte orders, with what is to be passed over
// between two packets.
func TestPcapngBlocks(t *testing.T) {
	for _, o := range []order{le, be} {
		abc := func(n, time int64) Packet {
			return Packet{Num: int(n), Time: time, Link: LinkEthernet, WireLen: 3, Data: []byte("abc")}
		}
		other := binaryOrder(o)
		for _, c := range []struct {
			name   string
			blocks []byte
			want   []Packet
		}{
			{"enhanced", enhanced(o, 0, 5, "abc"), []Packet{abc(1, 5000)}},
			{"enhanced with options", enhanced(o, 0, 5, "abc", option(o, 1, []byte("comment")), u32(o, 0)), []Packet{abc(1, 5000)}},
			{"enhanced with broken options", enhanced(o, 0, 5, "abc", u16(o, 4, 99)), []Packet{abc(1, 5000)}},
			{"obsolete", blockOf(o, blockPacket, u16(o, 0, 0xffff), u32(o, 0, 5, 3, 3), []byte("abc")), []Packet{abc(1, 5000)}},
			{"simple", blockOf(o, blockSimple, u32(o, 3), []byte("abc")), []Packet{abc(1, 0)}},
			{"simple, cut", blockOf(o, blockSimple, u32(o, 100), []byte("abcd")),
				[]Packet{{Num: 1, Link: LinkEthernet, WireLen: 100, Data: []byte("abcd")}}},
			{"names", join(blockOf(o, 4, u16(o, 0, 0)), enhanced(o, 0, 5, "abc")), []Packet{abc(1, 5000)}},
			{"statistics", join(blockOf(o, blockStatistics, u32(o, 0, 0, 0)), enhanced(o, 0, 5, "abc")), []Packet{abc(1, 5000)}},
			{"statistics of an unknown interface", join(blockOf(o, blockStatistics, u32(o, 9, 0, 0), option(o, 5, u64(o, 1))), enhanced(o, 0, 5, "abc")), []Packet{abc(1, 5000)}},
			{"secrets", join(blockOf(o, 10, u32(o, 0x544c534b, 4), []byte("keys")), enhanced(o, 0, 5, "abc")), []Packet{abc(1, 5000)}},
			{"unknown", join(blockOf(o, 0x80000001, []byte("what")), enhanced(o, 0, 5, "abc")), []Packet{abc(1, 5000)}},
			{"empty unknown", join(blockOf(o, 0x80000001), enhanced(o, 0, 5, "abc")), []Packet{abc(1, 5000)}},
			{"large unknown", join(blockOf(o, 0x80000001, make([]byte, 3<<20)), enhanced(o, 0, 5, "abc")), []Packet{abc(1, 5000)}},
			{"large section header", join(blockOf(o, blockSection, u32(o, byteOrderMagic), u16(o, 1, 2), u64(o, 0), make([]byte, 3<<20)), iface(o, 1, 0)), nil},
			// Wireshark gives frame numbers to these.
			{"custom", join(blockOf(o, blockCustom, u32(o, 32473)), blockOf(o, blockCustomKeep, u32(o, 32473)), enhanced(o, 0, 5, "abc")), []Packet{abc(3, 5000)}},
			{"journal", join(enhanced(o, 0, 5, "abc"), blockOf(o, blockJournal, []byte("A=1\n")), enhanced(o, 0, 6, "abc")), []Packet{abc(1, 5000), abc(3, 6000)}},
			// The length has to count the padding; some do not.
			{"length without padding", join(rawBlock(o, blockEnhanced, 35, join(u32(o, 0, 0, 5, 3, 3), []byte("abc\x00"))), enhanced(o, 0, 6, "abc")), []Packet{abc(1, 5000), abc(2, 6000)}},
			{"section of the other order", join(enhanced(o, 0, 5, "abc"), section(other), iface(other, 1, 0), enhanced(other, 0, 6, "abc")),
				[]Packet{abc(1, 5000), {Num: 2, Time: 6000, Iface: 1, Link: LinkEthernet, WireLen: 3, Data: []byte("abc")}}},
			{"two interfaces", join(iface(o, 113, 9), enhanced(o, 1, 5, "abc"), enhanced(o, 0, 5, "abc")),
				[]Packet{{Num: 1, Time: 5, Iface: 1, Link: LinkSLL, WireLen: 3, Data: []byte("abc")}, abc(2, 5000)}},
		} {
			packets, errs, _ := readBytes(t, join(section(o), iface(o, 1, 0), c.blocks))
			name := fmt.Sprint(c.name, " ", o)
			diff(t, name+": errors", errs, []string(nil))
			diff(t, name+": packets", packets, c.want)
		}
	}
}

func binaryOrder(not order) order {
	if not == order(le) {
		return be
	}
	return le
}

// The snap length of the interface tells how much of a simple packet's block
// is padding.
func TestPcapngSimpleSnapLen(t *testing.T) {
	idb := blockOf(le, blockInterface, u16(le, 1, 0), u32(le, 5))
	packets, errs, _ := readBytes(t, join(section(le), idb, blockOf(le, blockSimple, u32(le, 100), []byte("abcde"))))
	diff(t, "errors", errs, []string(nil))
	diff(t, "packets", packets, []Packet{{Num: 1, Link: LinkEthernet, WireLen: 100, Data: []byte("abcde")}})
}

func TestPcapngTimes(t *testing.T) {
	for _, c := range []struct {
		name   string
		resol  []byte
		offset []byte
		ticks  uint64
		want   int64
	}{
		{"default", nil, nil, 1700000000_123456, 1700000000_123456_000},
		{"seconds", []byte{0}, nil, 1700000000, 1700000000e9},
		{"milliseconds", []byte{3}, nil, 1700000000_123, 1700000000_123e6},
		{"nanoseconds", []byte{9}, nil, 1700000000_123456789, 1700000000_123456789},
		{"picoseconds", []byte{12}, nil, 7_123456789999, 7_123456789},
		{"10^-28", []byte{28}, nil, math.MaxUint64, 1},
		{"10^-127", []byte{127}, nil, math.MaxUint64, 0},
		{"2^-10", []byte{0x80 | 10}, nil, 1024*3 + 512, 3_500000000},
		{"2^-0", []byte{0x80}, nil, 1700000000, 1700000000e9},
		{"2^-32", []byte{0x80 | 32}, nil, 1700000000<<32 | 1<<31, 1700000000_500000000},
		{"2^-63", []byte{0x80 | 63}, nil, 1 << 62, 500000000},
		{"2^-127", []byte{0x80 | 127}, nil, math.MaxUint64, 0},
		{"offset", nil, u64(le, 1700000000), 123456, 1700000000_123456_000},
		{"offset before 1970", nil, u64(le, math.MaxUint64), 0, -1e9},
		{"too late", nil, nil, math.MaxUint64, math.MaxInt64},
		{"too late by 2^64 ns", nil, nil, 18446744073709552, math.MaxInt64},
		{"offset too late", nil, u64(le, math.MaxInt64), 1, math.MaxInt64},
		{"offset too early", nil, u64(le, 1<<63), 0, math.MinInt64},
	} {
		opts := option(le, 2, []byte("lo")) // padded
		if c.resol != nil {
			opts = join(opts, option(le, 9, c.resol))
		}
		if c.offset != nil {
			opts = join(opts, option(le, 14, c.offset))
		}
		idb := blockOf(le, blockInterface, u16(le, 1, 0), u32(le, 0), opts, u32(le, 0))
		packets, errs, _ := readBytes(t, join(section(le), idb, enhanced(le, 0, c.ticks, "")))
		if len(packets) != 1 || errs != nil {
			t.Errorf("%s: %d packets, errors %q", c.name, len(packets), errs)
			continue
		}
		if got := packets[0].Time; got != c.want {
			t.Errorf("%s: time %d, want %d", c.name, got, c.want)
		}
	}
}

func TestPcapngDrops(t *testing.T) {
	isb := func(opts ...[]byte) []byte { return blockOf(le, blockStatistics, u32(le, 0, 0, 0), join(opts...)) }
	counted := func(n uint64) []byte { return enhanced(le, 0, 1, "abcde", option(le, 4, u64(le, n))) }
	for _, c := range []struct {
		name   string
		blocks []byte
		want   int64
	}{
		{"nothing told", enhanced(le, 0, 1, "a"), -1},
		{"statistics without drops", isb(option(le, 4, u64(le, 9))), -1},
		{"statistics of none", isb(option(le, 5, u64(le, 0))), 0},
		{"interface", isb(option(le, 5, u64(le, 9))), 9},
		{"interface and system", isb(option(le, 5, u64(le, 9)), option(le, 7, u64(le, 2))), 11},
		{"statistics include the earlier", join(isb(option(le, 5, u64(le, 3))), isb(option(le, 5, u64(le, 9)))), 9},
		{"by packet", join(counted(2), counted(3)), 5},
		{"by packet, none", counted(0), 0},
		{"by packet, too many", join(counted(math.MaxUint64), counted(3)), 1 << 62},
		{"obsolete packet", blockOf(le, blockPacket, u16(le, 0, 4), u32(le, 0, 0, 1, 1), []byte("a")), 4},
		{"obsolete packet, unknown", blockOf(le, blockPacket, u16(le, 0, 0xffff), u32(le, 0, 0, 1, 1), []byte("a")), -1},
		{"statistics count the same packets", join(counted(2), isb(option(le, 5, u64(le, 9)))), 9},
		{"wrong size", isb(option(le, 5, u32(le, 9))), -1},
		{"two interfaces", join(iface(le, 1, 0), counted(2), enhanced(le, 1, 1, "a", option(le, 4, u64(le, 5)))), 7},
	} {
		_, errs, stats := readBytes(t, join(section(le), iface(le, 1, 0), c.blocks))
		diff(t, c.name+": errors", errs, []string(nil))
		if stats.Drops != c.want {
			t.Errorf("%s: %d drops, want %d", c.name, stats.Drops, c.want)
		}
	}
}

// TestPcapngEnd reads when captures ended, by the clock of each interface.
func TestPcapngEnd(t *testing.T) {
	isb := func(id uint32, opts ...[]byte) []byte {
		return blockOf(le, blockStatistics, u32(le, id, 0, 0), join(opts...))
	}
	nanos := iface(le, 1, 9)
	for _, c := range []struct {
		name   string
		blocks []byte
		want   int64
	}{
		{"nothing told", isb(0, option(le, 5, u64(le, 9))), 0},
		{"microseconds", isb(0, option(le, 3, u32(le, 0, 5))), 5000},
		{"nanoseconds", isb(1, option(le, 3, u32(le, 1, 5))), 1<<32 + 5},
		{"the latest", join(isb(0, option(le, 3, u32(le, 0, 7))), isb(0, option(le, 3, u32(le, 0, 5)))), 7000},
		{"of an unknown interface", isb(9, option(le, 3, u32(le, 0, 5))), 0},
		{"wrong size", isb(0, option(le, 3, u32(le, 5))), 0},
	} {
		_, errs, stats := readBytes(t, join(section(le), iface(le, 1, 0), nanos, c.blocks))
		diff(t, c.name+": errors", errs, []string(nil))
		if stats.End != c.want {
			t.Errorf("%s: ended at %d, want %d", c.name, stats.End, c.want)
		}
	}
}

func TestPcapngDamage(t *testing.T) {
	start := join(section(le), iface(le, 1, 0), enhanced(le, 0, 1, "abcd")) // 28 + 20 + 36 bytes
	epb := func(caplen uint32, body string) []byte {
		return blockOf(le, blockEnhanced, u32(le, 0, 0, 0, caplen, caplen), []byte(body))
	}
	tooMany := bytes.Repeat(iface(le, 1, 0), maxInterfaces)
	for _, c := range []struct {
		name   string
		blocks []byte
		want   string
	}{
		{"block head cut", u32(le, 6, 36), "file cut short: block needs 12 bytes, 8 are left"},
		{"block cut", enhanced(le, 0, 1, "abcd")[:35], "file cut short: block needs 36 bytes, 35 are left"},
		{"skipped block cut", blockOf(le, 99, []byte("abcd"))[:13], "file cut short: block needs 16 bytes, 13 are left"},
		{"skipped block cut in its tail", blockOf(le, 99, []byte("abcd"))[:15], "file cut short: block needs 16 bytes, 15 are left"},
		{"length below 12", rawBlock(le, 6, 8, make([]byte, 4)), "block length 8 is less than 12"},
		{"length 0", rawBlock(le, 6, 0, make([]byte, 40)), "block length 0 is less than 12"},
		{"length 4 GiB", join(u32(le, 6, 0xffffffff), make([]byte, 99)), "block of type 6 is too large: 4294967295 bytes, more than 1310720"},
		{"skipped length 4 GiB", join(u32(le, 99, 0xffffffff), make([]byte, 92)), "file cut short: block needs 4294967296 bytes, 100 are left"},
		{"lengths differ", join(u32(le, 6, 32), u32(le, 0, 0, 0, 0, 0), u32(le, 36)), "block lengths differ: 32 at its start, 36 at its end"},
		{"unpadded lengths differ", join(u32(le, 6, 35), u32(le, 0, 0, 0, 3, 3), []byte("abc\x23\x00\x00\x00\x00")), "block lengths differ: 35 at its start, 0 at its end"},
		{"lengths of a skipped block differ", join(u32(le, 99, 12), u32(le, 16)), "block lengths differ: 12 at its start, 16 at its end"},
		{"too short for a packet", rawBlock(le, 6, 28, make([]byte, 16)), "block of type 6 is too short: 28 bytes"},
		{"too short for a simple packet", rawBlock(le, 3, 12, nil), "block of type 3 is too short: 12 bytes"},
		{"too short for an interface", rawBlock(le, 1, 16, make([]byte, 4)), "block of type 1 is too short: 16 bytes"},
		{"too short for statistics", rawBlock(le, 5, 20, make([]byte, 8)), "block of type 5 is too short: 20 bytes"},
		{"too short for a section", join(rawBlock(le, blockSection, 16, u32(le, byteOrderMagic)), u16(le, 1, 0), make([]byte, 12)), "section header of 16 bytes is too short"},
		{"section header cut", section(le)[:20], "file cut short: section header needs 28 bytes, 20 are left"},
		{"unknown interface", enhanced(le, 1, 1, "abcd"), "packet of interface 1, but the section describes 1"},
		{"interface of another section", join(section(le), enhanced(le, 0, 1, "abcd")), "packet of interface 0, but the section describes 0"},
		{"simple packet without interface", join(section(le), blockOf(le, blockSimple, u32(le, 0))), "packet of interface 0, but the section describes 0"},
		{"packet does not fit", epb(5, "abcd"), "packet of 5 bytes does not fit its block of 36"},
		{"packet too large", epb(DefaultMaxPacket+1, strings.Repeat("x", DefaultMaxPacket+1)), "packet of 262145 bytes is larger than 262144"},
		{"section without magic", blockOf(le, blockSection, u32(le, 0x12345678, 1, 0, 0)), "section header without byte-order magic"},
		{"section version", blockOf(le, blockSection, u32(le, byteOrderMagic), u16(le, 2, 0), u64(le, 0)), "pcapng version 2 is not known"},
		{"broken option of an interface", blockOf(le, blockInterface, u32(le, 1, 0), u16(le, 9, 50)), "option longer than its interface description"},
		{"too many interfaces", tooMany, "more than 65536 interfaces in one section"},
	} {
		packets, errs, _ := readBytes(t, join(start, c.blocks))
		diff(t, c.name+": packets", datas(packets), []string{"abcd"})
		at := len(start)
		switch { // the second block is the damaged one
		case strings.HasPrefix(c.name, "interface of") || strings.HasPrefix(c.name, "simple packet without"):
			at += len(section(le))
		case c.name == "too many interfaces":
			at += len(tooMany) - 20
		}
		diff(t, c.name+": errors", errs, []string{fmt.Sprintf("standard input: packet 2, byte %d: %s", at, c.want)})
	}
}

func TestPcapngPrefixes(t *testing.T) {
	blocks := [][]byte{section(le), iface(le, 1, 0), enhanced(le, 0, 1, "abc"), blockOf(le, 99, []byte("x")),
		blockOf(le, blockSimple, u32(le, 3), []byte("abc")), section(be), iface(be, 1, 9), enhanced(be, 0, 1, "abcdefg")}
	var ends []int
	isPacket := map[int]bool{}
	n := 0
	for i, b := range blocks {
		n += len(b)
		ends = append(ends, n)
		isPacket[n] = i == 2 || i == 4 || i == 7
	}
	checkPrefixes(t, join(blocks...), ends, func(end int) bool { return isPacket[end] })
}

// The list of interfaces is bounded, the numbers go on.
func TestManySections(t *testing.T) {
	var b []byte
	for range maxInterfaces + 10 {
		b = append(b, join(section(le), iface(le, 1, 0))...)
	}
	packets, errs, stats := readBytes(t, join(b, enhanced(le, 0, 1, "abc", option(le, 4, u64(le, 5)))))
	diff(t, "errors", errs, []string(nil))
	if len(packets) != 1 || packets[0].Iface != maxInterfaces+9 || len(stats.Interfaces) != maxInterfaces {
		t.Errorf("packets %v, %d interfaces", packets, len(stats.Interfaces))
	}
}

func TestInterfaceName(t *testing.T) {
	for in, want := range map[string]string{
		"eth0":                   "eth0",
		"eth0\x00":               "eth0",
		strings.Repeat("x", 999): strings.Repeat("x", 256),
	} {
		if got := interfaceName([]byte(in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
