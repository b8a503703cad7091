package tlsdecrypt

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"hash"
)

const (
	versionTLS10 = 0x0301
	versionTLS11 = 0x0302
	versionTLS12 = 0x0303
	versionTLS13 = 0x0304
)

// expandLabel is HKDF-Expand-Label with an empty context, RFC 8446, Section 7.1.
func expandLabel(h func() hash.Hash, key []byte, label string, n int) []byte {
	const prefix = "tls13 "
	info := binary.BigEndian.AppendUint16(nil, uint16(n))
	info = append(info, byte(len(prefix)+len(label)))
	info = append(append(append(info, prefix...), label...), 0)
	out, err := hkdf.Expand(h, key, string(info), n)
	if err != nil {
		panic("tlsdecrypt: a key is longer than HKDF allows") // n is at most 48
	}
	return out
}

// prf is the pseudo-random function of before TLS 1.3, RFC 5246, Section 5, and
// RFC 2246, Section 5. It returns n bytes.
func prf(version uint16, h func() hash.Hash, key []byte, label string, seed []byte, n int) []byte {
	seed = append([]byte(label), seed...)
	out := make([]byte, n)
	if version >= versionTLS12 {
		expand(out, h, key, seed)
		return out
	}
	half := (len(key) + 1) / 2
	other := make([]byte, n)
	expand(out, md5.New, key[:half], seed)
	expand(other, sha1.New, key[len(key)-half:], seed)
	subtle.XORBytes(out, out, other)
	return out
}

// expand is P_hash of the same sections.
func expand(out []byte, h func() hash.Hash, key, seed []byte) {
	mac := hmac.New(h, key)
	sum := func(parts ...[]byte) []byte {
		mac.Reset()
		for _, p := range parts {
			mac.Write(p)
		}
		return mac.Sum(nil)
	}
	for a := sum(seed); len(out) > 0; a = sum(a) {
		out = out[copy(out, sum(a, seed)):]
	}
}

// masterOf turns a premaster secret into the master secret, RFC 5246, Section 8.1,
// or with a session hash, RFC 7627, Section 4.
func masterOf(version uint16, h func() hash.Hash, premaster, clientRandom, serverRandom, session []byte) []byte {
	if session != nil {
		return prf(version, h, premaster, "extended master secret", session, longestSecret)
	}
	return prf(version, h, premaster, "master secret", append(append([]byte(nil), clientRandom...), serverRandom...), longestSecret)
}
