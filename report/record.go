package report

import "github.com/wssniff/wssniff/analyze"

// schemaVersion is websocket.schema of every line.
const schemaVersion = 1

// An attemptRecord is one line of JSON Lines. Names are those of the Elastic
// Common Schema where it has one. Absent means unknown; empty means seen empty,
// so what may be seen empty is a pointer or omitzero.
type attemptRecord struct {
	Record    string         `json:"record"`
	Timestamp string         `json:"@timestamp,omitempty"`
	Event     eventFields    `json:"event"`
	Client    endFields      `json:"client"`
	Server    endFields      `json:"server"`
	Network   networkFields  `json:"network"`
	HTTP      *httpFields    `json:"http,omitempty"`
	URL       *urlFields     `json:"url,omitempty"`
	UserAgent *agentFields   `json:"user_agent,omitempty"`
	Observer  *observer      `json:"observer,omitempty"`
	WebSocket *websocketPart `json:"websocket"`
}

type eventFields struct {
	Kind     string `json:"kind"`
	Outcome  string `json:"outcome"`            // success, failure, unknown
	Duration *int64 `json:"duration,omitempty"` // ns from the last byte of the request to the first of the answer
}

type endFields struct {
	IP   string `json:"ip"`
	Port uint16 `json:"port"`
}

type networkFields struct {
	Transport   string `json:"transport"`
	Protocol    string `json:"protocol"`
	CommunityID string `json:"community_id,omitempty"`
}

type httpFields struct {
	Version  string        `json:"version,omitempty"`
	Request  *httpRequest  `json:"request,omitempty"`
	Response *httpResponse `json:"response,omitempty"`
}

type httpRequest struct {
	Method string `json:"method"`
}

type httpResponse struct {
	Status int    `json:"status_code"`
	Reason string `json:"reason"`
	Body   *body  `json:"body,omitempty"`
}

// body is the beginning of the body of a refusal.
type body struct {
	Content string `json:"content"`
}

type urlFields struct {
	Original string `json:"original"`
	Full     string `json:"full"`
	Domain   string `json:"domain"`
}

type agentFields struct {
	Original string `json:"original"`
}

type observer struct {
	Name      string `json:"name,omitempty"`
	Interface string `json:"interface,omitempty"`
}

type websocketPart struct {
	Schema        int    `json:"schema"`
	Verdict       string `json:"verdict"`
	Reason        string `json:"reason,omitempty"`
	TCPStream     int    `json:"tcp_stream"`
	RequestFrame  int    `json:"request_frame,omitempty"`
	ResponseFrame int    `json:"response_frame,omitempty"`
	Interim       []int  `json:"interim,omitempty"`
	Tunnel        string `json:"tunnel,omitempty"`

	Host           *string `json:"host,omitempty"`
	Key            *string `json:"key,omitempty"`
	Accept         *string `json:"accept,omitempty"`
	AcceptExpected string  `json:"accept_expected,omitempty"`
	AcceptCause    string  `json:"accept_cause,omitempty"`
	Version        *string `json:"version,omitempty"`

	ProtocolsOffered  []string `json:"protocols_offered,omitzero"`
	Protocol          *string  `json:"protocol,omitempty"`
	ExtensionsOffered []string `json:"extensions_offered,omitzero"`
	Extensions        []string `json:"extensions,omitzero"`

	Findings []findingRecord `json:"findings"`
	Redirect *redirectRecord `json:"redirect,omitempty"`
	Close    *closeRecord    `json:"close,omitempty"`
	Frames   *framesRecord   `json:"frames,omitempty"`
	Unseen   *blindness      `json:"not_visible,omitempty"`
	Timing   timingRecord    `json:"timing"`
}

type findingRecord struct {
	Code     string `json:"code"`
	Severity string `json:"severity"`
	Frame    int    `json:"frame,omitempty"`
	Side     string `json:"side,omitempty"`
	Field    string `json:"field,omitempty"`
	Got      string `json:"got,omitempty"`
	Want     string `json:"want,omitempty"`
	Message  string `json:"message"`
	Remedy   string `json:"remedy"`
	RFC      string `json:"rfc,omitempty"`
}

type redirectRecord struct {
	Location string   `json:"location,omitempty"`
	Chain    int      `json:"chain,omitempty"`
	Hop      int      `json:"hop,omitempty"`
	URLs     []string `json:"urls,omitempty"`
	End      string   `json:"end,omitempty"`
}

type closeRecord struct {
	By     string `json:"by,omitempty"`
	How    string `json:"how"`
	Frame  int    `json:"frame,omitempty"`
	Code   *int   `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
}

type framesRecord struct {
	Client *int `json:"client,omitempty"`
	Server *int `json:"server,omitempty"`
}

// A timingRecord counts nanoseconds from the SYN, or from the first packet if
// the SYN is not in the capture.
type timingRecord struct {
	SYN      *int64 `json:"syn_ns,omitempty"`
	Connect  *int64 `json:"connect_ns,omitempty"`  // SYN-ACK
	Request  *int64 `json:"request_ns,omitempty"`  // last byte of the request's head
	Response *int64 `json:"response_ns,omitempty"` // first byte of the answer
	End      *int64 `json:"end_ns,omitempty"`
}

// sideName is a finding's side in the words of HTTP.
func sideName(s analyze.Side) string {
	return [...]string{"", "request", "response"}[s]
}
