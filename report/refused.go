package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/wssniff/wssniff/analyze"
)

// refusals lists the attempts that got a final answer other than 101 or a
// redirect, or none.
func refusals() *section {
	return exchangeSection("Refused and unanswered", "answer",
		column{name: "answer", min: 14}, column{name: "after"}, column{name: "from", min: 14}, column{name: "body", min: 20},
		column{name: "ended by", min: 12}, column{name: "cause", min: 20})
}

func (p *page) addRefusal(a *analyze.Attempt) {
	answer, after := p.answer(a)
	p.addAttempt(p.refused, a, answer, after, p.answerer(a), p.body(a), endText(a), p.refusalCause(a))
}

// answer says what came back, and after how long.
func (p *page) answer(a *analyze.Attempt) (answer, after string) {
	d, known := a.Waited()
	switch {
	case a.OnlyTLS():
		return tlsAnswer(a)
	case a.Verdict == analyze.NoResponse:
		answer = "none"
		d, known = lasted(a)
	case a.Verdict == analyze.H2Refused && a.Response == nil:
		answer = h2Answer(a.H2)
		d, known = lasted(a)
	case a.Verdict == analyze.NotHTTP || a.Response == nil:
		answer = "not HTTP"
	default:
		answer = strings.TrimSpace(fmt.Sprintf("%d %s", a.Response.Head.Status, p.text(a, a.Response.Head.Phrase)))
	}
	if known {
		after = analyze.DurationText(d)
	}
	return answer, after
}

// h2Answer says how a stream was refused without an answer.
func h2Answer(x *analyze.H2) string {
	if e := x.Ends[1]; e.Error {
		return "RST_STREAM " + e.Reason()
	}
	return "GOAWAY " + x.GoAway.Reason()
}

// answerer names the programs that say they made or passed on the answer.
func (p *page) answerer(a *analyze.Attempt) string {
	var names []string
	for _, field := range []string{"Server", "Via", "CF-RAY", "X-Squid-Error", "X-Amzn-Errortype"} {
		if value, ok := fieldOf(a.Response, field); ok && value != "" {
			if field != "Server" {
				value = field + " " + value
			}
			names = append(names, p.text(a, value))
		}
	}
	return strings.Join(names, ", ")
}

// body is the beginning of the answer's body in one line, without HTML tags.
func (p *page) body(a *analyze.Attempt) string {
	if a.Response == nil {
		return ""
	}
	text := p.veil(a).text(a.Response.Body) // its tags name secrets
	if strings.HasPrefix(strings.TrimSpace(text), "<") {
		text = tag.ReplaceAllString(text, " ")
	}
	return cellText(strings.Join(strings.Fields(text), " "))
}

var tag = regexp.MustCompile(`<[^<>]*(?:>|$)`)

// endText says who ended the connection and by what.
func endText(a *analyze.Attempt) string {
	if a.Close.By == analyze.NoSide {
		return a.Close.How.String()
	}
	return a.Close.By.String() + " (" + a.Close.How.String() + ")"
}

// refusalCause joins the sentences about the refusal, else the reason.
func (p *page) refusalCause(a *analyze.Attempt) string {
	var causes []string
	for _, f := range a.Findings {
		if listedApart(a, f.Code) {
			causes = append(causes, Message(p.veil(a).finding(f)))
		}
	}
	if names := mistakes(a); names != nil {
		causes = append(causes, "see "+strings.Join(names, ", "))
	}
	if a.Verdict == analyze.NoResponse {
		causes = append(causes, arrival(a))
	}
	if a.Reason != "" {
		causes = append(causes, p.veil(a).text(a.Reason))
	}
	return cellText(strings.Join(causes, "; "))
}

// mistakes names what is wrong with a request that the server calls malformed, too
// slow or of an unknown version.
func mistakes(a *analyze.Attempt) (names []string) {
	if a.Response == nil || !slices.Contains([]int{400, 408, 505}, a.Response.Head.Status) {
		return nil
	}
	for _, f := range a.Findings {
		if name := f.Code.String(); f.Side == analyze.Client && f.Severity >= analyze.Warning && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// arrival says whether a request without an answer arrived.
func arrival(a *analyze.Attempt) string {
	if a.Conn.Acked[a.ClientDir] {
		return "the request was acknowledged"
	}
	return "the request was not seen to be acknowledged"
}
