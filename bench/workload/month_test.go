package workload

import (
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
)

// smallMonth has every breakdown, every fate and two kinds of outage in two days.
func smallMonth(seed uint64) MonthSpec {
	return MonthSpec{Seed: seed, Devices: 100, Servers: 20, Files: 7, Days: 2}
}

func generateMonth(t *testing.T, spec MonthSpec) (dir string, truth *MonthTruth) {
	t.Helper()
	dir = t.TempDir()
	truth, err := GenerateMonth(dir, spec)
	if err != nil {
		t.Fatal(err)
	}
	return dir, truth
}

func TestSameSeedSameMonth(t *testing.T) {
	sums := func(spec MonthSpec) (list [][32]byte) {
		dir, _ := generateMonth(t, spec)
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			b, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, sha256.Sum256(b))
		}
		return list
	}
	a, b, c := sums(smallMonth(7)), sums(smallMonth(7)), sums(smallMonth(8))
	if len(a) != 7+1 {
		t.Errorf("%d files, want 7 and the truth", len(a))
	}
	if !slices.Equal(a, b) {
		t.Error("two runs differ")
	}
	for i := range a {
		if a[i] == c[i] {
			t.Errorf("file %d: the seed makes no difference", i+1)
		}
	}
}

// TestMonth counts again what a month holds, from its packets.
func TestMonth(t *testing.T) {
	dir, want := generateMonth(t, smallMonth(3))
	got := recountMonth(t, dir, want)
	for i, d := range want.Devices {
		if i >= len(got.Devices) || !reflect.DeepEqual(got.Devices[i], d) {
			t.Fatalf("device %d: counted\n%+v, the truth is\n%+v", i, *got.Devices[i], *d)
		}
	}
	for i, m := range want.Disconnects {
		// others end in the same second by chance
		if n := got.Disconnects[i].Connections; n < m.Connections || n > m.Connections+2 || m.Connections == 0 {
			t.Errorf("%d connections of %v end at %v, the truth is %d", n, m.Server, m.At, m.Connections)
		}
	}
	got.Devices, got.Disconnects = want.Devices, want.Disconnects
	if !reflect.DeepEqual(got, want) {
		got.Devices, want.Devices = nil, nil
		t.Errorf("counted\n%+v, the truth is\n%+v", *got, *want)
	}
}

// TestMonthHasAll looks for everything that a month is to hold.
func TestMonthHasAll(t *testing.T) {
	_, truth := generateMonth(t, smallMonth(3))
	causes, off := map[string]bool{}, 0
	for _, d := range truth.Devices {
		for _, b := range d.Broke {
			causes[b.Cause] = true
		}
		if end := moment(startTime + truth.Spec.Days*day); end.Sub(d.Last) > 5*time.Hour {
			off++
		}
	}
	if off == 0 {
		t.Error("no device is switched off")
	}
	for _, c := range append(breakdowns[:], outage) {
		if !causes[string(c)] {
			t.Errorf("nothing breaks by %s", c)
		}
	}
	for _, v := range []verdict{ok, acceptMismatch, redirected, rejected, noResponse} {
		if truth.Verdicts[string(v)] == 0 {
			t.Errorf("no attempt ends as %s", v)
		}
	}
}

func TestStoredMonthTruth(t *testing.T) {
	dir, want := generateMonth(t, smallMonth(5))
	got, err := ReadMonthTruth(dir)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the truth that is stored differs; error %v", err)
	}
	few := smallMonth(5)
	few.Files = 2
	if _, err := GenerateMonth(dir, few); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 2+1 {
		t.Errorf("%q are in the directory, want two files and the truth", left)
	}
}

func TestRhythm(t *testing.T) {
	g := newGenerator(io.Discard, Spec{})
	for _, c := range []struct {
		place int
		want  []float64 // seconds after 0, 1, 2 ... failures
	}{
		{0, []float64{10, 10, 10}},
		{7, []float64{0.5, 0.5, 0.5}},
		{10, []float64{0, 0, 0}},
		{11, []float64{1, 2, 4, 8, 16, 32, 60, 60}},
	} {
		r := rhythmAt(c.place)
		for failures, want := range append(c.want, c.want[len(c.want)-1]) {
			if failures == len(c.want) {
				failures = 1 << 20
			}
			got := float64(r.pause(g, failures)) / float64(second)
			if got <= want || got > want*1.02+0.03 {
				t.Errorf("%s: %v s after %d failures, want a little over %v", r.Kind, got, failures, want)
			}
		}
	}
}

func TestMonthOfNothing(t *testing.T) {
	if _, err := GenerateMonth(t.TempDir(), MonthSpec{}); err == nil {
		t.Error("no error")
	}
	if _, err := GenerateMonth(filepath.Join(t.TempDir(), "absent"), smallMonth(1)); err == nil {
		t.Error("no error without the directory")
	}
}
