package analyze

import "slices"

// forget gives back what is not needed any more.
func (w *watch) forget(a *Analyzer) {
	w.thin()
	for len(w.spent) > maxSpent {
		w.release(a, w.spent[0])
		w.spent = w.spent[1:]
	}
	w.starts.forget(a, w.now)
	a.forgetMoved(w.now)
	if len(a.journal.pages) >= w.settled+w.settled/2+roomToForget {
		a.turnOver()
		w.settled = len(a.journal.pages)
	}
}

// thin takes out of the list what was told long enough ago, or of too many the
// oldest. What is still open comes back when it is over.
func (w *watch) thin() {
	tooMany := len(w.list) - maxRecent
	w.list = slices.DeleteFunc(w.list, func(n uint32) bool {
		s := &w.slots[n-1]
		if !s.isDone() || s.noted || tooMany <= 0 && w.now-s.since < recent {
			return false
		}
		tooMany--
		s.listed = false
		if delete(w.chainIDs, s.number); s.ended {
			w.spent = append(w.spent, n)
		} else {
			delete(w.entryOf, s.number)
		}
		return true
	})
}

// release gives back an entry.
func (w *watch) release(a *Analyzer, n uint32) {
	s := &w.slots[n-1]
	delete(w.entryOf, s.number)
	*s, *a.entries.at(n) = slot{}, entry{}
	w.free = append(w.free, n)
}

// turnOver copies what the journal holds of entries that are in use into a new one,
// and drops the pages of the old one as they become free.
func (a *Analyzer) turnOver() {
	old := a.journal
	a.journal = journal{}
	users := make([]int, len(old.pages))
	all := func(do func(at *place)) {
		for i := range a.watch.slots {
			if e := a.entries.at(uint32(i) + 1); e.at&placeMask != 0 {
				at := e.at & placeMask
				do(&at)
				e.at = at | e.at&^placeMask
			}
		}
		for i := range a.keptTLS {
			do(&a.keptTLS[i].at)
		}
	}
	all(func(at *place) { users[at.page()]++ })
	for i := range a.sockets.used {
		if note := &a.sockets.at(i).close; note.reason != 0 {
			text := old.reason(note.reason)
			note.reason = a.journal.write(append([]byte{byte(len(text))}, text...))
		}
	}
	all(func(at *place) {
		page := at.page()
		*at = a.journal.write(a.packedAt(&old, *at))
		if users[page]--; users[page] == 0 {
			old.pages[page] = nil
		}
	})
}

// packedAt returns both parts of an attempt, which lie together.
func (a *Analyzer) packedAt(j *journal, at place) []byte {
	whole := j.at(at)
	u := unpacker{b: whole, phrases: &a.phrases}
	u.uint()
	u.text()
	var s store
	s.Conn = &s.conn
	u.ending(&s.Attempt)
	return whole[:len(whole)-len(u.b)]
}

// A startUse knows which places in Analyzer.tls are used again, and when.
type startUse struct {
	free []uint32
	over []startOver // oldest first
}

// A startOver is a TLS connection that is over.
type startOver struct {
	number uint32
	at     int64
}

// maxStarts bounds the TLS connections that may follow a redirect while the capture
// goes on.
const maxStarts = 1 << 16

// useStart remembers a TLS connection that may follow a redirect, if there is
// room.
func (w *watch) useStart(a *Analyzer, s *session, start tlsStart) {
	u := &w.starts
	if n := len(u.free); n > 0 {
		a.tls[u.free[n-1]] = start
		s.start = u.free[n-1] + 1
		u.free = u.free[:n-1]
		return
	}
	if len(a.tls) < maxStarts {
		a.tls = append(a.tls, start)
		s.start = uint32(len(a.tls))
	}
}

// forget gives back the places of those that no redirect leads to any more.
func (u *startUse) forget(a *Analyzer, now int64) {
	for len(u.over) > 0 && (now-u.over[0].at >= 2*recent || now < u.over[0].at) {
		number := u.over[0].number
		a.tls[number] = tlsStart{}
		u.free, u.over = append(u.free, number), u.over[1:]
	}
}

// recentStarts returns the TLS connections that may follow a redirect that is
// looked at.
func (a *Analyzer) recentStarts() (list []tlsStart) {
	for _, s := range a.tls {
		if s.first.Seen() && a.watch.now-s.first.Time < 2*recent {
			list = append(list, s)
		}
	}
	return list
}

// forgetMoved forgets who was redirected, if that is too much to remember, and who
// was refused long ago.
func (a *Analyzer) forgetMoved(now int64) {
	if len(a.moved) > MaxClients || len(a.movedTo) > maxEnds {
		clear(a.moved)
		clear(a.movedTo)
	}
	if len(a.refusals) >= MaxClients {
		clear(a.refusals)
	}
	for client, list := range a.refusals {
		if len(list) > 0 {
			a.refusals[client] = slices.DeleteFunc(list, func(r refusedConn) bool { return now-r.syn.Time >= 2*recent })
		}
	}
}
