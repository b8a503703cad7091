//go:build !libpcap

package capture

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/wssniff/wssniff/internal/prefetch"
)

// blockSize is the size of a block of the ring. A packet is never longer than
// a block, which is as much as Config.MaxPacket allows.
const blockSize = 256 << 10

// minBlocks are what is needed that the kernel can fill one while another is
// read.
const minBlocks = 2

// A ring is memory shared with the kernel, which fills it block by block and
// does not touch a block again until it is given back (packet_mmap.rst of the
// kernel's documentation, TPACKET_V3).
//
// A block begins with struct tpacket_block_desc, each frame in it with struct
// tpacket3_hdr and struct sockaddr_ll, all in the machine's byte order but for
// the protocol. All fields have the same size and place on all machines.
type ring struct {
	mem   []byte
	block []byte // the one that is being read; nil: none
	next  int    // number of the block that comes next
	left  uint32 // frames of block that are still to be read
	at    uint32 // where the next one is
	asked int    // what the processor was asked for ends here
	high  int    // blocks that waited to be read at once, at most
	turns int    // blocks that were read so far
}

// Offsets in a block.
const (
	blockStatus = 8
	blockFrames = 12
	blockFirst  = 16
)

// A frame is a packet in the ring with the headers before it, at the offsets
// below.
type frame []byte

const (
	frameNext     = 0
	frameSec      = 4
	frameNsec     = 8
	frameSnapLen  = 12 // bytes that are there
	frameLen      = 16 // bytes on the wire
	frameStatus   = 20
	frameMAC      = 24 // where the packet begins
	frameNet      = 26 // where its network header does
	frameTCI      = 32
	frameTPID     = 36
	frameIndex    = 52 // of the interface
	frameHardware = 56 // kind of the interface, ARPHRD_
	frameHeader   = 68
)

func (f frame) u16(at int) uint16 { return binary.NativeEndian.Uint16(f[at:]) }
func (f frame) u32(at int) uint32 { return binary.NativeEndian.Uint32(f[at:]) }

// frame returns the next frame, or nil if there is none yet. It is valid until
// the next call.
func (r *ring) frame() frame {
	if r.left == 0 && !r.turn() {
		return nil
	}
	r.left--
	f := frame(r.block[min(int(r.at), len(r.block)):])
	if len(f) < frameHeader {
		r.left = 0 // no kernel does this
		return nil
	}
	r.at += f.u32(frameNext)
	r.prefetch()
	return f
}

// lead is how many bytes behind the frame at hand are asked for.
const lead = 4 << 10

// prefetch asks for what comes soon, as another processor wrote it and it takes a
// while to come: for all of it, in one row, because that costs less than to wait for
// the part that somebody reads.
func (r *ring) prefetch() {
	r.asked = max(r.asked, int(r.at))
	for end := min(int(r.at)+lead, blockSize); r.asked < end; r.asked += prefetch.Size {
		prefetch.Lines(&r.block[r.asked])
	}
}

func (r *ring) blocks() int { return len(r.mem) / blockSize }

// turn gives the block back that was read and goes on to the next one, if the
// kernel is done with it.
func (r *ring) turn() bool {
	r.giveBack()
	b := r.mem[r.next*blockSize:][:blockSize:blockSize]
	if atomic.LoadUint32(status(b))&unix.TP_STATUS_USER == 0 {
		return false
	}
	r.mark()
	r.block, r.asked = b, 0
	r.next = (r.next + 1) % r.blocks()
	r.left = frame(b).u32(blockFrames)
	r.at = frame(b).u32(blockFirst)
	r.turns++
	return r.left > 0
}

// has reports whether so many blocks wait to be read.
func (r *ring) has(blocks int) bool {
	b := r.mem[(r.next+blocks-1)%r.blocks()*blockSize:]
	return atomic.LoadUint32(status(b))&unix.TP_STATUS_USER != 0
}

// mark notes how many blocks wait. The kernel fills one after the other, so it
// costs one look, at the first that would be more than ever.
func (r *ring) mark() {
	for blocks := r.blocks(); r.high < blocks; r.high++ {
		b := r.mem[(r.next+r.high)%blocks*blockSize:]
		if atomic.LoadUint32(status(b))&unix.TP_STATUS_USER == 0 {
			return
		}
	}
}

func (r *ring) giveBack() {
	if r.block != nil {
		atomic.StoreUint32(status(r.block), unix.TP_STATUS_KERNEL)
		r.block = nil
	}
}

// status is the word by which a block changes hands: what the other side wrote
// before is seen after it.
func status(block []byte) *uint32 {
	return (*uint32)(unsafe.Pointer(&block[blockStatus]))
}
