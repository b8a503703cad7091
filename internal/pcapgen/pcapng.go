package pcapgen

// Block types and option codes of pcapng (draft-ietf-opsawg-pcapng).
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 6
	blockSecrets   = 10

	sectionMagic = 0x1a2b3c4d
	tlsKeyLog    = 0x544c534b

	optEnd       = 0
	optIfName    = 2
	optIfTsresol = 9
)

// A section is a section of a pcapng file: its own byte order, its own
// interfaces.
type section struct {
	order  byteOrder
	ifaces []*Iface
}

// Section starts a new section. It has no interface yet.
func (g *Capture) Section(order byteOrder) {
	g.sections = append(g.sections, &section{order: order})
}

// Reset drops the sections made so far, for a capture that chooses its own.
func (g *Capture) Reset() { g.sections, g.iface = nil, nil }

// pcapng returns the capture as a pcapng file with nanosecond timestamps.
// Packets must have been stored section by section.
func (g *Capture) pcapng() []byte {
	var b []byte
	for _, s := range g.sections {
		b = s.appendHeader(b)
		if g.keyLog != "" {
			b = s.appendSecrets(b, g.keyLog)
		}
		for _, r := range g.recs {
			if r.iface.section == s {
				b = s.appendPacket(b, r)
			}
		}
	}
	return b
}

func (s *section) appendHeader(b []byte) []byte {
	body := s.order.AppendUint32(nil, sectionMagic)
	body = s.order.AppendUint16(body, 1)
	body = s.order.AppendUint16(body, 0)
	body = s.order.AppendUint64(body, ^uint64(0)) // length not stated
	b = s.appendBlock(b, blockSection, body)
	for _, f := range s.ifaces {
		b = s.appendInterface(b, f)
	}
	return b
}

func (s *section) appendSecrets(b []byte, log string) []byte {
	body := s.order.AppendUint32(nil, tlsKeyLog)
	body = s.order.AppendUint32(body, uint32(len(log)))
	return s.appendBlock(b, blockSecrets, pad4(append(body, log...)))
}

func (s *section) appendInterface(b []byte, f *Iface) []byte {
	body := s.order.AppendUint16(nil, uint16(f.link))
	body = s.order.AppendUint16(body, 0)
	body = s.order.AppendUint32(body, snapLen)
	body = s.appendOption(body, optIfName, []byte{'e', 't', 'h', '0' + byte(f.index)})
	body = s.appendOption(body, optIfTsresol, []byte{9})
	body = s.appendOption(body, optEnd, nil)
	return s.appendBlock(b, blockInterface, body)
}

func (s *section) appendPacket(b []byte, r record) []byte {
	ns := uint64(r.at.UnixNano())
	body := s.order.AppendUint32(nil, uint32(r.iface.index))
	body = s.order.AppendUint32(body, uint32(ns>>32))
	body = s.order.AppendUint32(body, uint32(ns))
	body = s.order.AppendUint32(body, uint32(len(r.data)))
	body = s.order.AppendUint32(body, uint32(r.wire))
	body = append(body, r.data...)
	return s.appendBlock(b, blockPacket, pad4(body))
}

func (s *section) appendOption(b []byte, code uint16, value []byte) []byte {
	b = s.order.AppendUint16(b, code)
	b = s.order.AppendUint16(b, uint16(len(value)))
	return pad4(append(b, value...))
}

func (s *section) appendBlock(b []byte, kind uint32, body []byte) []byte {
	length := uint32(12 + len(body))
	b = s.order.AppendUint32(b, kind)
	b = s.order.AppendUint32(b, length)
	b = append(b, body...)
	return s.order.AppendUint32(b, length)
}

func pad4(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
