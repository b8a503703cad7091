package tlsdecrypt

// A Reason says why a direction, or the rest of it, was not decrypted.
type Reason uint8

const (
	Decrypted          Reason = iota // it was, as far as it has records
	NoKeys                           // no secrets of this connection are known
	NoHandshake                      // the capture does not hold the hellos
	NotTLS                           // bytes that are no records
	UnsupportedVersion               // SSL, or a draft
	UnsupportedSuite                 // a cipher that is not known here, or none
	Compressed                       // records are compressed, which no current software does
	BytesLost                        // too much of the handshake, or between records, is missing from the capture
	BadRecord                        // records do not authenticate: the secrets, or the bytes captured, are wrong
)

var reasons = [...]string{
	"", "no keys for this connection", "handshake not seen", "not TLS", "TLS version not supported", "cipher suite not supported",
	"records are compressed", "bytes lost", "records do not authenticate",
}

// String returns a short text, "" for Decrypted.
func (r Reason) String() string {
	if int(r) < len(reasons) {
		return reasons[r]
	}
	return "unknown reason"
}
