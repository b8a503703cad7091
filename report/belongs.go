package report

import "github.com/wssniff/wssniff/analyze"

// listedApart reports whether a section of its own shows the finding, so that
// the table of headers need not repeat it: the mismatches with their recipes,
// the redirects, the refusals.
func listedApart(a *analyze.Attempt, c analyze.Code) bool {
	switch {
	case c == analyze.AcceptMismatchCode || analyze.AcceptBelongsToOtherFlow <= c && c <= analyze.AcceptEchoesKey:
		return a.Verdict == analyze.AcceptMismatch
	case redirectCode(c):
		return a.Verdict == analyze.Redirected
	case c <= analyze.ResponseNotHTTP || c == analyze.ConnectTunnelRefused || c == analyze.RequestHeaderTooLarge || analyze.TCPRSTAfterRequest <= c && c <= analyze.HTTPRequestUnanswered:
		return refused(a)
	case analyze.H2ClassicUpgrade <= c && c <= analyze.H2GoAway:
		return refused(a)
	case tlsCode(c):
		return refused(a) || a.Verdict == analyze.Encrypted
	}
	return false
}

// refused reports whether the attempt got a final answer that is neither 101
// nor a redirect, or none.
func refused(a *analyze.Attempt) bool {
	return a.Verdict == analyze.Rejected || a.Verdict == analyze.NoResponse || a.Verdict == analyze.NotHTTP || a.Verdict == analyze.TLSFailed || a.Verdict == analyze.H2Refused
}

func tlsCode(c analyze.Code) bool {
	return analyze.PlainToTLSPort <= c && c <= analyze.TLSOpaqueLikelyUpgraded
}

// worth reports whether a finding is listed, not only counted: notes about
// attempts that worked are not.
func worth(a *analyze.Attempt, f analyze.Finding, all bool) bool {
	return all || !a.Verdict.Opened() && a.Verdict != analyze.Encrypted || f.Severity > analyze.Note
}
