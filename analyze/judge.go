package analyze

import (
	"cmp"
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

	places    []uint32          // indices of entries, by their number; nil: not needed yet
	order     []uint32          // entries as they are listed; nil: as they are numbered
	relations map[int]*relation // by index
	related   bits              // which attempts have one
	nothing   relation          // stays empty
	reused    keyGroups
	store     store // what attempt returns
	other     store // of the other side of a proxy
	pairs     map[int32]pairing
}

// A store holds an attempt and what it points to.
type store struct {
	Attempt
	conn              flow.Evidence
	request, response Message
	tls               TLS
	h2                H2
}

// A relation is what other attempts have to do with one.
type relation struct {
	belongs  string    // whose key its wrong Accept is made of, ready to be printed; "": nobody's
	findings []Finding // known before its verdict
	chained  []Finding // about its place in a chain, known after
	redirect *Redirect
}

// Bits is a set of indices.
type bits []uint64

func (b bits) has(i int) bool { return b != nil && b[i/64]&(1<<(i%64)) != 0 }

// set adds an index, of as many as there are.
func (b *bits) set(i, all int) {
	if *b == nil {
		*b = make(bits, (all+63)/64)
	}
	(*b)[i/64] |= 1 << (i % 64)
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

// indexOf returns where in the list an entry is; false if the number is 0.
func (j *judge) indexOf(number uint32) (int, bool) {
	if number == 0 || j.order == nil {
		return int(number) - 1, number > 0
	}
	if j.places == nil {
		j.places = make([]uint32, len(j.order)+1)
		for i, number := range j.order {
			j.places[number] = uint32(i)
		}
	}
	return int(j.places[number]), true
}

// relation returns the relation of an attempt, to be filled in.
func (j *judge) relation(i int) *relation {
	r := j.relations[i]
	if r == nil {
		r = &relation{}
		j.relations[i] = r
		j.related.set(i, j.len())
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
	r := &j.nothing
	if j.related.has(i) {
		r = j.relations[i]
	}
	t.nameCause(r.belongs)
	if n := j.reused.of(i, j.entry(i).print); n > 0 {
		t.addReused(n)
	}
	t.Findings = append(t.Findings, r.findings...)
	t.decide()
	t.allowForDoubt()
	t.Redirect, t.Passage = r.redirect, j.passage(i, t)
	t.Findings = append(t.Findings, r.chained...)
	sortFindings(t.Findings)
	return t
}

// load takes an attempt out of the journal, and finds out how its connection
// ended.
func (j *judge) load(i int, s *store) *Attempt {
	t := &s.Attempt
	s.tls, s.h2 = TLS{}, H2{}
	s.conn = flow.Evidence{Doubts: s.conn.Doubts[:0]}
	*t = Attempt{Number: i + 1, Conn: &s.conn, Close: Close{Code: -1}, Interim: t.Interim[:0], Findings: t.Findings[:0]}
	exchange, ending := j.open(i)
	j.a.unpack(t, s, exchange, ending)
	t.ending()
	if t.strangeRequest() {
		t.Request = nil
	}
	return t
}

// open returns the two parts of an attempt in the journal.
func (j *judge) open(i int) (exchange, ending unpacker) {
	return j.a.open(j.entry(i).at & placeMask)
}

func (a *Analyzer) open(at place) (exchange, ending unpacker) {
	u := unpacker{b: a.journal.at(at), phrases: &a.phrases, raw: a.packer.scratch}
	exchange = u
	if at := place(u.uint()); at != 0 {
		exchange.b = a.journal.at(at)
	} else {
		exchange.b = u.text()
	}
	return exchange, u
}

// unpack reads both parts into an attempt, whose parts are stored in s.
func (a *Analyzer) unpack(t *Attempt, s *store, exchange, ending unpacker) {
	exchange.exchange(t, s, &a.certificates)
	a.packer.scratch = exchange.raw
	ending.ending(t, &a.journal)
}

// sort puts the entries in the order in which they are listed.
func (j *judge) sort() {
	if !j.a.disordered {
		return
	}
	all := make([]glance, j.len())
	order := make([]uint32, j.len())
	for i := range all {
		all[i], order[i] = j.glance(i), uint32(i)+1
	}
	slices.SortStableFunc(order, func(x, y uint32) int { return all[x-1].compare(&all[y-1]) })
	j.order = order
}

// A glance is what can be seen of a packed attempt without taking its heads
// apart.
type glance struct {
	first, done flow.Stamp // of the request, or of the response if there is no request
	offset      int64      // of that in its direction
	stream      int
	client      netip.Addr
	server      netip.Addr
}

// compare says in which order two attempts are listed.
func (g *glance) compare(o *glance) int {
	return cmp.Or(cmp.Compare(g.done.Frame, o.done.Frame), cmp.Compare(g.stream, o.stream), cmp.Compare(g.offset, o.offset))
}

func (j *judge) glance(i int) (g glance) {
	exchange, ending := j.open(i)
	dir := flow.AtoB
	if exchange.byte()&packServerFirst != 0 {
		dir = flow.BtoA
	}
	g.first, g.done, g.offset = exchange.where()
	var e flow.Evidence
	ending.addr(&e)
	g.stream, g.client, g.server = int(ending.uint()), e.Addr(dir).Addr(), e.Addr(dir.Reverse()).Addr()
	return g
}
