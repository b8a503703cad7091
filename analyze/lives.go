package analyze

import "time"

// Lives says how long WebSockets lasted and how they ended.
type Lives struct {
	Ended                     int // whose end was seen
	Median, Shortest, Longest time.Duration
	Ends                      []LifeEnd // the most frequent first

	sample sample
}

// A LifeEnd is a way in which WebSockets ended.
type LifeEnd struct {
	By    Side
	How   CloseHow
	Code  int // of the Close frame; -1: it has none, or there is no frame
	Count int
}

const maxLifeEnds = 8

// add takes an attempt that opened a WebSocket.
func (l *Lives) add(t *Attempt) {
	l.addEnd(LifeEnd{t.Close.By, t.Close.How, t.Close.Code, 1})
	life, ok := t.life()
	if !ok {
		return
	}
	if l.Ended == 0 || life < l.Shortest {
		l.Shortest = life
	}
	l.Ended++
	l.Longest = max(l.Longest, life)
	l.sample.add(int64(life))
}

// life returns how long a WebSocket lasted, and false if its end was not seen.
func (t *Attempt) life() (d time.Duration, ok bool) {
	if !t.Close.At.Seen() || t.Response == nil || t.Close.At.Time < t.Response.Done.Time {
		return 0, false
	}
	return time.Duration(t.Close.At.Time - t.Response.Done.Time), true
}

func (l *Lives) addEnd(end LifeEnd) {
	for i := range l.Ends {
		if e := &l.Ends[i]; e.By == end.By && e.How == end.How && e.Code == end.Code {
			e.Count++
			return
		}
	}
	if len(l.Ends) < maxLifeEnds {
		l.Ends = append(l.Ends, end)
	}
}
