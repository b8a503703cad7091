package tlsdecrypt

import (
	"bytes"
	"crypto/aes"
	"encoding/hex"
	"testing"
)

// TestCCM has Example 3 of NIST SP 800-38C, Appendix C.3: the one with a nonce of 12
// bytes. TestOpenSSL has tags of both lengths.
func TestCCM(t *testing.T) {
	bytesOf := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	key, nonce := bytesOf("404142434445464748494a4b4c4d4e4f"), bytesOf("101112131415161718191a1b")
	data, text := bytesOf("000102030405060708090a0b0c0d0e0f10111213"), bytesOf("202122232425262728292a2b2c2d2e2f3031323334353637")
	sealed := bytesOf("e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951")
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	c := &ccm{block: block, size: 8}
	if got, err := c.Open(nil, nonce, sealed, data); err != nil || !bytes.Equal(got, text) {
		t.Errorf("%x, %v, want %x", got, err, text)
	}
	for i := range sealed {
		sealed[i] ^= 1
		if got, err := c.Open(nil, nonce, sealed, data); err == nil {
			t.Errorf("byte %d changed: %x", i, got)
		}
		sealed[i] ^= 1
	}
	for n := range sealed {
		if _, err := c.Open(nil, nonce, sealed[:n], data); err == nil {
			t.Errorf("cut to %d bytes it authenticates", n)
		}
	}
	if _, err := c.Open(nil, nonce, sealed, data[:19]); err == nil {
		t.Error("with other data it authenticates")
	}
}
