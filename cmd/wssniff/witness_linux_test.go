package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/wssniff/wssniff/analyze"
)

// openDir makes a directory in which everybody can make files.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o777)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// list returns the names in a directory.
func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// pathsIn are the paths and verdicts of the attempts in a capture.
func pathsIn(t *testing.T, name string) (all []string) {
	t.Helper()
	r := readFile(t, name)
	for a := range r.result.Attempts.All() {
		all = append(all, a.Request.Head.Target+" "+a.Verdict.String())
	}
	return all
}

// TestLiveEvidence writes what failed, as nobody, to one file and to files with
// times in their names. Of what did not fail only what is referred to is there.
func TestLiveEvidence(t *testing.T) {
	far := cable(t)
	serve(t, far, "10.9.0.2:80")
	for _, test := range []struct {
		args  []string
		names string
	}{
		{[]string{"-w", "a.pcapng"}, `^a\.pcapng$`},
		{[]string{"-w", "a.pcapng.zst", "-G", "3600", "-C", "1", "-W", "2"}, `^a-\d{8}T\d{6}Z-0001\.pcapng\.zst$`},
	} {
		dir := openDir(t)
		test.args[1] = filepath.Join(dir, test.args[1])
		l := startListening(t, append(test.args, "-i", "va", "--all", "--format", "jsonl")...)
		for _, path := range paths {
			handshake(t, "10.9.0.2:80", path)
		}
		if code := l.end(os.Interrupt); code != exitOK || l.complaints.Len() > 0 {
			t.Errorf("%q: exit code %d: %s", test.args, code, l.complaints.String())
		}
		names := list(t, dir)
		if len(names) != 1 || !regexp.MustCompile(test.names).MatchString(names[0]) {
			t.Errorf("%q: files %q", test.args, names)
			continue
		}
		file := filepath.Join(dir, names[0])
		st, err := os.Stat(file)
		if err != nil || st.Mode() != 0o600 || st.Sys().(*syscall.Stat_t).Uid != 65534 {
			t.Errorf("%s: %v, %v", file, st, err)
		}
		want := []string{"/right ok"} // the first with the key that all share
		for _, path := range paths {
			switch path {
			case "/wrong":
				want = append(want, "/wrong accept-mismatch")
			case "/missing":
				want = append(want, "/missing rejected")
			case "/mute":
				want = append(want, "/mute no-response")
			}
		}
		got := slices.DeleteFunc(pathsIn(t, file), func(s string) bool { return strings.HasPrefix(s, "/moved ") }) // followed by nobody, if the capture goes on long enough to say so
		if !slices.Equal(got, want) {
			t.Errorf("%q: evidence of %q, want %q", test.args, got, want)
		}
		if text, _ := exec.Command("tshark", "-r", file, "-T", "fields", "-e", "frame.comment").Output(); strings.Count(string(text), "wssniff: accept-mismatch: ") != 2 && len(text) > 0 {
			t.Errorf("%q: comments %q", test.args, text)
		}
	}
}

// TestLiveEvidenceForbidden says before anything is captured that nobody can make a
// file there, and that somebody else writes it.
func TestLiveEvidenceForbidden(t *testing.T) {
	cable(t)
	dir := t.TempDir()
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("wssniff", "-i", "va", "-w", filepath.Join(dir, "a.pcapng"))
	out, _ := cmd.CombinedOutput()
	want := "wssniff: " + dir + ": user \"nobody\" cannot make files there: use a directory that is theirs, or choose another user with -Z\n"
	if code := cmd.ProcessState.ExitCode(); code != exitFailed || string(out) != want {
		t.Errorf("exit code %d: %s", code, out)
	}
	if got := list(t, dir); len(got) > 0 {
		t.Errorf("files %q are left", got)
	}
	dir = openDir(t)
	file := filepath.Join(dir, "a.pcapng")
	l := startListening(t, "-i", "va", "-w", file)
	waitFor(t, file+".part")
	cmd = exec.Command("wssniff", "-i", "va", "-w", file)
	out, _ = cmd.CombinedOutput()
	want = "wssniff: " + file + ".part: another wssniff writes it: choose another name\n"
	if code := cmd.ProcessState.ExitCode(); code != exitFailed || string(out) != want {
		t.Errorf("exit code %d: %s", code, out)
	}
	if code := l.end(os.Interrupt); code != exitOK {
		t.Errorf("the first: exit code %d: %s", code, l.complaints.String())
	}
	if got := list(t, dir); !slices.Equal(got, []string{"a.pcapng"}) {
		t.Errorf("files %q", got)
	}
}

// TestLiveEvidenceKilled kills a run: the next one gives the file its name.
func TestLiveEvidenceKilled(t *testing.T) {
	far := cable(t)
	serve(t, far, "10.9.0.2:80")
	dir := openDir(t)
	file := filepath.Join(dir, "a.pcapng")
	args := []string{"-i", "va", "-w", file, "-G", "3600"}
	l := startListening(t, args...)
	waitFor(t, file+".part")
	handshake(t, "10.9.0.2:80", "/wrong")
	l.end(os.Kill)
	l = startListening(t, args...)
	handshake(t, "10.9.0.2:80", "/wrong")
	if code := l.end(os.Interrupt); code != exitOK || l.complaints.Len() > 0 {
		t.Errorf("exit code %d: %s", code, l.complaints.String())
	}
	names := list(t, dir)
	if len(names) != 2 {
		t.Fatalf("files %q, want what the first left and what the second wrote", names)
	}
	for _, name := range names {
		readFile(t, filepath.Join(dir, name))
	}
}

// TestLiveEvidenceDiskFull has no room for the evidence: the analysis is as without.
func TestLiveEvidenceDiskFull(t *testing.T) {
	far := cable(t)
	serve(t, far, "10.9.0.2:80")
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8k,mode=777"); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	file := filepath.Join(dir, "a.pcapng")
	l := startListening(t, "-i", "va", "-w", file, "--format", "jsonl", "--all", "--summary")
	for range 40 {
		handshake(t, "10.9.0.2:80", "/wrong")
	}
	code := l.end(os.Interrupt)
	want := regexp.MustCompile(`^wssniff: ` + file + `\.part: no space left on device; packets are lost until it can be written\nwssniff: \d+ packets of what failed could not be written\n$`)
	if code != exitFailed || !want.MatchString(l.complaints.String()) {
		t.Errorf("exit code %d: %s", code, l.complaints.String())
	}
	if n := strings.Count(l.out.String(), `"verdict":"`+analyze.AcceptMismatch.String()); n != 40 || !strings.Contains(l.out.String(), `"unwritten_evidence":`) {
		t.Errorf("%d attempts, want 40: %s", n, l.out.String())
	}
	readFile(t, file)
}

// waitFor waits until there is a file, and something in it.
func waitFor(t *testing.T, file string) {
	t.Helper()
	for range 1000 {
		if st, err := os.Stat(file); err == nil && st.Size() > 0 {
			return
		}
		syscall.Nanosleep(&syscall.Timespec{Nsec: 1e7}, nil)
	}
	t.Fatalf("there is no %s", file)
}
