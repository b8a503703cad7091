package analyze

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// What a mass disconnect says of clients that came back is what counting all
// WebSockets says.
func TestBackForGood(t *testing.T) {
	incidents := 0
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 3))
		var s service
		for range 400 {
			begun := time.Duration(rng.IntN(600)) * time.Second
			ended := begun.Truncate(time.Minute) + time.Minute + time.Duration(rng.IntN(2))*time.Second
			s.lived = append(s.lived, lifetime{begun: int64(begun), ended: int64(ended), client: int32(rng.IntN(60))})
		}
		all := append([]lifetime(nil), s.lived...)
		for _, i := range s.massEnds() {
			incidents++
			gone := map[int32]bool{}
			for _, l := range all {
				if i.From <= l.ended && l.ended <= i.To {
					gone[l.client] = true
				}
			}
			clients := len(gone)
			for _, l := range all {
				if i.From < l.begun && l.begun <= i.To+int64(backWithin) {
					delete(gone, l.client)
				}
			}
			if want := fmt.Sprintf("%d of %d clients were back for good within 30s", clients-len(gone), clients); i.Want != want {
				t.Errorf("seed %d: %q, want %q", seed, i.Want, want)
			}
		}
	}
	if incidents < 20 {
		t.Errorf("only %d incidents", incidents)
	}
}
