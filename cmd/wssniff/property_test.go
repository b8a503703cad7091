package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// A tcpPacket is a TCP segment of a capture, taken out of whatever carried it.
type tcpPacket struct {
	src, dst netip.AddrPort
	seq, ack uint32
	flags    byte
	data     []byte
	missing  int // bytes cut off by the snap length
	time     int64
}

const (
	fin = 1 << iota
	syn
	rst
	psh
)

// loadSegments returns the TCP segments of a capture, or nil if it has packets
// that this little decoder does not read.
func loadSegments(t *testing.T, file string) []tcpPacket {
	t.Helper()
	src, err := capture.Open([]string{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var segments []tcpPacket
	for p := (capture.Packet{}); ; {
		err := src.Next(&p)
		if err == io.EOF {
			return segments
		}
		if err != nil {
			return segments // a cut file
		}
		if s, ok := decodeTCP(&p); ok {
			segments = append(segments, s)
		}
	}
}

// decodeTCP takes a packet apart that is well formed.
func decodeTCP(p *capture.Packet) (s tcpPacket, ok bool) {
	skip := map[capture.LinkType]int{capture.LinkEthernet: 14, capture.LinkSLL: 16, capture.LinkSLL2: 20, capture.LinkNull: 4, capture.LinkLoop: 4}[p.Link]
	b := p.Data
	for p.Link == capture.LinkEthernet && len(b) > skip && (b[skip-2] == 0x81 || b[skip-2] == 0x88) { // VLAN tags
		skip += 4
	}
	if len(b) < skip+40 {
		return s, false
	}
	b = b[skip:]
	var src, dst netip.Addr
	var size int // of the TCP header and what follows, on the wire
	switch proto := byte(0); b[0] >> 4 {
	case 4:
		if b[9] != 6 || b[6]&0x3f != 0 || b[7] != 0 { // fragments stay as they are
			return s, false
		}
		header := int(b[0]&15) * 4
		src, dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
		if size = int(binary.BigEndian.Uint16(b[2:])) - header; size < 0 { // segmentation offload
			size = len(b) - header
		}
		b = b[header:]
	case 6:
		src, dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
		size = int(binary.BigEndian.Uint16(b[4:]))
		proto, b = b[6], b[40:]
		if proto == 0 { // hop-by-hop
			size -= int(b[1])*8 + 8
			proto, b = b[0], b[int(b[1])*8+8:]
		}
		if proto != 6 {
			return s, false
		}
	default:
		return s, false
	}
	if len(b) < 20 {
		return s, false
	}
	header := int(b[12]>>4) * 4
	data := b[min(header, len(b)):]
	data = data[:min(len(data), size-header)]
	return tcpPacket{
		src: netip.AddrPortFrom(src, binary.BigEndian.Uint16(b)), dst: netip.AddrPortFrom(dst, binary.BigEndian.Uint16(b[2:])),
		seq: binary.BigEndian.Uint32(b[4:]), ack: binary.BigEndian.Uint32(b[8:]), flags: b[13],
		data: bytes.Clone(data), missing: size - header - len(data), time: p.Time,
	}, true
}

// encode makes a packet without link header; checksums are left out.
func (s *tcpPacket) encode() []byte {
	n := 20 + len(s.data) + s.missing
	var b []byte
	if s.src.Addr().Is4() {
		b = append(b, 0x45, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(20+n))
		b = append(b, 0, 0, 0, 0, 64, 6, 0, 0)
	} else {
		b = append(b, 0x60, 0, 0, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(n))
		b = append(b, 6, 64)
	}
	b = append(append(b, s.src.Addr().AsSlice()...), s.dst.Addr().AsSlice()...)
	b = binary.BigEndian.AppendUint16(b, s.src.Port())
	b = binary.BigEndian.AppendUint16(b, s.dst.Port())
	b = binary.BigEndian.AppendUint32(b, s.seq)
	b = binary.BigEndian.AppendUint32(b, s.ack)
	b = append(b, 0x50, s.flags, 0xff, 0xff, 0, 0, 0, 0)
	return append(b, s.data...)
}

// readSegments analyses segments as read does the packets of a file.
func readSegments(segments []tcpPacket) *analyze.Result {
	a := analyze.New(nil)
	asm := reassembly.New(a.Chunk, nil)
	var last flow.Stamp
	for i, s := range segments {
		b := s.encode()
		asm.Packet(&capture.Packet{Num: i + 1, Time: s.time, Link: capture.LinkRaw, WireLen: len(b) + s.missing, Data: b})
		last = flow.Stamp{Frame: i + 1, Time: s.time}
	}
	asm.Finish()
	return a.Finish(last, 0)
}

// cleanCaptures are all captures that are not large.
func cleanCaptures(t testing.TB) []string {
	t.Helper()
	var names []string
	for _, dir := range []string{"generated", "recorded"} {
		found, err := filepath.Glob(filepath.Join("..", "..", "testdata", "pcaps", dir, "*.pcap*"))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, found...)
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		info, err := os.Stat(name)
		return err != nil || info.Size() > 100_000
	})
	if len(names) < 100 {
		t.Fatalf("only %d captures", len(names))
	}
	return names
}

// connection is the name of a segment's connection, whatever the direction.
func (s *tcpPacket) connection() [2]netip.AddrPort {
	if s.src.Compare(s.dst) < 0 {
		return [2]netip.AddrPort{s.src, s.dst}
	}
	return [2]netip.AddrPort{s.dst, s.src}
}

// disturb splits, joins, repeats and reorders segments, as networks and sniffers
// do, without losing any. The handshakes stay where they are: which connection a
// segment belongs to depends on them.
func disturb(segments []tcpPacket, rng *rand.Rand) []tcpPacket {
	segments = coalesce(cutUp(segments, rng), rng)
	places := make([]int, 0, len(segments))
	var out []tcpPacket
	for i, s := range segments {
		copies := 1
		if rng.IntN(6) == 0 {
			copies = 2
		}
		for range copies {
			out = append(out, s)
			places = append(places, i+delay(segments, i, rng))
		}
	}
	order := make([]int, len(out))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return places[a] - places[b] })
	moved := make([]tcpPacket, len(out))
	for i, from := range order {
		moved[i] = out[from]
		moved[i].time = out[i].time
	}
	return moved
}

// delay returns by how many places a segment comes late: up to 8, at most half a
// second, and not beyond a SYN of its addresses.
func delay(segments []tcpPacket, i int, rng *rand.Rand) int {
	s := &segments[i]
	first := !slices.ContainsFunc(segments[:i], func(o tcpPacket) bool { return o.connection() == s.connection() })
	if first || s.flags&syn != 0 || rng.IntN(3) > 0 {
		return 0
	}
	n := 0
	for most := rng.IntN(9); n < most && i+n+1 < len(segments); n++ {
		next := &segments[i+n+1]
		if next.time-s.time > int64(time.Second/2) || next.flags&syn != 0 && next.connection() == s.connection() {
			break
		}
	}
	return n
}

// cutUp cuts segments with data in two.
func cutUp(segments []tcpPacket, rng *rand.Rand) (out []tcpPacket) {
	for _, s := range segments {
		if len(s.data) > 1 && s.missing == 0 && s.flags&(syn|rst) == 0 && rng.IntN(3) == 0 {
			head := s
			n := 1 + rng.IntN(len(s.data)-1)
			head.data, head.flags = s.data[:n], s.flags&^(fin|psh)
			s.data, s.seq = s.data[n:], s.seq+uint32(n)
			if n > 1 { // one byte without PSH looks like a keep-alive probe
				out = append(out, head)
			} else {
				head.flags |= psh
				out = append(out, head)
			}
		}
		out = append(out, s)
	}
	return out
}

// coalesce makes one segment of two that follow on each other.
func coalesce(segments []tcpPacket, rng *rand.Rand) (out []tcpPacket) {
	for _, s := range segments {
		if n := len(out); n > 0 && rng.IntN(3) == 0 {
			if last := &out[n-1]; last.src == s.src && last.dst == s.dst && len(last.data) > 0 && len(s.data) > 0 && len(last.data)+len(s.data) < 60_000 &&
				last.missing+s.missing == 0 && last.seq+uint32(len(last.data)) == s.seq && (last.flags|s.flags)&(syn|rst) == 0 && last.flags&fin == 0 {
				last.data = slices.Concat(last.data, s.data)
				last.flags |= s.flags
				last.ack = s.ack
				continue
			}
		}
		out = append(out, s)
	}
	return out
}

// bySegments are the findings that depend, by their nature, on segments or on
// which of two packets of different directions or connections came first.
var bySegments = []analyze.Code{
	analyze.ResponseSplitOverSegments, analyze.FirstFrameCoalesced, analyze.FirstFrameDelayedByClient, // segments
	analyze.EarlyClientData, analyze.ClientGaveUpEarly, analyze.AcceptOKButClientRefuses, // client before server
	analyze.TCPFINWithoutResponse, analyze.HTTPRequestUnanswered, analyze.RSTRightAfter101, // who closes first
	analyze.RequestNeverAcked,                                                        // segments that come again
	analyze.KeyReused, analyze.HopHeaderStrippedRequest, analyze.RedirectNotFollowed, // one connection before another
}

var frameNumber = regexp.MustCompile(`frame \d+`)

// verdicts is what must not depend on the order of packets.
func verdicts(r *analyze.Result) []string {
	var lines []string
	for a := range r.Attempts.All() {
		status := 0
		if a.Response != nil {
			status = a.Response.Head.Status
		}
		var findings []string
		for _, f := range a.Findings {
			if slices.Contains(bySegments, f.Code) {
				continue
			}
			text := fmt.Sprintf("%v %v %v", f.Code, f.Side, f.Field)
			if f.Field != "" && f.Code != analyze.ResponseNotHTTP && f.Code != analyze.TLSRejectedByClient { // otherwise times and numbers of bytes
				text += fmt.Sprintf(" %q %q", frameNumber.ReplaceAllString(f.Got, "frame"), f.Want)
			}
			findings = append(findings, text)
		}
		slices.Sort(findings)
		lines = append(lines, fmt.Sprintf("%d %v %v %q %q %d %v %q", a.Conn.ID, a.Client(), a.Verdict, a.Key, a.Accept, status, a.Cause, findings))
	}
	slices.Sort(lines)
	return lines
}

// without returns the lines of a that b lacks.
func without(a, b []string) string {
	a = slices.DeleteFunc(slices.Clone(a), func(line string) bool { return slices.Contains(b, line) })
	return strings.Join(a, "\n     ")
}

// seeds is in how many ways each capture is changed.
func seeds() uint64 {
	if testing.Short() {
		return 4
	}
	return 20
}

// brittle are captures that do not stand disorder.
var brittle = map[string]string{
	"tcp-keep-alive-probes.pcap":                   "the stale byte of a probe counts if it overtakes the byte that it stands for",
	"identity-two-vlans-same-numbers.pcap":         "the packets are rewritten without their VLANs, which tell the two connections apart",
	"tcp-retransmission-differs-after-ack.pcap":    "which copy of the bytes comes first counts",
	"tcp-retransmission-differs-out-of-order.pcap": "which copy of the bytes comes first counts",
	"chain-repeats-tightly.pcap":                   "a connection that seems to end after the next one began is beside it, and no loop",
	"redirect-apache-307-wss.pcap":                 "the client follows within a millisecond, and before the redirect if that is delayed",
	"redirect-caddy-308-tls.pcap":                  "the client follows within a millisecond, and before the redirect if that is delayed",
	"redirect-too-long.pcap":                       "the client follows within a millisecond, and before the redirect if that is delayed",
	"h2-without-syn.pcap":                          "without the handshake, the first bytes must be seen first",
	"tcp-starts-before-request.pcap":               "without the handshake, a head must begin with a segment and behind its request",
}

// TestDisorder rewrites the packets of every capture: what is found stays.
func TestDisorder(t *testing.T) {
	for _, name := range cleanCaptures(t) {
		if brittle[filepath.Base(name)] != "" {
			continue
		}
		segments := loadSegments(t, name)
		want := verdicts(readSegments(segments))
		for seed := range seeds() {
			got := verdicts(readSegments(disturb(segments, rand.New(rand.NewPCG(seed, 3)))))
			if !slices.Equal(got, want) {
				t.Errorf("%s, seed %d:\ngot  %s\nwant %s", filepath.Base(name), seed, without(got, want), without(want, got))
				break
			}
		}
	}
}

// lossy are captures in which lost packets can change a verdict.
var lossy = map[string]string{
	"client-gave-up-early.pcap":                      "without the answer nothing shows that there was one",
	"http-earlier-answer-after-upgrade-request.pcap": "the handshake and the earlier request are lost: nothing tells that there was one",
	"identity-two-vlans-same-numbers.pcap":           "the packets are rewritten without their VLANs, which tell the two connections apart",
	"identity-vlan-after-vlan.pcap":                  "the packets are rewritten without their VLANs, which tell the two connections apart",
	"tcp-retransmission-differs-after-ack.pcap":      "which copy of the bytes comes first counts",
	"tcp-retransmission-differs-out-of-order.pcap":   "which copy of the bytes comes first counts",
	"http-response-after-101.pcap":                   "the fault is in what is lost, or takes the place of a lost answer",
}

// TestDrops leaves out packets of every capture: an attempt keeps its verdict,
// becomes indeterminate or is not found any more.
func TestDrops(t *testing.T) {
	for _, name := range cleanCaptures(t) {
		if lossy[filepath.Base(name)] == "" {
			checkDrops(t, filepath.Base(name), loadSegments(t, name))
		}
	}
}

func checkDrops(t *testing.T, name string, segments []tcpPacket) {
	may := map[string][]string{} // verdicts by attempt, and by address for those whose request lost its key
	for a := range readSegments(segments).Attempts.All() {
		v := a.Verdict.String()
		may[attemptID(a)] = append(may[attemptID(a)], v)
		may[a.Client().String()] = append(may[a.Client().String()], v)
	}
	for seed := range seeds() {
		rng := rand.New(rand.NewPCG(seed, 4))
		rest := slices.DeleteFunc(slices.Clone(segments), func(tcpPacket) bool { return rng.IntN(12) == 0 })
		for a := range readSegments(rest).Attempts.All() {
			id := attemptID(a)
			if v := a.Verdict; v != analyze.Indeterminate && !slices.Contains(may[id], v.String()) {
				t.Errorf("%s, seed %d: %s is %v, want %q", name, seed, id, v, may[id])
				return
			}
		}
	}
}

// attemptID names an attempt by what its request says.
func attemptID(a *analyze.Attempt) string {
	if a.Request == nil || a.Key == "" {
		return a.Client().String()
	}
	return fmt.Sprintf("%v %q %q", a.Client(), a.Request.Head.Target, a.Key)
}

// FuzzPipeline reads whole files: nothing may hang, panic or take memory out of
// proportion.
func FuzzPipeline(f *testing.F) {
	for _, name := range cleanCaptures(f) {
		if info, err := os.Stat(name); err != nil || info.Size() > 4096 || filepath.Ext(name) == ".zst" || filepath.Ext(name) == ".lz4" {
			continue // small files are changed faster; decompressors have tests of their own
		}
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 || bytes.HasPrefix(b, []byte{0x1f, 0x8b}) || bytes.HasPrefix(b, []byte{0x28, 0xb5, 0x2f, 0xfd}) || bytes.HasPrefix(b, []byte{4, 0x22, 0x4d, 0x18}) {
			return // a few compressed bytes can stand for many packets
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		started := time.Now()
		checkReading(t, b)
		runtime.ReadMemStats(&after)
		if took := time.Since(started); took > 5*time.Second {
			t.Errorf("%d bytes took %v", len(b), took)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 { // two read buffers, gopacket's pages, and heads
			t.Errorf("%d bytes of input made %d of garbage", len(b), n)
		}
	})
}

func checkReading(t *testing.T, b []byte) {
	src, err := capture.Open([]string{"-"}, &capture.Config{Stdin: bytes.NewReader(b)})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	r := (&reader{limits: &limits{}, complain: func(error) {}}).read(src)
	if n := r.streams.Panics; n > 0 {
		t.Errorf("%d panics in gopacket", n)
	}
	if r.streams.Packets != int(r.capture.Packets) || r.streams.Conns > r.streams.Segments+r.streams.Headers {
		t.Errorf("%d packets of %d, %d connections", r.streams.Packets, r.capture.Packets, r.streams.Conns)
	}
	for a := range r.result.Attempts.All() {
		if a.Conn == nil || a.Request == nil && a.Response == nil && a.TLS == nil {
			t.Errorf("attempt without a head or a ClientHello: %+v", a)
		}
	}
}
