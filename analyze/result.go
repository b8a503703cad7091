package analyze

import (
	"net/netip"

	"github.com/wssniff/wssniff/tlsdecrypt"
)

// A Result is everything that was found in a capture.
type Result struct {
	Attempts Attempts   // in the order of their requests' frames
	Upgrades []*Upgrade // to protocols other than WebSocket, in the same order
	Chains   []*Chain   // redirects, in the order of their first hops
	Names    *Names     // what DNS answers said
	Hosts    *Hosts     // what else was seen of hosts

	UnlistedUpgrades   int                       // those left out while the capture went on, beyond maxUpgrades
	Requests           int                       // HTTP/1 requests seen, attempts included
	TLSConns           int                       // connections that carry TLS, of those seen from their first byte
	SOCKSConns         int                       // connections to SOCKS proxies, of those seen from their first byte; what goes through is not read
	H2Conns            int                       // connections that carried HTTP/2
	H2Blind            int                       // of them, those with a direction whose header blocks could not be read, or not all
	H2Crowded          int                       // of these, those with a dynamic table of more than maxH2Table, or for which there was no room in maxH2Tables
	HTTPConns          int                       // connections that carried HTTP/1
	HeadsTooLarge      int                       // heads longer than Limits.Head, not read to their end
	Unpaired           int                       // requests not followed because more than Limits.Pipelined waited for their answers
	Unlisted           int                       // attempts left out because there were more than Limits.Attempts, or too many on one connection
	Unheld             int                       // times that a client sent more than Limits.Held before the answer to its upgrade
	Undecrypted        map[tlsdecrypt.Reason]int // TLS connections of which something was not decrypted, although there were keys
	UnreadCertificates int                       // certificates that there was no room for, each time that they were sent
	UnlistedTLS        int                       // TLS connections left out because there were more than maxSessions at once, or maxTLSKept in all
	UncomparedTLS      int                       // TLS connections that are compared with no others: they went to more than maxEndpoints names at addresses, or more than maxTLSOpaque may have been refused
	TLSNotListed       int                       // TLS connections that failed and were not asked for (see ConnectFailures)
	UnlistedNames      int                       // DNS answers left out because there were more than MaxLookups, or for want of other room
	UnlistedHosts      int                       // times that something was left out of Hosts because there were more than MaxHosts

	book *book
}

// A book writes down the histories of all attempts as they are shown, so that
// they are judged once.
type book struct {
	attempts  Attempts
	names     *Names
	histories *histories
	finished  bool
}

func newBook(all Attempts, names *Names, endpoints *endpoints) *book {
	return &book{attempts: all, names: names, histories: newHistories(endpoints)}
}

// at returns an attempt, which is written down if its turn has come.
func (b *book) at(i int) *Attempt {
	t := b.attempts.At(i)
	if i == b.histories.fed {
		b.histories.add(t)
	}
	return t
}

// finish writes down what was not shown yet.
func (b *book) finish() *histories {
	for h := b.histories; h.fed < b.attempts.Len(); {
		h.add(b.attempts.At(h.fed))
	}
	if !b.finished {
		b.finished = true
		b.histories.finish(b.attempts.At, b.names)
	}
	return b.histories
}

func (r *Result) histories() *histories {
	if r.book == nil { // the attempts are at hand
		r.book = newBook(r.Attempts, r.Names, &endpoints{})
	}
	return r.book.finish()
}

// Histories returns what the attempts of each client address show together, in
// the order of their first attempts: of all that were found, selected or not. It
// costs a judgement of each attempt that was not looked at yet.
func (r *Result) Histories() []*History { return r.histories().order }

// History returns that of a client; nil if it has none.
func (r *Result) History(client netip.Addr) *History { return r.histories().of(client) }

// Incidents returns what attempts of several clients show together, in order of
// time.
func (r *Result) Incidents() []Incident { return r.histories().incidents }

// UnlistedClients counts the attempts of clients that have no history, because
// there were more than MaxClients.
func (r *Result) UnlistedClients() int { return r.histories().others.Attempts }
