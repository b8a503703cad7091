package tlsdecrypt

import (
	"bytes"
	"crypto/tls"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/internal/tlswire"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// damageExchanges are of the ways to protect records that differ when bytes are
// missing.
func damageExchanges(t testing.TB) map[string]*exchange {
	t.Helper()
	list := map[string]*exchange{}
	for name, config := range map[string]*tls.Config{
		"TLS 1.3":        {},
		"TLS 1.2 GCM":    {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}},
		"TLS 1.2 ChaCha": {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256}},
		"TLS 1.1 CBC":    {MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS11, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}},
		"TLS 1.0 CBC":    {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}},
	} {
		list[name] = exchangeOf(t, config, config, mathrand.New(mathrand.NewPCG(6, uint64(len(name)))))
	}
	return list
}

// lose takes n bytes away from the server's direction, from the one at offset at on.
func lose(segments []segment, at, n int) (list []segment) {
	offset, lost := 0, 0
	for _, s := range segments {
		if s.dir == flow.BtoA {
			from := max(0, min(at-offset, len(s.data)))
			to := max(from, min(at+n-offset, len(s.data)))
			offset += len(s.data)
			if from > 0 {
				list = append(list, segment{s.dir, s.data[:from], int64(lost)})
				lost = 0
			}
			lost += to - from
			s.data = s.data[to:]
			s.lost = int64(lost)
			if len(s.data) > 0 {
				lost = 0
			}
		}
		if len(s.data) > 0 {
			list = append(list, s)
		}
	}
	return list
}

// TestLost takes bytes away: what is decrypted was sent, in order; between two
// pieces of it the loss is told; and most of what is behind the hole is there.
func TestLost(t *testing.T) {
	for name, x := range damageExchanges(t) {
		t.Run(name, func(t *testing.T) {
			random := mathrand.New(mathrand.NewPCG(7, 7))
			total := 0
			for _, s := range x.segments {
				if s.dir == flow.BtoA {
					total += len(s.data)
				}
			}
			resumed := 0
			const rounds = 300
			for range rounds {
				at, n := 2000+random.IntN(total-2100), 1+random.IntN([]int{10, 1500, 40000}[random.IntN(3)])
				n = min(n, total-at-1) // a loss shows only by what comes behind it
				r := decrypt(t, New(keysOf(x.log), nil, nil), cut(lose(x.segments, at, n), random, 1448))
				if !bytes.Equal(r.data[0], x.data[0]) || r.reason[0] != Decrypted {
					t.Fatalf("%d bytes lost at %d of the other direction: %d bytes of %d, %v", n, at, len(r.data[0]), len(x.data[0]), r.reason[0])
				}
				if behind := checkPieces(t, x.data[1], r); behind > 0 || at+n > total-40000 {
					resumed++
				}
			}
			if resumed < rounds*9/10 {
				t.Errorf("decryption went on behind %d of %d holes", resumed, rounds)
			}
		})
	}
}

// checkPieces demands that what is decrypted of the server's direction is sent minus
// what is told lost, and returns how many bytes are behind a hole.
func checkPieces(t *testing.T, sent []byte, r *result) (behind int) {
	t.Helper()
	got, at := r.data[1], 0
	rest := got
	for i := 0; len(rest) > 0; i++ {
		n := common(rest, sent[at:])
		if n == 0 && len(rest) > 0 {
			probe := rest[:min(len(rest), 16)]
			j := bytes.Index(sent[at:], probe)
			if j < 0 {
				t.Fatalf("%d bytes decrypted were never sent, %d of %d before them; lost %v", len(rest), at, len(sent), r.lost[1])
			}
			at += j
			continue
		}
		if i > 0 {
			behind += n
		}
		at, rest = at+n, rest[n:]
	}
	if len(got) < len(sent) && r.lost[1] == nil && r.reason[1] == Decrypted {
		t.Errorf("%d of %d bytes are missing, and nobody says so", len(sent)-len(got), len(sent))
	}
	return behind
}

// TestLostExactly loses bytes inside of one record that is protected with an AEAD,
// whose length, or in TLS 1.3 what is left of it, tells how many bytes inside are
// missing.
func TestLostExactly(t *testing.T) {
	for name, x := range damageExchanges(t) {
		overhead, ok := map[string]int{"TLS 1.3": 17, "TLS 1.2 GCM": 24, "TLS 1.2 ChaCha": 16}[name]
		if !ok {
			continue
		}
		if n := loseExactly(t, x, overhead); n == 0 {
			t.Errorf("%s: there is no record to try it with", name)
		}
	}
}

// loseExactly does that with the records of the server that are longer than its
// handshake, and returns how many there are.
func loseExactly(t *testing.T, x *exchange, overhead int) (n int) {
	t.Helper()
	offset := 0
	for _, s := range x.segments {
		if s.dir != flow.BtoA {
			continue
		}
		for b := s.data; len(b) > 0; b = b[size(b):] {
			content := size(b) - tlswire.HeaderLen - overhead
			if content > 1500 && offset+size(b) < total(x.segments)-100 {
				r := decrypt(t, New(keysOf(x.log), nil, nil), cut(lose(x.segments, offset+20, 50), nil, 1448))
				if want := []int64{int64(content)}; !slices.Equal(r.lost[1], want) || len(r.data[1]) != len(x.data[1])-content {
					t.Errorf("lost %v, want %v; %d bytes of %d", r.lost[1], want, len(r.data[1]), len(x.data[1]))
				}
				n++
			}
			offset += size(b)
		}
	}
	return n
}

// TestTypeOf loses bytes of records of TLS 1.3 of all its ciphers.
func TestTypeOf(t *testing.T) {
	for id := uint16(0x1301); id <= 0x1303; id++ {
		for _, test := range []struct {
			name     string
			kind     tlswire.ContentType
			padding  int
			at, lost int // of the record
			want     int64
		}{
			{"data", tlswire.ApplicationData, 0, 50, 100, 1000},
			{"padded", tlswire.ApplicationData, 7, 50, 100, -1},
			{"its type", tlswire.ApplicationData, 0, 900, 106, -1},
			{"all before its type", tlswire.ApplicationData, 0, 10, 995, 1000},
			{"a ticket", tlswire.Handshake, 0, 50, 100, 0},
		} {
			_, s := established(t, id, 1000)
			var got []string
			s.text[1000] = byte(test.kind)
			s.text = append(s.text, make([]byte, test.padding)...)
			record := s.seal(nil)
			s.text = append(make([]byte, 10), byte(tlswire.ApplicationData))
			rest := s.seal(bytes.Clone(record[test.at+test.lost:]))
			for size := range 3 {
				size = 1 + 400*size
				c, _ := established(t, id, 0)
				got, c.d.out = nil, func(c flow.Chunk) flow.Want {
					got = append(got, fmt.Sprint(len(c.Data), c.Lost))
					return flow.All
				}
				c.Chunk(flow.Chunk{Dir: flow.BtoA, Data: record[:test.at]})
				for i, b := 0, rest; len(b) > 0; i, b = i+1, b[min(size, len(b)):] {
					lost := int64(0)
					if i == 0 {
						lost = int64(test.lost)
					}
					c.Chunk(flow.Chunk{Dir: flow.BtoA, Lost: lost, Data: b[:min(size, len(b))]})
				}
				if want := []string{fmt.Sprint(10, test.want)}; !slices.Equal(got, want) {
					t.Errorf("%s, %s, %d bytes at a time: %q, want %q", SuiteName(id), test.name, size, got, want)
				}
			}
		}
	}
}

func total(segments []segment) (n int) {
	for _, s := range segments {
		if s.dir == flow.BtoA {
			n += len(s.data)
		}
	}
	return n
}

// TestTruncated ends a capture behind every byte: what is decrypted is the beginning
// of what was sent.
func TestTruncated(t *testing.T) {
	config := &tls.Config{}
	x := exchangeOf(t, config, config, mathrand.New(mathrand.NewPCG(9, 9)))
	d := New(keysOf(x.log), nil, nil)
	segments := x.segments[:0:0]
	for i, s := range x.segments {
		step := 1
		if len(s.data) > 4000 { // each record has one beginning and one end
			step = 97
		}
		for n := 0; n < len(s.data); n += step {
			r := decrypt(t, d, append(slices.Clone(segments), segment{dir: s.dir, data: s.data[:n]}))
			for dir := range r.data {
				if !bytes.HasPrefix(x.data[dir], r.data[dir]) || r.lost[dir] != nil {
					t.Fatalf("cut in segment %d behind %d bytes: direction %d has other bytes than were sent", i, n, dir)
				}
			}
		}
		segments = append(segments, s)
	}
}

// TestBadRecord changes a byte of a record: it is told lost, and what follows is
// decrypted.
func TestBadRecord(t *testing.T) {
	for name, x := range damageExchanges(t) {
		t.Run(name, func(t *testing.T) {
			changed := slices.Clone(x.segments)
			middle := 0
			for i, s := range changed {
				if s.dir == flow.BtoA && len(s.data) > 200 && i > len(changed)/2 {
					middle = i
					break
				}
			}
			changed[middle].data = bytes.Clone(changed[middle].data)
			changed[middle].data[100] ^= 1
			r := decrypt(t, New(keysOf(x.log), nil, nil), changed)
			if behind := checkPieces(t, x.data[1], r); behind == 0 || !slices.Equal(r.lost[1], []int64{-1}) {
				t.Errorf("%d bytes behind it, lost %v, %v", behind, r.lost[1], r.reason[1])
			}
		})
	}
}

// TestStarts begins in the middle, or with something else.
func TestStarts(t *testing.T) {
	x := damageExchanges(t)["TLS 1.3"]
	for _, test := range []struct {
		name     string
		segments []segment
		want     Reason
	}{
		{"in the middle", x.segments[6:], NoHandshake},
		{"without the ClientHello", x.segments[1:], NoHandshake},
		{"HTTP", []segment{{dir: flow.AtoB, data: []byte("GET / HTTP/1.1\r\n\r\n")}}, NotTLS},
		{"hole in the ServerHello", lose(x.segments, 20, 10), BytesLost},
	} {
		r := decrypt(t, New(keysOf(x.log), nil, nil), cut(test.segments, nil, 100))
		if r.reason[test.segments[0].dir] != test.want || r.chunks != nil {
			t.Errorf("%s: %v, want %v; %d chunks", test.name, r.reason, test.want, len(r.chunks))
		}
	}
}

// TestServerFirst has what the server sent before what the client sent, as captures
// with two interfaces may have it.
func TestServerFirst(t *testing.T) {
	for name, x := range damageExchanges(t) {
		for i, s := range x.segments {
			if s.dir == flow.BtoA {
				segments := slices.Insert(slices.Delete(slices.Clone(x.segments), i, i+1), 0, s)
				t.Run(name, func(t *testing.T) { x.check(t, decrypt(t, New(keysOf(x.log), nil, nil), segments)) })
				break
			}
		}
	}
}

// TestLate gives the secrets after the packets.
func TestLate(t *testing.T) {
	for name, x := range damageExchanges(t) {
		t.Run(name, func(t *testing.T) {
			keys := NewKeys()
			d := New(keys, nil, nil)
			d.Late = true
			r := new(result)
			d.out = func(c flow.Chunk) flow.Want {
				r.data[c.Dir] = append(r.data[c.Dir], c.Data...)
				return flow.All
			}
			c := d.Conn(&flow.Conn{})
			for i, s := range x.segments {
				if i == 8 {
					if r.data[0] != nil {
						t.Error("decrypted without secrets")
					}
					keys.NewLog().Write(x.log)
				}
				c.Chunk(flow.Chunk{Dir: s.dir, Data: s.data})
			}
			if !bytes.Equal(r.data[0], x.data[0]) || !bytes.Equal(r.data[1], x.data[1]) {
				t.Errorf("%d and %d bytes, want %d and %d", len(r.data[0]), len(r.data[1]), len(x.data[0]), len(x.data[1]))
			}
		})
	}
}

// TestHeldBounded lets many connections wait for secrets that never come.
func TestHeldBounded(t *testing.T) {
	x := damageExchanges(t)["TLS 1.2 GCM"]
	d := New(NewKeys(), func(flow.Chunk) flow.Want { return flow.All }, nil)
	d.Late = true
	for range 2000 {
		c := d.Conn(&flow.Conn{})
		for _, s := range cut(x.segments, nil, 1000) {
			c.Chunk(flow.Chunk{Dir: s.dir, Data: s.data})
			for _, h := range c.halves {
				if h.heldSize > maxHeld+1000 || len(h.held) > maxHeldChunks {
					t.Fatalf("%d bytes are held in %d chunks", h.heldSize, len(h.held))
				}
			}
		}
		if d.held > maxHeldAll+2000 {
			t.Fatalf("%d bytes are held", d.held)
		}
	}
}

// TestWants leaves out what is not wanted.
func TestWants(t *testing.T) {
	x := damageExchanges(t)["TLS 1.3"]
	d := New(keysOf(x.log), nil, nil)
	var got [2][]byte
	var at [2]int64
	d.out = func(c flow.Chunk) flow.Want {
		if c.Dir == flow.BtoA && c.End == flow.Open {
			if at[1] > 0 {
				t.Error("data behind None")
			}
			at[1]++
			return flow.None
		}
		if c.End == flow.Open {
			if c.Offset != at[0] {
				t.Errorf("offset %d, want %d", c.Offset, at[0])
			}
			got[0] = append(got[0], x.data[0][len(got[0]):c.Offset]...)
			got[0] = append(got[0], c.Data...)
			at[0] = c.Offset + int64(len(c.Data)) + 1000
		} else {
			got[1] = append(got[1], byte(c.End))
		}
		return 1000
	}
	c := d.Conn(&flow.Conn{})
	wants := [2]flow.Want{}
	for _, s := range x.segments {
		wants[s.dir] = c.Chunk(flow.Chunk{Dir: s.dir, Data: s.data})
	}
	if wants != [2]flow.Want{flow.All, flow.None} {
		t.Errorf("wants %v", wants)
	}
	if !bytes.HasPrefix(x.data[0], got[0]) {
		t.Error("other bytes than were sent")
	}
	c.Chunk(flow.Chunk{Dir: flow.BtoA, End: flow.FIN})
	c.Chunk(flow.Chunk{Dir: flow.AtoB, End: flow.FIN, Evidence: &flow.Evidence{}})
	if !bytes.Equal(got[1], []byte{byte(flow.FIN), byte(flow.FIN)}) {
		t.Errorf("ends %v", got[1])
	}
}

// TestStamps has the stamp of the packet that completes a record, and numbers of
// bytes inside.
func TestStamps(t *testing.T) {
	x := damageExchanges(t)["TLS 1.3"]
	segments := cut(x.segments, nil, 1)
	r := decrypt(t, New(keysOf(x.log), nil, nil), segments)
	ends := map[int]bool{} // frames that end a record
	var left [2]int
	var header [2][]byte
	for i, s := range segments {
		if left[s.dir] == 0 {
			if header[s.dir] = append(header[s.dir], s.data...); len(header[s.dir]) == tlswire.HeaderLen {
				left[s.dir], header[s.dir] = size(header[s.dir])-tlswire.HeaderLen, nil
			}
			continue
		}
		if left[s.dir]--; left[s.dir] == 0 {
			ends[i+1] = true
		}
	}
	var next [2]uint32
	for i, c := range r.chunks {
		if c.End != flow.Open {
			continue
		}
		if !ends[c.Stamp.Frame] {
			t.Errorf("frame %d ends no record", c.Stamp.Frame)
		}
		if c.Seq != uint32(c.Offset)+1 || c.Ack != max(next[c.Dir^1], 1) {
			t.Errorf("frame %d: offset %d, seq %d, ack %d, want %d", c.Stamp.Frame, c.Offset, c.Seq, c.Ack, next[c.Dir^1])
		}
		next[c.Dir] = c.Seq + uint32(r.sizes[i])
	}
}

// TestNothingShows prints all that is exported.
func TestNothingShows(t *testing.T) {
	x := damageExchanges(t)["TLS 1.2 GCM"]
	keys := keysOf(x.log)
	log := keys.NewLog()
	log.Write(x.log[:len(x.log)-10]) // a part stays in it
	d := New(keys, nil, nil)
	r := decrypt(t, d, x.segments)
	c := d.Conn(&flow.Conn{})
	for _, s := range x.segments[:len(x.segments)-4] {
		d.out = func(flow.Chunk) flow.Want { return flow.All }
		c.Chunk(flow.Chunk{Dir: s.dir, Data: s.data})
	}
	err := keys.AddPrivateKey([]byte("-----BEGIN PRIVATE KEY-----\nQUJDREVGR0g=\n-----END PRIVATE KEY-----\n"))
	if err == nil {
		t.Error("eight bytes are taken for a private key")
	}
	secret := string(bytes.Fields(x.log)[2])
	raw := fmt.Sprint(keys.get(secretID{c.random, masterSecret}, longestSecret))
	var all strings.Builder
	for _, v := range []any{keys, *keys, log, *log, log.Counts(), d, *d, c, *c, Event{}, r.reason, NoKeys, err} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&all, format+"\n", v)
		}
	}
	shown := all.String()
	if strings.Contains(shown, secret[:16]) || strings.Contains(shown, raw[1:40]) || strings.Contains(shown, "ABCDEFGH") || strings.Contains(shown, "QUJD") {
		t.Error("a secret shows")
	}
	if len(shown) > 20000 {
		t.Errorf("%d bytes show", len(shown))
	}
}

// A countingOpener counts the bytes that it is asked to open.
type countingOpener struct {
	opener
	n *int
}

func (o countingOpener) Open(dst, nonce, sealed, data []byte) ([]byte, error) {
	*o.n += len(sealed)
	return o.opener.Open(dst, nonce, sealed, data)
}

// TestWork bounds what it costs to look for records in bytes that are made to look
// like many of them, behind a hole.
func TestWork(t *testing.T) {
	for _, each := range []int{5, 50, 500} { // bytes from header to header
		c, _ := established(t, tls.TLS_AES_128_GCM_SHA256, 10)
		opened, given := 0, 0
		h := &c.halves[flow.BtoA]
		h.now.aead = countingOpener{h.now.aead, &opened}
		header := []byte{23, 3, 3, 1, 0xf4}
		junk := bytes.Repeat(append(header, make([]byte, each-len(header))...), 3000/each)
		for range 40 {
			c.Chunk(flow.Chunk{Dir: flow.BtoA, Lost: 100000, Data: junk})
			if c.Reason(flow.BtoA) == Decrypted {
				given += len(junk)
			}
		}
		if most := (trialsPerByte + 1) * given; opened > most {
			t.Errorf("headers every %d bytes: %d bytes opened for %d", each, opened, given)
		}
		t.Logf("headers every %d bytes: %d bytes opened for %d", each, opened, given)
	}
}

// TestBlind loses the middle of a handshake message: the record with its end, which
// looks like a message, is not taken for one.
func TestBlind(t *testing.T) {
	c, s := established(t, tls.TLS_AES_128_GCM_SHA256, 0)
	h := &c.halves[flow.BtoA]
	h.stage = inHandshake
	c.d.event = func(e Event) { t.Errorf("message %d", e.Message) }
	finished := append([]byte{byte(tlswire.Finished), 0, 0, 32}, make([]byte, 32)...)
	var records [3][]byte
	for i, text := range [][]byte{{byte(tlswire.CertificateType), 0, 0, 100, 1, 2, 3}, make([]byte, 64), finished} {
		s.text = append(text, byte(tlswire.Handshake))
		records[i] = s.seal(nil)
	}
	c.Chunk(flow.Chunk{Dir: flow.BtoA, Data: records[0]})
	c.Chunk(flow.Chunk{Dir: flow.BtoA, Lost: int64(len(records[1])), Data: records[2]})
	if h.now.seq != 3 || h.stage != inHandshake {
		t.Errorf("%d records were opened, stage %d", h.now.seq, h.stage)
	}
}

// TestMessagesTogether has messages in one record that change keys one after the
// other, which RFC 8446, Section 5.1, forbids.
func TestMessagesTogether(t *testing.T) {
	finished, update := append([]byte{byte(tlswire.Finished), 0, 0, 32}, make([]byte, 32)...), []byte{byte(tlswire.KeyUpdate), 0, 0, 1, 0}
	for _, messages := range [][][]byte{{finished, update}, {update, finished}, {finished, finished, update, update}, {update, update}} {
		for _, stage := range []stage{inEarly, inHandshake, inTraffic} {
			c, s := established(t, tls.TLS_AES_128_GCM_SHA256, 0)
			h := &c.halves[flow.BtoA]
			h.stage = stage
			s.text = append(bytes.Join(messages, nil), byte(tlswire.Handshake))
			first := s.seal(nil)
			c.Chunk(flow.Chunk{Dir: flow.BtoA, Data: append(first, s.seal(nil)...)})
		}
	}
}

// TestGivesUp has secrets that are wrong: nothing comes out, and after some records
// the direction is given up.
func TestGivesUp(t *testing.T) {
	c, s := established(t, tls.TLS_AES_128_GCM_SHA256, 100)
	c.d.out = func(c flow.Chunk) flow.Want {
		t.Errorf("%d bytes come out", len(c.Data))
		return flow.All
	}
	for n := range maxBad + 1 {
		if got := c.Reason(flow.BtoA); got != Decrypted {
			t.Fatalf("after %d records: %v", n, got)
		}
		record := s.seal(nil)
		record[20] ^= 1
		c.Chunk(flow.Chunk{Dir: flow.BtoA, Data: record})
	}
	if got := c.Reason(flow.BtoA); got != BadRecord {
		t.Errorf("%v, want %v", got, BadRecord)
	}
}

// FuzzInside reads any content of records that authenticate, in any stage: it was
// sent by somebody who has the keys, or published them.
func FuzzInside(f *testing.F) {
	f.Add(byte(inHandshake), byte(tlswire.Handshake), []byte{20, 0, 0, 0, 24, 0, 0, 1, 1})
	f.Add(byte(inTraffic), byte(tlswire.Handshake), []byte{4, 0, 1, 0, 0})
	f.Add(byte(inEarly), byte(tlswire.Handshake), []byte{5, 0, 0, 0, 20, 0, 0, 0})
	f.Add(byte(inHandshake), byte(tlswire.Handshake), []byte{8, 0, 0, 6, 0, 4, 0, 42, 0, 0, 11, 255, 255, 255, 0})
	f.Add(byte(inTraffic), byte(tlswire.Alert), []byte{1, 0})
	f.Add(byte(inTraffic), byte(tlswire.ApplicationData), []byte("GET / HTTP/1.1\r\n"))
	f.Fuzz(func(t *testing.T, in, kind byte, content []byte) {
		if len(content) > 1<<14 {
			return
		}
		for _, early := range []early{notOffered, offered} {
			c, s := established(t, tls.TLS_AES_128_GCM_SHA256, 0)
			c.early = early
			h := &c.halves[flow.BtoA]
			h.stage = stage(in%3) + inEarly
			s.text = append(bytes.Clone(content), kind)
			stream := s.seal(s.seal(nil))
			for b := stream; len(b) > 0; b = b[min(100, len(b)):] {
				c.Chunk(flow.Chunk{Dir: flow.BtoA, Data: b[:min(100, len(b))]})
			}
			if len(h.msg) > maxRecord || h.pass < 0 {
				t.Errorf("%d bytes of a message, %d to pass over", len(h.msg), h.pass)
			}
			c.Chunk(flow.Chunk{Dir: flow.BtoA, End: flow.FIN, Evidence: &flow.Evidence{}})
		}
	})
}

// TestSkippedLoss loses bytes while some are to be skipped: the next chunk is behind
// these.
func TestSkippedLoss(t *testing.T) {
	c, s := established(t, tls.TLS_AES_128_GCM_SHA256, 100)
	var got []flow.Chunk
	c.d.out = func(c flow.Chunk) flow.Want {
		got = append(got, c)
		return 1000
	}
	c.Chunk(flow.Chunk{Dir: flow.BtoA, Data: s.seal(nil)})
	s.seq += 3
	c.Chunk(flow.Chunk{Dir: flow.BtoA, Lost: 500, Data: s.seal(nil)})
	if len(got) != 2 || got[1].Offset != 1100 || got[1].Lost != -1 || len(got[1].Data) != 100 {
		t.Errorf("%+v", got)
	}
}

// TestInnerAck knows what was acknowledged if all records that were read were, and
// no later one.
func TestInnerAck(t *testing.T) {
	c, s := established(t, tls.TLS_AES_128_GCM_SHA256, 100)
	var got uint32
	c.d.out = func(c flow.Chunk) flow.Want {
		got = c.Ack
		return flow.All
	}
	first, second := s.seal(nil), s.seal(nil)
	c.Chunk(flow.Chunk{Dir: flow.BtoA, Seq: 1000, Data: append(first, second[:50]...)})
	client := newProtection13(c.suite, make([]byte, 32)) // which has the same keys
	h := &c.halves[flow.AtoB]
	h.greeted, h.stage, h.now = true, inTraffic, client
	s.seq = 0
	end := uint32(1000 + len(first))
	for _, test := range []struct{ ack, want uint32 }{{end, 101}, {end + 50, 101}, {end - 1, 0}, {end + 51, 0}, {1000, 0}, {0, 0}} {
		if c.Chunk(flow.Chunk{Dir: flow.AtoB, Ack: test.ack, Data: s.seal(nil)}); got != test.want {
			t.Errorf("ack %d: %d, want %d", test.ack, got, test.want)
		}
	}
}

// TestEndFirst ends a direction before anything was handed out of the connection:
// its end is told all the same.
func TestEndFirst(t *testing.T) {
	c, s := established(t, tls.TLS_AES_128_GCM_SHA256, 100)
	var got []string
	c.d.out = func(c flow.Chunk) flow.Want {
		got = append(got, fmt.Sprint(c.Dir, len(c.Data), c.End, c.Evidence != nil))
		return flow.All
	}
	c.Chunk(flow.Chunk{Dir: flow.AtoB, End: flow.FIN})
	c.Chunk(flow.Chunk{Dir: flow.BtoA, Data: s.seal(nil)})
	c.Chunk(flow.Chunk{Dir: flow.BtoA, End: flow.RST, Evidence: &flow.Evidence{}})
	if want := []string{"1 100 0 false", "0 0 1 false", "1 0 2 true"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestLostUpdate loses a KeyUpdate.
func TestLostUpdate(t *testing.T) {
	c, s := established(t, tls.TLS_AES_128_GCM_SHA256, 100)
	h := &c.halves[flow.BtoA]
	later := newSealer(h.now.updated(), 50)
	later.seq = 2
	var got []string
	c.d.out = func(c flow.Chunk) flow.Want {
		got = append(got, fmt.Sprint(len(c.Data), c.Lost))
		return flow.All
	}
	c.Chunk(flow.Chunk{Dir: flow.BtoA, Data: s.seal(nil)})
	c.Chunk(flow.Chunk{Dir: flow.BtoA, Lost: 300, Data: later.seal(nil)})
	c.Chunk(flow.Chunk{Dir: flow.BtoA, Data: later.seal(nil)})
	if want := []string{"100 0", "50 -1", "50 0"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
