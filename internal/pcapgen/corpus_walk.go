package pcapgen

import "time"

// A walk is a client on its way along a route, and the truth about that.
type walk struct {
	k     *corpus
	p     *party
	route route
	gap   func() time.Duration // between a redirect and the next request
	c     *Conn                // of the last request
	kept  bool                 // the connection is good for another request
	key   string               // of the last request
	began time.Time            // first byte of the first request
	again *walk                // the first time, if this is a retry
	chain Chain
}

// walk lets a client take the route from now on: it asks for every place but the
// last, and the end does the rest, and says what it is.
func (k *corpus) walk(p *party, r route, gap func() time.Duration, story string, end func(w *walk) string) *walk {
	w := &walk{k: k, p: p, route: r, gap: gap}
	for i, l := range r[:len(r)-1] {
		if i > 0 {
			w.proceed()
		}
		w.ask(l.at)
		w.redirect(l, r[i+1].at)
	}
	w.chain.End = end(w)
	w.chain.URLs, w.chain.Story = r.urls(), story
	if w.chain.Unusable {
		w.chain.URLs = w.chain.URLs[:len(r)-1]
	}
	k.walks = append(k.walks, w)
	if k.g.now.After(k.latest) {
		k.latest = k.g.now
	}
	return w
}

// shortGap and anyGap are what clients need between a redirect and the next
// request.
func (k *corpus) shortGap() time.Duration { return k.between(millisecond, 50*millisecond) }

func (k *corpus) anyGap() time.Duration {
	return draw(k.rng, []share[time.Duration]{
		{6, k.between(millisecond, 50*millisecond)},
		{3, k.between(50*millisecond, 2*second)},
		{1, k.between(2*second, 29*second)},
	})
}

// ask sends a request, over the connection of the last one if that is kept.
func (w *walk) ask(a place) {
	if !w.kept {
		server := w.k.serverOf(w.p, a)
		if w.k.oneIn(3) && !w.p.proxy.IsValid() && !isLiteral(a.host) {
			w.k.lookup(w.p, a.host, w.k.addressesOf(w.p, a.host)...)
		}
		w.c = w.k.dialFrom(w.p, server)
	}
	w.kept = false
	first := w.k.g.Frames()
	w.key = w.k.g.Key()
	frame := w.k.inSegments(w.c, w.p.request(a, w.key).bytes())
	if w.began.IsZero() {
		w.began = w.k.g.recs[first].at
	}
	w.hop(a, Hop{RequestFrame: frame})
}

// inSegments sends what the client has to say, now and then in small segments.
func (k *corpus) inSegments(c *Conn, data []byte) int {
	if mss := c.MSS; k.oneIn(6) {
		c.MSS = 60 + k.rng.IntN(120)
		defer func() { c.MSS = mss }()
	}
	return c.Client(data)
}

// hop notes a request on the open connection.
func (w *walk) hop(a place, h Hop) {
	h.URL = a.url()
	if len(w.chain.Hops) == 0 {
		h.URL = a.socketURL()
	}
	h.Client, h.Server, h.Stream = w.c.addr[Client], w.c.addr[Server], w.c.Stream()
	w.chain.Hops = append(w.chain.Hops, h)
}

// answer sends the answer to the last request.
func (w *walk) answer(h *head) {
	hop := &w.chain.Hops[len(w.chain.Hops)-1]
	hop.ResponseFrame = w.c.Server(h.bytes())
	hop.Status = h.status()
}

// redirect answers with the redirect of a leg. The connection is kept only if it
// is good for the next place.
func (w *walk) redirect(l leg, next place) {
	h := redirect(l.status, l.location)
	w.kept = w.k.oneIn(3) && (w.p.proxy.IsValid() || l.at.sameAuthority(next))
	if w.kept || w.k.oneIn(4) {
		h.drop("Connection")
	}
	w.answer(h)
	w.chain.Hops[len(w.chain.Hops)-1].Location = l.location
}

// proceed lets the time pass until the client asks for the next place; it may do
// other things before that.
func (w *walk) proceed() {
	if !w.kept {
		w.part()
	}
	w.k.g.Wait(w.gap())
	if w.k.oneIn(6) {
		w.similar()
	}
}

// part ends the connection or leaves it open.
func (w *walk) part() {
	w.kept = false
	switch w.k.rng.IntN(4) {
	case 0:
		w.c.Close(Server)
	case 1:
		// stays open
	default:
		w.c.Close(Client)
	}
}

// follow asks for the last place.
func (w *walk) follow() {
	w.proceed()
	w.ask(w.route.last())
}
