package analyze

// An entry is an attempt in the list of all.
type entry struct {
	at    place  // in the journal: of its ending, and before the connection is over of its exchange; with the flags below
	print uint64 // of its key, see draft.print
}

// Flags in entry.at tell which attempts may have to do with others.
const (
	wrongAccept place = 1 << 63 // its Accept, if there is one, is not what its key demands
	moved       place = 1 << 62 // the answer is a redirect
	tunnelled   place = 1 << 61 // it went through a tunnel
	placeMask         = tunnelled - 1
)

func (e *entry) set(at place, d *draft) {
	switch {
	case d.h2 != nil: // there is no Accept, and a redirect is a refusal
	case d.answered && d.status == 101 && d.keyed && !d.right:
		at |= wrongAccept
	case d.answered && 300 <= d.status && d.status <= 399:
		at |= moved
	}
	if d.tunnel != "" {
		at |= tunnelled
	}
	e.at, e.print = at, d.print()
}

// Entries is the list of attempts in the order in which they were begun. Numbers
// begin with 1.
type entries struct {
	pages [][]entry
	n     int
}

const entryPage = 1 << 12

// add appends an empty entry and returns its number.
func (l *entries) add() uint32 {
	if l.n%entryPage == 0 {
		l.pages = append(l.pages, make([]entry, entryPage))
	}
	l.n++
	return uint32(l.n)
}

func (l *entries) at(number uint32) *entry {
	i := number - 1
	return &l.pages[i/entryPage][i%entryPage]
}
