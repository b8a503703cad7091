package analyze

import (
	"bytes"
	"encoding/binary"
	"math"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// Bounds of what one HTTP/2 connection may make the analyser hold.
const (
	maxH2Frame = 16 << 10 // payload of a frame that is read as a whole, the least that every receiver takes
	maxInterim = 64       // 1xx answers kept of one attempt
)

const h2HeaderLen = 9 // RFC 9113, Section 4.1

// A blindness says why the header blocks of a direction cannot be read any more:
// they share one state, RFC 7541, Section 2.3.2.
type blindness uint8

const (
	seeing   blindness = iota
	holed              // bytes are missing
	tooLarge           // a block is larger than is read
	broken             // frames or header blocks make no sense
	crowded            // there is no room for the dynamic table
	foreign            // it is no HTTP/2, so that nothing was missed
)

var blindnessNames = [...]string{
	"", "bytes are missing from the capture", "a header block is too large", "frames make no sense", "there is no room for its dynamic table", "it is no HTTP/2",
}

func (b blindness) String() string { return blindnessNames[b] }

// An h2 is a connection of HTTP/2, RFC 9113. What one direction says is noted
// without a look at what the other one said by then, as a capture may have them in
// the wrong order; but the server's answers wait for their requests.
type h2 struct {
	ways      [2]h2Way
	highest   uint32 // the last stream that the client opened
	streams   map[uint32]*h2Stream
	settings  bool // the server sent some
	announced bool // it takes extended CONNECT
	goAway    H2End
	last      uint32    // stream that the server may have looked at, valid iff goAway is seen
	alien     *greeting // what the server said instead; nil: it speaks HTTP/2
}

// An h2Way is one direction.
type h2Way struct {
	preface int  // bytes of the client's preface that are to come
	greets  bool // the next frame must be the server's first settings
	header  [h2HeaderLen]byte
	have    int    // bytes of it
	body    []byte // the beginning of a payload that is read as a whole
	http2.FrameHeader
	mark  mark      // of the frame, or of the header block that began before it
	wire  int       // bytes since then
	waits bool      // the frame has to do with a stream that the client has not opened yet
	left  int64     // bytes to come of a payload that is not kept
	pad   int64     // of them, padding at the end
	unpad bool      // the next byte says how much that is
	of    *h2Stream // whose DATA that is; nil: nobody looks at it

	blockOf uint32 // stream whose header block goes on; 0: none
	block   []byte // its beginning, if it comes in several frames
	pushed  bool   // it is of a PUSH_PROMISE, which is of no interest
	ends    bool   // the stream does with it
	decoder *hpack.Decoder
	table   int // size that the dynamic table may have
	filled  int // that it may have by now; Analyzer.tables is the sum
	blind   blindness
}

// turnH2 reads both directions as HTTP/2 from now on. So many bytes of the client's
// preface (RFC 9113, Section 3.4) are still to come, and some streams are open.
func (s *stream) turnH2(client flow.Dir, preface int, open uint32) {
	s.a.result.H2Conns++
	s.roles, s.client = true, client
	s.h2 = &h2{highest: open}
	s.h2.ways[client].preface, s.h2.ways[client.Reverse()].greets = preface, true
	if p := &s.dirs[client.Reverse()]; s.early != nil || p.alien != "" {
		s.h2.alien = s.said(p)
		s.h2.lose(s, client.Reverse(), foreign)
	}
	s.pending, s.waits, s.early = s.pending[:0], 0, nil
	for _, dir := range [...]flow.Dir{client, client.Reverse()} {
		p := &s.dirs[dir]
		p.dir = dir
		if p.state == resync || p.state == done {
			s.h2.lose(s, dir, holed)
		}
		p.state = inH2
		first := piece{p.buf, p.mark.first, p.mark.off, p.mark.seq, p.mark.ack, false}
		p.freeBuf()
		p.take(s, first)
		p.replay(s)
	}
}

// startsSettings reports whether bytes are, as far as they go, the header of the
// frame that a server begins with, RFC 9113, Section 3.4.
func startsSettings(b []byte) bool {
	header := [h2HeaderLen]byte{3: byte(http2.FrameSettings)}
	copy(header[1:3], b[min(len(b), 1):]) // the length
	n := min(len(b), h2HeaderLen)
	return string(b[:n]) == string(header[:n]) && (n < 3 || (int(b[1])<<8|int(b[2]))%6 == 0)
}

// take reads some bytes of a direction, at least one, and says how many.
func (h *h2) take(s *stream, p *parser, d piece) int {
	w := &h.ways[p.dir]
	switch {
	case w.blind != seeing:
		return len(d.data)
	case w.preface > 0:
		return h.takePreface(s, p.dir, d)
	case w.left > 0:
		return h.payload(s, p.dir, d)
	}
	if w.have == 0 && w.blockOf == 0 {
		w.mark, w.wire = mark{first: d.at, off: d.off, seq: d.seq, ack: d.ack}, 0
	}
	if d.at.Frame > w.mark.last.Frame { // what fills a hole comes later than what lies behind it
		w.mark.last = d.at
	}
	if w.have == h2HeaderLen {
		return h.takeBody(s, p.dir, d)
	}
	n := copy(w.header[w.have:], d.data)
	w.have += n
	w.wire += n
	switch {
	case w.greets && !startsSettings(w.header[:w.have]):
		rest := d.data[n:min(len(d.data), maxAlien)]
		h.alien = &greeting{dir: p.dir, first: w.mark.first, bytes: append(w.header[:w.have:w.have], rest...)}
		h.lose(s, p.dir, foreign)
	case w.have == h2HeaderLen:
		h.takeHeader(s, p.dir)
	}
	return n
}

// takeBody takes the payload of a frame that is read as a whole.
func (h *h2) takeBody(s *stream, dir flow.Dir, d piece) int {
	w := &h.ways[dir]
	body := d.data[:min(int(w.Length)-len(w.body), len(d.data))]
	n := len(body)
	w.wire += n
	if n < int(w.Length) {
		w.body = append(w.body, body...)
		body = w.body
	}
	if len(body) == int(w.Length) {
		h.whole(s, dir, body)
	}
	return n
}

func (h *h2) takePreface(s *stream, dir flow.Dir, d piece) int {
	w := &h.ways[dir]
	n := min(w.preface, len(d.data))
	if at := len(http2.ClientPreface) - w.preface; string(d.data[:n]) != http2.ClientPreface[at:at+n] {
		h.lose(s, dir, broken)
	}
	w.preface -= n
	return n
}

// takeHeader takes the header of a frame.
func (h *h2) takeHeader(s *stream, dir flow.Dir) {
	w := &h.ways[dir]
	w.FrameHeader, w.greets = s.a.frames.header(w.header[:]), false
	answers := w.Type == http2.FrameData || w.Type == http2.FrameHeaders || w.Type == http2.FrameRSTStream
	switch {
	case w.blockOf != 0 && (w.Type != http2.FrameContinuation || w.StreamID != w.blockOf), w.blockOf == 0 && w.Type == http2.FrameContinuation:
		h.lose(s, dir, broken)
	case dir != s.client && answers && w.StreamID%2 == 1 && w.StreamID > h.highest && !h.clientOver(s):
		w.waits = true
	default:
		h.begin(s, dir)
	}
}

// clientOver reports whether the client opens no more streams that are seen.
func (h *h2) clientOver(s *stream) bool { return s.ended[s.client] || h.ways[s.client].blind != seeing }

// begin says what is done with the payload of a frame.
func (h *h2) begin(s *stream, dir flow.Dir) {
	w := &h.ways[dir]
	switch w.Type {
	case http2.FrameData:
		w.have, w.left, w.pad, w.of = 0, int64(w.Length), 0, h.stream(s, dir, w.StreamID)
		if w.unpad = w.Flags.Has(http2.FlagDataPadded); w.left == 0 {
			h.dataOver(dir, w.mark.last)
		}
		return
	case http2.FrameHeaders, http2.FramePushPromise, http2.FrameContinuation:
		if int(w.Length) > s.a.maxBlock() {
			s.a.result.HeadsTooLarge++
			h.lose(s, dir, tooLarge)
			return
		}
	case http2.FrameSettings, http2.FrameRSTStream, http2.FrameGoAway:
		if w.Length > maxH2Frame {
			w.skip()
			return
		}
	default:
		w.skip()
		return
	}
	if w.Length == 0 {
		h.whole(s, dir, nil)
	}
}

// skip passes over the payload of a frame.
func (w *h2Way) skip() {
	w.have, w.left, w.of, w.unpad, w.pad = 0, int64(w.Length), nil, false, 0
}

// whole takes a frame with its payload.
func (h *h2) whole(s *stream, dir flow.Dir, payload []byte) {
	w := &h.ways[dir]
	f := s.a.frames.read(w.FrameHeader, payload)
	w.have, w.body = 0, nil
	server := dir != s.client
	switch f := f.(type) {
	case *http2.HeadersFrame:
		w.blockOf, w.pushed, w.ends = f.StreamID, false, f.StreamEnded()
		h.fragment(s, dir, f.HeaderBlockFragment(), f.HeadersEnded())
	case *http2.PushPromiseFrame:
		w.blockOf, w.pushed = f.StreamID, true
		h.fragment(s, dir, f.HeaderBlockFragment(), f.HeadersEnded())
	case *http2.ContinuationFrame:
		h.fragment(s, dir, f.HeaderBlockFragment(), f.HeadersEnded())
	case *http2.RSTStreamFrame:
		if x := h.stream(s, dir, f.StreamID); x != nil {
			h.end(x, dir, w.failure(f.ErrCode))
		}
	case *http2.SettingsFrame:
		if server && !f.IsAck() {
			h.settings = true
			f.ForeachSetting(func(x http2.Setting) error {
				h.announced = h.announced || x == http2.Setting{ID: http2.SettingEnableConnectProtocol, Val: 1} // it may not be taken back: RFC 8441, Section 3
				return nil
			})
		}
	case *http2.GoAwayFrame:
		if server { // the last counts: each takes back what the one before allowed
			h.goAway, h.last = w.failure(f.ErrCode), f.LastStreamID
		}
	default:
		if t := w.Type; t == http2.FrameHeaders || t == http2.FramePushPromise || t == http2.FrameContinuation {
			h.lose(s, dir, broken)
		}
	}
}

// failure is the end that the frame at hand makes.
func (w *h2Way) failure(code http2.ErrCode) H2End {
	m := &w.mark
	return H2End{At: m.last, Error: true, Code: uint32(code), seq: m.seq, ack: m.ack}
}

// payload takes bytes of a payload that is not kept.
func (h *h2) payload(s *stream, dir flow.Dir, d piece) int {
	w := &h.ways[dir]
	b := d.data[:min(int64(len(d.data)), w.left)]
	if w.unpad {
		b = b[:1]
		w.unpad, w.pad = false, min(int64(b[0]), w.left-1)
	} else if body := w.left - w.pad; body > 0 {
		b = b[:min(int64(len(b)), body)]
		if w.of != nil {
			w.of.data(s, dir, b, d.at)
		}
	}
	if w.left -= int64(len(b)); w.left == 0 {
		h.dataOver(dir, d.at)
	}
	return len(b)
}

// dataOver ends a frame whose payload was not kept.
func (h *h2) dataOver(dir flow.Dir, at flow.Stamp) {
	w := &h.ways[dir]
	if x := w.of; x != nil && w.Flags.Has(http2.FlagDataEndStream) {
		h.end(x, dir, H2End{At: at})
	}
	w.of = nil
}

// want says which bytes a direction needs next. The last one of a frame is always
// among them: with it the stream may end.
func (h *h2) want(s *stream, dir flow.Dir) flow.Want {
	w := &h.ways[dir]
	n := w.left
	switch {
	case w.blind != seeing:
		return flow.None
	case w.left == 0 || w.preface > 0 || w.waits:
		return flow.All
	case w.of == nil:
		return flow.Want(n)
	case w.unpad:
		return flow.All
	case w.left > w.pad:
		n = min(w.left-w.pad, w.of.skips(s, dir))
	}
	return flow.Want(max(0, min(n, w.left-1)))
}

// pass accounts for bytes that were skipped, as want said.
func (h *h2) pass(s *stream, dir flow.Dir, n int64) {
	w := &h.ways[dir]
	if w.of != nil && w.left > w.pad {
		w.of.pass(s, dir, n)
	}
	w.left = max(0, w.left-n)
}

// miss tells that n bytes are missing before the next; 0 if their number is not
// known. Those of a payload that is not kept are no loss to others.
func (h *h2) miss(s *stream, dir flow.Dir, n int64) {
	w := &h.ways[dir]
	if w.blind != seeing || n <= 0 || n > w.left || w.waits {
		h.lose(s, dir, holed)
		return
	}
	if w.of != nil {
		w.of.lost(s, dir)
	}
	w.unpad, w.pad = false, 0
	if w.left -= n; w.left == 0 {
		h.dataOver(dir, w.mark.last)
	}
}

// lose gives up a direction.
func (h *h2) lose(s *stream, dir flow.Dir, why blindness) {
	w := &h.ways[dir]
	if w.blind != seeing {
		return
	}
	other := h.ways[dir.Reverse()].blind
	if why != foreign && (other == seeing || other == foreign) { // else it was counted
		s.a.result.H2Blind++
	}
	if why == crowded && other != crowded {
		s.a.result.H2Crowded++
	}
	s.a.dropTable(w)
	*w = h2Way{blind: why}
	for _, x := range h.streams {
		x.lost(s, dir)
	}
	if dir == s.client {
		h.settle(s)
	}
}

// late notes that a direction is HTTP/2 whose beginning is not in the capture. If
// both are, nothing can be read of them.
func (s *stream) late(p *parser) {
	if p.frames = true; s.dirs[0].frames && s.dirs[1].frames {
		s.dirs[0].stop()
		s.dirs[1].stop()
	}
}

// countLate counts a connection of HTTP/2 whose client's beginning was not seen.
func (s *stream) countLate() {
	gap := s.dirs[0].broken || s.dirs[1].broken
	if s.roles || !s.dirs[0].frames && !s.dirs[1].frames && !(gap && s.outer != nil && s.outer.Protocol == "h2") {
		return
	}
	s.a.result.H2Conns++
	s.a.result.H2Blind++
}

// settle reads on what the server said of a stream that the client has opened
// meanwhile, or will not open any more.
func (h *h2) settle(s *stream) {
	dir := s.client.Reverse()
	w, p := &h.ways[dir], &s.dirs[dir]
	if !w.waits || w.StreamID > h.highest && !h.clientOver(s) {
		return
	}
	w.waits = false
	h.begin(s, dir)
	p.replay(s)
}

// A framer reads frames that are whole, for all connections.
type framer struct {
	r bytes.Reader
	f *http2.Framer
}

// header reads the header of a frame.
func (f *framer) header(b []byte) http2.FrameHeader {
	if f.f == nil {
		f.f = http2.NewFramer(nil, &f.r)
		f.f.AllowIllegalReads = true // the order of frames is that of one connection
		f.f.SetMaxReadFrameSize(math.MaxUint32)
	}
	f.r.Reset(b)
	h, _ := f.f.ReadFrameHeader()
	return h
}

// read reads the payload of a frame, nil if it makes no sense. It is valid until
// the next frame.
func (f *framer) read(h http2.FrameHeader, payload []byte) http2.Frame {
	f.r.Reset(payload)
	frame, err := f.f.ReadFrameForHeader(h)
	if err != nil {
		return nil
	}
	return frame
}

// looksLikeH2 reports whether bytes in the middle of a connection are, as far as
// they go, a row of frames, the first of which is whole.
func looksLikeH2(b []byte) bool {
	if len(b) < h2HeaderLen || len(b) < h2HeaderLen+(int(b[0])<<16|int(b[1])<<8|int(b[2])) {
		return false
	}
	for len(b) >= h2HeaderLen {
		n, ok := likelyFrame(b)
		if !ok {
			return false
		}
		b = b[min(len(b), h2HeaderLen+n):]
	}
	return true
}

// likelyFrame reports whether b begins with the header of a frame that is allowed
// somewhere, RFC 9113, Section 6, and the length of its payload.
func likelyFrame(b []byte) (size int, ok bool) {
	size, id := int(b[0])<<16|int(b[1])<<8|int(b[2]), binary.BigEndian.Uint32(b[5:])
	var flags byte // that are defined
	switch ok = size <= maxH2Frame && id < 1<<31; http2.FrameType(b[3]) {
	case http2.FrameData:
		flags, ok = 0x09, ok && id > 0
	case http2.FrameHeaders:
		flags, ok = 0x2d, ok && id > 0
	case http2.FramePriority:
		ok = ok && id > 0 && size == 5
	case http2.FrameRSTStream:
		ok = ok && id > 0 && size == 4
	case http2.FrameSettings:
		flags, ok = 0x01, ok && id == 0 && size%6 == 0
	case http2.FramePushPromise:
		flags, ok = 0x0c, ok && id > 0
	case http2.FramePing:
		flags, ok = 0x01, ok && id == 0 && size == 8
	case http2.FrameGoAway:
		ok = ok && id == 0 && size >= 8
	case http2.FrameWindowUpdate:
		ok = ok && size == 4
	case http2.FrameContinuation:
		flags, ok = 0x04, ok && id > 0
	default:
		return size, false
	}
	return size, ok && b[4]&^flags == 0
}
