package analyze

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

func BenchmarkParseHead(b *testing.B) {
	raw := upgrade
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		h := parseHead(raw)
		if h.Method != "GET" {
			b.Fatal(h.Method)
		}
	}
}

func BenchmarkFraming(b *testing.B) {
	raw := []byte(upgrade)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if f := frame(raw); !f.socket {
			b.Fatal("no socket")
		}
	}
}

// BenchmarkPack packs a request whose fields are a phrase.
func BenchmarkPack(b *testing.B) {
	var ph phrases
	p, h := packer{phrases: &ph, forms: new(forms)}, newRawHead([]byte(upgrade))
	m := Message{Complete: true, Segments: 1, Done: flow.Stamp{Frame: 5, Time: 1e18}, First: flow.Stamp{Frame: 5, Time: 1e18}}
	b.SetBytes(int64(len(upgrade)))
	b.ReportAllocs()
	for b.Loop() {
		p.b = p.b[:0]
		p.message(&m, &h, h.key, false, m.Done)
	}
}

// BenchmarkUnpack takes a request apart whose shape is known, and one whose shape
// is not.
func BenchmarkUnpack(b *testing.B) {
	for _, test := range []struct {
		name  string
		times int
	}{{"known", 3}, {"new", 1}} {
		b.Run(test.name, func(b *testing.B) {
			var ph phrases
			p, h := packer{phrases: &ph, forms: new(forms)}, newRawHead([]byte(upgrade))
			for range test.times {
				p.b = p.b[:0]
				p.message(&Message{Complete: true, Segments: 1}, &h, h.key, false, flow.Stamp{})
			}
			var m Message
			u := unpacker{phrases: &ph}
			b.SetBytes(int64(len(upgrade)))
			b.ReportAllocs()
			for b.Loop() {
				u.b = p.b
				u.message(&m, flow.Stamp{})
			}
		})
	}
}

// BenchmarkStride walks over a segment of small frames.
func BenchmarkStride(b *testing.B) {
	data := []byte(strings.Repeat(hello+world, 80))
	var f frames
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if f.stride(data) != len(data) {
			b.Fatal("remarkable")
		}
	}
}

// BenchmarkFrames takes a segment with one frame each way.
func BenchmarkFrames(b *testing.B) {
	d := newDialogue()
	d.say(client, upgrade)
	d.say(server, switching)
	up := flow.Chunk{Conn: &d.live, Dir: client, Offset: d.way[client].off, Data: []byte(hello), Stamp: flow.Stamp{Frame: 9, Time: 1}}
	down := flow.Chunk{Conn: &d.live, Dir: server, Offset: d.way[server].off, Data: []byte(world), Stamp: flow.Stamp{Frame: 9, Time: 1}}
	b.ReportAllocs()
	for b.Loop() {
		d.a.Chunk(&up)
		d.a.Chunk(&down)
	}
}

// BenchmarkHandshake takes a whole connection with one upgrade: four chunks.
func BenchmarkHandshake(b *testing.B) {
	a := New(&Limits{Attempts: 1}) // the others are read and not listed: the list grows only
	e := newConn(1)
	request, response := []byte(upgrade), []byte(switching)
	at := flow.Stamp{Frame: 5, Time: 1e18}
	b.SetBytes(int64(len(request) + len(response)))
	b.ReportAllocs()
	for b.Loop() {
		c := flow.Conn{Ends: flow.EndsOf(e.A, e.B), Handshake: true}
		a.Chunk(&flow.Chunk{Conn: &c, Dir: client, Stamp: at, Seq: 1, Ack: 1, Data: request, Link: flow.MAC{2}})
		a.Chunk(&flow.Chunk{Conn: &c, Dir: server, Stamp: at, Seq: 1, Ack: 1 + uint32(len(request)), Data: response})
		a.Chunk(&flow.Chunk{Conn: &c, Dir: client, Offset: int64(len(request)), End: flow.FIN})
		a.Chunk(&flow.Chunk{Conn: &c, Dir: server, Offset: int64(len(response)), End: flow.FIN, Evidence: e})
	}
}

// BenchmarkRequests takes a request and its response, which are no upgrade.
func BenchmarkRequests(b *testing.B) {
	d := newDialogue()
	up := flow.Chunk{Conn: &d.live, Dir: client, Data: []byte(plain), Stamp: flow.Stamp{Frame: 9, Time: 1}, Ack: 1}
	down := flow.Chunk{Conn: &d.live, Dir: server, Data: []byte(page), Stamp: flow.Stamp{Frame: 9, Time: 1}, Ack: 1}
	b.SetBytes(int64(len(plain) + len(page)))
	b.ReportAllocs()
	for b.Loop() {
		up.Seq, down.Ack = up.Seq+uint32(len(plain)), down.Ack+uint32(len(plain))
		d.a.Chunk(&up)
		d.a.Chunk(&down)
		down.Seq, up.Ack = down.Seq+uint32(len(page)), up.Ack+uint32(len(page))
		up.Offset += int64(len(plain))
		down.Offset += int64(len(page))
	}
}

// BenchmarkJudge judges one attempt after the other: good ones, and those of a
// crowd.
func BenchmarkJudge(b *testing.B) {
	good, crowded := New(nil), New(nil)
	c := &crowd{rng: rand.New(rand.NewPCG(1, 1))}
	for i := range 300 {
		k := c.call(1, 80, crowdStart+int64(i))
		key := randomToken(c.rng, 16)
		k.say(flow.AtoB, strings.Replace(upgrade, "AQIDBAUGBwgJCgsMDQ4PEA==", key, 1), time.Millisecond)
		k.say(flow.BtoA, strings.Replace(switching, Accept("AQIDBAUGBwgJCgsMDQ4PEA=="), Accept(key), 1), time.Millisecond)
	}
	results := map[string]Attempts{
		"good":  good.Finish(c.play(good, time.Minute), 0).Attempts,
		"crowd": crowded.Finish(gather(c.rng, 300).play(crowded, time.Minute), 0).Attempts,
	}
	for name, list := range results {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				list.At(i % list.Len())
			}
		})
	}
}
