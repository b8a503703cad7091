package analyze

import (
	"net/netip"
	"slices"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A judge takes attempts out of the journal and judges them, one at a time and
// again whenever somebody asks, because millions of them would not fit into
// memory as they are shown. What several attempts show together it finds out
// first, and keeps.
type judge struct {
	a     *Analyzer
	last  flow.Stamp // the capture's last packet
	drops int64      // packets that the capture lost

	order     []uint32          // entries as they are listed; nil: as they are numbered
	relations map[int]*relation // by index
	reused    keyGroups
	store     store // what attempt returns
}

// A store holds an attempt and what it points to.
type store struct {
	Attempt
	conn              flow.Evidence
	request, response Message
}

// A relation is what other attempts have to do with one.
type relation struct {
	belongs  string    // whose key its wrong Accept is made of, ready to be printed; "": nobody's
	findings []Finding // known before its verdict
	chained  []Finding // about its place in a chain, known after
	redirect *Redirect
}

func newJudge(a *Analyzer, last flow.Stamp, drops int64) *judge {
	j := &judge{a: a, last: last, drops: drops, relations: map[int]*relation{}}
	j.sort()
	return j
}

func (j *judge) len() int { return j.a.entries.n }

// entry returns the attempt at an index of the list.
func (j *judge) entry(i int) *entry {
	if j.order != nil {
		return j.a.entries.at(j.order[i])
	}
	return j.a.entries.at(uint32(i) + 1)
}

// relation returns the relation of an attempt, to be filled in.
func (j *judge) relation(i int) *relation {
	r := j.relations[i]
	if r == nil {
		r = &relation{}
		j.relations[i] = r
	}
	return r
}

// attempt returns an attempt with its verdict and all findings. It is valid until
// the next call.
func (j *judge) attempt(i int) *Attempt { return j.settle(i, &j.store) }

// settle judges an attempt with all that is known by now of others.
func (j *judge) settle(i int, s *store) *Attempt {
	t := j.load(i, s)
	t.judge(j.last, j.drops)
	r := j.relations[i]
	if r == nil {
		r = &relation{}
	}
	t.nameCause(r.belongs)
	if n := j.reused.of(i, j.entry(i).print); n > 0 {
		t.addReused(n)
	}
	t.Findings = append(t.Findings, r.findings...)
	t.decide()
	t.allowForDoubt()
	t.Redirect = r.redirect
	t.Findings = append(t.Findings, r.chained...)
	sortFindings(t.Findings)
	return t
}

// load takes an attempt out of the journal, and finds out how its connection
// ended.
func (j *judge) load(i int, s *store) *Attempt {
	t := &s.Attempt
	s.conn = flow.Evidence{Doubts: s.conn.Doubts[:0]}
	*t = Attempt{Number: i + 1, Conn: &s.conn, Close: Close{Code: -1}, Interim: t.Interim[:0], Findings: t.Findings[:0]}
	u := unpacker{b: j.a.journal.at(j.entry(i).at & placeMask), phrases: &j.a.phrases, raw: j.a.packer.scratch}
	j.parts(&u, func(u *unpacker) { u.exchange(t, s) })
	u.ending(t, &j.a.journal)
	j.a.packer.scratch = u.raw
	t.ending()
	if t.strangeRequest() {
		t.Request = nil
	}
	return t
}

// parts lets exchange read the exchange of an attempt that u begins with, and
// leaves u at its ending.
func (j *judge) parts(u *unpacker, exchange func(u *unpacker)) {
	if at := place(u.uint()); at != 0 {
		apart := *u
		apart.b = j.a.journal.at(at)
		exchange(&apart)
		u.raw = apart.raw
		return
	}
	whole := *u
	whole.b = u.text()
	exchange(&whole)
	u.raw = whole.raw
}

// sort puts the entries in the order in which they are listed.
func (j *judge) sort() {
	before := rank{}
	sorted := true
	for i := range j.len() {
		r := j.rank(i)
		if sorted = !r.less(before); !sorted {
			break
		}
		before = r
	}
	if sorted {
		return
	}
	ranks := make([]rank, j.len())
	order := make([]uint32, j.len())
	for i := range ranks {
		ranks[i], order[i] = j.rank(i), uint32(i)+1
	}
	slices.SortStableFunc(order, func(x, y uint32) int {
		switch a, b := ranks[x-1], ranks[y-1]; {
		case a.less(b):
			return -1
		case b.less(a):
			return 1
		}
		return 0
	})
	j.order = order
}

// A rank is what attempts are listed by: the frame that completes the request, or
// the response if there is no request, the connection, and the offset of the
// message in its direction.
type rank struct {
	frame, stream int
	offset        int64
}

func (r rank) less(o rank) bool {
	switch {
	case r.frame != o.frame:
		return r.frame < o.frame
	case r.stream != o.stream:
		return r.stream < o.stream
	}
	return r.offset < o.offset
}

func (j *judge) rank(i int) (r rank) {
	u := unpacker{b: j.a.journal.at(j.entry(i).at & placeMask)}
	j.parts(&u, func(u *unpacker) {
		u.byte()
		r.frame, r.offset = u.where()
	})
	var e flow.Evidence
	u.addr(&e)
	r.stream = int(u.uint())
	return r
}

// client returns the address of an attempt's client.
func (j *judge) client(i int) netip.Addr {
	u := unpacker{b: j.a.journal.at(j.entry(i).at & placeMask)}
	dir := flow.AtoB
	j.parts(&u, func(u *unpacker) {
		if u.byte()&packServerFirst != 0 {
			dir = flow.BtoA
		}
	})
	var e flow.Evidence
	u.addr(&e)
	return e.Addr(dir).Addr()
}
