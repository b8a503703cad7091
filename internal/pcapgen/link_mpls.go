package pcapgen

import "encoding/binary"

// mpls is a stack of labels, outermost first (RFC 3032, Section 2.1).
func mpls(labels ...uint32) layer {
	return func(p packet) []packet {
		var b []byte
		for i, label := range labels {
			entry := label<<12 | 63 // time to live
			if i == len(labels)-1 {
				entry |= 1 << 8 // bottom of the stack
			}
			b = binary.BigEndian.AppendUint32(b, entry)
		}
		return p.behind(etherMPLS, b...)
	}
}

// controlWord goes before the frame of a pseudowire (RFC 4448, Section 4.6). It
// has a sequence number of 16 bits.
func controlWord(p packet) []packet {
	return p.behind(noEther, binary.BigEndian.AppendUint32(nil, uint32(p.sent[p.from]+1))...)
}
