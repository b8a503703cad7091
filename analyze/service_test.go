package analyze

import (
	"testing"
	"time"
)

// rushDeeds are 160 attempts evenly over a time, and forty within a second in the
// middle of it.
func rushDeeds(over time.Duration) (deeds []deed) {
	for i := range 160 {
		if i == 80 {
			for k := range 40 {
				deeds = append(deeds, deed{at: over/2 + time.Duration(k)*25*time.Millisecond, client: k, verdict: OK})
			}
		}
		deeds = append(deeds, deed{at: over * time.Duration(i) / 159, verdict: OK})
	}
	return deeds
}

func storms(deeds []deed) (n int) {
	for _, i := range historiesOf(deeds).incidents {
		if i.Code == ReconnectStorm {
			n++
		}
	}
	return n
}

// A storm is ten times what the server is used to.
func TestRushFactor(t *testing.T) {
	if n := storms(rushDeeds(time.Minute)); n != 0 {
		t.Errorf("%d storms of four times the usual rate", n)
	}
	if n := storms(rushDeeds(4 * time.Minute)); n != 1 {
		t.Errorf("%d storms of twelve times the usual rate or more", n)
	}
}

// A request that was sent slowly is listed when it is whole: its early begin makes
// no rush of what came before.
func TestRushSlow(t *testing.T) {
	deeds := manyDeeds(400, func(i int) deed { return deed{at: time.Duration(i) * time.Minute, verdict: OK} })
	for i := 40; i < len(deeds); i += 40 {
		deeds[i].at = 0
	}
	if n := storms(deeds); n != 0 {
		t.Errorf("%d storms of one attempt a minute", n)
	}
}

// A WebSocket whose client had gone before the answer has no life, and is no end
// of an idle one.
func TestNoLife(t *testing.T) {
	var deeds []deed
	for i := range 4 {
		deeds = append(deeds, deed{at: time.Duration(i) * time.Minute, verdict: OK, by: Server, how: CloseFIN, life: -answerAfter / 2})
	}
	list := attemptsOf(deeds)
	h := newHistories(&endpoints{})
	for i, a := range list {
		a.Close = Close{By: Server, How: CloseFIN, Code: -1, At: a.Request.Done}
		a.lastFrame = a.Request.Done.Time - int64(time.Minute)
		if i == 3 { // this one has
			a.Close.At.Time = a.Response.Done.Time + int64(time.Minute)
		}
		h.add(a)
	}
	h.finish(nil, nil)
	if l := h.order[0].Lives; l.Ended != 1 || l.Shortest != time.Minute || l.Ends[0].Count != 4 || h.services[0].idle.n != 1 {
		t.Errorf("%+v, %d idle", l, h.services[0].idle.n)
	}
}
