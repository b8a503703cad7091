// Package tlswire reads what TLS sends in the clear: record headers, hellos,
// certificates, alerts. It takes bytes apart and judges nothing.
//
// Everything is of RFC 8446 unless another source is named; SSL 3.0 (RFC 6101)
// and TLS 1.0 to 1.2 have the same forms here.
package tlswire

import "encoding/binary"

// A ContentType says what a record carries, Section 5.1.
type ContentType uint8

const (
	ChangeCipherSpec ContentType = 20
	Alert            ContentType = 21
	Handshake        ContentType = 22
	ApplicationData  ContentType = 23
)

const (
	// HeaderLen is the length of a record's header.
	HeaderLen = 5
	// MaxFragment is the length of the longest fragment of a record, RFC 5246,
	// Section 6.2.3.
	MaxFragment = 1<<14 + 2048
)

// A Header begins a record, Section 5.1.
type Header struct {
	Type    ContentType
	Version uint16 // legacy_record_version
	Length  int    // of the fragment that follows, at most MaxFragment
}

// ReadHeader reads the header at the beginning of b. It is not ok if b is shorter
// than HeaderLen, or begins otherwise.
func ReadHeader(b []byte) (h Header, ok bool) {
	if len(b) < HeaderLen || !Starts(b) {
		return Header{}, false
	}
	h = Header{ContentType(b[0]), binary.BigEndian.Uint16(b[1:]), int(binary.BigEndian.Uint16(b[3:]))}
	return h, h.Length <= MaxFragment
}

// Starts reports whether bytes, of which there may be fewer than a header has,
// can be the beginning of a record.
func Starts(b []byte) bool {
	return (len(b) == 0 || ChangeCipherSpec <= ContentType(b[0]) && ContentType(b[0]) <= ApplicationData) &&
		(len(b) < 2 || b[1] == 3) && (len(b) < 3 || b[2] <= 4)
}

// A HandshakeType says what a handshake message is, Section 4 and RFC 5246,
// Section 7.4.
type HandshakeType uint8

const (
	ClientHelloType     HandshakeType = 1
	ServerHelloType     HandshakeType = 2
	NewSessionTicket    HandshakeType = 4
	EndOfEarlyData      HandshakeType = 5
	EncryptedExtensions HandshakeType = 8
	CertificateType     HandshakeType = 11
	CertificateRequest  HandshakeType = 13
	ServerHelloDone     HandshakeType = 14
	ClientKeyExchange   HandshakeType = 16
	Finished            HandshakeType = 20
	KeyUpdate           HandshakeType = 24
)

const handshakeHeader = 4 // bytes: type, and length of the body

// NextMessage cuts the handshake message off the front of b, which holds what the
// fragments of records of type Handshake hold, one after the other. It is not ok
// if more bytes are needed: need is how many the message has with its header, 0
// if that is not known yet. body and rest refer to b.
func NextMessage(b []byte) (kind HandshakeType, body, rest []byte, need int, ok bool) {
	if len(b) < handshakeHeader {
		return 0, nil, b, 0, false
	}
	need = handshakeHeader + (int(b[1])<<16 | int(b[2])<<8 | int(b[3]))
	if len(b) < need {
		return HandshakeType(b[0]), nil, b, need, false
	}
	return HandshakeType(b[0]), b[handshakeHeader:need], b[need:], need, true
}
