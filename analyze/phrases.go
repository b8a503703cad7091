package analyze

import "hash/maphash"

// Phrases are texts that heads of messages have in common. A text is taken up
// when it comes the second time: what comes once only, such as a path with a
// ticket in it, must not fill the room.
type phrases struct {
	seed  maphash.Seed
	texts [][]byte // by number, less one
	slots []phrase // a power of two, at most half full
	once  []uint32 // hashes of texts that came lately, by their low bits
	bytes int      // in texts

	fields int      // in shapes
	shapes []*shape // of heads that are a text behind their start line, by number, less one; nil: not known
}

type phrase struct {
	hash uint32
	n    uint32 // number of the text; 0: free
}

const (
	maxPhrases     = 1 << 15 // texts
	maxPhraseBytes = 4 << 20 // of all of them
	maxShapeFields = 1 << 18 // of all shapes
	onceSlots      = 1 << 13
)

// number returns the number of a text, or 0 if it has none yet.
func (p *phrases) number(text []byte) uint32 {
	if p.slots == nil {
		p.seed, p.slots, p.once = maphash.MakeSeed(), make([]phrase, 256), make([]uint32, onceSlots)
	}
	hash := uint32(maphash.Bytes(p.seed, text)) | 1
	mask := uint32(len(p.slots) - 1)
	i := hash & mask
	for ; p.slots[i].n != 0; i = (i + 1) & mask {
		if s := p.slots[i]; s.hash == hash && string(p.texts[s.n-1]) == string(text) {
			return s.n
		}
	}
	if before := &p.once[(hash>>1)%onceSlots]; *before != hash {
		*before = hash
		return 0
	}
	return p.take(text, hash)
}

// take gives a text a number, if there is room.
func (p *phrases) take(text []byte, hash uint32) uint32 {
	if len(p.texts) >= maxPhrases || p.bytes+len(text) > maxPhraseBytes {
		return 0
	}
	if 2*len(p.texts) >= len(p.slots) {
		p.grow()
	}
	p.bytes += len(text)
	p.texts = append(p.texts, append([]byte(nil), text...))
	n := uint32(len(p.texts))
	p.place(phrase{hash, n})
	return n
}

func (p *phrases) grow() {
	old := p.slots
	p.slots = make([]phrase, 2*len(old))
	for _, s := range old {
		if s.n != 0 {
			p.place(s)
		}
	}
}

func (p *phrases) place(s phrase) {
	mask := uint32(len(p.slots) - 1)
	i := s.hash & mask
	for p.slots[i].n != 0 {
		i = (i + 1) & mask
	}
	p.slots[i] = s
}

// text returns the text of a number that number returned.
func (p *phrases) text(n uint32) []byte { return p.texts[n-1] }

// shape returns the shape of heads that are this text behind their start line,
// nil if it is not known.
func (p *phrases) shape(n uint32) *shape {
	if int(n) > len(p.shapes) {
		return nil
	}
	return p.shapes[n-1]
}

// setShape keeps a shape, if there is room.
func (p *phrases) setShape(n uint32, s *shape) {
	if s == nil || p.fields+len(s.fields) > maxShapeFields {
		return
	}
	p.fields += len(s.fields)
	for int(n) > len(p.shapes) {
		p.shapes = append(p.shapes, make([]*shape, len(p.texts)-len(p.shapes))...)
	}
	p.shapes[n-1] = s
}
