package analyze

// A journal keeps the packed bytes of attempts. It only grows, and holds nothing
// that the garbage collector would have to look through.
type journal struct {
	pages [][]byte
}

// journalPage is how many bytes a page has at least; an entry lies in one page.
const journalPage = 1 << 20

// A place is where in a journal an entry begins, plus one; 0 is nowhere.
type place uint64

// write keeps a copy of b.
func (j *journal) write(b []byte) place {
	n := len(j.pages) - 1
	if n < 0 || cap(j.pages[n])-len(j.pages[n]) < len(b) {
		j.pages = append(j.pages, make([]byte, 0, max(journalPage, len(b))))
		n++
	}
	page := j.pages[n]
	j.pages[n] = append(page, b...)
	return place(n)*journalPage + place(len(page)) + 1
}

// reason returns that of a Close frame, which lies behind its length; nil if there
// is none.
func (j *journal) reason(p place) []byte {
	if p == 0 {
		return nil
	}
	b := j.at(p)
	return b[1 : 1+b[0]]
}

// page returns the index of its page.
func (p place) page() int { return int((p - 1) / journalPage) }

// at returns the bytes from a place on, those of later entries included. They
// must not be changed.
func (j *journal) at(p place) []byte {
	p--
	return j.pages[p/journalPage][p%journalPage:]
}
