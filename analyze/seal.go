package analyze

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// In the journal an attempt has two parts. Its exchange is what the messages
// showed; its ending, behind it or apart, what the rest of the connection did.
//
//	ending alone:  place of the exchange, ending
//	both:          0, length of the exchange, exchange, ending

// Flags of a packed exchange.
const (
	packAsked = 1 << iota
	packAnswered
	packServerFirst // the client sends in the direction flow.BtoA
	packRight
	packExtra
	packTLS    // no exchange, but a TLS connection
	packInside // it was inside TLS, which follows
	packH2     // it is a stream of HTTP/2, which follows
)

// exchange packs what was noted of an attempt up to now.
func (p *packer) exchange(d *draft) {
	flags := byte(0)
	set := func(bit byte, on bool) {
		if on {
			flags |= bit
		}
	}
	extra := d.interim != nil || d.tunnel != "" || len(d.body) > 0 || d.evidence != (evidence{forgotten: d.forgotten, right: d.right})
	set(packAsked, d.asked)
	set(packAnswered, d.answered)
	set(packServerFirst, d.client == flow.BtoA)
	set(packRight, d.right)
	set(packExtra, extra)
	set(packInside, d.outer != nil)
	set(packH2, d.h2 != nil)
	p.b = append(p.b, flags)
	p.b = append(p.b, d.packed...)
	if d.outer != nil {
		d.outer.summarise()
		d.outer.unread()
		p.tls(d.outer)
	}
	if d.h2 != nil {
		p.h2(&d.h2.H2, d.done)
	}
	if !extra {
		return
	}
	p.uint(uint64(len(d.interim)))
	for _, status := range d.interim {
		p.uint(uint64(status))
	}
	p.text([]byte(d.tunnel))
	p.text(d.body)
	p.text([]byte(d.alien))
	p.seen(d.alienAt, d.done)
	p.flag(d.unread)
	p.seen(d.earlyData, d.done)
	p.seen(d.framesAfterRefusal, d.done)
	p.seen(d.nextRequest, d.done)
}

// exchange reads it into an attempt, whose messages are stored in s.
func (u *unpacker) exchange(t *Attempt, s *store, all *certificates) {
	flags := u.byte()
	done := flow.Stamp{}
	if flags&packServerFirst != 0 {
		t.ClientDir = flow.BtoA
	}
	if flags&packTLS != 0 {
		t.TLS = &s.tls
		u.where()
		u.tls(t.TLS, all)
		t.Tunnel = string(u.text())
		return
	}
	if flags&packAsked != 0 {
		t.Request = &s.request
		u.message(t.Request, done)
		done = t.Request.Done
	}
	if flags&packAnswered != 0 {
		t.Response = &s.response
		u.message(t.Response, done)
		done = t.Response.Done
	}
	t.right = flags&packRight != 0
	if flags&packInside != 0 {
		t.TLS = &s.tls
		u.tls(t.TLS, all)
	}
	if flags&packH2 != 0 {
		t.H2 = &s.h2
		u.h2(t.H2, done)
	}
	if flags&packExtra == 0 {
		return
	}
	for range u.uint() {
		t.Interim = append(t.Interim, int(u.uint()))
	}
	t.Tunnel = string(u.text())
	if body := u.text(); len(body) > 0 {
		t.Response.Body = string(body)
	}
	t.alien, t.alienAt = string(u.text()), u.seen(done)
	t.unread = u.flag()
	t.earlyData, t.framesAfterRefusal, t.nextRequest = u.seen(done), u.seen(done), u.seen(done)
}

func (p *packer) flag(on bool) {
	if on {
		p.b = append(p.b, 1)
	} else {
		p.b = append(p.b, 0)
	}
}

func (u *unpacker) flag() bool { return u.byte() != 0 }

// ending packs how a connection went on. w is nil if it was not upgraded.
func (p *packer) ending(e *flow.Evidence, w *socket, forgotten bool) {
	p.addr(e)
	p.uint(uint64(e.ID))
	p.stamp(e.First, flow.Stamp{})
	p.handshake(e)
	p.closes(e)
	p.gaps(e)
	p.flag(forgotten)
	p.frames(w, e.First)
}

func (u *unpacker) ending(t *Attempt) {
	e := t.Conn
	u.addr(e)
	e.ID = int(u.uint())
	e.First = u.stamp(flow.Stamp{})
	u.handshake(e)
	u.closes(e)
	u.gaps(e)
	t.forgotten = u.flag()
	u.frames(t)
}

// addr packs the addresses.
func (p *packer) addr(e *flow.Evidence) {
	a, b := e.A.Addr(), e.B.Addr()
	p.flag(a.Is6())
	if a.Is6() {
		x, y := a.As16(), b.As16()
		p.b = append(append(p.b, x[:]...), y[:]...)
	} else {
		x, y := a.As4(), b.As4()
		p.b = append(append(p.b, x[:]...), y[:]...)
	}
	p.b = binary.LittleEndian.AppendUint16(p.b, e.A.Port())
	p.b = binary.LittleEndian.AppendUint16(p.b, e.B.Port())
}

func (u *unpacker) addr(e *flow.Evidence) {
	n := 4
	if u.flag() {
		n = 16
	}
	a, b := u.ip(n), u.ip(n)
	port := func() uint16 { return binary.LittleEndian.Uint16(u.bytes(2)) }
	e.A = netip.AddrPortFrom(a, port())
	e.B = netip.AddrPortFrom(b, port())
}

func (u *unpacker) ip(n int) netip.Addr {
	ip, _ := netip.AddrFromSlice(u.bytes(n))
	return ip
}

// Flags of a packed handshake.
const (
	packSYNFirst = 1 << iota // the SYN is the first packet
	packSYN
	packSYNACK
	packSYNDir
)

func (p *packer) handshake(e *flow.Evidence) {
	flags := byte(e.SYNDir) * packSYNDir
	switch {
	case e.SYN == e.First:
		flags |= packSYNFirst
	case e.SYN.Seen():
		flags |= packSYN
	}
	if e.SYNACK.Seen() {
		flags |= packSYNACK
	}
	p.b = append(p.b, flags)
	if flags&packSYN != 0 {
		p.stamp(e.SYN, e.First)
	}
	if flags&packSYNACK != 0 {
		p.stamp(e.SYNACK, e.First)
	}
}

func (u *unpacker) handshake(e *flow.Evidence) {
	flags := u.byte()
	if flags&packSYNDir != 0 {
		e.SYNDir = flow.BtoA
	}
	switch {
	case flags&packSYNFirst != 0:
		e.SYN = e.First
	case flags&packSYN != 0:
		e.SYN = u.stamp(e.First)
	}
	if flags&packSYNACK != 0 {
		e.SYNACK = u.stamp(e.First)
	}
}

// closes packs the first FIN and RST of each direction.
func (p *packer) closes(e *flow.Evidence) {
	flags := byte(0)
	for dir := range 2 {
		if e.FIN[dir].Seen() {
			flags |= 1 << dir
		}
		if e.RST[dir].Seen() {
			flags |= 4 << dir
		}
	}
	p.b = append(p.b, flags)
	for dir := range 2 {
		if flags&(1<<dir) != 0 {
			p.stamp(e.FIN[dir], e.First)
			p.u32(e.FINSeq[dir])
			p.u32(e.FINAck[dir])
		}
		if flags&(4<<dir) != 0 {
			p.stamp(e.RST[dir], e.First)
		}
	}
}

func (u *unpacker) closes(e *flow.Evidence) {
	flags := u.byte()
	for dir := range 2 {
		if flags&(1<<dir) != 0 {
			e.FIN[dir] = u.stamp(e.First)
			e.FINSeq[dir], e.FINAck[dir] = u.u32(), u.u32()
		}
		if flags&(4<<dir) != 0 {
			e.RST[dir] = u.stamp(e.First)
		}
	}
}

// gaps packs what the capture may lack of the connection.
func (p *packer) gaps(e *flow.Evidence) {
	flags := byte(0)
	for i, on := range [...]bool{e.Sent[0], e.Sent[1], e.Acked[0], e.Acked[1], e.Unseen[0], e.Unseen[1]} {
		if on {
			flags |= 1 << i
		}
	}
	more := e.Retrans != [2]int32{} || e.Cut != [2]int32{} || e.Lost != [2]int64{} || len(e.Doubts) > 0
	if more {
		flags |= 1 << 6
	}
	if p.b = append(p.b, flags); !more {
		return
	}
	for dir := range 2 {
		p.uint(uint64(e.Retrans[dir]))
		p.uint(uint64(e.Cut[dir]))
		p.uint(uint64(e.Lost[dir]))
	}
	p.uint(uint64(len(e.Doubts)))
	for i := range e.Doubts {
		p.doubt(&e.Doubts[i], e.First)
	}
}

func (u *unpacker) gaps(e *flow.Evidence) {
	flags := u.byte()
	for i, on := range [...]*bool{&e.Sent[0], &e.Sent[1], &e.Acked[0], &e.Acked[1], &e.Unseen[0], &e.Unseen[1]} {
		*on = flags&(1<<i) != 0
	}
	if flags&(1<<6) == 0 {
		return
	}
	for dir := range 2 {
		e.Retrans[dir], e.Cut[dir], e.Lost[dir] = int32(u.uint()), int32(u.uint()), int64(u.uint())
	}
	for range u.uint() {
		e.Doubts = append(e.Doubts, u.doubt(e.First))
	}
}

func (p *packer) doubt(d *flow.Doubt, base flow.Stamp) {
	p.uint(uint64(d.Kind))
	p.uint(uint64(d.Dir))
	p.int(d.Offset)
	p.int(int64(d.Len))
	for _, on := range [...]bool{d.Wide, d.Acked, d.Linux, d.BSD} {
		p.flag(on)
	}
	p.seen(d.First, base)
	p.seen(d.Second, base)
}

func (u *unpacker) doubt(base flow.Stamp) flow.Doubt {
	d := flow.Doubt{Kind: flow.DoubtKind(u.uint()), Dir: flow.Dir(u.uint()), Offset: u.int(), Len: int(u.int())}
	for _, on := range [...]*bool{&d.Wide, &d.Acked, &d.Linux, &d.BSD} {
		*on = u.flag()
	}
	d.First, d.Second = u.seen(base), u.seen(base)
	return d
}

// frames packs what was sent behind a 101; nothing if w is nil, or silent.
func (p *packer) frames(w *socket, base flow.Stamp) {
	if w == nil || w.dirs == [2]frames{} {
		p.flag(false)
		return
	}
	p.flag(true)
	for _, dir := range [...]flow.Dir{w.client, w.client.Reverse()} {
		c := w.dirs[dir].count()
		p.flag(c.Unclear)
		for _, n := range [...]int{c.Text, c.Binary, c.Continuation, c.Ping, c.Pong, c.Close} {
			p.uint(uint64(n))
		}
		p.uint(uint64(c.Bytes))
		p.seen(w.stamps[dir].first, base)
		p.uint(uint64(w.strayAt(dir, strayHTTP).Frame))
	}
	p.int(w.latest - base.Time)
	p.uint(uint64(w.strayAt(w.client.Reverse(), strayCRLF).Frame))
	p.seen(w.strayAt(w.client, strayRefusal), base)
	p.seen(w.close.at, base)
	if w.close.at.Seen() {
		p.uint(uint64(w.close.by))
		p.int(int64(w.close.code))
		p.text(p.journal.reason(w.close.reason))
	}
}

func (u *unpacker) frames(t *Attempt) {
	if !u.flag() {
		return
	}
	base := t.Conn.First
	for i := range t.Frames {
		c := &t.Frames[i]
		c.Unclear = u.flag()
		for _, n := range [...]*int{&c.Text, &c.Binary, &c.Continuation, &c.Ping, &c.Pong, &c.Close} {
			*n = int(u.uint())
		}
		c.Bytes = int64(u.uint())
		t.firstBytes[i] = u.seen(base)
		if frame := int(u.uint()); frame != 0 {
			t.add(HTTPResponseAfter101, Side(i)+Client, frame, "", textHTTP, "a frame")
		}
	}
	t.lastFrame = base.Time + u.int()
	if frame := int(u.uint()); frame != 0 {
		t.add(ExtraCRLFAfterHead, Server, frame, "", "CR LF", "a frame")
	}
	t.refusal = u.seen(base)
	if at := u.seen(base); at.Seen() {
		t.closeFrame = Close{By: Side(u.uint()), How: CloseFrame, Code: int(u.int()), At: at}
		t.closeFrame.Reason = string(u.text())
	}
}

// seal keeps a listed attempt whose connection was not upgraded, or not by it. w
// is what it opened on a stream of HTTP/2; nil: nothing.
func (a *Analyzer) seal(d *draft, e *flow.Evidence, w *socket) {
	a.keepBoth(d, e, w)
	if a.watch != nil {
		a.watch.note(d.entry, true)
	}
	if d.h2 == nil || !d.answered { // else it was counted with its answer
		a.decided++
	}
	a.turnout.add(e.Addr(d.client).Addr())
	a.noteServer(e.Addr(d.client.Reverse()).Addr())
	a.free(d)
}

// keepBoth keeps an attempt together with what its connection showed.
func (a *Analyzer) keepBoth(d *draft, e *flow.Evidence, w *socket) {
	a.packer.b = a.packer.whole[:0]
	a.packer.exchange(d)
	exchange := a.packer.b
	a.packer.b = append(a.packer.both[:0], 0)
	a.packer.text(exchange)
	a.packer.ending(e, w, d.forgotten)
	a.entries.at(d.entry).set(a.journal.write(a.packer.b), d)
	a.packer.whole, a.packer.both = exchange, a.packer.b
}

// keepExchange keeps what the messages showed of an attempt that opened a WebSocket
// on a connection.
func (a *Analyzer) keepExchange(d *draft, c *flow.Conn) {
	switch {
	case d.entry == 0:
	case a.watch != nil:
		a.preview(d, c)
		a.decided++
	default:
		a.packer.b = a.packer.whole[:0]
		a.packer.exchange(d)
		a.entries.at(d.entry).set(a.journal.write(a.packer.b), d)
		a.decided++
		a.packer.whole = a.packer.b
	}
	a.free(d)
}

// keepEnding keeps how its connection went on.
func (a *Analyzer) keepEnding(w *socket, e *flow.Evidence) {
	if w.entry == 0 {
		return
	}
	t := a.entries.at(w.entry)
	a.packer.b = a.packer.whole[:0]
	if a.watch != nil { // then it is with what the connection showed before
		exchange, _ := a.open(t.at & placeMask)
		a.packer.b = append(a.packer.b, 0)
		a.packer.text(exchange.b)
		a.watch.note(w.entry, true)
	} else {
		a.packer.uint(uint64(t.at & placeMask))
	}
	a.packer.ending(e, w, w.forgotten)
	t.at = a.journal.write(a.packer.b) | t.at&^placeMask
	a.turnout.add(e.Addr(w.client).Addr())
	a.noteServer(e.Addr(w.client.Reverse()).Addr())
	a.packer.whole = a.packer.b
}

func cloneEvidence(e *flow.Evidence) *flow.Evidence {
	c := *e
	c.Doubts = slices.Clone(e.Doubts)
	return &c
}
