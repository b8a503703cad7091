package pcapgen

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"time"
)

// A certificate of X.509 that is the same each time, as its key is made from its
// name and Ed25519 needs no randomness.
type certificate struct {
	cn       string
	names    []string // of DNS
	from, to time.Time
	issuer   *certificate // nil: it signs itself
	ca       bool
	logged   bool // it has a timestamp of a public log, which is none but looks so
}

func (c *certificate) key() ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(c.cn))
	return ed25519.NewKeyFromSeed(seed[:])
}

func (c *certificate) template() *x509.Certificate {
	x := &x509.Certificate{
		SerialNumber: big.NewInt(int64(len(c.cn))), Subject: pkix.Name{CommonName: c.cn}, DNSNames: c.names,
		NotBefore: c.from, NotAfter: c.to, IsCA: c.ca, BasicConstraintsValid: true,
	}
	if c.logged {
		stamp := vec16(vec16(make([]byte, 47+72))) // RFC 6962, Section 3.3
		x.ExtraExtensions = []pkix.Extension{{Id: []int{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: append([]byte{4, byte(len(stamp))}, stamp...)}}
	}
	return x
}

// der returns the certificate as it is sent.
func (c *certificate) der() []byte {
	by := c.issuer
	if by == nil {
		by = c
	}
	der, err := x509.CreateCertificate(nil, c.template(), by.template(), c.key().Public(), by.key())
	if err != nil {
		panic(err) // the arguments are constants
	}
	return der
}

// year is the first moment of a year.
func year(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }

// exampleCA and its chain are valid when the captures are made.
func exampleCA() *certificate {
	return &certificate{cn: "Example Root", from: year(2020), to: year(2040), ca: true}
}

func middleCA() *certificate {
	return &certificate{cn: "Example Issuing", from: year(2022), to: year(2032), ca: true, issuer: exampleCA()}
}

// by has a certificate issued by an authority of its own.
func (c *certificate) by(authority string) *certificate {
	c.issuer = &certificate{cn: authority, from: year(2022), to: year(2032), ca: true}
	return c
}

// publicly has it issued by an authority whose certificates are in public logs.
func (c *certificate) publicly(authority string) *certificate {
	c.logged = true
	return c.by(authority)
}

func leafFor(from, to int, names ...string) *certificate {
	return &certificate{cn: names[0], names: names, from: year(from), to: year(to), issuer: middleCA()}
}
