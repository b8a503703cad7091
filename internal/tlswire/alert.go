package tlswire

import "fmt"

// An AlertDescription says why a connection ends, Section 6.
type AlertDescription uint8

// The alerts that mean something of their own to a diagnosis.
const (
	CloseNotify           AlertDescription = 0
	HandshakeFailure      AlertDescription = 40
	NoCertificate         AlertDescription = 41
	BadCertificate        AlertDescription = 42
	UnsupportedCert       AlertDescription = 43
	CertificateRevoked    AlertDescription = 44
	CertificateExpired    AlertDescription = 45
	CertificateUnknown    AlertDescription = 46
	UnknownCA             AlertDescription = 48
	ProtocolVersion       AlertDescription = 70
	InsufficientSecurity  AlertDescription = 71
	InappropriateFallback AlertDescription = 86
	UserCanceled          AlertDescription = 90
	UnrecognizedName      AlertDescription = 112
	CertificateRequired   AlertDescription = 116
	NoApplicationProtocol AlertDescription = 120
)

// alertNames are those of the IANA registry "TLS Alerts".
var alertNames = map[AlertDescription]string{
	0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed", 22: "record_overflow",
	30: "decompression_failure", 40: "handshake_failure", 41: "no_certificate", 42: "bad_certificate",
	43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
	47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error", 51: "decrypt_error",
	52: "too_many_cids_requested", 60: "export_restriction", 70: "protocol_version", 71: "insufficient_security",
	80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled", 100: "no_renegotiation",
	109: "missing_extension", 110: "unsupported_extension", 111: "certificate_unobtainable", 112: "unrecognized_name",
	113: "bad_certificate_status_response", 114: "bad_certificate_hash_value", 115: "unknown_psk_identity",
	116: "certificate_required", 117: "general_error", 120: "no_application_protocol", 121: "ech_required",
}

func (d AlertDescription) String() string {
	if name, ok := alertNames[d]; ok {
		return name
	}
	return fmt.Sprintf("alert %d", uint8(d))
}

// VersionName names a version as people write it.
func VersionName(v uint16) string {
	switch v {
	case 0x0300:
		return "SSL 3.0"
	case 0x0301, 0x0302, 0x0303, 0x0304:
		return fmt.Sprintf("TLS 1.%d", v-0x0301)
	}
	return fmt.Sprintf("0x%04x", v)
}
