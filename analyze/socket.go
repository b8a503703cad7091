package analyze

import "github.com/wssniff/wssniff/reassembly/flow"

// A socket is an upgraded connection on which frames were seen. It holds nothing
// that the garbage collector would have to look through: there may be a million
// at once. As long as an upgraded connection is silent, it needs none.
type socket struct {
	dirs      [2]frames
	latest    int64    // time of the last bytes that were looked at
	entry     uint32   // of the attempt in Analyzer.entries; 0: it is not listed
	client    flow.Dir // the direction in which the client sends
	forgotten bool     // the reassembler dropped the connection
	strays    [2]stray // by the direction
	close     closeNote
	stamps    [2]frameStamps
	_         [16]byte // to fill the line, so that each walk has one of its own
}

// A frameStamps says where frames of one direction were seen.
type frameStamps struct {
	first  flow.Stamp // the first bytes
	header flow.Stamp // the first byte of the header that came last, if it was looked at byte by byte
}

// A closeNote is the first Close frame of a connection.
type closeNote struct {
	at     flow.Stamp
	reason place // in the journal, behind its length
	code   int32 // -1: it has none
	by     Side
}

// side is the end that sends in a direction.
func (w *socket) side(dir flow.Dir) Side {
	if dir == w.client {
		return Client
	}
	return Server
}

// strayAt says where a stray was seen; zero: nowhere.
func (w *socket) strayAt(dir flow.Dir, what stray) (at flow.Stamp) {
	if w.strays[dir] == what {
		at = w.stamps[dir].header
	}
	return at
}

// chunk takes the next bytes of one direction of a socket.
func (s *sockets) chunk(a *Analyzer, c *flow.Chunk, number uint32) flow.Want {
	w := s.at(number)
	f := &w.dirs[c.Dir]
	if f.asked {
		f.left, f.asked = 0, false
	}
	if c.Lost != 0 {
		f.lost()
	}
	if len(c.Data) > 0 {
		w.latest = c.Stamp.Time
	}
	for b := c.Data; len(b) > 0; {
		b = b[w.take(a, number, c.Dir, b, c.Stamp):]
	}
	if c.End == flow.Evicted {
		w.forgotten = true
	}
	return f.want()
}

// A sockets is where the sockets are kept, by number.
type sockets struct {
	pages [][]socket
	spare []uint32
	used  uint32
}

const socketPage = 256

func (s *sockets) at(n uint32) *socket { return &s.pages[n/socketPage][n%socketPage] }

// get returns a fresh socket and its number.
func (s *sockets) get() (*socket, uint32) {
	if n := len(s.spare); n > 0 {
		i := s.spare[n-1]
		s.spare = s.spare[:n-1]
		return s.at(i), i
	}
	if s.used%socketPage == 0 {
		s.pages = append(s.pages, make([]socket, socketPage))
	}
	s.used++
	return s.at(s.used - 1), s.used - 1
}

// put takes a socket back.
func (s *sockets) put(n uint32) {
	*s.at(n) = socket{}
	s.spare = append(s.spare, n)
}

// closeSocket ends the WebSocket of a connection.
func (a *Analyzer) closeSocket(number uint32, e *flow.Evidence) {
	a.keepEnding(a.sockets.at(number), e)
	a.sockets.put(number)
	for _, d := range a.elders[number] {
		a.seal(d, e, nil)
	}
	a.listUpgrades(a.outlived[number], e)
	delete(a.elders, number)
	delete(a.outlived, number)
	for dir := range flow.Dir(2) {
		delete(a.payloads, payloadOf{number, dir})
	}
}
