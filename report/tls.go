package report

import (
	"crypto/tls"
	"fmt"
	"strings"
	"time"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/internal/tlswire"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// encrypted lists TLS connections that look like a WebSocket and about which there
// is something to say.
func encrypted() *section {
	return exchangeSection("Encrypted", "TLS / certificate / findings",
		column{name: "TLS", min: 10}, column{name: "certificate", min: 20}, column{name: "lasted"}, column{name: "ended by", min: 12}, column{name: "findings", min: 20})
}

func (p *page) addEncrypted(a *analyze.Attempt) {
	var texts []string
	for _, f := range a.Findings {
		if worth(a, f, p.opt.All) {
			texts = append(texts, Message(p.veil(a).finding(f)))
		}
	}
	if len(texts) > 0 {
		p.addAttempt(p.sealed, a, handshakeText(a.TLS), p.text(a, certificateText(a.TLS)), tlsLasted(a), endText(a), cellText(strings.Join(texts, "; ")))
	}
}

func tlsLasted(a *analyze.Attempt) string {
	if d, ok := between(a.TLS.Opened, a.Close.At); ok {
		return analyze.DurationText(d)
	}
	return ""
}

// handshakeText says what was agreed upon.
func handshakeText(x *analyze.TLS) string {
	if !x.Answered.Seen() {
		return ""
	}
	return joinText(tlswire.VersionName(x.Version), analyze.SuiteName(x.Suite))
}

// certificateText names the server's certificate.
func certificateText(x *analyze.TLS) string {
	if len(x.Certificates) == 0 || !x.Certificates[0].Parsed {
		return ""
	}
	c := x.Certificates[0]
	return fmt.Sprintf("%s, issued by %s", c.Subject, c.Issuer)
}

// tlsAnswer says what came back to a ClientHello, and after how long.
func tlsAnswer(a *analyze.Attempt) (answer, after string) {
	x := a.TLS
	at := a.Close.At
	switch l := &x.Alert; {
	case x.Other != "":
		answer, at = "not TLS", x.OtherAt
	case l.At.Seen() && l.Sealed:
		answer, at = "an encrypted alert of the "+l.By.String(), l.At
	case l.At.Seen():
		answer, at = fmt.Sprintf("%s of the %v", l.Description, l.By), l.At
	case x.Answered.Seen():
		answer = "a part of the TLS handshake"
	default:
		answer = "none"
	}
	if d, ok := between(x.Asked, at); ok {
		after = analyze.DurationText(d)
	}
	return answer, after
}

// asked and answered are where the two halves of an exchange were complete, or
// broke off: the heads, or the hellos.
func asked(a *analyze.Attempt) flow.Stamp {
	if a.OnlyTLS() {
		return a.TLS.Asked
	}
	return stampOf(a.Request)
}

func answered(a *analyze.Attempt) flow.Stamp {
	if a.OnlyTLS() {
		return a.TLS.Answered
	}
	return stampOf(a.Response)
}

// appendTLS appends what shows of TLS, by the names of the Elastic Common Schema.
func (x *account) appendTLS(dst []byte) []byte {
	t := x.a.TLS
	if t == nil {
		return dst
	}
	dst = append(dst, `"tls":{`...)
	if t.Answered.Seen() {
		dst = appendFilled(dst, `"version":`, strings.TrimPrefix(strings.TrimPrefix(tlswire.VersionName(t.Version), "TLS "), "SSL "))
		dst = appendWord(dst, `"cipher":`, analyze.SuiteName(t.Suite))
		dst = x.appendFilled(dst, `"next_protocol":`, t.Protocol)
		dst = appendTrue(dst, `"resumed":true,`, t.Resumption == analyze.Resumed)
	}
	dst = append(dst, `"established":`...)
	if t.Opened.Seen() {
		dst = append(dst, `true,`...)
	} else {
		dst = append(dst, `false,`...)
	}
	dst = appendTrue(dst, `"decrypted":true,`, !x.a.OnlyTLS())
	dst = append(dst, `"client":{`...)
	dst = x.appendFilled(dst, `"server_name":`, t.ServerName)
	dst = appendWord(dst, `"ja3":`, t.JA3)
	if len(t.Suites) > 0 {
		dst = append(dst, `"supported_ciphers":[`...)
		for _, id := range t.Suites {
			dst = appendWord(dst, "", analyze.SuiteName(id))
		}
		dst = endArray(dst)
	}
	dst = endObject(dst)
	if len(t.Certificates) > 0 {
		dst = x.appendCertificate(append(dst, `"server":{`...), t.Certificates[0])
		dst = endObject(dst)
	}
	return endObject(dst)
}

// appendCertificate appends what the server's own certificate says.
func (x *account) appendCertificate(dst []byte, c *analyze.Certificate) []byte {
	if c.SHA256 != "" {
		dst = endObject(appendWord(append(dst, `"hash":{`...), `"sha256":`, c.SHA256))
	}
	if !c.Parsed {
		return dst
	}
	dst = x.appendText(dst, `"subject":`, c.Subject)
	dst = x.appendText(dst, `"issuer":`, c.Issuer)
	dst = appendWord(dst, `"not_before":`, c.NotBefore.Format(time.RFC3339))
	dst = appendWord(dst, `"not_after":`, c.NotAfter.Format(time.RFC3339))
	dst = append(dst, `"x509":{`...)
	if len(c.Names) > 0 {
		dst = append(dst, `"alternative_names":[`...)
		for _, name := range c.Names {
			dst = x.appendText(dst, "", name)
		}
		dst = endArray(dst)
	}
	dst = appendWord(dst, `"signature_algorithm":`, c.Signature)
	return endObject(appendWord(dst, `"public_key_algorithm":`, c.Key))
}

// appendHandshake appends what the Elastic Common Schema has no names for.
func (x *account) appendHandshake(dst []byte) []byte {
	t := x.a.TLS
	if t == nil {
		return dst
	}
	dst = append(dst, `"tls":{`...)
	if t.Offered != 0 {
		dst = appendWord(dst, `"version_offered":`, tlswire.VersionName(t.Offered))
	}
	if len(t.ALPN) > 0 {
		dst = append(dst, `"protocols_offered":[`...)
		for _, name := range t.ALPN {
			dst = x.appendText(dst, "", name)
		}
		dst = endArray(dst)
	}
	if len(t.Groups) > 0 {
		dst = append(dst, `"groups_offered":[`...)
		for _, id := range t.Groups {
			dst = appendWord(dst, "", tls.CurveID(id).String())
		}
		dst = endArray(dst)
	}
	dst = appendWord(dst, `"ja4":`, t.JA4)
	dst = appendTrue(dst, `"hello_retry":true,`, t.Retry)
	dst = appendTrue(dst, `"client_certificate_requested":true,`, t.AsksCertificate)
	dst = appendPositive(dst, `"certificates":`, int64(len(t.Certificates)))
	if l := &t.Alert; l.At.Seen() {
		dst = appendWord(append(dst, `"alert":{`...), `"by":`, l.By.String())
		dst = appendPositive(dst, `"frame":`, int64(l.At.Frame))
		if l.Sealed {
			dst = append(dst, `"encrypted":true,`...)
		} else {
			dst = appendNumber(dst, `"code":`, int64(l.Description))
			dst = appendWord(dst, `"description":`, l.Description.String())
		}
		dst = endObject(dst)
	}
	if t.Opened.Seen() {
		dst = appendNumber(append(dst, `"records":{`...), `"client":`, int64(t.Records[0]))
		dst = endObject(appendNumber(dst, `"server":`, int64(t.Records[1])))
	}
	return endObject(dst)
}
