package analyze

import "crypto/sha1"

// guid is the constant of RFC 6455, Section 1.3.
const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// Accept returns the Sec-WebSocket-Accept that a Sec-WebSocket-Key demands, RFC
// 6455, Section 4.2.2, item 5.4. It is total: a malformed key is hashed as it
// is, as a server does that does not check it.
func Accept(key string) string {
	return hash(key + guid)
}

// acceptSum is the digest that an Accept shows in base64.
func acceptSum(key []byte) [sha1.Size]byte {
	var b [128]byte // most keys have 24 bytes
	return sha1.Sum(append(append(b[:0], key...), guid...))
}
