package top

import (
	"fmt"
	"testing"
	"time"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/report"
)

// BenchmarkAttempt tells of attempts that fail, and of some that do not.
func BenchmarkAttempt(b *testing.B) {
	bd := newBoard(report.NewBriefs(nil), start)
	var list []*analyze.Attempt
	for _, t := range fleet() {
		list = append(list, t.attempt())
	}
	for i := 0; b.Loop(); i++ {
		bd.attempt(list[i%len(list)], start)
	}
}

// BenchmarkLook takes and draws a picture of a full board.
func BenchmarkLook(b *testing.B) {
	bd := newBoard(report.NewBriefs(nil), start)
	for i := range maxParties {
		addr := fmt.Sprintf("10.1.%d.%d", i/250, i%250)
		bd.attempt(try{client: addr + ":1024", server: addr + ":80", verdict: analyze.Rejected, code: analyze.Status404, host: "example.com", target: "/ws"}.attempt(), start)
	}
	m := modelOf(bd, start.Add(time.Second), 120, 40)
	for b.Loop() {
		m.Update(lookMsg{})
		m.View()
	}
}
