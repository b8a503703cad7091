package analyze

import (
	"fmt"
	"slices"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// checkDoubts says which bytes of the heads a receiver may have read otherwise
// than they are read here.
func (t *Attempt) checkDoubts() {
	for i := range t.Conn.Doubts {
		d := &t.Conn.Doubts[i]
		m, side := t.head(d.Dir)
		if t.H2 != nil {
			if t.H2.mayDoubt(m, side, d) {
				t.doubt[side-1] = true
			}
			continue
		}
		if !m.holds(d) {
			continue
		}
		switch {
		case d.Wide: // perhaps none of these bytes
		case d.Kind == flow.Differs:
			t.add(TCPRetransmissionDiffers, side, d.Second.Frame, m.fieldAt(d.Offset),
				fmt.Sprintf("frame %d has other bytes than frame %d", d.Second.Frame, d.First.Frame), used(d))
		case d.Kind == flow.Urgent:
			t.add(TCPUrgentData, side, d.First.Frame, m.fieldAt(d.Offset), fmt.Sprintf("byte %d of the head", d.Offset-m.Offset+1), "")
		}
		if d.Kind == flow.Urgent || !d.Acked {
			t.doubt[side-1] = true
		}
	}
}

// head returns what was sent in a direction, and by whom.
func (t *Attempt) head(dir flow.Dir) (*Message, Side) {
	if dir == t.ClientDir {
		return t.Request, Client
	}
	return t.Response, Server
}

// holds reports whether the bytes of a doubt lie in a head.
func (m *Message) holds(d *flow.Doubt) bool {
	return m != nil && d.Offset < m.Offset+int64(len(m.Head.Raw)) && d.Offset+int64(d.Len) > m.Offset
}

// fieldAt returns the name of the header field at an offset of the direction;
// "" in the start line.
func (m *Message) fieldAt(offset int64) string {
	name := ""
	for i := range m.Head.Fields {
		if int64(m.Head.Fields[i].Offset) > offset-m.Offset {
			break
		}
		name = m.Head.Fields[i].Name
	}
	return name
}

// used says which copy of bytes that were sent twice was judged, and which one
// receivers take.
func used(d *flow.Doubt) string {
	first := fmt.Sprintf("frame %d was used", d.First.Frame)
	switch {
	case d.Acked:
		return first + ", which the receiver had acknowledged"
	case d.BSD:
		return first + " as Windows does, Linux and BSD take the other"
	case d.Linux:
		return first + " as Windows and BSD do, Linux takes the other"
	}
	return first + " as Linux, Windows and BSD do if they got it"
}

// allowForDoubt takes a verdict back that rests on bytes which the receiver may
// have read otherwise. What the other side's answer to them proves stands.
func (t *Attempt) allowForDoubt() {
	request, response := t.doubt[Client-1], t.doubt[Server-1]
	switch t.Verdict {
	case OK, H2OK: // the Accept proves the key; what the client does then proves the Accept
		request, response = false, response && t.Frames[Client-1].Total() == 0
	case AcceptMismatch, BadHandshake:
	default:
		request = false
	}
	var side Side
	switch {
	case request:
		side = Client
	case response:
		side = Server
	default:
		return
	}
	t.Findings = slices.DeleteFunc(t.Findings, func(f Finding) bool { return f.Severity == Error }) // they rest on the same bytes
	t.Cause = RecipeNone
	t.Verdict, t.Reason = Indeterminate, fmt.Sprintf("the head of the %v may have been read otherwise than the capture shows it", side)
}
