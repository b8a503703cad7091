package analyze

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/wssniff/wssniff/internal/tlswire"
)

// A Change is a failure right after a success of the same client with the same
// host and path, and what was different. A WebSocket that the client drops at once
// is a failure here.
type Change struct {
	Good, Bad   int // numbers of the attempts
	GoodAt      int64
	BadAt       int64
	Verdict     Verdict // of the failure
	Differences []Difference
}

// A Difference is something that was not the same in two attempts, or on two
// sides of a proxy.
type Difference struct {
	Kind          DifferenceKind
	What          string // in words; "request field" and "response field" if Field is set
	Field         string // name of a header field; "" if it is none
	Before, After string // "" if it was not there
}

// ThroughProxy is the Difference of the targets of CONNECT, which may hold a
// password.
const ThroughProxy = "proxy"

// A DifferenceKind says what became of something.
type DifferenceKind uint8

const (
	Changed DifferenceKind = iota
	Added
	Removed
	Renamed // the field's name is written in another way
)

var differenceNames = [...]string{"changed", "added", "removed", "renamed"}

func (k DifferenceKind) String() string { return differenceNames[k] }

// A comparison collects the differences of two attempts.
type comparison struct {
	good, bad *Attempt
	list      []Difference
}

// compare tells what was different in a failed attempt, compared with one before
// that opened a WebSocket.
func compare(good, bad *Attempt, names *Names) []Difference {
	c := comparison{good: good, bad: bad}
	c.text("server", good.Server().String(), bad.Server().String())
	c.resolved(names)
	c.text(ThroughProxy, good.Tunnel, bad.Tunnel)
	c.text("use of the connection", useOf(good), useOf(bad))
	if good.TLS != nil && bad.TLS != nil {
		c.tls(good.TLS, bad.TLS)
	}
	c.heads("request", good.Request, bad.Request)
	c.text("status", statusOf(good), statusOf(bad))
	c.size("request head", good.Request, bad.Request)
	if good.status() == bad.status() {
		c.heads("response", good.Response, bad.Response)
		c.size("response head", good.Response, bad.Response)
	} else {
		c.origin()
	}
	c.duration("time to connect", connectTime, 20*time.Millisecond)
	c.duration("time to the answer", (*Attempt).Waited, 100*time.Millisecond)
	c.duration("time to the ServerHello", helloTime, 100*time.Millisecond)
	c.retransmissions()
	c.findings()
	return c.list
}

func (c *comparison) text(what, before, after string) {
	if before != after {
		c.add(Changed, what, before, after)
	}
}

func (c *comparison) add(kind DifferenceKind, what, before, after string) {
	c.list = append(c.list, Difference{Kind: kind, What: what, Before: before, After: after})
}

// resolved compares what the client knew of the host's addresses.
func (c *comparison) resolved(names *Names) {
	known := func(t *Attempt) string {
		u := t.URL()
		if u == nil {
			return ""
		}
		l, ok := names.Latest(t.Client().Addr(), strings.ToLower(u.Hostname()), t.Start().Time)
		if !ok || len(l.Addrs) == 0 {
			return ""
		}
		addrs := slices.SortedFunc(slices.Values(l.Addrs), netip.Addr.Compare)
		var text []string
		for _, a := range addrs {
			text = append(text, a.String())
		}
		return fmt.Sprintf("%s is %s", l.Name, strings.Join(text, ", "))
	}
	c.text("DNS answer", known(c.good), known(c.bad))
}

func useOf(t *Attempt) string {
	if t.Request == nil || t.Request.Offset == 0 {
		return "first request"
	}
	return "after other requests"
}

func statusOf(t *Attempt) string {
	switch {
	case t.Response != nil:
		return t.Response.Head.Line
	case t.alien != "":
		return "no HTTP"
	}
	return "no answer"
}

// changing are the fields that are never the same.
var changing = []string{"Sec-WebSocket-Key", "Sec-WebSocket-Accept", "Date", "Age", "Content-Length", "Location"}

// heads compares two heads.
func (c *comparison) heads(side string, good, bad *Message) {
	if good == nil || bad == nil || !good.Complete || !bad.Complete {
		return
	}
	c.text(side+" line", startOf(good), startOf(bad))
	c.fields(side+" field", good, bad, changing)
	if before, after := namesOf(good), namesOf(bad); lowered(before) != lowered(after) && sameNames(before, after) {
		c.text("order of the "+side+" fields", strings.Join(before, ", "), strings.Join(after, ", "))
	}
}

// fields compares the fields of two heads: their names as written, and values,
// those of some left out.
func (c *comparison) fields(what string, from, to *Message, except []string) {
	add := func(kind DifferenceKind, name, before, after string) {
		c.list = append(c.list, Difference{kind, what, name, before, after})
	}
	before, after := linesOf(from), linesOf(to)
	for _, f := range before.list {
		o := after.named(f.name)
		if o == nil {
			add(Removed, f.name, f.value(), "")
			continue
		}
		if f.value() != o.value() && !slices.ContainsFunc(except, func(s string) bool { return strings.EqualFold(s, f.name) }) {
			add(Changed, f.name, f.value(), o.value())
		}
		if o.name != f.name {
			add(Renamed, f.name, f.name, o.name)
		}
	}
	for _, o := range after.list {
		if before.named(o.name) == nil {
			add(Added, o.name, "", o.value())
		}
	}
}

// origin compares what answers of different status say of who made them. What else
// is different follows from the status.
func (c *comparison) origin() {
	if c.good.Response == nil || c.bad.Response == nil {
		return
	}
	for _, name := range []string{"Server", "Via", "X-Powered-By", "Location", "Retry-After", "WWW-Authenticate", "Proxy-Authenticate"} {
		before, had := c.good.Response.Head.Get(name)
		after, has := c.bad.Response.Head.Get(name)
		switch {
		case had && has && before != after:
			c.list = append(c.list, Difference{Changed, "response field", name, before, after})
		case !had && has:
			c.list = append(c.list, Difference{Added, "response field", name, "", after})
		case had && !has && c.bad.Response.Complete:
			c.list = append(c.list, Difference{Removed, "response field", name, before, ""})
		}
	}
}

// A fieldLine is what a head has of one name.
type fieldLine struct {
	name   string // as it is first written
	values []string
}

// value is that of all fields together, RFC 9110, Section 5.3.
func (f *fieldLine) value() string { return strings.Join(f.values, ", ") }

// FieldLines are the fields of a head, each name once.
type fieldLines struct {
	list  []fieldLine
	index map[string]int // of a name in lower case
}

// linesOf joins the fields of a head. Of Set-Cookie, which cannot be joined, it
// takes the first.
func linesOf(m *Message) (l fieldLines) {
	l.index = map[string]int{}
	for _, f := range m.Head.Fields {
		key := strings.ToLower(f.Name)
		i, ok := l.index[key]
		switch {
		case !ok:
			l.index[key] = len(l.list)
			l.list = append(l.list, fieldLine{f.Name, []string{f.Value}})
		case key != "set-cookie":
			l.list[i].values = append(l.list[i].values, f.Value)
		}
	}
	return l
}

// named returns what there is of a name, nil if there is nothing.
func (l *fieldLines) named(name string) *fieldLine {
	if i, ok := l.index[strings.ToLower(name)]; ok {
		return &l.list[i]
	}
	return nil
}

// startOf returns the request line; the status line is compared apart.
func startOf(m *Message) string {
	if m.Head.Method == "" {
		return ""
	}
	return m.Head.Line
}

func namesOf(m *Message) (names []string) {
	for _, f := range linesOf(m).list {
		names = append(names, f.name)
	}
	return names
}

func lowered(names []string) string { return strings.ToLower(strings.Join(names, "\n")) }

func sameNames(x, y []string) bool {
	sorted := func(names []string) string {
		list := strings.Split(lowered(names), "\n")
		slices.Sort(list)
		return strings.Join(list, "\n")
	}
	return sorted(x) == sorted(y)
}

// size compares the lengths of heads, if they differ by more than a token might.
func (c *comparison) size(what string, good, bad *Message) {
	const enough = 64
	if good == nil || bad == nil || !good.Complete || !bad.Complete {
		return
	}
	x, y := len(good.Head.Raw), len(bad.Head.Raw)
	if max(x-y, y-x) >= enough {
		c.text(what, fmt.Sprintf("%d bytes", x), fmt.Sprintf("%d bytes", y))
	}
}

func connectTime(t *Attempt) (time.Duration, bool) {
	e := t.Conn
	return time.Duration(e.SYNACK.Time - e.SYN.Time), e.SYN.Seen() && e.SYNACK.Seen()
}

func helloTime(t *Attempt) (time.Duration, bool) {
	if t.TLS == nil || !t.TLS.Answered.Seen() {
		return 0, false
	}
	return time.Duration(t.TLS.Answered.Time - t.TLS.Asked.Time), true
}

// duration compares times of which one is at least twice the other, and longer by
// enough.
func (c *comparison) duration(what string, of func(*Attempt) (time.Duration, bool), enough time.Duration) {
	x, ok := of(c.good)
	y, ok2 := of(c.bad)
	if least, most := min(x, y), max(x, y); ok && ok2 && most >= 2*least && most-least >= enough {
		c.text(what, DurationText(x), DurationText(y))
	}
}

// retransmissions compares how often segments were sent again while a connection
// lasted: a long one has more than a short one.
func (c *comparison) retransmissions() {
	const enough = 3
	x, ok := retransmissionsOf(c.good)
	y, ok2 := retransmissionsOf(c.bad)
	if most := max(x.rate(), y.rate()); ok && ok2 && max(x.count, y.count) >= enough && most >= 2*min(x.rate(), y.rate()) {
		c.text("retransmissions", x.String(), y.String())
	}
}

// Retransmissions are the segments of a connection that were sent again, and how
// long it lasted.
type retransmissions struct {
	count int
	in    time.Duration
}

func retransmissionsOf(t *Attempt) (r retransmissions, ok bool) {
	e := t.Conn
	over := max(t.Close.At.Time, t.lastFrame)
	if t.Response != nil {
		over = max(over, t.Response.Done.Time)
	}
	return retransmissions{int(e.Retrans[0] + e.Retrans[1]), time.Duration(over - e.First.Time)}, over >= e.First.Time
}

// rate is how many there were in a second.
func (r retransmissions) rate() float64 { return float64(r.count) / max(r.in.Seconds(), 1) }

func (r retransmissions) String() string { return fmt.Sprintf("%d in %s", r.count, DurationText(r.in)) }

// tls compares what shows of TLS.
func (c *comparison) tls(good, bad *TLS) {
	c.text("server name", good.ServerName, bad.ServerName)
	c.text("ClientHello (JA4)", good.JA4, bad.JA4)
	if good.Answered.Seen() && bad.Answered.Seen() {
		c.text("TLS version", tlswire.VersionName(good.Version), tlswire.VersionName(bad.Version))
		c.text("cipher suite", SuiteName(good.Suite), SuiteName(bad.Suite))
		c.text("ALPN", good.Protocol, bad.Protocol)
	}
	if len(good.Certificates) > 0 && len(bad.Certificates) > 0 {
		c.text("certificate", good.Certificates[0].summary(), bad.Certificates[0].summary())
		c.text("certificates sent", fmt.Sprint(len(good.Certificates)), fmt.Sprint(len(bad.Certificates)))
	}
}

// findings tells which errors and warnings are new, and which are gone.
func (c *comparison) findings() {
	codes := func(t, other *Attempt) string {
		var list []string
		for _, f := range t.Findings {
			if name := f.Code.String(); f.Severity > Note && !other.has(f.Code) && !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
		return strings.Join(list, ", ")
	}
	c.text("findings", codes(c.good, c.bad), codes(c.bad, c.good))
}

// maxChanges bounds the changes of all clients that are looked at.
const maxChanges = 4096

// compareBreaks compares the attempts of the breaks that a client kept.
func (c *History) compareBreaks(at func(i int) *Attempt, names *Names) {
	for _, f := range c.kept {
		good := at(f.good - 1).Clone()
		c.Changes = append(c.Changes, newChange(good, at(f.bad-1), names))
	}
}

func newChange(good, bad *Attempt, names *Names) Change {
	return Change{
		Good: good.Number, Bad: bad.Number, GoodAt: good.Start().Time, BadAt: bad.Start().Time,
		Verdict: bad.Verdict, Differences: compare(good, bad, names),
	}
}

// sort puts the most frequent causes first.
func (c causes) sort() {
	slices.SortStableFunc(c, func(x, y Cause) int { return cmp.Compare(y.Count, x.Count) })
}
