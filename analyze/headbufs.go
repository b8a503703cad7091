package analyze

// A headBufs keeps a few buffers of heads that came in several segments, for those
// that come next.
type headBufs struct{ spare [][]byte }

const (
	maxHeadBufs = 64
	maxHeadBuf  = 4096 // bytes of one that is kept
)

// get returns an empty buffer.
func (h *headBufs) get() []byte {
	n := len(h.spare)
	if n == 0 {
		return nil
	}
	b := h.spare[n-1]
	h.spare = h.spare[:n-1]
	return b
}

// put takes back a buffer that nobody reads any more.
func (h *headBufs) put(b []byte) {
	if cap(b) > 0 && cap(b) <= maxHeadBuf && len(h.spare) < maxHeadBufs {
		h.spare = append(h.spare, b[:0])
	}
}
