package reassembly

// A slab holds many values of one type in pages that never move. A value has an
// index, by which others refer to it without a pointer that the garbage collector
// would have to follow; 0 is the index of none. What is given back is used again.
type slab[T any] struct {
	pages []*[slabPage]T
	next  uint32   // the first index that was never used
	free  []uint32 // given back
}

// slabPage is how many values a page has, a power of two.
const slabPage = 512

// at returns the value of an index. The pointer is good until it is given back.
func (s *slab[T]) at(i uint32) *T { return &s.pages[i/slabPage][i%slabPage] }

// take returns a zero value and its index.
func (s *slab[T]) take() (*T, uint32) {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		return s.at(i), i
	}
	if s.next%slabPage == 0 {
		s.pages = append(s.pages, new([slabPage]T))
		s.next = max(s.next, 1)
	}
	i := s.next
	s.next++
	return s.at(i), i
}

// give takes a value back.
func (s *slab[T]) give(i uint32) {
	var zero T
	*s.at(i) = zero
	s.free = append(s.free, i)
}
