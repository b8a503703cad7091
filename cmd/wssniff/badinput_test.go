package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// generated returns the bytes of a generated capture.
func generated(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "testdata", "pcaps", "generated", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// An outcome is what the command made of an input.
type outcome struct {
	code     int
	attempts []found
	stderr   string
}

// A found is an attempt as JSON Lines tell of it.
type found struct {
	Stream   int    `json:"tcp_stream"`
	Request  int    `json:"request_frame"`
	Response int    `json:"response_frame"`
	Key      string `json:"key"`
	Accept   string `json:"accept"`
}

// runOn gives the command these bytes as standard input.
func runOn(t *testing.T, input []byte) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	o := outcome{}
	o.code = run([]string{"--all", "--format", "jsonl", "-"}, bytes.NewReader(input), &stdout, &stderr)
	o.stderr = stderr.String()
	for dec := json.NewDecoder(&stdout); ; {
		var line struct {
			Record    string
			WebSocket found
		}
		if err := dec.Decode(&line); err == io.EOF {
			return o
		} else if err != nil {
			t.Fatalf("not JSON Lines: %v", err)
		}
		if line.Record == "attempt" {
			o.attempts = append(o.attempts, line.WebSocket)
		}
	}
}

// checkComplaint wants exit code 2 and one line on stderr that is fit for a
// terminal.
func checkComplaint(t *testing.T, o outcome) {
	t.Helper()
	if o.code != exitFailed {
		t.Errorf("exit code %d, want %d", o.code, exitFailed)
	}
	line, more, ended := strings.Cut(o.stderr, "\n")
	if !ended || more != "" {
		t.Errorf("stderr %q, want one line", o.stderr)
	}
	if !strings.HasPrefix(line, "wssniff: standard input: ") {
		t.Errorf("stderr %q, want it to begin with %q", line, "wssniff: standard input: ")
	}
	if i := strings.IndexFunc(line, unicode.IsControl); i >= 0 || strings.Contains(line, "\ufffd") {
		t.Errorf("stderr %q has control characters", line)
	}
	if len(line) > 200 {
		t.Errorf("stderr is a line of %d bytes, want at most 200", len(line))
	}
}

// TestCutAnywhere cuts captures at every byte. What came before the cut is
// found, with the same frames, and nothing else; only a cut between two records
// is no damage.
func TestCutAnywhere(t *testing.T) {
	tests := []struct {
		file    string
		records func([]byte) []record
	}{
		{"accept-other-flow-crossed.pcap", pcapRecords},
		{"pcap-big-endian-nanoseconds.pcap", pcapRecords},
		{"pcapng-two-interfaces.pcapng", pcapngRecords},
		{"pcapng-two-sections.pcapng", pcapngRecords},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			whole := generated(t, test.file)
			all := runOn(t, whole)
			if all.code != exitOK || len(all.attempts) == 0 {
				t.Fatalf("the whole capture gives %+v", all)
			}
			records := test.records(whole)
			for n := range whole {
				checkCut(t, n, records, all.attempts, runOn(t, whole[:n]))
			}
		})
	}
}

// TestCutInsideTLS cuts a capture with its secrets at every byte. What was answered by
// then is found as in the whole capture; a handshake of TLS may be listed by itself.
func TestCutInsideTLS(t *testing.T) {
	whole := generated(t, "tls-inside.pcapng")
	all := runOn(t, whole)
	if all.code != exitOK || len(all.attempts) == 0 {
		t.Fatalf("the whole capture gives %+v", all)
	}
	answered := 0
	for n := range whole {
		got := runOn(t, whole[:n])
		if got.code != exitOK && got.code != exitFailed {
			t.Fatalf("cut at byte %d: exit code %d: %s", n, got.code, got.stderr)
		}
		for _, f := range got.attempts {
			if f.Key == "" || f.Response == 0 {
				continue
			}
			if answered++; !slices.Contains(all.attempts, f) {
				t.Fatalf("cut at byte %d: %+v, the whole has %+v", n, f, all.attempts)
			}
		}
	}
	if answered == 0 {
		t.Error("no cut is behind an answer")
	}
}

func checkCut(t *testing.T, n int, records []record, all []found, got outcome) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Fatalf("cut at byte %d", n)
		}
	}()
	packets, clean := 0, false
	for _, r := range records {
		if r.end <= n && r.packet {
			packets++
		}
		clean = clean || r.end == n
	}
	if d := cmp.Diff(before(all, packets), got.attempts); d != "" {
		t.Errorf("attempts of %d packets (-want +got):\n%s", packets, d)
	}
	if !clean {
		checkComplaint(t, got)
	} else if got.code != exitOK || got.stderr != "" {
		t.Errorf("between two records: exit code %d, stderr %q, want success", got.code, got.stderr)
	}
}

// before returns what is left of attempts in the first packets of a capture.
// Heads of one packet are assumed.
func before(all []found, packets int) (left []found) {
	for _, f := range all {
		if f.Request > packets {
			continue
		}
		if f.Response > packets {
			f.Response, f.Accept = 0, ""
		}
		left = append(left, f)
	}
	return left
}

// A record is a part of a capture that stands or falls as a whole.
type record struct {
	end    int // position behind it
	packet bool
}

// pcapRecords takes a pcap apart: a header of 24 bytes, then records of 16
// bytes and the packet, whose length is at 8.
func pcapRecords(b []byte) []record {
	order := binary.ByteOrder(binary.LittleEndian)
	if b[0] == 0xa1 {
		order = binary.BigEndian
	}
	records := []record{{end: 24}}
	for pos := 24; pos < len(b); {
		pos += 16 + int(order.Uint32(b[pos+8:]))
		records = append(records, record{pos, true})
	}
	return records
}

// pcapngRecords takes a pcapng apart: blocks with their type at 0 and their
// length at 4. A Section Header Block tells the byte order of what follows, its
// type reads the same in both. Type 6 is the Enhanced Packet Block, 3 the simple
// one.
func pcapngRecords(b []byte) (records []record) {
	const section = 0x0a0d0d0a
	order := binary.ByteOrder(binary.LittleEndian)
	for pos := 0; pos < len(b); {
		kind := order.Uint32(b[pos:])
		if kind == section && order.Uint32(b[pos+8:]) != 0x1a2b3c4d {
			order = binary.BigEndian
		}
		pos += int(order.Uint32(b[pos+4:]))
		records = append(records, record{pos, kind == 6 || kind == 3})
	}
	return records
}

// TestCutCompressed cuts compressed captures at every byte. All of that is
// damage, and nothing is found that is not in the capture.
func TestCutCompressed(t *testing.T) {
	for _, file := range []string{"pcap-gzip.pcap.gz", "pcapng-gzip.pcapng.gz", "pcap-zstandard.pcap.zst", "pcapng-lz4.pcapng.lz4"} {
		t.Run(file, func(t *testing.T) {
			whole := generated(t, file)
			all := runOn(t, whole)
			if all.code != exitOK || len(all.attempts) == 0 {
				t.Fatalf("the whole capture gives %+v", all)
			}
			for n := range whole {
				got := runOn(t, whole[:n])
				checkComplaint(t, got)
				for _, f := range got.attempts {
					if !slices.ContainsFunc(all.attempts, f.partOf) {
						t.Errorf("found %+v, which is not in the whole capture", f)
					}
				}
				if t.Failed() {
					t.Fatalf("cut at byte %d of %d", n, len(whole))
				}
			}
		})
	}
}

// partOf reports whether f is whole, as far as it goes.
func (f found) partOf(whole found) bool {
	if f.Response == 0 {
		whole.Response, whole.Accept = 0, ""
	}
	return f == whole
}

// maxAlloc is how many bytes of memory may be taken while a small input is read
// that claims to be large.
const maxAlloc = 32 << 20

// TestBadInput gives the command what is no capture, or a broken one.
func TestBadInput(t *testing.T) {
	pcap := generated(t, "ok.pcap")[:24]
	section := generated(t, "pcapng.pcapng")
	section = section[:pcapngRecords(section)[1].end] // and an interface
	tests := []struct {
		name  string
		input []byte
	}{
		{"nothing", nil},
		{"NUL", []byte{0}},
		{"newline", []byte("\n")},
		{"first byte of pcap", pcap[:1]},
		{"first byte of pcapng", section[:1]},
		{"first byte of gzip", []byte{0x1f}},
		{"magic of pcap", pcap[:4]},
		{"magic of pcapng", section[:4]},
		{"magic of gzip", []byte{0x1f, 0x8b}},
		{"magic of zstd", []byte{0x28, 0xb5, 0x2f, 0xfd}},
		{"magic of lz4", []byte{0x04, 0x22, 0x4d, 0x18}},
		{"text", []byte("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")},
		{"text for terminals", []byte("\x1b]0;title\a\x1b[31mred\x1b[0m\r\n")},
		{"program", []byte("\x7fELF\x02\x01\x01")},
		{"zeros", make([]byte, 100_000)},
		{"ones", bytes.Repeat([]byte{0xff}, 100_000)},
		{"packet of 4 GiB", join(pcap, words(0, 0, 0xffffffff, 0xffffffff), "data")},
		{"packet of 2 GiB", join(pcap, words(0, 0, 0x7fffffff, 0x7fffffff), "data")},
		{"packet of 1 MiB", join(pcap, words(0, 0, 1<<20, 1<<20), strings.Repeat("x", 1<<20))},
		{"section of 4 GiB", words(0x0a0d0d0a, 0xfffffffc, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff)},
		{"section of length 0", words(0x0a0d0d0a, 0, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff, 0)},
		{"block of 4 GiB", join(section, words(6, 0xfffffffc, 0, 0, 0, 4, 4), "data")},
		{"block of 4 GiB, odd", join(section, words(6, 0xffffffff, 0, 0, 0, 4, 4), "data")},
		{"unknown block of 4 GiB", join(section, words(0x0bad0bad, 0xfffffffc), "data")},
		{"block of length 0", join(section, words(6, 0, 0, 0, 0, 0, 0, 0))},
		{"block of length 4", join(section, words(6, 4, 4))},
		{"block of odd length", join(section, words(6, 33, 0, 0, 0, 1, 1), "d", words(33))},
		{"block with two lengths", join(section, words(6, 36, 0, 0, 0, 4, 4), "data", words(32))},
		{"packet longer than its block", join(section, words(6, 36, 0, 0, 0, 400, 400), "data", words(36))},
		{"packet of an unknown interface", join(section, words(6, 36, 99, 0, 0, 4, 4), "data", words(36))},
		{"packet before any interface", join(section[:pcapngRecords(section)[0].end], words(6, 36, 0, 0, 0, 4, 4), "data", words(36))},
		{"gzip of nothing", pack(t, "gzip", nil)},
		{"gzip of text", pack(t, "gzip", []byte("no capture"))},
		{"gzip of zeros", pack(t, "gzip", make([]byte, 64<<20))},
		{"zstd of text", pack(t, "zstd", []byte("no capture"))},
		{"lz4 of text", pack(t, "lz4", []byte("no capture"))},
		{"gzip of a broken capture", pack(t, "gzip", join(pcap, words(0, 0, 0xffffffff, 0xffffffff)))},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			started := allocated()
			got := runOn(t, test.input)
			if n := allocated() - started; n > maxAlloc {
				t.Errorf("%d MiB of memory, want at most %d", n>>20, maxAlloc>>20)
			}
			checkComplaint(t, got)
			if len(got.attempts) > 0 {
				t.Errorf("attempts %+v, want none", got.attempts)
			}
		})
	}
}

// TestGarbage puts random bytes behind the beginnings of captures, and into
// them.
func TestGarbage(t *testing.T) {
	for _, file := range []string{"ok.pcap", "pcapng.pcapng", "pcap-gzip.pcap.gz", "pcap-zstandard.pcap.zst", "pcapng-lz4.pcapng.lz4"} {
		t.Run(file, func(t *testing.T) {
			whole := generated(t, file)
			for seed := range uint64(300) {
				random := rand.New(rand.NewPCG(seed, 0))
				head := 24 + random.IntN(len(whole)-24)
				garbage := make([]byte, 1+random.IntN(5000))
				for i := range garbage {
					garbage[i] = byte(random.Uint32())
				}
				checkGarbage(t, seed, runOn(t, slices.Concat(whole[:head], garbage)))
				checkGarbage(t, seed, runOn(t, scribble(whole, garbage, random)))
			}
		})
	}
}

// scribble overwrites a few bytes of b, but not the first 24.
func scribble(b, garbage []byte, random *rand.Rand) []byte {
	b = bytes.Clone(b)
	for i := range min(len(garbage), 1+random.IntN(8)) {
		b[24+random.IntN(len(b)-24)] = garbage[i]
	}
	return b
}

// checkGarbage accepts success, as what was overwritten may be payload; but
// damage has to be told properly.
func checkGarbage(t *testing.T, seed uint64, got outcome) {
	t.Helper()
	if got.code != exitOK || got.stderr != "" {
		checkComplaint(t, got)
	}
	if t.Failed() {
		t.Fatalf("seed %d", seed)
	}
}

// words makes 32-bit numbers, little-endian.
func words(list ...uint32) []byte {
	var b []byte
	for _, w := range list {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

// join puts byte slices and strings in a row.
func join(parts ...any) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		fmt.Fprintf(&b, "%s", p)
	}
	return b.Bytes()
}

func pack(t *testing.T, format string, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := compressor(&b, format)
	if err == nil {
		_, err = w.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// allocated returns how many bytes of memory were ever taken.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
