package top

import (
	"net/netip"
	"strings"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/report"
)

// maxFailures is how many failures are kept, the latest ones.
const maxFailures = 256

// maxText bounds what is kept of each text of a failure, in bytes.
const maxText = 512

// A failure is an attempt that failed.
type failure struct {
	at             int64      // when it began
	host           netip.Addr // the client's
	client, server string
	verdict        analyze.Verdict
	url            string // without ws://; "" if it is not known
	code           string // of the finding that tells most; "" if none does
	cause          string // a sentence; "" if none is known
	times          int    // of those that are kept, how many are like it
}

// like reports whether two failures are of the same client and server, and for the
// same reason.
func (f *failure) like(o *failure) bool {
	return f.host == o.host && f.server == o.server && f.verdict == o.verdict && f.code == o.code
}

// together appends a failure, unless a later one is like it: that counts it.
func together(list []failure, f failure) []failure {
	for i := range list {
		if list[i].like(&f) {
			list[i].times++
			return list
		}
	}
	return append(list, f)
}

// A ring keeps the latest failures.
type ring struct {
	kept [maxFailures]failure
	n    int // all there were
}

func (r *ring) add(a *analyze.Attempt, b *report.Brief) {
	r.kept[r.n%maxFailures] = failure{
		at: a.Start().Time, host: a.Client().Addr(), client: a.Client().String(), server: a.Server().String(), verdict: a.Verdict, times: 1,
		url: cut(strings.TrimPrefix(b.URL, "ws://"), maxText), code: b.Code, cause: cut(b.Cause, maxText),
	}
	r.n++
}

// list appends the failures that are kept, the latest first.
func (r *ring) list(to []failure) []failure {
	for i := r.n - 1; i >= max(r.n-maxFailures, 0); i-- {
		to = append(to, r.kept[i%maxFailures])
	}
	return to
}
