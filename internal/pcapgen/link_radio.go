package pcapgen

import "encoding/binary"

// Flags of radiotap's field of that name.
const (
	radiotapFCS     = 0x10 // the frame ends with its check sequence
	radiotapDataPad = 0x20 // the 802.11 header is filled up to a multiple of four
)

// radiotap is a header with the fields flags, rate and channel
// (www.radiotap.org).
func radiotap(flags byte) layer {
	return func(p packet) []packet {
		b := []byte{0, 0, 14, 0, 0x0e, 0, 0, 0}
		b = append(b, flags, 108)          // 54 Mbit/s
		b = append(b, 0x3c, 0x14, 0x40, 1) // 5180 MHz, OFDM, 5 GHz
		return p.behind(noEther, b...)
	}
}

// radiotapExtended has two words that say what is present, and a time, which
// is aligned to eight bytes, before the flags.
func radiotapExtended(flags byte) layer {
	return func(p packet) []packet {
		b := []byte{0, 0, 27, 0}
		b = binary.LittleEndian.AppendUint32(b, 1<<31|1<<29|1<<1|1) // another word, radiotap again, flags, TSFT
		b = binary.LittleEndian.AppendUint32(b, 1<<11|1<<5)         // antenna, its signal
		b = append(b, 0, 0, 0, 0)
		b = binary.LittleEndian.AppendUint64(b, uint64(p.total())*300)
		return p.behind(noEther, append(b, flags, 0xd0, 1)...)
	}
}

// avs is the 64-byte header of AVS, version 1, of the linux-wlan drivers.
func avs(p packet) []packet {
	b := binary.BigEndian.AppendUint32(nil, 0x80211001)
	b = binary.BigEndian.AppendUint32(b, 64)
	b = binary.BigEndian.AppendUint64(b, uint64(p.total())*300) // MAC time
	b = binary.BigEndian.AppendUint64(b, uint64(p.total()))     // host time
	for _, v := range []uint32{8, 36, 540, 0, 0, 1, 0xffffffc4, 0xffffffa0, 0, 4} {
		b = binary.BigEndian.AppendUint32(b, v) // PHY, channel, rate, antenna, priority, signal and noise in dBm, preamble, encoding
	}
	return p.behind(noEther, b...)
}

// prism is the 144-byte header of the Prism II drivers, in the byte order of a
// little-endian host: a name and ten items.
func prism(p packet) []packet {
	b := binary.LittleEndian.AppendUint32(nil, 0x44)
	b = binary.LittleEndian.AppendUint32(b, 144)
	b = append(b, append([]byte("wlan0"), make([]byte, 11)...)...)
	for i := range uint32(10) {
		b = binary.LittleEndian.AppendUint32(b, 0x44|(i+1)<<12)
		b = append(b, 0, 0, 4, 0) // present, length
		b = binary.LittleEndian.AppendUint32(b, i)
	}
	return p.behind(noEther, b...)
}

// ppi is a header of Per-Packet Information with an 802.11-Common field, around
// a packet of another link type (PPI Packet Header Format, version 1.0.7).
func ppi(inner LinkType) layer {
	return func(p packet) []packet {
		b := []byte{0, 0, 32, 0}
		b = binary.LittleEndian.AppendUint32(b, uint32(inner))
		b = append(b, 2, 0, 20, 0)         // 802.11-Common
		b = append(b, make([]byte, 8)...)  // TSF
		b = append(b, 0, 0, 108, 0)        // flags, rate
		b = append(b, 0x3c, 0x14, 0x40, 1) // channel
		return p.behind(noEther, append(b, 0, 0, 0xc4, 0xa0)...)
	}
}
