package tlsdecrypt

import (
	"crypto/cipher"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/wssniff/wssniff/internal/tlswire"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// A sealer makes records of TLS 1.3 as large as they get, of a connection whose
// handshake is over.
type sealer struct {
	aead cipher.AEAD
	iv   [12]byte
	seq  uint64
	text []byte
}

func newSealer(p *protection, n int) *sealer {
	s := &sealer{iv: p.iv, text: append(make([]byte, n), byte(tlswire.ApplicationData))}
	s.aead = p.aead.(cipher.AEAD)
	return s
}

func (s *sealer) nonce() []byte {
	nonce := s.iv
	binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^s.seq)
	return nonce[:]
}

// seal appends a record to dst.
func (s *sealer) seal(dst []byte) []byte {
	header := []byte{23, 3, 3, 0, 0}
	binary.BigEndian.PutUint16(header[3:], uint16(len(s.text)+s.aead.Overhead()))
	dst = s.aead.Seal(append(dst, header...), s.nonce(), s.text, header)
	s.seq++
	return dst
}

// established returns a connection in which the server's next record is that of a
// sealer, with n bytes in each.
func established(t testing.TB, id uint16, n int) (*Conn, *sealer) {
	t.Helper()
	s, ok := suiteOf(id)
	if !ok {
		t.Fatalf("%#04x", id)
	}
	d := New(NewKeys(), func(flow.Chunk) flow.Want { return flow.All }, nil)
	c := d.Conn(&flow.Conn{})
	p := newProtection13(s, make([]byte, s.kdf().Size()))
	c.handshake = handshake{greeted: true, answered: true, version: versionTLS13, suite: s}
	h := &c.halves[flow.BtoA]
	h.greeted, h.begun, h.stage, h.now = true, true, inTraffic, p
	return c, newSealer(p, n)
}

// TestNoAllocs decrypts records, whole in a chunk and spread over chunks, without
// allocating.
func TestNoAllocs(t *testing.T) {
	for _, id := range []uint16{tls.TLS_AES_128_GCM_SHA256, tls.TLS_CHACHA20_POLY1305_SHA256} {
		for _, size := range []int{1 << 14, 1448, 100} {
			c, s := established(t, id, 1<<14)
			record := make([]byte, 0, maxRecord)
			got := testing.AllocsPerRun(100, func() {
				record = s.seal(record[:0])
				for b := record; len(b) > 0; b = b[min(size, len(b)):] {
					c.Chunk(flow.Chunk{Dir: flow.BtoA, Data: b[:min(size, len(b))]})
				}
			})
			own := testing.AllocsPerRun(100, func() { record = s.seal(record[:0]) })
			if c.Reason(flow.BtoA) != Decrypted || c.halves[flow.BtoA].offset != 101<<14 {
				t.Fatalf("%d bytes, %v", c.halves[flow.BtoA].offset, c.Reason(flow.BtoA))
			}
			if got > own {
				t.Errorf("%s, %d bytes in a chunk: %v allocations for each record", SuiteName(id), size, got-own)
			}
		}
	}
}

// BenchmarkConn decrypts records that come in segments; BenchmarkOpen is what the
// standard library needs for the same records.
func BenchmarkConn(b *testing.B) { benchmark(b, true) }

func BenchmarkOpen(b *testing.B) { benchmark(b, false) }

func benchmark(b *testing.B, whole bool) {
	for _, id := range []uint16{tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384, tls.TLS_CHACHA20_POLY1305_SHA256} {
		for _, n := range []int{1 << 14, 1400, 100} {
			b.Run(fmt.Sprintf("%s/%d", SuiteName(id), n), func(b *testing.B) {
				const records = 64
				c, s := established(b, id, n)
				var stream []byte
				for range records {
					stream = s.seal(stream)
				}
				h := &c.halves[flow.BtoA]
				buf, each := make([]byte, maxRecord), len(stream)/records
				b.SetBytes(int64(n * records))
				for b.Loop() {
					if whole {
						h.now.seq = 0
						for rest := stream; len(rest) > 0; {
							k := min(1448, len(rest))
							c.Chunk(flow.Chunk{Dir: flow.BtoA, Data: rest[:k]})
							rest = rest[k:]
						}
						continue
					}
					for s.seq = 0; s.seq < records; s.seq++ {
						record := stream[int(s.seq)*each:][:each]
						if _, err := s.aead.Open(buf[:0], s.nonce(), record[5:], record[:5]); err != nil {
							b.Fatal(err)
						}
					}
				}
				if whole && c.Reason(flow.BtoA) != Decrypted {
					b.Fatal(c.Reason(flow.BtoA))
				}
			})
		}
	}
}
