package pcapgen

import (
	"strings"
	"time"
)

// final returns how a followed chain ends, the same each time.
func (k *corpus) final() func(w *walk) string {
	return pick(k.rng,
		(*walk).upgraded, (*walk).upgraded,
		refusedWith(errorPage("404 Not Found")),
		refusedWith(errorPage("401 Unauthorized")),
		refusedWith(page("200 OK", "<html>Please log in</html>\r\n")),
		refusedWith(redirect("304 Not Modified", "/")),
		refusedWith(errorPage("302 Found")),
		(*walk).unanswered,
	)
}

// leave ends the walk with the redirect.
func (w *walk) leave() string {
	w.part()
	return "not-followed"
}

// away is leave while something else is asked for.
func (w *walk) away() string {
	w.part()
	w.k.g.Wait(w.gap())
	switch w.k.rng.IntN(4) {
	case 0:
		w.similar()
	case 1:
		other := w.k.like(w.p, "Another-Client/1.0")
		if at := w.route.last(); !at.secure() || other.proxy.IsValid() {
			w.k.visit(other, at)
		}
	}
	return "not-followed"
}

func (w *walk) upgraded() string {
	w.follow()
	w.answer(switching(acceptFor(w.key)))
	if !w.k.oneIn(4) {
		w.c.Session()
	}
	return "upgraded"
}

func refusedWith(h *head) func(w *walk) string {
	return func(w *walk) string {
		w.follow()
		w.answer(h)
		w.c.Close(Server)
		return "refused"
	}
}

// unanswered waits in vain.
func (w *walk) unanswered() string {
	w.follow()
	switch w.k.rng.IntN(4) {
	case 0:
		w.c.Close(Server)
	case 1:
		w.c.Rst(Server)
	case 2:
		w.k.g.Wait(w.k.between(5*second, 20*second))
		w.c.Close(Client)
	}
	return "unanswered"
}

// similar is a request of the same client for what is almost the last place.
func (w *walk) similar() {
	a := w.route.last()
	if a.secure() && !w.p.proxy.IsValid() {
		a.scheme, a.port, a.path = "http", 0, a.path+"/plain"
	}
	sign := "?"
	if strings.Contains(a.path, "?") {
		sign = "&"
	}
	switch w.k.rng.IntN(4) {
	case 0:
		a.path += sign + "other=1"
	case 1:
		a.port = 7000
	case 2:
		a.path = strings.ToUpper(a.path)
	case 3:
		a.host, a.path = "other.example.com", a.path+sign
	}
	w.k.visit(w.p, a)
}

// visit is a request and its answer that belong to no chain.
func (k *corpus) visit(p *party, a place) {
	c := k.dialFrom(p, k.serverOf(p, a))
	key := k.g.Key()
	c.Client(p.request(a, key).bytes())
	if k.oneIn(2) {
		c.Server(errorPage("404 Not Found").bytes())
		c.Close(Server)
		return
	}
	c.Server(switching(acceptFor(key)).bytes())
	c.Session()
}

// cuts are chains that the capture does not show to the end.
var cuts = []share[func(k *corpus, over time.Time)]{
	{2, (*corpus).endsAfterRedirect},
	{1, (*corpus).endsAfterRequest},
	{1, (*corpus).endsWhileOpen},
	{1, (*corpus).endsAfterClose},
}

func (k *corpus) endsAfterRedirect(over time.Time) {
	k.cut(over.Add(k.between(0, 50*millisecond)), "the capture ends after the redirect", func(w *walk) string {
		w.part()
		return "out-of-capture"
	})
}

func (k *corpus) endsAfterRequest(over time.Time) {
	k.cut(over.Add(k.between(0, 50*millisecond)), "the capture ends after a request", func(w *walk) string {
		w.follow()
		return "out-of-capture"
	})
}

func (k *corpus) endsWhileOpen(over time.Time) {
	k.cut(over.Add(-k.between(2*second, 20*second)), "the capture ends while the client may follow", func(*walk) string {
		return "out-of-capture"
	})
}

func (k *corpus) endsAfterClose(over time.Time) {
	k.cut(over.Add(-k.between(2*second, 20*second)), "the client closes and the capture goes on for some seconds", func(w *walk) string {
		w.c.Close(Client)
		return "not-followed"
	})
}

func (k *corpus) cut(at time.Time, story string, end func(*walk) string) {
	k.g.now = at
	p := k.newParty()
	k.walk(p, k.through(k.places(p, 2)...), k.shortGap, story, end)
}
