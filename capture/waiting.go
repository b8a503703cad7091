package capture

import "time"

// idleTick is how long Next waits at most before it says that nothing came, and
// how often a file that is followed is looked at.
const idleTick = 100 * time.Millisecond

const (
	// defaultPatience is how long a packet is held because an idle input might have
	// an earlier one, and how long the rest of a record may take when the next file
	// has begun: somewhat longer than tcpdump and dumpcap keep packets to themselves.
	defaultPatience = 2 * time.Second

	// defaultListEvery is how often a directory or pattern is looked at.
	defaultListEvery = time.Second
)

// atLast is how long inputs go on at most when the end was asked for.
const atLast = time.Second

// rest puts the current input aside if nothing comes for it. It returns what is to
// be told of the series that it is.
func (s *Source) rest(in *input) error {
	err := ErrIdle
	if in.series != nil && in.stream != nil {
		err = in.series.watch(in.stream)
	}
	if err == nil {
		return nil
	}
	s.cur, s.alone = nil, nil
	if !in.idle {
		in.idle, in.since = true, time.Now()
	}
	s.idle = append(s.idle, in)
	if err == ErrIdle {
		return nil
	}
	s.stats.Damaged++
	return err
}

// busy takes note that an input has brought a packet.
func (s *Source) busy(in *input) {
	if in.idle {
		in.idle, in.since = false, time.Now()
	}
}

// look gives the idle inputs their turn again, now and then.
func (s *Source) look() {
	if len(s.idle) == 0 || time.Since(s.looked) < idleTick {
		return
	}
	s.lookNow()
}

func (s *Source) lookNow() {
	s.looked = time.Now()
	for _, in := range s.idle {
		s.waiting.push(in)
	}
	clear(s.idle)
	s.idle = s.idle[:0]
	if s.cur != nil { // which has no packet that is held
		s.waiting.push(s.cur)
		s.cur, s.alone = nil, nil
	}
}

// early reports whether an idle input may still bring a packet from before that of
// the input that was read last. For a pipe there is no telling how long that may
// take. The others are live: after a silence of the one or the other that is
// waited for, but no input waits for each packet of its own.
func (s *Source) early(in *input) bool {
	for _, other := range s.idle {
		since := other.since
		if in.since.After(since) {
			since = in.since
		}
		if other.series == nil || time.Since(since) < s.patience {
			return true
		}
	}
	return false
}

// wait waits until something may have come, and gives the idle inputs their turn.
// It is false if that took as long as Next may wait.
func (s *Source) wait() bool {
	defer s.lookNow()
	timer := time.NewTimer(idleTick)
	defer timer.Stop()
	asked, done := s.isAsked(), s.ctx.Done()
	if asked {
		done = nil // is known
	}
	select {
	case <-s.wake:
		return true
	case <-done:
		return true
	case <-timer.C:
		s.over = asked
		return false
	}
}

// isAsked reports whether the end was asked for.
func (s *Source) isAsked() bool {
	if s.asked.IsZero() && s.ctx.Err() != nil {
		s.asked = time.Now()
	}
	return !s.asked.IsZero()
}

// isOver reports whether the inputs for which more may come are at their end.
func (s *Source) isOver() bool {
	return s.over || s.isAsked() && time.Since(s.asked) > atLast
}
