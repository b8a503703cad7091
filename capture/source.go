package capture

import (
	"context"
	"errors"
	"io"
)

// DefaultMaxPacket is the size of the largest packet accepted, in bytes: the
// largest snap length that tcpdump and Wireshark know.
const DefaultMaxPacket = 262144

// A Config says how to read. A nil Config means the defaults.
type Config struct {
	Stdin     io.Reader // what "-" reads; nil: os.Stdin
	MaxPacket int       // bytes of the largest packet accepted; a larger one is Damage; 0: DefaultMaxPacket

	// Secrets is called by Next with each key log of TLS in the captures, before
	// the packets that follow it. It must not keep the bytes. Nil: they are skipped.
	Secrets func(log []byte)

	// For names of pcap-over-IP: when Context is done they are at their end, nil
	// is never; Tell, unless nil, is given one line when a connection is lost, and
	// one when there is another.
	Context context.Context
	Tell    func(string)
}

// A Source delivers the packets of several inputs as one capture, merged by
// time. It is not for concurrent use.
type Source struct {
	maxPacket int
	secrets   func([]byte)
	cur       *input // the input last read from; nil: choose one
	waiting   queue  // all others that have more to give
	alone     walker // of cur once nothing is waiting; nil: not yet
	pool      bufferPool
	ifaces    interfaceTable
	stats     Stats
	num       int // frame numbers given out
}

// Open prepares to read the captures in names: files, directories, which
// stand for all captures in them but not for those in directories below, "-"
// for standard input, and "TCP@host:port" for what comes over a connection there
// (pcap-over-IP), and over the next one when that is lost. Formats are recognised by content: pcap, pcapng,
// each also compressed by gzip, zstd or lz4.
//
// It fails only if there is no name. Of an input that is missing or is no
// capture Next tells, so that all others are read nevertheless.
func Open(names []string, cfg *Config) (*Source, error) {
	if len(names) == 0 {
		return nil, errors.New("no capture file named")
	}
	if cfg == nil {
		cfg = new(Config)
	}
	s := &Source{maxPacket: cfg.MaxPacket, secrets: cfg.Secrets, pool: bufferPool{size: bufferSize}}
	if s.maxPacket <= 0 {
		s.maxPacket = DefaultMaxPacket
	}
	inputs := expand(names, cfg)
	s.measure(inputs)
	if len(inputs) > 1 {
		probe(inputs, s.maxPacket)
	}
	for _, in := range inputs {
		s.waiting.push(in)
	}
	return s, nil
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
// goes first, then the one named first.
//
// It returns io.EOF when all inputs are at their end, and a *Damage for each
// input that cannot be read, or not to its end; the calls after that go on
// with the other inputs.
func (s *Source) Next(p *Packet) error {
	// All but a few calls end here: nothing to merge, nothing to read.
	if s.alone != nil && s.alone.buffered(p) {
		s.count(p)
		return nil
	}
	return s.next(p)
}

func (s *Source) next(p *Packet) error {
	for s.cur != nil || s.choose() {
		in := s.cur
		if err := s.read(in, p); err != nil {
			again := in.remote != nil && in.stream != nil && in.remote.lost(in.stream, &err)
			s.finish(in)
			switch {
			case again:
				s.cur = in
				continue
			case err == io.EOF:
				continue
			}
			s.stats.Damaged++
			return err
		}
		if len(s.waiting) == 0 {
			s.alone = in.stream.records
		} else if s.waiting[0].before(in, p.Time) {
			in.head, in.held = *p, true
			s.waiting.push(in)
			s.cur = nil
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

// read gets the next packet of one input.
func (s *Source) read(in *input, p *Packet) error {
	if in.held {
		*p, in.held = in.head, false
		return nil
	}
	if in.stream == nil {
		if err := s.open(in); err != nil {
			return err
		}
	}
	t := in.stream
	before := t.frames
	if err := t.records.next(p); err != nil {
		return err
	}
	// Records without a packet take their frame numbers when they are passed.
	s.num += t.frames - before - 1
	if in.first == unknownTime {
		in.first = p.Time
	}
	return nil
}

// open opens an input whose turn has come.
func (s *Source) open(in *input) (err error) {
	switch {
	case in.err != nil:
		return unreadable(in.name, in.err)
	case in.remote != nil:
		again := in.remote.worked
		if in.stream, err = in.remote.open(&s.pool, &s.ifaces, s.maxPacket); again {
			return err
		}
	case in.src != nil:
		in.stream = &stream{name: in.name, max: s.maxPacket, table: &s.ifaces}
		err = in.stream.open(in.src, &s.pool)
	default:
		in.stream, err = openFile(in.name, in.path, &s.pool, &s.ifaces, s.maxPacket)
	}
	if err == nil {
		in.stream.tell = s.secrets
		s.stats.Inputs++
	}
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

// Stats tells what has been read so far. Its Interfaces are a copy.
func (s *Source) Stats() Stats {
	st := s.stats
	st.Drops = s.ifaces.drops()
	st.Interfaces = append([]Interface(nil), s.ifaces.list...)
	if s.cur != nil && s.cur.stream != nil {
		st.Read += s.cur.stream.diskBytes()
	}
	for _, in := range s.waiting {
		if in.stream != nil {
			st.Read += in.stream.diskBytes()
		}
	}
	return st
}

// Close closes all inputs but standard input. It waits for nothing: while a
// compressed standard input has a Read under way, that goes on to its end.
func (s *Source) Close() error {
	if s.cur != nil {
		s.finish(s.cur)
	}
	for _, in := range s.waiting {
		s.finish(in)
	}
	s.waiting = nil
	return nil
}
