package report

import "github.com/wssniff/wssniff/analyze"

// A Brief is what one line tells of an attempt: masked, printable, and nothing
// longer than a cell of a table.
type Brief struct {
	Host  string // that was asked, without its port; "" if it is not known
	URL   string // what was asked for; "" if it is not known
	Code  string // the name of the finding that tells most about a failure; "" if there is none
	Cause string // its sentence, or else the reason of the verdict; "" if there is neither
}

// Briefs makes a Brief of each attempt that it is given. It is not for concurrent
// use.
type Briefs struct{ mask *masker }

// NewBriefs returns Briefs that mask as opt says; nil means the defaults.
func NewBriefs(opt *Options) *Briefs { return &Briefs{mask: newMasker(opt.orDefault())} }

// Of returns the Brief of an attempt, of which it keeps nothing.
func (b *Briefs) Of(a *analyze.Attempt) Brief {
	v := b.mask.veil(a)
	s := Brief{Host: v.host(a), URL: v.url(a)}
	if f, ok := leading(a); ok {
		s.Code, s.Cause = f.Code.String(), cellText(Message(v.finding(f)))
	} else if a.Reason != "" {
		s.Cause = cellText(v.text(a.Reason))
	}
	return s
}

// Host returns the Host of the Brief alone.
func (b *Briefs) Host(a *analyze.Attempt) string { return b.mask.veil(a).host(a) }

// host is a cell with the host that the attempt asked.
func (v *veil) host(a *analyze.Attempt) string {
	if a.OnlyTLS() {
		return cellText(v.text(a.TLS.ServerName))
	}
	host, _ := fieldOf(a.Request, "Host")
	return cellText(v.text(domainOf(host)))
}

// leading returns the finding that tells most about why an attempt failed: how a
// wrong Accept was made if that is known, else the first error.
func leading(a *analyze.Attempt) (lead analyze.Finding, ok bool) {
	for _, f := range a.Findings {
		switch {
		case a.Verdict == analyze.AcceptMismatch && analyze.AcceptBelongsToOtherFlow <= f.Code && f.Code <= analyze.AcceptEchoesKey:
			return f, true
		case f.Severity == analyze.Error && !ok:
			lead, ok = f, true
		}
	}
	return lead, ok
}
