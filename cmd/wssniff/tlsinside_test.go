package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
			r := (&reader{limits: &limits{}, keys: keys, complain: func(err error) { t.Error(err) }}).read(src)
			inside := map[int][]*analyze.Attempt{}
			for a := range r.result.Attempts.All() {
				switch {
				case slices.ContainsFunc(a.Findings, func(f analyze.Finding) bool { return f.Code == analyze.TLSALPNH2 }):
					// tshark takes what is inside for HTTP/2
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

// eachRecordedInside takes each connection of which tshark decrypts something and which
// is listed without keys.
func eachRecordedInside(t *testing.T, take func(what string, conn *tlsConn, r *tlsRecord)) {
	t.Helper()
	top, truth := recordedTLS(t)
	for name, c := range truth {
		text, err := os.ReadFile(filepath.Join(top, name))
		if err != nil {
			t.Fatal(err)
		}
		records := tlsRecords(t, text)
		for _, conn := range c.Conns {
			if r := records[conn.Stream]; r != nil && conn.Inside != nil {
				take(fmt.Sprintf("%s, stream %d", name, conn.Stream), &conn, r)
			}
		}
	}
}

// TestRecordedCloseNotify compares what is said of close_notify without keys with
// what tshark decrypts.
func TestRecordedCloseNotify(t *testing.T) {
	found := 0
	eachRecordedInside(t, func(what string, conn *tlsConn, r *tlsRecord) {
		if r.WebSocket.Verdict != "encrypted" || r.WebSocket.Close.How != "fin" {
			return
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
			t.Errorf("%s: close_notify of the %s is missing: %v, want %v", what, r.WebSocket.Close.By, missing, want)
		}
		found++
	})
	if found < 20 {
		t.Errorf("only %d connections were closed", found)
	}
}

// TestRecordedOpaque compares what is said without keys of the lengths of records with
// the answers that tshark decrypts.
func TestRecordedOpaque(t *testing.T) {
	found := map[string]int{}
	eachRecordedInside(t, func(what string, conn *tlsConn, r *tlsRecord) {
		for _, f := range r.WebSocket.Findings {
			if !strings.HasPrefix(f.Code, "tls-opaque-") {
				continue
			}
			found[f.Code]++
			if upgraded := slices.Contains(conn.Inside.Statuses, 101); upgraded != (f.Code == likelyUpgraded) {
				t.Errorf("%s: %s, and the answer is %v", what, f.Code, conn.Inside.Statuses)
			}
		}
	})
	if found[likelyUpgraded] < 20 || found["tls-opaque-likely-rejected"] < 3 {
		t.Errorf("too few are found: %v", found)
	}
}

// TestRecordedClientCertificate has servers that demand a certificate and say so when
// the handshake is over for the client, encrypted: nginx by its answer, others by an
// alert.
func TestRecordedClientCertificate(t *testing.T) {
	top, truth := recordedTLS(t)
	const name = "tls-client-cert.pcap"
	path := filepath.Join(top, name)
	keys, _ := keysBeside(t, path)
	src, err := capture.Open([]string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	demanded := map[int]bool{}
	r := (&reader{limits: &limits{}, keys: keys, complain: func(err error) { t.Error(err) }}).read(src)
	for a := range r.result.Attempts.All() {
		for _, f := range a.Findings {
			demanded[a.Conn.ID] = demanded[a.Conn.ID] || f.Code == analyze.TLSClientCertRequired
		}
	}
	for _, conn := range truth[name].Conns {
		if !demanded[conn.Stream] {
			t.Errorf("stream %d, %s: not said", conn.Stream, conn.Client)
		}
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

// TestInjectedSecrets reads recordings into which editcap put their key logs: they
// say what they say with --keylog.
func TestInjectedSecrets(t *testing.T) {
	if _, err := exec.LookPath("editcap"); err != nil {
		t.Skip("needs editcap: apt-get install wireshark-common")
	}
	logs, err := filepath.Glob(filepath.Join("..", "..", "testdata", "pcaps", "recorded", "*.keys"))
	if err != nil || len(logs) < 10 {
		t.Fatalf("%d key logs: %v", len(logs), err)
	}
	opened := 0
	for _, log := range logs {
		t.Run(filepath.Base(log), func(t *testing.T) {
			plain, embedded := strings.TrimSuffix(log, ".keys")+".pcap", filepath.Join(t.TempDir(), "embedded.pcapng")
			if out, err := exec.Command("editcap", "-F", "pcapng", "--inject-secrets", "tls,"+log, plain, embedded).CombinedOutput(); err != nil {
				t.Fatalf("editcap: %v: %s", err, out)
			}
			var sealed, want, got, complaints bytes.Buffer
			flags := []string{"--all", "--format", "jsonl", "--connect-failures", "all"}
			codes := []int{
				run(append(flags, plain), nil, &sealed, &complaints),
				run(append(flags, "--keylog", log, plain), nil, &want, &complaints),
				run(append(flags, embedded), nil, &got, &complaints),
			}
			if !slices.Equal(codes, []int{exitOK, exitOK, exitOK}) || complaints.Len() > 0 {
				t.Errorf("exit codes %v: %s", codes, complaints.String())
			}
			if d := cmp.Diff(want.String(), got.String()); d != "" {
				t.Errorf("-with --keylog +embedded:\n%s", d)
			}
			if sealed.String() != got.String() {
				opened++
			}
		})
	}
	if opened < len(logs)-1 { // one is of handshakes that failed in the clear
		t.Errorf("%d of %d key logs show more", opened, len(logs))
	}
}
