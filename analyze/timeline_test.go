package analyze

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func periodText(p *Period) string {
	return fmt.Sprintf("#%d-#%d %d of %v to %v %v, every %v for %v, %v", p.First, p.Last, p.Attempts, p.Example.Client().Addr(), p.Example.Server(), p.Example.Verdict, p.Every, p.Span(), p.Codes)
}

func TestTimeline(t *testing.T) {
	s := func(n int) time.Duration { return time.Duration(n) * time.Second }
	deeds := []deed{
		{at: s(0), client: 1, path: "/a", verdict: OK},
		{at: s(1), client: 2, path: "/a", verdict: OK}, // another client
		{at: s(10), client: 1, path: "/a", verdict: OK},
		{at: s(11), client: 1, path: "/b", verdict: OK}, // another path
		{at: s(40), client: 1, path: "/a", verdict: OK},
		{at: s(50), client: 1, path: "/a", verdict: Rejected, code: Status403}, // another verdict
		{at: s(51), client: 2, path: "/a", verdict: OK},
		{at: s(55), client: 1, path: "/a", verdict: Rejected, code: Status404},
		{at: s(57), client: 1, path: "/b", verdict: OK, server: 1}, // another server
		{at: s(60), client: 1, path: "/a", verdict: OK},
		{at: s(61), client: 1, path: "/a", verdict: OK, host: "other"},
	}
	want := []string{
		"#1-#5 3 of 10.1.0.1 to 10.2.0.0:80 ok, every 30s for 40s, []",
		"#2-#7 2 of 10.1.0.2 to 10.2.0.0:80 ok, every 50s for 50s, []",
		"#4-#4 1 of 10.1.0.1 to 10.2.0.0:80 ok, every 0s for 0s, []",
		"#6-#8 2 of 10.1.0.1 to 10.2.0.0:80 rejected, every 5s for 5s, [response-header-name-odd-case]", // what both have
		"#9-#9 1 of 10.1.0.1 to 10.2.0.1:80 ok, every 0s for 0s, []",
		"#10-#10 1 of 10.1.0.1 to 10.2.0.0:80 ok, every 0s for 0s, []",
		"#11-#11 1 of 10.1.0.1 to 10.2.0.0:80 ok, every 0s for 0s, []",
	}
	for most := range len(want) + 1 {
		periods, left := Timeline(NewAttempts(attemptsOf(deeds)...), most)
		var got []string
		shown := 0
		for i := range periods {
			got = append(got, periodText(&periods[i]))
			shown += periods[i].Attempts
		}
		if len(got) > most || left != len(deeds)-shown {
			t.Errorf("at most %d: %d periods, %d left of %d", most, len(got), left, len(deeds))
		}
		if most == len(want) && !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

// A period with another status is another one, as is one without an answer.
func TestTimelineStatus(t *testing.T) {
	var deeds []deed
	for i := range 6 {
		deeds = append(deeds, deed{at: time.Duration(i) * time.Second, path: "/", verdict: Rejected})
	}
	list := attemptsOf(deeds)
	for i, status := range []int{403, 403, 404, 404, 403, 0} {
		list[i].Response.Head.Status = status
		if status == 0 {
			list[i].Response = nil
		}
	}
	periods, _ := Timeline(NewAttempts(list...), 100)
	var sizes []int
	for _, p := range periods {
		sizes = append(sizes, p.Attempts)
	}
	if want := []int{2, 2, 1, 1}; !slices.Equal(sizes, want) {
		t.Errorf("%v, want %v", sizes, want)
	}
}

// The example of a period stays, whatever attempt is asked for after it.
func TestTimelineExamples(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 16))
	a := New(nil)
	r := a.Finish(gather(rng, 80).play(a, time.Minute), 0)
	periods, _ := Timeline(r.Attempts, 1000)
	for _, p := range periods {
		if got, want := wholeAttempt(p.Example), wholeAttempt(r.Attempts.At(p.First-1)); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
	if len(periods) < 10 {
		t.Errorf("%d periods", len(periods))
	}
}
