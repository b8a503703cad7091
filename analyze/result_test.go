package analyze

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// togetherText is what several attempts of a result show together.
func togetherText(r *Result) (lines []string) {
	for _, c := range r.Histories() {
		lines = append(lines, historyText(c))
	}
	for _, i := range r.Incidents() {
		lines = append(lines, incidentText(&i))
	}
	return lines
}

// TestBook looks at the attempts of a crowd in different ways before it asks what
// they show together: that stays the same, and so do the attempts.
func TestBook(t *testing.T) {
	histories, incidents := 0, 0
	for seed := range uint64(12) {
		result := func() *Result {
			rng := rand.New(rand.NewPCG(seed, 14))
			a := New(nil)
			return a.Finish(gather(rng, 80).play(a, time.Minute), 0)
		}
		plain := result()
		want := togetherText(plain)
		histories, incidents = histories+len(plain.Histories()), incidents+len(plain.Incidents())
		var attempts []string
		for a := range plain.Attempts.All() {
			attempts = append(attempts, wholeAttempt(a))
		}
		for name, look := range map[string]func(r *Result, rng *rand.Rand){
			"all": func(r *Result, _ *rand.Rand) {
				for range r.Attempts.All() {
				}
			},
			"all, twice": func(r *Result, _ *rand.Rand) {
				for i := range 2 * r.Attempts.Len() {
					r.Attempts.At(i % r.Attempts.Len())
				}
			},
			"backwards": func(r *Result, _ *rand.Rand) {
				for i := range r.Attempts.Len() {
					r.Attempts.At(r.Attempts.Len() - 1 - i)
				}
			},
			"some": func(r *Result, rng *rand.Rand) {
				for range r.Attempts.Len() {
					r.Attempts.At(rng.IntN(r.Attempts.Len()))
				}
			},
			"selected": func(r *Result, _ *rand.Rand) {
				part := *r
				part.Attempts = r.Attempts.Select(func(a *Attempt) bool { return a.Number%3 > 0 })
				for range part.Attempts.All() {
				}
				*r = part
			},
			"of one client": func(r *Result, _ *rand.Rand) {
				for range r.Attempts.Of(map[netip.Addr]bool{netip.MustParseAddr("10.1.0.1"): true}).All() {
				}
			},
		} {
			r := result()
			all := r.Attempts
			look(r, rand.New(rand.NewPCG(seed, 15)))
			if got := togetherText(r); !slices.Equal(got, want) {
				t.Fatalf("seed %d, %s:\n%q\nwant\n%q", seed, name, got, want)
			}
			for i := range all.Len() {
				if got := wholeAttempt(all.At(i)); got != attempts[i] {
					t.Fatalf("seed %d, %s, attempt %d:\n%s\nwant\n%s", seed, name, i, got, attempts[i])
				}
			}
			if got := togetherText(r); !slices.Equal(got, want) {
				t.Fatalf("seed %d, %s, asked again:\n%q\nwant\n%q", seed, name, got, want)
			}
		}
	}
	if histories == 0 || incidents == 0 {
		t.Errorf("%d histories and %d incidents", histories, incidents)
	}
}

// A History can be had by address.
func TestResultHistory(t *testing.T) {
	r := &Result{Attempts: NewAttempts(attemptsOf([]deed{{client: 1}, {client: 2}, {client: 1}})...)}
	h := r.History(netip.MustParseAddr("10.1.0.1"))
	if h == nil || h.Attempts != 2 || r.History(netip.MustParseAddr("10.1.0.3")) != nil || r.UnlistedClients() != 0 {
		t.Errorf("%+v, %d unlisted", h, r.UnlistedClients())
	}
}
