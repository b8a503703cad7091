package analyze

import "github.com/wssniff/wssniff/reassembly/flow"

// A webSocket takes the place of a stream once the connection is upgraded:
// nothing but frames is left to follow, in as little memory as that needs.
type webSocket struct {
	dirs      [2]frames
	forgotten bool // the reassembler dropped the connection
}

// opened hands the connection over from s, which has read the bytes of c.
func (s *stream) opened(c *flow.Chunk) flow.Want {
	s.refuseChallenged()
	w := &webSocket{forgotten: s.forgotten}
	for dir := range w.dirs {
		p := &s.dirs[dir]
		w.dirs[dir] = *p.frames
		w.dirs[dir].pos, w.dirs[dir].ended = p.pos, s.ended[dir]
	}
	s.conn.State = w
	w.end(c)
	return w.dirs[c.Dir].want()
}

// chunk takes the next bytes of one direction.
func (w *webSocket) chunk(c *flow.Chunk) flow.Want {
	f := &w.dirs[c.Dir]
	f.skip(c.Offset - max(c.Lost, 0) - f.pos)
	f.pos = c.Offset + int64(len(c.Data))
	if c.Lost != 0 {
		f.lost()
	}
	for b := c.Data; len(b) > 0; {
		b = b[f.take(b, c.Stamp):]
	}
	w.end(c)
	return f.want()
}

// end closes the books if the chunk is the last.
func (w *webSocket) end(c *flow.Chunk) {
	if c.End == flow.Open {
		return
	}
	w.dirs[c.Dir].ended = true
	w.forgotten = w.forgotten || c.End == flow.Evicted
	if !w.dirs[0].ended || !w.dirs[1].ended {
		return
	}
	for dir := range w.dirs {
		f := &w.dirs[dir]
		f.attempt.Frames[f.side-1], f.attempt.firstBytes[f.side-1] = f.count, f.first
		f.attempt.forgotten = w.forgotten
	}
}
