package pcapgen

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// A Corpus is a capture of redirect chains drawn at random, and the truth about
// all of them.
type Corpus struct {
	File   []byte  // a pcap of Ethernet
	Chains []Chain // in the order of the frames of their first requests
}

// Bounds of a corpus.
const (
	minChains = 5
	maxChains = 40
	// openingTime is within what the clients begin, but for those that the end of
	// the capture cuts off.
	openingTime = 2 * time.Minute
	// quietTime is how long the capture goes on when they are done: long enough
	// to see that nobody follows.
	quietTime = 40 * second
)

// ChainCorpus returns the corpus that depends on the seed only. The chains of
// several clients go on at the same time.
//
// What a client asks for says to which chain it belongs: no two chains lead to
// the same URL, nor to the same name in TLS, but those that a client runs into
// again and those that another client runs into as well.
func ChainCorpus(seed uint64) Corpus {
	k := &corpus{
		g:     newCapture(fmt.Sprintf("chain corpus %d", seed)),
		rng:   rand.New(rand.NewPCG(seed, 0)),
		hosts: map[string][]netip.Addr{},
	}
	for want := minChains + k.rng.IntN(maxChains-minChains-8); len(k.walks) < want; {
		k.g.now = baseTime.Add(k.between(0, openingTime))
		draw(k.rng, scenarios)(k)
	}
	k.end()
	return k.corpus()
}

// A corpus is a Corpus that grows. Each client's packets are stored with their
// times, without a look at those of the others; the order is made at the end.
type corpus struct {
	g       *Capture
	rng     *rand.Rand
	walks   []*walk
	streams []int                   // frame of the first packet of each stream
	hosts   map[string][]netip.Addr // addresses by name and IP version
	clients int
	routes  int
	servers int
	latest  time.Time
}

// between is a time in microseconds, so that no file format cuts the order.
func (k *corpus) between(least, most time.Duration) time.Duration {
	return (least + time.Duration(k.rng.Int64N(int64(most-least)+1))).Truncate(time.Microsecond)
}

// oneIn is true once in n times.
func (k *corpus) oneIn(n int) bool { return k.rng.IntN(n) == 0 }

func pick[T any](rng *rand.Rand, list ...T) T { return list[rng.IntN(len(list))] }

// A share is a thing and how often it is drawn.
type share[T any] struct {
	weight int
	thing  T
}

func draw[T any](rng *rand.Rand, list []share[T]) T {
	sum := 0
	for _, s := range list {
		sum += s.weight
	}
	n := rng.IntN(sum)
	for _, s := range list {
		if n -= s.weight; n < 0 {
			return s.thing
		}
	}
	panic("unreachable")
}

// end lets the capture go on until it is quiet, and cuts some chains off.
func (k *corpus) end() {
	over := k.latest.Add(quietTime)
	k.g.now = baseTime
	c := k.dial(netip.MustParseAddr("10.0.0.99"), 40000, netip.MustParseAddrPort("198.51.100.20:80"))
	for k.g.now.Before(over) {
		c.Client(plainGet("time.example.org", "/now").bytes())
		c.Server(kept("200 OK", "2026-01-02\n").bytes())
		k.g.Wait(5 * second)
	}
	over = k.g.now
	for range k.rng.IntN(4) {
		draw(k.rng, cuts)(k, over)
	}
	k.g.now = over
	c.Close(Client)
}

// corpus puts everything in order.
func (k *corpus) corpus() Corpus {
	frames := k.g.sortByTime()
	for i, first := range k.streams {
		k.streams[i] = frames[first]
	}
	inOrder := slices.Sorted(slices.Values(k.streams))
	for _, w := range k.walks {
		for i := range w.chain.Hops {
			h := &w.chain.Hops[i]
			h.RequestFrame, h.ResponseFrame = frames[h.RequestFrame], frames[h.ResponseFrame]
			h.Stream = slices.Index(inOrder, k.streams[h.Stream])
		}
	}
	return Corpus{File: k.g.pcap(littleEndian, false), Chains: chainsOf(k.walks)}
}

// chainsOf orders the chains and says which of them are retries.
func chainsOf(walks []*walk) []Chain {
	slices.SortFunc(walks, func(a, b *walk) int { return a.chain.Hops[0].RequestFrame - b.chain.Hops[0].RequestFrame })
	var chains []Chain
	for i, w := range walks {
		if w.again != nil {
			w.chain.RetryOf = 1 + slices.Index(walks, w.again)
		}
		var began []time.Time
		for _, later := range walks[i:] {
			if later == w || later.again == w {
				began = append(began, later.began)
			}
		}
		w.chain.Retries, w.chain.Rhythm = stepsOf(began)
		chains = append(chains, w.chain)
	}
	return chains
}

// stepsOf counts the steps between times and returns the two in the middle of
// their lengths.
func stepsOf(began []time.Time) (steps int, middle [2]time.Duration) {
	var d []time.Duration
	for i := 1; i < len(began); i++ {
		d = append(d, began[i].Sub(began[i-1]))
	}
	if len(d) == 0 {
		return 0, middle
	}
	slices.Sort(d)
	return len(d), [2]time.Duration{d[(len(d)-1)/2], d[len(d)/2]}
}

// sortByTime puts the packets in the order of their times and returns the new
// number of each frame by its old one; that of 0 is 0.
func (g *Capture) sortByTime() []int {
	old := make([]int, len(g.recs))
	for i := range old {
		old[i] = i
	}
	slices.SortStableFunc(old, func(a, b int) int { return g.recs[a].at.Compare(g.recs[b].at) })
	recs := make([]record, len(old))
	frames := make([]int, len(old)+1)
	for i, from := range old {
		recs[i] = g.recs[from]
		frames[from+1] = i + 1
	}
	g.recs = recs
	return frames
}

// dial opens a connection of a corpus.
func (k *corpus) dial(client netip.Addr, port int, server netip.AddrPort) *Conn {
	c := k.g.Open(netip.AddrPortFrom(client, uint16(port)).String(), server.String())
	k.streams = append(k.streams, k.g.Frames()+1)
	c.Handshake()
	return c
}
