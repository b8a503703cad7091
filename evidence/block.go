package evidence

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"github.com/wssniff/wssniff/capture"
)

// Block types and options of pcapng, draft-ietf-opsawg-pcapng, Section 4.
const (
	blockSection    = 0x0a0d0d0a
	blockInterface  = 1
	blockStatistics = 5
	blockEnhanced   = 6

	byteOrderMagic = 0x1a2b3c4d

	optEnd     = 0
	optComment = 1
	optUser    = 4 // shb_userappl
	optName    = 2 // if_name
	optResol   = 9 // if_tsresol
	optEndTime = 3 // isb_endtime
	optOSDrop  = 7 // isb_osdrop

	nanoseconds = 9 // if_tsresol: ten to the minus nine
)

const (
	maxComment  = 4 << 10 // bytes of one comment
	maxComments = 64      // of one packet
)

// statisticsLen is what appendStatistics appends.
const statisticsLen = 12 + 12 + 12 + 12 + 4

// appendBlock appends a block: what body appends, between its type and lengths.
// Everything is little-endian.
func appendBlock(dst []byte, kind uint32, body func([]byte) []byte) []byte {
	start := len(dst)
	dst = le32(dst, kind, 0)
	dst = body(dst)
	total := uint32(len(dst) - start + 4)
	binary.LittleEndian.PutUint32(dst[start+4:], total)
	return le32(dst, total)
}

func le32(dst []byte, words ...uint32) []byte {
	for _, w := range words {
		dst = binary.LittleEndian.AppendUint32(dst, w)
	}
	return dst
}

func appendOption[T string | []byte](dst []byte, code uint16, value T) []byte {
	dst = binary.LittleEndian.AppendUint16(dst, code)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(value)))
	return pad(append(dst, value...), len(value))
}

// pad fills up to a multiple of four what n bytes were appended of.
func pad(dst []byte, n int) []byte { return append(dst, make([]byte, -n&3)...) }

// appendSection appends a Section Header Block, Section 4.1.
func appendSection(dst []byte) []byte {
	return appendBlock(dst, blockSection, func(b []byte) []byte {
		b = le32(b, byteOrderMagic, 1)          // version 1.0
		b = le32(b, 0xffffffff, 0xffffffff)     // of unknown length
		b = appendOption(b, optUser, "wssniff") // by name only: the same input gives the same file
		return appendOption[string](b, optEnd, "")
	})
}

// appendInterface appends an Interface Description Block, Section 4.2.
func appendInterface(dst []byte, link capture.LinkType, i capture.Interface) []byte {
	return appendBlock(dst, blockInterface, func(b []byte) []byte {
		b = le32(b, uint32(uint16(link)), uint32(i.SnapLen))
		if i.Name != "" {
			b = appendOption(b, optName, strings.ToValidUTF8(i.Name, "?"))
		}
		b = appendOption(b, optResol, []byte{nanoseconds})
		return appendOption[string](b, optEnd, "")
	})
}

// appendPacket appends an Enhanced Packet Block, Section 4.3.
func appendPacket(dst []byte, id uint32, p *capture.Packet, comments []string) []byte {
	return appendBlock(dst, blockEnhanced, func(b []byte) []byte {
		t := uint64(max(p.Time, 0))
		b = le32(b, id, uint32(t>>32), uint32(t), uint32(len(p.Data)), uint32(p.WireLen))
		b = pad(append(b, p.Data...), len(p.Data))
		if len(comments) == 0 {
			return b
		}
		for _, c := range comments[:min(len(comments), maxComments)] {
			b = appendOption(b, optComment, shorten(c))
		}
		return appendOption[string](b, optEnd, "")
	})
}

// shorten cuts a comment that is too long, not inside of a character.
func shorten(c string) string {
	const more = "..."
	if len(c) <= maxComment {
		return c
	}
	end := maxComment - len(more)
	for end > 0 && !utf8.RuneStart(c[end]) {
		end--
	}
	return c[:end] + more
}

// appendStatistics appends an Interface Statistics Block, Section 4.6: when the
// capture ended, in nanoseconds, and how many packets the system lost, if that is
// known.
func appendStatistics(dst []byte, id uint32, end, drops int64) []byte {
	return appendBlock(dst, blockStatistics, func(b []byte) []byte {
		t := uint64(max(end, 0))
		at := le32(nil, uint32(t>>32), uint32(t))
		b = append(le32(b, id), at...)
		b = appendOption(b, optEndTime, at)
		if drops >= 0 {
			b = appendOption(b, optOSDrop, binary.LittleEndian.AppendUint64(nil, uint64(drops)))
		}
		return appendOption[string](b, optEnd, "")
	})
}
