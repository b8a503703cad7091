package analyze

import (
	"fmt"
	"strings"

	"golang.org/x/net/http2"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// judgeH2 finds everything that an exchange on HTTP/2 shows by itself.
func (t *Attempt) judgeH2(last flow.Stamp, drops int64) {
	t.checkH2Request()
	if t.Response != nil {
		t.checkH2Response()
	}
	t.checkPatience()
	switch {
	case t.Response == nil && t.H2.refuses():
		t.Verdict = H2Refused
		t.checkH2End()
	case t.Response == nil:
		t.Verdict, t.Reason = t.unanswered(last, drops)
		t.checkSilentEnd(last)
	case t.Switched():
		t.checkH2Switch(last)
	default:
		t.checkStatus()
	}
	if t.TLS != nil {
		t.checkInsideTLS()
	}
	t.checkDoubts()
}

// connectionFields are what HTTP/2 does without, RFC 9113, Section 8.2.2. A key is
// of no use on it, but not forbidden.
var connectionFields = [...]string{"connection", "upgrade", "http2-settings", "keep-alive", "proxy-connection", "transfer-encoding"}

// checkH2Request checks the client's half of the handshake, RFC 8441, Section 5.
func (t *Attempt) checkH2Request() {
	m, x := t.Request, t.H2
	h := &m.Head
	find := func(code Code, field, got, want string) { t.add(code, Client, m.Done.Frame, field, got, want) }
	var classic []string
	for _, name := range connectionFields {
		if value, ok := h.Get(name); ok {
			classic = append(classic, name+": "+value)
		}
	}
	if len(classic) > 0 || !x.Connect {
		find(H2ClassicUpgrade, "", joined(append([]string{h.Method}, classic...)...), "CONNECT with :protocol")
	}
	if x.Faults[0] != "" {
		find(H2RequestMalformed, "", x.Faults[0], "")
	}
	if !x.Connect {
		return
	}
	checkVersion(h, m.Complete, find)
	checkOffers(h, find)
	if x.Settings && !x.Announced && x.blind[1] == seeing {
		find(H2ConnectNotAnnounced, "SETTINGS_ENABLE_CONNECT_PROTOCOL", "", "1")
		if t.Switched() { // it does it all the same, for a client that does not ask
			t.Findings[len(t.Findings)-1].Severity = Warning
		}
	}
}

// checkH2Response checks what any answer must obey.
func (t *Attempt) checkH2Response() {
	if fault := t.H2.Faults[1]; fault != "" {
		t.add(H2ResponseMalformed, Server, t.Response.Done.Frame, "", fault, "")
		if t.Switched() && t.Frames[Client-1].Total() > 0 { // the client took it
			t.Findings[len(t.Findings)-1].Severity = Warning
		}
	}
}

// checkH2Switch checks the server's half, which has no Accept.
func (t *Attempt) checkH2Switch(last flow.Stamp) {
	m := t.Response
	find := func(code Code, field, got, want string) { t.add(code, Server, m.Done.Frame, field, got, want) }
	if t.Request.Complete {
		t.checkSubprotocol(&m.Head, m.Complete, find)
		t.checkExtensions(&m.Head, find)
	}
	t.checkSilence(last)
}

// decideH2 judges an answer.
func (t *Attempt) decideH2() (Verdict, string) {
	switch {
	case t.Response.Head.Status == 0 && !t.Response.Complete:
		return Indeterminate, "the response head is too large"
	case t.Response.Head.Status == 0:
		return NotHTTP, ""
	case !t.Switched():
		return H2Refused, ""
	case t.worst() == Error:
		return BadHandshake, ""
	case !t.Request.Complete || !t.Response.Complete:
		return Indeterminate, "a head is too large"
	}
	return H2OK, ""
}

// refuses reports whether the server refused the stream without an answer: it reset
// it, or left the connection for an error, or before it came to the stream. What it
// does with a stream that its client gave up is no refusal.
func (x *H2) refuses() bool { return !x.GaveUp && (x.Ends[1].Error || x.goneAway()) }

// goneAway reports whether the server's GOAWAY ends the stream. If that is not left
// out, an answer may be among what is not read behind it.
func (x *H2) goneAway() bool {
	failed := http2.ErrCode(x.GoAway.Code) != http2.ErrCodeNo && x.blind[1] == seeing
	return x.GoAway.At.Seen() && (x.Stream > x.Last || failed)
}

// checkH2End says with which error the server refused.
func (t *Attempt) checkH2End() {
	x := t.H2
	if e := x.Ends[1]; e.Error {
		t.add(H2StreamReset, Server, e.At.Frame, "RST_STREAM", e.Reason(), "an answer")
		return
	}
	t.add(H2GoAway, Server, x.GoAway.At.Frame, "GOAWAY", fmt.Sprintf("%s, last stream %d", x.GoAway.Reason(), x.Last), "an answer")
}

// Reason is the name of the error code, RFC 9113, Section 7.
func (e H2End) Reason() string {
	return strings.ToUpper(strings.ReplaceAll(http2.ErrCode(e.Code).String(), " ", "_"))
}

// ending tries the ways in which the stream ended.
func (x *H2) ending(try func(at flow.Stamp, how CloseHow, by Side)) {
	for i, side := range [...]Side{Client, Server} {
		how := EndStream
		if x.Ends[i].Error {
			how = RSTStream
		}
		try(x.Ends[i].At, how, side)
	}
	if x.goneAway() {
		try(x.GoAway.At, GoAway, Server)
	}
}

// mayDoubt reports whether the head of a side may rest on bytes in doubt: those of
// its header blocks, or before them, on which the state of the compression rests.
func (x *H2) mayDoubt(m *Message, side Side, d *flow.Doubt) bool {
	return m != nil && (d.Kind == flow.Urgent || !d.Acked) && d.Offset < m.Offset+int64(x.size[side-1])
}
