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
		s.massEnds(neverEnded - 1)
		for _, i := range s.found {
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

// Failures lie on no side if there is nobody to compare with, or the client opened
// WebSockets too.
func TestWhoFails(t *testing.T) {
	used := Peer{site: &service{opened: 2}, before: 1, after: 2}
	unused := Peer{site: &service{streak: streak{clients: group{1, 2}}}}
	for _, test := range []struct {
		c    History
		want Side
	}{
		{History{Failed: 3, Peers: []Peer{used, used}}, Client},
		{History{Failed: 3, Peers: []Peer{unused}}, Server},
		{History{Failed: 3, Peers: []Peer{used, unused}}, NoSide},
		{History{Failed: 3, Peers: []Peer{{site: &service{opened: 2}, before: 1, after: 1}}}, NoSide},
		{History{Failed: 3, Opened: 1, Peers: []Peer{used}}, NoSide},
		{History{Failed: 3}, NoSide},
		{History{Peers: []Peer{used}}, NoSide},
	} {
		if got := test.c.whoFails(); got != test.want {
			t.Errorf("%d of %d peers: failures lie with the %v, want the %v", test.c.Failed, len(test.c.Peers), got, test.want)
		}
	}
}
