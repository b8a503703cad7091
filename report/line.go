package report

import (
	"net/netip"
	"strconv"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// schemaVersion is websocket.schema of every line.
const schemaVersion = 1

// Each function here appends a part of the line of one attempt, as schema.json
// has it: the names are those of the Elastic Common Schema where it has one.
// Absent means unknown; empty means seen empty. A member ends with a comma,
// which the end of its object takes away.

// attemptLine appends the line of an attempt.
func (l *lines) attemptLine(dst []byte, record string, x *account) []byte {
	a := x.a
	dst = appendWord(append(dst, '{'), `"record":`, record)
	if s := a.Start(); s.Seen() {
		dst = append(dst, `"@timestamp":"`...)
		dst = append(l.clock.appendTime(dst, s.Time), `",`...)
	}
	dst = append(dst, `"event":{"kind":"event","outcome":"`...)
	dst = append(append(dst, x.outcome()...), `",`...)
	if d, ok := a.Waited(); ok {
		dst = appendNumber(dst, `"duration":`, d.Nanoseconds())
	}
	dst = endObject(dst)
	dst = appendEnd(append(dst, `"client":{"ip":"`...), a.Client())
	dst = appendEnd(append(dst, `"server":{"ip":"`...), a.Server())
	dst = append(dst, `"network":{"transport":"tcp","protocol":"`...)
	dst = append(append(dst, protocolOf(a)...), `",`...)
	if a.Client().IsValid() && a.Server().IsValid() {
		dst = append(dst, `"community_id":"`...)
		dst = append(appendCommunityID(dst, a.Client(), a.Server()), `",`...)
	}
	dst = endObject(dst)
	dst = x.appendHTTP(dst)
	dst = x.appendURL(dst)
	dst = x.appendTLS(dst)
	if agent, ok := x.sent(nameUserAgent); ok {
		dst = endObject(x.appendText(append(dst, `"user_agent":{`...), `"original":`, agent))
	}
	dst = append(dst, l.observer...)
	dst = l.appendWebSocket(dst, x)
	dst[len(dst)-1] = '}'
	return append(dst, '\n')
}

// endObject ends an object, and the member that it is.
func endObject(dst []byte) []byte { return append(trimComma(dst), '}', ',') }

func endArray(dst []byte) []byte { return append(trimComma(dst), ']', ',') }

func trimComma(dst []byte) []byte {
	if end := len(dst) - 1; dst[end] == ',' {
		return dst[:end]
	}
	return dst
}

func appendString(dst []byte, label, s string) []byte {
	dst = append(dst, label...)
	return append(appendText(dst, s), ',')
}

// appendFilled leaves out the empty string.
func appendFilled(dst []byte, label, s string) []byte {
	if s == "" {
		return dst
	}
	return appendString(dst, label, s)
}

// appendText appends a text from the wire, masked.
func (x *account) appendText(dst []byte, label, s string) []byte {
	if classOf(s)&(marks|escaped) != 0 || len(x.known) > 0 {
		return appendString(dst, label, x.text(s))
	}
	dst = append(append(dst, label...), '"')
	return append(append(dst, s...), `",`...)
}

func (x *account) appendFilled(dst []byte, label, s string) []byte {
	if s == "" {
		return dst
	}
	return x.appendText(dst, label, s)
}

// appendWord appends a string of the program's own, which needs no escapes.
func appendWord(dst []byte, label, s string) []byte {
	if s == "" {
		return dst
	}
	dst = append(append(dst, label...), '"')
	return append(append(dst, s...), `",`...)
}

func appendKnown(dst []byte, label, s string, known bool) []byte {
	if !known {
		return dst
	}
	return appendString(dst, label, s)
}

func appendNumber(dst []byte, label string, n int64) []byte {
	dst = append(dst, label...)
	return append(strconv.AppendInt(dst, n, 10), ',')
}

// appendPositive leaves out zero.
func appendPositive(dst []byte, label string, n int64) []byte {
	if n == 0 {
		return dst
	}
	return appendNumber(dst, label, n)
}

// appendTrue leaves out false.
func appendTrue(dst []byte, member string, b bool) []byte {
	if !b {
		return dst
	}
	return append(dst, member...)
}

// appendEnd appends an address and port after the quote that opens the former.
func appendEnd(dst []byte, end netip.AddrPort) []byte {
	if ip := end.Addr().Unmap(); ip.IsValid() && ip.Zone() == "" {
		dst = ip.AppendTo(dst)
	} else {
		dst = appendEscaped(dst, ip.String())
	}
	return endObject(appendNumber(append(dst, `",`...), `"port":`, int64(end.Port())))
}

func (x *account) appendHTTP(dst []byte) []byte {
	req, resp := x.a.Request, x.a.Response
	asked := req != nil && req.Head.Method != ""
	got := resp != nil && resp.Head.Status != 0
	if !asked && !got {
		return dst
	}
	dst = append(dst, `"http":{`...)
	dst = appendFilled(dst, `"version":`, x.httpVersion())
	if asked {
		dst = endObject(x.appendText(append(dst, `"request":{`...), `"method":`, req.Head.Method))
	}
	if got {
		dst = appendNumber(append(dst, `"response":{`...), `"status_code":`, int64(resp.Head.Status))
		dst = x.appendText(dst, `"reason":`, resp.Head.Phrase)
		if resp.Body != "" {
			dst = endObject(x.appendText(append(dst, `"body":{`...), `"content":`, resp.Body))
		}
		dst = endObject(dst)
	}
	return endObject(dst)
}

func (x *account) appendURL(dst []byte) []byte {
	u, ok := x.url()
	if !ok {
		return dst
	}
	dst = appendString(append(dst, `"url":{`...), `"original":`, u.original)
	if u.full != "" {
		dst = append(dst, `"full":"`...)
		if u.base != "" {
			dst = append(append(dst, scheme(x.a)...), u.base...)
		}
		dst = append(appendInside(dst, u.full), `",`...)
	}
	return endObject(appendString(dst, `"domain":`, u.domain))
}

func (l *lines) appendWebSocket(dst []byte, x *account) []byte {
	a := x.a
	dst = appendNumber(dst, `"websocket":{"schema":`, schemaVersion)
	dst = appendWord(dst, `"verdict":`, a.Verdict.String())
	dst = x.appendFilled(dst, `"reason":`, a.Reason)
	dst = appendNumber(dst, `"tcp_stream":`, int64(a.Conn.ID))
	if a.H2 != nil {
		dst = appendNumber(dst, `"h2_stream":`, int64(a.H2.Stream))
	}
	dst = appendPositive(dst, `"request_frame":`, int64(requestFrame(a)))
	dst = appendPositive(dst, `"response_frame":`, int64(responseFrame(a)))
	if len(a.Interim) > 0 {
		dst = append(dst, `"interim":[`...)
		for _, status := range a.Interim {
			dst = appendNumber(dst, "", int64(status))
		}
		dst = endArray(dst)
	}
	if a.Tunnel != "" {
		dst = appendString(dst, `"tunnel":`, x.authority(a.Tunnel))
	}
	dst = x.appendOffers(dst)
	dst = x.appendHandshake(dst)
	dst = append(dst, `"findings":[`...)
	for i := range a.Findings {
		dst = l.texts.appendFinding(dst, x, &a.Findings[i])
	}
	dst = endArray(dst)
	dst = x.appendRedirect(dst)
	dst = x.appendPassage(dst)
	dst = x.appendClose(dst)
	dst = x.appendFrames(dst)
	dst = appendBlindness(dst, a)
	dst = appendTiming(dst, a)
	return endObject(dst)
}

// appendOffers appends what request and response say of keys, sub-protocols and
// extensions.
func (x *account) appendOffers(dst []byte) []byte {
	host, ok := x.sent(nameHost)
	dst = appendKnown(dst, `"host":`, host, ok)
	key, ok := x.key()
	dst = appendKnown(dst, `"key":`, key, ok)
	accept, ok := x.accept()
	dst = appendKnown(dst, `"accept":`, accept, ok)
	dst = appendFilled(dst, `"accept_expected":`, x.a.Expected)
	dst = appendWord(dst, `"accept_cause":`, causeOf(x.a))
	version, ok := x.sent(nameVersion)
	dst = appendKnown(dst, `"version":`, version, ok)
	dst = x.appendList(dst, `"protocols_offered":[`, x.a.Request, &x.request, nameProtocol)
	if x.a.Switched() {
		protocol, ok := x.answered(nameProtocol)
		dst = appendKnown(dst, `"protocol":`, protocol, ok)
	}
	dst = x.appendList(dst, `"extensions_offered":[`, x.a.Request, &x.request, nameExtensions)
	if x.a.Switched() {
		dst = x.appendList(dst, `"extensions":[`, x.a.Response, &x.response, nameExtensions)
	}
	return dst
}

// appendList appends the items of all fields of a name, unless the message does
// not show them.
func (x *account) appendList(dst []byte, label string, m *analyze.Message, fs *fields, n fieldName) []byte {
	if m == nil {
		return dst
	}
	value, ok := fs.value(n)
	if !ok && !m.Complete {
		return dst
	}
	if fs.again[n] || n == nameProtocol && !(plainProtocols(value) && len(x.known) == 0) {
		return x.appendItems(dst, label, m, n)
	}
	start := len(dst)
	dst = append(dst, label...)
	first := len(dst)
	for value != "" {
		var item string
		if item, value = nextItem(value); item != "" {
			dst = x.appendText(dst, "", item)
		}
	}
	if len(dst) == first && !m.Complete {
		return dst[:start]
	}
	return endArray(dst)
}

// appendItems is appendList for several fields, and for sub-protocols that may
// be secret.
func (x *account) appendItems(dst []byte, label string, m *analyze.Message, n fieldName) []byte {
	var items []string
	if n == nameProtocol {
		items = x.list(itemsOf(m, "Sec-WebSocket-Protocol"))
	} else {
		items = itemsOf(m, "Sec-WebSocket-Extensions")
	}
	if len(items) == 0 && !m.Complete {
		return dst
	}
	dst = append(dst, label...)
	for _, item := range items {
		dst = x.appendText(dst, "", item)
	}
	return endArray(dst)
}

func (x *account) appendRedirect(dst []byte) []byte {
	r := x.a.Redirect
	if r == nil {
		return dst
	}
	dst = append(dst, `"redirect":{`...)
	dst = x.appendFilled(dst, `"location":`, r.Location)
	if r.Chain != nil {
		dst = appendPositive(dst, `"chain":`, int64(r.Chain.ID))
	}
	dst = appendPositive(dst, `"hop":`, int64(r.Hop))
	if r.Chain != nil {
		dst = x.appendChain(dst, r.Chain)
	}
	return endObject(dst)
}

func (x *account) appendChain(dst []byte, c *analyze.Chain) []byte {
	if len(c.URLs) > 0 {
		dst = append(dst, `"urls":[`...)
		for _, u := range c.URLs {
			dst = x.appendText(dst, "", u)
		}
		dst = endArray(dst)
	}
	return appendWord(dst, `"end":`, c.End.String())
}

func (x *account) appendClose(dst []byte) []byte {
	c := &x.a.Close
	dst = append(dst, `"close":{`...)
	dst = appendWord(dst, `"by":`, c.By.String())
	dst = appendWord(dst, `"how":`, c.How.String())
	dst = appendPositive(dst, `"frame":`, int64(c.At.Frame))
	if code, ok := closeCode(c); ok {
		dst = appendNumber(dst, `"code":`, int64(code))
	}
	dst = x.appendFilled(dst, `"reason":`, c.Reason)
	return endObject(dst)
}

// appendFrames counts the WebSocket frames of each side, as far as they are known.
func (x *account) appendFrames(dst []byte) []byte {
	client, server := &x.a.Frames[0], &x.a.Frames[1]
	if !x.a.Switched() || client.Unclear && server.Unclear {
		return dst
	}
	dst = append(dst, `"frames":{`...)
	if !client.Unclear {
		dst = appendNumber(dst, `"client":`, int64(client.Total()))
	}
	if !server.Unclear {
		dst = appendNumber(dst, `"server":`, int64(server.Total()))
	}
	return endObject(dst)
}

// appendBlindness says what the capture could not show of an attempt.
func appendBlindness(dst []byte, a *analyze.Attempt) []byte {
	start := len(dst)
	dst = append(dst, `"not_visible":{`...)
	first := len(dst)
	dst = appendBlindSide(dst, `"client":{`, a.Conn, a.ClientDir)
	dst = appendBlindSide(dst, `"server":{`, a.Conn, a.ClientDir.Reverse())
	dst = appendTrue(dst, `"mid_stream":true,`, !a.Conn.SYN.Seen() && !a.Conn.SYNACK.Seen()) // the connection began before the capture
	if len(dst) == first {
		return dst[:start]
	}
	return endObject(dst)
}

// appendBlindSide says what is missing of the bytes that one side sent.
func appendBlindSide(dst []byte, label string, c *flow.Evidence, d flow.Dir) []byte {
	lost, cut, unseen, none := c.Lost[d], c.Cut[d], c.Unseen[d], !c.Sent[d]
	if lost == 0 && cut == 0 && !unseen && !none {
		return dst
	}
	dst = append(dst, label...)
	dst = appendPositive(dst, `"lost_bytes":`, lost)                // known to be missing
	dst = appendTrue(dst, `"acked_unseen":true,`, unseen)           // the other side acknowledged bytes that the capture does not hold
	dst = appendPositive(dst, `"cut_packets":`, int64(cut))         // by the snap length
	return endObject(appendTrue(dst, `"not_captured":true,`, none)) // no packet of this side is in the capture
}

// protocolOf is network.protocol of the Elastic Common Schema.
func protocolOf(a *analyze.Attempt) string {
	if a.OnlyTLS() {
		return "tls"
	}
	return "http"
}

// appendTiming counts nanoseconds from the SYN, or from the first packet if the
// SYN is not in the capture.
func appendTiming(dst []byte, a *analyze.Attempt) []byte {
	zero := a.Conn.SYN
	if !zero.Seen() {
		zero = a.Conn.First
	}
	dst = append(dst, `"timing":{`...)
	dst = appendSince(dst, `"syn_ns":`, zero, a.Conn.SYN)
	dst = appendSince(dst, `"connect_ns":`, zero, a.Conn.SYNACK)
	if x := a.TLS; x != nil {
		dst = appendSince(dst, `"client_hello_ns":`, zero, x.Asked)
		dst = appendSince(dst, `"server_hello_ns":`, zero, x.Answered)
		dst = appendSince(dst, `"tls_ns":`, zero, x.Opened)
	}
	if a.Request != nil {
		dst = appendSince(dst, `"request_ns":`, zero, a.Request.Done)
	}
	if a.Response != nil {
		dst = appendSince(dst, `"response_ns":`, zero, a.Response.First)
	}
	return endObject(appendSince(dst, `"end_ns":`, zero, a.Close.At))
}

func appendSince(dst []byte, label string, zero, s flow.Stamp) []byte {
	d, ok := between(zero, s)
	if !ok {
		return dst
	}
	return appendNumber(dst, label, d.Nanoseconds())
}
