package report

import (
	"math"
	"testing"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

func TestClock(t *testing.T) {
	const day = int64(24 * time.Hour)
	var c clock
	for _, ns := range []int64{
		1767323045e9, 1767323045e9 + 1, 1767323045_120000000, 1767323045_000000100, 1767323045e9 - day,
		0, -1, -day, -day - 1, day - 1, day, math.MaxInt64, math.MinInt64,
	} {
		want := utc(flow.Stamp{Time: ns}).Format(time.RFC3339Nano)
		if got := string(c.appendTime(nil, ns)); got != want {
			t.Errorf("%d: got %s, want %s", ns, got, want)
		}
	}
}
