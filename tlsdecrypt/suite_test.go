package tlsdecrypt

import (
	"crypto/tls"
	"slices"
	"testing"
)

// TestSuiteTable takes every name apart, and makes keys for every suite in every
// version in which somebody may name it.
func TestSuiteTable(t *testing.T) {
	for id, name := range suiteNames {
		s, ok := suiteOf(id)
		if !ok {
			t.Errorf("%#04x, %s: not taken apart", id, name)
			continue
		}
		if (s.mode == modeCBC) != (s.mac != nil) || s.kdf == nil || s.tls13 != (id>>8 == 0x13) {
			t.Errorf("%s: %+v", name, s)
		}
		if s.tls13 {
			newProtection13(s, make([]byte, s.kdf().Size()))
			continue
		}
		for version := uint16(versionTLS10); version <= versionTLS12; version++ {
			p := newProtection(s, version, true, make([]byte, longestSecret), make([]byte, randomLen), make([]byte, randomLen), true)
			for n := range 200 { // shorter than any record there is
				if _, _, ok := p.open(make([]byte, maxRecord), append([]byte{23, 3, 3, 0, byte(n)}, make([]byte, n)...), 0); ok {
					t.Errorf("%s: %d zeros authenticate", name, n)
				}
			}
		}
	}
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if name := SuiteName(s.ID); name != "" && name != s.Name {
			t.Errorf("%#04x is called %s, by crypto/tls %s", s.ID, name, s.Name)
		}
	}
}

// TestSuiteParts has what the names of some suites mean, RFC 5288, 5289, 5487, 6655,
// 7251 and 7905.
func TestSuiteParts(t *testing.T) {
	for _, test := range []struct {
		id             uint16
		mode           mode
		key, mac, hash int
		rsa            bool
	}{
		{0x000a, modeCBC, 24, 20, 32, true},
		{0x002f, modeCBC, 16, 20, 32, true},
		{0x003d, modeCBC, 32, 32, 32, true},
		{0x009d, modeGCM, 32, 0, 48, true},
		{0x1301, modeGCM, 16, 0, 32, false},
		{0x1302, modeGCM, 32, 0, 48, false},
		{0x1305, modeCCM8, 16, 0, 32, false},
		{0xc028, modeCBC, 32, 48, 48, false},
		{0xc09d, modeCCM, 32, 0, 32, true},
		{0xc0a3, modeCCM8, 32, 0, 32, false},
		{0xcca8, modeChaCha, 32, 0, 32, false},
		{0x00ad, modeGCM, 32, 0, 48, false}, // RSA_PSK: the premaster secret has the PSK in it
	} {
		s, ok := suiteOf(test.id)
		mac := 0
		if s.mac != nil {
			mac = s.mac().Size()
		}
		if !ok || s.mode != test.mode || s.key != test.key || mac != test.mac || s.kdf().Size() != test.hash || s.rsa != test.rsa {
			t.Errorf("%s: mode %d, key %d, MAC %d, hash %d, RSA %v", s.name, s.mode, s.key, mac, s.kdf().Size(), s.rsa)
		}
	}
}

// Lengths of records of TLS 1.2 and 1.3, RFC 5288, 6655, 7905 and 8446.
func TestOverhead(t *testing.T) {
	for _, test := range []struct {
		version, id uint16
		want        int // 0: it cannot be told
	}{
		{versionTLS12, 0xc02f, 8 + 16}, // GCM
		{versionTLS12, 0xc0a3, 8 + 8},  // CCM-8
		{versionTLS12, 0xcca8, 16},     // ChaCha20
		{versionTLS12, 0xc027, 0},      // CBC
		{versionTLS12, 0x1301, 0},
		{versionTLS12, 0xfafa, 0},
		{versionTLS13, 0x1301, 1 + 16},
		{versionTLS13, 0x1305, 1 + 8},
		{versionTLS13, 0xc02f, 0},
	} {
		if n, ok := Overhead(test.version, test.id); n != test.want || ok != (test.want > 0) {
			t.Errorf("%#04x in %#04x: %d, %v, want %d", test.id, test.version, n, ok, test.want)
		}
	}
}
