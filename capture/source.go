package capture

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"time"
)

// DefaultMaxPacket is the size of the largest packet accepted, in bytes: the
// largest snap length that tcpdump and Wireshark know.
const DefaultMaxPacket = 262144

// A Config says how to read. A nil Config means the defaults.
type Config struct {
	Stdin     io.Reader // what "-" reads; nil: os.Stdin
	MaxPacket int       // bytes of the largest packet accepted; a larger one is Damage; 0: DefaultMaxPacket

	// Secrets is called by Next with each key log of TLS in the captures, before
	// the packets that follow it, and with nil before those of a capture that may
	// hold some. It must not keep the bytes. Nil: they are skipped.
	Secrets func(log []byte)

	// Follow reads on where a file ends, as more may be written, and then what
	// takes its place: see Open.
	Follow bool

	// When Context is done, inputs that more may come for are at their end: with
	// Follow all of them, names of pcap-over-IP, and pipes. Nil is never.
	Context context.Context

	// Tell, unless nil, is given one line when a connection is lost, and one when
	// there is another; when a file to be followed is not there yet, and when one
	// was truncated.
	Tell func(string)
}

// A Source delivers the packets of several inputs as one capture, merged by
// time. It is not for concurrent use.
type Source struct {
	streams
	files   []string // Files
	again   bool     // the same
	ctx     context.Context
	asked   time.Time // when ctx was seen to be done
	over    bool      // nothing came since then
	cur     *input    // the input last read from; nil: choose one
	waiting queue     // all others that may have more to give now
	idle    []*input  // those for which nothing has come
	looked  time.Time // when those were looked at
	alone   walker    // of cur once there are no others; nil: not yet
	stats   Stats
	num     int // frame numbers given out
}

// Open prepares to read the captures in names: files, directories, which
// stand for all captures in them but not for those in directories below, "-"
// for standard input, and "TCP@host:port" for what comes over a connection there
// (pcap-over-IP), and over the next one when that is lost. Formats are recognised by content: pcap, pcapng,
// each also compressed by gzip, zstd or lz4.
//
// With Config.Follow a name is a capture that is being written: a file, and the
// next one when another takes its place, by its name or in it; or the files in a
// directory, or those that fit a pattern of filepath.Match, one after the other,
// by the time of their first packet. None needs to be there yet. One that begins
// like another that was read is that one, renamed, copied or compressed.
//
// It fails only if there is no name. Of an input that is missing or is no
// capture Next tells, so that all others are read nevertheless.
func Open(names []string, cfg *Config) (*Source, error) {
	if len(names) == 0 {
		return nil, errors.New("no capture file named")
	}
	c := cfg.withDefaults()
	s := &Source{ctx: c.Context, streams: streams{
		pool: bufferPool{size: bufferSize}, maxPacket: c.MaxPacket, secrets: c.Secrets, wake: make(chan struct{}, 1),
		patience: defaultPatience, listEvery: defaultListEvery,
	}}
	inputs := expand(names, &c, &s.streams)
	s.files, s.again = filesOf(inputs)
	s.measure(inputs)
	if len(inputs) > 1 {
		probe(inputs, s.maxPacket)
	}
	for _, in := range inputs {
		s.waiting.push(in)
	}
	return s, nil
}

// Files returns the files that the inputs are, those of directories by their own
// names, and whether that is all there is: then the capture can be read again.
func (s *Source) Files() (names []string, again bool) { return s.files, s.again }

func (c *Config) withDefaults() Config {
	if c == nil {
		c = new(Config)
	}
	d := *c
	if d.Stdin == nil {
		d.Stdin = os.Stdin
	}
	if d.MaxPacket <= 0 {
		d.MaxPacket = DefaultMaxPacket
	}
	if d.Context == nil {
		d.Context = context.Background()
	}
	if d.Tell == nil {
		d.Tell = func(string) {}
	}
	return d
}

// measure adds up what there is to read.
func (s *Source) measure(inputs []*input) {
	for _, in := range inputs {
		n, ok := in.size()
		if !ok {
			s.stats.Size = -1
			return
		}
		s.stats.Size += n
	}
}

// Next reads the next packet into p. Its Data are valid until the next call.
// Packets come in the order of time over all inputs, those of one input in
// the order in which it has them. At equal times the input that began first
// goes first, then the one named first. An input for which more may come
// does not hold up the others for more than two seconds, but for a pipe.
//
// It returns io.EOF when all inputs are at their end, and a *Damage for each
// input that cannot be read, or not to its end; the calls after that go on
// with the other inputs. Where more may come, it returns ErrIdle now and then
// when nothing does.
func (s *Source) Next(p *Packet) error {
	// All but a few calls end here: nothing to merge, nothing to read.
	if s.alone != nil && s.alone.buffered(p) {
		s.count(p)
		return nil
	}
	return s.next(p)
}

func (s *Source) next(p *Packet) error {
	for s.look(); s.cur != nil || s.choose() || len(s.idle) > 0; {
		if s.cur == nil {
			if !s.wait() {
				return ErrIdle
			}
			continue
		}
		in := s.cur
		if err := s.read(in, p); err != nil {
			if err = s.without(in, err); err != nil {
				return err
			}
			continue
		}
		if len(s.waiting)+len(s.idle) == 0 {
			s.alone = in.stream.records
		} else if len(s.waiting) > 0 && s.waiting[0].before(in, p.Time) {
			s.putBack(in, p)
			continue
		} else if s.early(in) {
			s.putBack(in, p)
			if !s.wait() {
				return ErrIdle
			}
			continue
		}
		s.count(p)
		return nil
	}
	return io.EOF
}

// choose makes the input with the earliest packet the current one.
func (s *Source) choose() bool {
	if len(s.waiting) == 0 {
		return false
	}
	s.cur = s.waiting.pop()
	return true
}

// putBack keeps the packet that was read of the current input until its turn.
func (s *Source) putBack(in *input, p *Packet) {
	in.head, in.held = *p, true
	s.waiting.push(in)
	s.cur = nil
}

// read gets the next packet of one input.
func (s *Source) read(in *input, p *Packet) error {
	if in.held {
		*p, in.held = in.head, false
		return nil
	}
	if in.waits && s.isOver() {
		return io.EOF
	}
	if in.stream == nil || !in.stream.opened {
		if err := s.open(in); err != nil {
			return err
		}
	}
	t := in.stream
	before := t.frames
	err := t.records.next(p)
	// Records without a packet take their frame numbers when they are passed.
	s.num += t.frames - before
	if err != nil {
		return err
	}
	s.num-- // the packet takes its own when it is delivered
	if in.first == unknownTime {
		in.first = p.Time
	}
	s.busy(in)
	return nil
}

// open opens an input whose turn has come.
func (s *Source) open(in *input) (err error) {
	if in.stream == nil {
		if in.stream, err = s.begin(in); err != nil {
			return err
		}
	}
	if err := in.stream.open(); err != nil {
		return err
	}
	if !in.stream.again {
		s.stats.Inputs++
	}
	if in.series != nil {
		in.series.opened(in.stream)
	}
	return nil
}

// begin returns the stream of an input, the next one of several.
func (s *Source) begin(in *input) (*stream, error) {
	switch {
	case in.err != nil:
		return nil, unreadable(in.name, in.err)
	case in.series != nil:
		return in.series.next()
	case in.src != nil && in.waits:
		return s.streams.waiting(in.name, in.src), nil
	case in.src != nil:
		return s.stream(in.name, in.src), nil
	}
	return s.file(in.name, in.path)
}

// without goes on after the current input had no packet. It returns what is to be
// told of it.
func (s *Source) without(in *input, err error) error {
	if err == ErrIdle {
		return s.rest(in)
	}
	again := in.series != nil && in.series.lost(in.stream, &err)
	s.finish(in)
	if again {
		s.cur = in
	}
	if err == io.EOF {
		return nil
	}
	s.stats.Damaged++
	return err
}

// finish closes an input that has no more to give.
func (s *Source) finish(in *input) {
	s.cur, s.alone = nil, nil
	if in.stream == nil {
		return
	}
	s.stats.Read += in.stream.diskBytes()
	in.stream.close()
	in.stream = nil
}

// count numbers a packet that is delivered.
func (s *Source) count(p *Packet) {
	s.num++
	p.Num = s.num
	s.stats.Packets++
	s.stats.Bytes += int64(len(p.Data))
	if p.WireLen > len(p.Data) {
		s.stats.Cut++
	}
}

// Interface describes the interface that a Packet.Iface stands for.
func (s *Source) Interface(i int) Interface { return s.ifaces.at(i) }

// Stats tells what has been read so far. Its Interfaces are a copy.
func (s *Source) Stats() Stats {
	st := s.stats
	st.Drops, st.End = s.ifaces.drops(), s.ifaces.end
	st.Interfaces = append([]Interface(nil), s.ifaces.list...)
	if s.cur != nil && s.cur.stream != nil {
		st.Read += s.cur.stream.diskBytes()
	}
	for _, in := range slices.Concat(s.waiting, s.idle) {
		if in.stream != nil {
			st.Read += in.stream.diskBytes()
		}
	}
	return st
}

// Close closes all inputs but standard input. It waits for nothing: while a
// pipe or a compressed standard input has a Read under way, that goes on to its
// end.
func (s *Source) Close() error {
	if s.cur != nil {
		s.finish(s.cur)
	}
	for _, in := range slices.Concat(s.waiting, s.idle) {
		s.finish(in)
	}
	s.waiting, s.idle = nil, nil
	return nil
}
