package workload

import (
	"bufio"
	"encoding/binary"
	"io"
)

// A captureFile writes packets as classic pcap or as pcapng, little-endian,
// with times in microseconds and Ethernet as link type.
type captureFile struct {
	w       *bufio.Writer // its error stays and comes out of flush
	ng      bool
	packets int64
	bytes   int64
	head    []byte // of the record being written
}

const (
	snapLen      = 262144
	linkEthernet = 1
)

func newCaptureFile(w io.Writer, ng bool) *captureFile {
	f := &captureFile{w: bufio.NewWriterSize(w, 1<<20), ng: ng}
	if ng {
		f.write(pcapngHeader())
	} else {
		f.write(pcapHeader())
	}
	return f
}

func pcapHeader() []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4) // microseconds
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...) // time zone, accuracy
	b = le.AppendUint32(b, snapLen)
	return le.AppendUint32(b, linkEthernet)
}

// pcapngHeader is a section header and one interface, whose times are in
// microseconds because it does not say otherwise.
func pcapngHeader() []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0x0a0d0d0a)
	b = le.AppendUint32(b, 28)
	b = le.AppendUint32(b, 0x1a2b3c4d)
	b = le.AppendUint16(b, 1)
	b = le.AppendUint16(b, 0)
	b = le.AppendUint64(b, ^uint64(0)) // length of the section: not stated
	b = le.AppendUint32(b, 28)

	b = le.AppendUint32(b, 1)
	b = le.AppendUint32(b, 20)
	b = le.AppendUint16(b, linkEthernet)
	b = le.AppendUint16(b, 0)
	b = le.AppendUint32(b, snapLen)
	return le.AppendUint32(b, 20)
}

// packet writes one packet captured at the given microsecond.
func (f *captureFile) packet(at int64, data []byte) {
	f.packets++
	if f.ng {
		f.enhancedPacket(at, data)
		return
	}
	le := binary.LittleEndian
	b := le.AppendUint32(f.head[:0], uint32(at/second))
	b = le.AppendUint32(b, uint32(at%second))
	b = le.AppendUint32(b, uint32(len(data)))
	b = le.AppendUint32(b, uint32(len(data)))
	f.write(b)
	f.write(data)
	f.head = b
}

func (f *captureFile) enhancedPacket(at int64, data []byte) {
	le := binary.LittleEndian
	pad := -len(data) & 3
	length := uint32(32 + len(data) + pad)
	b := le.AppendUint32(f.head[:0], 6)
	b = le.AppendUint32(b, length)
	b = le.AppendUint32(b, 0) // interface
	b = le.AppendUint32(b, uint32(at>>32))
	b = le.AppendUint32(b, uint32(at))
	b = le.AppendUint32(b, uint32(len(data)))
	b = le.AppendUint32(b, uint32(len(data)))
	f.write(b)
	f.write(data)
	b = le.AppendUint32(append(b[:0], 0, 0, 0)[:pad], length)
	f.write(b)
	f.head = b
}

func (f *captureFile) write(b []byte) {
	f.w.Write(b)
	f.bytes += int64(len(b))
}

func (f *captureFile) flush() error { return f.w.Flush() }
