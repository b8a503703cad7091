package report

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/analyze"
)

// TestMistakes holds that a refusal points to what is wrong with the request.
func TestMistakes(t *testing.T) {
	for name, want := range map[string]string{
		"request-line-lower-case": "(status 400); see request-line-malformed",
		"status-408":              "(status 408); see head-not-terminated",
		"request-line-version":    "(status 400); see request-line-malformed",
		"status-400":              "(status 400)",
		"status-431-before-end":   "too large for whoever reads it (4709 bytes, HTTP/1.1 431 Request Header Fields Too Large)",
	} {
		attempts := attemptsOf(t, filepath.Join("..", "testdata", "pcaps", "generated", name+".pcap"))
		in := &Input{Result: &analyze.Result{Attempts: attempts}}
		if got := newPage(in, &Options{}).refusalCause(attempts.At(0)); !strings.HasSuffix(got, want) {
			t.Errorf("%s: %q, want %q at its end", name, got, want)
		}
	}
}
