package report

import (
	"strings"
	"testing"

	"github.com/wssniff/wssniff/analyze"
)

// TestMaxRows prints a section with too many rows, and all of it when asked.
func TestMaxRows(t *testing.T) {
	s := &script{}
	list := make([]*analyze.Attempt, maxRows+7)
	for i := range list {
		list[i] = s.attempt(analyze.Rejected, getRequest, "HTTP/1.1 404 Not Found")
	}
	in := &Input{Result: &analyze.Result{Attempts: analyze.NewAttempts(list...)}}
	rows := func(opt *Options) (string, int) {
		out := string(printed(t, Table, in, opt))
		_, out, _ = strings.Cut(out, "Refused and unanswered")
		out, _, _ = strings.Cut(out, "Clients")
		return out, strings.Count(out, "404 Not Found")
	}
	if out, n := rows(nil); n != maxRows || !strings.HasPrefix(out, " (the first 1000 of 1007 rows, --all shows the rest)\n") {
		t.Errorf("%d rows, under %.60q", n, out)
	}
	if out, n := rows(&Options{All: true}); n != len(list) || !strings.HasPrefix(out, "\n") {
		t.Errorf("%d rows with --all, under %.60q", n, out)
	}
}
