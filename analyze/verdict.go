package analyze

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
	"github.com/wssniff/wssniff/tlsdecrypt"
)

// minSilence is how long a capture must go on after a request for the lack of an
// answer to mean something. A client that closes its direction may still get one.
const minSilence = 5 * int64(time.Second)

func (t *Attempt) add(code Code, side Side, frame int, field, got, want string) {
	t.Findings = append(t.Findings, newFinding(code, side, frame, field, got, want))
}

func newFinding(code Code, side Side, frame int, field, got, want string) Finding {
	return Finding{Code: code, Severity: catalogue[code].Severity, Frame: frame, Side: side, Field: field, Got: got, Want: want}
}

// sortFindings puts findings in the order of the catalogue, which is that of
// the RFC's checks.
func sortFindings(findings []Finding) {
	slices.SortStableFunc(findings, func(x, y Finding) int { return int(x.Code) - int(y.Code) })
}

// judge finds everything that the exchange shows by itself. How the connection
// ended is known.
func (t *Attempt) judge(last flow.Stamp, drops int64) {
	if t.OnlyTLS() {
		t.judgeTLS(last, drops)
		return
	}
	t.Key = t.key()
	if t.H2 != nil {
		t.judgeH2(last, drops)
		return
	}
	if t.Request != nil {
		t.checkRequest()
	}
	switch {
	case t.right: // it was computed before
		accept, _ := t.Response.token("Sec-WebSocket-Accept")
		t.Expected = accept.Value
	case t.Key != "":
		t.Expected = Accept(t.Key)
	}
	t.checkPatience()
	switch {
	case t.Response == nil:
		t.Verdict, t.Reason = t.unanswered(last, drops)
		t.checkSilentEnd(last)
	case t.Response.Head.Status == 101:
		t.checkSwitch(last)
	default:
		t.checkStatus()
	}
	if t.TLS != nil {
		t.checkInsideTLS()
	}
	t.checkDoubts()
}

// strangeRequest reports whether the 101 cannot be meant for the request: that
// asked for nothing, and bytes of the client are missing that may have.
func (t *Attempt) strangeRequest() bool {
	missing := t.Conn.Lost[t.ClientDir] > 0 || t.Conn.Unseen[t.ClientDir]
	return missing && t.H2 == nil && t.Request != nil && t.Request.Complete && t.Response != nil && t.Response.Head.Status == 101 && !isAttempt(&t.Request.Head)
}

func (t *Attempt) checkPatience() {
	if t.gaveUpEarly() {
		t.add(ClientGaveUpEarly, Client, t.Close.At.Frame, "", time.Duration(t.Response.Done.Time-t.Request.Done.Time).String(), "")
	}
}

// gaveUpEarly reports whether the client closed without having received the
// response.
func (t *Attempt) gaveUpEarly() bool {
	c, dir := t.Close, t.ClientDir
	if t.Response == nil || t.Request == nil || c.By != Client || c.At.Frame >= t.Response.First.Frame {
		return false
	}
	switch c.How {
	case CloseFIN:
		if t.TLS != nil { // what the FIN acknowledges is not counted in bytes of the response
			return false
		}
		ack := t.Conn.FINAck[dir]
		return ack == 0 || t.Response.ack == 0 || int32(ack-t.Response.seq) <= 0
	case CloseRST, RSTStream:
		return true
	}
	return false
}

// decide settles the verdict, once the findings are complete.
func (t *Attempt) decide() {
	switch {
	case t.Response == nil:
	case t.H2 != nil:
		t.Verdict, t.Reason = t.decideH2()
	case t.Response.Head.Status == 101:
		t.Verdict, t.Reason = t.decideSwitch()
	default:
		t.Verdict, t.Reason = t.decideStatus()
	}
}

// ending finds out how the connection ended for the attempt: by whatever came
// first.
func (t *Attempt) ending() {
	t.Close = t.closeFrame
	if !t.Close.At.Seen() {
		t.Close = Close{Code: -1}
	}
	try := func(at flow.Stamp, how CloseHow, by Side) {
		if at.Seen() && (!t.Close.At.Seen() || at.Frame < t.Close.At.Frame) {
			t.Close = Close{By: by, How: how, Code: -1, At: at}
		}
	}
	if t.H2 != nil {
		t.H2.ending(try)
	}
	c := t.Conn
	for _, side := range []Side{Client, Server} {
		dir := t.ClientDir
		if side == Server {
			dir = dir.Reverse()
		}
		if c.ClosedFirst(dir) {
			try(c.FIN[dir], CloseFIN, side)
		}
		try(c.RST[dir], CloseRST, side)
	}
	try(t.nextRequest, NextUse, Client)
	if t.forgotten && t.Close.How == StillOpen {
		t.Close.How = Forgotten
	}
}

// unanswered judges an attempt without a response.
func (t *Attempt) unanswered(last flow.Stamp, drops int64) (Verdict, string) {
	server := t.ClientDir.Reverse()
	switch c := t.Conn; {
	case t.alien != "" && !cutStatusLine(t.alien):
		return NotHTTP, ""
	case t.TLS != nil && t.TLS.Unread[1] != tlsdecrypt.Decrypted:
		return Indeterminate, fmt.Sprintf("the server's bytes could not be decrypted: %v", t.TLS.Unread[1])
	case t.H2 != nil && t.H2.blind[1] != seeing:
		return Indeterminate, fmt.Sprintf("the state of the server's header compression is unknown: %v", t.H2.blind[1])
	case !c.Sent[server]:
		return Indeterminate, "the capture holds only the client's direction"
	case c.Lost[server] > 0 || c.Unseen[server] || t.unread:
		return Indeterminate, "bytes of the server are missing from the capture"
	case t.Request.Lost:
		return Indeterminate, "a part of the request is missing from the capture"
	case t.Close.How == Forgotten:
		return Indeterminate, "the connection was forgotten before it was answered"
	case t.Close.How == CloseRST || t.Close.How == RSTStream || t.Conn.FIN[server].Seen() || t.streamEnded():
		return NoResponse, ""
	}
	if drops > 0 {
		return Indeterminate, fmt.Sprintf("no answer shows, but the capture dropped %d packets", drops)
	}
	if silence := last.Time - t.Request.Done.Time; silence < minSilence {
		return Indeterminate, fmt.Sprintf("the capture ends %v after the request", time.Duration(max(silence, 0)).Round(time.Microsecond))
	}
	return NoResponse, ""
}

// checkSilentEnd says what came instead of an answer.
func (t *Attempt) checkSilentEnd(last flow.Stamp) {
	find := func(code Code, side Side, at flow.Stamp, got string) {
		t.add(code, side, at.Frame, "", got, "an answer")
	}
	after := time.Duration(t.Close.At.Time - t.Request.Done.Time)
	version := "HTTP/1.1"
	if t.H2 != nil {
		version = versionH2
	}
	switch {
	case t.agreedOnH2() && (t.Verdict == NotHTTP || t.Verdict == NoResponse):
		t.addAgreedOnH2() // whatever the server makes of what came instead
	case t.Verdict == NotHTTP && isAlert(t.alien):
		t.add(PlainToTLSPort, Server, t.alienAt.Frame, "first bytes", t.alien, version)
	case t.Verdict == NotHTTP:
		t.add(ResponseNotHTTP, Server, t.alienAt.Frame, "first bytes", t.alien, version)
	case t.Verdict != NoResponse:
	case !t.Request.Complete && !t.Conn.Unseen[t.ClientDir]:
		t.addHeadNotTerminated()
	case t.Close.By == Server && t.Close.How == CloseRST:
		find(TCPRSTAfterRequest, Server, t.Close.At, after.String())
	case t.Close.By == Server && t.Close.How == CloseFIN:
		find(TCPFINWithoutResponse, Server, t.Close.At, after.String())
	case t.neverAcked():
		t.add(RequestNeverAcked, Client, t.Request.Done.Frame, "", fmt.Sprintf("%d times", t.Conn.Retrans[t.ClientDir]+1), "an acknowledgement")
	case t.gaveUp():
		find(HTTPRequestUnanswered, Server, t.Request.Done, fmt.Sprintf("the client gives up after %v", after))
	case t.streamEnded():
		ended := time.Duration(t.H2.Ends[1].At.Time - t.Request.Done.Time)
		find(HTTPRequestUnanswered, Server, t.Request.Done, fmt.Sprintf("the server ends the stream after %v", ended))
	default:
		silence := time.Duration(last.Time - t.Request.Done.Time)
		find(HTTPRequestUnanswered, Server, t.Request.Done, fmt.Sprintf("silence for %v", silence))
	}
}

// neverAcked reports whether the server's system did not acknowledge the request, or
// its end.
func (t *Attempt) neverAcked() bool {
	return t.H2 == nil && !t.Conn.Acked[t.ClientDir] && t.Conn.Retrans[t.ClientDir] >= manyRetransmissions
}

// gaveUp reports whether the client ended what the attempt was made on before the
// server did. With END_STREAM it does not: it says that it has said all.
func (t *Attempt) gaveUp() bool {
	return t.Close.By == Client && t.Close.How != EndStream || t.H2 != nil && t.H2.GaveUp
}

// streamEnded reports whether the stream brings nothing more, as the server said or
// had been told.
func (t *Attempt) streamEnded() bool {
	return t.H2 != nil && (t.H2.GaveUp || t.H2.Ends[1].At.Seen())
}

func (t *Attempt) decideStatus() (Verdict, string) {
	h := &t.Response.Head
	switch {
	case t.statusCut():
		return Indeterminate, "the response breaks off in its status line"
	case cutStatusLine(t.Response.Head.Raw):
		return NoResponse, ""
	case h.Status == 0:
		return NotHTTP, ""
	}
	if h.Status < 300 || h.Status > 399 || h.Status == 304 {
		return Rejected, ""
	}
	if _, ok := h.Get("Location"); ok {
		return Redirected, ""
	}
	if !t.Response.Complete {
		return Indeterminate, "the response head breaks off before a Location"
	}
	return Rejected, ""
}

// statusCut reports whether the response breaks off before its status code, for
// a reason that lies in the capture.
func (t *Attempt) statusCut() bool {
	r := t.Response
	return r.Head.Status == 0 && !r.Complete && !strings.Contains(r.Head.Raw, "\n") && !t.unterminated()
}

// cutStatusLine reports whether an answer that was seen to its end is the beginning of
// a status line without its code, RFC 9112, Section 4.
func cutStatusLine(answer string) bool {
	const form = "HTTP/0.0 000"
	if len(answer) >= len(form) {
		return false
	}
	for i := range len(answer) {
		digit := form[i] == '0' && '0' <= answer[i] && answer[i] <= '9'
		if answer[i] != form[i] && !digit {
			return false
		}
	}
	return true
}

// decideSwitch judges a 101, RFC 6455, Section 4.1.
func (t *Attempt) decideSwitch() (Verdict, string) {
	whole := t.Response.Complete || t.unterminated()
	accept, ok := t.Response.Head.Get("Sec-WebSocket-Accept")
	switch {
	case !ok && whole:
		return AcceptMissing, ""
	case !ok:
		return Indeterminate, "the response head breaks off before a Sec-WebSocket-Accept"
	case t.Request == nil:
		return Indeterminate, "the request is not in the capture"
	case t.Key == "" && !t.Request.Complete:
		return Indeterminate, "the request breaks off before a Sec-WebSocket-Key"
	case t.Key != "" && accept != t.Expected:
		return AcceptMismatch, ""
	case t.worst() == Error:
		return BadHandshake, ""
	case !whole:
		return Indeterminate, "the response head breaks off"
	case !t.Request.Complete:
		return Indeterminate, "the request head breaks off"
	}
	return OK, ""
}

func (t *Attempt) worst() Severity {
	s, _ := t.Severity()
	return s
}

// unterminated reports whether the head of the response has no end although the
// connection was seen to its end.
func (t *Attempt) unterminated() bool {
	r := t.Response
	server := t.ClientDir.Reverse()
	ended := t.Close.How == CloseFIN || t.Close.How == CloseRST
	return !r.Complete && !r.Lost && ended && !t.Conn.Unseen[server] && t.Conn.Lost[server] == 0
}
