package tlswire

// maxCertificates is how many certificates of a chain are kept.
const maxCertificates = 16

// ParseCertificate returns the certificates of a Certificate message of before TLS
// 1.3, RFC 5246, Section 7.4.2, in DER, in the order sent, at most 16 of them.
// They refer to body.
func ParseCertificate(body []byte) (list [][]byte, ok bool) {
	all := onlyVector(body, 3)
	return all.certificates(false)
}

// ParseCertificate13 returns those of a Certificate message of TLS 1.3, Section
// 4.4.2.
func ParseCertificate13(body []byte) (list [][]byte, ok bool) {
	r := reader{b: body}
	r.vector(1) // certificate_request_context
	if r.short {
		return nil, false
	}
	all := onlyVector(r.b, 3)
	return all.certificates(true)
}

func (r *reader) certificates(extensions bool) (list [][]byte, ok bool) {
	for len(r.b) > 0 {
		c := r.vector(3)
		if extensions {
			r.vector(2)
		}
		if !r.short && len(list) < maxCertificates {
			list = append(list, c)
		}
	}
	return list, !r.short
}
