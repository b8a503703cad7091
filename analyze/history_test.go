package analyze

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

const historyStart = int64(1e18)

// A deed is an attempt in the few things that a history looks at.
type deed struct {
	at       time.Duration // since historyStart: the SYN
	client   int
	server   int
	host     string // "": gw
	path     string
	agent    string
	verdict  Verdict
	code     Code          // of a failure
	life     time.Duration // from the answer to the end; 0: no end was seen
	silent   time.Duration // of that, since the last frame
	by       Side
	how      CloseHow
	followed bool // a redirect
}

const answerAfter = 10 * time.Millisecond

// attempt makes the attempt of a deed.
func (d *deed) attempt(number int) *Attempt {
	stamp := func(after time.Duration) flow.Stamp {
		return flow.Stamp{Frame: number, Time: historyStart + int64(d.at+after)}
	}
	conn := &flow.Evidence{A: addrOf(1, d.client, 40000), B: addrOf(2, d.server, 80), SYN: stamp(0), First: stamp(0)}
	t := &Attempt{Number: number, Conn: conn, Verdict: d.verdict, Close: Close{Code: -1}}
	fields := []Field{{Name: "Host", Value: cmp.Or(d.host, "gw")}}
	if d.agent != "" {
		fields = append(fields, Field{Name: "User-Agent", Value: d.agent})
	}
	t.Request = &Message{Head: Head{Method: "GET", Target: d.path + "?" + fmt.Sprint(number), Fields: fields}, First: stamp(time.Millisecond), Done: stamp(time.Millisecond)}
	if d.verdict != NoResponse && d.verdict != Indeterminate {
		t.Response = &Message{First: stamp(answerAfter), Done: stamp(answerAfter)}
	}
	if d.code != 0 {
		t.add(ResponseHeaderNameOddCase, Server, 0, "", "", "") // no error, no cause
		t.add(d.code, Server, 0, "", "", "")
	}
	if d.life > 0 {
		t.Close = Close{By: d.by, How: d.how, Code: -1, At: stamp(answerAfter + d.life)}
		t.lastFrame = historyStart + int64(d.at+answerAfter+d.life-d.silent)
	}
	if d.verdict == Redirected {
		t.Redirect = &Redirect{Chain: &Chain{Long: 1}, Hop: 1}
		if d.followed {
			t.Redirect.Chain.Long = 2
		}
	}
	return t
}

func addrOf(network, last, port int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(network), byte(last >> 8), byte(last)}), uint16(port))
}

// historiesOf lets histories see what was done.
func historiesOf(deeds []deed) *histories {
	h, list := newHistories(&endpoints{}), attemptsOf(deeds)
	for _, t := range list {
		h.add(t)
	}
	h.finish(func(i int) *Attempt { return list[i] }, nil)
	return h
}

func attemptsOf(deeds []deed) (list []*Attempt) {
	for i := range deeds {
		list = append(list, deeds[i].attempt(i+1))
	}
	return list
}

// doings are random deeds of a few clients and servers: with times in which a
// server fails, moments in which it ends everything, and rushes. Client 0 may fail
// always, and server 2, whose client 9 asks nobody else.
func doings(rng *rand.Rand, n int) (deeds []deed) {
	clients, down, at := 1+rng.IntN(5), map[int]bool{}, time.Duration(0)
	never := []bool{rng.IntN(3) == 0, rng.IntN(3) == 0}
	var ends [3][]time.Duration
	for range 6 {
		s := rng.IntN(3)
		ends[s] = append(ends[s], time.Duration(rng.IntN(n))*5*time.Second)
	}
	for len(deeds) < n {
		at += []time.Duration{time.Millisecond, 300 * time.Millisecond, 5 * time.Second, 20 * time.Second}[rng.IntN(4)]
		d := deed{at: at, client: rng.IntN(clients), server: rng.IntN(3), path: []string{"/a", "/b"}[rng.IntN(2)]}
		if d.server == 2 && rng.IntN(4) == 0 {
			d.client = 9
		}
		if rng.IntN(25) == 0 {
			down[d.server] = !down[d.server]
		}
		if rng.IntN(30) == 0 {
			d.at -= 3 * time.Second // a slow request
		}
		if rng.IntN(150) == 0 {
			for range 30 + rng.IntN(30) {
				at += time.Duration(rng.IntN(60)) * time.Millisecond
				deeds = append(deeds, deed{at: at, client: 20 + rng.IntN(40), server: rng.IntN(2), path: "/a", verdict: OK, life: time.Second, by: Client, how: CloseFIN})
			}
		}
		d.become(rng, down[d.server] || never[0] && d.client == 0 || never[1] && d.server == 2)
		if d.verdict == OK {
			d.endWith(rng, ends[d.server])
		}
		deeds = append(deeds, d)
	}
	return deeds
}

// become chooses what becomes of an attempt.
func (d *deed) become(rng *rand.Rand, down bool) {
	d.agent = []string{"", "ESP32", "Go", "a", "b", "c"}[rng.IntN(6)]
	d.by, d.how = []Side{Client, Server}[rng.IntN(2)], []CloseHow{CloseFIN, CloseRST, CloseFrame}[rng.IntN(3)]
	if rng.IntN(6) > 0 {
		d.life = time.Duration(1+rng.IntN(60)) * time.Second
	}
	switch n := rng.IntN(12); {
	case down && rng.IntN(50) > 0 || n < 2:
		d.verdict = []Verdict{AcceptMismatch, Rejected, NoResponse}[rng.IntN(3)]
		d.code = []Code{0, Status404, Status403, HTTPRequestUnanswered, AcceptMismatchCode}[rng.IntN(5)]
		d.life = time.Duration(1+rng.IntN(1000)) * time.Millisecond
	case n == 2:
		d.verdict = Indeterminate
	case n == 3:
		d.verdict, d.followed = Redirected, rng.IntN(2) == 0
	default:
		d.verdict = OK
	}
}

// endWith ends a WebSocket with all others of its server, or when it was idle for
// long enough.
func (d *deed) endWith(rng *rand.Rand, moments []time.Duration) {
	if d.life > 0 && rng.IntN(3) == 0 {
		d.by, d.how, d.silent = Server, CloseFIN, 60*time.Second+time.Duration(rng.IntN(500))*time.Millisecond
		d.life = d.silent + time.Second
	}
	for _, m := range moments {
		if until := m - d.at - answerAfter; until > 0 && rng.IntN(5) > 0 {
			d.by, d.how, d.life, d.silent = []Side{Client, Server}[int(m/time.Second)/5%2], CloseFrame, until+time.Duration(rng.IntN(1500))*time.Millisecond, 0
			return
		}
	}
}

// historyText is a history as it is shown.
func historyText(c *History) string {
	peers := ""
	for _, p := range c.Peers {
		peers += fmt.Sprintf(" %v %d %d", p.Server, p.Attempts, p.Opened)
	}
	lives := c.Lives
	lives.sample = sample{}
	return fmt.Sprintf("%v %q from %d to %d, %d attempts, %d opened, %d failed, %v, causes %v, peers%s, %v, lives %+v, %d breaks %+v, fault %q, %+v",
		c.Addr, c.Agents, c.First.Time, c.Last.Time, c.Attempts, c.Opened, c.Failed, c.Verdicts, c.Causes, peers, c.Times, lives, c.Breaks, c.Changes, c.Fault, c.Rhythm)
}

func incidentText(i *Incident) string {
	return fmt.Sprintf("%v by the %v of %v %v from %d to %d: %d attempts, %d clients, %q, %q", i.Code, i.Side, i.Server, i.Client, i.From, i.To, i.Attempts, i.Clients, i.Got, i.Want)
}

// TestHistoriesLikeNaive compares histories and incidents with what a way finds
// that keeps all attempts.
func TestHistoriesLikeNaive(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(80) {
		rng := rand.New(rand.NewPCG(seed, 11))
		deeds := doings(rng, 20+rng.IntN(400))
		h, n := historiesOf(deeds), naiveHistories{attemptsOf(deeds)}
		for i, want := range n.histories() {
			got := h.order[i]
			if g, w := n.plain(got), want; g != w {
				t.Fatalf("seed %d\ngot  %s\nwant %s", seed, g, w)
			}
			seen["fault "+got.Fault.String()]++
			seen[fmt.Sprintf("%d breaks", min(got.Breaks, 5))]++
		}
		var got []string
		for i := range h.incidents {
			got = append(got, incidentText(&h.incidents[i]))
			seen[h.incidents[i].Code.String()]++
			seen["by the "+h.incidents[i].Side.String()]++
		}
		slices.Sort(got)
		if want := n.incidents(); !slices.Equal(got, want) {
			t.Fatalf("seed %d, incidents\n%s\nwant\n%s", seed, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	for _, what := range []string{
		"mass-disconnect", "reconnect-storm", "server-fails-for-all", "client-fails-everywhere", "idle-timeout-fixed-timer",
		"fault client", "fault server", "fault ", "0 breaks", "1 breaks", "5 breaks",
	} {
		if seen[what] == 0 {
			t.Errorf("nothing shows %q in %v", what, seen)
		}
	}
	t.Log(seen)
}

// NaiveHistories look through all attempts for each question.
type naiveHistories struct{ all []*Attempt }

func (n naiveHistories) opened(t *Attempt) bool { return t.Verdict == OK }

func (n naiveHistories) failed(t *Attempt) bool {
	followed := t.Verdict == Redirected && t.Redirect.Chain.Long > t.Redirect.Hop
	return t.Verdict != OK && t.Verdict != Indeterminate && !followed
}

func (n naiveHistories) where(fits func(*Attempt) bool) (list []*Attempt) {
	for _, t := range n.all {
		if fits(t) {
			list = append(list, t)
		}
	}
	return list
}

func of[K comparable](list []*Attempt, key func(*Attempt) K) (keys []K) {
	for _, t := range list {
		if k := key(t); !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys
}

func clientOf(t *Attempt) netip.Addr { return t.Client().Addr() }
func syn(t *Attempt) int64           { return t.Conn.SYN.Time }

// plain is what the naive way finds out, of a history.
func (n naiveHistories) plain(c *History) string {
	var peers []string
	for _, p := range c.Peers {
		peers = append(peers, fmt.Sprint(p.Server, p.Attempts, p.Opened))
	}
	var changes []int
	for _, x := range c.Changes {
		changes = append(changes, x.Good, x.Bad)
	}
	return fmt.Sprint(c.Addr, c.First.Time, c.Last.Time, c.Attempts, c.Opened, c.Failed, c.Agents, c.Verdicts, peers, c.Causes,
		c.Fault, c.Breaks, changes, c.Rhythm.Waits, c.Rhythm.Median, c.Lives.Ended, c.Lives.Shortest, c.Lives.Median, c.Lives.Longest, c.Lives.Ends)
}

func (n naiveHistories) histories() (texts []string) {
	for _, addr := range of(n.all, clientOf) {
		own := naiveHistories{n.where(func(t *Attempt) bool { return clientOf(t) == addr })}
		good, bad := own.where(own.opened), own.where(own.failed)
		first, last := slices.MinFunc(own.all, bySYN), slices.MaxFunc(own.all, bySYN)
		agents := of(own.where(func(t *Attempt) bool { _, ok := t.Request.Head.Get("User-Agent"); return ok }), func(t *Attempt) string { a, _ := t.Request.Head.Get("User-Agent"); return a })
		var verdicts [numVerdicts]int
		for _, t := range own.all {
			verdicts[t.Verdict]++
		}
		var peers []string
		for _, s := range of(own.all, (*Attempt).Server) {
			to := naiveHistories{own.where(func(t *Attempt) bool { return t.Server() == s })}
			peers = append(peers, fmt.Sprint(s, len(to.all), len(to.where(n.opened))))
		}
		breaks, changes := own.breaks()
		waits, lives := own.waits(), own.lives()
		shortest, longest := time.Duration(0), time.Duration(0)
		if len(lives) > 0 {
			shortest, longest = time.Duration(slices.Min(lives)), time.Duration(slices.Max(lives))
		}
		texts = append(texts, fmt.Sprint(addr, syn(first), syn(last), len(own.all), len(good), len(bad), agents[:min(len(agents), maxAgents)], verdicts, peers,
			own.causes(), n.fault(own), breaks, changes, len(waits), naiveMedian(waits), len(lives), shortest, naiveMedian(lives), longest, own.ends()))
	}
	return texts
}

func bySYN(x, y *Attempt) int { return cmp.Compare(syn(x), syn(y)) }

// evenly returns those of many that a sample keeps.
func evenly(all []int64) (kept []int64) {
	stride := 1
	for (len(all)+stride-1)/stride > sampleSize {
		stride *= 2
	}
	for i := 0; i < len(all); i += stride {
		kept = append(kept, all[i])
	}
	return kept
}

func naiveMedian(all []int64) time.Duration {
	kept := evenly(all)
	if len(kept) == 0 {
		return 0
	}
	slices.Sort(kept)
	return time.Duration(kept[len(kept)/2])
}

func pathOf(t *Attempt) string { path, _, _ := strings.Cut(t.Request.Head.Target, "?"); return path }

// before returns the attempt for the same path before that fits.
func (n naiveHistories) before(t *Attempt, fits func(*Attempt) bool) *Attempt {
	same := n.where(func(o *Attempt) bool { return o.Number < t.Number && pathOf(o) == pathOf(t) && fits(o) })
	if len(same) == 0 {
		return nil
	}
	return same[len(same)-1]
}

func (n naiveHistories) breaks() (count int, kept []int) {
	for _, t := range n.where(n.failed) {
		if o := n.before(t, func(o *Attempt) bool { return n.opened(o) || n.failed(o) }); o != nil && n.opened(o) {
			count++
			kept = append(kept, o.Number, t.Number)
		}
	}
	if count > keptBreaks+1 {
		kept = append(kept[:2*keptBreaks], kept[2*count-2:]...)
	}
	return count, kept
}

func (n naiveHistories) waits() (waits []int64) {
	for _, t := range n.all {
		o := n.before(t, func(*Attempt) bool { return true })
		if o == nil || !o.Close.At.Seen() || o.Verdict == Redirected && !n.failed(o) {
			continue
		}
		if wait := syn(t) - o.Close.At.Time; wait >= 0 {
			waits = append(waits, wait)
		}
	}
	return waits
}

func (n naiveHistories) lives() (lives []int64) {
	for _, t := range n.where(n.opened) {
		if t.Close.At.Seen() {
			lives = append(lives, t.Close.At.Time-t.Response.Done.Time)
		}
	}
	return lives
}

func (n naiveHistories) ends() []LifeEnd {
	ends := of(n.where(n.opened), func(t *Attempt) LifeEnd { return LifeEnd{t.Close.By, t.Close.How, -1, 0} })
	for i := range ends {
		ends[i].Count = len(n.where(func(t *Attempt) bool { return n.opened(t) && t.Close.By == ends[i].By && t.Close.How == ends[i].How }))
	}
	slices.SortStableFunc(ends, func(x, y LifeEnd) int { return y.Count - x.Count })
	return ends
}

func firstError(t *Attempt) Code {
	for _, f := range t.Findings {
		if f.Severity == Error {
			return f.Code
		}
	}
	return 0
}

func (n naiveHistories) causes() (list causes) {
	wrong := n.where(func(t *Attempt) bool { return n.failed(t) && firstError(t) != 0 })
	for _, code := range of(wrong, firstError) {
		list = append(list, Cause{code, len(naiveHistories{wrong}.where(func(t *Attempt) bool { return firstError(t) == code }))})
	}
	slices.SortStableFunc(list, func(x, y Cause) int { return y.Count - x.Count })
	return list
}

// fault returns whose it is that a client fails.
func (n naiveHistories) fault(own naiveHistories) Side {
	if len(own.where(n.failed)) == 0 || len(own.where(n.opened)) > 0 {
		return NoSide
	}
	sides := map[Side]bool{}
	for _, s := range of(own.all, (*Attempt).Server) {
		there := naiveHistories{n.where(func(t *Attempt) bool { return t.Server() == s })}
		mine := func(t *Attempt) bool { return clientOf(t) == clientOf(own.all[0]) }
		first := slices.IndexFunc(there.all, mine)
		last := len(there.all) - 1
		for !mine(there.all[last]) {
			last--
		}
		switch {
		case slices.ContainsFunc(there.all[first:last], n.opened):
			sides[Client] = true
		case len(there.where(n.opened)) > 0:
			sides[NoSide] = true
		case len(of(there.where(n.failed), clientOf)) > 1:
			sides[Server] = true
		default:
			sides[NoSide] = true
		}
	}
	for side := range sides {
		if len(sides) == 1 {
			return side
		}
	}
	return NoSide
}

// incidents returns all of them, sorted.
func (n naiveHistories) incidents() (texts []string) {
	add := func(i Incident) { texts = append(texts, incidentText(&i)) }
	for _, addr := range of(n.all, clientOf) {
		own := naiveHistories{n.where(func(t *Attempt) bool { return clientOf(t) == addr })}
		servers := of(own.all, (*Attempt).Server)
		if len(servers) > 1 && len(own.where(n.failed)) == len(own.all) && n.fault(own) == Client {
			add(Incident{Finding: Finding{Code: ClientFailsEverywhere, Side: Client, Got: fmt.Sprintf("%d servers that open WebSockets for others", len(servers))}, Client: addr,
				From: syn(slices.MinFunc(own.all, bySYN)), To: syn(slices.MaxFunc(own.all, bySYN)), Attempts: len(own.all), Clients: 1})
		}
	}
	for _, s := range of(n.all, (*Attempt).Server) {
		there := naiveHistories{n.where(func(t *Attempt) bool { return t.Server() == s })}
		for _, found := range [][]Incident{there.outages(), there.massEnds(), there.rushes(), there.idle()} {
			for _, i := range found {
				i.Server = s
				add(i)
			}
		}
	}
	slices.Sort(texts)
	return texts
}

func (n naiveHistories) outages() (list []Incident) {
	var row []*Attempt
	ever := len(n.where(n.opened)) > 0
	end := func(want string, least, clients, fell int) {
		if who := of(row, clientOf); len(row) >= least && len(who) >= min(clients, 2) && fell >= clients {
			got := fmt.Sprintf("%d attempts of %d clients in a row", len(row), len(who))
			if codes := (naiveHistories{row}).causes(); len(codes) > 0 {
				got += ", mostly " + codes[0].Code.String()
			}
			list = append(list, Incident{Finding: Finding{Code: ServerFailsForAll, Got: got, Want: want}, From: syn(row[0]), To: syn(row[len(row)-1]), Attempts: len(row), Clients: len(who)})
		}
		row = nil
	}
	fell := 0
	for i, t := range n.all {
		if n.opened(t) {
			end("success again after it", 5, 3, fell)
			fell = 0
		} else if n.failed(t) {
			row = append(row, t)
			if (naiveHistories{n.all[:i]}).falls(t) {
				fell++
			}
		}
	}
	if ever || fell >= 3 && len(row) >= 5 {
		want := "no success after it"
		if !ever {
			want = "no success at all"
		}
		end(want, 5, 3, fell)
	} else {
		end("no success at all", 2, 2, 2)
	}
	return list
}

// falls reports whether a failure after n is the first of its client there since a
// success, or if there was none of anybody.
func (n naiveHistories) falls(t *Attempt) bool {
	own := naiveHistories{n.where(func(o *Attempt) bool { return clientOf(o) == clientOf(t) })}
	for _, o := range slices.Backward(own.all) {
		if n.failed(o) {
			return false
		}
		if n.opened(o) {
			break
		}
	}
	return len(own.where(n.opened)) > 0 || len(n.where(n.opened)) == 0
}

// long returns the WebSockets that lasted long enough to count, and their ends in
// the order of time.
func (n naiveHistories) long() (lasting, ends []*Attempt) {
	for _, t := range n.where(n.opened) {
		if !t.Close.At.Seen() || t.Close.At.Time-t.Response.Done.Time >= int64(10*time.Second) {
			lasting = append(lasting, t)
		}
	}
	ends = naiveHistories{lasting}.where(func(t *Attempt) bool { return t.Close.At.Seen() })
	slices.SortStableFunc(ends, func(x, y *Attempt) int { return cmp.Compare(x.Close.At.Time, y.Close.At.Time) })
	return lasting, ends
}

func (n naiveHistories) massEnds() (list []Incident) {
	lasting, ends := n.long()
	over := map[*Attempt]bool{}
	for i, e := range ends {
		if over[e] {
			continue
		}
		at := e.Close.At.Time
		together := naiveHistories{ends[i:]}.where(func(t *Attempt) bool { return t.Close.At.Time <= at+int64(2*time.Second) })
		open := naiveHistories{lasting}.where(func(t *Attempt) bool { return t.Response.Done.Time < at && !slices.Contains(ends[:i], t) })
		if len(together) < 5 || 2*len(together) < len(open) {
			continue
		}
		for _, t := range together {
			over[t] = true
		}
		last := together[len(together)-1].Close.At.Time
		who, back := of(together, clientOf), 0
		for _, c := range who {
			if slices.ContainsFunc(lasting, func(t *Attempt) bool {
				return clientOf(t) == c && t.Response.Done.Time > at && t.Response.Done.Time <= last+int64(30*time.Second)
			}) {
				back++
			}
		}
		side := Client
		if byServer := (naiveHistories{together}).where(func(t *Attempt) bool { return t.Close.By == Server }); 2*len(byServer) > len(together) {
			side = Server
		}
		list = append(list, Incident{Finding: Finding{
			Code: MassDisconnect, Side: side,
			Got:  fmt.Sprintf("%d of %d WebSockets ended within %s", len(together), max(len(open), len(together)), DurationText(time.Duration(last-at))),
			Want: fmt.Sprintf("%d of %d clients were back for good within 30s", back, len(who)),
		}, From: at, To: last, Attempts: len(together), Clients: len(who)})
	}
	return list
}

func (n naiveHistories) rushes() (list []Incident) {
	var dense []int // the last of 33 attempts within two seconds
	for i := 32; i < len(n.all); i++ {
		if time.Duration(syn(n.all[i])-syn(n.all[i-32])).Abs() <= 2*time.Second {
			dense = append(dense, i)
		}
	}
	for len(dense) > 0 {
		first, last, to := dense[0], dense[0], syn(n.all[dense[0]])
		who := map[netip.Addr]bool{}
		goesOn := func() bool {
			return len(dense) > 0 && !slices.ContainsFunc(n.all[last+1:max(last+1, dense[0])], func(t *Attempt) bool { return syn(t)-to > int64(time.Minute) })
		}
		for goesOn() {
			last, to = dense[0], max(to, syn(n.all[dense[0]]))
			for _, t := range n.all[last-32 : last+1] {
				who[clientOf(t)] = true
			}
			dense = dense[1:]
		}
		from, count := syn(n.all[first-32]), last-first+33
		rate := func(count int, span int64) float64 { return float64(count) / float64(max(span, int64(2*time.Second))) }
		if rate(count, to-from) >= 10*rate(len(n.all), syn(slices.MaxFunc(n.all, bySYN))-syn(n.all[0])) {
			list = append(list, Incident{
				Finding: Finding{Code: ReconnectStorm, Side: Client, Got: fmt.Sprintf("%d attempts in %s", count, DurationText(time.Duration(to-from)))},
				From:    from, To: to, Attempts: count, Clients: len(who),
			})
		}
	}
	return list
}

func (n naiveHistories) idle() []Incident {
	lasting, _ := n.long()
	ended := naiveHistories{lasting}.where(func(t *Attempt) bool {
		return t.Close.By == Server && (t.Close.How == CloseFIN || t.Close.How == CloseRST)
	})
	var silences []int64
	for _, t := range ended {
		silences = append(silences, t.Close.At.Time-max(t.lastFrame, t.Response.Done.Time))
	}
	after := naiveMedian(silences)
	kept := evenly(silences)
	near := 0
	for _, s := range kept {
		if (time.Duration(s) - after).Abs() <= max(after/50, time.Second) {
			near++
		}
	}
	if len(ended) < 3 || after < 5*time.Second || 5*near < 4*len(kept) {
		return nil
	}
	i := Incident{Finding: Finding{Code: IdleTimeoutFixedTimer, Side: Server, Got: fmt.Sprintf("%d WebSockets after %s without a frame", len(ended), DurationText(after))},
		From: ended[0].Close.At.Time, To: ended[len(ended)-1].Close.At.Time, Attempts: len(ended), Clients: len(of(ended, clientOf))}
	if (after - time.Minute).Abs() < 1200*time.Millisecond {
		i.Want = "the default of nginx (proxy_read_timeout), AWS ALB and others"
	}
	return []Incident{i}
}
