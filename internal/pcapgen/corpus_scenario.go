package pcapgen

import (
	"strings"
	"time"
)

// scenarios are what clients do, by how often they do it.
var scenarios = []share[func(*corpus)]{
	{10, (*corpus).follows},
	{8, (*corpus).staysAway},
	{6, (*corpus).entersTLS},
	{6, (*corpus).missesTLS},
	{2, (*corpus).entersTLSAtAddress},
	{2, (*corpus).askedBefore},
	{3, (*corpus).comesLate},
	{2, (*corpus).givesIn},
	{4, (*corpus).loops},
	{1, (*corpus).loopsThenUpgrades},
	{2, (*corpus).goesTooFar},
	{2, (*corpus).goesJustFarEnough},
	{3, (*corpus).isDowngraded},
	{3, (*corpus).changesFamily},
	{2, (*corpus).cannotUseTarget},
	{2, (*corpus).repeatsTightly},
	{2, (*corpus).meetsNoRedirect},
}

// follows is a client that follows to the end.
func (k *corpus) follows() {
	p := k.anyone()
	r := k.through(k.places(p, 2+k.rng.IntN(4))...)
	k.repeat(p, r, k.anyGap, "followed", k.final(), k.retries(), k.rhythm())
	if k.oneIn(6) {
		k.visit(p, r.last()) // of its own accord
		return
	}
	k.beside(p, r)
}

// staysAway is a client that does not follow, whatever else is asked for.
func (k *corpus) staysAway() {
	p := k.anyone()
	places := k.places(p, 2+k.rng.IntN(2))
	if k.oneIn(3) {
		places[len(places)-1] = k.underTLS(places[0])
	}
	r := k.through(places...)
	k.repeat(p, r, k.anyGap, "not followed", (*walk).away, k.retries(), k.rhythm())
	k.beside(p, r)
}

// entersTLS is a client that follows to where nothing more can be seen.
func (k *corpus) entersTLS() {
	p, r := k.towardsTLS()
	way := pick(k.rng, (*walk).bySNI, (*walk).byDNS)
	k.repeat(p, r, k.anyGap, "into TLS", way, k.retries(), k.rhythm())
}

// missesTLS is a client that opens TLS, but not to the target, or not after the
// redirect.
func (k *corpus) missesTLS() {
	p, r := k.towardsTLS()
	if k.oneIn(6) {
		k.tls(p, k.serverOf(p, r.last()), r.last().host)
		k.g.Wait(k.anyGap())
		k.walk(p, r, k.anyGap, "TLS before the redirect", (*walk).leave)
		return
	}
	m := pick(k.rng, misses...)
	k.walk(p, r, k.anyGap, m.story, func(w *walk) string {
		w.part()
		k.g.Wait(k.anyGap())
		m.act(w, w.route.last())
		return "not-followed"
	})
}

// towardsTLS is a route whose last place is one of TLS.
func (k *corpus) towardsTLS() (*party, route) {
	p := k.newParty()
	places := k.places(p, 1+k.rng.IntN(3))
	return p, k.through(append(places, k.underTLS(places[0]))...)
}

// entersTLSAtAddress has a target that is no name: there is no SNI for it (RFC
// 6066, Section 3) and nothing to ask DNS.
func (k *corpus) entersTLSAtAddress() {
	p := k.newParty()
	places := k.places(p, 1+k.rng.IntN(2))
	at := place{scheme: "https", host: k.newServer(p.addr.Is6()).String(), path: "/ws"}
	if p.addr.Is6() {
		at.host = "[" + at.host + "]"
	}
	k.walk(p, k.through(append(places, at)...), k.anyGap, "into TLS at an address", func(w *walk) string {
		w.proceed()
		w.enter(k.serverOf(p, at), "")
		return "into-tls"
	})
}

// askedBefore is a client that asked for the target before it was redirected
// there, and does not follow.
func (k *corpus) askedBefore() {
	p := k.anyone()
	r := k.through(k.places(p, 2)...)
	k.visit(p, r.last())
	k.g.Wait(k.anyGap())
	k.walk(p, r, k.anyGap, "asked for before the redirect", (*walk).leave)
}

// comesLate is a client that asks for the target when nobody can say any more
// that it follows.
func (k *corpus) comesLate() {
	p := k.anyone()
	r := k.through(k.places(p, 2+k.rng.IntN(2))...)
	k.walk(p, r, k.anyGap, "late", func(w *walk) string {
		w.part()
		k.g.Wait(k.between(31500*millisecond, 38*second))
		k.visit(w.p, w.route.last())
		return "not-followed"
	})
}

// givesIn is a client that comes back to the first URL before it follows.
func (k *corpus) givesIn() {
	p := k.anyone()
	r := k.through(k.places(p, 2)...)
	k.repeat(p, r, k.shortGap, "not followed at first", (*walk).leave, k.rng.IntN(3), 3*second)
	k.g.Wait(k.between(second, 3*second))
	k.walk(p, r, k.shortGap, "followed at last", (*walk).upgraded)
}

// loops goes round: the same place again and again, or two of them.
func (k *corpus) loops() {
	p := k.anyone()
	round := k.places(p, 1+k.rng.IntN(2))
	rounds, story := 2+k.rng.IntN(4), "a loop"
	if k.oneIn(4) {
		rounds, story = 15+k.rng.IntN(20), "a long loop"
	}
	var places []place
	for range rounds {
		places = append(places, round...)
	}
	places = append(places, round[0])
	k.walk(p, k.through(places...), k.shortGap, story, func(w *walk) string {
		w.leave()
		return "loop"
	})
}

// loopsThenUpgrades is a redirect to the same place that sets a cookie.
func (k *corpus) loopsThenUpgrades() {
	p := k.anyone()
	at := k.places(p, 1)[0]
	k.walk(p, k.through(at, at), k.anyGap, "redirected to itself once", (*walk).upgraded)
}

// goesTooFar is a client that follows for longer than clients do.
func (k *corpus) goesTooFar() {
	p := k.anyone()
	r := k.through(k.places(p, maxHops+1+k.rng.IntN(6))...)
	k.walk(p, r, k.shortGap, "too long", func(w *walk) string {
		w.upgraded()
		return "too-long"
	})
}

func (k *corpus) goesJustFarEnough() {
	p := k.anyone()
	k.walk(p, k.through(k.places(p, maxHops)...), k.shortGap, "almost too long", (*walk).upgraded)
}

// isDowngraded is a client that lets a plain proxy do the TLS, so that its
// requests for https can be seen.
func (k *corpus) isDowngraded() {
	p := k.behindProxy()
	places := k.places(p, 2+k.rng.IntN(2))
	for i := range places[1:] {
		places[i].scheme = "https"
	}
	r := k.through(places...)
	if k.oneIn(2) {
		k.repeat(p, r, k.anyGap, "out of TLS, followed", k.final(), k.retries(), k.rhythm())
		return
	}
	k.repeat(p, r, k.anyGap, "out of TLS", func(w *walk) string {
		w.leave()
		return "downgraded"
	}, k.retries(), k.rhythm())
}

// changesFamily is a client that follows from its address of the other IP
// version.
func (k *corpus) changesFamily() {
	p := k.newParty()
	places := k.places(p, 2+k.rng.IntN(2))
	last := &places[len(places)-1]
	if isLiteral(last.host) {
		last.host = "dual." + places[0].path[1:strings.IndexByte(places[0].path[1:], '/')+1] + ".example.com"
	}
	final := k.final()
	k.walk(p, k.through(places...), k.anyGap, "from the other address", func(w *walk) string {
		w.p, w.kept = w.p.otherFamily(), false
		return final(w)
	})
}

// cannotUseTarget is redirected to what is no place.
func (k *corpus) cannotUseTarget() {
	p := k.anyone()
	places := k.places(p, 1+k.rng.IntN(2))
	r := k.through(append(places, place{scheme: "http", host: "nowhere", path: "/"})...)
	r[len(r)-2].location = pick(k.rng, "mailto:ops@example.com", "ftp://ftp.example.com/ws", "http://",
		"http://[2001:db8::1/ws", "::", "http:///ws", "about:blank", "http://example.com:port/ws")
	k.repeat(p, r, k.anyGap, "no usable target", func(w *walk) string {
		w.chain.Unusable = true
		return w.leave()
	}, k.retries(), k.rhythm())
}

// repeatsTightly is what esp_websocket_client does on a redirect to TLS: it keeps
// its plain transport and asks the same again at once.
func (k *corpus) repeatsTightly() {
	p := k.newParty()
	p.style, p.spellsPort, p.agent = espRequest, true, "ESP32 Websocket Client"
	places := k.places(p, 1)
	secure := places[0]
	secure.scheme, secure.port = "https", 0
	r := k.through(places[0], secure)
	k.repeat(p, r, k.anyGap, "the same at once", func(w *walk) string {
		w.c.Close(Client)
		return "not-followed"
	}, min(4+k.rng.IntN(12), k.room()), k.between(10*millisecond, 60*millisecond))
}

// meetsNoRedirect has answers that look like redirects.
func (k *corpus) meetsNoRedirect() {
	p := k.anyone()
	a := k.places(p, 1)[0]
	c := k.dialFrom(p, k.serverOf(p, a))
	c.Client(p.request(a, k.g.Key()).bytes())
	c.Server(pick(k.rng, redirect("304 Not Modified", "/elsewhere"), redirect("201 Created", "/elsewhere"),
		errorPage("302 Found"), errorPage("301 Moved Permanently")).bytes())
	c.Close(Server)
}

// repeat is a walk and those with which the client comes again, after as long as
// the rhythm says or when it is done. All must end alike.
func (k *corpus) repeat(p *party, r route, gap func() time.Duration, story string, end func(*walk) string, times int, rhythm time.Duration) {
	first := k.walk(p, r, gap, story, end)
	for began, i := first.began, 0; i < times; i++ {
		began = began.Add(rhythm + k.between(0, rhythm/50))
		if done := k.g.now.Add(5 * millisecond); began.Before(done) {
			began = done
		}
		k.g.now = began
		w := k.walk(p, r, gap, story+", again", end)
		w.again, began = first, w.began
	}
}

// room is for how many more chains there is some, without those cut off.
func (k *corpus) room() int { return max(0, maxChains-len(k.walks)-5) }

func (k *corpus) retries() int {
	if k.oneIn(4) {
		return min(1+k.rng.IntN(5), k.room())
	}
	return 0
}

func (k *corpus) rhythm() time.Duration { return k.between(500*millisecond, 15*second) }

// beside now and then lets another client take the same route at the same time,
// to an end of its own.
func (k *corpus) beside(p *party, r route) {
	if !k.oneIn(4) || k.room() == 0 {
		return
	}
	q := k.like(p, pick(k.rng, p.agent, "Another-Client/2.0"))
	k.g.now = k.walks[len(k.walks)-1].began.Add(k.between(0, 2*second))
	end := (*walk).leave
	if k.oneIn(2) && !r.last().secure() {
		end = k.final()
	}
	k.walk(q, r, k.anyGap, "beside another client", end)
}
