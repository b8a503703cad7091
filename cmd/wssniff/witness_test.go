package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly/flow"
	"github.com/wssniff/wssniff/report"
)

// secretsIn writes the key logs that a capture holds to a file, and returns its name;
// "" if there are none.
func secretsIn(t *testing.T, path string) string {
	t.Helper()
	var all []byte
	src, err := capture.Open([]string{path}, &capture.Config{Secrets: func(b []byte) { all = append(all, b...) }})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	for p := (capture.Packet{}); src.Next(&p) == nil; {
	}
	if all == nil {
		return ""
	}
	name := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(name, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// An account of an attempt is what must be the same in the evidence.
type accountOf struct {
	Start int64
	Row   rowWithoutPlace
}

var streamNumber = regexp.MustCompile(`tcp\.stream(?: eq)? \d+|#\d+|on \d+ connections`)

// accountsOf reads a capture and returns what is found of its attempts: of those that
// are evidence, or of all.
func accountsOf(t *testing.T, path string, keys *keyring, all bool) (list []accountOf) {
	t.Helper()
	if err := keys.load(noEnvironment, false); err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	src, err := capture.Open([]string{path}, &capture.Config{Secrets: keys.embed})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	l := &limits{}
	if all {
		l.failures = analyze.AllFailures
	}
	r := (&reader{limits: l, keys: keys, complain: func(err error) { t.Errorf("damage: %v", err) }}).read(src)
	for a := range r.result.Attempts.All() {
		if !all && !isEvidence(a) {
			continue
		}
		row := withoutPlace(a)
		row.Reason = streamNumber.ReplaceAllString(row.Reason, "N")
		for i := range row.Findings {
			row.Findings[i].Got = streamNumber.ReplaceAllString(row.Findings[i].Got, "N")
		}
		list = append(list, accountOf{a.Start().Time, row})
	}
	return list
}

// keysFor are the keys beside a capture, and those in it.
func keysFor(t *testing.T, path string) *keyring {
	k, _ := keysBeside(t, path)
	if name := secretsIn(t, path); name != "" {
		k.logs = append(k.logs, name)
	}
	return &keyring{logs: k.logs, private: k.private}
}

// witnessed runs wssniff -w over a capture and returns what was written.
func witnessed(t *testing.T, path string, keys *keyring, stdin io.Reader) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out.pcapng")
	args := []string{"--format", "jsonl", "-w", out}
	for _, name := range keys.logs {
		args = append(args, "--keylog", name)
	}
	for _, name := range keys.private {
		args = append(args, "--tls-key", name)
	}
	var complaints bytes.Buffer
	if code := run(append(args, path), stdin, io.Discard, &complaints); code != exitOK {
		t.Errorf("exit code %d: %s", code, complaints.String())
	}
	return out
}

// otherwise are captures whose evidence says something else, and why.
var otherwise = map[string]string{}

// TestEvidence writes the evidence of each capture and reads it: what failed has the
// same verdicts and findings. The capture comes as a file, which is read twice, and
// from standard input, whose packets are kept.
func TestEvidence(t *testing.T) {
	failures := 0
	for name, path := range captures(t) {
		t.Run(name, func(t *testing.T) {
			keys := keysFor(t, path)
			want := accountsOf(t, path, keys, false)
			failures += len(want)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for from, out := range map[string]string{
				"file":           witnessed(t, path, &keyring{logs: keys.logs, private: keys.private}, nil),
				"standard input": witnessed(t, "-", &keyring{logs: keys.logs, private: keys.private}, bytes.NewReader(b)),
			} {
				got := accountsOf(t, out, &keyring{logs: keys.logs, private: keys.private}, true)
				got = slices.DeleteFunc(got, func(a accountOf) bool {
					return !slices.ContainsFunc(want, func(w accountOf) bool {
						return w.Start == a.Start && w.Row.Client == a.Row.Client && w.Row.Server == a.Row.Server
					})
				})
				if d := cmp.Diff(want, got); d != "" && otherwise[name] == "" {
					t.Errorf("%s: the evidence says something else:\n%s", from, d)
				}
			}
		})
	}
	t.Logf("%d attempts failed", failures)
	if failures < 300 {
		t.Errorf("only %d attempts failed", failures)
	}
}

// TestEvidenceTshark reads evidence with tshark: the packets are there with their
// times and lengths, and the comments are at the request and the answer.
func TestEvidenceTshark(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("needs tshark: apt-get install tshark")
	}
	for _, name := range []string{
		"generated/tcp-snaplen-cuts-body.pcap", "generated/layer-wireless.pcap", "generated/pcapng-two-sections.pcapng",
		"generated/h2-several-streams.pcap", "generated/tls-clock-1970.pcap", "recorded/redirect-both-sides.pcapng",
	} {
		path := captures(t)[name]
		keys := keysFor(t, path)
		out := witnessed(t, path, keys, nil)
		original := tsharkPlaces(t, path)
		var got []string
		for _, p := range tsharkPlaces(t, out) {
			if !slices.ContainsFunc(original, func(o tsharkPlace) bool { return o.place == p.place }) {
				t.Errorf("%s: frame %s, %s, is none of the capture's", name, p.frame, p.place)
			}
			if comment, ok := strings.CutPrefix(p.comment, "wssniff: "); ok {
				verdict, _, _ := strings.Cut(comment, ":")
				got = append(got, p.frame+" "+verdict)
			}
		}
		if want := commented(t, out, keys); !slices.Equal(got, want) {
			t.Errorf("%s: comments at %q, want %q", name, got, want)
		}
	}
}

// A tsharkPlace is what tshark shows of a packet.
type tsharkPlace struct{ frame, comment, place string }

func tsharkPlaces(t *testing.T, file string) (all []tsharkPlace) {
	t.Helper()
	args := []string{"-n", "-r", file, "-T", "fields", "-E", "separator=|"}
	for _, field := range []string{"number", "comment", "time_epoch", "len", "cap_len", "encap_type", "interface_name"} {
		args = append(args, "-e", "frame."+field)
	}
	b, err := exec.Command("tshark", args...).Output()
	if err != nil {
		t.Fatalf("tshark %q: %v", args, err)
	}
	for line := range strings.Lines(string(b)) {
		fields := strings.SplitN(strings.TrimRight(line, "\n"), "|", 3)
		all = append(all, tsharkPlace{fields[0], fields[1], strings.TrimSuffix(fields[2], "unknown")})
	}
	return all
}

// commented are the frames of evidence at which a verdict is to be, the first of each.
func commented(t *testing.T, out string, keys *keyring) (all []string) {
	t.Helper()
	k := keyring{logs: keys.logs, private: keys.private}
	if err := k.load(noEnvironment, false); err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	src, err := capture.Open([]string{out}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	r := (&reader{limits: &limits{failures: analyze.AllFailures}, keys: &k, complain: func(err error) { t.Error(err) }}).read(src)
	verdicts := map[int]string{}
	for a := range r.result.Attempts.All() {
		if !isEvidence(a) {
			continue
		}
		for _, frame := range report.CommentOn(a, nil).Frames {
			if verdicts[frame] == "" {
				verdicts[frame] = a.Verdict.String()
			}
		}
	}
	for _, frame := range slices.Sorted(maps.Keys(verdicts)) {
		all = append(all, strconv.Itoa(frame)+" "+verdicts[frame])
	}
	return all
}

// TestEvidenceLong has a long download on a connection before the attempt that fails:
// from standard input, what is skipped is not kept, and the verdict is the same.
func TestEvidenceLong(t *testing.T) {
	var b bytes.Buffer
	b.Write(binary.LittleEndian.AppendUint32([]byte("\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00"), uint32(capture.LinkRaw)))
	p := newPipe(nil, nil)
	l := p.leg(1)
	packet := func() {
		ns := p.p.Time
		for _, v := range []int64{ns / 1e9, ns % 1e9 / 1000, int64(len(p.p.Data)), int64(p.p.WireLen)} {
			b.Write(binary.LittleEndian.AppendUint32(nil, uint32(v)))
		}
		b.Write(p.p.Data)
	}
	send := func(dir flow.Dir, flags byte, data string) {
		l.send(dir, flags, data)
		packet()
	}
	p.p.Time = 1767323045e9
	send(flow.AtoB, syn, "")
	send(flow.BtoA, syn|ack, "")
	send(flow.AtoB, ack, "")
	for range 3 {
		send(flow.AtoB, ack|psh, "GET /large HTTP/1.1\r\nHost: gw.example.com\r\n\r\n")
		send(flow.BtoA, ack|psh, "HTTP/1.1 200 OK\r\nContent-Length: 1400000\r\n\r\n")
		for range 1000 {
			send(flow.BtoA, ack, strings.Repeat("x", 1400))
			send(flow.AtoB, ack, "")
		}
	}
	request, _ := opening(1)
	send(flow.AtoB, ack|psh, request)
	send(flow.BtoA, ack|psh, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
	send(flow.AtoB, ack|fin, "")
	send(flow.BtoA, ack|fin, "")
	in := filepath.Join(t.TempDir(), "in.pcap")
	if err := os.WriteFile(in, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	want := accountsOf(t, in, &keyring{}, false)
	out := witnessed(t, "-", &keyring{}, &b)
	if d := cmp.Diff(want, accountsOf(t, out, &keyring{}, true)); d != "" || len(want) != 1 {
		t.Errorf("the evidence says something else:\n%s", d)
	}
	if st, err := os.Stat(out); err != nil || st.Size() > 64<<10 {
		t.Errorf("evidence of %d bytes, %v", st.Size(), err)
	}
}

// FuzzEvidence writes the evidence of whatever comes: what is written can be read.
func FuzzEvidence(f *testing.F) {
	for _, name := range []string{"accept-other-flow.pcap", "fragment-ipv4-among-nonsense.pcap", "pcapng-two-sections.pcapng", "h2-refused-stream.pcap", "chain-name-not-found.pcap", "layer-wireless-amsdu.pcap"} {
		b, err := os.ReadFile(filepath.Join("..", "..", "testdata", "pcaps", "generated", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	out := filepath.Join(f.TempDir(), "out.pcapng")
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 64<<10 {
			return
		}
		run([]string{"--format", "jsonl", "-w", out, "-"}, bytes.NewReader(b), io.Discard, io.Discard)
		if _, err := os.Stat(out); err != nil {
			return // no capture
		}
		src, err := capture.Open([]string{out}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		var p capture.Packet
		for err = src.Next(&p); err == nil; err = src.Next(&p) {
		}
		if err != io.EOF {
			t.Error(err)
		}
		if err := os.Remove(out); err != nil {
			t.Error(err)
		}
	})
}
