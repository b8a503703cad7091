// Package evidence keeps packets of TCP connections until it is known which of them
// failed, and writes those to pcapng files with comments.
//
// A Keeper holds the first packets of each connection, and the last ones, in a
// bounded arena (arena.go). A Writer writes files: their blocks (block.go), their
// names (names.go), when one ends and the next begins, and what to do when there
// is no room (writer.go).
package evidence

import (
	"github.com/wssniff/wssniff/capture"
)

// Limits bound what a Keeper holds, in bytes with 32 for each packet. The zero
// value of a field means its default.
type Limits struct {
	Memory int // in all; default DefaultMemory, at least MinMemory
	First  int // from the beginning of a connection; default 64 KiB
	Last   int // after that, of its latest packets, of which one is always there; default 16 KiB
	Quiet  int // instead of First and Last, while a connection is quiet (Sight); default 16 KiB
}

const (
	DefaultMemory = 64 << 20
	MinMemory     = 4 << 20
)

// A Keeper decides which packets a Writer gets. It is told of packets as they come,
// and later of connections that failed, or did not. A connection has a number that no
// other one ever has. A Keeper is not for concurrent use.
type Keeper struct {
	w      *Writer
	limits Limits
	arena  *arena
	byConn map[int64]uint32 // of those held, the index in all
	all    []conversation   // 0 is none
	spare  []uint32         // indices that are free
	queues [2]queue         // see evict

	expected  map[int64]bool   // connections that are written at once; nil: see Packet
	comments  map[int][]string // of frames that are to come
	pieces    noted            // fragments of IP packets that wait for others
	datagrams noted
	done      map[int64]bool // of connections that are over, those that were written last
	order     []int64        // the same, the next to be forgotten at oldest
	oldest    int
	room      []byte // for a packet that is read from the arena to be written
	foundRoom []byte // for one that find reads
}

// Noted are the latest of some packets that are found by their frames.
type noted struct {
	list
	at map[int]cursor
}

// A conversation is what is held of a connection.
type conversation struct {
	conn        int64
	first, last list
	prev, next  uint32 // in its queue
	budget      int    // bytes that first may have
	idle        bool   // it is in the queue of those that go first
	failed      bool   // what comes is written, too
	released    bool   // it did not fail: no more is taken
	over        bool   // nothing more comes
}

// A queue is conversations in the order in which they were put there.
type queue struct {
	first, last uint32
	chunks      int // that they take, about
}

// NewKeeper returns a Keeper for a Writer. Nil Limits mean all defaults.
func NewKeeper(w *Writer, l *Limits) *Keeper {
	if l == nil {
		l = &Limits{}
	}
	k := &Keeper{w: w, limits: *l, byConn: map[int64]uint32{}, all: make([]conversation, 1)}
	setDefault(&k.limits.Memory, DefaultMemory)
	setDefault(&k.limits.First, 64<<10)
	setDefault(&k.limits.Last, 16<<10)
	setDefault(&k.limits.Quiet, 16<<10)
	k.limits.Memory = max(k.limits.Memory, MinMemory)
	k.arena = newArena(k.limits.Memory)
	k.pieces.at, k.datagrams.at = map[int]cursor{}, map[int]cursor{}
	k.done = map[int64]bool{}
	return k
}

func setDefault(d *int, v int) {
	if *d <= 0 {
		*d = v
	}
}

// A Sight is what is known of a packet's connection.
type Sight struct {
	Conn  int64
	Parts []int // frames with fragments that the packet completed, see Fragment
	New   bool  // the connection was not told of before
	Idle  bool  // it is rather forgotten than others: nothing but a handshake was seen, or it is quiet
	Quiet bool  // nobody reads its bytes any more, or those of the packet
}

// A Want says which packets of a connection are of use from now on.
type Want uint8

const (
	All  Want = iota // every one
	Ends             // those with Sight.Quiet not set, such as one that closes it
	None             // none
)

// Packet takes a packet of a connection, and keeps nothing of p.
func (k *Keeper) Packet(s *Sight, p *capture.Packet) Want {
	if k.expected != nil {
		return k.pass(s, p)
	}
	i, ok := k.byConn[s.Conn]
	switch {
	case !ok && !s.New:
		return None
	case !ok:
		i = k.begin(s)
	}
	c := &k.all[i]
	if c.released {
		return None
	}
	if c.idle != s.Idle {
		k.dequeue(i)
		c.idle = s.Idle
		k.enqueue(i)
	}
	for _, frame := range s.Parts {
		if part, ok := k.find(&k.pieces, frame); ok {
			k.add(i, s, &part)
		}
	}
	if !k.add(i, s, p) {
		return Ends
	}
	return All
}

// pass writes a packet of a connection that was expected.
func (k *Keeper) pass(s *Sight, p *capture.Packet) Want {
	if _, ok := k.expected[s.Conn]; !ok {
		return None
	}
	for _, frame := range s.Parts {
		if part, ok := k.find(&k.pieces, frame); ok {
			k.write(&part)
		}
	}
	k.write(p)
	return All
}

// write writes a packet with its comments.
func (k *Keeper) write(p *capture.Packet) { k.w.Packet(p, k.comments[p.Num]) }

func (k *Keeper) begin(s *Sight) uint32 {
	i := uint32(len(k.all))
	if n := len(k.spare); n > 0 {
		i, k.spare = k.spare[n-1], k.spare[:n-1]
	} else {
		k.all = append(k.all, conversation{})
	}
	k.all[i] = conversation{conn: s.Conn, idle: s.Idle, budget: k.limits.First}
	k.byConn[s.Conn] = i
	k.enqueue(i)
	return i
}

// add puts a packet where there is room for it, and reports whether there will be
// for the next.
func (k *Keeper) add(i uint32, s *Sight, p *capture.Packet) bool {
	c := &k.all[i]
	switch {
	case s.Quiet && c.first.bytes >= k.limits.Quiet:
		return false
	case c.last.bytes == 0 && c.first.bytes < c.budget:
		k.push(i, &c.first, p)
		return true
	}
	for c.last.bytes > 0 && c.last.bytes+headSize+len(p.Data) > k.limits.Last {
		k.count(c, func() { k.arena.drop(&c.last) })
	}
	k.push(i, &c.last, p)
	return true
}

// push appends a packet to a list of a conversation, for which others go if they
// must.
func (k *Keeper) push(i uint32, l *list, p *capture.Packet) {
	k.makeRoom(needs(p), i)
	k.count(&k.all[i], func() { k.arena.push(l, p) })
}

// count keeps count of what a queue takes while a conversation changes.
func (k *Keeper) count(c *conversation, change func()) {
	q := k.queueOf(c)
	q.chunks -= c.chunks()
	change()
	q.chunks += c.chunks()
}

func (c *conversation) chunks() int { return c.first.chunks() + c.last.chunks() }

// Fragment takes a packet that carries a part of an IP packet, whose connection
// shows when the last part has come.
func (k *Keeper) Fragment(p *capture.Packet) { k.note(&k.pieces, p) }

// Datagram takes a packet that no connection has, but that a verdict may rest on.
func (k *Keeper) Datagram(p *capture.Packet) {
	if _, ok := k.comments[p.Num]; ok {
		k.write(p)
		return
	}
	if k.expected == nil {
		k.note(&k.datagrams, p)
	}
}

// note notes a packet. Each kind has a sixteenth of the memory.
func (k *Keeper) note(n *noted, p *capture.Packet) {
	for n.bytes > 0 && n.bytes+headSize+len(p.Data) > k.limits.Memory/16 {
		var oldest capture.Packet
		c := k.arena.cursor(&n.list)
		c.head(&oldest)
		delete(n.at, oldest.Num)
		k.arena.drop(&n.list)
	}
	k.makeRoom(needs(p), 0)
	n.at[p.Num] = k.arena.end(&n.list, needsBytes(p))
	k.arena.push(&n.list, p)
}

// find returns the packet of a frame, if it is still there. Its Data are valid until
// the next call.
func (k *Keeper) find(n *noted, frame int) (p capture.Packet, ok bool) {
	c, ok := n.at[frame]
	ok = ok && c.next(&p, &k.foundRoom)
	return p, ok
}

// Keep writes what is held of a connection that failed, with comments by frame, and
// then what comes of it, when Keep is called again, the connection is over, or its
// room is needed.
func (k *Keeper) Keep(conn int64, comments map[int][]string) {
	if !k.take(conn, comments) && !k.done[conn] {
		k.w.stats.LostMemory++
	}
}

// KeepToo writes what is held of a connection that a verdict on another one rests
// on.
func (k *Keeper) KeepToo(conn int64) { k.take(conn, nil) }

func (k *Keeper) take(conn int64, comments map[int][]string) bool {
	i, ok := k.byConn[conn]
	if !ok {
		return false
	}
	c := &k.all[i]
	if !c.failed {
		k.w.stats.Conversations++
	}
	c.failed, c.budget = true, k.limits.First
	k.comments = comments
	k.w.Reserve(c.first.bytes + c.last.bytes + reserveForComments)
	k.empty(i)
	k.comments = nil
	if c.over {
		k.finish(i)
	}
	return true
}

// maxWritten is how many connections are remembered that were written and are over.
const maxWritten = 1 << 16

// reserveForComments is what the comments of a conversation, and the descriptions of
// its interfaces, seldom exceed, in bytes.
const reserveForComments = 8 << 10

// finish forgets a conversation that was written and is over, but for that.
func (k *Keeper) finish(i uint32) {
	conn := k.all[i].conn
	if k.done[conn] = true; len(k.order) < maxWritten {
		k.order = append(k.order, conn)
	} else {
		delete(k.done, k.order[k.oldest])
		k.order[k.oldest] = conn
		k.oldest = (k.oldest + 1) % maxWritten
	}
	k.remove(i)
}

// KeepDatagram writes a packet that was given to Datagram, if it is still there.
func (k *Keeper) KeepDatagram(frame int) {
	if p, ok := k.find(&k.datagrams, frame); ok {
		k.w.Packet(&p, nil)
	}
}

// empty writes what is held of a conversation.
func (k *Keeper) empty(i uint32) {
	c := &k.all[i]
	var p capture.Packet
	for _, l := range []*list{&c.first, &c.last} {
		for at := k.arena.cursor(l); at.next(&p, &k.room); {
			k.write(&p)
		}
		k.count(c, func() { k.arena.clear(l) })
	}
}

// Forget drops a connection of which nothing will be said, and reports whether
// none of its packets are of use from now on: they are if it failed before.
func (k *Keeper) Forget(conn int64) bool {
	if k.expected != nil {
		_, ok := k.expected[conn]
		return !ok
	}
	i, ok := k.byConn[conn]
	if ok && k.all[i].failed {
		return false
	}
	if ok {
		k.remove(i)
	}
	return true
}

// Release says that a connection did not fail, and will not. What is held of it stays
// as long as nobody needs its room, as the verdict on another one may rest on it.
func (k *Keeper) Release(conn int64) {
	if i, ok := k.byConn[conn]; ok && !k.all[i].failed {
		k.dequeue(i)
		k.all[i].idle, k.all[i].released = true, true
		k.enqueue(i)
	}
}

// Over says that nothing more comes of a connection.
func (k *Keeper) Over(conn int64) {
	i, ok := k.byConn[conn]
	if !ok {
		return
	}
	c := &k.all[i]
	if c.over = true; c.failed {
		k.empty(i)
		k.finish(i)
	}
}

// Expect says before the first packet which connections are to be written: the keys
// of conns, true for those that failed. They are written whole and at once, in the
// order in which they come, with comments by frame; nothing else is held. A frame
// without comments is one of a datagram.
func (k *Keeper) Expect(conns map[int64]bool, comments map[int][]string) {
	k.expected, k.comments = conns, comments
	k.w.stats.Conversations = len(conns)
}

// Close writes what is left of connections that failed. The Writer stays open.
func (k *Keeper) Close() {
	for i := range k.all {
		if k.all[i].failed {
			k.empty(uint32(i))
		}
	}
}

// makeRoom makes so many chunks free, for something that is no other's than one
// conversation's.
func (k *Keeper) makeRoom(chunks int, but uint32) {
	for tries := len(k.all); k.arena.unused < chunks && tries > 0; tries-- {
		if !k.evict(but) {
			return
		}
	}
}

// evict forgets the oldest conversation but one. Those that are idle go first, as
// long as they take more than a quarter of all. One that failed is written, and
// goes on.
func (k *Keeper) evict(but uint32) bool {
	busy, idle := &k.queues[0], &k.queues[1]
	q := idle
	if idle.first == 0 || busy.first != 0 && idle.chunks < k.arena.most/4 {
		q = busy
	}
	i := q.first
	if i == but {
		if i = k.all[i].next; i == 0 {
			if q = other(k, q); q.first == 0 {
				return false
			}
			i = q.first
		}
	}
	if !k.all[i].failed {
		k.remove(i)
		return true
	}
	k.empty(i)
	k.all[i].budget = 0 // of the rest, the end
	k.dequeue(i)
	k.enqueue(i)
	return true
}

func other(k *Keeper, q *queue) *queue {
	if q == &k.queues[0] {
		return &k.queues[1]
	}
	return &k.queues[0]
}

// remove forgets a conversation.
func (k *Keeper) remove(i uint32) {
	c := &k.all[i]
	k.count(c, func() {
		k.arena.clear(&c.first)
		k.arena.clear(&c.last)
	})
	k.dequeue(i)
	delete(k.byConn, c.conn)
	k.all[i] = conversation{}
	k.spare = append(k.spare, i)
}

func (k *Keeper) queueOf(c *conversation) *queue {
	if c.idle {
		return &k.queues[1]
	}
	return &k.queues[0]
}

func (k *Keeper) enqueue(i uint32) {
	c := &k.all[i]
	q := k.queueOf(c)
	c.prev, c.next = q.last, 0
	if q.last == 0 {
		q.first = i
	} else {
		k.all[q.last].next = i
	}
	q.last = i
	q.chunks += c.chunks()
}

func (k *Keeper) dequeue(i uint32) {
	c := &k.all[i]
	q := k.queueOf(c)
	if c.prev == 0 {
		q.first = c.next
	} else {
		k.all[c.prev].next = c.next
	}
	if c.next == 0 {
		q.last = c.prev
	} else {
		k.all[c.next].prev = c.prev
	}
	q.chunks -= c.chunks()
}
