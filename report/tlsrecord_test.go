package report

import (
	"crypto/tls"
	"strings"
	"time"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/internal/tlswire"
)

type tlsFields struct {
	Version      string     `json:"version,omitempty"`
	Cipher       string     `json:"cipher,omitempty"`
	NextProtocol string     `json:"next_protocol,omitempty"`
	Resumed      bool       `json:"resumed,omitempty"`
	Established  bool       `json:"established"`
	Decrypted    bool       `json:"decrypted,omitempty"`
	Client       tlsClient  `json:"client"`
	Server       *tlsServer `json:"server,omitempty"`
}

type tlsClient struct {
	ServerName string   `json:"server_name,omitempty"`
	JA3        string   `json:"ja3,omitempty"`
	Ciphers    []string `json:"supported_ciphers,omitempty"`
}

type tlsServer struct {
	Hash      *tlsHash `json:"hash,omitempty"`
	Subject   *string  `json:"subject,omitempty"`
	Issuer    *string  `json:"issuer,omitempty"`
	NotBefore string   `json:"not_before,omitempty"`
	NotAfter  string   `json:"not_after,omitempty"`
	X509      *tlsX509 `json:"x509,omitempty"`
}

type tlsHash struct {
	SHA256 string `json:"sha256"`
}

type tlsX509 struct {
	Names     []string `json:"alternative_names,omitempty"`
	Signature string   `json:"signature_algorithm,omitempty"`
	Key       string   `json:"public_key_algorithm,omitempty"`
}

type handshakeRecord struct {
	Offered      string            `json:"version_offered,omitempty"`
	ALPN         []string          `json:"protocols_offered,omitempty"`
	Groups       []string          `json:"groups_offered,omitempty"`
	JA4          string            `json:"ja4,omitempty"`
	Retry        bool              `json:"hello_retry,omitempty"`
	Asks         bool              `json:"client_certificate_requested,omitempty"`
	Certificates int               `json:"certificates,omitempty"`
	Alert        *alertRecord      `json:"alert,omitempty"`
	Records      *tlsRecordsRecord `json:"records,omitempty"`
}

type alertRecord struct {
	By          string `json:"by"`
	Frame       int    `json:"frame"`
	Sealed      bool   `json:"encrypted,omitempty"`
	Code        *int   `json:"code,omitempty"`
	Description string `json:"description,omitempty"`
}

type tlsRecordsRecord struct {
	Client int `json:"client"`
	Server int `json:"server"`
}

func (f *plainFiller) tls() *tlsFields {
	x := f.a.TLS
	if x == nil {
		return nil
	}
	r := &tlsFields{Established: x.Opened.Seen(), Decrypted: !f.a.OnlyTLS(), Client: tlsClient{ServerName: f.text(x.ServerName), JA3: x.JA3}}
	if x.Answered.Seen() {
		r.Version = strings.NewReplacer("TLS ", "", "SSL ", "").Replace(tlswire.VersionName(x.Version))
		r.Cipher, r.NextProtocol, r.Resumed = analyze.SuiteName(x.Suite), f.text(x.Protocol), x.Resumption == analyze.Resumed
	}
	for _, id := range x.Suites {
		r.Client.Ciphers = append(r.Client.Ciphers, analyze.SuiteName(id))
	}
	if len(x.Certificates) > 0 {
		c := x.Certificates[0]
		r.Server = &tlsServer{Hash: &tlsHash{c.SHA256}}
		if c.SHA256 == "" {
			r.Server.Hash = nil
		}
		if c.Parsed {
			subject, issuer := f.text(c.Subject), f.text(c.Issuer)
			r.Server.Subject, r.Server.Issuer = &subject, &issuer
			r.Server.NotBefore, r.Server.NotAfter = c.NotBefore.Format(time.RFC3339), c.NotAfter.Format(time.RFC3339)
			r.Server.X509 = &tlsX509{Signature: c.Signature, Key: c.Key}
			for _, name := range c.Names {
				r.Server.X509.Names = append(r.Server.X509.Names, f.text(name))
			}
		}
	}
	return r
}

func (f *plainFiller) handshake() *handshakeRecord {
	x := f.a.TLS
	if x == nil {
		return nil
	}
	r := &handshakeRecord{JA4: x.JA4, Retry: x.Retry, Asks: x.AsksCertificate, Certificates: len(x.Certificates)}
	if x.Offered != 0 {
		r.Offered = tlswire.VersionName(x.Offered)
	}
	for _, name := range x.ALPN {
		r.ALPN = append(r.ALPN, f.text(name))
	}
	for _, id := range x.Groups {
		r.Groups = append(r.Groups, tls.CurveID(id).String())
	}
	if l := x.Alert; l.At.Seen() {
		r.Alert = &alertRecord{By: l.By.String(), Frame: l.At.Frame, Sealed: l.Sealed}
		if !l.Sealed {
			code := int(l.Description)
			r.Alert.Code, r.Alert.Description = &code, l.Description.String()
		}
	}
	if x.Opened.Seen() {
		r.Records = &tlsRecordsRecord{x.Records[0], x.Records[1]}
	}
	return r
}
