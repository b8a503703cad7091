package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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

// A key log that grows is read on, now and then.
func TestKeyringFollows(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	k := keyring{logs: []string{name}}
	if err := k.load(noEnvironment, true); err != nil {
		t.Fatal(err)
	}
	defer k.Close()
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
