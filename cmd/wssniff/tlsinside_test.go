package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/capture"
)

// shownInside is what tshark shows of HTTP/1 and WebSocket inside a TLS connection
// of recorded/tls.json, with the same keys.
type shownInside struct {
	Requests      []string // method and path
	Statuses      []int
	H2Requests    []string `json:"h2_requests"` // tshark 4.0 shows no WebSocket inside them
	ClientOpcodes []int    `json:"client_opcodes"`
	ServerOpcodes []int    `json:"server_opcodes"`
	ClientAlerts  []int    `json:"client_alerts"`
	ServerAlerts  []int    `json:"server_alerts"`
}

// keysBeside returns the keyring of the files beside a capture, and false if there
// are none.
func keysBeside(t *testing.T, path string) (*keyring, bool) {
	t.Helper()
	k := &keyring{}
	base := strings.TrimSuffix(path, filepath.Ext(path))
	for name, list := range map[string]*[]string{base + ".keys": &k.logs, base + ".key": &k.private} {
		if _, err := os.Stat(name); err == nil {
			*list = append(*list, name)
		}
	}
	if err := k.load(func(string) (string, bool) { return "", false }, false); err != nil {
		t.Fatal(err)
	}
	return k, k.used
}

// TestRecordedInside compares what is decrypted of the recordings with what tshark
// decrypts.
func TestRecordedInside(t *testing.T) {
	seen, onH2 := 0, 0
	top, truth := recordedTLS(t)
	for name, c := range truth {
		path := filepath.Join(top, name)
		keys, ok := keysBeside(t, path)
		if !ok {
			continue
		}
		t.Run(name, func(t *testing.T) {
			src, err := capture.Open([]string{path}, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			r := read(src, nil, &limits{}, &until{}, keys, func(err error) { t.Error(err) }, nil)
			inside := map[int][]*analyze.Attempt{}
			for a := range r.result.Attempts.All() {
				switch {
				case a.H2 != nil:
					onH2++
				case a.TLS != nil && !a.OnlyTLS():
					inside[a.Conn.ID] = append(inside[a.Conn.ID], a.Clone())
				}
			}
			for _, conn := range c.Conns {
				var want shownInside
				if conn.Inside != nil {
					want = *conn.Inside
				}
				if got := insideText(inside[conn.Stream]); got != want.text() {
					t.Errorf("stream %d, %s: %s, tshark has %s", conn.Stream, conn.Client, got, want.text())
				}
				seen += len(want.Requests)
				for _, r := range want.H2Requests {
					if strings.HasPrefix(r, "CONNECT ") {
						onH2--
					}
				}
			}
		})
	}
	if onH2 != 0 {
		t.Errorf("%d extended CONNECTs more than tshark has", onH2)
	}
	if seen < 30 {
		t.Errorf("only %d requests inside TLS", seen)
	}
}

// TestRecordedCloseNotify compares what is said of close_notify without keys with
// what tshark decrypts.
func TestRecordedCloseNotify(t *testing.T) {
	top, truth := recordedTLS(t)
	found := 0
	for name, c := range truth {
		text, err := os.ReadFile(filepath.Join(top, name))
		if err != nil {
			t.Fatal(err)
		}
		records := tlsRecords(t, text)
		for _, conn := range c.Conns {
			r := records[conn.Stream]
			if r == nil || conn.Inside == nil || r.WebSocket.Verdict != "encrypted" || r.WebSocket.Close.How != "fin" {
				continue
			}
			alerts := conn.Inside.ClientAlerts
			if r.WebSocket.Close.By == "server" {
				alerts = conn.Inside.ServerAlerts
			}
			missing := false
			for _, f := range r.WebSocket.Findings {
				missing = missing || f.Code == closeNotifyMissing
			}
			if want := !slices.Contains(alerts, 0); missing != want {
				t.Errorf("%s, stream %d: close_notify of the %s is missing: %v, want %v", name, conn.Stream, r.WebSocket.Close.By, missing, want)
			}
			found++
		}
	}
	if found < 20 {
		t.Errorf("only %d connections were closed", found)
	}
}

func (x *shownInside) text() string {
	return fmt.Sprintf("%q %v, frames %v and %v", x.Requests, x.Statuses, opcodeCounts(x.ClientOpcodes), opcodeCounts(x.ServerOpcodes))
}

func insideText(attempts []*analyze.Attempt) string {
	var x shownInside
	frames := [2][6]int{}
	for _, a := range attempts {
		if m := a.Request; m != nil {
			path, _, _ := strings.Cut(m.Head.Target, "?")
			x.Requests = append(x.Requests, m.Head.Method+" "+path)
		}
		if m := a.Response; m != nil {
			x.Statuses = append(x.Statuses, m.Head.Status)
		}
		for side, f := range a.Frames {
			for i, n := range [...]int{f.Continuation, f.Text, f.Binary, f.Close, f.Ping, f.Pong} {
				frames[side][i] += n
			}
		}
	}
	return fmt.Sprintf("%q %v, frames %v and %v", x.Requests, x.Statuses, frames[0], frames[1])
}

// opcodeCounts counts opcodes, RFC 6455, Section 11.8: 0, 1, 2, 8, 9, 10.
func opcodeCounts(list []int) (n [6]int) {
	for _, opcode := range list {
		if i := slices.Index([]int{0, 1, 2, 8, 9, 10}, opcode); i >= 0 {
			n[i]++
		}
	}
	return n
}
