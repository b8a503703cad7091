package analyze

import (
	"slices"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A watch decides attempts while the capture goes on, and forgets them then. An
// attempt is told when nothing more is to be expected that would change what is
// said of it. Those that were told lately stay, as later ones may have to do with
// them.
//
// It uses the judge that decides at the end, on the attempts of the last while in
// place of all. So what is told is what would be found if the capture ended now.
type watch struct {
	evidence  func(*flow.Conn) flow.Evidence
	histories *histories
	now       int64

	slots   []slot         // by the number of the entry, less one
	free    []uint32       // entries that are used again
	fresh   []uint32       // entries of which something was kept since they were looked at
	list    []uint32       // entries that are looked at together
	entryOf map[int]uint32 // by the number of the attempt: of those in list and in spent
	spent   []uint32       // entries that are in list no more, oldest first: a later attempt of the client may be compared with one
	numbers int            // of attempts, given so far
	store   store          // of an attempt out of spent

	standings standings

	chains   int         // IDs given so far
	chainIDs map[int]int // by the number of the first attempt
	ends     ends        // what is known to speak WebSocket
	bids     bids        // of TLS connections that look like a WebSocket
	tried    int         // of Analyzer.keptTLS, those that are of none of ends
	starts   startUse
	indexed  int64 // when names were
	judged   int64 // when the list was looked at last
	settled  int   // pages of the journal that were in use when it was turned over
}

// A slot says what became of an entry.
type slot struct {
	number int   // of the attempt; 0: the entry is free
	since  int64 // when it was last looked at for the first time; 0: it has to be
	told   bool  // Told.Attempt had it
	over   bool  // its connection is over
	ended  bool  // and histories know how it ended
	listed bool  // it is in list
	noted  bool  // it is in fresh

	standing uint16 // what was told, of a connection that was open
}

const (
	settle     = 2 * int64(time.Second)       // after an answer, or the end: something may come out of order, or belong to it
	settleTLS  = 5 * int64(time.Second)       // the same after a redirect led into TLS
	patience   = 60 * int64(time.Second)      // with a request that is not answered
	recent     = followWithin + settleTLS + 1 // how long those that were told are looked at together with others
	maxRecent  = 1 << 16                      // and how many
	maxSpent   = 1 << 14                      // that are kept to be compared with
	maxUnknown = 1 << 12                      // TLS connections that failed, of whose ends nothing is known
	maxBids    = 1 << 12                      // in bids
	maxEnds    = 1 << 18                      // addresses, and names, in ends

	maxUpgrades   = 1 << 10 // to other protocols that are kept while the capture goes on
	roomToForget  = 4       // pages of the journal
	namesOnceEach = 10 * int64(time.Second)
)

// Told takes what is decided. What is handed over is valid during the call.
type Told struct {
	Attempt func(*Attempt)               // once for each
	Ended   func(*Attempt, Standing)     // for one that was told while its connection was open: how it ended, and what was told
	Chain   func(c *Chain, all Attempts) // once for each, right after its first attempts; At gets them by their numbers less one, the list is empty
}

// Watch makes the Analyzer decide attempts while the capture goes on, whenever
// Decide is called. evidence returns what the headers of a connection showed up to
// now, see reassembly.Reassembler.Evidence. It is called before the first chunk.
func (a *Analyzer) Watch(evidence func(*flow.Conn) flow.Evidence) {
	a.names.rolling, a.certificates.rolling = true, true
	a.names.index()
	a.watch = &watch{
		evidence: evidence, histories: newHistories(&a.endpoints), list: []uint32{}, // of none: nil would be all
		entryOf: map[int]uint32{}, chainIDs: map[int]int{}, ends: newEnds(), bids: bids{},
		standings: standings{numbers: map[Standing]uint16{}},
	}
	a.watch.histories.names = &a.names
}

// Names returns what DNS answers said.
func (a *Analyzer) Names() *Names { return &a.names }

// newEntry gives an attempt an entry, 0 if there are too many.
func (w *watch) newEntry(a *Analyzer) (number uint32) {
	if n := len(w.free); n > 0 {
		number, w.free = w.free[n-1], w.free[:n-1]
	} else if a.entries.n < a.limits.Attempts {
		number = a.entries.add()
		w.slots = append(w.slots, slot{})
	} else {
		return 0
	}
	w.numbers++
	w.slots[number-1] = slot{number: w.numbers}
	return number
}

// note says that something was kept of an entry.
func (w *watch) note(entry uint32, over bool) {
	s := &w.slots[entry-1]
	if over && !s.over {
		s.over, s.since = true, 0
	}
	if !s.noted {
		s.noted = true
		w.fresh = append(w.fresh, entry)
	}
}

// preview keeps what is known of an attempt whose connection is not over.
func (a *Analyzer) preview(d *draft, c *flow.Conn) {
	if d.entry == 0 {
		return
	}
	e := a.watch.evidence(c)
	var w *socket
	if d.status == 101 { // how many frames follow is told when it is over
		w = &socket{client: d.client, latest: d.done.Time}
		w.dirs[0].lost()
		w.dirs[1].lost()
	}
	a.keepBoth(d, &e, w)
	a.watch.note(d.entry, false)
}

// previewAll does so with those that were answered, or will not be.
func (a *Analyzer) previewAll() {
	w := a.watch
	for _, s := range a.streams {
		if s.socket != nil {
			continue
		}
		for _, d := range s.drafts {
			if d.entry == 0 || w.slots[d.entry-1].told {
				continue
			}
			if d.answered || d.asked && w.now-d.done.Time >= patience {
				a.preview(d, s.conn)
			}
		}
	}
}

// Decide tells what is decided by now: now is the time, at the latest packet, and
// drops the number of packets that the capture lost (less than one: none that is
// known). all tells everything: the capture is over, and every connection has
// ended.
func (a *Analyzer) Decide(now flow.Stamp, drops int64, all bool, to *Told) {
	w := a.watch
	w.moveTo(now.Time)
	a.previewAll()
	w.gather(a)
	a.listTLSNow(all)
	w.gather(a)
	if all || w.isDue() {
		w.tell(w.judge(a, now, drops), all, to)
	}
	w.forget(a)
}

// moveTo sets the clock. If it was set back, nothing is older than before.
func (w *watch) moveTo(now int64) {
	if back := w.now - now; back > 0 {
		for i := range w.slots {
			if s := &w.slots[i]; s.since != 0 {
				s.since = max(s.since-back, 1)
			}
		}
		w.indexed, w.judged = min(w.indexed, now), min(w.judged, now)
	}
	w.now = now
}

// gather adds to the list what is new.
func (w *watch) gather(a *Analyzer) {
	for _, n := range w.fresh {
		e, tunnel := a.entries.at(n), ""
		if e.at&tunnelled != 0 {
			tunnel = (&judge{a: a}).loadEntry(e, 0, &w.store).Tunnel
		}
		g := a.glance(e.at & placeMask)
		w.ends.add(g.client, g.server, tunnel, "")
		s := &w.slots[n-1]
		s.noted = false
		if s.since == 0 {
			s.since = w.now
		}
		if !s.listed {
			s.listed = true
			w.list = append(w.list, n)
			w.entryOf[s.number] = n
		}
	}
	w.fresh = w.fresh[:0]
}

// isDone reports whether there is nothing to tell of an attempt until it changes.
func (s *slot) isDone() bool { return s.told && (s.ended || !s.over) }

// isDue reports whether there may be something to tell. As the whole list is looked
// at each time, what waits must be a good part of it, or the last time a while ago.
func (w *watch) isDue() bool {
	ripe := 0
	for _, n := range w.list {
		if s := &w.slots[n-1]; !s.isDone() && w.now-s.since >= settle {
			ripe++
		}
	}
	return ripe > len(w.list)/8 || ripe > 0 && (len(w.list) < 1<<10 || w.now-w.judged >= settle)
}

// judge returns one for the attempts in the list.
func (w *watch) judge(a *Analyzer, now flow.Stamp, drops int64) *judge {
	j := &judge{a: a, last: now, drops: drops, relations: map[int]*relation{}, order: w.list}
	j.sort()
	w.list, w.judged = j.order, w.now
	moved := slices.ContainsFunc(w.list, func(n uint32) bool { return a.entries.at(n).at&moved != 0 })
	if moved {
		j.tls = a.recentStarts()
	}
	if a.names.added && (moved || w.now-w.indexed >= namesOnceEach) {
		a.names.index()
		w.indexed = w.now
	}
	w.histories.recall = func(number int) *Attempt { return w.recall(j, number) }
	return j
}

// recall returns an attempt that was told, nil if it is forgotten. What others have
// to do with it is known as long as it is in the list.
func (w *watch) recall(j *judge, number int) *Attempt {
	n := w.entryOf[number]
	if n == 0 {
		return nil
	}
	if i, ok := j.indexOf(n); ok {
		return j.settle(i, &w.store)
	}
	t := j.loadEntry(j.a.entries.at(n), number, &w.store)
	t.judge(j.last, j.drops)
	t.decide()
	t.allowForDoubt()
	sortFindings(t.Findings)
	return t
}

// tell tells what is decided.
func (w *watch) tell(j *judge, all bool, to *Told) {
	j.relate()
	chains := j.chains()
	now := map[int]bool{}
	for i := range j.len() {
		s := &w.slots[j.order[i]-1]
		switch {
		case s.isDone() || !all && !w.isRipe(j, i):
		case !s.told:
			t := j.attempt(i)
			s.told, now[s.number] = true, true
			to.Attempt(t)
			if client, what, site := w.histories.begin(t); s.over {
				s.ended = true
				client.end(t, what, site)
			} else {
				s.standing = w.standings.keep(t)
				w.histories.stay(t)
			}
		default:
			t := j.attempt(i)
			s.ended = true
			to.Ended(t, w.standings.at(s.standing))
			w.histories.end(t)
		}
	}
	for _, c := range chains {
		if now[c.Hops[0].Attempt] {
			to.Chain(c, Attempts{at: func(i int) *Attempt { return j.attempt(j.numbered(i + 1)) }})
		}
	}
}

// isRipe reports whether nothing more is to be expected that would change what is
// said of an attempt.
func (w *watch) isRipe(j *judge, i int) bool {
	if w.now-w.slots[j.order[i]-1].since < settle {
		return false
	}
	return !j.chained(i) || w.isChainRipe(j, j.relations[i].redirect.Chain)
}

func (w *watch) isChainRipe(j *judge, c *Chain) bool {
	youngest := int64(0)
	for _, h := range c.Hops {
		if h.Attempt > 0 {
			youngest = max(youngest, w.slots[w.entryOf[h.Attempt]-1].since)
		}
	}
	wait := settle
	switch c.End {
	case ChainNotFollowed, ChainDowngraded, ChainOutOfCapture:
		wait += followWithin
	case ChainIntoTLS:
		wait = settleTLS
	}
	return w.now-youngest >= wait
}

// chainID returns the ID of a chain that begins with an attempt.
func (w *watch) chainID(number int) int {
	id, ok := w.chainIDs[number]
	if !ok {
		w.chains++
		id = w.chains
		w.chainIDs[number] = id
	}
	return id
}
