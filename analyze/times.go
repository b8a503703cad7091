package analyze

import "time"

// Times counts attempts over time, in steps of equal length that begin at whole
// minutes, hours or days of UTC.
type Times struct {
	From     int64 // when the first step begins
	Step     time.Duration
	Attempts [timeSteps]int
	Failed   [timeSteps]int
}

const timeSteps = 32 // a month has that many days

// longerStep returns the step after one. Each is a multiple of those before.
func longerStep(d time.Duration) time.Duration {
	for _, step := range [...]time.Duration{
		time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute,
		10 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	} {
		if step > d {
			return step
		}
	}
	return 2 * d
}

// Len returns how many steps there are up to the last attempt.
func (t *Times) Len() int {
	n := timeSteps
	for n > 0 && t.Attempts[n-1] == 0 {
		n--
	}
	return n
}

// add counts an attempt. The steps become longer when there is no room. What is
// earlier than the first counts with that.
func (t *Times) add(at int64, failed bool) {
	at = max(at, 0) // what is earlier than 1970 would be too far from the rest
	if t.Step == 0 {
		t.Step = time.Second
		t.From = floor(at, t.Step)
	}
	for (at-t.From)/timeSteps >= int64(t.Step) {
		t.widen()
	}
	i := max(at-t.From, 0) / int64(t.Step)
	t.Attempts[i]++
	if failed {
		t.Failed[i]++
	}
}

// widen makes the steps longer.
func (t *Times) widen() {
	wide := Times{Step: longerStep(t.Step)}
	wide.From = floor(t.From, wide.Step)
	for i := range timeSteps {
		k := (t.From + int64(i)*int64(t.Step) - wide.From) / int64(wide.Step)
		wide.Attempts[k] += t.Attempts[i]
		wide.Failed[k] += t.Failed[i]
	}
	*t = wide
}

// floor returns when the step begins that a time is in.
func floor(at int64, step time.Duration) int64 {
	rest := at % int64(step)
	if rest < 0 {
		rest += int64(step)
	}
	return at - rest
}
