package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/internal/tlswire"
)

// A tlsConn is a connection of recorded/tls.json: what the scenario of the recording
// says of it, and what tshark shows of its handshake.
type tlsConn struct {
	Client  string
	Verdict string    // none: it is not listed
	Codes   []string  // of errors, and of all that is found of TLS
	Keyed   *struct { // with keys, if it is stated
		Verdict string
		Codes   []string
	}
	Stream int
	TLS    *shownTLS
	Inside *shownInside
}

// A tlsTruth is what is true of a recording.
type tlsTruth struct {
	Incidents []struct{ Code, Server string } // about TLS
	Conns     []tlsConn
}

type shownTLS struct {
	ServerName   string   `json:"server_name"`
	Offered      []string `json:"alpn_offered"`
	JA3          string
	JA4          string // made of what tshark shows, by record/tls-truth.py
	Retry        bool
	Version      string // in hexadecimal, as Suite
	Suite        string
	ALPN         string
	Certificates []shownCertificate // the server's own first
	Alerts       []tlsAlert
}

type shownCertificate struct{ SHA256, Subject string }

type tlsAlert struct {
	By                 string
	Level, Code, Frame int
}

// tlsRecord is what is compared of an attempt record.
type tlsRecord struct {
	Record  string
	Network struct{ Protocol string }
	TLS     struct {
		Version, Cipher string
		NextProtocol    string `json:"next_protocol"`
		Client          struct {
			ServerName string `json:"server_name"`
			JA3        string
		}
		Server struct {
			Hash    struct{ SHA256 string }
			Subject string
		}
	}
	WebSocket struct {
		Verdict  string
		Stream   int `json:"tcp_stream"`
		Findings []struct{ Code, Severity string }
		Close    struct{ By, How string }
		TLS      struct {
			Offered      []string `json:"protocols_offered"`
			JA4          string
			Retry        bool `json:"hello_retry"`
			Certificates int
			Alert        *struct {
				tlsAlert
				Encrypted bool
			}
		}
	}
}

// tlsRecords are the attempts that wssniff finds in a capture, by their streams.
func tlsRecords(t *testing.T, capture []byte, args ...string) map[int]*tlsRecord {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(append(args, "--connect-failures", "all", "--format", "jsonl", "-"), bytes.NewReader(capture), &stdout, &stderr); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	records := map[int]*tlsRecord{}
	for line := range bytes.Lines(stdout.Bytes()) {
		r := &tlsRecord{}
		if err := json.Unmarshal(line, r); err != nil {
			t.Fatal(err)
		}
		if r.Record == "attempt" {
			records[r.WebSocket.Stream] = r
		}
	}
	return records
}

func (r *tlsRecord) verdict() string {
	if r == nil {
		return "none"
	}
	return r.WebSocket.Verdict
}

// These depend on what is encrypted, which TestRecordedCloseNotify and
// TestRecordedOpaque know.
const (
	closeNotifyMissing = "tls-close-notify-missing"
	likelyUpgraded     = "tls-opaque-likely-upgraded"
)

// codes are those of errors, and of all that is found of TLS but for these.
func (r *tlsRecord) codes() []string {
	codes := []string{}
	if r != nil {
		for _, f := range r.WebSocket.Findings {
			if f.Severity == "error" || strings.HasPrefix(f.Code, "tls-") && f.Code != closeNotifyMissing && f.Code != likelyUpgraded {
				codes = append(codes, f.Code)
			}
		}
	}
	slices.Sort(codes)
	return codes
}

// shown brings a record into the form of tls.json.
func (r *tlsRecord) shown() shownTLS {
	s := shownTLS{
		ServerName: r.TLS.Client.ServerName, Offered: r.WebSocket.TLS.Offered, JA3: r.TLS.Client.JA3, JA4: r.WebSocket.TLS.JA4, Retry: r.WebSocket.TLS.Retry,
		Version: r.TLS.Version, Suite: r.TLS.Cipher, ALPN: r.TLS.NextProtocol,
	}
	if n := r.WebSocket.TLS.Certificates; n > 0 {
		s.Certificates = make([]shownCertificate, n) // records tell of the first
		s.Certificates[0] = shownCertificate{r.TLS.Server.Hash.SHA256, r.TLS.Server.Subject}
	}
	if a := r.WebSocket.TLS.Alert; a != nil && !a.Encrypted {
		s.Alerts = []tlsAlert{a.tlsAlert}
	}
	return s
}

// named brings what tshark shows into the form of what wssniff shows: names
// instead of numbers, the first certificate, the alert that ends the handshake.
func (s shownTLS) named(t *testing.T) shownTLS {
	number := func(text string) uint16 {
		n, err := strconv.ParseUint(text, 0, 16)
		if err != nil {
			t.Fatal(err)
		}
		return uint16(n)
	}
	if s.Version != "" {
		s.Version = strings.TrimPrefix(tlswire.VersionName(number(s.Version)), "TLS ")
		s.Suite = analyze.SuiteName(number(s.Suite))
	}
	if n := len(s.Certificates); n > 0 {
		s.Certificates = append(s.Certificates[:1:1], make([]shownCertificate, n-1)...)
	}
	const fatal = 2
	if n := len(s.Alerts); n > 0 {
		last := s.Alerts[n-1]
		if i := slices.IndexFunc(s.Alerts, func(a tlsAlert) bool { return a.Level == fatal }); i >= 0 {
			last = s.Alerts[i]
		}
		last.Level = 0 // no record says it
		s.Alerts = []tlsAlert{last}
	}
	if len(s.Offered) == 0 {
		s.Offered = nil
	}
	return s
}

// recordedTLS are the captures of record/tls.sh with what is true of them.
func recordedTLS(t *testing.T) (top string, truth map[string]tlsTruth) {
	t.Helper()
	top = filepath.Join("..", "..", "testdata", "pcaps", "recorded")
	text, err := os.ReadFile(filepath.Join(top, "tls.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &truth); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(top, "tls-*.pcap*"))
	if err != nil || len(paths) != len(truth) {
		t.Errorf("%d captures, the truth is about %d: %v", len(paths), len(truth), err)
	}
	return top, truth
}

// TestRecordedTLS compares what is found in the captures of record/tls.sh with what
// their scenarios made happen, and the handshakes with what tshark shows.
func TestRecordedTLS(t *testing.T) {
	top, truth := recordedTLS(t)
	for _, name := range slices.Sorted(maps.Keys(truth)) {
		t.Run(name, func(t *testing.T) {
			capture, err := os.ReadFile(filepath.Join(top, name))
			if err != nil {
				t.Fatal(err)
			}
			records := tlsRecords(t, capture)
			for _, c := range truth[name].Conns {
				what := fmt.Sprintf("stream %d, %s", c.Stream, c.Client)
				r := records[c.Stream]
				delete(records, c.Stream)
				slices.Sort(c.Codes)
				if v, codes := r.verdict(), r.codes(); v != c.Verdict || !slices.Equal(codes, c.Codes) {
					t.Errorf("%s: %s %s, want %s %s", what, v, codes, c.Verdict, c.Codes)
				}
				if r != nil && r.Network.Protocol == "tls" {
					if d := diff.Diff(c.TLS.named(t), r.shown()); d != "" {
						t.Errorf("%s (-tshark +wssniff):\n%s", what, d)
					}
				}
			}
			for stream, r := range records {
				t.Errorf("stream %d is no connection: %s", stream, r.verdict())
			}
		})
	}
}

// TestRecordedKeyed compares what is found with keys with what the scenarios made
// happen inside TLS.
func TestRecordedKeyed(t *testing.T) {
	seen := 0
	top, truth := recordedTLS(t)
	for name, c := range truth {
		path := filepath.Join(top, name)
		capture, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var records map[int]*tlsRecord
		for _, conn := range c.Conns {
			if conn.Keyed == nil {
				continue
			}
			if seen++; records == nil {
				records = tlsRecords(t, capture, "--keylog", strings.TrimSuffix(path, ".pcap")+".keys")
			}
			r := records[conn.Stream]
			slices.Sort(conn.Keyed.Codes)
			if v, codes := r.verdict(), r.codes(); v != conn.Keyed.Verdict || !slices.Equal(codes, conn.Keyed.Codes) {
				t.Errorf("%s, stream %d, %s: %s %s, want %s %s", name, conn.Stream, conn.Client, v, codes, conn.Keyed.Verdict, conn.Keyed.Codes)
			}
		}
	}
	if seen < 15 {
		t.Errorf("only %d connections are stated", seen)
	}
}

// TestRecordedTLSTogether wants the incidents about TLS that the scenarios made happen.
func TestRecordedTLSTogether(t *testing.T) {
	top, truth := recordedTLS(t)
	for name, c := range truth {
		got, want := []string{}, []string{}
		for _, i := range readFile(t, filepath.Join(top, name)).result.Incidents() {
			if code := i.Code.String(); strings.HasPrefix(code, "tls-") {
				got = append(got, code+" "+i.Server.String())
			}
		}
		for _, i := range c.Incidents {
			want = append(want, i.Code+" "+i.Server)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestRecordedTLSCut checks that a capture that ends earlier does not tell of a
// failure that the whole one knows nothing of.
func TestRecordedTLSCut(t *testing.T) {
	if testing.Short() {
		t.Skip("reads every capture once for each of its packets, ten seconds")
	}
	top, truth := recordedTLS(t)
	for name := range truth {
		t.Run(name, func(t *testing.T) {
			capture, err := os.ReadFile(filepath.Join(top, name))
			if err != nil {
				t.Fatal(err)
			}
			whole := tlsRecords(t, capture)
			for n, end := range packetEnds(capture) {
				for stream, r := range tlsRecords(t, capture[:end]) {
					if r.verdict() != "tls-failed" {
						continue
					}
					codes := r.codes()
					if w := whole[stream]; w.verdict() != "tls-failed" || !containsAll(w.codes(), codes) {
						t.Errorf("%d packets, stream %d: %s, the whole: %s %s", n+1, stream, codes, w.verdict(), w.codes())
					}
				}
			}
		})
	}
}

func containsAll(all, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// packetEnds are the places in a little-endian pcap file where a packet ends.
func packetEnds(capture []byte) (ends []int) {
	const fileHeader, packetHeader = 24, 16
	for at := fileHeader; at < len(capture); {
		at += packetHeader + int(binary.LittleEndian.Uint32(capture[at+8:]))
		ends = append(ends, at)
	}
	return ends
}
