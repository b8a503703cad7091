package analyze

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sort"
	"time"
)

// An Incident is something that several attempts show together, about a server
// or a client. Its Frame is one where to look.
type Incident struct {
	Finding
	From, To int64          // times of the first and the last that belongs to it
	Server   netip.AddrPort // the zero value: it is about several
	Client   netip.Addr     // the zero value: the same
	Attempts int            // that belong to it; of tls-mitm-suspected, TLS connections, listed or not
	Clients  int            // of those
}

// Span is how long it took.
func (i *Incident) Span() time.Duration { return time.Duration(i.To - i.From) }

const (
	massEnds   = 5 // so many at least, and half of those that are open
	massWithin = 2 * time.Second
	backWithin = 30 * time.Second
)

// outage makes an incident of a streak of failures.
func (s *service) outage(k *streak, lasting bool) Incident {
	i := Incident{
		Finding: newFinding(ServerFailsForAll, NoSide, k.frame, "", "", ""),
		From:    k.first, To: k.last, Server: s.addr, Attempts: k.attempts, Clients: len(k.clients),
	}
	i.Got = fmt.Sprintf("%d attempts of %d clients in a row", k.attempts, len(k.clients))
	if len(k.clients) == maxGroup {
		i.Got = fmt.Sprintf("%d attempts of %d clients or more in a row", k.attempts, len(k.clients))
	}
	k.codes.sort()
	if len(k.codes) > 0 {
		i.Got += ", mostly " + k.codes[0].Code.String()
	}
	if i.Want = "success again after it"; lasting {
		i.Want = "no success after it"
		if s.opened == 0 {
			i.Want = "no success at all"
		}
	}
	return i
}

// incidents returns what happened to a server.
func (s *service) incidents() []Incident {
	s.massEnds(neverEnded - 1)
	list := s.found
	if s.streak.isOutage() || s.opened == 0 && len(s.streak.clients) > 1 {
		list = append(list, s.outage(&s.streak, true))
	}
	for _, r := range s.rushes.list() {
		i := Incident{Finding: newFinding(ReconnectStorm, Client, 0, "", "", ""), From: r.from, To: r.to, Server: s.addr, Attempts: r.attempts, Clients: r.clients}
		i.Got = fmt.Sprintf("%d attempts in %s", r.attempts, DurationText(time.Duration(r.to-r.from)))
		list = append(list, i)
	}
	if i, ok := s.idleTimer(); ok {
		list = append(list, i)
	}
	return list
}

// massEnds finds the moments up to a time at which many WebSockets of a server
// ended, and forgets those that had ended by then. As each was begun before it
// ended, that leaves the number of those that are open at a later time as it is.
func (s *service) massEnds(until int64) {
	begun := slices.AppendSeq(slices.Clone(s.lived), maps.Values(s.open))
	slices.SortFunc(begun, func(x, y lifetime) int { return cmp.Or(cmp.Compare(x.begun, y.begun), x.frame-y.frame) })
	slices.SortFunc(s.lived, func(x, y lifetime) int {
		if x.ended != y.ended {
			return cmp.Compare(x.ended, y.ended)
		}
		return x.frame - y.frame
	})
	ends, i := s.lived, 0
	for n := 0; i < len(ends) && ends[i].ended <= until; {
		for i+n < len(ends) && ends[i+n].ended <= ends[i].ended+int64(massWithin) {
			n++
		}
		older := begunBefore(begun, ends[i].ended)
		if n >= massEnds && 2*n >= older-i {
			s.find(s.massEnd(ends[i:i+n], older-i, begun))
			i, n = i+n, 0
		} else {
			i, n = i+1, n-1
		}
	}
	s.lived = append(s.lived[:0], ends[i:]...)
}

// begunBefore counts the WebSockets that began before a time, of a list in the
// order in which they began.
func begunBefore(list []lifetime, at int64) int {
	return sort.Search(len(list), func(i int) bool { return list[i].begun >= at })
}

// massEnd makes an incident of WebSockets that ended together, of so many that
// were open; begun is all of them in the order in which they began.
func (s *service) massEnd(ends []lifetime, open int, begun []lifetime) Incident {
	first, last := ends[0], ends[len(ends)-1]
	gone, byServer := map[int32]bool{}, 0
	for _, l := range ends {
		gone[l.client] = true
		if l.by == Server {
			byServer++
		}
	}
	clients := len(gone)
	for _, l := range begun[begunBefore(begun, first.ended+1):begunBefore(begun, last.ended+int64(backWithin)+1)] {
		delete(gone, l.client)
	}
	i := Incident{
		Finding: newFinding(MassDisconnect, NoSide, first.frame, "", "", ""),
		From:    first.ended, To: last.ended, Server: s.addr, Attempts: len(ends), Clients: clients,
	}
	if i.Side = Client; 2*byServer > len(ends) {
		i.Side = Server
	}
	i.Got = fmt.Sprintf("%d of %d WebSockets ended within %s", len(ends), max(open, len(ends)), DurationText(time.Duration(last.ended-first.ended)))
	i.Want = fmt.Sprintf("%d of %d clients were back for good within %v", clients-len(gone), clients, backWithin)
	return i
}

// A timer is one that ends idle connections.
type timer struct {
	after time.Duration
	who   string
}

// timers are those of the products that are met most, as they are set unless
// somebody changes them.
var timers = [...]timer{
	{55 * time.Second, "Heroku's router"},
	{60 * time.Second, "nginx (proxy_read_timeout), AWS ALB and others"},
	{100 * time.Second, "Cloudflare"},
	{240 * time.Second, "Azure load balancers"},
	{270 * time.Second, "Cloudflare Gateway"},
	{300 * time.Second, "Envoy, OCI load balancers"},
	{600 * time.Second, "AWS API Gateway"},
}

const (
	minIdleEnds = 3
	minIdle     = 5 * time.Second
)

// idleTimer finds out whether a server ends WebSockets that are idle for a time.
func (s *service) idleTimer() (i Incident, ok bool) {
	after := s.idle.median()
	if s.idle.n < minIdleEnds || after < minIdle || !s.idle.mostly(after, max(after/50, time.Second)) {
		return i, false
	}
	i = Incident{
		Finding: newFinding(IdleTimeoutFixedTimer, Server, s.idle.last.Frame, "", "", ""),
		From:    s.idle.first.Time, To: s.idle.last.Time, Server: s.addr, Attempts: s.idle.n, Clients: len(s.idle.clients),
	}
	i.Got = fmt.Sprintf("%d WebSockets after %s without a frame", s.idle.n, DurationText(after))
	for _, t := range timers {
		if (after - t.after).Abs() <= max(t.after/50, time.Second) {
			i.Want = "the default of " + t.who
		}
	}
	return i, true
}

// failsEverywhere finds out whether a client fails with all of its servers, which
// others use meanwhile.
func (c *History) failsEverywhere() (i Incident, ok bool) {
	for _, p := range c.Peers {
		if !p.othersServed() {
			return i, false
		}
	}
	if len(c.Peers) < 2 || c.Failed < c.Attempts {
		return i, false
	}
	i = Incident{Finding: newFinding(ClientFailsEverywhere, Client, c.First.Frame, "", "", ""), From: c.First.Time, To: c.Last.Time, Client: c.Addr, Attempts: c.Attempts, Clients: 1}
	i.Got = fmt.Sprintf("%d servers that open WebSockets for others", len(c.Peers))
	return i, true
}
