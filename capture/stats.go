package capture

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
	End        int64       // when the latest of the captures ended, in nanoseconds since 1970; 0: no statistics tell

	// Live only, else 0:

	Ring     int64 // bytes of the ring in which the kernel leaves packets
	RingHigh int64 // of them, those in the blocks that waited to be read at once, at most
	Away     bool  // the interface is down or gone, and waited for
}

// count counts a packet that is delivered live, and numbers it.
func (st *Stats) count(p *Packet) {
	st.Packets++
	p.Num = int(st.Packets)
	st.Bytes += int64(len(p.Data))
	st.Read += int64(len(p.Data))
	if p.WireLen > len(p.Data) {
		st.Cut++
	}
}

// An interfaceTable numbers the interfaces of all inputs.
type interfaceTable struct {
	list []Interface
	n    int   // may be greater than len(list)
	end  int64 // Stats.End
}

func (t *interfaceTable) add(i Interface) int {
	if len(t.list) < maxInterfaces {
		t.list = append(t.list, i)
	}
	t.n++
	return t.n - 1
}

// at returns an interface by its number; without a name if it is not listed.
func (t *interfaceTable) at(i int) Interface {
	if i < 0 || i >= len(t.list) {
		return Interface{Drops: -1}
	}
	return t.list[i]
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
