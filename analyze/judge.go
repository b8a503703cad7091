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

	places    map[uint32]int    // indices of entries, by their number; nil: not needed yet
	order     []uint32          // entries as they are listed; nil: all, as they are numbered
	tls       []tlsStart        // connections that may follow a redirect
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
	owner    int       // the same, Wireshark's tcp.stream; valid iff belongs is not ""
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
	j := &judge{a: a, last: last, drops: drops, relations: map[int]*relation{}, tls: a.tls}
	j.sort()
	return j
}

func (j *judge) len() int {
	if j.order != nil {
		return len(j.order)
	}
	return j.a.entries.n
}

// number returns that of the attempt at an index.
func (j *judge) number(i int) int {
	if w := j.a.watch; w != nil {
		return w.slots[j.order[i]-1].number
	}
	return i + 1
}

// numbered returns where in the list the attempt with a number is, which must be
// there.
func (j *judge) numbered(number int) int {
	if w := j.a.watch; w != nil {
		i, _ := j.indexOf(w.entryOf[number])
		return i
	}
	return number - 1
}

// entry returns the attempt at an index of the list.
func (j *judge) entry(i int) *entry {
	if j.order != nil {
		return j.a.entries.at(j.order[i])
	}
	return j.a.entries.at(uint32(i) + 1)
}

// indexOf returns where in the list an entry is; false if it is not there, or the
// number is 0.
func (j *judge) indexOf(number uint32) (int, bool) {
	if number == 0 || j.order == nil {
		return int(number) - 1, number > 0
	}
	if j.places == nil {
		j.places = make(map[uint32]int, len(j.order))
		for i, number := range j.order {
			j.places[number] = i
		}
	}
	i, ok := j.places[number]
	return i, ok
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
	if r.belongs != "" {
		t.others = append(t.others, r.owner)
	}
	if n := j.reused.of(i, j.entry(i).print); n > 0 {
		t.addReused(n)
		first := j.reused.first[j.entry(i).print]
		t.others = append(t.others, first[:]...)
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
	return j.loadEntry(j.entry(i), j.number(i), s)
}

// loadEntry does so with the attempt of an entry, which has a number.
func (j *judge) loadEntry(e *entry, number int, s *store) *Attempt {
	t := &s.Attempt
	s.tls, s.h2 = TLS{}, H2{}
	s.conn = flow.Evidence{Doubts: s.conn.Doubts[:0]}
	*t = Attempt{Number: number, Conn: &s.conn, Close: Close{Code: -1}, Interim: t.Interim[:0], Findings: t.Findings[:0], others: t.others[:0]}
	exchange, ending := j.a.open(e.at & placeMask)
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
	ending.ending(t)
}

// sort puts the entries in the order in which they are listed.
func (j *judge) sort() {
	if !j.a.disordered && j.order == nil {
		return
	}
	all := make([]glance, j.len())
	places := make([]int32, j.len())
	order := make([]uint32, j.len())
	for i := range all {
		all[i], places[i] = j.glance(i), int32(i)
	}
	slices.SortStableFunc(places, func(x, y int32) int { return all[x].compare(&all[y]) })
	for i, place := range places {
		order[i] = uint32(place) + 1
		if j.order != nil {
			order[i] = j.order[place]
		}
	}
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

func (j *judge) glance(i int) glance { return j.a.glance(j.entry(i).at & placeMask) }

// begins returns the time of the first byte of the request, or of the response if
// there is no request.
func (j *judge) begins(i int) int64 {
	exchange, _ := j.open(i)
	exchange.byte()
	first, _, _ := exchange.where()
	return first.Time
}

func (a *Analyzer) glance(at place) (g glance) {
	exchange, ending := a.open(at)
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
