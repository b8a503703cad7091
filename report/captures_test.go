package report

import (
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// TestCaptures prints the attempts of every capture there is.
func TestCaptures(t *testing.T) {
	attempts := 0
	err := filepath.WalkDir(filepath.Join("..", "testdata", "pcaps"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(path, ".pcap") {
			t.Run(filepath.Base(path), func(t *testing.T) {
				found := attemptsOf(t, path)
				attempts += found.Len()
				sameLines(t, found)
			})
		}
		return err
	})
	if err != nil || attempts < 500 {
		t.Errorf("only %d attempts: %v", attempts, err)
	}
}

func attemptsOf(t *testing.T, path string) analyze.Attempts {
	src, err := capture.Open([]string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	a := analyze.New(nil)
	a.ConnectFailures = analyze.AllFailures
	asm := reassembly.New(a.Chunk, nil)
	var p capture.Packet
	var last flow.Stamp
	for {
		err := src.Next(&p)
		if err == io.EOF {
			break
		}
		if err == nil { // else the file is damaged, as some are to be
			last = flow.Stamp{Frame: p.Num, Time: p.Time}
			asm.Packet(&p)
		}
	}
	asm.Finish()
	return a.Finish(last, src.Stats().Drops).Attempts
}
