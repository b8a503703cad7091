package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly"
)

// noEnvironment has no variable.
func noEnvironment(string) (string, bool) { return "", false }

// secretLine is a line of a key log.
func secretLine(n int) string {
	return fmt.Sprintf("CLIENT_TRAFFIC_SECRET_0 %064x %064x\n", n, n+1)
}

func TestKeyringFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, junk, missing := write("good", "# a comment\n"+secretLine(1)+"nonsense\n"), write("junk", "GET / HTTP/1.1\n"), filepath.Join(dir, "missing")
	named := func(value string) environment {
		return func(name string) (string, bool) { return value, name == "SSLKEYLOGFILE" }
	}
	for _, test := range []struct {
		name      string
		keys      keyring
		env       environment
		used      bool
		complaint string
	}{
		{"nothing", keyring{}, noEnvironment, false, ""},
		{"a log", keyring{logs: []string{good}}, noEnvironment, true, ""},
		{"of the environment", keyring{}, named(good), true, ""},
		{"of the environment, not there yet", keyring{}, named(missing), false, ""},
		{"of the environment, nothing in it yet", keyring{}, named(write("empty", "")), false, ""},
		{"of the environment, no file", keyring{}, named(dir), false, ""},
		{"named and not there", keyring{logs: []string{missing}}, noEnvironment, false, "missing"},
		{"no log", keyring{logs: []string{junk}}, noEnvironment, false, "holds no secrets of TLS"},
		{"no private key", keyring{private: []string{good}}, noEnvironment, false, "good"},
	} {
		err := test.keys.load(test.env, false)
		if test.keys.used != test.used || (err != nil) != (test.complaint != "") || err != nil && !strings.Contains(err.Error(), test.complaint) {
			t.Errorf("%s: used %v, %v", test.name, test.keys.used, err)
		}
		if err != nil && strings.Contains(err.Error(), secretLine(1)[70:100]) {
			t.Errorf("%s: the error tells a secret: %v", test.name, err)
		}
		test.keys.Close()
	}
}

// following returns a keyring that follows a key log, which is empty as yet.
func following(t *testing.T) (k *keyring, log *os.File) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	k = &keyring{logs: []string{log.Name()}}
	if err := k.load(noEnvironment, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close(); log.Close() })
	return k, log
}

// A key log that grows is read on, now and then.
func TestKeyringFollows(t *testing.T) {
	k, f := following(t)
	at := int64(1e18)
	k.poll(at)
	line := secretLine(1)
	f.WriteString(line[:50])
	k.poll(at + int64(pollEvery))
	f.WriteString(line[50:])
	k.poll(at + int64(pollEvery) + 1)
	if n := k.read[0].Counts().Secrets; n != 0 {
		t.Errorf("%d secrets, looked too soon", n)
	}
	k.poll(at + 2*int64(pollEvery))
	if n := k.read[0].Counts().Secrets; n != 1 {
		t.Errorf("%d secrets", n)
	}
	f.WriteString(secretLine(2))
	k.poll(at - int64(time.Hour)) // the clock was set back
	if n := k.read[0].Counts().Secrets; n != 2 {
		t.Errorf("%d secrets", n)
	}
}

// TestSecretsAnywhere reads a capture the same wherever among its packets the secrets
// are.
func TestSecretsAnywhere(t *testing.T) {
	const blockSecrets = 10
	raw, err := os.ReadFile(filepath.Join("..", "..", "testdata", "pcaps", "generated", "tls-inside.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	var blocks [][]byte
	at := 0
	for len(raw) > 0 {
		size := binary.LittleEndian.Uint32(raw[4:])
		if binary.LittleEndian.Uint32(raw) == blockSecrets {
			at = len(blocks)
		}
		blocks, raw = append(blocks, raw[:size]), raw[size:]
	}
	secrets := blocks[at]
	blocks = slices.Delete(blocks, at, at+1)
	dir := t.TempDir()
	want := ""
	for at := 2; at <= len(blocks); at++ { // behind the section and its interface
		name := filepath.Join(dir, fmt.Sprint(at))
		if err := os.WriteFile(name, slices.Concat(slices.Insert(slices.Clone(blocks), at, secrets)...), 0o600); err != nil {
			t.Fatal(err)
		}
		r := readFile(t, name)
		got := fmt.Sprint(verdicts(r.result), r.result.Undecrypted)
		if want == "" {
			want = got
		}
		if got != want || r.result.Attempts.At(0).Verdict != analyze.OK {
			t.Errorf("secrets before block %d: %s, want %s", at, got, want)
		}
	}
}

// TestKeyringLast reads what a key log has grown by since the last packet, when a
// capture ends.
func TestKeyringLast(t *testing.T) {
	k, f := following(t)
	recorded := filepath.Join("..", "..", "testdata", "pcaps", "recorded")
	log, err := os.ReadFile(filepath.Join(recorded, "tls-refused-inside.keys"))
	if err != nil {
		t.Fatal(err)
	}
	src, err := capture.Open([]string{filepath.Join(recorded, "tls-refused-inside.pcap")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	r := (&reader{limits: &limits{}, keys: k, complain: func(err error) { t.Error(err) }}).read(atLastPacket{src, func() { f.Write(log) }})
	decrypted := 0
	for a := range r.result.Attempts.All() {
		if !a.OnlyTLS() {
			decrypted++
		}
	}
	if decrypted == 0 { // those that were over before stay closed
		t.Errorf("none of %d attempts is decrypted", r.result.Attempts.Len())
	}
}

// An atLastPacket does something behind the last packet.
type atLastPacket struct {
	source
	do func()
}

func (s atLastPacket) Next(p *capture.Packet) error {
	err := s.source.Next(p)
	if err == io.EOF {
		s.do()
	}
	return err
}

// TestKeyringAtOnce has secrets come when all that needs them has come: it is read
// with the next look at the key log, or with the block that holds them.
func TestKeyringAtOnce(t *testing.T) {
	const answered = 13 // packets up to the answer inside
	for _, embedded := range []bool{false, true} {
		k, f := following(t)
		a := analyze.New(nil)
		k.serve(a)
		asm := reassembly.New(a.Chunk, nil)
		var log []byte
		src, err := capture.Open([]string{filepath.Join("..", "..", "testdata", "pcaps", "generated", "tls-inside.pcapng")},
			&capture.Config{Secrets: func(text []byte) { log = append(log, text...) }})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		var p capture.Packet
		for range answered {
			if err := src.Next(&p); err != nil {
				t.Fatal(err)
			}
			k.poll(p.Time)
			asm.Packet(&p)
		}
		if embedded {
			k.embed(log)
		} else {
			f.Write(log)
			k.poll(p.Time + int64(pollEvery))
		}
		if n := a.Decided(); n != 1 {
			t.Errorf("embedded %v: %d attempts are decided", embedded, n)
		}
	}
}
