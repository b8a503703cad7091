package pcapgen

import (
	"bytes"
	"compress/gzip"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the generated captures")

const generatedDir = "../../testdata/pcaps/generated"

// maxTotal bounds what the generated files may add to the repository.
const maxTotal = 4 << 20

func TestGenerated(t *testing.T) {
	wanted := map[string]bool{}
	total := 0
	for _, c := range Cases() {
		wanted[c.File] = true
		file := c.Bytes()
		total += len(file)
		path := filepath.Join(generatedDir, c.File)
		if *update {
			writeFile(t, path, file)
			continue
		}
		compareFile(t, path, file)
	}
	if total > maxTotal {
		t.Errorf("all files together have %d bytes, more than %d", total, maxTotal)
	}
	reportStray(t, wanted)
}

// writeFile leaves a compressed file alone whose content is right already.
func writeFile(t *testing.T, path string, file []byte) {
	t.Helper()
	old, err := os.ReadFile(path)
	if err == nil && bytes.Equal(unpacked(t, path, old), unpacked(t, path, file)) {
		return
	}
	if err := os.WriteFile(path, file, 0o644); err != nil {
		t.Fatal(err)
	}
}

func compareFile(t *testing.T, path string, file []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Errorf("%v (run with -update)", err)
		return
	}
	if !bytes.Equal(unpacked(t, path, got), unpacked(t, path, file)) {
		t.Errorf("%s differs from what its case makes (run with -update)", path)
	}
}

// unpacked takes gzip off, because its output may change between Go releases.
func unpacked(t *testing.T, path string, file []byte) []byte {
	t.Helper()
	if !strings.HasSuffix(path, ".gz") {
		return file
	}
	r, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// reportStray names files that no case makes.
func reportStray(t *testing.T, wanted map[string]bool) {
	t.Helper()
	entries, err := os.ReadDir(generatedDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !wanted[e.Name()] {
			t.Errorf("%s: no case makes this file", filepath.Join(generatedDir, e.Name()))
		}
	}
}

var kebab = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func TestNames(t *testing.T) {
	names, files := map[string]bool{}, map[string]bool{}
	for _, c := range Cases() {
		if !kebab.MatchString(c.Name) {
			t.Errorf("case %q is not kebab-case", c.Name)
		}
		if names[c.Name] || files[c.File] {
			t.Errorf("case %q or its file %q is there twice", c.Name, c.File)
		}
		names[c.Name], files[c.File] = true, true
		if !strings.HasPrefix(c.File, c.Name+".") {
			t.Errorf("case %q has file %q", c.Name, c.File)
		}
		if c.Desc == "" {
			t.Errorf("case %q has no description", c.Name)
		}
	}
}
