package tlsdecrypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"encoding/binary"
	"hash"

	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/wssniff/wssniff/internal/tlswire"
)

// A protection opens the records that are sealed with the keys of one direction,
// from one change of keys to the next.
type protection struct {
	suite   suite
	version uint16
	seq     uint64 // of the record that comes next
	secret  secret // of TLS 1.3, from which the next one follows

	aead  opener // nil: CBC
	cbc   cipher.BlockMode
	mac   hash.Hash
	etm   bool     // the MAC is around what is encrypted, RFC 7366
	last  [16]byte // of TLS 1.0: the last block encrypted, which the next record begins with
	iv    [12]byte // the part of the nonce that stays, or is mixed with seq
	nonce [12]byte
	extra [13]byte // what is authenticated besides
	sum   [sha384Size]byte
}

const sha384Size = 48 // the longest MAC

// An opener is what is used of a cipher.AEAD.
type opener interface {
	Open(dst, nonce, sealed, data []byte) ([]byte, error)
	Overhead() int
}

// newAEAD makes the cipher of an AEAD suite; the key has the length it asks for.
func newAEAD(s *suite, key []byte) opener {
	if s.mode == modeChaCha {
		a, err := chacha20poly1305.New(key)
		must(err)
		return a
	}
	block, err := aes.NewCipher(key)
	must(err)
	if s.mode != modeGCM {
		return &ccm{block: block, size: s.tag()}
	}
	a, err := cipher.NewGCM(block)
	must(err)
	return a
}

// must is for errors of key lengths, which the table of suites decides.
func must(err error) {
	if err != nil {
		panic("tlsdecrypt: " + err.Error())
	}
}

// newProtection13 makes keys out of a traffic secret, RFC 8446, Section 7.3.
func newProtection13(s suite, traffic []byte) *protection {
	p := &protection{suite: s, version: versionTLS13, secret: secret{n: uint8(len(traffic))}}
	copy(p.secret.b[:], traffic)
	p.aead = newAEAD(&s, expandLabel(s.kdf, traffic, "key", s.key))
	copy(p.iv[:], expandLabel(s.kdf, traffic, "iv", len(p.iv)))
	return p
}

// updated makes the keys that follow a KeyUpdate, Section 7.2.
func (p *protection) updated() *protection {
	return newProtection13(p.suite, expandLabel(p.suite.kdf, p.secret.bytes(), "traffic upd", int(p.secret.n)))
}

// newProtection makes the keys of one direction out of the master secret, RFC 5246,
// Section 6.3.
func newProtection(s suite, version uint16, etm bool, master, clientRandom, serverRandom []byte, client bool) *protection {
	p := &protection{suite: s, version: version, etm: etm && s.mode == modeCBC}
	macLen := 0
	if s.mac != nil {
		macLen = s.mac().Size()
	}
	fixed, _ := s.fixedIV()
	if version == versionTLS10 && s.mode == modeCBC {
		fixed = s.blockLen()
	}
	seed := append(append([]byte(nil), serverRandom...), clientRandom...)
	keys := prf(version, s.kdf, master, "key expansion", seed, 2*(macLen+s.key+fixed))
	part := func(n int) (mine []byte) {
		mine = keys[:n]
		if !client {
			mine = keys[n : 2*n]
		}
		keys = keys[2*n:]
		return mine
	}
	mac, key, iv := part(macLen), part(s.key), part(fixed)
	if s.mode != modeCBC {
		p.aead = newAEAD(&s, key)
		copy(p.iv[:], iv)
		return p
	}
	newCipher := aes.NewCipher
	if s.des {
		newCipher = des.NewTripleDESCipher
	}
	block, err := newCipher(key)
	must(err)
	var zero [16]byte // the first block of a record brings or sets the real one
	p.cbc, p.mac = cipher.NewCBCDecrypter(block, zero[:s.blockLen()]), hmac.New(s.mac, mac)
	copy(p.last[:], iv)
	return p
}

// overhead is how many bytes a sealed fragment is longer than what it holds; with
// CBC and TLS 1.3 it may be more.
func (p *protection) overhead() int {
	if p.aead == nil {
		return p.mac.Size() + 1
	}
	if p.version == versionTLS13 {
		return p.aead.Overhead() + 1
	}
	_, explicit := p.suite.fixedIV()
	return p.aead.Overhead() + explicit
}

// open opens a record, header included, as the one with number seq. Its content is
// in buf then, which has room for the longest. When the record does not
// authenticate, nothing of p changes.
func (p *protection) open(buf, record []byte, seq uint64) (kind tlswire.ContentType, content []byte, ok bool) {
	kind, sealed := tlswire.ContentType(record[0]), record[tlswire.HeaderLen:]
	if len(sealed) < p.overhead() {
		return 0, nil, false
	}
	binary.BigEndian.PutUint64(p.extra[:], seq)
	copy(p.extra[8:], record[:tlswire.HeaderLen])
	switch {
	case p.aead == nil:
		content, ok = p.openCBC(buf, sealed)
		return kind, content, ok
	case p.version == versionTLS13:
		return p.open13(buf, record, seq)
	}
	n := len(sealed) - p.overhead()
	binary.BigEndian.PutUint16(p.extra[11:], uint16(n))
	_, explicit := p.suite.fixedIV()
	if explicit > 0 {
		copy(p.nonce[:], p.iv[:4])
		copy(p.nonce[4:], sealed[:explicit])
	} else {
		p.mix(seq)
	}
	content, err := p.aead.Open(buf[:0], p.nonce[:], sealed[explicit:], p.extra[:])
	return kind, content, err == nil
}

// mix makes a nonce of the IV and a number, RFC 8446, Section 5.3, and RFC 7905,
// Section 2.
func (p *protection) mix(seq uint64) {
	p.nonce = p.iv
	binary.BigEndian.PutUint64(p.nonce[4:], binary.BigEndian.Uint64(p.nonce[4:])^seq)
}

// open13 opens a record of TLS 1.3, and takes off the padding, RFC 8446, Sections
// 5.2 and 5.4.
func (p *protection) open13(buf, record []byte, seq uint64) (kind tlswire.ContentType, content []byte, ok bool) {
	p.mix(seq)
	content, err := p.aead.Open(buf[:0], p.nonce[:], record[tlswire.HeaderLen:], p.extra[8:])
	if err != nil {
		return 0, nil, false
	}
	n := len(content)
	for n > 0 && content[n-1] == 0 {
		n--
	}
	if n == 0 {
		return 0, nil, false
	}
	return tlswire.ContentType(content[n-1]), content[:n-1], true
}

// openCBC opens a fragment, RFC 5246, Section 6.2.3.2, or RFC 7366, Section 3.
func (p *protection) openCBC(buf, sealed []byte) (content []byte, ok bool) {
	block := p.cbc.BlockSize()
	if p.etm {
		body := sealed[:len(sealed)-p.mac.Size()]
		if !p.authentic(body, sealed[len(body):]) {
			return nil, false
		}
		sealed = body
	}
	if len(sealed) == 0 || len(sealed)%block != 0 {
		return nil, false
	}
	content = buf[:len(sealed)]
	if p.version == versionTLS10 {
		p.cbc.CryptBlocks(content[:block], p.last[:block]) // so that the next block follows that
	}
	p.cbc.CryptBlocks(content, sealed)
	if p.version > versionTLS10 {
		content = content[block:] // the first block was the IV
	}
	if len(content) == 0 {
		return nil, false
	}
	padding := content[len(content)-1]
	n := len(content) - int(padding) - 1
	if n < 0 {
		return nil, false
	}
	for _, b := range content[n:] {
		if b != padding {
			return nil, false
		}
	}
	content = content[:n]
	if p.etm {
		return content, true
	}
	if n -= p.mac.Size(); n < 0 {
		return nil, false
	}
	return content[:n], p.authentic(content[:n], content[n:])
}

// authentic reports whether mac is that of body, which has the number and the type
// in extra.
func (p *protection) authentic(body, mac []byte) bool {
	binary.BigEndian.PutUint16(p.extra[11:], uint16(len(body)))
	p.mac.Reset()
	p.mac.Write(p.extra[:])
	p.mac.Write(body)
	return hmac.Equal(p.mac.Sum(p.sum[:0]), mac)
}

// byteAt opens one byte of the fragment of a record of TLS 1.3, the n-th: all its
// ciphers add a key stream. Nothing is authenticated thereby.
func (p *protection) byteAt(n int, sealed byte, seq uint64) byte {
	p.mix(seq)
	key := expandLabel(p.suite.kdf, p.secret.bytes(), "key", p.suite.key)
	if p.suite.mode == modeChaCha {
		var stream [64]byte
		c, err := chacha20.NewUnauthenticatedCipher(key, p.nonce[:])
		must(err)
		c.SetCounter(uint32(1 + n/len(stream))) // RFC 8439, Section 2.8
		c.XORKeyStream(stream[:], stream[:])
		return sealed ^ stream[n%len(stream)]
	}
	block, err := aes.NewCipher(key)
	must(err)
	var stream [16]byte
	if p.suite.mode == modeGCM {
		copy(stream[:], p.nonce[:])
		binary.BigEndian.PutUint32(stream[12:], uint32(2+n/len(stream))) // NIST SP 800-38D, Section 7.1
	} else {
		binary.BigEndian.PutUint32(stream[12:], uint32(1+n/len(stream))) // RFC 3610, Section 2.3
		stream[0] = 2
		copy(stream[1:], p.nonce[:])
	}
	block.Encrypt(stream[:], stream[:])
	return sealed ^ stream[n%len(stream)]
}

// exact reports whether the length of a record tells that of its content.
func (p *protection) exact() bool { return p.aead != nil && p.version < versionTLS13 }

// passed tells which bytes, of records that were opened or not, come before the
// next record.
func (p *protection) passed(b []byte) {
	if p.aead != nil || p.version != versionTLS10 {
		return
	}
	if p.etm {
		b = b[:max(0, len(b)-p.mac.Size())]
	}
	last := p.last[:p.cbc.BlockSize()]
	b = b[max(0, len(b)-len(last)):]
	copy(last[copy(last, last[len(b):]):], b)
}
