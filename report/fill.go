package report

import (
	"net/netip"
	"strings"
	"time"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// A filler makes the record of one attempt. Text from the wire passes through
// text or mask; nothing is cut.
type filler struct {
	a *analyze.Attempt
	v *veil
}

func newRecord(a *analyze.Attempt, m *masker, opt *Options) *attemptRecord {
	f := &filler{a, m.veil(a)}
	r := &attemptRecord{
		Record:    "attempt",
		Event:     f.event(),
		Client:    end(a.Client()),
		Server:    end(a.Server()),
		Network:   networkFields{"tcp", "http", communityID(a.Client(), a.Server())},
		HTTP:      f.http(),
		URL:       f.url(),
		UserAgent: f.agent(),
		Observer:  observerOf(opt),
		WebSocket: f.websocket(),
	}
	if s := a.Start(); s.Seen() {
		r.Timestamp = utc(s).Format(time.RFC3339Nano)
	}
	return r
}

func (f *filler) text(s string) string { return utf8Text(f.v.text(s)) }

// seen returns the value of a field of a message that is complete, "" if it has
// none; nil if the message does not show it.
func (f *filler) seen(m *analyze.Message, name string) *string {
	value, ok := fieldOf(m, name)
	if !ok && (m == nil || !m.Complete) {
		return nil
	}
	value = utf8Text(f.v.field(name, value))
	return &value
}

func end(a netip.AddrPort) endFields { return endFields{a.Addr().Unmap().String(), a.Port()} }

func (f *filler) event() eventFields {
	e := eventFields{Kind: "event", Outcome: "failure"}
	switch f.a.Verdict {
	case analyze.OK:
		e.Outcome = "success"
	case analyze.Indeterminate:
		e.Outcome = "unknown"
	}
	if d, ok := waited(f.a); ok {
		ns := d.Nanoseconds()
		e.Duration = &ns
	}
	return e
}

func (f *filler) http() *httpFields {
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

func (f *filler) url() *urlFields {
	full := urlOf(f.a)
	if full == "" {
		return nil
	}
	_, authority, _ := strings.Cut(full, "://")
	if i := strings.IndexAny(authority, "/?#"); i >= 0 {
		authority = authority[:i]
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

func (f *filler) agent() *agentFields {
	name, ok := fieldOf(f.a.Request, "User-Agent")
	if !ok && (f.a.Request == nil || !f.a.Request.Complete) {
		return nil
	}
	return &agentFields{utf8Text(name)}
}

func observerOf(opt *Options) *observer {
	if opt.Observer == "" && opt.Interface == "" {
		return nil
	}
	return &observer{opt.Observer, opt.Interface}
}

func (f *filler) websocket() *websocketPart {
	a := f.a
	w := &websocketPart{
		Schema:         schemaVersion,
		Verdict:        a.Verdict.String(),
		Reason:         f.text(a.Reason),
		TCPStream:      a.Conn.ID,
		RequestFrame:   completeFrame(a.Request),
		ResponseFrame:  completeFrame(a.Response),
		Interim:        a.Interim,
		Tunnel:         utf8Text(f.v.authority(a.Tunnel)),
		AcceptExpected: a.Expected,
		AcceptCause:    causeOf(a),
		Findings:       f.findings(),
		Redirect:       f.redirect(),
		Close:          f.close(),
		Frames:         f.frames(),
		Unseen:         blind(a),
		Timing:         f.timing(),
	}
	f.offers(w)
	return w
}

// offers fills in what request and response say about keys, sub-protocols and
// extensions.
func (f *filler) offers(w *websocketPart) {
	req, resp := f.a.Request, f.a.Response
	w.Host = f.authority(req)
	w.Key = f.seen(req, "Sec-WebSocket-Key")
	w.Version = f.seen(req, "Sec-WebSocket-Version")
	w.ProtocolsOffered = f.items(req, "Sec-WebSocket-Protocol")
	w.ExtensionsOffered = f.items(req, "Sec-WebSocket-Extensions")
	if _, sent := fieldOf(resp, "Sec-WebSocket-Accept"); sent || switched(f.a) {
		w.Accept = f.seen(resp, "Sec-WebSocket-Accept")
	}
	if switched(f.a) {
		w.Protocol = f.seen(resp, "Sec-WebSocket-Protocol")
		w.Extensions = f.items(resp, "Sec-WebSocket-Extensions")
	}
}

// authority is the Host field as sent, userinfo masked.
func (f *filler) authority(m *analyze.Message) *string {
	value, ok := fieldOf(m, "Host")
	if !ok && (m == nil || !m.Complete) {
		return nil
	}
	value = utf8Text(f.v.authority(value))
	return &value
}

// items returns the list items of a field, nil if the message does not show
// them.
func (f *filler) items(m *analyze.Message, name string) []string {
	if m == nil {
		return nil
	}
	items := itemsOf(m, name)
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

func (f *filler) findings() []findingRecord {
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

func (f *filler) redirect() *redirectRecord {
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

func (f *filler) close() *closeRecord {
	c := f.a.Close
	rec := &closeRecord{By: c.By.String(), How: c.How.String(), Frame: c.At.Frame, Reason: f.text(c.Reason)}
	if c.How == analyze.CloseFrame && c.Code >= 0 {
		rec.Code = &c.Code
	}
	return rec
}

// frames counts the WebSocket frames of each side, as far as they are known.
func (f *filler) frames() *framesRecord {
	if !switched(f.a) {
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

func (f *filler) timing() timingRecord {
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
	if f.a.Request != nil {
		t.Request = since(f.a.Request.Done)
	}
	if f.a.Response != nil {
		t.Response = since(f.a.Response.First)
	}
	return t
}

// causeOf names the recipe of a wrong Accept; "" if there is none that fits.
func causeOf(a *analyze.Attempt) string {
	if a.Cause == analyze.RecipeUnknown {
		return ""
	}
	return a.Cause.String()
}
