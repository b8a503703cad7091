package capture

import "container/heap"

// probeBuffer is the size of the buffer that the first packet of a file is
// read through when only its time is wanted.
const probeBuffer = 4 << 10

// newProbing is for a look at how files begin: with small buffers, no leave to read
// ahead, and interfaces of its own.
func newProbing(maxPacket int) *streams {
	return &streams{pool: bufferPool{size: probeBuffer, ahead: maxAhead}, maxPacket: maxPacket}
}

// probe finds out the time of the first packet of each regular file, so that
// the merge need not hold all files open from the start. Whatever goes wrong
// is told when the input is read, which is then at once.
func probe(inputs []*input, maxPacket int) {
	probing := newProbing(maxPacket)
	for _, in := range inputs {
		if in.err != nil || in.src != nil || in.series != nil || !isRegular(in.path) {
			continue
		}
		t, err := probing.file(in.name, in.path)
		if err != nil {
			continue
		}
		var p Packet
		if t.open() == nil && t.records.next(&p) == nil {
			in.first = p.Time
		}
		t.close()
		probing.ifaces = interfaceTable{}
	}
}

// before tells if the next packet of in goes before a packet of other that
// was captured at the given time. At the same time the input that began
// first goes first: what was captured into a row of files comes out in the
// order of the row, however they were named. Then comes the order of naming.
func (in *input) before(other *input, time int64) bool {
	switch t := in.time(); {
	case t != time:
		return t < time
	case in.first != other.first:
		return in.first < other.first
	}
	return in.order < other.order
}

// A queue holds the inputs that wait for their turn, the next one in front.
type queue []*input

func (q *queue) push(in *input) { heap.Push((*byTime)(q), in) }
func (q *queue) pop() *input    { return heap.Pop((*byTime)(q)).(*input) }

// byTime is a queue as container/heap wants to see it.
type byTime queue

func (q byTime) Len() int           { return len(q) }
func (q byTime) Less(i, j int) bool { return q[i].before(q[j], q[j].time()) }
func (q byTime) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *byTime) Push(x any)        { *q = append(*q, x.(*input)) }
func (q *byTime) Pop() any {
	last := len(*q) - 1
	in := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return in
}
