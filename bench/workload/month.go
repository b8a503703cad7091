package workload

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// MonthVersion is raised when the same MonthSpec begins to make other bytes.
const MonthVersion = 1

// A MonthSpec says which month of one gateway to make.
type MonthSpec struct {
	Seed    uint64 `json:"seed"`
	Devices int64  `json:"devices"` // 1,500 attempts each in 30 days, about
	Servers int64  `json:"servers"`
	Files   int    `json:"files"` // into which the capture is rotated
	Days    int64  `json:"days"`
}

// Month returns the month of 2,000 devices with 3 million attempts, or a share of
// it: fewer devices and servers, but as many days and files.
func Month(seed uint64, scale float64) MonthSpec {
	return MonthSpec{
		Seed: seed, Devices: max(20, int64(2000*scale)), Servers: max(2, int64(40*scale)),
		Files: 200, Days: 30,
	}
}

const (
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

// A month is the capture of a gateway in the making: devices that open
// WebSockets and lose them again, and what befalls their servers.
type month struct {
	*generator
	spec        MonthSpec
	end         int64
	truth       *MonthTruth
	outages     []span
	disconnects []disconnect
}

// A span is when a server fails for all.
type span struct{ server, from, to int64 }

// A disconnect is when a server ends all its connections, within a second.
type disconnect struct {
	server, at int64
	truth      *MassDisconnect
}

// GenerateMonth writes the month that the spec describes into files of a
// directory, month-0001.pcap and so on, and what is in them into
// month.truth.json. Captures of another month there are removed.
func GenerateMonth(dir string, spec MonthSpec) (*MonthTruth, error) {
	if spec.Devices < 1 || spec.Servers < 1 || spec.Files < 1 || spec.Days < 1 {
		return nil, fmt.Errorf("a month of %+v makes no sense", spec)
	}
	if err := clearMonth(dir); err != nil {
		return nil, err
	}
	m := &month{
		generator: newGenerator(io.Discard, Spec{Kind: "month", Seed: spec.Seed}),
		spec:      spec, end: startTime + spec.Days*day, truth: newMonthTruth(spec),
	}
	r := &rotation{dir: dir, every: spec.Days * day / int64(spec.Files), left: spec.Files}
	m.add(0, r)
	m.planServers()
	m.planDevices()
	m.run()
	if r.err != nil {
		return nil, r.err
	}
	m.truth.Packets, m.truth.Bytes, m.truth.Connections = r.packets, r.bytes, int64(m.conns)
	return m.truth, m.truth.write(dir)
}

func clearMonth(dir string) error {
	old, err := filepath.Glob(filepath.Join(dir, "month-*.pcap"))
	for _, name := range append([]string{MonthTruthFile(dir)}, old...) {
		if err == nil {
			err = os.RemoveAll(name)
		}
	}
	return err
}

// planServers decides when servers fail or lose their connections.
func (m *month) planServers() {
	for i := range (m.spec.Servers + 9) / 10 {
		from := m.within(10, 90)
		m.outages = append(m.outages, span{i * 10, from, from + hour})
	}
	for i := range int64(2) {
		d := disconnect{(3 + 4*i) % m.spec.Servers, m.within(30+30*i, 50+30*i), new(MassDisconnect)}
		*d.truth = MassDisconnect{Server: monthServer(d.server).Addr(), At: moment(d.at)}
		m.disconnects = append(m.disconnects, d)
		m.truth.Disconnects = append(m.truth.Disconnects, d.truth)
	}
}

// within is a time between two percentages of the month.
func (m *month) within(from, to int64) int64 {
	whole := m.end - startTime
	return startTime + m.between(whole*from/100, whole*to/100)
}

// planDevices lets the devices come up within half an hour.
func (m *month) planDevices() {
	n := int(m.spec.Devices)
	rhythms, fates := m.rng.Perm(n), m.rng.Perm(n)
	for i := range n {
		d := m.newDevice(int64(i), rhythms[i], fates[i])
		m.truth.Devices = append(m.truth.Devices, d.truth)
		m.add(m.between(0, 30*minute), d)
	}
}

// fails reports whether a server fails for all.
func (m *month) fails(server, at int64) bool {
	for _, o := range m.outages {
		if o.server == server && o.from <= at && at < o.to {
			return true
		}
	}
	return false
}

// disconnectBefore returns what ends all connections of a server before a time,
// nil if nothing does. What was opened in the second before it is spared.
func (m *month) disconnectBefore(server, end int64) *disconnect {
	for i := range m.disconnects {
		d := &m.disconnects[i]
		if d.server == server && m.now+second < d.at && d.at <= end {
			return d
		}
	}
	return nil
}

// A rotation writes the capture into one file after the other.
type rotation struct {
	dir            string
	every          int64
	n, left        int
	file           *os.File
	packets, bytes int64
	err            error
}

// step implements task.
func (r *rotation) step(g *generator) (int64, bool) {
	r.close(g.out)
	if r.left == 0 || r.err != nil {
		return 0, false
	}
	r.n++
	r.left--
	r.file, r.err = os.Create(filepath.Join(r.dir, fmt.Sprintf("month-%04d.pcap", r.n)))
	g.out = newCaptureFile(r.file, false)
	return r.every, true
}

func (r *rotation) close(out *captureFile) {
	if r.file == nil {
		return
	}
	err := out.flush()
	if closed := r.file.Close(); err == nil {
		err = closed
	}
	if r.err == nil {
		r.err = err
	}
	r.packets += out.packets
	r.bytes += out.bytes
}

// moment is a capture time as a truth has it.
func moment(at int64) time.Time { return time.UnixMicro(at).UTC() }
