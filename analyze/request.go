package analyze

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// checkRequest checks the client's half of the handshake, RFC 6455, Section
// 4.2.1. What a head that breaks off may still have had is not missed.
func (t *Attempt) checkRequest() {
	m := t.Request
	h, frame := &m.Head, m.Done.Frame
	find := func(code Code, field, got, want string) { t.add(code, Client, frame, field, got, want) }
	if h.Tunnels() {
		return
	}
	checkRequestLine(m, find)
	t.checkFields(m, Client, func(h *Head, find finder) {
		checkHost(h, m.Complete, find)
		checkRequestUpgrade(h, m.Complete, find)
		checkRequestConnection(h, m.Complete, find)
		checkVersion(h, m.Complete, find)
		checkRepeats(h, find)
		checkOffers(h, find)
		checkFraming(h, find)
	})
	checkKey(m, find)
	checkLineEnds(h, find)
	if t.earlyData.Seen() {
		t.add(EarlyClientData, Client, t.earlyData.Frame, "", "bytes before the answer", "none")
	}
}

type finder func(code Code, field, got, want string)

func checkRequestLine(m *Message, find finder) {
	h := &m.Head
	if field, got, want := h.badLine(); field != "" {
		find(RequestLineMalformed, field, got, want)
	}
	if h.Method != "GET" {
		find(RequestMethodNotGET, "method", h.Method, "GET")
	} else if m.lacks(hasLength) {
		// the usual way
	} else if n, ok := h.Get("Content-Length"); ok && strings.Trim(n, "0") != "" {
		find(RequestMethodNotGET, "Content-Length", n, "no body")
	} else if v, ok := h.Get("Transfer-Encoding"); ok {
		find(RequestMethodNotGET, "Transfer-Encoding", v, "no body")
	}
	if h.Version == "HTTP/1.0" || h.Version == "HTTP/0.9" {
		find(RequestHTTP10, "version", h.Version, "HTTP/1.1")
	}
	if strings.Contains(h.Target, "://") && !strings.HasPrefix(h.Target, "/") {
		find(RequestAbsoluteForm, "target", h.Target, "origin-form")
	}
}

// badLine says what is wrong with the form of a request line, RFC 9112, Section 3;
// field is "" if nothing is, or if the line breaks off.
func (h *Head) badLine() (field, got, want string) {
	switch {
	case len(h.Line) == len(h.Raw):
	case len(trimIndent(h.Line)) != len(h.Line):
		return "request line", h.Line, "nothing before the method"
	case h.Version == "" || h.Target == "" || strings.Contains(h.Target, " ") || strings.Contains(h.Line, "\t"):
		return "request line", h.Line, "method, target and version, one blank between"
	case strings.ContainsFunc(h.Target, func(r rune) bool { return isControl(r) || r > '~' }):
		return "target", h.Target, "such bytes as %20" // RFC 3986, Section 2.1
	case !isVersion(h.Version):
		return "version", h.Version, "HTTP/1.1"
	case strings.Contains(h.Target, "#"):
		return "target", h.Target, "no fragment"
	case h.Target[0] != '/' && !strings.Contains(h.Target, "://"):
		return "target", h.Target, "/" + h.Target
	}
	return "", "", ""
}

// isVersion reports whether s is an HTTP-version, RFC 9112, Section 2.3.
func isVersion(s string) bool {
	digit := func(c byte) bool { return '0' <= c && c <= '9' }
	return len(s) == len("HTTP/1.1") && s[:5] == "HTTP/" && digit(s[5]) && s[6] == '.' && digit(s[7])
}

func checkHost(h *Head, whole bool, find finder) {
	f, more := h.first("Host")
	if f == nil {
		if whole {
			find(RequestHostMissing, "Host", "", "the server's name")
		}
		return
	}
	host := f.Value
	if more {
		find(RequestHostInvalid, "Host", joinValues(h.Named("Host")), "one field")
	} else if !isHost(host) {
		find(RequestHostInvalid, "Host", host, "host or host:port")
	}
	if name, found := strings.CutSuffix(host, ":80"); found {
		find(RequestHostDefaultPort, "Host", host, name)
	} else if name, found := strings.CutSuffix(host, ":443"); found {
		find(RequestHostDefaultPort, "Host", host, name)
	}
}

// isHost reports whether the value of a Host is a name or an address with an
// optional port, RFC 9110, Section 7.2 and RFC 3986, Section 3.2.2. Bytes outside
// ASCII pass: names of other scripts are often sent like this, and taken.
func isHost(s string) bool {
	port := ""
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		s, port = s[:i], s[i+1:]
	}
	literal := strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]")
	if literal {
		s = s[1 : len(s)-1]
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c == 0x7f || c == ':' && !literal || strings.IndexByte("\"#/<>?@[\\]^`{|}", c) >= 0 {
			return false
		}
	}
	return strings.Trim(port, "0123456789") == ""
}

// checkRepeats looks for fields that a request must not have twice: RFC 6455,
// Section 11.3.5 and RFC 6454, Section 7.3. Key and Host have checks of their own.
func checkRepeats(h *Head, find finder) {
	for _, name := range [...]string{"Sec-WebSocket-Version", "Origin"} {
		if _, more := h.first(name); more {
			find(RequestFieldDuplicated, name, joinValues(h.Named(name)), "one field")
		}
	}
}

func checkRequestUpgrade(h *Head, whole bool, find finder) {
	tokens := h.Tokens("Upgrade")
	got := strings.Join(tokens, ", ")
	n := countToken(tokens, "websocket")
	switch {
	case n == 0 && whole:
		find(RequestUpgradeMissing, "Upgrade", got, "websocket")
	case n > 1:
		find(RequestUpgradeDuplicatedToken, "Upgrade", got, "websocket")
	}
	for _, token := range tokens {
		if strings.EqualFold(token, "websocket") && token != "websocket" {
			find(RequestUpgradeWrongCase, "Upgrade", token, "websocket")
			return
		}
	}
}

func checkRequestConnection(h *Head, whole bool, find finder) {
	tokens := h.Tokens("Connection")
	got := strings.Join(tokens, ", ")
	switch {
	case countToken(tokens, "upgrade") == 0:
		if whole {
			find(RequestConnectionLacksUpgrade, "Connection", got, "Upgrade")
		}
	case len(tokens) > 1:
		find(RequestConnectionMultiToken, "Connection", got, "Upgrade")
	}
}

// checkKey checks the nonce, RFC 6455, Sections 4.1 and 11.3.1.
func checkKey(m *Message, find finder) {
	const name = "Sec-WebSocket-Key"
	h := &m.Head
	f, more := m.token(name)
	if f == nil {
		if m.Complete {
			find(KeyMissing, name, hixie(h), "16 bytes in base64")
		}
		return
	}
	if more {
		find(KeyDuplicated, name, joinValues(h.Named(name)), "one field")
	}
	if strayWhitespace(f) {
		find(KeyWithStrayWhitespace, name, h.fieldLine(f), f.Value)
	}
	for _, known := range knownKeys {
		if f.Value == known.key {
			find(KeyKnownConstant, name, f.Value, known.source)
		}
	}
	if m.nonce.n != 16 {
		checkNonce(f.Value, find)
	} else if nonce := m.nonce.b[:16]; printable(nonce) {
		find(KeyLowEntropy, name, strconv.Quote(string(nonce)), "16 random bytes")
	}
}

// checkNonce checks what the key decodes to.
func checkNonce(key string, find finder) {
	const name = "Sec-WebSocket-Key"
	nonce, err := base64.StdEncoding.DecodeString(key)
	switch {
	case err != nil:
		find(KeyNot16Bytes, name, key, "16 bytes in base64")
		return
	case len(nonce) != 16:
		find(KeyNot16Bytes, name, fmt.Sprintf("%s (%d bytes)", key, len(nonce)), "16 bytes in base64")
		return
	}
	if canonical := base64.StdEncoding.EncodeToString(nonce); canonical != key {
		find(KeyNonCanonicalBase64, name, key, canonical)
	}
	if printable(nonce) {
		find(KeyLowEntropy, name, strconv.Quote(string(nonce)), "16 random bytes")
	}
}

// hixie returns the key of the draft before RFC 6455, which had other fields.
func hixie(h *Head) string {
	if key, ok := h.Get("Sec-WebSocket-Key1"); ok {
		return "Sec-WebSocket-Key1: " + key
	}
	return ""
}

func joinValues(fields []Field) string {
	values := make([]string, len(fields))
	for i, f := range fields {
		values[i] = f.Value
	}
	return strings.Join(values, " | ")
}

// strayWhitespace reports white space or quotes that a recipient may or may not
// take for a part of the value.
func strayWhitespace(f *Field) bool {
	return f.Post > 1 || f.Trail > 0 || strings.ContainsAny(f.Value, " \t\r\"'")
}

// fieldLine returns a field's line as sent.
func (h *Head) fieldLine(f *Field) string {
	line, _, _ := strings.Cut(h.Raw[f.Offset:], "\n")
	return strings.TrimSuffix(line, "\r")
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// knownKeys are keys that software sends every time.
var knownKeys = [...]struct{ key, source string }{
	{"x3JJHMbDL1EzLkh9GBhXDw==", "a random key; this one is the constant of CivetWeb's client and of test tools"},
	{"MDEyMzQ1Njc4OWFiY2RlZg==", "a random key; this one is the constant of ArduinoWebsockets built without randomness"},
	{"dGhlIHNhbXBsZSBub25jZQ==", "a random key; this one is the sample of RFC 6455"},
	{"94BKvjUp/+zImAvhNQWT3w==", "a random key; this one was copied from a browser into scripts"},
	{"nil", "a random key; this one is sent by go-rod"},
	{"AQIDBAUGBwgJCgsMDQ4PEC==", "a random key; this one is the text example of RFC 6455"},
}

func checkVersion(h *Head, whole bool, find finder) {
	const name = "Sec-WebSocket-Version"
	v, ok := h.Get(name)
	switch {
	case !ok && whole:
		find(VersionMissing, name, "", "13")
	case ok && v != "13":
		find(VersionNot13, name, v, "13")
	}
}

// checkOffers checks the lists of extensions and sub-protocols, RFC 6455,
// Sections 9.1 and 11.3.4.
func checkOffers(h *Head, find finder) {
	const extensions = "Sec-WebSocket-Extensions"
	for _, f := range h.Named(extensions) {
		offers, ok := parseExtensions(f.Value)
		if !ok {
			find(ExtensionsRequestMalformed, extensions, f.Value, "a list of extensions")
		}
		for _, e := range offers {
			if bad := e.badParam(true); bad != "" {
				find(ExtensionsRequestMalformed, extensions, f.Value, "no "+bad)
			}
		}
	}
	const protocols = "Sec-WebSocket-Protocol"
	for _, f := range h.Named(protocols) {
		if bad := badProtocols(f.Value); bad != "" {
			find(SubprotocolListMalformed, protocols, f.Value, bad)
		}
	}
}

// badProtocols says what is wrong with a list of offered sub-protocols; "" if
// nothing is.
func badProtocols(list string) string {
	seen := map[string]bool{}
	for p := range strings.SplitSeq(list, ",") {
		p = strings.Trim(p, " \t")
		switch {
		case p == "":
			return "no empty member"
		case p == "null" || p == "undefined":
			return "a protocol's name instead of " + p
		case !isToken(p):
			return "tokens without separators"
		case seen[p]:
			return "each protocol once"
		}
		seen[p] = true
	}
	return ""
}

// isToken reports whether s is a token, RFC 9110, Section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTokenByte(c byte) bool {
	return c > ' ' && c < 0x7f && strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) < 0
}

// checkFraming checks what holds for the lines of any head, RFC 9112, Section 5.
func checkFraming(h *Head, find finder) {
	colon, space, fold, odd := true, true, true, true // each is told once: a head may have thousands
	for i := range h.Fields {
		f := &h.Fields[i]
		if f.Name == "" && colon {
			colon = false
			find(HeaderLineWithoutColon, "", h.fieldLine(f), "name: value")
		}
		if f.Pre > 0 && space {
			space = false
			find(SpaceBeforeColon, f.Name, h.fieldLine(f), f.Name+": "+f.Value)
		}
		if f.Folded && fold {
			fold = false
			find(ObsFold, f.Name, f.Value, "one line")
		}
		if odd && f.Name != "" && f.hasInvalidByte() {
			odd = false
			find(HeaderInvalidByte, f.Name, h.fieldLine(f), "a token, a colon, and a value without control bytes")
		}
	}
}

// hasInvalidByte reports whether the name is no token, or a control byte other than
// a tab is in the value: RFC 9110, Sections 5.1 and 5.5.
func (f *Field) hasInvalidByte() bool {
	return !isToken(f.Name) || strings.ContainsFunc(f.Value, func(r rune) bool { return r != '\t' && isControl(r) })
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// checkLineEnds looks for lines that end in LF without CR, RFC 9112, Section 2.2.
func checkLineEnds(h *Head, find finder) {
	if h.LFOnly > 0 {
		find(LFOnlyLineEndings, "", fmt.Sprintf("%d lines end in LF alone", h.LFOnly), "CR LF")
	}
}

// hostOf returns the name in a Host field, without port.
func hostOf(host string) string {
	if ap, err := netip.ParseAddrPort(host); err == nil {
		return ap.Addr().String()
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}
