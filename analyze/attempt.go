package analyze

import (
	"net/netip"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// An Attempt is one try of a client to open a WebSocket, whatever became of it.
type Attempt struct {
	Number    int // 1-based place in Result.Attempts
	Conn      *flow.Evidence
	ClientDir flow.Dir // the direction in which the client sends

	Request  *Message // nil: not in the capture
	Response *Message // the final answer; nil: none seen
	Interim  []int    // status codes of 1xx answers before it, in order
	Tunnel   string   // target of the CONNECT that the attempt went through; "" if none

	Verdict Verdict
	Reason  string // why the verdict is Indeterminate, or what ended an attempt without response; may be ""

	Findings []Finding // in the order of the RFC's checks, then of the capture

	Key      string // Sec-WebSocket-Key as sent, white space trimmed; "" if missing
	Accept   string // Sec-WebSocket-Accept as sent, white space trimmed; "" if missing
	Expected string // the Accept that Key demands; "" if Key is missing or not seen
	Cause    Recipe // how a wrong Accept was made; RecipeUnknown if no recipe fits, RecipeNone if Accept is not wrong

	H2       *H2       // the stream that the attempt is; nil: it is HTTP/1
	TLS      *TLS      // what shows of the TLS connection around it; nil: there is none
	Passage  *Passage  // nil unless the capture has the attempt on both sides of a proxy
	Redirect *Redirect // nil unless Verdict is Redirected or the attempt follows a redirect

	Close  Close
	Frames [2]Frames // WebSocket frames sent, by the client and by the server

	evidence
	others []int // streams that findings rest on, see Basis
}

// An evidence is what the streams noted about an attempt for its judgement.
type evidence struct {
	alien              string // first bytes of an answer that is not HTTP
	alienAt            flow.Stamp
	unread             bool          // the server sent something behind a hole, in which the answer may be
	earlyData          flow.Stamp    // the client's first bytes after the request, if before the answer
	framesAfterRefusal flow.Stamp    // a masked frame after an answer other than 101
	refusal            flow.Stamp    // text in place of the client's first frame
	firstBytes         [2]flow.Stamp // the first bytes after the 101, by the client and by the server
	closeFrame         Close         // the first Close frame
	nextRequest        flow.Stamp    // the connection's next request
	doubt              [2]bool       // a receiver may have read the head of the client, or of the server, otherwise
	forgotten          bool          // the connection was dropped from the table
	lastFrame          int64         // time of the last bytes of a WebSocket frame; 0: there were none
	right              bool          // the Accept was compared with what the key demands, and equals it
}

// OnlyTLS reports whether no more shows of an attempt than the TLS connection that
// was to carry it.
func (a *Attempt) OnlyTLS() bool { return a.TLS != nil && a.Request == nil && a.Response == nil }

// Switched reports whether the answer makes a WebSocket of what follows: a 101, or
// 2xx to an extended CONNECT.
func (a *Attempt) Switched() bool {
	switch {
	case a.Response == nil:
		return false
	case a.H2 != nil:
		return opens(a.H2.Connect, a.Response.Head.Status)
	}
	return a.Response.Head.Status == 101
}

// Client returns the address that sent the request.
func (a *Attempt) Client() netip.AddrPort { return a.Conn.Addr(a.ClientDir) }

// Server returns the address that the request was sent to.
func (a *Attempt) Server() netip.AddrPort { return a.Conn.Addr(a.ClientDir.Reverse()) }

// key returns the Sec-WebSocket-Key as sent, "" if there is none.
func (a *Attempt) key() string {
	if a.Request == nil {
		return ""
	}
	if f, _ := a.Request.token("Sec-WebSocket-Key"); f != nil {
		return f.Value
	}
	return ""
}

// order is the frame by which attempts are listed.
func (a *Attempt) order() int {
	switch {
	case a.Request != nil:
		return a.Request.Done.Frame
	case a.Response != nil:
		return a.Response.Done.Frame
	case a.OnlyTLS():
		return a.TLS.Asked.Frame
	}
	return a.Conn.First.Frame
}

// Start returns the stamp of the first byte of the attempt that was seen.
func (a *Attempt) Start() flow.Stamp {
	switch {
	case a.Request != nil:
		return a.Request.First
	case a.Response != nil:
		return a.Response.First
	case a.OnlyTLS():
		return a.TLS.First
	}
	return a.Conn.First
}

// Waited returns the time from the last byte of the request to the first byte of
// the answer, and false if one of them is not known. An answer that did not wait for
// the last byte is counted from the first.
func (a *Attempt) Waited() (time.Duration, bool) {
	if a.Request == nil || a.Response == nil || !a.Request.Done.Seen() || !a.Response.First.Seen() {
		return 0, false
	}
	asked := a.Request.Done.Time
	if a.Response.First.Time < asked && a.Request.First.Seen() {
		asked = a.Request.First.Time
	}
	return time.Duration(a.Response.First.Time - asked), true
}

// Severity returns the greatest severity among the findings, and false if there
// are none.
func (a *Attempt) Severity() (s Severity, any bool) {
	for _, f := range a.Findings {
		if !any || f.Severity > s {
			s, any = f.Severity, true
		}
	}
	return s, any
}

// A Message is the head of an HTTP message, where it was seen, and the first
// bytes of its body.
type Message struct {
	Head     Head
	Complete bool       // the blank line that ends the head was seen, and no byte before it is missing
	Lost     bool       // bytes are missing inside the head (never captured, or cut by the snap length)
	Offset   int64      // of the first byte in its direction
	First    flow.Stamp // packet with the first byte
	Done     flow.Stamp // packet with which the head was complete; if it is not, the last packet of it
	Segments int        // TCP segments that carry a part of the head
	Tail     int        // bytes behind the head in the segment that completed it
	seq, ack uint32     // TCP numbers of the packet with the first byte; ack 0: unknown
	Body     string     // up to 320 bytes behind the head of a refusal
	shape    *shape     // of the head; nil: not known
	nonce    token      // the decoded token of the head, if it has the usual form
}

// A Side is an end of a connection by its role.
type Side uint8

const (
	NoSide Side = iota
	Client
	Server
)

func (s Side) String() string { return [...]string{"", "client", "server"}[s] }

// A Verdict says what became of an attempt.
type Verdict uint8

const (
	Indeterminate  Verdict = iota // the capture does not show enough
	OK                            // 101, Accept right, nothing of severity error
	AcceptMismatch                // 101 with a wrong Sec-WebSocket-Accept
	AcceptMissing                 // 101 without one
	BadHandshake                  // 101, Accept right, but another error finding
	Redirected                    // 3xx with Location
	Rejected                      // any other final status
	NoResponse                    // request seen, then the end or silence, no response bytes
	NotHTTP                       // the answer is not HTTP
	TLSFailed                     // the TLS handshake that was to carry it failed
	Encrypted                     // TLS that looks like a WebSocket; its handshake is not visible
	H2OK                          // 2xx to an extended CONNECT of HTTP/2, which has no Accept; nothing of severity error
	H2Refused                     // any other final status on HTTP/2, RST_STREAM, or a GOAWAY that leaves the stream out
)

const numVerdicts = len(verdictNames)

var verdictNames = [...]string{
	Indeterminate:  "indeterminate",
	OK:             "ok",
	AcceptMismatch: "accept-mismatch",
	AcceptMissing:  "accept-missing",
	BadHandshake:   "bad-handshake",
	Redirected:     "redirected",
	Rejected:       "rejected",
	NoResponse:     "no-response",
	NotHTTP:        "not-http",
	TLSFailed:      "tls-failed",
	Encrypted:      "encrypted",
	H2OK:           "h2-ok",
	H2Refused:      "h2-refused",
}

func (v Verdict) String() string { return verdictNames[v] }

// Verdicts returns all verdicts in the order in which summaries list them.
func Verdicts() []Verdict {
	return []Verdict{OK, AcceptMismatch, AcceptMissing, BadHandshake, Redirected, Rejected, NoResponse, NotHTTP, TLSFailed, Encrypted, H2OK, H2Refused, Indeterminate}
}

// Failed reports whether the verdict says that no WebSocket was opened.
func (v Verdict) Failed() bool { return !v.Opened() && v != Encrypted && v != Indeterminate }

// Opened reports whether the verdict says that a WebSocket was opened as it should be.
func (v Verdict) Opened() bool { return v == OK || v == H2OK }

// A Finding is one thing worth saying about an attempt, as data; its sentence
// is made when it is printed (see Code.Entry).
type Finding struct {
	Code     Code
	Severity Severity
	Frame    int    // where to look
	Side     Side   // who sent what is shown in Got
	Field    string // header field or part of the exchange concerned; may be ""
	Got      string // as sent; may be ""
	Want     string // may be ""
}

// A Close says how the connection of an attempt ended.
type Close struct {
	By     Side       // who ended it first; NoSide if nobody did
	How    CloseHow   // by what
	Code   int        // status code of the Close frame; -1 if it has none, or there is no frame
	Reason string     // of the Close frame, as sent
	At     flow.Stamp // the packet that did it; not seen if How is StillOpen or Forgotten
}

// CloseHow says what ended a connection.
type CloseHow uint8

const (
	StillOpen  CloseHow = iota // open when the capture ended
	CloseFrame                 // a WebSocket Close frame
	CloseFIN                   // FIN without a Close frame before it
	CloseRST                   // RST without a Close frame or FIN before it
	NextUse                    // the same connection was used for another request
	Forgotten                  // the connection was dropped from the table to make room, or its 4-tuple used again
	EndStream                  // END_STREAM of HTTP/2 without a Close frame before it
	RSTStream                  // RST_STREAM of HTTP/2 without one of both before it
	GoAway                     // GOAWAY of HTTP/2 that leaves the stream out
)

var closeNames = [...]string{"open", "close-frame", "fin", "rst", "next-request", "forgotten", "end-stream", "rst-stream", "goaway"}

func (h CloseHow) String() string { return closeNames[h] }

// Frames counts the WebSocket frames of one side.
type Frames struct {
	Text, Binary, Continuation int
	Ping, Pong, Close          int
	Bytes                      int64 // payload bytes announced by the frame headers
	Unclear                    bool  // bytes were lost or made no sense; frames after that are not counted
}

// Total returns the number of frames.
func (f Frames) Total() int {
	return f.Text + f.Binary + f.Continuation + f.Ping + f.Pong + f.Close
}

// Data returns the number of frames that carry data.
func (f Frames) Data() int { return f.Text + f.Binary + f.Continuation }

// An Upgrade is a change to, or an offer of, a protocol that is not WebSocket.
// It is listed and never judged.
type Upgrade struct {
	Conn      *flow.Evidence
	ClientDir flow.Dir
	Protocol  string // the Upgrade field as sent
	Status    int    // of the answer; 0 if none was seen
	Request   *Message
	Response  *Message
}

// Start returns the stamp of the request's first byte, or of the connection if
// the request was not seen.
func (u *Upgrade) Start() flow.Stamp {
	if u.Request != nil {
		return u.Request.First
	}
	return u.Conn.First
}
