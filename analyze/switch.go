package analyze

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// checkSwitch checks the server's half of the handshake, RFC 6455, Section 4.1.
func (t *Attempt) checkSwitch(last flow.Stamp) {
	m := t.Response
	h, whole := &m.Head, m.Complete || t.unterminated()
	find := func(code Code, field, got, want string) { t.add(code, Server, m.Done.Frame, field, got, want) }
	checkStatusLine(h, find)
	t.checkFields(m, Server, func(h *Head, find finder) {
		checkLengths(h, find)
		checkResponseUpgrade(h, whole, find)
		checkResponseConnection(h, whole, find)
		checkNames(h, find)
		checkSpacing(h, find)
		checkFraming(h, find)
	})
	t.checkAccept(m, whole, find)
	if t.Request != nil && t.Request.Complete {
		t.checkSubprotocol(h, whole, find)
		t.checkExtensions(h, find)
		t.checkLenience(find)
	}
	checkLineEnds(h, find)
	t.checkShape(find)
	t.checkAftermath(last)
}

func checkStatusLine(h *Head, find finder) {
	switch {
	case len(h.Line) == len(h.Raw): // it breaks off
	case h.Phrase == "":
		find(StatusLineNoReason, "reason", h.Line, "HTTP/1.1 101 Switching Protocols")
	case !strings.EqualFold(h.Phrase, "Switching Protocols"):
		find(StatusLineCustomReason, "reason", h.Phrase, "Switching Protocols")
	}
	checkResponseVersion(h, find)
}

// checkLengths looks for fields that tell of a body, which a 101 has not.
func checkLengths(h *Head, find finder) {
	if v, ok := h.Get("Content-Length"); ok {
		find(ContentLengthOn101, "Content-Length", v, "no such field")
	}
	if v, ok := h.Get("Transfer-Encoding"); ok {
		find(TransferEncodingOn101, "Transfer-Encoding", v, "no such field")
	}
}

func checkResponseVersion(h *Head, find finder) {
	if h.Version == "HTTP/1.0" || h.Version == "HTTP/0.9" {
		find(ResponseHTTP10, "version", h.Version, "HTTP/1.1")
	}
}

func checkResponseUpgrade(h *Head, whole bool, find finder) {
	fields := h.Named("Upgrade")
	tokens := h.Tokens("Upgrade")
	n := countToken(tokens, "websocket")
	switch {
	case len(tokens) == 0:
		if whole {
			find(ResponseUpgradeMissing, "Upgrade", "", "websocket")
		}
	case len(fields) > 1 || n > 1:
		find(ResponseUpgradeDuplicated, "Upgrade", joinValues(fields), "websocket")
	case len(tokens) > 1 || n == 0:
		find(ResponseUpgradeNotWebSocket, "Upgrade", fields[0].Value, "websocket")
	}
}

func checkResponseConnection(h *Head, whole bool, find finder) {
	tokens := h.Tokens("Connection")
	got := strings.Join(tokens, ", ")
	switch {
	case countToken(tokens, "upgrade") == 0:
		if whole {
			find(ResponseConnectionMissing, "Connection", got, "Upgrade")
		}
	case len(tokens) > 1:
		find(ResponseConnectionMultiToken, "Connection", got, "Upgrade")
	}
	if slices.Contains(tokens, "upgrade") {
		find(ResponseTokenLowerCase, "Connection", got, "Upgrade")
	}
}

// checkAccept compares the Accept with what the key demands.
func (t *Attempt) checkAccept(m *Message, whole bool, find finder) {
	const name = "Sec-WebSocket-Accept"
	h := &m.Head
	f, more := m.token(name)
	if f == nil {
		if whole {
			find(AcceptMissingCode, name, "", t.Expected)
		}
		return
	}
	t.Accept = f.Value
	if more {
		find(AcceptDuplicated, name, joinValues(h.Named(name)), "one field")
	}
	if t.Expected == "" {
		return
	}
	if t.Accept != t.Expected {
		t.Cause = findRecipe(t.Key, t.Accept)
		for _, other := range t.Request.Head.Named("Sec-WebSocket-Key") {
			if t.Accept == Accept(other.Value) {
				t.Cause = RecipeSecondKey
			}
		}
		find(AcceptMismatchCode, name, t.Accept, t.Expected)
	} else if f.Post > 1 || f.Trail > 0 {
		find(AcceptSurroundingWhitespace, name, h.fieldLine(f), name+": "+t.Accept)
	}
}

func (t *Attempt) checkSubprotocol(h *Head, whole bool, find finder) {
	const name = "Sec-WebSocket-Protocol"
	if t.Request.lacks(hasProtocol) && t.Response.lacks(hasProtocol) {
		return
	}
	offered := t.Request.Head.Tokens(name)
	fields := h.Named(name)
	chosen := h.Tokens(name)
	offer := strings.Join(offered, ", ")
	switch {
	case len(fields) == 0:
		if len(offered) > 0 && whole {
			find(SubprotocolMissing, name, "", offer)
		}
	case len(chosen) == 0:
		find(SubprotocolEmptyHeader, name, "", "a protocol, or no field")
	case len(chosen) > 1 || len(fields) > 1:
		find(SubprotocolMultiple, name, joinValues(fields), "one of "+offer)
	case !slices.Contains(offered, chosen[0]):
		find(SubprotocolNotOffered, name, chosen[0], offer)
	}
}

func (t *Attempt) checkExtensions(h *Head, find finder) {
	const name = "Sec-WebSocket-Extensions"
	if t.Response.lacks(hasExtensions) {
		return
	}
	offers, _ := parseExtensions(strings.Join(t.Request.Head.Tokens(name), ","))
	for _, f := range h.Named(name) {
		answers, ok := parseExtensions(f.Value)
		if !ok {
			find(DeflateBadParameter, name, f.Value, "a list of extensions")
			continue
		}
		for _, e := range answers {
			e.checkAnswer(offers, find)
		}
	}
}

// checkAnswer checks an extension that the server accepts: it must fit one of the
// offers of that name, which are alternatives (RFC 7692, Section 5). If it fits
// none, the first is what the client prefers.
func (e *extension) checkAnswer(offers []extension, find finder) {
	const name = "Sec-WebSocket-Extensions"
	if bad := e.badParam(false); bad != "" && slices.ContainsFunc(offers, func(o extension) bool { return o.name == e.name }) {
		find(DeflateBadParameter, name, bad, "a parameter that an answer may have, once")
		return
	}
	var got, want string
	for i := range offers {
		if offers[i].name != e.name {
			continue
		}
		lacks, needs := e.misfit(&offers[i])
		if lacks == "" {
			return
		}
		if got == "" {
			got, want = lacks, needs
		}
	}
	if got == "" {
		find(ExtensionNotOffered, name, e.name, "an extension that was offered")
		return
	}
	find(DeflateBadParameter, name, got, want)
}

// checkLenience notes a 101 to a request that a strict server refuses.
func (t *Attempt) checkLenience(find finder) {
	for _, code := range strictFaults {
		if i := slices.IndexFunc(t.Findings, func(f Finding) bool { return f.Code == code }); i >= 0 {
			f := &t.Findings[i]
			find(SwitchedWithoutValidRequest, f.Field, f.Got, "a refusal of the request")
			return
		}
	}
}

// strictFaults are what strict servers refuse a request for, in the order of RFC
// 6455, Section 4.2.1.
var strictFaults = [...]Code{
	RequestMethodNotGET, RequestHTTP10, RequestUpgradeMissing, RequestConnectionLacksUpgrade, KeyMissing, KeyNot16Bytes, VersionMissing, VersionNot13,
}

// handshakeFields are the fields whose names clients look for.
var handshakeFields = [...]string{"Upgrade", "Connection", "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"}

// checkNames looks at the case of names, which does not matter (RFC 9110,
// Section 5.1) but to some embedded clients.
func checkNames(h *Head, find finder) {
	lower, odd := true, ""
	for _, f := range h.Fields {
		lower = lower && f.Name == strings.ToLower(f.Name)
		for _, name := range handshakeFields {
			if strings.EqualFold(f.Name, name) && f.Name != name {
				odd = f.Name
			}
		}
	}
	switch {
	case odd == "":
	case lower:
		find(ResponseHeaderNamesLowerCase, odd, odd, "Sec-WebSocket-Accept")
	default:
		find(ResponseHeaderNameOddCase, odd, odd, canonical(odd))
	}
}

func canonical(name string) string {
	for _, c := range handshakeFields {
		if strings.EqualFold(name, c) {
			return c
		}
	}
	return name
}

// checkSpacing looks at the white space behind colons, of which any amount is
// allowed (RFC 9112, Section 5) and one space expected by some clients.
func checkSpacing(h *Head, find finder) {
	var none, many, empty []string
	for i := range h.Fields {
		f := &h.Fields[i]
		switch {
		case f.Name == "" || f.Folded:
		case f.Value == "":
			empty = append(empty, f.Name)
		case f.Post == 0:
			none = append(none, f.Name)
		case f.Post > 1:
			many = append(many, f.Name)
		}
	}
	tell := func(code Code, names []string, want string) {
		if len(names) > 0 {
			find(code, names[0], strings.Join(names, ", "), want)
		}
	}
	tell(NoSpaceAfterColon, none, "one space after the colon")
	tell(MultipleSpacesAfterColon, many, "one space after the colon")
	tell(EmptyHeaderValue, empty, "a value")
}

// espBuffer is how many bytes of a response head esp-idf's WebSocket transport
// takes by default (WS_BUFFER_SIZE 1024).
const espBuffer = 1023

// checkShape looks at the size of the head and at how it was sent.
func (t *Attempt) checkShape(find finder) {
	m := t.Response
	if n := len(m.Head.Raw); n > espBuffer {
		find(ResponseHeadOversize, "head", fmt.Sprintf("%d bytes", n), fmt.Sprintf("at most %d for small clients", espBuffer))
	}
	if m.Segments > 1 && m.Complete {
		find(ResponseSplitOverSegments, "head", fmt.Sprintf("%d segments", m.Segments), "one segment")
	}
	if t.unterminated() {
		find(HeadNotTerminated, "head", "no blank line", "a blank line after the last field")
	}
	if m.Tail > 0 && !t.has(ExtraCRLFAfterHead) {
		find(FirstFrameCoalesced, "", fmt.Sprintf("%d bytes behind the head", m.Tail), "the head alone")
	}
}

func (t *Attempt) has(code Code) bool {
	return slices.ContainsFunc(t.Findings, func(f Finding) bool { return f.Code == code })
}

// Times that tell what a client does with a 101.
const (
	dropsWithin  = time.Second             // who drops a connection because of a valid 101 does it at once
	networkTimer = 10 * int64(time.Second) // esp-idf polls for a bundled frame when its timer runs out
)

// checkAftermath looks at what the client made of the 101.
func (t *Attempt) checkAftermath(last flow.Stamp) {
	m := t.Response
	client := t.firstBytes[Client-1]
	if m.Tail > 0 && client.Seen() && client.Time-m.Done.Time >= networkTimer {
		t.add(FirstFrameDelayedByClient, Client, client.Frame, "", time.Duration(client.Time-m.Done.Time).Round(time.Millisecond).String(), "at once")
	}
	if t.Accept != "" && t.Accept == t.Expected && t.worst() < Error {
		t.checkDropped()
	}
	t.checkSilence(last)
}

// checkDropped looks for a side that ends the connection without using it.
func (t *Attempt) checkDropped() {
	m := t.Response
	if t.refusal.Seen() {
		t.add(AcceptOKButClientRefuses, Client, t.refusal.Frame, "", "This is a webSocket client!", "a frame")
		return
	}
	after := time.Duration(t.Close.At.Time - m.Done.Time)
	if t.Close.How != CloseFIN && t.Close.How != CloseRST || after < 0 || after > dropsWithin {
		return
	}
	dir := t.ClientDir
	if t.Close.By == Server {
		dir = dir.Reverse()
	}
	switch by := t.Close.By; {
	case by == NoSide || t.Frames[by-1] != (Frames{}) || t.Conn.Lost[dir] > 0 || t.Conn.Unseen[dir]:
	case by == Client:
		t.add(AcceptOKButClientRefuses, Client, t.Close.At.Frame, "", fmt.Sprintf("%v after %v, no frame", t.Close.How, after), "frames")
	default:
		t.add(RSTRightAfter101, Server, t.Close.At.Frame, "", fmt.Sprintf("%v after %v, no frame", t.Close.How, after), "frames")
	}
}

// checkSilence looks for a broker that does not answer because the sub-protocol
// is not the one it serves.
func (t *Attempt) checkSilence(last flow.Stamp) {
	client := t.firstBytes[Client-1]
	if end := cmp.Or(t.Close.At.Time, last.Time); t.Frames[Client-1].Data() == 0 || end-client.Time < minSilence {
		return
	}
	if t.Request == nil || t.Frames[Client-1].Total() == 0 || t.Frames[Server-1].Data() > 0 || t.Frames[Server-1].Unclear {
		return
	}
	offered := t.Request.Head.Tokens("Sec-WebSocket-Protocol")
	if slices.Contains(offered, "mqtt") || !slices.ContainsFunc(offered, func(p string) bool { return strings.HasPrefix(strings.ToLower(p), "mqtt") }) {
		return
	}
	t.add(SubprotocolUnknownThenSilent, Client, t.Request.Done.Frame, "Sec-WebSocket-Protocol", strings.Join(offered, ", "), "mqtt")
}
