package capture

import (
	"bytes"
	"testing"
	"testing/iotest"
)

func FuzzPcap(f *testing.F) {
	f.Add(pcapFile(le, pcapMicro, pcapRecord(le, 1, "abc"), pcapRecord(le, 2, "")))
	f.Add(pcapFile(be, pcapNano, pcapRecord(be, 1, "abc")))
	f.Add(pcapFile(be, pcapModified, u32(be, 1, 1, 2, 9, 0, 0), []byte("ab")))
	f.Add(pcapFile(le, pcapMicro, u32(le, 1, 1, 0xffffffff, 0xffffffff)))
	f.Add(pcapFile(le, pcapMicro)[:10])
	f.Add(join(pcapFile(le, pcapMicro, pcapRecord(le, 1, "a")), pcapFile(be, pcapModified, u32(be, 1, 1, 1, 9, 0, 0), []byte("b"))))
	f.Fuzz(checkAnyInput)
}

func FuzzPcapng(f *testing.F) {
	f.Add(join(section(le), iface(le, 1, 0), enhanced(le, 0, 1, "abc")))
	f.Add(join(section(be), iface(be, 1, 0x8a), namedIface(be, "eth0"), enhanced(be, 1, 1<<40, "abcd", option(be, 4, u64(be, 7)))))
	f.Add(join(section(le), iface(le, 1, 12), blockOf(le, blockSimple, u32(le, 9), []byte("ab")), section(be), iface(be, 101, 0),
		blockOf(be, blockPacket, u16(be, 0, 2), u32(be, 0, 1, 2, 2), []byte("ab"))))
	f.Add(join(section(le), iface(le, 1, 0), blockOf(le, blockStatistics, u32(le, 0, 0, 0), option(le, 5, u64(le, 3))), blockOf(le, blockCustom, u32(le, 1))))
	f.Add(join(section(le), u32(le, 10, 0xffffffff)))
	f.Add(section(le)[:9])
	f.Fuzz(checkAnyInput)
}

func FuzzCompressed(f *testing.F) {
	file := pcapFile(le, pcapMicro, pcapRecord(le, 1, "abc"), pcapRecord(le, 2, ""))
	for _, pack := range packers {
		f.Add(pack(file))
		f.Add(join(pack(file), pack(nil)))
	}
	f.Fuzz(checkTrickle)
}

// checkAnyInput holds for whatever the bytes are: no more packets come out
// than went in, numbered in order, and an error only at the end.
func checkAnyInput(t *testing.T, b []byte) {
	if len(b) >= 4 && compressionOf(b[:4]) != plain {
		return
	}
	packets, errs, stats := readBytes(t, b)
	total, num := 0, 0
	for _, p := range packets {
		total += len(p.Data)
		if p.Num <= num {
			t.Errorf("number %d after %d", p.Num, num)
		}
		if len(p.Data) > DefaultMaxPacket || p.WireLen < 0 || p.Iface < 0 {
			t.Errorf("packet %+v", p)
		}
		num = p.Num
	}
	if total > len(b) || int64(total) != stats.Bytes || len(packets) != int(stats.Packets) {
		t.Errorf("%d bytes in %d packets from %d, counted %d in %d", total, len(packets), len(b), stats.Bytes, stats.Packets)
	}
	if len(errs) > 1 {
		t.Errorf("errors %q", errs)
	}
	checkTrickle(t, b)
}

// checkTrickle reads byte by byte, which has to give the same.
func checkTrickle(t *testing.T, b []byte) {
	packets, errs, stats := readBytes(t, b)
	slowPackets, slowErrs, slowStats := readStdin(t, iotest.OneByteReader(bytes.NewReader(b)))
	diff(t, "packets", slowPackets, packets)
	diff(t, "errors", slowErrs, errs)
	stats.Read, slowStats.Read = 0, 0 // what is read ahead of the damage
	diff(t, "statistics", slowStats, stats)
}
