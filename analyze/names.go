package analyze

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/wssniff/wssniff/reassembly/flow"
)

const (
	MaxLookups   = 1 << 16 // answers of DNS held; equal ones in a row are one
	maxNameBytes = 4 << 20 // of the names in them
	maxNameAddrs = 1 << 18 // addresses in them
	maxNamesOf   = 4       // that Names.Of returns

	// sameLookup is how far, in nanoseconds, the answers to both questions of a
	// lookup may lie apart, that for IPv4 addresses and that for IPv6 ones.
	sameLookup = int64(5e9)
)

// Names is what DNS answers in the capture said. Those that tell neither an
// address nor an error are left out. All methods work on a nil *Names, which knows
// nothing.
type Names struct {
	lookups  []lookup            // in the order of their first answers
	current  map[question]uint32 // index of the latest lookup
	names    []string            // by number
	numbers  map[string]uint32   // of names
	bytes    int                 // in names
	addrs    int                 // in lookups
	unlisted int                 // answers left out for want of room
	rolling  bool                // the older half makes room instead
	added    bool                // something was, since index was called
	*nameIndex
}

// A Lookup is an answer to a question for addresses.
type Lookup struct {
	Name   string         // asked for, lower case, without the last dot
	Client netip.Addr     // who asked
	At     flow.Stamp     // of the answer
	Server netip.AddrPort // who answered
	RCode  int            // RFC 1035, Section 4.1.1; 0: no error, 3: no such name
	Addrs  []netip.Addr   // in the order of the answer, at most 16; those of the name that the CNAMEs end in
	CNAME  string         // the name that the last CNAME leads to; "" if there is none
}

// A lookup is one answer, or several equal ones in a row.
type lookup struct {
	question
	cname       uint32 // number of the name; 0: none
	rcode       int
	addrs       []netip.Addr
	partial     bool // the answer may have had more addresses
	first, last flow.Stamp
}

// A question is what answers have in common that may be equal.
type question struct {
	client netip.Addr
	server netip.AddrPort
	name   uint32 // its number, less one its place in Names.names
	v6     bool
}

// add takes an answer that a client got from a server.
func (n *Names) add(r *answer, client netip.Addr, server netip.AddrPort, at flow.Stamp) {
	q := question{client, server, n.numbers[string(r.name.bytes())], r.v6}
	if q.name != 0 {
		if r.rcode != 0 && n.answeredOtherwise(q, at) {
			return
		}
		if i, ok := n.current[q]; ok && n.same(&n.lookups[i], r) {
			n.lookups[i].again(at)
			return
		}
	}
	n.added = true
	if len(n.lookups) == MaxLookups || n.addrs+len(r.addrs) > maxNameAddrs || n.bytes+r.name.n+r.cname.n > maxNameBytes {
		if !n.rolling {
			n.unlisted++
			return
		}
		n.forgetHalf()
	}
	if n.current == nil {
		n.current, n.numbers = map[question]uint32{}, map[string]uint32{}
	}
	q.name = n.number(r.name.bytes())
	n.current[q] = uint32(len(n.lookups))
	n.addrs += len(r.addrs)
	n.lookups = append(n.lookups, lookup{q, n.number(r.cname.bytes()), r.rcode, slices.Clone(r.addrs), r.partial, at, at})
}

// forgetHalf forgets the older half of the lookups.
func (n *Names) forgetHalf() {
	old := *n
	*n = Names{rolling: true, added: true, current: map[question]uint32{}, numbers: map[string]uint32{}, nameIndex: old.nameIndex}
	for _, l := range old.lookups[len(old.lookups)/2:] {
		name, cname := old.name(l.name), old.name(l.cname)
		l.name, l.cname = n.number([]byte(name)), n.number([]byte(cname))
		n.current[l.question] = uint32(len(n.lookups))
		n.addrs += len(l.addrs)
		n.lookups = append(n.lookups, l)
	}
}

// again notes that the answer came again. Time may run backwards.
func (l *lookup) again(at flow.Stamp) {
	switch {
	case at.Time < l.first.Time:
		l.first = at
	case at.Time >= l.last.Time:
		l.last = at
	}
}

// answeredOtherwise reports whether a server gave the client addresses of the
// other kind in the same lookup. Then an error is none: there are servers that
// give one for a kind of address that they do not know, or have none of.
func (n *Names) answeredOtherwise(q question, at flow.Stamp) bool {
	q.v6 = !q.v6
	i, ok := n.current[q]
	return ok && n.lookups[i].rcode == 0 && at.Time-n.lookups[i].last.Time < sameLookup
}

// same reports whether an answer says what an earlier one to the same question
// said, in whatever order.
func (n *Names) same(l *lookup, r *answer) bool {
	return l.rcode == r.rcode && l.partial == r.partial && n.name(l.cname) == string(r.cname.bytes()) && len(l.addrs) == len(r.addrs) &&
		!slices.ContainsFunc(r.addrs, func(a netip.Addr) bool { return !slices.Contains(l.addrs, a) })
}

// number returns the number of a name, which gets one if it has none; 0: it is
// empty.
func (n *Names) number(name []byte) uint32 {
	if i, ok := n.numbers[string(name)]; ok || len(name) == 0 {
		return i
	}
	n.names = append(n.names, string(name))
	n.bytes += len(name)
	n.numbers[n.names[len(n.names)-1]] = uint32(len(n.names))
	return uint32(len(n.names))
}

func (n *Names) name(number uint32) string {
	if number == 0 {
		return ""
	}
	return n.names[number-1]
}

// Len returns how many answers are held, equal ones in a row being one.
func (n *Names) Len() int {
	if n == nil {
		return 0
	}
	return len(n.lookups)
}

// A nameIndex finds lookups. Its lists are in the order of time.
type nameIndex struct {
	all   map[uint32][]telling      // lookups of a name
	own   map[asking][]telling      // the same by one client
	of    map[netip.Addr][]telling  // names that answers led to an address
	led   map[leading][2]flow.Stamp // first and last answer that says so
	whole map[kind]int64            // time of the first answer that says all of a name
}

// A telling is an answer, or the last of equal ones, at its time.
type telling struct {
	at flow.Stamp
	n  uint32 // index of the lookup, or number of the name
}

type asking struct {
	client netip.Addr
	name   uint32
}

type leading struct {
	name uint32
	to   netip.Addr
}

// A kind of addresses of a name.
type kind struct {
	name uint32
	v6   bool
}

// index makes the methods of Names find what was added. Nothing more may be.
func (n *Names) index() {
	x := &nameIndex{map[uint32][]telling{}, map[asking][]telling{}, map[netip.Addr][]telling{}, map[leading][2]flow.Stamp{}, map[kind]int64{}}
	for i := range n.lookups {
		l := &n.lookups[i]
		x.all[l.name] = append(x.all[l.name], telling{l.first, uint32(i)}, telling{l.last, uint32(i)})
		own := asking{l.client, l.name}
		x.own[own] = append(x.own[own], telling{l.first, uint32(i)}, telling{l.last, uint32(i)})
		x.lead(l)
	}
	for to, s := range x.led {
		x.of[to.to] = append(x.of[to.to], telling{s[0], to.name}, telling{s[1], to.name})
	}
	inOrder(x.all)
	inOrder(x.own)
	inOrder(x.of)
	n.nameIndex, n.added = x, false
}

// lead notes what a lookup says of addresses.
func (x *nameIndex) lead(l *lookup) {
	for _, a := range l.addrs {
		to := leading{l.name, a}
		s, ok := x.led[to]
		if !ok || l.first.Time < s[0].Time {
			s[0] = l.first
		}
		if !ok || l.last.Time > s[1].Time {
			s[1] = l.last
		}
		x.led[to] = s
	}
	switch {
	case l.rcode == noSuchName:
		x.knows(kind{l.name, !l.v6}, l.first.Time)
		fallthrough
	case l.rcode == 0 && !l.partial:
		x.knows(kind{l.name, l.v6}, l.first.Time)
	}
}

func (x *nameIndex) knows(k kind, at int64) {
	if was, ok := x.whole[k]; !ok || at < was {
		x.whole[k] = at
	}
}

// inOrder puts lists into the order of time, and what is of one time into one that
// is always the same.
func inOrder[K comparable](lists map[K][]telling) {
	for _, l := range lists {
		slices.SortFunc(l, func(a, b telling) int {
			return cmp.Or(cmp.Compare(a.at.Time, b.at.Time), cmp.Compare(a.at.Frame, b.at.Frame), cmp.Compare(a.n, b.n))
		})
	}
}

// until returns what was told up to a time.
func until(list []telling, at int64) []telling {
	n, _ := slices.BinarySearchFunc(list, at, func(t telling, at int64) int {
		if t.at.Time <= at {
			return -1
		}
		return 1
	})
	return list[:n]
}

// find returns the number of a name as somebody writes it; 0: it is not known.
func (n *Names) find(name string) uint32 {
	if n == nil || n.nameIndex == nil {
		return 0
	}
	return n.numbers[strings.ToLower(strings.TrimSuffix(name, "."))]
}

// Latest returns the latest answer for a name that has addresses or an error, at
// or before a time in nanoseconds: what the client itself was told if anything
// was, and otherwise what others were told. Addrs belong to the Names. Of equal
// answers in a row only the first and the last have a time: between them, At is
// that of the first.
func (n *Names) Latest(client netip.Addr, name string, at int64) (Lookup, bool) {
	number := n.find(name)
	if number == 0 {
		return Lookup{}, false
	}
	told := until(n.own[asking{client, number}], at)
	if len(told) == 0 {
		told = until(n.all[number], at)
	}
	if len(told) == 0 {
		return Lookup{}, false
	}
	last := told[len(told)-1]
	l := &n.lookups[last.n]
	return Lookup{n.name(l.name), l.client, last.at, l.server, l.rcode, l.addrs, n.name(l.cname)}, true
}

// Led reports whether some answer up to a time says that a name has an address.
// known is false if there is no answer by which to tell: it would have to be about
// addresses of this kind, IPv4 or IPv6, and whole.
func (n *Names) Led(name string, to netip.Addr, at int64) (led, known bool) {
	number := n.find(name)
	if number == 0 {
		return false, false
	}
	if s, ok := n.led[leading{number, to}]; ok && s[0].Time <= at {
		return true, true
	}
	first, ok := n.whole[kind{number, to.Is6()}]
	return false, ok && first <= at
}

// Of returns the names whose answers led to an address up to a time, latest first,
// at most 4.
func (n *Names) Of(to netip.Addr, at int64) (names []string) {
	if n == nil || n.nameIndex == nil {
		return nil
	}
	for _, t := range slices.Backward(until(n.of[to], at)) {
		if name := n.name(t.n); !slices.Contains(names, name) {
			names = append(names, name)
		}
		if len(names) == maxNamesOf {
			break
		}
	}
	return names
}
