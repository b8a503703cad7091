//go:build !libpcap

package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// An interface that went away is looked for this often: at first, and at last.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 2 * time.Second
)

// A Live delivers the packets of an interface as they come. It is not for
// concurrent use.
//
// It needs the capability CAP_NET_RAW in Listen only: the socket stays the same
// when the interface goes away and comes back.
type Live struct {
	name string
	cfg  LiveConfig
	fd   int
	ring ring
	pace pace
	poll [1]unix.PollFd

	promiscuous int // number of the interface that was made promiscuous; 0: none
	away        bool
	pause       time.Duration // between the looks for an interface that is away
	look        time.Time     // when to look again

	numbers map[int32]int // of interfaces, by those of the kernel
	index   int32         // of the interface that showed the last packet
	number  int           // its number
	ifaces  interfaceTable
	stats   Stats
}

// Listen begins to capture on an interface, or on all for AnyInterface. Nothing
// from before the filter was set is delivered. It fails if there is no such
// interface, or no permission (CAP_NET_RAW); one that is down is waited for.
func Listen(name string, cfg *LiveConfig) (*Live, error) {
	l := &Live{name: name, cfg: cfg.withDefaults(), numbers: map[int32]int{}}
	l.stats = Stats{Inputs: 1, Size: -1}
	program, err := kernelProgram(l.cfg.Filter, l.cfg.SnapLen)
	if err != nil {
		return nil, err
	}
	// Of protocol 0 a socket gets no packets until it is bound to a protocol.
	l.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	switch {
	case errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES):
		return nil, noPermission("linux", name)
	case err != nil:
		return nil, fmt.Errorf("%s: no socket: %w", printable(name), err)
	}
	l.poll[0] = unix.PollFd{Fd: int32(l.fd), Events: unix.POLLIN}
	if err = l.prepare(program); err == nil {
		err = l.attach()
	}
	if err != nil && err != unix.ENETDOWN {
		l.Close()
		return nil, fmt.Errorf("%s: %w", printable(name), err)
	}
	return l, nil
}

// prepare sets up all that must be there before the first packet.
func (l *Live) prepare(program []bpf.RawInstruction) error {
	if err := attachFilter(l.fd, program); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(l.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return fmt.Errorf("the kernel has no TPACKET_V3: %w", err)
	}
	if err := unix.SetsockoptInt(l.fd, unix.SOL_PACKET, unix.PACKET_RESERVE, tagLen); err != nil {
		return err
	}
	blocks := max(minBlocks, min(l.cfg.Ring, MaxRing)/blockSize)
	req := unix.TpacketReq3{
		Block_size: blockSize, Block_nr: uint32(blocks),
		Frame_size: blockSize, Frame_nr: uint32(blocks),
		Retire_blk_tov: uint32(liveDelay.Milliseconds()),
	}
	err := unix.SetsockoptTpacketReq3(l.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req)
	if err == nil {
		l.ring.mem, err = unix.Mmap(l.fd, 0, blocks*blockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}
	if err != nil {
		return fmt.Errorf("no ring of %d KiB: %w", blocks*blockSize>>10, err)
	}
	return nil
}

// attach lets packets come, also when the interface has become another one of
// the same name. It is unix.ENETDOWN if the interface is down; then packets come
// once it is up.
func (l *Live) attach() error {
	all := binary.NativeEndian.Uint16([]byte{unix.ETH_P_ALL >> 8, unix.ETH_P_ALL}) // in network order
	if l.name == AnyInterface {
		return unix.Bind(l.fd, &unix.SockaddrLinklayer{Protocol: all})
	}
	index, up, err := l.lookUp()
	if err != nil {
		return err
	}
	if l.cfg.Promiscuous && l.promiscuous != index {
		mreq := unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC}
		if err := unix.SetsockoptPacketMreq(l.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &mreq); err != nil {
			return fmt.Errorf("no promiscuous mode (-p does without): %w", err)
		}
		l.promiscuous = index
	}
	if err := unix.Bind(l.fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: index}); err != nil {
		return err
	}
	if !up {
		return unix.ENETDOWN
	}
	return nil
}

// lookUp asks for the interface by its name.
func (l *Live) lookUp() (index int, up bool, err error) {
	ifr, err := unix.NewIfreq(l.name)
	if err != nil || unix.IoctlIfreq(l.fd, unix.SIOCGIFINDEX, ifr) != nil {
		return 0, false, errNoInterface
	}
	index = int(ifr.Uint32())
	if err := unix.IoctlIfreq(l.fd, unix.SIOCGIFFLAGS, ifr); err != nil {
		return 0, false, err
	}
	return index, ifr.Uint16()&unix.IFF_UP != 0, nil
}

// Next waits for the next packet. Its Data lie in the ring and are valid until
// the next call. Packets come in the order of the kernel, at the time of its
// clock. It returns ErrIdle now and then when there is none; any other error is
// the end.
func (l *Live) Next(p *Packet) error {
	f := l.ring.frame()
	for f == nil && l.doze() {
		f = l.ring.frame()
	}
	if f == nil {
		if err := l.wait(); err != nil {
			return err
		}
		if f = l.ring.frame(); f == nil {
			return ErrIdle
		}
	}
	l.packet(f, p)
	l.stats.count(p)
	return nil
}

// doze waits for a moment if packets keep coming.
func (l *Live) doze() bool {
	now, blocks := time.Now(), max(1, l.ring.blocks()/gatherParts)
	l.pace.runsDry(now, l.ring.turns)
	if l.pace.each > often {
		return false
	}
	for d := l.pace.nap(now, blocks); d > 0; d = l.pace.nap(now, blocks) {
		pause(nil, d)
		if l.ring.has(blocks) {
			return true
		}
		now = time.Now()
	}
	rest := liveTick - now.Sub(l.pace.dry)
	if rest <= 0 {
		return false
	}
	pause(l.poll[:], rest)
	return l.poll[0].Revents&^unix.POLLIN == 0
}

// wait waits until there may be something in the ring.
func (l *Live) wait() error {
	if l.away {
		return l.comeBack()
	}
	_, err := unix.Poll(l.poll[:], int(liveTick.Milliseconds()))
	for err == unix.EINTR {
		_, err = unix.Poll(l.poll[:], int(liveTick.Milliseconds()))
	}
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", printable(l.name), err)
	case l.poll[0].Revents&^unix.POLLIN == 0:
		return nil
	}
	number, err := unix.GetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", printable(l.name), err)
	case number != int(unix.ENETDOWN):
		return fmt.Errorf("%s: %w", printable(l.name), unix.Errno(number))
	}
	l.away, l.pause, l.look = true, firstPause, time.Now()
	l.cfg.Tell(printable(l.name) + " is down; waiting for it")
	return ErrIdle
}

// comeBack looks whether an interface that is away is there again.
func (l *Live) comeBack() error {
	if wait := time.Until(l.look); wait > 0 {
		time.Sleep(min(wait, liveTick))
		return ErrIdle
	}
	if l.attach() != nil {
		l.look = time.Now().Add(l.pause)
		l.pause = min(2*l.pause, lastPause)
		return ErrIdle
	}
	l.away = false
	l.cfg.Tell(printable(l.name) + " is up again")
	return nil
}

// packet makes a packet of a frame.
func (l *Live) packet(f frame, p *Packet) {
	link, known := linkOf(f.u16(frameHardware))
	begin, end := int(f.u16(frameMAC)), int(f.u16(frameMAC))+int(f.u32(frameSnapLen))
	wire := int(f.u32(frameLen))
	end = min(end, len(f))
	begin = min(begin, end)
	switch {
	case !known:
		network := min(max(begin, int(f.u16(frameNet))), end)
		wire -= network - begin
		begin = network
	case link == LinkEthernet && f.u32(frameStatus)&unix.TP_STATUS_VLAN_VALID != 0:
		if putTagBack(f, begin, end) {
			begin -= tagLen
			wire += tagLen
		}
	}
	if index := int32(f.u32(frameIndex)); index != l.index {
		l.index, l.number = index, l.numberOf(index, link)
	}
	data := f[begin:end:end]
	*p = Packet{
		Time:    int64(f.u32(frameSec))*1e9 + int64(f.u32(frameNsec)),
		Iface:   l.number,
		Link:    link,
		WireLen: wire,
		Data:    data[:min(len(data), l.cfg.SnapLen)],
	}
}

// linkOf is how packets of a kind of interface are delivered. What is not
// known here is taken from its network header on.
func linkOf(hardware uint16) (LinkType, bool) {
	switch hardware {
	case hwEthernet, hwLoopback:
		return LinkEthernet, true
	case hwWiFi:
		return LinkWiFi, true
	case hwPrism:
		return LinkPrism, true
	case hwRadiotap:
		return LinkRadiotap, true
	}
	return LinkRaw, false
}

// tagLen is the length of a VLAN tag, IEEE 802.1Q: its type and its content.
const tagLen = 4

// putTagBack puts the VLAN tag where the kernel took it from, for which it moves
// the addresses into the room before the frame.
func putTagBack(f frame, begin, end int) bool {
	const addresses = 12
	if end-begin < addresses || begin < frameHeader+tagLen {
		return false
	}
	tpid := uint16(0x8100)
	if f.u32(frameStatus)&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		tpid = f.u16(frameTPID)
	}
	copy(f[begin-tagLen:], f[begin:begin+addresses])
	at := f[begin-tagLen+addresses:]
	binary.BigEndian.PutUint16(at, tpid)
	binary.BigEndian.PutUint16(at[2:], uint16(f.u32(frameTCI)))
	return true
}

// numberOf returns the number of an interface, from 0 in the order in which they
// showed packets. One that comes back has the number that it had.
func (l *Live) numberOf(index int32, link LinkType) int {
	n, ok := l.numbers[index]
	if ok {
		return n
	}
	name := l.name
	if name == AnyInterface {
		var ifr unix.Ifreq
		ifr.SetUint32(uint32(index))
		unix.IoctlIfreq(l.fd, unix.SIOCGIFNAME, &ifr) // it may be gone: it has no name then
		name = ifr.Name()
	}
	n = l.ifaces.named(Interface{Name: name, Link: link, SnapLen: l.cfg.SnapLen, Drops: -1})
	if len(l.numbers) == maxInterfaces {
		clear(l.numbers)
	}
	l.numbers[index] = n
	return n
}

// named is the number of the interface with the name of i, which is i if there is
// none yet.
func (t *interfaceTable) named(i Interface) int {
	if n := slices.IndexFunc(t.list, func(known Interface) bool { return known.Name == i.Name }); n >= 0 {
		return n
	}
	return t.add(i)
}

// Interface describes the interface that a Packet.Iface stands for.
func (l *Live) Interface(i int) Interface { return l.ifaces.at(i) }

// Stats tells what has come so far. Drops are the packets that found no room in
// the ring.
func (l *Live) Stats() Stats {
	if s, err := unix.GetsockoptTpacketStatsV3(l.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
		l.stats.Drops += int64(s.Drops) // reading sets the kernel's count to zero
	}
	st := l.stats
	st.Ring, st.RingHigh, st.Away = int64(len(l.ring.mem)), int64(l.ring.high)*blockSize, l.away
	st.Interfaces = append([]Interface(nil), l.ifaces.list...)
	return st
}

// Close ends the capture. The Data of the last packet are not valid any more.
func (l *Live) Close() error {
	if l.ring.mem != nil {
		unix.Munmap(l.ring.mem)
		l.ring.mem = nil
	}
	return unix.Close(l.fd)
}
