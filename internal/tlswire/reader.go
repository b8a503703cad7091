package tlswire

// A reader takes numbers and vectors from the front of b. When b has too few
// bytes it is short from then on, and everything read is zero or empty.
type reader struct {
	b     []byte
	short bool
}

// onlyVector reads data that is one vector; what it returns is short if that
// does not fill the data.
func onlyVector(data []byte, size int) reader {
	r := reader{b: data}
	v := r.vector(size)
	return reader{b: v, short: r.short || len(r.b) > 0}
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.b, r.short = nil, true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// uint reads a number of so many bytes.
func (r *reader) uint(size int) (n int) {
	for _, c := range r.take(size) {
		n = n<<8 | int(c)
	}
	return n
}

// vector reads a vector whose length is a number of so many bytes, RFC 8446,
// Section 3.4.
func (r *reader) vector(size int) []byte { return r.take(r.uint(size)) }

// numbers reads a vector of numbers of two bytes, at most max of them.
func (r *reader) numbers(size, max int) []uint16 {
	v := reader{b: r.vector(size)}
	if len(v.b) < 2 {
		r.short = r.short || len(v.b) > 0
		return nil
	}
	list := make([]uint16, 0, min(len(v.b)/2, max))
	for len(v.b) > 0 {
		if n := uint16(v.uint(2)); len(list) < max {
			list = append(list, n)
		}
	}
	r.short = r.short || v.short
	return list
}
