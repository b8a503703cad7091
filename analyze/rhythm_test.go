package analyze

import (
	"testing"
	"time"
)

// waited lets waits see what a client waited, in seconds: after a failure, or, if
// negative, after a WebSocket.
func waited(seconds ...float64) *waits {
	w := &waits{}
	for _, s := range seconds {
		d := time.Duration(s * float64(time.Second)).Abs()
		w.wait(int64(d), s > 0)
	}
	return w
}

func TestRhythm(t *testing.T) {
	const no = -1e-9
	for _, tt := range []struct {
		name  string
		waits []float64
		want  RhythmKind
		like  string
	}{
		{"none", nil, NoRhythm, ""},
		{"two", []float64{10, 10}, NoRhythm, ""},
		{"three", []float64{10, 10, 10}, Constant, "esp_websocket_client"},
		{"ten seconds and a little", []float64{10.2, 10.3, 10.1, 10.4}, Constant, "esp_websocket_client"},
		{"eleven seconds", []float64{11, 11, 11}, Constant, ""},
		{"one of five is otherwise", []float64{10, 10, 3, 10, 10}, Constant, "esp_websocket_client"},
		{"two of five are otherwise", []float64{10, 3, 10, 20, 10}, Irregular, ""},
		{"a tenth off", []float64{10, 11, 9, 10}, Constant, "esp_websocket_client"},
		{"more than a tenth off", []float64{10, 11.2, 8.8, 10}, Irregular, ""},
		{"half a second", []float64{.5, .52, .48, .5}, Constant, "arduinoWebSockets"},
		{"a second", []float64{1, 1, 1}, Constant, "MQTT.js"},
		{"at once", []float64{.001, .02, .003, .004}, Immediate, ""},
		{"at once, and longer each time", []float64{.001, .002, .004, .008, .016}, Immediate, ""},
		{"just a wait", []float64{.15, .15, .15}, Constant, ""},
		{"double", []float64{1, 2, 4, 8}, BackOff, ""},
		{"double up to a minute", []float64{1, 2, 4, 8, 16, 32, 60, 60}, BackOff, "Paho MQTT"},
		{"mostly at its longest", []float64{1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60}, BackOff, "Paho MQTT"},
		{"twice longer, then no more", []float64{1, 2, 4, 4, 4.1}, Irregular, ""},
		{"a quarter longer", []float64{4, 5, 6.25, 7.9}, BackOff, ""},
		{"less than a quarter longer", []float64{4, 4.9, 6, 7.4}, Irregular, ""},
		{"again after each success", []float64{1, 2, 4, 8, -1, 2, 4, 8, -1, 2, 4, 8}, BackOff, ""},
		{"longer though WebSockets opened", []float64{-1, -2, -4, -8}, Irregular, ""},
		{"as SignalR", []float64{no, 2, 10, 30}, BackOff, "SignalR"},
		{"up and down", []float64{1, 2, 4, 8, 1, 8, 1, 8, 1}, Irregular, ""},
		{"down", []float64{8, 4, 2, 1}, Irregular, ""},
	} {
		w := waited(tt.waits...)
		if r := w.rhythm(); r.Kind != tt.want || r.Like != tt.like || r.Waits != len(tt.waits) {
			t.Errorf("%s: %v of %d waits like %q, want %v like %q", tt.name, r.Kind, r.Waits, r.Like, tt.want, tt.like)
		}
	}
}

func TestRhythmBackOffEnds(t *testing.T) {
	r := waited(3, 1.5, 3, 6, 12, 24, 24, -1, 2, 4).rhythm()
	if r.Kind != BackOff || r.From != time.Second || r.To != 24*time.Second || r.Median != 4*time.Second {
		t.Errorf("%+v", r)
	}
}

// A wait begins with the end of an attempt, and is that for the same.
func TestWaitsOf(t *testing.T) {
	at := func(s int) time.Duration { return time.Duration(s) * time.Second }
	fails := func(s int, path string) deed {
		return deed{at: at(s), path: path, verdict: Rejected, life: time.Second - answerAfter, by: Server, how: CloseFIN}
	}
	long := fails(0, "/long")
	long.life = time.Hour
	open := fails(1, "/open")
	open.life = 0
	hop := fails(2, "/hop")
	hop.verdict, hop.followed = Redirected, true
	last := fails(3, "/last")
	last.verdict = Redirected
	elsewhere := fails(110, "/b")
	elsewhere.host = "other"
	deeds := []deed{
		long, open, hop, last, fails(100, "/a"), fails(101, "/b"),
		fails(104, "/a"), // 3 s after the end of the first
		elsewhere,
		fails(111, "/b"), // 9 s
		fails(120, "/long"), fails(120, "/open"), fails(120, "/hop"),
		fails(124, "/last"), // 120 s
	}
	if got := historiesOf(deeds).order[0].waits.kept; len(got) != 3 || got[0] != int64(at(3)) || got[1] != int64(at(9)) || got[2] != int64(at(120)) {
		t.Errorf("waits %v", got)
	}
}
