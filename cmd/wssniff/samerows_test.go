package main

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/internal/pcapgen"
)

// A rowWithoutPlace is what is read of an attempt but for its frames, stream and
// times.
type rowWithoutPlace struct {
	Client, Server        string
	Verdict, Reason       string
	Key, Accept, Expected string
	Cause                 string
	Status                int
	Findings              []analyze.Finding
	Frames                [2]analyze.Frames
	CloseBy, CloseHow     string
	CloseCode             int
}

func withoutPlace(a *analyze.Attempt) rowWithoutPlace {
	r := rowWithoutPlace{
		Client: a.Client().String(), Server: a.Server().String(),
		Verdict: a.Verdict.String(), Reason: frameNumber.ReplaceAllString(a.Reason, "frame"),
		Key: a.Key, Accept: a.Accept, Expected: a.Expected, Cause: a.Cause.String(),
		Frames:  a.Frames,
		CloseBy: a.Close.By.String(), CloseHow: a.Close.How.String(), CloseCode: a.Close.Code,
	}
	if a.Response != nil {
		r.Status = a.Response.Head.Status
	}
	for _, f := range a.Findings {
		f.Frame = 0
		f.Got = frameNumber.ReplaceAllString(f.Got, "frame")
		r.Findings = append(r.Findings, f)
	}
	return r
}

// sameRows are the rows of a generated capture, and the number of connections.
func sameRows(t *testing.T, file string) ([]rowWithoutPlace, int) {
	t.Helper()
	r := readFile(t, filepath.Join("..", "..", "testdata", "pcaps", "generated", file))
	var rows []rowWithoutPlace
	for a := range r.result.Attempts.All() {
		rows = append(rows, withoutPlace(a))
	}
	return rows, r.streams.Conns
}

// TestSameRows reads the same packets over all link layers, through all tunnels
// and in fragments: what is read is what the capture of plain Ethernet says.
func TestSameRows(t *testing.T) {
	files := map[string]string{}
	for _, c := range pcapgen.Cases() {
		files[c.Name] = c.File
	}
	for _, c := range pcapgen.Cases() {
		if c.Same == "" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			want, wantConns := sameRows(t, files[c.Same])
			if len(want) < 2 {
				t.Fatalf("%s has %d rows, want 2", c.Same, len(want))
			}
			got, conns := sameRows(t, c.File)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("rows differ from those of %s:\n%s", c.Same, d)
			}
			if conns != wantConns {
				t.Errorf("%d connections, %s has %d", conns, c.Same, wantConns)
			}
		})
	}
}
