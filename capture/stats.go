package capture

import "slices"

// maxInterfaces is how many interfaces a pcapng section, and the statistics
// over all inputs, may list. Each costs some memory, and only 20 bytes of a
// file.
const maxInterfaces = 1 << 16

// maxInterfaceName bounds what is kept of an interface's name, in bytes.
const maxInterfaceName = 256

// An Interface is where packets were captured, as a file describes it.
type Interface struct {
	Name    string   // if_name of pcapng, at most 256 bytes, any bytes; "" if unknown
	Link    LinkType // how its packets begin
	SnapLen int      // bytes kept of a packet; 0 if unlimited
	Drops   int64    // packets lost by the capturing system; -1 if the file does not tell
}

// Stats tells what has been read so far.
type Stats struct {
	Packets    int64       // delivered
	Bytes      int64       // of their Data
	Cut        int64       // packets shorter than they were on the wire
	Drops      int64       // sum over Interfaces of those known; -1 if none is
	Inputs     int         // captures opened
	Damaged    int         // inputs that could not be read to their end, or not at all
	Read       int64       // bytes read of the inputs as they are stored, but for what was only read ahead
	Size       int64       // bytes of all inputs as they are stored; -1 if one of them is a pipe
	Interfaces []Interface // Packet.Iface is an index; at most 65536 are listed
}

// An interfaceTable numbers the interfaces of all inputs.
type interfaceTable struct {
	list []Interface
	n    int // may be greater than len(list)
}

func (t *interfaceTable) add(i Interface) int {
	if len(t.list) < maxInterfaces {
		t.list = append(t.list, i)
	}
	t.n++
	return t.n - 1
}

// named is the number of the interface with the name of i, which is i if there is
// none yet.
func (t *interfaceTable) named(i Interface) int {
	if n := slices.IndexFunc(t.list, func(known Interface) bool { return known.Name == i.Name }); n >= 0 {
		return n
	}
	return t.add(i)
}

// lost notes that at least n packets of interface i were dropped. Statistics
// blocks count from the start of the capture, each includes those before.
func (t *interfaceTable) lost(i int, n uint64) {
	if i < len(t.list) {
		t.list[i].Drops = max(t.list[i].Drops, int64(min(n, 1<<62)))
	}
}

// drops sums over all interfaces that tell.
func (t *interfaceTable) drops() int64 {
	sum := int64(-1)
	for _, i := range t.list {
		if i.Drops >= 0 {
			sum = saturatingAdd(max(sum, 0), i.Drops)
		}
	}
	return sum
}
