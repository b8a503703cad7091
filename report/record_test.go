package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// What is here makes the lines of JSONL in the plain way, as records that
// encoding/json writes. The tests hold the quick way against it.

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
	TLS       *tlsFields     `json:"tls,omitempty"`
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
	Full     string `json:"full,omitempty"`
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
	H2Stream      uint32 `json:"h2_stream,omitempty"`
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

	TLS      *handshakeRecord `json:"tls,omitempty"`
	Findings []findingRecord  `json:"findings"`
	Redirect *redirectRecord  `json:"redirect,omitempty"`
	Proxy    *proxyRecord     `json:"proxy,omitempty"`
	Close    *closeRecord     `json:"close,omitempty"`
	Frames   *framesRecord    `json:"frames,omitempty"`
	Unseen   *blindness       `json:"not_visible,omitempty"`
	Timing   timingRecord     `json:"timing"`
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

type proxyRecord struct {
	Side      string             `json:"side"`
	Stream    int                `json:"tcp_stream"`
	Guess     bool               `json:"guess,omitempty"`
	Forwarded int64              `json:"forwarded_ns"`
	Request   []differenceRecord `json:"request"`
	Returned  *int64             `json:"returned_ns,omitempty"`
	Response  []differenceRecord `json:"response,omitzero"`
}

type differenceRecord struct {
	Kind   string  `json:"kind"`
	What   string  `json:"what"`
	Field  string  `json:"field,omitempty"`
	Before *string `json:"before,omitempty"`
	After  *string `json:"after,omitempty"`
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
	Connect  *int64 `json:"connect_ns,omitempty"` // SYN-ACK
	Asked    *int64 `json:"client_hello_ns,omitempty"`
	Answered *int64 `json:"server_hello_ns,omitempty"`
	Opened   *int64 `json:"tls_ns,omitempty"`
	Request  *int64 `json:"request_ns,omitempty"`  // last byte of the request's head
	Response *int64 `json:"response_ns,omitempty"` // first byte of the answer
	End      *int64 `json:"end_ns,omitempty"`
}

// A blindness is what the capture could not show of one attempt. Absent: nothing.
type blindness struct {
	Client *blindSide `json:"client,omitempty"`
	Server *blindSide `json:"server,omitempty"`
	Late   bool       `json:"mid_stream,omitempty"` // the connection began before the capture
}

// A blindSide is what is missing of the bytes that one side sent.
type blindSide struct {
	Lost   int64 `json:"lost_bytes,omitempty"`   // known to be missing
	Unseen bool  `json:"acked_unseen,omitempty"` // the other side acknowledged bytes that the capture does not hold
	Cut    int32 `json:"cut_packets,omitempty"`  // by the snap length
	None   bool  `json:"not_captured,omitempty"` // no packet of this side is in the capture
}

// blind says what the capture could not show of an attempt; nil: nothing.
func blind(a *analyze.Attempt) *blindness {
	side := func(s analyze.Side) *blindSide {
		dir := a.ClientDir
		if s == analyze.Server {
			dir = dir.Reverse()
		}
		c := a.Conn
		b := blindSide{Lost: c.Lost[dir], Unseen: c.Unseen[dir], Cut: c.Cut[dir], None: !c.Sent[dir]}
		if b == (blindSide{}) {
			return nil
		}
		return &b
	}
	b := blindness{Client: side(analyze.Client), Server: side(analyze.Server), Late: !a.Conn.SYN.Seen() && !a.Conn.SYNACK.Seen()}
	if b == (blindness{}) {
		return nil
	}
	return &b
}

// A plainFiller makes the record of one attempt. Text from the wire passes through
// text or mask; nothing is cut.
type plainFiller struct {
	a *analyze.Attempt
	v *plainVeil
}

func plainRecord(a *analyze.Attempt, m *plainMasker, opt *Options) *attemptRecord {
	f := &plainFiller{a, m.veil(a)}
	r := &attemptRecord{
		Record:    "attempt",
		Event:     f.event(),
		Client:    endOf(a.Client()),
		Server:    endOf(a.Server()),
		Network:   networkFields{"tcp", protocolOf(a), plainCommunityID(a)},
		HTTP:      f.http(),
		URL:       f.url(),
		UserAgent: f.agent(),
		TLS:       f.tls(),
		Observer:  plainObserverOf(opt),
		WebSocket: f.websocket(),
	}
	if s := a.Start(); s.Seen() {
		r.Timestamp = utc(s).Format(time.RFC3339Nano)
	}
	return r
}

func (f *plainFiller) text(s string) string { return utf8Text(f.v.text(s)) }

// seen returns the value of a field of a message that is complete, "" if it has
// none; nil if the message does not show it.
func (f *plainFiller) seen(m *analyze.Message, name string) *string {
	value, ok := fieldOf(m, name)
	if !ok && (m == nil || !m.Complete) {
		return nil
	}
	value = utf8Text(f.v.field(name, value))
	return &value
}

func endOf(a netip.AddrPort) endFields { return endFields{a.Addr().Unmap().String(), a.Port()} }

func (f *plainFiller) event() eventFields {
	e := eventFields{Kind: "event", Outcome: "failure"}
	switch f.a.Verdict {
	case analyze.OK, analyze.H2OK:
		e.Outcome = "success"
	case analyze.Indeterminate, analyze.Encrypted:
		e.Outcome = "unknown"
	}
	if d, ok := f.a.Waited(); ok {
		ns := d.Nanoseconds()
		e.Duration = &ns
	}
	return e
}

func (f *plainFiller) http() *httpFields {
	var h httpFields
	if m := f.a.Response; m != nil && m.Head.Status != 0 {
		h.Version = utf8Text(strings.TrimPrefix(m.Head.Version, "HTTP/"))
		h.Response = &httpResponse{Status: m.Head.Status, Reason: f.text(m.Head.Phrase)}
		if m.Body != "" {
			h.Response.Body = &body{f.text(m.Body)}
		}
	}
	if m := f.a.Request; m != nil && m.Head.Method != "" {
		h.Version = utf8Text(strings.TrimPrefix(m.Head.Version, "HTTP/"))
		h.Request = &httpRequest{f.text(m.Head.Method)}
	}
	if h == (httpFields{}) {
		return nil
	}
	return &h
}

func (f *plainFiller) url() *urlFields {
	if f.a.Request == nil || f.a.Request.Head.Target == "" {
		return nil
	}
	full := urlOf(f.a)
	_, authority, _ := strings.Cut(full, "://")
	if i := strings.IndexAny(authority, "/?#"); i >= 0 {
		authority = authority[:i]
	}
	if full == "" {
		authority = hostOf(f.a)
	}
	original := f.text(f.a.Request.Head.Target)
	if f.a.Request.Head.Method == "CONNECT" {
		original = utf8Text(f.v.authority(f.a.Request.Head.Target))
	}
	return &urlFields{
		Original: original,
		Full:     f.text(full),
		Domain:   utf8Text(domainOf(authority)),
	}
}

func (f *plainFiller) agent() *agentFields {
	name, ok := fieldOf(f.a.Request, "User-Agent")
	if !ok && (f.a.Request == nil || !f.a.Request.Complete) {
		return nil
	}
	return &agentFields{f.text(name)}
}

func plainObserverOf(opt *Options) *observer {
	if opt.Observer == "" && opt.Interface == "" {
		return nil
	}
	return &observer{opt.Observer, opt.Interface}
}

func (f *plainFiller) websocket() *websocketPart {
	a := f.a
	w := &websocketPart{
		Schema:         schemaVersion,
		Verdict:        a.Verdict.String(),
		Reason:         f.text(a.Reason),
		TCPStream:      a.Conn.ID,
		RequestFrame:   requestFrame(a),
		ResponseFrame:  responseFrame(a),
		Interim:        a.Interim,
		Tunnel:         utf8Text(f.v.authority(a.Tunnel)),
		AcceptExpected: a.Expected,
		AcceptCause:    causeOf(a),
		TLS:            f.handshake(),
		Findings:       f.findings(),
		Redirect:       f.redirect(),
		Proxy:          f.proxy(),
		Close:          f.close(),
		Frames:         f.frames(),
		Unseen:         blind(a),
		Timing:         f.timing(),
	}
	if a.H2 != nil {
		w.H2Stream = a.H2.Stream
	}
	f.offers(w)
	return w
}

// offers fills in what request and response say about keys, sub-protocols and
// extensions.
func (f *plainFiller) offers(w *websocketPart) {
	req, resp := f.a.Request, f.a.Response
	w.Host = f.authority(req)
	if _, sent := fieldOf(req, "Sec-WebSocket-Key"); sent || f.a.H2 == nil {
		w.Key = f.seen(req, "Sec-WebSocket-Key")
	}
	w.Version = f.seen(req, "Sec-WebSocket-Version")
	w.ProtocolsOffered = f.items(req, "Sec-WebSocket-Protocol")
	w.ExtensionsOffered = f.items(req, "Sec-WebSocket-Extensions")
	if _, sent := fieldOf(resp, "Sec-WebSocket-Accept"); sent || f.a.Switched() && f.a.H2 == nil {
		w.Accept = f.seen(resp, "Sec-WebSocket-Accept")
	}
	if f.a.Switched() {
		w.Protocol = f.seen(resp, "Sec-WebSocket-Protocol")
		w.Extensions = f.items(resp, "Sec-WebSocket-Extensions")
	}
}

// authority is the Host field as sent, userinfo masked.
func (f *plainFiller) authority(m *analyze.Message) *string {
	value, ok := fieldOf(m, "Host")
	if !ok && (m == nil || !m.Complete) {
		return nil
	}
	value = utf8Text(f.v.authority(value))
	return &value
}

// items returns the list items of a field, nil if the message does not show
// them.
func (f *plainFiller) items(m *analyze.Message, name string) []string {
	if m == nil {
		return nil
	}
	items := plainItemsOf(m, name)
	if len(items) == 0 && !m.Complete {
		return nil
	}
	if name == "Sec-WebSocket-Protocol" {
		items = f.v.list(items)
	}
	for i := range items {
		items[i] = f.text(items[i])
	}
	return items
}

func (f *plainFiller) findings() []findingRecord {
	list := []findingRecord{}
	for _, found := range f.a.Findings {
		found = f.v.finding(found)
		found.Field, found.Got, found.Want = utf8Text(found.Field), utf8Text(found.Got), utf8Text(found.Want)
		e := found.Code.Entry()
		list = append(list, findingRecord{
			Code: e.Name, Severity: found.Severity.String(), Frame: found.Frame, Side: sideName(found.Side),
			Field: found.Field, Got: found.Got, Want: found.Want,
			Message: Message(found), Remedy: e.Remedy, RFC: e.RFC,
		})
	}
	return list
}

func (f *plainFiller) redirect() *redirectRecord {
	r := f.a.Redirect
	if r == nil {
		return nil
	}
	rec := &redirectRecord{Location: f.text(r.Location), Hop: r.Hop}
	if c := r.Chain; c != nil {
		rec.Chain, rec.End = c.ID, c.End.String()
		for _, u := range c.URLs {
			rec.URLs = append(rec.URLs, f.text(u))
		}
	}
	return rec
}

func (f *plainFiller) proxy() *proxyRecord {
	p := f.a.Passage
	if p == nil {
		return nil
	}
	rec := &proxyRecord{Side: p.Side.String(), Stream: p.Stream, Guess: p.Guess, Forwarded: p.Forwarded.Nanoseconds(), Request: f.differences(p.Request)}
	if p.Answered {
		returned := p.Returned.Nanoseconds()
		rec.Returned, rec.Response = &returned, f.differences(p.Response)
	}
	return rec
}

func (f *plainFiller) differences(list []analyze.Difference) []differenceRecord {
	records := []differenceRecord{}
	for _, d := range list {
		rec := differenceRecord{Kind: d.Kind.String(), What: d.What, Field: d.Field}
		masked := func(s string) *string {
			s = utf8Text(f.v.finding(analyze.Finding{Field: d.Field, Got: s}).Got)
			return &s
		}
		if d.Kind != analyze.Added {
			rec.Before = masked(d.Before)
		}
		if d.Kind != analyze.Removed {
			rec.After = masked(d.After)
		}
		records = append(records, rec)
	}
	return records
}

func (f *plainFiller) close() *closeRecord {
	c := f.a.Close
	rec := &closeRecord{By: c.By.String(), How: c.How.String(), Frame: c.At.Frame, Reason: f.text(c.Reason)}
	if c.How == analyze.CloseFrame && c.Code >= 0 {
		rec.Code = &c.Code
	}
	return rec
}

// frames counts the WebSocket frames of each side, as far as they are known.
func (f *plainFiller) frames() *framesRecord {
	if !f.a.Switched() {
		return nil
	}
	number := func(s analyze.Side) *int {
		if f.a.Frames[s-1].Unclear {
			return nil
		}
		n := f.a.Frames[s-1].Total()
		return &n
	}
	rec := &framesRecord{number(analyze.Client), number(analyze.Server)}
	if rec.Client == nil && rec.Server == nil {
		return nil
	}
	return rec
}

func (f *plainFiller) timing() timingRecord {
	c := f.a.Conn
	zero := c.SYN
	if !zero.Seen() {
		zero = c.First
	}
	since := func(s flow.Stamp) *int64 {
		d, ok := between(zero, s)
		if !ok {
			return nil
		}
		ns := d.Nanoseconds()
		return &ns
	}
	t := timingRecord{SYN: since(c.SYN), Connect: since(c.SYNACK), End: since(f.a.Close.At)}
	if x := f.a.TLS; x != nil {
		t.Asked, t.Answered, t.Opened = since(x.Asked), since(x.Answered), since(x.Opened)
	}
	if f.a.Request != nil {
		t.Request = since(f.a.Request.Done)
	}
	if f.a.Response != nil {
		t.Response = since(f.a.Response.First)
	}
	return t
}

func plainCommunityID(a *analyze.Attempt) string {
	if !a.Client().IsValid() || !a.Server().IsValid() {
		return ""
	}
	return string(appendCommunityID(nil, a.Client(), a.Server()))
}

// plainItemsOf returns the items of all fields of a name.
func plainItemsOf(m *analyze.Message, name string) []string {
	items := []string{}
	for _, f := range m.Head.Named(name) {
		items = append(items, plainListItems(f.Value)...)
	}
	return items
}

func plainLine(a *analyze.Attempt, m *plainMasker, opt *Options) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(plainRecord(a, m, opt)); err != nil {
		panic(err)
	}
	return plainEscapeInvisible(b.Bytes())
}

// plainEscapeInvisible writes the characters that a terminal would obey or hide, and
// that encoding/json lets through, as \u escapes: DEL, the C1 controls, marks
// of direction. They stand inside strings only.
func plainEscapeInvisible(line []byte) []byte {
	if !slices.ContainsFunc(line, func(c byte) bool { return c >= 0x7f }) {
		return line
	}
	var out []byte
	done := 0
	for i := 0; i < len(line); {
		r, n := utf8.DecodeRune(line[i:])
		if r == 0x7f || n > 1 && r < 0x10000 && visible(string(r)) != string(r) {
			out = append(out, line[done:i]...)
			out = fmt.Appendf(out, `\u%04x`, r)
			done = i + n
		}
		i += n
	}
	return append(out, line[done:]...)
}
