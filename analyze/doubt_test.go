package analyze

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/reassembly/flow"
)

var wrongSwitch = strings.Replace(switching, Accept(key), Accept("other"), 1)

// TestDoubts takes verdicts back where receivers may have read other bytes, and
// lets those stand that do not rest on them.
func TestDoubts(t *testing.T) {
	inKey := int64(strings.Index(upgrade, key))
	inAccept := int64(strings.Index(switching, Accept(key)))
	differs := func(dir flow.Dir, at int64) flow.Doubt {
		return flow.Doubt{Dir: dir, Offset: at, Len: 3, First: flow.Stamp{Frame: 4}, Second: flow.Stamp{Frame: 9}}
	}
	settled := func(d flow.Doubt) flow.Doubt { d.Acked = true; return d }
	for _, c := range []struct {
		name     string
		answer   string
		doubt    flow.Doubt
		want     string
		reason   string
		got, aim string // of the finding
	}{
		{"wrong Accept, key in doubt", wrongSwitch, differs(client, inKey), "indeterminate GET /ws 101 tcp-retransmission-differs",
			"the head of the client may have been read otherwise than the capture shows it",
			"frame 9 has other bytes than frame 4", "frame 4 was used as Linux, Windows and BSD do if they got it"},
		{"wrong Accept, key acknowledged", wrongSwitch, settled(differs(client, inKey)), "accept-mismatch GET /ws 101 tcp-retransmission-differs accept-mismatch", "",
			"frame 9 has other bytes than frame 4", "frame 4 was used, which the receiver had acknowledged"},
		{"right Accept proves the key", switching, differs(client, inKey), "ok GET /ws 101 tcp-retransmission-differs", "", "frame 9 has other bytes than frame 4", "frame 4 was used as Linux, Windows and BSD do if they got it"},
		{"an answer of its own, key in doubt", refusal, differs(client, inKey), `rejected GET /ws 404 "gone" status-404 tcp-retransmission-differs`, "", "frame 9 has other bytes than frame 4", "frame 4 was used as Linux, Windows and BSD do if they got it"},
		{"status in doubt", refusal, differs(server, 9), `indeterminate GET /ws 404 "gone" tcp-retransmission-differs`,
			"the head of the server may have been read otherwise than the capture shows it", "frame 9 has other bytes than frame 4", "frame 4 was used as Linux, Windows and BSD do if they got it"},
		{"Linux takes the other", switching, flow.Doubt{Dir: server, Offset: inAccept, Len: 1, First: flow.Stamp{Frame: 4}, Second: flow.Stamp{Frame: 9}, Linux: true},
			"indeterminate GET /ws 101 tcp-retransmission-differs", "the head of the server may have been read otherwise than the capture shows it", "frame 9 has other bytes than frame 4", "frame 4 was used as Windows and BSD do, Linux takes the other"},
		{"BSD takes the other", switching, flow.Doubt{Dir: server, Offset: inAccept, Len: 1, First: flow.Stamp{Frame: 4}, Second: flow.Stamp{Frame: 9}, Linux: true, BSD: true},
			"indeterminate GET /ws 101 tcp-retransmission-differs", "the head of the server may have been read otherwise than the capture shows it", "frame 9 has other bytes than frame 4", "frame 4 was used as Windows does, Linux and BSD take the other"},
		{"urgent", wrongSwitch, flow.Doubt{Kind: flow.Urgent, Dir: client, Offset: inKey, Len: 1, First: flow.Stamp{Frame: 4}}, "indeterminate GET /ws 101 tcp-urgent-data",
			"the head of the client may have been read otherwise than the capture shows it", fmt.Sprintf("byte %d of the head", inKey+1), ""},
		{"one of several around the head", wrongSwitch, flow.Doubt{Dir: client, Len: 9999, Wide: true}, "indeterminate GET /ws 101", "the head of the client may have been read otherwise than the capture shows it", "", ""},
		{"behind the head", wrongSwitch, differs(server, int64(len(wrongSwitch))), "accept-mismatch GET /ws 101 accept-mismatch", "", "", ""},
	} {
		d := newDialogue()
		d.conn.Doubts = []flow.Doubt{c.doubt}
		d.say(client, upgrade)
		d.say(server, c.answer)
		r := d.finish()
		if got := summary(r); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
			continue
		}
		a := r.Attempts.At(0)
		if a.Reason != c.reason {
			t.Errorf("%s: reason %q, want %q", c.name, a.Reason, c.reason)
		}
		for _, f := range a.Findings {
			if (f.Code == TCPRetransmissionDiffers || f.Code == TCPUrgentData) && (f.Got != c.got || f.Want != c.aim) {
				t.Errorf("%s: finding %+v, want %q and %q", c.name, f, c.got, c.aim)
			}
		}
	}
}

// TestDropsExcuseSilence: where the capture lost packets, silence proves
// nothing; an end that shows does.
func TestDropsExcuseSilence(t *testing.T) {
	for _, c := range []struct {
		drops int64
		end   flow.End
		want  string
	}{
		{0, flow.Open, "no-response GET /ws http-request-unanswered"},
		{-1, flow.Open, "no-response GET /ws http-request-unanswered"},
		{7, flow.Open, "indeterminate GET /ws"},
		{7, flow.RST, "no-response GET /ws tcp-rst-after-request"},
	} {
		d := newDialogue()
		d.drops = c.drops
		d.say(client, upgrade)
		if c.end != flow.Open {
			d.end(server, c.end)
		}
		if got := summary(d.finish()); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%d drops, %v: got %q, want %q", c.drops, c.end, got, c.want)
		}
	}
}
