package analyze

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
	"github.com/wssniff/wssniff/tlsdecrypt"
)

// What is inside of TLS shows by the lengths of records, if the suite does not round
// them up. Lengths prove nothing: what is said here is likely.

const (
	minUpgrade = 140 // bytes of the shortest request for an upgrade, RFC 6455, Section 4.1, to a host of one letter
	minSwitch  = 110 // bytes of the shortest 101, Section 4.2.2, without a reason phrase
	minAnswer  = 17  // bytes of "HTTP/1.1 403 " and the line ends
	minRequest = 18  // bytes of "GET / HTTP/1.0" and the line ends: what is shorter is none
	minFrame   = 6   // bytes of a frame of a client, RFC 6455, Section 5.2

	tlsAlertLen    = 2
	maxSizedRecord = 10              // records of a direction of which the lengths are kept
	maxShortRecord = 24 + minRequest // fragments of records that no request fits in are shorter: the most that protection adds is 24
	maxReplies     = 6
	maxShapes      = 4 // lists of replies that are kept of one bid
	refusedWithin  = int64(time.Second)
)

// An Outline is what the lengths of records show of an exchange inside TLS. In TLS
// 1.3 a length is the most that it can be.
type Outline struct {
	Request  int        // bytes of the client's first record behind the handshake; 0: that cannot be told, as nothing below
	Replies  []uint16   // bytes of the server's first records that came behind the request: the tickets of TLS 1.3 and the answer
	Answered flow.Stamp // the server's last record but for an alert
	More     int        // records of the client behind the request, without alerts
	Frames   int        // of them, those in which a frame has room and a request has not
	Tiny     int        // of them, those in which no frame has room
	Whole    bool       // nothing is missing of either direction, and these are all of its records
}

// A sizedRecord is a record of application data. There are many at once, so it is
// small.
type sizedRecord struct {
	seq, ack uint32 // TCP numbers of its first byte, and of the packet that carried it; ack 0: unknown
	size     uint16 // of its fragment
}

// behind reports whether the sender of a record had bytes of another one, of the other
// direction, when it sent it. In which order a capture has them tells less.
func (r sizedRecord) behind(o sizedRecord) bool { return r.ack != 0 && int32(r.ack-o.seq) > 0 }

// size notes the length of a record of application data, before it is counted.
func (w *tlsWay) size() {
	w.before = w.latest
	if w.records < len(w.sizes) {
		w.sizes[w.records] = sizedRecord{w.seq, w.ack, uint16(w.left)}
	}
	if w.left < len(w.short) && w.short[w.left] < 255 {
		w.short[w.left]++
	}
}

// sized returns the first records of a direction.
func (w *tlsWay) sized() []sizedRecord { return w.sizes[:min(w.records, len(w.sizes))] }

// finishedLen is the length of the fragment of a Finished message in TLS 1.3, RFC
// 8446, Section 4.4.4.
func finishedLen(suite uint16, overhead int) int {
	const header, sha256, sha384, aes256GCM = 4, 32, 48, 0x1302
	if suite == aes256GCM {
		return header + sha384 + overhead
	}
	return header + sha256 + overhead
}

// outline makes an outline of both directions.
func (s *session) outline() (o Outline) {
	c, v := &s.ways[s.client], &s.ways[s.client.Reverse()]
	overhead, ok := tlsdecrypt.Overhead(s.Version, s.Suite)
	if !ok || !s.Opened.Seen() || s.hello.EarlyData {
		return o
	}
	list := c.sized()
	behind := s.behindHandshake(list, overhead)
	if behind >= len(list) || int(list[behind].size) <= overhead {
		return o
	}
	o.Request = int(list[behind].size) - overhead
	o.More = c.records - behind - 1
	o.count(c, list[:behind+1], overhead, s.Version >= tls13)
	for _, r := range v.sized() {
		if r.behind(list[behind]) && len(o.Replies) < maxReplies {
			o.Replies = append(o.Replies, uint16(max(int(r.size)-overhead, 0)))
		}
	}
	if o.Answered = v.latest; s.Version >= tls13 && v.lastSize == tlsAlertLen+overhead {
		o.Answered = v.before
	}
	o.Whole = c.whole() && v.whole() && v.records <= maxSizedRecord && len(o.Replies) < maxReplies
	return o
}

// behindHandshake returns the index of the client's first record behind the handshake,
// which in TLS 1.3 ends with a record of the length of a Finished; if none is there,
// one beyond the list.
func (s *session) behindHandshake(list []sizedRecord, overhead int) int {
	if s.Version < tls13 {
		return 0
	}
	finished := slices.IndexFunc(list, func(r sizedRecord) bool { return int(r.size) == finishedLen(s.Suite, overhead) })
	if finished < 0 {
		return len(list)
	}
	return finished + 1
}

// count counts the short records of the client but for its first ones. In TLS 1.3 one
// of the length of an alert is close_notify.
func (o *Outline) count(c *tlsWay, first []sizedRecord, overhead int, alerts bool) {
	short := c.short
	for _, r := range first {
		if int(r.size) < len(short) {
			short[r.size]--
		}
	}
	for size, n := range short[overhead:][:minRequest] {
		if alerts && size == tlsAlertLen && n > 0 {
			o.More--
			n--
		}
		if size < minFrame {
			o.Tiny += int(n)
		} else {
			o.Frames += int(n)
		}
	}
}

// likelyUpgraded reports whether what is inside can hardly be anything but a
// WebSocket: what the client says behind its request is too short for more of them,
// and never too short for frames.
func (o *Outline) likelyUpgraded() bool {
	return o.Request >= minUpgrade && o.mayAnswer(minSwitch) && o.Frames >= 2 && o.Tiny == 0
}

// mayAnswer reports whether an answer of so many bytes may be among the replies.
func (o *Outline) mayAnswer(least uint16) bool {
	return slices.ContainsFunc(o.Replies, func(n uint16) bool { return n >= least })
}

// mayBeRefused reports whether a connection that ends at a time, and does not look
// like a WebSocket, may be one that was refused: a request, an answer, the end. Every
// HTTPS request looks like that: see bids.
func (x *TLS) mayBeRefused(end flow.Stamp) bool {
	o := &x.Outline
	asked := o.Whole && o.Request >= minUpgrade && o.More == 0 && o.mayAnswer(minAnswer)
	return asked && !x.offersH2() && !x.looksLikeWebSocket(true) && end.Seen() && end.Time-o.Answered.Time <= refusedWithin
}

// A bid is what exchanges have in common that ask for the same, as far as it shows:
// the software, the server, and the length of the request.
type bid struct {
	name            string     // of the server
	addr            netip.Addr // of the server if it has no name
	port            uint16
	ja4             string
	version, cipher uint16
	request         int
}

func bidOf(t *Attempt) bid {
	x, server := t.TLS, t.Server()
	k := bid{name: x.ServerName, port: server.Port(), ja4: x.JA4, version: x.Version, cipher: x.Suite, request: x.Outline.Request}
	if k.name == "" {
		k.addr = server.Addr()
	}
	return k
}

// bids are the replies to requests by which a WebSocket was opened, most likely.
type bids map[bid][][]uint16

// add notes a connection that looks like a WebSocket, if it is no series of requests,
// and reports whether that is new.
func (l bids) add(t *Attempt) (grown bool) {
	o, k := &t.TLS.Outline, bidOf(t)
	if !o.likelyUpgraded() || len(l[k]) >= maxShapes {
		return false
	}
	l[k] = append(l[k], o.Replies)
	return true
}

// refused reports whether a connection that may be a refused one is likely to be:
// what it asks for is what others asked for and got, and its answer is another.
func (l bids) refused(t *Attempt) bool {
	opened := l[bidOf(t)]
	return len(opened) > 0 && !slices.ContainsFunc(opened, func(o []uint16) bool { return !differs(t.TLS.Outline.Replies, o) })
}

// differs reports whether replies have another answer than those that opened a
// WebSocket: behind the records with which both begin, which may be tickets, there is
// an answer in both and no record of the same length.
func differs(replies, opened []uint16) bool {
	for len(replies) > 0 && len(opened) > 0 && replies[0] == opened[0] {
		replies, opened = replies[1:], opened[1:]
	}
	if len(replies) == 0 || slices.Max(replies) < minAnswer || len(opened) == 0 || opened[0] < minSwitch {
		return false
	}
	return !slices.ContainsFunc(replies, func(n uint16) bool { return n > tlsAlertLen && slices.Contains(opened, n) })
}

// checkOutline says what lengths show of an exchange that nobody can read.
func (t *Attempt) checkOutline() {
	x, o := t.TLS, &t.TLS.Outline
	switch {
	case o.likelyUpgraded():
		t.add(TLSOpaqueLikelyUpgraded, Client, x.Latest.Frame, "", fmt.Sprintf("a request of %d bytes, then %d records in which no request has room", o.Request, o.Frames), "")
	case !x.looksLikeWebSocket(true): // it is listed because it is likely to be refused
		answer := 0
		for _, n := range o.Replies {
			answer += int(n)
		}
		t.add(TLSOpaqueLikelyRejected, Server, o.Answered.Frame, "", fmt.Sprintf("a request of %d bytes, at most %d bytes back, closed %s later", o.Request, answer, DurationText(time.Duration(t.Close.At.Time-o.Answered.Time))), "what others got for a request of that size")
	}
}
