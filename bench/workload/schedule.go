package workload

import "container/heap"

// Durations in microseconds, the unit of capture time.
const (
	microsecond = int64(1)
	millisecond = 1000 * microsecond
	second      = 1000 * millisecond
)

// A task is something that goes on in the capture: a connection, or a source of
// connections.
type task interface {
	// step writes the next packet, or none, and says after how long the task
	// is due again, and whether it goes on at all.
	step(g *generator) (delay int64, more bool)
}

type due struct {
	at   int64
	task task
}

// A dueQueue is a heap of tasks, the one due next first.
type dueQueue []due

func (q dueQueue) Len() int           { return len(q) }
func (q dueQueue) Less(i, j int) bool { return q[i].at < q[j].at }
func (q dueQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *dueQueue) Push(x any)        { *q = append(*q, x.(due)) }
func (q *dueQueue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}

// add lets a task begin after a delay.
func (g *generator) add(delay int64, t task) {
	heap.Push(&g.queue, due{g.now + delay, t})
}

// run lets tasks write packets until none is left or the capture is full.
func (g *generator) run() {
	for len(g.queue) > 0 && !g.full() {
		next := &g.queue[0]
		g.now = max(g.now, next.at)
		delay, more := next.task.step(g)
		if !more {
			heap.Pop(&g.queue)
			continue
		}
		// step may have added tasks, none of which can be due before this one
		// was: it is still the first.
		g.queue[0].at = g.now + delay
		heap.Fix(&g.queue, 0)
	}
}

func (g *generator) full() bool { return g.limit > 0 && g.out.packets >= g.limit }

// An arrival opens connections one after the other.
type arrival struct {
	every int64 // microseconds between two, on average
	open  func() *conn
	more  func() bool
}

func (a *arrival) step(g *generator) (int64, bool) {
	if !a.more() {
		return 0, false
	}
	g.add(0, a.open())
	return g.between(0, 2*a.every), true
}

// arrivals opens n connections, the first at once.
func (g *generator) arrivals(n, every int64, open func(i int64) *conn) {
	i := int64(0)
	g.add(0, &arrival{
		every: every,
		open:  func() *conn { i++; return open(i - 1) },
		more:  func() bool { return i < n },
	})
}
