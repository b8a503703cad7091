package analyze

import (
	"math"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// An H2 is what shows of the HTTP/2 stream that an attempt is. Its heads are
// written as those of HTTP/1 (see h2Head); this is what they have no place for.
type H2 struct {
	Stream    uint32    // identifier
	Connect   bool      // an extended CONNECT, RFC 8441; else what opens a WebSocket in HTTP/1
	Settings  bool      // SETTINGS of the server were seen
	Announced bool      // among them, that it takes extended CONNECT
	Ends      [2]H2End  // how the client, and the server, ended the stream; not seen: it did not
	GaveUp    bool      // the server had the client's RST_STREAM when it ended the stream, or the connection
	GoAway    H2End     // the server's last GOAWAY
	Last      uint32    // the last stream that it leaves alone, valid iff GoAway is seen
	Faults    [2]string // the first thing that RFC 9113, Sections 8.2 and 8.3, or RFC 8441 forbids the request, and the response; "" if there is none
	blind     [2]blindness
	size      [2]int // bytes of the header blocks with their frames, of the request and of the response
}

// An H2End is what one side said when it ended a stream, or the connection.
type H2End struct {
	At    flow.Stamp
	Error bool   // by RST_STREAM or GOAWAY
	Code  uint32 // its error code, RFC 9113, Section 7

	seq, ack uint32 // of that frame, and of its packet, valid iff Error, while the connection goes on
}

// An h2Stream is an attempt on an HTTP/2 connection.
type h2Stream struct {
	H2
	draft  *draft
	socket uint32 // of its frames, valid iff framed
	framed bool   // DATA came
	sample bool   // the server's DATA is the body of a refusal
}

// stream returns the attempt that is a stream; nil: it is none, or that side ended it.
func (h *h2) stream(s *stream, dir flow.Dir, id uint32) *h2Stream {
	if x := h.streams[id]; x != nil && !x.Ends[dir^s.client].At.Seen() {
		return x
	}
	return nil
}

// headers takes a complete header block.
func (h *h2) headers(s *stream, dir flow.Dir, id uint32) {
	w := &h.ways[dir]
	x := h.stream(s, dir, id)
	switch {
	case dir != s.client && x != nil && !x.draft.answered:
		h.response(s, x)
	case dir == s.client && id > h.highest:
		if h.highest = id; id%2 == 1 {
			x = h.request(s, id)
		}
	}
	if x != nil && w.ends && (x.Connect || dir != s.client) { // any other request ends with its head
		h.end(x, dir, H2End{At: w.mark.last})
	}
}

// message is the message of the header block that is complete.
func (w *h2Way) message(whole bool) Message {
	m := &w.mark
	return Message{Complete: whole, Lost: !whole, Offset: m.off, First: m.first, Done: m.last, Segments: 1, seq: m.seq, ack: m.ack}
}

// request takes the head of a request, and returns the attempt that it begins; nil:
// none.
func (h *h2) request(s *stream, id uint32) *h2Stream {
	w, list := &h.ways[s.client], &s.a.headers
	connect, ok := opensWebSocket(list.fields)
	if !ok {
		return nil
	}
	m := w.message(list.whole())
	d := s.newDraft(&m)
	head := newRawHead(h2Head(list.fields, false, m.Complete))
	s.a.request(d, &m, &head, head.key.of(head.bytes))
	if d.entry == 0 {
		return nil
	}
	x := &h2Stream{draft: d, H2: H2{Stream: id, Connect: connect}}
	x.size[0], x.Faults[0] = w.wire, requestFault(list.fields, m.Complete, connect, w.ends)
	if d.h2 = x; h.streams == nil {
		h.streams = map[uint32]*h2Stream{}
	}
	h.streams[id] = x
	return x
}

// response takes the head of a response.
func (h *h2) response(s *stream, x *h2Stream) {
	w, list, d := &h.ways[s.client.Reverse()], &s.a.headers, x.draft
	status := h2Status(list.fields)
	if status >= 100 && status < 200 && status != 101 {
		if len(d.interim) < maxInterim {
			d.interim = append(d.interim, status)
		}
		return
	}
	m := w.message(list.whole())
	head := newRawHead(h2Head(list.fields, true, m.Complete))
	s.a.response(d, &m, &head, status)
	s.a.decided++
	x.size[1], x.Faults[1] = w.wire, responseFault(list.fields)
	x.sample = !opens(x.Connect, status)
}

// opens reports whether an answer opens a WebSocket, RFC 8441, Section 4.
func opens(connect bool, status int) bool { return connect && 200 <= status && status <= 299 }

// end notes that a side ended a stream.
func (h *h2) end(x *h2Stream, dir flow.Dir, how H2End) {
	if first := &x.Ends[dir^x.draft.client]; !first.At.Seen() {
		*first = how
	}
	if x.Ends[0].At.Seen() && x.Ends[1].At.Seen() {
		delete(h.streams, x.Stream)
	}
}

// data takes DATA. The client's may come before the answer that makes it frames.
func (x *h2Stream) data(s *stream, dir flow.Dir, b []byte, at flow.Stamp) {
	switch {
	case x.sample:
		if dir != s.client {
			x.draft.body = append(x.draft.body, b[:min(len(b), maxBody-len(x.draft.body))]...)
		}
		return
	case !x.Connect:
		return
	}
	w := x.open(s)
	w.latest = at.Time
	for len(b) > 0 {
		b = b[w.take(s.a, x.socket, dir, b, at):]
	}
}

// open returns the socket of the stream.
func (x *h2Stream) open(s *stream) *socket {
	if !x.framed {
		x.framed = true
		_, x.socket = s.a.sockets.get()
		s.a.sockets.at(x.socket).client = s.client
	}
	return s.a.sockets.at(x.socket)
}

// frames returns the walk over the frames of a direction, nil if nobody looks at
// them.
func (x *h2Stream) frames(s *stream, dir flow.Dir) *frames {
	if !x.Connect || x.sample {
		return nil
	}
	return &x.open(s).dirs[dir]
}

// skips says how many bytes of DATA nobody needs to see.
func (x *h2Stream) skips(s *stream, dir flow.Dir) int64 {
	if x.sample && dir != s.client && len(x.draft.body) < maxBody {
		return 0
	}
	switch f := x.frames(s, dir); {
	case f == nil || f.dead:
		return math.MaxInt64
	case f.closing:
		return 0
	default:
		return f.left
	}
}

// pass accounts for bytes that were skipped.
func (x *h2Stream) pass(s *stream, dir flow.Dir, n int64) {
	if f := x.frames(s, dir); f != nil && !f.dead {
		f.left -= min(n, f.left)
	}
}

// lost tells that bytes of a direction are missing, unless that has ended.
func (x *h2Stream) lost(s *stream, dir flow.Dir) {
	if x.Ends[dir^s.client].At.Seen() {
		return
	}
	if f := x.frames(s, dir); f != nil {
		f.lost()
	}
}

// closeH2 completes what is told of the stream of an attempt whose connection is
// over, and returns its socket; nil: it opened no WebSocket, or nothing was sent on
// it.
func (s *stream) closeH2(d *draft) *socket {
	x := d.h2
	if x == nil {
		return nil
	}
	h, server := s.h2, s.client.Reverse()
	x.GaveUp = h.gaveUp(x)
	x.Settings, x.Announced, x.GoAway, x.Last = h.settings, h.announced, h.goAway, h.last
	x.blind = [2]blindness{h.ways[s.client].blind, h.ways[server].blind}
	d.forgotten = s.forgotten
	if g := h.alien; g != nil {
		d.alien, d.alienAt = string(g.bytes[:min(len(g.bytes), maxAlien)]), g.first
	}
	if !x.framed || !d.answered || !opens(x.Connect, d.status) {
		return nil
	}
	return x.open(s)
}

// gaveUp reports whether the client reset a stream before the server ended it, or
// the connection. A capture may have the two in the wrong order; what the server had
// received by then tells.
func (h *h2) gaveUp(x *h2Stream) bool {
	client, server := &x.Ends[0], &x.Ends[1]
	if !server.Error {
		server = &h.goAway
	}
	return client.Error && server.Error && server.ack != 0 && int32(server.ack-client.seq) > 0
}

// freeH2 gives back what a stream held.
func (a *Analyzer) freeH2(x *h2Stream) {
	if x == nil || !x.framed {
		return
	}
	a.sockets.put(x.socket)
	for dir := range flow.Dir(2) {
		delete(a.payloads, payloadOf{x.socket, dir})
	}
}

// h2 packs what is told of a stream.
func (p *packer) h2(x *H2, base flow.Stamp) {
	p.uint(uint64(x.Stream))
	p.uint(uint64(x.Last))
	for _, on := range x.flags() {
		p.flag(*on)
	}
	for _, end := range x.ends() {
		p.seen(end.At, base)
		p.uint(uint64(end.Code))
	}
	for i := range x.blind {
		p.b = append(p.b, byte(x.blind[i]))
		p.uint(uint64(x.size[i]))
		p.name(x.Faults[i])
	}
}

func (u *unpacker) h2(x *H2, base flow.Stamp) {
	x.Stream, x.Last = uint32(u.uint()), uint32(u.uint())
	for _, on := range x.flags() {
		*on = u.flag()
	}
	for _, end := range x.ends() {
		end.At, end.Code = u.seen(base), uint32(u.uint())
	}
	for i := range x.blind {
		x.blind[i], x.size[i], x.Faults[i] = blindness(u.byte()), int(u.uint()), string(u.phrase(nil))
	}
}

// flags and ends are what is packed and unpacked in a row.
func (x *H2) flags() [7]*bool {
	return [...]*bool{&x.Connect, &x.Settings, &x.Announced, &x.GaveUp, &x.Ends[0].Error, &x.Ends[1].Error, &x.GoAway.Error}
}

func (x *H2) ends() [3]*H2End { return [...]*H2End{&x.Ends[0], &x.Ends[1], &x.GoAway} }
