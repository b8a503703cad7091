package main

import (
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/internal/pcapgen"
)

// readFile analyses one capture, which must be undamaged, with the secrets in it.
func readFile(t *testing.T, names ...string) *reading {
	t.Helper()
	var keys keyring
	if err := keys.load(func(string) (string, bool) { return "", false }, false); err != nil {
		t.Fatal(err)
	}
	src, err := capture.Open(names, &capture.Config{Secrets: keys.embed})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	return (&reader{limits: &limits{}, keys: &keys, complain: func(err error) { t.Errorf("damage: %v", err) }}).read(src)
}

// TestTruth compares what is found in the generated captures with what their
// generator knows.
func TestTruth(t *testing.T) {
	for _, c := range pcapgen.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			r := readFile(t, filepath.Join("..", "..", "testdata", "pcaps", "generated", c.File))
			want := c.Attempts
			if got := r.result.Attempts.Len(); got != len(want) {
				t.Errorf("%d attempts, want %d", got, len(want))
				for a := range r.result.Attempts.All() {
					t.Logf("stream %d %v %s", a.Conn.ID, a.Verdict, a.Reason)
				}
				return
			}
			for i, a := range want {
				checkAttempt(t, r.result.Attempts.At(i), a)
			}
			checkChains(t, r.result, c.Chains)
			checkLookups(t, r.result.Names, c.Lookups)
			checkHosts(t, r.result.Hosts, c.Hosts)
			checkHistories(t, r.result, c.Histories)
			checkPassages(t, r.result, c.Passages)
			checkIncidents(t, r.result, c.Incidents)
			if n := r.streams.Panics; n > 0 {
				t.Errorf("%d panics in gopacket", n)
			}
		})
	}
}

func checkAttempt(t *testing.T, got *analyze.Attempt, want pcapgen.Attempt) {
	t.Helper()
	name := "stream " + strconv.Itoa(want.Stream)
	if d := cmp.Diff(want.Stream, got.Conn.ID); d != "" {
		t.Errorf("stream: %s", d)
	}
	if v := got.Verdict.String(); v != want.Verdict && (want.MayVerdict == "" || v != want.MayVerdict) {
		t.Errorf("%s: verdict %s (%s), want %s", name, v, got.Reason, want.Verdict)
	}
	checkHeads(t, name, got, want)
	checkCodes(t, name, got, want)
	checkFrames(t, name, got, want)
}

func checkHeads(t *testing.T, name string, got *analyze.Attempt, want pcapgen.Attempt) {
	t.Helper()
	request, response, status := 0, 0, 0
	if m := got.Request; m != nil && m.Complete {
		request = m.Done.Frame
	}
	if m := got.Response; m != nil {
		status = m.Head.Status
		if m.Complete {
			response = m.Done.Frame
		}
	}
	check := func(field string, got, want any, stated bool) {
		if stated && got != want {
			t.Errorf("%s: %s %v, want %v", name, field, got, want)
		}
	}
	check("request frame", request, want.RequestFrame, true)
	check("response frame", response, want.ResponseFrame, true)
	check("status", status, want.Status, want.Status != 0)
	check("tunnel", got.Tunnel, want.Tunnel, want.Tunnel != "")
	check("key", got.Key, want.Key, want.Key != "")
	check("accept", got.Accept, want.Accept, want.Accept != "")
	check("expected accept", got.Expected, want.Want, want.Want != "")
	if got.Cause != analyze.RecipeUnknown {
		check("cause", got.Cause.String(), want.Cause, want.Cause != "" || want.Status == 101)
	}
}

// checkCodes compares findings: all of Codes, none of NotCodes, and no error
// that is in neither Codes nor MayCodes.
func checkCodes(t *testing.T, name string, got *analyze.Attempt, want pcapgen.Attempt) {
	t.Helper()
	found := map[string]analyze.Severity{}
	for _, f := range got.Findings {
		found[f.Code.String()] = f.Severity
	}
	for _, code := range want.Codes {
		if _, ok := found[code]; !ok {
			t.Errorf("%s: no finding %s in %v", name, code, found)
		}
	}
	for code, severity := range found {
		if slices.Contains(want.NotCodes, code) {
			t.Errorf("%s: finding %s, which must not be", name, code)
		}
		if severity == analyze.Error && !slices.Contains(want.Codes, code) && !slices.Contains(want.MayCodes, code) {
			t.Errorf("%s: unexpected error finding %s", name, code)
		}
	}
}

func checkFrames(t *testing.T, name string, got *analyze.Attempt, want pcapgen.Attempt) {
	t.Helper()
	if n := got.Frames[0].Total(); want.ClientFrames != 0 && n != want.ClientFrames {
		t.Errorf("%s: %d client frames, want %d", name, n, want.ClientFrames)
	}
	if n := got.Frames[1].Total(); want.ServerFrames != 0 && n != want.ServerFrames {
		t.Errorf("%s: %d server frames, want %d", name, n, want.ServerFrames)
	}
	if want.CloseBy == "" {
		return
	}
	type close struct {
		By     string
		Code   int
		Reason string
	}
	code := got.Close.Code
	if code == -1 {
		code = 0
	}
	if d := cmp.Diff(close{want.CloseBy, want.CloseCode, want.CloseReason}, close{got.Close.By.String(), code, got.Close.Reason}); d != "" {
		t.Errorf("%s: close: %s", name, d)
	}
}

func checkChains(t *testing.T, got *analyze.Result, want []pcapgen.Chain) {
	t.Helper()
	if len(want) == 0 || len(want[0].Hops) > 0 { // TestChainCases compares those with hops
		return
	}
	if len(got.Chains) != len(want) {
		t.Errorf("%d chains, want %d", len(got.Chains), len(want))
		return
	}
	for i, c := range got.Chains {
		if d := cmp.Diff(want[i].URLs, c.URLs); d != "" {
			t.Errorf("chain %d: URLs: %s", i+1, d)
		}
		if c.End.String() != want[i].End {
			t.Errorf("chain %d: end %v, want %s", i+1, c.End, want[i].End)
		}
		codes := map[string]bool{}
		for _, h := range c.Hops {
			if h.Attempt == 0 {
				continue
			}
			for _, f := range got.Attempts.At(h.Attempt - 1).Findings {
				codes[f.Code.String()] = true
			}
		}
		for _, code := range want[i].Codes {
			if !codes[code] {
				t.Errorf("chain %d: no finding %s", i+1, code)
			}
		}
	}
}

// TestEveryCodeHasACapture demands a generated capture that shows each code.
func TestEveryCodeHasACapture(t *testing.T) {
	shown := map[string]bool{}
	for _, c := range pcapgen.Cases() {
		for _, a := range c.Attempts {
			for _, code := range a.Codes {
				shown[code] = true
			}
		}
		for _, chain := range c.Chains {
			for _, code := range chain.Codes {
				shown[code] = true
			}
		}
		for _, i := range c.Incidents {
			shown[i.Code] = true
		}
	}
	for _, code := range analyze.Codes() {
		if !shown[code.String()] {
			t.Errorf("no case of internal/pcapgen demands %s", code)
		}
	}
}
