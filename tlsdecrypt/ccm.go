package tlsdecrypt

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
)

// A ccm opens what AES-CCM sealed, RFC 3610 and RFC 5116, Section 5.3, with nonces
// of 12 bytes and so lengths of 3. Neither the standard library nor x/crypto has it.
type ccm struct {
	block   cipher.Block
	size    int // of the tag: 8 or 16
	mac     [16]byte
	counter [16]byte
	stream  [16]byte
}

var errCCM = errors.New("tlsdecrypt: message does not authenticate")

const ccmNonce = 12

func (c *ccm) Overhead() int { return c.size }

// Open is as that of cipher.AEAD, except that dst must not overlap sealed, and that
// data has less than 0xff00 bytes and sealed less than 1<<24.
func (c *ccm) Open(dst, nonce, sealed, data []byte) ([]byte, error) {
	if len(nonce) != ccmNonce || len(sealed) < c.size || len(data) >= 0xff00 || len(sealed) >= 1<<24 {
		return nil, errCCM
	}
	text, tag := sealed[:len(sealed)-c.size], sealed[len(sealed)-c.size:]
	start := len(dst)

	c.counter = [16]byte{2} // L - 1, Section 2.3
	copy(c.counter[1:], nonce)
	var mask [16]byte
	c.next(&mask)
	dst = append(dst, text...)
	plain := dst[start:]
	for b := plain; len(b) > 0; {
		c.next(&c.stream)
		b = b[subtle.XORBytes(b, b, c.stream[:]):]
	}

	c.mac = [16]byte{byte((c.size-2)/2<<3 | 2)} // Section 2.2
	copy(c.mac[1:], nonce)
	c.mac[13], c.mac[14], c.mac[15] = byte(len(text)>>16), byte(len(text)>>8), byte(len(text))
	if len(data) > 0 {
		c.mac[0] |= 1 << 6
	}
	c.block.Encrypt(c.mac[:], c.mac[:])
	if len(data) > 0 {
		var size [2]byte
		binary.BigEndian.PutUint16(size[:], uint16(len(data)))
		n := subtle.XORBytes(c.mac[:], c.mac[:], size[:])
		n += subtle.XORBytes(c.mac[n:], c.mac[n:], data)
		c.block.Encrypt(c.mac[:], c.mac[:])
		c.authenticate(data[n-len(size):])
	}
	c.authenticate(plain)
	subtle.XORBytes(c.mac[:], c.mac[:], mask[:])
	if subtle.ConstantTimeCompare(c.mac[:c.size], tag) != 1 {
		clear(plain)
		return nil, errCCM
	}
	return dst, nil
}

// next makes the next block of the key stream.
func (c *ccm) next(out *[16]byte) {
	c.block.Encrypt(c.stream[:], c.counter[:])
	*out = c.stream
	for i := 15; i > ccmNonce; i-- {
		if c.counter[i]++; c.counter[i] != 0 {
			return
		}
	}
}

// authenticate continues the CBC-MAC with b, filled up with zeros.
func (c *ccm) authenticate(b []byte) {
	for len(b) > 0 {
		b = b[subtle.XORBytes(c.mac[:], c.mac[:], b):]
		c.block.Encrypt(c.mac[:], c.mac[:])
	}
}
