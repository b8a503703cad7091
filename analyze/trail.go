package analyze

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	maxTexts      = 1 << 12            // that are remembered to be used again
	loopHops      = 5                  // more hops than this are a loop, whatever they ask for
	loopRetries   = 3                  // so many retries of one chain are one as well, if they come
	loopPause     = time.Second        // faster than this, one after the other
	minAfterwards = int64(time.Second) // how long the capture must go on to say so of a client that closed
)

// chains makes chains of the redirects.
func (j *judge) chains() []*Chain {
	t := newTrail(j)
	var chains []*Chain
	for i := range j.len() { // what follows a redirect comes behind it, and has its chain by then
		if j.entry(i).at&moved == 0 || j.chained(i) || j.attempt(i).Verdict != Redirected {
			continue
		}
		c := &Chain{ID: len(chains) + 1}
		if w := j.a.watch; w != nil {
			c.ID = w.chainID(j.number(i))
		}
		chains = append(chains, c)
		t.follow(c, i)
		j.judgeChain(c)
	}
	j.linkRetries(chains)
	return chains
}

// chained reports whether an attempt is a hop of a chain.
func (j *judge) chained(i int) bool { return j.related.has(i) && j.relations[i].redirect != nil }

// follow adds a redirected attempt and the hops after it to a chain, and says
// how the chain ends.
func (t *trail) follow(c *Chain, i int) {
	seen, loops, byHost := map[string]bool{}, false, false
	for {
		a := t.j.attempt(i)
		if from := a.URL(); from != nil {
			if len(c.Hops) == 0 {
				c.URLs = append(c.URLs, t.text(from.String()))
			}
			seen[destinationOf(from)] = true
		}
		t.j.addHop(c, i, a, byHost)
		if a.Verdict != Redirected {
			c.End, c.Reason = endOf(a)
			break
		}
		to := t.leave(c, i, a)
		if to == nil {
			c.End, c.Reason = ChainNotFollowed, "the Location leads nowhere"
			break
		}
		next, ok := t.next[i]
		if !ok || next.kind == asked && t.j.chained(next.index) { // the latter if the capture has them in another order
			if c.End, c.Reason = t.lastHop(c, a, to); loops {
				c.End = ChainLoop
			}
			break
		}
		if next.kind == greeted {
			t.intoTLS(c, next)
			break
		}
		loops = loops || seen[destinationOf(to)]
		i, byHost = next.index, next.byHost
	}
	if c.Long > MaxHops {
		c.endLong(loops)
	}
}

// endLong says how a chain ends of which not all hops are kept.
func (c *Chain) endLong(loops bool) {
	c.Reason = joined(fmt.Sprintf("%d hops", c.Long), c.End.String(), c.Reason)
	if c.End = ChainTooLong; loops {
		c.End = ChainLoop
	}
}

// addHop makes an attempt the next hop.
func (j *judge) addHop(c *Chain, i int, t *Attempt, byHost bool) {
	c.Long++
	j.relation(i).redirect = &Redirect{Chain: c, Hop: c.Long}
	if c.Long > MaxHops {
		return
	}
	h := Hop{Attempt: j.number(i), URL: c.lastURL(), Client: t.Client(), Server: t.Server(), Stream: t.Conn.ID, Start: t.Start(), Ended: t.Close.At, ByHost: byHost}
	if m := t.Request; m != nil && m.Complete {
		h.Asked = m.Done
	}
	if m := t.Response; m != nil {
		h.Status = m.Head.Status
		if m.Complete {
			h.Answered = m.Done
		}
	}
	c.Hops = append(c.Hops, h)
}

// lastURL is what the next hop is to ask for, "" if that is not known.
func (c *Chain) lastURL() string {
	if len(c.URLs) == 0 {
		return ""
	}
	return c.URLs[len(c.URLs)-1]
}

// text returns a copy of a text that lies in no head. Most chains are repeated
// again and again: they have one copy, while there is room to remember it.
func (t *trail) text(s string) string {
	if c, ok := t.texts[s]; ok {
		return c
	}
	c := strings.Clone(s)
	if len(t.texts) < maxTexts {
		t.texts[c] = c
	}
	return c
}

// leave notes where a redirect leads, and returns it; nil if that makes no sense.
func (t *trail) leave(c *Chain, i int, a *Attempt) *url.URL {
	location, to := a.target()
	redirect := t.j.relation(i).redirect
	redirect.Location = t.text(location)
	if c.Long <= MaxHops {
		c.Hops[c.Long-1].Location = redirect.Location
	}
	if to != nil {
		t.j.noteAnswers(c, a, to)
		redirect.Target = t.text(to.String())
		if _, followed := t.next[i]; c.Long < MaxHops || c.Long == MaxHops && !followed {
			c.URLs = append(c.URLs, redirect.Target)
		}
	}
	return to
}

// intoTLS ends a chain whose next hop is a TLS connection.
func (t *trail) intoTLS(c *Chain, next follower) {
	s := &t.j.tls[next.index]
	if c.Long++; c.Long > MaxHops {
		c.End = ChainIntoTLS
		return
	}
	c.Hops = append(c.Hops, Hop{
		TLS: true, URL: c.lastURL(), Client: s.client, Server: s.server, Stream: s.stream, Start: s.first, Asked: s.done, Ended: s.end, ServerName: s.name, ByHost: next.byHost,
	})
	c.End = ChainIntoTLS
	if i, ok := t.j.indexOf(s.entry); ok {
		c.Hops[len(c.Hops)-1].Attempt = t.j.number(i)
		t.j.relation(i).redirect = &Redirect{Chain: c, Hop: c.Long}
		if a := t.j.attempt(i); a.Verdict == TLSFailed {
			c.TLSFailed, c.Reason = true, "the TLS handshake failed"
			return
		}
	}
	if took := time.Duration(s.end.Time - s.first.Time); s.end.Seen() && took < time.Duration(followWithin) {
		c.Reason = fmt.Sprintf("the %s closed the TLS connection after %s", s.by, DurationText(took))
	}
}

// endOf says how a chain ends whose last hop is no redirect.
func endOf(a *Attempt) (end ChainEnd, reason string) {
	switch a.Verdict {
	case OK, H2OK:
		return ChainUpgraded, ""
	case BadHandshake, AcceptMismatch, AcceptMissing:
		return ChainUpgraded, a.Verdict.String()
	case Rejected, H2Refused:
		return ChainRefused, ""
	case Indeterminate:
		return ChainOutOfCapture, a.Reason
	}
	return ChainUnanswered, a.Verdict.String()
}

// lastHop says how a chain ends whose target nobody was seen asking for.
func (t *trail) lastHop(c *Chain, a *Attempt, to *url.URL) (end ChainEnd, reason string) {
	after := t.j.last.Time - a.Response.Done.Time
	if i, ok := t.nameless[t.j.numbered(a.Number)]; ok {
		c.basis.add(t.j.tls[i].stream)
		return ChainOutOfCapture, fmt.Sprintf("tcp.stream %d may go on with it, inside TLS and without a server name", t.j.tls[i].stream)
	}
	if after < followWithin && (after < minAfterwards || a.Close.By != Client) && !t.asksAgain(a) {
		if after < 0 {
			return ChainOutOfCapture, "the capture ends at an earlier time than the redirect"
		}
		return ChainOutOfCapture, fmt.Sprintf("the capture ends %s after the redirect", DurationText(time.Duration(after)))
	}
	if r, ok := t.j.refused(a, to); ok {
		c.basis.add(r.stream)
	}
	end = ChainNotFollowed
	if from := a.URL(); from != nil && from.Scheme == "wss" && webSocketScheme(to.Scheme) == "ws" {
		end = ChainDowngraded
	}
	return end, joined(followedSoFar(c), whatClientDid(a), t.whatItTried(a, to))
}

// followedSoFar tells how many redirects a client followed that did not follow the
// last.
func followedSoFar(c *Chain) string {
	switch c.Long {
	case 1:
		return ""
	case 2:
		return "one redirect was followed, this one was not"
	}
	return fmt.Sprintf("%d redirects were followed, this one was not", c.Long-1)
}

// asksAgain reports whether the client was seen to ask for the same once more
// after the redirect, and to be redirected again.
func (t *trail) asksAgain(a *Attempt) bool {
	from := a.URL()
	return from != nil && t.again[errand{a.Client().Addr(), destinationOf(from)}] > t.j.numbered(a.Number)
}

// whatClientDid tells what became of the connection with the redirect.
func whatClientDid(t *Attempt) string {
	after := DurationText(time.Duration(t.Close.At.Time - t.Response.Done.Time))
	switch t.Close.How {
	case CloseFIN, CloseRST, CloseFrame:
		if t.Close.At.Frame < t.Response.Done.Frame {
			return fmt.Sprintf("the %s had closed before", t.Close.By)
		}
		return fmt.Sprintf("the %s closed after %s", t.Close.By, after)
	case NextUse:
		return fmt.Sprintf("the client used the connection for another request after %s", after)
	case StillOpen:
		return "the connection stayed open"
	}
	return ""
}

// whatItTried tells how far the client came on its way to the target.
func (t *trail) whatItTried(a *Attempt, to *url.URL) string {
	if r, ok := t.j.refused(a, to); ok {
		return fmt.Sprintf("%v refused the connection (frame %d)", r.server, r.refused.Frame)
	}
	return t.whatItLookedUp(a, to)
}

// whatItLookedUp tells what the client learnt of the target's name after the
// redirect, RFC 1035, Section 4.1.1.
func (t *trail) whatItLookedUp(a *Attempt, to *url.URL) string {
	const noSuchName = 3
	l, ok := t.j.lookedUp(a, to)
	switch {
	case !ok:
		return ""
	case l.RCode == noSuchName:
		return fmt.Sprintf("looked up %s, which does not exist (frame %d)", l.Name, l.At.Frame)
	case l.RCode != 0:
		return fmt.Sprintf("looked up %s in vain, response code %d (frame %d)", l.Name, l.RCode, l.At.Frame)
	case len(l.Addrs) == 0:
		return ""
	}
	return fmt.Sprintf("looked up %s, which is %s (frame %d)", l.Name, l.Addrs[0], l.At.Frame)
}

func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

// judgeChain says what is wrong with the redirects of a chain.
func (j *judge) judgeChain(c *Chain) {
	for hop, h := range c.Hops {
		if h.TLS {
			break
		}
		i := j.numbered(h.Attempt)
		t := j.attempt(i)
		before := len(t.Findings)
		if t.Verdict == Redirected {
			t.checkRedirect()
			j.checkPortal(t)
		}
		last := hop == len(c.Hops)-1
		if c.End == ChainLoop && last || hop == loopHops && t.Verdict == Redirected {
			t.find(RedirectLoop, strings.Join(c.URLs, " -> "), "an answer after a few hops")
		}
		if last && (c.End == ChainNotFollowed || c.End == ChainDowngraded) && t.Redirect.Target != "" {
			j.checkNotFollowed(t)
		}
		r := j.relation(i)
		r.chained = append(r.chained, t.Findings[before:]...)
	}
}

// pageOfNetwork matches what addresses of login pages inside a network have. Outside
// one they would prove nothing; see portal for the words that do.
var pageOfNetwork = regexp.MustCompile(`(?i)\b(portal|captive|hotspot|splash|guest|terms|welcome|wi-?fi|wlan|log-?in)\b`)

// checkPortal looks for a server of the public network that sends a client to
// a page of another site, inside its own: rather something between them does that.
func (j *judge) checkPortal(t *Attempt) {
	_, to := t.target()
	from := t.URL()
	if to == nil || from == nil || t.has(CaptivePortal) || site(from.Hostname()) == site(to.Hostname()) || inside(t.Server().Addr()) {
		return
	}
	if !pageOfNetwork.MatchString(to.Hostname()+to.Path) && !strings.Contains(to.RawQuery, from.Hostname()) {
		return
	}
	ip, err := netip.ParseAddr(to.Hostname())
	if l, ok := j.lookedUp(t, to); err != nil && ok && len(l.Addrs) > 0 {
		ip = l.Addrs[0]
	}
	if inside(ip) {
		t.find(CaptivePortal, fmt.Sprintf("%s, at %v", t.Redirect.Location, ip), "the server's own answer")
	}
}

// inside reports whether an address belongs to a network of its own (RFC 1918,
// RFC 4193).
func inside(ip netip.Addr) bool { return ip.IsValid() && ip.Unmap().IsPrivate() }

// checkNotFollowed says why a redirect leads nowhere.
func (j *judge) checkNotFollowed(t *Attempt) {
	_, to := t.target()
	if l, ok := j.lookedUp(t, to); ok && l.RCode != 0 {
		t.find(RedirectTargetUnknown, fmt.Sprintf("%s, response code %d in frame %d", l.Name, l.RCode, l.At.Frame), "an address")
		return
	}
	if r, ok := j.refused(t, to); ok {
		t.find(RedirectTargetRefuses, fmt.Sprintf("%v in frame %d", r.server, r.refused.Frame), "a SYN-ACK")
		return
	}
	if t.futile(to) {
		return
	}
	t.find(RedirectNotFollowed, t.Redirect.Location, "a request to it")
	if s := t.Response.Head.Status; s == 307 || s == 308 {
		t.find(RedirectStatusUnsupported, t.Response.Head.Line, "301 or 302 for clients that know no other")
	}
}

// lookedUp returns what the client learnt of the target's name after a redirect.
func (j *judge) lookedUp(t *Attempt, to *url.URL) (l Lookup, ok bool) {
	done, client := t.Response.Done.Time, t.Client().Addr()
	l, ok = j.a.names.Latest(client, strings.ToLower(to.Hostname()), done+followWithin)
	return l, ok && l.At.Time >= done && l.Client == client
}

// A retryKey tells which chains are the same.
type retryKey struct {
	client netip.Addr
	urls   string
	end    ChainEnd
}

// linkRetries finds the chains that a client ran into again. Of a chain that began
// with nobody knows what, nobody knows whether it is the same.
func (j *judge) linkRetries(chains []*Chain) {
	type run struct {
		first, last *Chain
		gaps        []int64
		beside      bool // some began before the one before was over
	}
	runs := map[retryKey]*run{}
	for _, c := range chains {
		if c.Hops[0].URL == "" {
			continue
		}
		key := retryKey{c.Hops[0].Client.Addr(), strings.Join(c.URLs, "\n"), c.End}
		r := runs[key]
		if r == nil {
			runs[key] = &run{first: c, last: c}
			continue
		}
		began, over := c.Hops[0].Start.Time, r.last.Hops[len(r.last.Hops)-1].Ended
		c.First, c.URLs = r.first, r.first.URLs
		r.first.Retries++
		r.gaps = append(r.gaps, began-r.last.Hops[0].Start.Time)
		r.beside = r.beside || !over.Seen() || over.Time > began
		r.last = c
	}
	for _, r := range runs {
		if c := r.first; c.Retries > 0 {
			slices.Sort(r.gaps)
			c.Every = time.Duration(r.gaps[len(r.gaps)/2])
			if c.Retries >= loopRetries && c.Every < loopPause && !r.beside && c.End != ChainUpgraded {
				j.addTightLoop(c)
			}
		}
	}
}

// addTightLoop tells of a client that repeats a redirected request without a
// pause.
func (j *judge) addTightLoop(c *Chain) {
	r := j.relation(j.numbered(c.Hops[0].Attempt))
	r.chained = append(r.chained, newFinding(RedirectLoop, Server, c.Hops[0].Answered.Frame, "Location",
		fmt.Sprintf("%s asked for %d times without a pause", c.URLs[0], c.Retries+1), "an answer after a few hops"))
}
