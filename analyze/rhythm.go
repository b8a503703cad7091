package analyze

import "time"

// A Rhythm is how a client comes back after an attempt is over.
type Rhythm struct {
	Kind     RhythmKind
	Waits    int           // how many were seen, from the end of an attempt to the next for the same
	Median   time.Duration // of them
	From, To time.Duration // the shortest and the longest wait of a back-off
	Like     string        // software that waits so unless it is told otherwise; "" if none is known
}

// A RhythmKind says how waits follow each other.
type RhythmKind uint8

const (
	NoRhythm  RhythmKind = iota // too few waits to tell
	Constant                    // nearly all of one length
	Immediate                   // nearly all too short to be called a wait
	BackOff                     // they become longer as long as attempts fail
	Irregular
)

var rhythmNames = [...]string{"unknown", "constant", "immediate", "back-off", "irregular"}

func (k RhythmKind) String() string { return rhythmNames[k] }

const (
	minWaits  = 3
	shortWait = 100 * time.Millisecond // most of it on the way, of an end to the client and of the SYN from there
)

// Waits are the times between the end of an attempt and the next one for the
// same.
type waits struct {
	sample
	last       int64 // the wait before
	grew, fell int   // failures after failures whose wait was longer, or shorter, than the one before
	row, most  int   // how often waits grew in a row, and at most
	min, max   int64 // of those that did
}

// begin takes an attempt for the same as p.
func (w *waits) begin(p *pursuit, start int64, t *Attempt) {
	if p.ended != 0 && start >= p.ended {
		w.wait(start-p.ended, p.failed)
	}
	p.ended, p.failed = 0, t.failed() || t.dropped()
}

// end notes when the latest attempt is over.
func (p *pursuit) end(t *Attempt) {
	if followed := t.Verdict == Redirected && !t.failed(); t.Close.At.Seen() && !followed {
		p.ended = t.Close.At.Time
	}
}

// wait takes the wait after an attempt.
func (w *waits) wait(d int64, failed bool) {
	w.sample.add(d)
	switch before := w.last; {
	case !failed:
		w.row = 0
	case before == 0:
	case d-before >= before/4:
		if w.row == 0 && (w.min == 0 || before < w.min) {
			w.min = before
		}
		w.row++
		w.grew++
		w.max, w.most = max(w.max, d), max(w.most, w.row)
	case before-d > before/10:
		w.row = 0
		w.fell++
	}
	w.last = d
}

// rhythm tells how the waits follow each other.
func (w *waits) rhythm() Rhythm {
	r := Rhythm{Waits: w.n, Median: w.median()}
	if w.n < minWaits {
		return r
	}
	switch {
	case w.most >= minWaits && w.grew >= 4*w.fell && time.Duration(w.max) > shortWait:
		r.Kind, r.From, r.To = BackOff, time.Duration(w.min), time.Duration(w.max)
	case w.mostly(0, shortWait):
		r.Kind = Immediate
	case w.mostly(r.Median, max(r.Median/10, 30*time.Millisecond)):
		r.Kind = Constant
	default:
		r.Kind = Irregular
	}
	r.Like = r.like()
	return r
}

// A habit is the way in which software waits unless it is told otherwise.
type habit struct {
	kind     RhythmKind
	from, to time.Duration // of a back-off; from alone of a constant rhythm
	name     string
}

// habits are read in sources and documentation: arduinoWebSockets 2.7.3,
// esp_websocket_client 1.8.0, MQTT.js (reconnectPeriod), Paho C (automatic
// reconnect), SignalR (DefaultReconnectPolicy).
var habits = [...]habit{
	{Constant, 500 * time.Millisecond, 0, "arduinoWebSockets"},
	{Constant, time.Second, 0, "MQTT.js"},
	{Constant, 10 * time.Second, 0, "esp_websocket_client"},
	{BackOff, time.Second, 60 * time.Second, "Paho MQTT"},
	{BackOff, 0, 30 * time.Second, "SignalR"}, // at once, 2, 10 and 30 s,
}

func (r *Rhythm) like() string {
	near := func(d, want time.Duration) bool { return want-want/20 <= d && d <= want+want/20+shortWait }
	for _, h := range habits {
		if h.kind == r.Kind && (r.Kind == Constant && near(r.Median, h.from) || r.Kind == BackOff && near(r.From, h.from) && near(r.To, h.to)) {
			return h.name
		}
	}
	return ""
}
