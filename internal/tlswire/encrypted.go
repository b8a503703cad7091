package tlswire

// ServerExtensions are what a message EncryptedExtensions of TLS 1.3 shows, Section
// 4.3.1. Nothing refers to the bytes read.
type ServerExtensions struct {
	Extensions []uint16 // their types, in the order sent
	ALPN       string   // chosen, RFC 7301, Section 3.2; "" if none was
	EarlyData  bool     // the server accepts it, Section 4.2.10
}

// ParseEncryptedExtensions takes the body of the message apart, as
// ParseClientHello does.
func ParseEncryptedExtensions(body []byte) (e *ServerExtensions, ok bool) {
	e = &ServerExtensions{}
	r := reader{b: body}
	if len(body) == 0 { // unlike a hello, it is never without the list
		return nil, false
	}
	if e.Extensions, ok = r.extensions(e.extension); !ok {
		return nil, false
	}
	return e, true
}

func (e *ServerExtensions) extension(kind int, data []byte) {
	switch kind {
	case extALPN:
		if names := protocolNames(data); len(names) == 1 {
			e.ALPN = names[0]
		}
	case extEarlyData:
		e.EarlyData = true
	}
}

// ParseNewSessionTicket returns the ticket of a message of before TLS 1.3, RFC 5077,
// Section 3.3. It refers to body.
func ParseNewSessionTicket(body []byte) (ticket []byte, ok bool) {
	r := reader{b: body}
	r.take(4) // lifetime
	ticket = r.vector(2)
	return ticket, !r.short && len(r.b) == 0
}
