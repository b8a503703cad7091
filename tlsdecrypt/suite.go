package tlsdecrypt

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"strings"
)

// A mode says how a suite protects records.
type mode uint8

const (
	modeGCM mode = iota
	modeCCM
	modeCCM8
	modeChaCha
	modeCBC
)

// A suite is what a cipher suite is made of.
type suite struct {
	name  string
	mode  mode
	des   bool             // 3DES instead of AES
	key   int              // bytes of the key of the cipher
	mac   func() hash.Hash // of CBC; nil: it is an AEAD
	kdf   func() hash.Hash // of the key schedule from TLS 1.2 on
	tls13 bool             // a suite of TLS 1.3, and of nothing else
	rsa   bool             // the client sends the premaster secret, encrypted for the server's RSA key
}

// ciphers are the parts of the names that name a cipher, RFC 5246, Appendix C, and
// RFC 5288, 6655, 7905 and 8446, Appendix B.4.
var ciphers = []struct {
	name string
	mode mode
	key  int
}{
	{"AES_128_GCM", modeGCM, 16}, {"AES_256_GCM", modeGCM, 32},
	{"AES_128_CCM_8", modeCCM8, 16}, {"AES_256_CCM_8", modeCCM8, 32}, // before AES_128_CCM
	{"AES_128_CCM", modeCCM, 16}, {"AES_256_CCM", modeCCM, 32},
	{"CHACHA20_POLY1305", modeChaCha, 32},
	{"AES_128_CBC", modeCBC, 16}, {"AES_256_CBC", modeCBC, 32},
	{"3DES_EDE_CBC", modeCBC, 24},
}

// suiteOf looks a cipher suite up. It is not ok if it cannot be decrypted.
func suiteOf(id uint16) (s suite, ok bool) {
	name, ok := suiteNames[id]
	if !ok {
		return suite{}, false
	}
	exchange, cipher, tls12 := strings.Cut(name, "_WITH_")
	if !tls12 {
		exchange, cipher = "", strings.TrimPrefix(name, "TLS_")
	}
	s = suite{name: name, kdf: sha256.New, tls13: !tls12, rsa: exchange == "TLS_RSA"}
	for _, c := range ciphers {
		if rest, ok := strings.CutPrefix(cipher, c.name); ok {
			s.mode, s.key, s.des = c.mode, c.key, strings.HasPrefix(c.name, "3DES")
			s.hashes(strings.TrimPrefix(rest, "_"))
			return s, true
		}
	}
	return suite{}, false
}

// hashes sets what the last part of a name says: the hash of the key schedule and,
// with CBC, that of the MAC. SHA is one of the MAC alone, RFC 5246, Section 5.
func (s *suite) hashes(name string) {
	mac := sha256.New
	switch name {
	case "SHA384":
		mac, s.kdf = sha512.New384, sha512.New384
	case "SHA":
		mac = sha1.New
	}
	if s.mode == modeCBC {
		s.mac = mac
	}
}

// fixedIV is how many bytes of the nonce come from the key schedule before TLS 1.3,
// and explicit how many each record brings; there is no such thing with CBC.
func (s *suite) fixedIV() (fixed, explicit int) {
	switch s.mode {
	case modeChaCha:
		return 12, 0 // RFC 7905, Section 2
	case modeCBC:
		return 0, 0
	}
	return 4, 8 // RFC 5288, Section 3, and RFC 6655, Section 3
}

// blockLen is that of the cipher, for CBC.
func (s *suite) blockLen() int {
	if s.des {
		return 8
	}
	return 16
}

// tag is the length of the authentication tag of an AEAD.
func (s *suite) tag() int {
	if s.mode == modeCCM8 {
		return 8
	}
	return 16
}

// Overhead returns how many bytes longer than its content the fragment of a record
// is, RFC 5246, Section 6.2.3.3, and RFC 8446, Section 5.2: a part of the nonce, the
// tag, and in TLS 1.3 the type. There, padding may make it longer. It is not ok with
// CBC, which rounds up, and with suites that are not known.
func Overhead(version, id uint16) (n int, ok bool) {
	s, ok := suiteOf(id)
	if !ok || s.mode == modeCBC || s.tls13 != (version >= versionTLS13) {
		return 0, false
	}
	if s.tls13 {
		return s.tag() + 1, true
	}
	_, explicit := s.fixedIV()
	return explicit + s.tag(), true
}

// SuiteName returns the name of a cipher suite in the IANA registry, "" if its
// connections cannot be decrypted.
func SuiteName(id uint16) string { return suiteNames[id] }
