package analyze

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"
)

const (
	maxCertificates = 4096     // different ones that are remembered
	maxCertBytes    = 16 << 20 // of those in DER
	maxCertNames    = 64       // names of one
	maxCertText     = 256      // bytes of a subject or issuer
)

// A Certificate is what a certificate of X.509 says, RFC 5280.
type Certificate struct {
	SHA256              string // its fingerprint, in lower-case hexadecimal
	Subject, Issuer     string // as RFC 2253 writes them, 256 bytes at most; "" if the certificate cannot be read, like all below
	Names               []string
	NotBefore, NotAfter time.Time
	Key                 string // kind and size of the public key
	Signature           string // the algorithm by which it is signed
	SelfSigned          bool   // subject and issuer are the same
	Logged              bool   // it has timestamps of public logs in it, RFC 6962, Section 3.3, as those of public authorities do
	Parsed              bool   // it could be read

	parsed *x509.Certificate
	size   int // bytes in DER
}

// Certificates are all that were seen, each once.
type certificates struct {
	list    []*Certificate
	before  uint32 // of those that were forgotten, the number of the last
	rolling bool   // the older half makes room
	index   map[[sha256.Size]byte]uint32
	bytes   int         // in DER
	beyond  Certificate // stands for those for which there was no room
	unread  int         // how often there was none
}

// numbers appends the numbers of certificates in DER, which are not kept.
func (l *certificates) numbers(dst []uint32, chain [][]byte) []uint32 {
	for _, der := range chain {
		sum := sha256.Sum256(der)
		number, ok := l.index[sum]
		if !ok && l.rolling && (len(l.list) >= maxCertificates || l.bytes+len(der) > maxCertBytes) {
			l.forgetHalf()
		}
		switch {
		case ok:
		case len(l.list) >= maxCertificates || l.bytes+len(der) > maxCertBytes:
			l.unread++
		default:
			number = l.add(der, sum)
		}
		dst = append(dst, number)
	}
	return dst
}

func (l *certificates) add(der []byte, sum [sha256.Size]byte) (number uint32) {
	if l.index == nil {
		l.index = map[[sha256.Size]byte]uint32{}
	}
	l.list = append(l.list, newCertificate(der, sum))
	l.bytes += len(der)
	number = l.before + uint32(len(l.list))
	l.index[sum] = number
	return number
}

// forgetHalf forgets the older half.
func (l *certificates) forgetHalf() {
	n := len(l.list) - len(l.list)/2
	for _, c := range l.list[:n] {
		l.bytes -= c.size
	}
	l.before += uint32(n)
	l.list = slices.Clone(l.list[n:])
	maps.DeleteFunc(l.index, func(_ [sha256.Size]byte, number uint32) bool { return number <= l.before })
}

// at returns a certificate by its number; 0 is one that was not remembered.
func (l *certificates) at(number uint32) *Certificate {
	if number <= l.before {
		return &l.beyond
	}
	return l.list[number-l.before-1]
}

func newCertificate(der []byte, sum [sha256.Size]byte) *Certificate {
	c := &Certificate{SHA256: hex.EncodeToString(sum[:]), size: len(der)}
	x, err := x509.ParseCertificate(append([]byte(nil), der...)) // it refers to what it was read from
	if err != nil {
		return c
	}
	c.Parsed, c.parsed = true, x
	c.Subject, c.Issuer = cut(x.Subject.String(), maxCertText), cut(x.Issuer.String(), maxCertText)
	c.SelfSigned = string(x.RawSubject) == string(x.RawIssuer)
	c.Logged = slices.ContainsFunc(x.Extensions, func(e pkix.Extension) bool { return e.Id.String() == "1.3.6.1.4.1.11129.2.4.2" })
	c.NotBefore, c.NotAfter = x.NotBefore.UTC(), x.NotAfter.UTC()
	c.Key, c.Signature = keyOf(x), x.SignatureAlgorithm.String()
	c.Names = append(c.Names, x.DNSNames...)
	for _, ip := range x.IPAddresses {
		c.Names = append(c.Names, ip.String())
	}
	if len(c.Names) > maxCertNames {
		c.Names = c.Names[:maxCertNames]
	}
	return c
}

// summary tells a certificate from others.
func (c *Certificate) summary() string {
	if !c.Parsed {
		return "SHA-256 " + c.SHA256
	}
	return fmt.Sprintf("%s, issued by %s, valid to %s, SHA-256 %s", c.Subject, c.Issuer, date(c.NotAfter), c.SHA256)
}

func cut(s string, n int) string { return s[:min(len(s), n)] }

func keyOf(c *x509.Certificate) string {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", k.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return c.PublicKeyAlgorithm.String()
}

// ValidAt reports whether a time lies within the certificate's validity, RFC 5280,
// Section 4.1.2.5.
func (c *Certificate) ValidAt(at time.Time) bool {
	return !at.Before(c.NotBefore) && !at.After(c.NotAfter)
}

// Covers reports whether the certificate is for a host, RFC 9525, Section 6.
func (c *Certificate) Covers(host string) bool {
	if c.parsed == nil {
		return false
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		host = "[" + ip.String() + "]"
	}
	return c.parsed.VerifyHostname(host) == nil
}

// signedBy reports whether a certificate names another as its issuer.
func (c *Certificate) signedBy(o *Certificate) bool {
	return c.parsed == nil || o.parsed == nil || string(c.parsed.RawIssuer) == string(o.parsed.RawSubject)
}
