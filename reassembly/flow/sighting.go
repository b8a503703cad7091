package flow

// A Sighting tells of a packet which connection it belongs to, for whoever keeps
// packets.
type Sighting struct {
	Conn   *Conn // whose Mark may be set; nil: the packet is a fragment that waits for others, and nothing else is valid
	ID     int   // Wireshark's tcp.stream
	Opened bool  // more than a handshake was seen of the connection
	Wanted bool  // its consumer was handed nothing yet, or wants more bytes of one direction at least
	Skips  bool  // the packet brought nothing but bytes that the consumer skips, or acknowledges such
	Closes bool  // it carries a FIN or RST
	Over   bool  // the consumer was told the end
	Parts  []int // frames with the fragments before the packet that it made an IP packet of; nil: it was whole
}
