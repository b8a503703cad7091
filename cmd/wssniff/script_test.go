package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite what the scripts in testdata/script expect of a cmp")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"wssniff": main, "confined": confinedMain})
}

// TestScript runs the scripts in testdata/script. Beside the commands of
// testscript they have those below, the condition [root], and $GENERATED, the
// directory of the generated captures.
func TestScript(t *testing.T) {
	generated, err := filepath.Abs(filepath.Join("..", "..", "testdata", "pcaps", "generated"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GENERATED", generated)
			return nil
		},
		Condition: condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"matches":  matches,
			"cut":      edit("cut FROM TO BYTES", cutFile),
			"replace":  edit("replace FROM TO OLD NEW", replaceInFile),
			"compress": edit("compress FROM TO gzip|zstd|lz4", compressFile),
			"rotate":   edit("rotate FROM TO PACKETS", rotateFile),
		},
	})
}

func condition(name string) (bool, error) {
	if name == "root" {
		return os.Geteuid() == 0, nil
	}
	return false, fmt.Errorf("no condition %q", name)
}

// exits runs a command that must end with this exit code: exits CODE PROGRAM [ARG...].
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		got = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// matches counts the files that a pattern matches: matches NUMBER PATTERN.
func matches(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: matches NUMBER PATTERN")
	}
	names, err := filepath.Glob(ts.MkAbs(args[1]))
	ts.Check(err)
	if n := strconv.Itoa(len(names)); n != args[0] {
		ts.Fatalf("%s files, want %s: %q", n, args[0], names)
	}
}

// edit makes a command that writes something made from one file to another.
func edit(usage string, f func(from []byte, to string, args []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) < 3 {
			ts.Fatalf("usage: %s", usage)
		}
		from, err := os.ReadFile(ts.MkAbs(args[0]))
		ts.Check(err)
		ts.Check(f(from, ts.MkAbs(args[1]), args[2:]))
	}
}

// cutFile keeps the first bytes.
func cutFile(from []byte, to string, args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil || n > len(from) {
		return fmt.Errorf("cannot cut %d bytes to %s", len(from), args[0])
	}
	return os.WriteFile(to, from[:n], 0o644)
}

// replaceInFile replaces a text that occurs by another of the same length, so
// that all lengths around it stay true.
func replaceInFile(from []byte, to string, args []string) error {
	before, after := []byte(args[0]), []byte(args[1])
	if len(before) != len(after) || !bytes.Contains(from, before) {
		return fmt.Errorf("%q is not there, or %q is not as long", before, after)
	}
	return os.WriteFile(to, bytes.ReplaceAll(from, before, after), 0o644)
}

func compressFile(from []byte, to string, args []string) error {
	var b bytes.Buffer
	w, err := compressor(&b, args[0])
	if err != nil {
		return err
	}
	if _, err := w.Write(from); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(to, b.Bytes(), 0o644)
}

func compressor(w io.Writer, format string) (io.WriteCloser, error) {
	switch format {
	case "gzip":
		return gzip.NewWriter(w), nil
	case "zstd":
		return zstd.NewWriter(w)
	case "lz4":
		return lz4.NewWriter(w), nil
	}
	return nil, fmt.Errorf("no compression %q", format)
}

// rotateFile splits a little-endian pcap into files of so many packets, as
// tcpdump -W does it: TO0, TO1 and so on.
func rotateFile(from []byte, to string, args []string) error {
	packets, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	header, rest := from[:24], from[24:]
	for i := 0; len(rest) > 0; i++ {
		end := 0
		for n := 0; n < packets && end < len(rest); n++ {
			end += 16 + int(binary.LittleEndian.Uint32(rest[end+8:]))
		}
		part := append(bytes.Clone(header), rest[:end]...)
		if err := os.WriteFile(to+strconv.Itoa(i), part, 0o644); err != nil {
			return err
		}
		rest = rest[end:]
	}
	return nil
}
