package main

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/internal/pcapgen"
)

var corpora = flag.Int("seeds", 50, "number of seeds of TestChainCorpus")

// TestChainCorpus reads captures full of redirect chains that are drawn at random:
// the chain records say what their generator knows.
func TestChainCorpus(t *testing.T) {
	for seed := range uint64(*corpora) {
		corpus := pcapgen.ChainCorpus(seed)
		compareChains(t, fmt.Sprintf("seed %d", seed), readChains(t, corpus.File), corpus.Chains, chainRules{frames: true})
	}
}

// TestChainCorpusDisorder disturbs the packets of each connection: but for frames,
// the chains stay.
func TestChainCorpusDisorder(t *testing.T) {
	for seed := range uint64(*corpora) {
		corpus := pcapgen.ChainCorpus(seed)
		file := disturbFile(t, corpus.File, rand.New(rand.NewPCG(seed, 5)))
		compareChains(t, fmt.Sprintf("seed %d, disturbed", seed), readChains(t, file), corpus.Chains, chainRules{})
	}
}

// TestChainCases does the same with the cases that state hops.
func TestChainCases(t *testing.T) {
	for _, c := range pcapgen.Cases() {
		if len(c.Chains) > 0 && len(c.Chains[0].Hops) > 0 {
			compareChains(t, c.Name, readChains(t, c.Bytes()), c.Chains, chainRules{frames: true})
		}
	}
}

// A chainLine is what is read of a line of JSON Lines: a chain record, or an
// attempt with its place in a chain.
type chainLine struct {
	Event     struct{ Outcome string }
	Client    chainAddr
	WebSocket struct {
		Chain        *seenChain
		Redirect     *seenPlace
		RequestFrame int `json:"request_frame"`
	}
}

type chainAddr struct {
	IP   netip.Addr
	Port uint16
}

func (a chainAddr) String() string { return netip.AddrPortFrom(a.IP, a.Port).String() }

type seenChain struct {
	ID      int
	End     string
	Reason  string
	URLs    []string
	Hops    []seenHop
	Retries int
	RetryNS int64 `json:"retry_ns"`
	RetryOf int   `json:"retry_of"`

	client  chainAddr
	outcome string
}

type seenHop struct {
	URL           string
	Client        *chainAddr
	Server        chainAddr
	TCPStream     int `json:"tcp_stream"`
	RequestFrame  int `json:"request_frame"`
	ResponseFrame int `json:"response_frame"`
	Status        int
	Location      string
	ServerName    string `json:"tls_server_name"`
	JoinedBy      string `json:"joined_by"`
}

type seenPlace struct {
	Chain, Hop int
	End        string
}

// readChains returns the chain records of a capture, in order.
func readChains(t *testing.T, file []byte) []seenChain {
	t.Helper()
	var out, complaints bytes.Buffer
	if code := run([]string{"--format", "jsonl", "--show-secrets", "-"}, bytes.NewReader(file), &out, &complaints); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &complaints)
	}
	var chains []seenChain
	places := map[int]seenPlace{} // of the attempts, by the frame of the request
	for d := json.NewDecoder(&out); ; {
		var line chainLine
		if err := d.Decode(&line); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		w := &line.WebSocket
		switch {
		case w.Chain != nil:
			w.Chain.client, w.Chain.outcome = line.Client, line.Event.Outcome
			chains = append(chains, *w.Chain)
		case w.Redirect != nil && w.Redirect.Chain > 0:
			places[w.RequestFrame] = *w.Redirect
		}
	}
	comparePlaces(t, chains, places)
	return chains
}

// comparePlaces demands of every attempt that is a hop to say so.
func comparePlaces(t *testing.T, chains []seenChain, places map[int]seenPlace) {
	t.Helper()
	for _, c := range chains {
		for i, h := range c.Hops {
			p, ok := places[h.RequestFrame]
			if h.ResponseFrame > 0 && (!ok || p.Chain != c.ID || p.Hop != i+1 || p.End != c.End) {
				t.Errorf("frame %d is hop %d of chain %d, %s, but the attempt says %+v", h.RequestFrame, i+1, c.ID, c.End, p)
			}
		}
	}
}

// chainRules say what is compared.
type chainRules struct {
	frames bool // and times to the microsecond
}

// compareChains reports all differences between the chains that were found and
// those that there are. Each begins on a connection of its own.
func compareChains(t *testing.T, name string, got []seenChain, want []pcapgen.Chain, rules chainRules) {
	t.Helper()
	byStream := map[int][]seenChain{}
	byID := map[int]int{} // stream of the first hop
	for _, c := range got {
		if len(c.Hops) == 0 {
			t.Errorf("%s: chain %d has no hop", name, c.ID)
			continue
		}
		first := c.Hops[0].TCPStream
		byStream[first], byID[c.ID] = append(byStream[first], c), first
	}
	for i := range want {
		w := &want[i]
		first := w.Hops[0].Stream
		say := func(format string, args ...any) {
			t.Errorf("%s: chain of stream %d, frame %d (%s): %s", name, first, w.Hops[0].RequestFrame, w.Story, fmt.Sprintf(format, args...))
		}
		if len(byStream[first]) == 0 {
			say("not found, is %s", w.End)
			continue
		}
		c := &byStream[first][0]
		byStream[first] = byStream[first][1:]
		compareChain(say, c, w, rules)
		retryOf, wantRetryOf := -1, -1
		if n, ok := byID[c.RetryOf]; ok {
			retryOf = n
		}
		if w.RetryOf > 0 {
			wantRetryOf = want[w.RetryOf-1].Hops[0].Stream
		}
		if retryOf != wantRetryOf {
			say("retry of the chain of stream %d, want %d", retryOf, wantRetryOf)
		}
	}
	for stream, rest := range byStream {
		for _, c := range rest {
			t.Errorf("%s: stream %d, frame %d begins no chain, but %s of %q", name, stream, c.Hops[0].RequestFrame, c.End, c.URLs)
		}
	}
}

func compareChain(say func(string, ...any), got *seenChain, want *pcapgen.Chain, rules chainRules) {
	hops, urls, open := want.Listed()
	if got.End != want.End {
		say("end %s (%s), want %s", got.End, got.Reason, want.End)
	}
	if o := outcomes[want.End]; got.outcome != cmp.Or(o, "failure") {
		say("outcome %s of %s", got.outcome, want.End)
	}
	if len(got.URLs) < len(urls) || len(got.URLs) > len(urls) && !open {
		say("URLs %q, want %q", got.URLs, urls)
	} else {
		for i, u := range urls {
			if plainURL(u) != plainURL(got.URLs[i]) {
				say("URL %d %q, want %q", i+1, got.URLs[i], u)
			}
		}
	}
	if len(got.URLs) == 0 || !strings.HasPrefix(got.URLs[0], "ws") {
		say("first of the URLs %q is none of ws", got.URLs)
	}
	if len(got.Hops) < len(hops) || len(got.Hops) > len(hops) && !open {
		say("%d hops, want %d of %q", len(got.Hops), len(hops), urls)
		return
	}
	if c := want.Hops[0].Client.String(); got.client.String() != c {
		say("client %v, want %v", got.client, c)
	}
	for i := range hops {
		compareHop(say, i, &got.Hops[i], want, rules)
	}
	compareRetries(say, got, want, rules)
}

// outcomes are those that are no failure.
var outcomes = map[string]string{"upgraded": "success", "into-tls": "unknown", "out-of-capture": "unknown"}

// compareHop compares what of a hop does not depend on its spelling.
func compareHop(say func(string, ...any), i int, got *seenHop, chain *pcapgen.Chain, rules chainRules) {
	want := &chain.Hops[i]
	type facts struct {
		URL, Client, JoinedBy, Server       string
		Stream, RequestFrame, ResponseFrame int
		Status                              int
		Location, ServerName                string
	}
	w := facts{
		plainURL(want.URL), "", "", want.Server.String(),
		want.Stream, want.RequestFrame, want.ResponseFrame, want.Status, want.Location, strings.ToLower(want.ServerName),
	}
	if a := want.Client.Addr(); a != chain.Hops[0].Client.Addr() {
		w.Client, w.JoinedBy = a.String(), "host"
	}
	g := facts{
		plainURL(got.URL), "", got.JoinedBy, got.Server.String(),
		got.TCPStream, got.RequestFrame, got.ResponseFrame, got.Status, got.Location, got.ServerName,
	}
	if got.Client != nil {
		g.Client = got.Client.IP.String()
	}
	if !rules.frames {
		g.RequestFrame, g.ResponseFrame, w.RequestFrame, w.ResponseFrame = 0, 0, 0, 0
	}
	if g != w {
		say("hop %d\n got %+v\nwant %+v", i+1, g, w)
	}
}

// compareRetries compares how often the client came again. The median of an even
// number of times may lie between the two in the middle.
func compareRetries(say func(string, ...any), got *seenChain, want *pcapgen.Chain, rules chainRules) {
	if got.Retries != want.Retries {
		say("%d retries, want %d", got.Retries, want.Retries)
		return
	}
	spare := 2 * time.Microsecond
	if !rules.frames {
		spare = 20 * time.Millisecond
	}
	if d := time.Duration(got.RetryNS); d < want.Rhythm[0]-spare || d > want.Rhythm[1]+spare {
		say("retries every %v, want %v", d, want.Rhythm)
	}
}

// plainURL takes away what spellings of one URL differ by (RFC 3986, Sections 6.2.2
// and 6.2.3), what is not sent, and whether it names HTTP or the WebSocket protocol.
func plainURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return s
	}
	scheme := map[string]string{"ws": "http", "wss": "https"}[u.Scheme]
	scheme = cmp.Or(scheme, u.Scheme)
	port := u.Port()
	if port == map[string]string{"http": "80", "https": "443"}[scheme] {
		port = ""
	}
	return fmt.Sprintf("%s://%s:%s%s?%s", scheme, strings.ToLower(u.Hostname()), port, cmp.Or(u.EscapedPath(), "/"), u.RawQuery)
}

// disturbFile disturbs the TCP segments of each connection of a capture, as disturb
// does. What is further apart than a millisecond keeps its order, and so do packets
// of different connections: it says what came of what.
func disturbFile(t *testing.T, file []byte, rng *rand.Rand) []byte {
	t.Helper()
	var packets []timedPacket
	var conns [][2]netip.AddrPort
	segments := map[[2]netip.AddrPort][]tcpPacket{}
	src, err := capture.Open([]string{"-"}, &capture.Config{Stdin: bytes.NewReader(file)})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	for p := (capture.Packet{}); ; {
		if err := src.Next(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		s, ok := decodeTCP(&p)
		if !ok {
			packets = append(packets, timedPacket{p.Time, bytes.Clone(p.Data[ethernetHeader:])})
			continue
		}
		c := s.connection()
		if segments[c] == nil {
			conns = append(conns, c)
		}
		segments[c] = append(segments[c], s)
	}
	for _, c := range conns {
		for _, burst := range bursts(segments[c]) {
			for _, s := range disturb(burst, rng) {
				packets = append(packets, timedPacket{s.time, s.encode()})
			}
		}
	}
	slices.SortStableFunc(packets, func(a, b timedPacket) int { return cmp.Compare(a.time, b.time) })
	return rawFile(packets)
}

// bursts cuts segments where a pause is.
func bursts(segments []tcpPacket) (list [][]tcpPacket) {
	from := 0
	for i := range segments {
		if i > 0 && segments[i].time-segments[i-1].time >= int64(time.Millisecond) {
			list, from = append(list, segments[from:i]), i
		}
	}
	return append(list, segments[from:])
}

// A timedPacket is an IP packet.
type timedPacket struct {
	time int64
	data []byte
}

const ethernetHeader = 14

// rawFile is a pcap of IP packets.
func rawFile(packets []timedPacket) []byte {
	b := []byte{0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, byte(capture.LinkRaw), 0, 0, 0}
	for _, p := range packets {
		b = binary.LittleEndian.AppendUint32(b, uint32(p.time/1e9))
		b = binary.LittleEndian.AppendUint32(b, uint32(p.time%1e9/1e3))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(p.data)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(p.data)))
		b = append(b, p.data...)
	}
	return b
}
