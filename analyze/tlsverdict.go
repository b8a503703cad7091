package analyze

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/wssniff/wssniff/internal/tlswire"
	"github.com/wssniff/wssniff/reassembly/flow"
	"github.com/wssniff/wssniff/tlsdecrypt"
)

// manyRetransmissions of bytes that are never acknowledged are no accident.
const manyRetransmissions = 3

// maxListedSuites is how many cipher suites are named.
const maxListedSuites = 8

// judgeTLS judges a TLS connection in which nothing can be read.
func (t *Attempt) judgeTLS(last flow.Stamp, drops int64) {
	x := t.TLS
	t.Verdict = TLSFailed
	switch {
	case x.Opened.Seen() && !x.Alert.Fatal:
		t.Verdict = Encrypted
	case x.Other != "":
		t.add(TLSToPlainPort, Server, x.OtherAt.Frame, "first bytes", x.otherLine(), "a TLS record")
	case x.Alert.At.Seen() && x.Alert.endsHandshake():
		t.checkAlert()
	default:
		t.Verdict, t.Reason = t.silentHandshake(last, drops)
	}
	if len(x.Certificates) > 0 {
		t.checkCertificate()
	}
	if t.Verdict == Encrypted {
		t.checkOutline()
	}
	if t.Verdict == TLSFailed && !x.Named {
		t.add(TLSSNIMissing, Client, x.Asked.Frame, "server_name", "none", "the server's name")
	}
	if closer := t.Close.By; t.Verdict == Encrypted && t.Close.How == CloseFIN && x.Unnotified[closer-Client] {
		t.add(TLSCloseNotifyMissing, closer, t.Close.At.Frame, "", "FIN", "close_notify before it")
	}
	if x.Resumption == Refused {
		t.add(TLSResumptionRefused, Server, x.Answered.Frame, "", "a full handshake", "")
	}
}

// otherLine returns of an answer that is not TLS its first line, without what ends it,
// as far as that is kept; all that is kept if that line is empty.
func (x *TLS) otherLine() string {
	line, _, _ := strings.Cut(x.Other, "\n")
	return cmp.Or(strings.TrimSuffix(line, "\r"), x.Other)
}

// checkInsideTLS says what the TLS around an exchange has to do with it.
func (t *Attempt) checkInsideTLS() {
	x := t.TLS
	if t.agreedOnH2() && !t.has(TLSALPNH2) {
		t.addAgreedOnH2()
	}
	t.checkHostAndSNI()
	if r := t.Response; r != nil && x.AsksCertificate && wantsCertificate(r) {
		t.add(TLSClientCertRequired, Server, r.Done.Frame, "", fmt.Sprintf("status %d inside TLS", r.Head.Status), "a certificate that the server accepts")
	}
	if len(x.Certificates) > 0 {
		t.checkCertificate()
	}
}

// agreedOnH2 reports whether a request is one of HTTP/1.1 although the handshake of TLS
// said HTTP/2.
func (t *Attempt) agreedOnH2() bool {
	return t.TLS != nil && t.TLS.Protocol == "h2" && t.Request != nil && t.H2 == nil
}

func (t *Attempt) addAgreedOnH2() {
	t.add(TLSALPNH2, Server, t.TLS.Answered.Frame, "ALPN", t.TLS.Protocol, "http/1.1")
}

// checkHostAndSNI compares the names inside and around an exchange. What they have to
// do with the answer its status tells: a server that knows the host somewhere else, or
// nowhere, has one of a few.
func (t *Attempt) checkHostAndSNI() {
	x := t.TLS
	host, ok := t.hostAsked()
	if !ok {
		return
	}
	misdirected := t.Response != nil && slices.Contains([]int{400, 403, 404, 421}, t.Response.Head.Status)
	_, err := netip.ParseAddr(host)
	isName := err != nil
	switch {
	case !x.Named && isName && misdirected:
		t.add(TLSSNIMissing, Client, x.Asked.Frame, "server_name", "none", host)
	case x.ServerName == "" || host == strings.TrimSuffix(x.ServerName, "."):
	case misdirected:
		t.add(TLSHostNotSNI, Client, t.Request.Done.Frame, "Host", host, x.ServerName)
	case t.H2 == nil || len(x.Certificates) == 0 || !x.Certificates[0].Covers(host): // else it is what RFC 9113, Section 9.1.1, allows
		t.add(TLSHostNotSNI, Client, t.Request.Done.Frame, "Host", host, x.ServerName)
		t.Findings[len(t.Findings)-1].Severity = Note
	}
}

// wantsCertificate reports whether an answer says that the client should have sent a
// certificate: some servers, nginx among them, say it only when they are asked for
// something.
func wantsCertificate(m *Message) bool {
	body := strings.ToLower(m.Body)
	return (m.Head.Status == 400 || m.Head.Status == 403) && (strings.Contains(body, "ssl certificate") || strings.Contains(body, "client certificate"))
}

// hostAsked returns the host name of the request in lower case, without its port.
func (t *Attempt) hostAsked() (host string, ok bool) {
	if t.Request == nil {
		return "", false
	}
	if host, ok = t.Request.Head.Get("Host"); ok {
		host = strings.TrimSuffix(strings.ToLower(hostOf(host)), ".")
	}
	return host, ok && host != ""
}

// isAlert reports whether bytes begin with an alert, in the clear.
func isAlert(b string) bool {
	h, ok := tlswire.ReadHeader([]byte(b))
	return ok && h.Type == tlswire.Alert && h.Length == 2
}

// endsHandshake reports whether an alert is the end, RFC 8446, Section 6.
func (l *TLSAlert) endsHandshake() bool {
	return l.Fatal || l.Sealed || l.Description != tlswire.UnrecognizedName && l.Description != tlswire.CloseNotify && l.Description != tlswire.UserCanceled
}

// checkAlert says what an alert means that ended the handshake.
func (t *Attempt) checkAlert() {
	x, l := t.TLS, &t.TLS.Alert
	if l.Sealed {
		t.add(TLSRejectedByClient, l.By, l.At.Frame, "alert", "encrypted", "the end of the handshake")
		return
	}
	find := func(code Code, got, want string) { t.add(code, l.By, l.At.Frame, "alert", got, want) }
	name := l.Description.String()
	byServer := l.By == Server
	switch l.Description {
	case tlswire.ProtocolVersion, tlswire.InappropriateFallback:
		find(TLSNoSharedVersion, name, "a version that both know; "+x.offer(false))
	case tlswire.HandshakeFailure, tlswire.InsufficientSecurity:
		if byServer && x.AsksCertificate {
			find(TLSClientCertRequired, name, "a certificate of the client")
			return
		}
		find(TLSHandshakeFailure, name, "parameters that both know; "+x.offer(true))
	case tlswire.BadCertificate, tlswire.UnsupportedCert, tlswire.CertificateRevoked, tlswire.CertificateUnknown, tlswire.UnknownCA, tlswire.NoCertificate, tlswire.CertificateRequired:
		if byServer {
			find(TLSClientCertRequired, name, "a certificate that the server accepts")
			return
		}
		// With these two, libraries say no more than that they do not accept it.
		vague := l.Description == tlswire.BadCertificate || l.Description == tlswire.CertificateUnknown
		switch clock := x.clientClock(); {
		case vague && (x.outdated() != nil || x.misnamed()): // which is told
		case vague && clock != "":
			find(TLSClientClock, name+clock, t.validity())
		default:
			find(TLSCertUntrusted, name, x.leaf())
		}
	case tlswire.CertificateExpired:
		if byServer {
			find(TLSClientCertRequired, name, "a certificate that the server accepts")
			return
		}
		if x.sentAreValid() {
			find(TLSClientClock, name+x.clientClock(), t.validity())
			return
		}
		find(TLSCertDate, name+x.clientClock(), t.validity())
	case tlswire.UnrecognizedName:
		find(TLSNameUnknown, fmt.Sprintf("%s, %q", name, x.ServerName), "a name that the server has")
	case tlswire.NoApplicationProtocol:
		find(TLSALPNNoneAgreed, name, "one of "+strings.Join(x.ALPN, ", "))
	default:
		find(TLSAlertCode, name, "the end of the handshake")
	}
}

// SuiteName returns the IANA name of a cipher suite, or its number.
func SuiteName(id uint16) string { return cmp.Or(tlsdecrypt.SuiteName(id), tls.CipherSuiteName(id)) }

// offer tells what the client offered.
func (x *TLS) offer(suites bool) string {
	text := "the client offers " + tlswire.VersionName(x.Offered) + " at most"
	if x.Offered == 0 {
		text = "nobody knows what the client offers"
	}
	if !suites || len(x.Suites) == 0 {
		return text
	}
	var names []string
	for _, id := range x.Suites[:min(len(x.Suites), maxListedSuites)] {
		names = append(names, SuiteName(id))
	}
	text += " and " + strings.Join(names, ", ")
	if more := len(x.Suites) - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// leaf tells whose certificate the client saw.
func (x *TLS) leaf() string {
	if len(x.Certificates) == 0 {
		return ""
	}
	c := x.Certificates[0]
	if !c.Parsed {
		return "a certificate that cannot be read"
	}
	text := fmt.Sprintf("%s, issued by %s", c.Subject, c.Issuer)
	switch {
	case c.SelfSigned:
		text = c.Subject + ", signed by itself"
	case len(x.Certificates) == 1:
		text += ", without an intermediate one"
	}
	return text
}

// outdated returns the first certificate that is not valid when it is captured; nil:
// none that can be read.
func (x *TLS) outdated() *Certificate {
	for _, c := range x.Certificates {
		if c.Parsed && !c.ValidAt(x.at()) {
			return c
		}
	}
	return nil
}

// misnamed reports whether the server's own certificate is for other names than the
// client asked for.
func (x *TLS) misnamed() bool {
	return len(x.Certificates) > 0 && x.Certificates[0].Parsed && x.ServerName != "" && !x.Certificates[0].Covers(x.ServerName)
}

// sentAreValid reports whether all certificates that the server sent are valid when
// they are captured.
func (x *TLS) sentAreValid() bool {
	unread := slices.ContainsFunc(x.Certificates, func(c *Certificate) bool { return !c.Parsed })
	return len(x.Certificates) > 0 && !unread && x.outdated() == nil
}

// validity tells when the server's certificate is valid.
func (t *Attempt) validity() string {
	for _, c := range t.TLS.Certificates {
		if c.Parsed {
			return fmt.Sprintf("valid from %s to %s, captured %s", date(c.NotBefore), date(c.NotAfter), t.TLS.at().Format(time.DateOnly))
		}
	}
	return ""
}

func date(t time.Time) string { return t.Format("2006-01-02 15:04:05") }

// at is when the client had the certificate, or sent its ClientHello.
func (x *TLS) at() time.Time {
	at := x.CertificateAt
	if !at.Seen() {
		at = x.Asked
	}
	return time.Unix(0, at.Time).UTC()
}

// clientClock tells what a ClientHello says of the time, as those of old software
// do, if the clock was never set: RFC 5246, Section 7.4.1.2.
func (x *TLS) clientClock() string {
	const month = 30 * 24 * 60 * 60
	if x.HelloTime > month {
		return ""
	}
	return fmt.Sprintf(", the ClientHello says %s", date(time.Unix(int64(x.HelloTime), 0).UTC()))
}

// checkCertificate says what is wrong with the server's certificates. To a client
// that went on with them it did not matter.
func (t *Attempt) checkCertificate() {
	x := t.TLS
	find := func(code Code, got, want string) {
		f := newFinding(code, Server, x.CertificateAt.Frame, "certificate", got, want)
		if t.Verdict != TLSFailed {
			f.Severity = Warning
		}
		t.Findings = append(t.Findings, f)
	}
	if c := x.outdated(); c != nil && !t.has(TLSCertDate) {
		find(TLSCertDate, fmt.Sprintf("%s, valid from %s to %s", c.Subject, date(c.NotBefore), date(c.NotAfter)), "valid when it is captured")
	}
	if x.misnamed() {
		find(TLSCertName, x.ServerName, strings.Join(x.Certificates[0].Names, ", "))
	}
	if product, issuer, ok := x.inspected(); ok {
		f := newFinding(TLSMITMSuspected, Server, x.CertificateAt.Frame, "certificate", fmt.Sprintf("%s, issued by %s", x.ServerName, issuer), "a name by which "+product+" signs")
		t.Findings = append(t.Findings, f)
	}
	for i, o := range x.Certificates[1:] {
		if below := x.Certificates[i]; !below.signedBy(o) {
			find(TLSChainOrder, below.Issuer+" is followed by "+o.Subject, "each certificate issued by the next")
			break
		}
	}
}

// silentHandshake judges a handshake that ended without an alert.
func (t *Attempt) silentHandshake(last flow.Stamp, drops int64) (Verdict, string) {
	x, e := t.TLS, t.Conn
	client, server := t.ClientDir, t.ClientDir.Reverse()
	ended := t.Close.How == CloseFIN || t.Close.How == CloseRST
	find := func(code Code, side Side, at flow.Stamp, got, want string) (Verdict, string) {
		t.add(code, side, at.Frame, "", got, want)
		return TLSFailed, ""
	}
	switch {
	case !e.Sent[server]:
		return Indeterminate, "the capture holds only the client's direction"
	case e.Unseen[0] || e.Unseen[1] || e.Lost[client] > 0 || e.Lost[server] > 0 && !x.Unreceived:
		return Indeterminate, "bytes of the TLS handshake are missing from the capture"
	case x.Garbled:
		return Indeterminate, "a part of the TLS handshake makes no sense, or is too long"
	case drops > 0:
		return Indeterminate, fmt.Sprintf("the TLS handshake is not whole, and the capture dropped %d packets", drops)
	case e.Retrans[client] >= manyRetransmissions && !e.Acked[client] && !x.Answered.Seen() && !x.Retry:
		return find(TLSHelloBlackhole, Client, x.Asked, fmt.Sprintf("sent %d times", e.Retrans[client]+1), "an acknowledgement")
	case !ended && last.Time-t.lastSeen() < minSilence:
		return Indeterminate, fmt.Sprintf("the capture ends in the middle of the TLS handshake, %s", t.stage())
	case x.Unreceived, e.Retrans[server] >= manyRetransmissions && !e.Acked[server]:
		got := fmt.Sprintf("%d segments sent again", e.Retrans[server])
		if x.Unreceived {
			got = fmt.Sprintf("%d bytes missing", e.Lost[server])
		}
		return find(ServerLargeSegmentsLost, Server, t.answeredOrAsked(), got, "an acknowledgement")
	case !ended:
		return find(TLSHandshakeStalls, Server, t.answeredOrAsked(), fmt.Sprintf("%s, silence for %s", t.stage(), DurationText(time.Duration(last.Time-t.lastSeen()))), "the end of the handshake")
	case t.Close.By == Server:
		return find(TLSHandshakeCut, Server, t.Close.At, t.stage()+", "+t.sinceAnswer(t.Close.At), "the end of the handshake")
	case t.inTime(x.FlightDone) || t.inTime(x.Spoke[1]):
		return find(TLSClientStopsAfterCertificate, Client, t.Close.At, t.sinceAnswer(t.Close.At), x.leaf())
	}
	return find(TLSHandshakeAbandoned, Client, t.Close.At, t.stage()+", "+t.sinceAnswer(t.Close.At), "the end of the handshake")
}

// lastSeen is the time of the latest thing that was seen of the handshake.
func (t *Attempt) lastSeen() int64 {
	latest := t.TLS.Asked.Time
	for _, at := range t.TLS.stamps() {
		if at.Seen() {
			latest = max(latest, at.Time)
		}
	}
	return latest
}

func (t *Attempt) answeredOrAsked() flow.Stamp {
	if t.TLS.Answered.Seen() {
		return t.TLS.Answered
	}
	return t.TLS.Asked
}

// inTime reports whether something of the server came before the end of the
// connection: by its place in the capture, which may be wrong, or because the client
// acknowledged everything.
func (t *Attempt) inTime(at flow.Stamp) bool {
	return at.Seen() && (!t.Close.At.Seen() || at.Frame <= t.Close.At.Frame || t.Conn.Acked[t.ClientDir.Reverse()])
}

// stage tells how far the handshake came.
func (t *Attempt) stage() string {
	switch x := t.TLS; {
	case t.inTime(x.FlightDone) || t.inTime(x.Spoke[1]):
		return "after all that the server sends first"
	case t.inTime(x.CertificateAt):
		return "after the server's certificate"
	case t.inTime(x.Answered):
		return "after the ServerHello"
	case x.Retry:
		return "after the HelloRetryRequest"
	}
	return "after the ClientHello"
}

// sinceAnswer tells how long after the last thing seen something came.
func (t *Attempt) sinceAnswer(at flow.Stamp) string {
	latest := t.TLS.Asked
	for _, s := range t.TLS.stamps() {
		if s.Seen() && s.Frame < at.Frame && s.Frame > latest.Frame {
			latest = *s
		}
	}
	return DurationText(time.Duration(at.Time-latest.Time)) + " later"
}
