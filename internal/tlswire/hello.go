package tlswire

import "strings"

// Types of extensions, Section 4.2, and of RFC 5077, 7301, 7366 and 7627.
const (
	extServerName           = 0
	extSupportedGroups      = 10
	extPointFormats         = 11
	extSignatureAlgorithms  = 13
	extALPN                 = 16
	extEncryptThenMAC       = 22
	extExtendedMasterSecret = 23
	extSessionTicket        = 35
	extPreSharedKey         = 41
	extEarlyData            = 42
	extSupportedVersions    = 43
	extKeyShare             = 51
)

// Bounds of the lists that are kept of a hello. What is beyond them is read over.
const (
	maxSuites     = 512
	maxExtensions = 128
	maxNumbers    = 128 // of versions, groups, and signature algorithms
	maxALPN       = 16
	maxServerName = 255 // RFC 1035, Section 2.3.4
)

// A ClientHello is what the message shows, Section 4.1.2. Lists are in the order
// sent, GREASE values (RFC 8701) included. Nothing refers to the bytes read.
type ClientHello struct {
	LegacyVersion uint16
	Random        [32]byte
	SessionID     string // of any bytes, at most 255
	Suites        []uint16
	Extensions    []uint16 // their types

	// ServerName is the host name of the server_name extension, RFC 6066,
	// Section 3, in lower case. It is "" if there is none, more than one, or
	// one of other bytes than letters, digits, '-', '_' and '.'.
	ServerName   string
	HasName      bool     // there is a server_name extension
	ALPN         []string // the protocols offered, RFC 7301, Section 3.1: of any bytes, the first 16 of them
	Versions     []uint16 // supported_versions
	Groups       []uint16
	PointFormats string // numbers of one byte each, RFC 8422, Section 5.1.2
	Signatures   []uint16

	Ticket               bool   // a session ticket of before TLS 1.3 that is not empty, RFC 5077, Section 3.2
	TicketBytes          string // what is in that
	PreSharedKey         bool
	EarlyData            bool
	EncryptThenMAC       bool // RFC 7366
	ExtendedMasterSecret bool // RFC 7627
}

// A ServerHello is what the message shows, Section 4.1.3. Nothing refers to the
// bytes read.
type ServerHello struct {
	LegacyVersion uint16
	Version       uint16 // that was chosen, by supported_versions or else LegacyVersion
	Random        [32]byte
	SessionID     string
	Suite         uint16
	Compression   uint8 // of records; 0 is none, and all there is in TLS 1.3
	Extensions    []uint16
	ALPN          string // chosen; "" if the extension is missing, as always in TLS 1.3, where it is encrypted
	Group         uint16 // of the server's key share; 0 if there is none
	Retry         bool   // a HelloRetryRequest, Section 4.1.4

	PreSharedKey         bool
	EncryptThenMAC       bool
	ExtendedMasterSecret bool
}

// helloRetry is the random of a HelloRetryRequest, Section 4.1.3.
const helloRetry = "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c"

// ParseClientHello takes the body of a ClientHello apart. It is ok if its lengths
// fit each other; an extension that does not keep to its own form shows nothing.
func ParseClientHello(body []byte) (h *ClientHello, ok bool) {
	r := reader{b: body}
	h = &ClientHello{LegacyVersion: uint16(r.uint(2))}
	copy(h.Random[:], r.take(32))
	h.SessionID = string(r.vector(1))
	h.Suites = r.numbers(2, maxSuites)
	r.vector(1) // compression
	if h.Extensions, ok = r.extensions(h.extension); !ok {
		return nil, false
	}
	return h, true
}

// extensions reads the rest of a hello. Before TLS 1.3 there may be none.
func (r *reader) extensions(each func(kind int, data []byte)) (kinds []uint16, ok bool) {
	if r.short || len(r.b) == 0 {
		return nil, !r.short
	}
	list := reader{b: r.vector(2)}
	var seen uint64 // types below 64
	for len(list.b) > 0 {
		kind, data := list.uint(2), list.vector(2)
		bit := uint64(1) << kind
		if list.short || seen&bit != 0 {
			return nil, false // each type once, Section 4.2
		}
		seen |= bit
		if len(kinds) < maxExtensions {
			kinds = append(kinds, uint16(kind))
		}
		each(kind, data)
	}
	return kinds, !r.short && len(r.b) == 0
}

func (h *ClientHello) extension(kind int, data []byte) {
	switch kind {
	case extServerName:
		h.HasName, h.ServerName = true, serverName(data)
	case extALPN:
		h.ALPN = protocolNames(data)
	case extSupportedVersions:
		h.Versions = onlyNumbers(data, 1)
	case extSupportedGroups:
		h.Groups = onlyNumbers(data, 2)
	case extSignatureAlgorithms:
		h.Signatures = onlyNumbers(data, 2)
	case extPointFormats:
		if r := onlyVector(data, 1); !r.short {
			h.PointFormats = string(r.b)
		}
	case extSessionTicket:
		h.Ticket, h.TicketBytes = len(data) > 0, string(data)
	case extPreSharedKey:
		h.PreSharedKey = true
	case extEarlyData:
		h.EarlyData = true
	case extEncryptThenMAC:
		h.EncryptThenMAC = true
	case extExtendedMasterSecret:
		h.ExtendedMasterSecret = true
	}
}

// Version is the highest version offered, by supported_versions (GREASE and
// drafts left out) or else by legacy_version; 0 if that cannot be told.
func (h *ClientHello) Version() (highest uint16) {
	for _, kind := range h.Extensions {
		if kind == extSupportedVersions {
			for _, v := range h.Versions {
				if v>>8 == 3 { // SSL 3.0 and later, unlike drafts and GREASE
					highest = max(highest, v)
				}
			}
			return highest
		}
	}
	return h.LegacyVersion
}

// ParseServerHello takes the body of a ServerHello apart, as ParseClientHello does.
func ParseServerHello(body []byte) (h *ServerHello, ok bool) {
	r := reader{b: body}
	h = &ServerHello{LegacyVersion: uint16(r.uint(2))}
	copy(h.Random[:], r.take(32))
	h.Version, h.Retry = h.LegacyVersion, string(h.Random[:]) == helloRetry
	h.SessionID = string(r.vector(1))
	h.Suite = uint16(r.uint(2))
	h.Compression = uint8(r.uint(1))
	if h.Extensions, ok = r.extensions(h.extension); !ok {
		return nil, false
	}
	return h, true
}

func (h *ServerHello) extension(kind int, data []byte) {
	r := reader{b: data}
	switch kind {
	case extSupportedVersions:
		if len(data) == 2 {
			h.Version = uint16(r.uint(2))
		}
	case extALPN:
		if names := protocolNames(data); len(names) == 1 {
			h.ALPN = names[0]
		}
	case extKeyShare:
		h.Group = uint16(r.uint(2))
	case extPreSharedKey:
		h.PreSharedKey = true
	case extEncryptThenMAC:
		h.EncryptThenMAC = true
	case extExtendedMasterSecret:
		h.ExtendedMasterSecret = true
	}
}

// onlyNumbers reads data that is one vector of numbers of two bytes.
func onlyNumbers(data []byte, size int) []uint16 {
	r := reader{b: data}
	list := r.numbers(size, maxNumbers)
	if r.short || len(r.b) > 0 {
		return nil
	}
	return list
}

// serverName reads a ServerNameList. Names of other types than host_name have
// the same form.
func serverName(data []byte) string {
	list := onlyVector(data, 2)
	var host []byte
	for hosts := 0; len(list.b) > 0; {
		kind, name := list.uint(1), list.vector(2)
		if kind != 0 {
			continue
		}
		if hosts++; hosts > 1 {
			return ""
		}
		host = name
	}
	if list.short || len(host) > maxServerName {
		return ""
	}
	for _, c := range host {
		if !isHostByte(c) {
			return ""
		}
	}
	return strings.ToLower(string(host))
}

func isHostByte(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'
}

// protocolNames reads a ProtocolNameList.
func protocolNames(data []byte) (names []string) {
	list := onlyVector(data, 2)
	for len(list.b) > 0 {
		name := list.vector(1)
		if len(name) == 0 {
			return nil
		}
		if len(names) < maxALPN {
			names = append(names, string(name))
		}
	}
	if list.short {
		return nil
	}
	return names
}
