package capture

import (
	"fmt"
	"slices"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// What a program can load besides the bytes of a packet, linux/filter.h: words
// that the kernel knows (SKF_AD_OFF), and bytes counted from the network header
// (SKF_NET_OFF).
const (
	auxiliary     = 0xfffff000
	auxProtocol   = auxiliary + 0
	auxPacketType = auxiliary + 4
	auxHardware   = auxiliary + 28
	auxTag        = auxiliary + 44
	auxHasTag     = auxiliary + 48
	auxTPID       = auxiliary + 60

	networkHeader = 0xfff00000
	kernelData    = 0x80000000 // offsets from here on are not of bytes of the packet
)

// Kinds of interfaces, linux/if_arp.h.
const (
	hwEthernet = 1
	hwLoopback = 772 // with the header of Ethernet
	hwWiFi     = 801
	hwPrism    = 802
	hwRadiotap = 803
)

const outgoing = 4 // PACKET_OUTGOING, linux/if_packet.h

// maxProgram is the number of instructions that the kernel takes.
const maxProgram = 4096

// Instructions, and the masks that take them apart; bpf(4).
const (
	loadWord  = 0x20
	jump      = 0x05
	jumpEqual = 0x15

	classMask, classLoad, classLoadX = 0x07, 0x00, 0x01
	sizeMask, sizeHalf, sizeByte     = 0x18, 0x08, 0x10
	modeMask, modeAbs, modeInd       = 0xe0, 0x20, 0x40
	modeLen, modeMSH                 = 0x80, 0xa0
)

// A label is a place in the kernel's program, in the order of the program.
type label uint32

const (
	start label = iota
	loopback
	ethernet
	untagged // a program for Ethernet
	tagged   // the same where the kernel took off the tag
	raw      // a program for bare IP
	pass
	drop
	labels
)

// kernelProgram makes one program of those that filter gives, for a socket that
// shows frames of all kinds of interfaces as they are:
//
//   - a packet that was sent on a loopback interface is dropped, because it will
//     be received there;
//   - a frame from which the kernel took the VLAN tag is looked at as if it were
//     still there;
//   - of interfaces whose headers are not known, IP passes the filter for bare IP.
//
// What passes is cut to snapLen.
func kernelProgram(filter func(LinkType) ([]bpf.RawInstruction, error), snapLen int) ([]bpf.RawInstruction, error) {
	take := []bpf.RawInstruction{{Op: ret, K: uint32(snapLen)}}
	if filter == nil {
		filter = func(LinkType) ([]bpf.RawInstruction, error) { return take, nil }
	}
	forEthernet, err := filter(LinkEthernet)
	if err != nil {
		return nil, err
	}
	parts := [labels][]bpf.RawInstruction{
		start: {
			{Op: loadWord, K: auxHardware},
			{Op: jumpEqual, K: hwEthernet, Jf: 1}, {Op: jump, K: uint32(ethernet)},
			{Op: jumpEqual, K: hwLoopback, Jf: 1}, {Op: jump, K: uint32(loopback)},
			{Op: jumpEqual, K: hwWiFi, Jt: 2},
			{Op: jumpEqual, K: hwPrism, Jt: 1},
			{Op: jumpEqual, K: hwRadiotap, Jf: 1}, {Op: jump, K: uint32(pass)},
			{Op: loadWord, K: auxProtocol},
			{Op: jumpEqual, K: 0x0800, Jt: 1},
			{Op: jumpEqual, K: 0x86dd, Jf: 1}, {Op: jump, K: uint32(raw)},
			{Op: jump, K: uint32(drop)},
		},
		loopback: {
			{Op: loadWord, K: auxPacketType},
			{Op: jumpEqual, K: outgoing, Jf: 1}, {Op: jump, K: uint32(drop)},
		},
		ethernet: {
			{Op: loadWord, K: auxHasTag},
			{Op: jumpEqual, K: 0, Jt: 1}, {Op: jump, K: uint32(tagged)},
		},
		untagged: forEthernet,
		tagged:   relocated(forEthernet, behindTag),
		raw:      take,
		pass:     take,
		drop:     {{Op: ret, K: 0}},
	}
	if forRaw, err := filter(LinkRaw); err == nil {
		parts[raw] = relocated(forRaw, fromNetworkHeader)
	}
	for _, spare := range []label{tagged, raw, untagged} {
		if size(&parts) > maxProgram {
			parts[spare] = take
		}
	}
	return link(&parts, snapLen), nil
}

func size(parts *[labels][]bpf.RawInstruction) (n int) {
	for _, p := range parts {
		n += len(p)
	}
	return n
}

// link joins the parts: jumps that name a label get their distance, and a
// return of anything gets the length to keep.
func link(parts *[labels][]bpf.RawInstruction, snapLen int) []bpf.RawInstruction {
	var at [labels]uint32
	for l := start + 1; l < labels; l++ {
		at[l] = at[l-1] + uint32(len(parts[l-1]))
	}
	var all []bpf.RawInstruction
	for l, part := range parts {
		for _, ins := range part {
			if ins.Op == jump && label(l) < untagged {
				ins.K = at[ins.K] - uint32(len(all)) - 1
			}
			all = append(all, keeping(ins, snapLen))
		}
	}
	return all
}

// relocated changes the loads of a program. Where it comes to one that cannot be
// changed, the packet passes.
func relocated(program []bpf.RawInstruction, move func(bpf.RawInstruction) (bpf.RawInstruction, bool)) []bpf.RawInstruction {
	moved := slices.Clone(program)
	for i, ins := range moved {
		if !loadsPacket(ins) {
			continue
		}
		var ok bool
		if moved[i], ok = move(ins); !ok {
			moved[i] = bpf.RawInstruction{Op: ret, K: 1}
		}
	}
	return moved
}

// loadsPacket tells the instructions that depend on how a packet begins.
func loadsPacket(ins bpf.RawInstruction) bool {
	class, mode := ins.Op&classMask, ins.Op&modeMask
	switch {
	case class != classLoad && class != classLoadX:
		return false
	case mode == modeLen:
		return true
	}
	return (mode == modeAbs || mode == modeInd || mode == modeMSH) && ins.K < kernelData
}

// behindTag changes a load from a frame with a VLAN tag behind its addresses to
// one from the frame without it.
func behindTag(ins bpf.RawInstruction) (bpf.RawInstruction, bool) {
	const addresses, tag = 12, 4
	mode, end := ins.Op&modeMask, ins.K+loadSize(ins.Op)
	switch {
	case mode == modeLen:
		return ins, false
	case ins.K >= addresses+tag:
		ins.K -= tag
		return ins, true
	case mode == modeInd:
		return ins, false
	case end <= addresses:
		return ins, true
	case ins.Op == loadWord|sizeHalf && ins.K == addresses:
		return bpf.RawInstruction{Op: loadWord, K: auxTPID}, true
	case ins.Op == loadWord|sizeHalf && ins.K == addresses+2:
		return bpf.RawInstruction{Op: loadWord, K: auxTag}, true
	}
	return ins, false
}

func loadSize(op uint16) uint32 {
	switch op & sizeMask {
	case sizeHalf:
		return 2
	case sizeByte:
		return 1
	}
	return 4
}

// fromNetworkHeader changes a load from a packet that begins with its network
// header to one from wherever that is.
func fromNetworkHeader(ins bpf.RawInstruction) (bpf.RawInstruction, bool) {
	const room = auxiliary - networkHeader // before the offsets get another meaning
	ok := ins.Op&modeMask != modeLen && ins.K < room
	ins.K += networkHeader
	return ins, ok
}

// attachFilter has a packet socket filter by a program.
func attachFilter(fd int, program []bpf.RawInstruction) error {
	code := make([]unix.SockFilter, len(program))
	for i, ins := range program {
		code[i] = unix.SockFilter{Code: ins.Op, Jt: ins.Jt, Jf: ins.Jf, K: ins.K}
	}
	prog := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog); err != nil {
		return fmt.Errorf("the kernel does not take the filter: %w", err)
	}
	return nil
}
