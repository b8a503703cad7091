package report

import (
	"net/netip"

	"github.com/wssniff/wssniff/analyze"
)

// history writes the line of a client. Periods are its timeline; none: it is left
// out.
func (l *lines) history(in *Input, c *analyze.History, periods []analyze.Period) error {
	x := account{veil: veil{masker: l.masker}}
	h := in.Result.Hosts.Of(c.Addr)
	dst := append(l.line[:0], `{"record":"client","@timestamp":"`...)
	dst = append(l.clock.appendTime(dst, c.First.Time), `",`...)
	dst = appendString(append(dst, `"client":{`...), `"ip":`, c.Addr.Unmap().String())
	dst = appendWord(dst, `"mac":`, h.MAC.String())
	dst = endObject(x.appendFilled(dst, `"domain":`, h.Name))
	if len(c.Agents) > 0 {
		dst = endObject(x.appendText(append(dst, `"user_agent":{`...), `"original":`, c.Agents[0]))
	}
	dst = append(dst, l.observer...)
	dst = appendNumber(append(dst, `"websocket":{`...), `"schema":`, schemaVersion)
	dst = l.appendHistory(append(dst, `"client":{`...), &x, c)
	dst = l.appendChanges(dst, in, c)
	dst = l.appendPeriods(dst, periods)
	dst = trimComma(endObject(endObject(dst)))
	l.line = append(dst, '}', '\n')
	_, err := l.w.Write(l.line)
	return err
}

func (l *lines) appendHistory(dst []byte, x *account, c *analyze.History) []byte {
	dst = append(l.clock.appendTime(append(dst, `"last":"`...), c.Last.Time), `",`...)
	if len(c.Agents) > 1 {
		dst = append(dst, `"user_agents":[`...)
		for _, agent := range c.Agents {
			dst = x.appendText(dst, "", agent)
		}
		dst = endArray(dst)
	}
	dst = appendNumber(dst, `"attempts":`, int64(c.Attempts))
	dst = appendNumber(dst, `"established":`, int64(c.Opened))
	dst = append(dst, `"failed":{`...)
	for _, v := range analyze.Verdicts() {
		if n := c.Verdicts[v]; n > 0 && v.Failed() {
			dst = appendNumber(dst, `"`+v.String()+`":`, int64(n))
		}
	}
	dst = endObject(dst)
	dst = appendNumber(dst, `"failures":`, int64(c.Failed))
	dst = appendPositive(dst, `"indeterminate":`, int64(c.Verdicts[analyze.Indeterminate]))
	dst = append(dst, `"servers":[`...)
	for _, p := range c.Peers {
		dst = trimComma(appendEnd(append(dst, `{"ip":"`...), p.Server))
		dst = append(dst[:len(dst)-1], ',') // more members
		dst = appendNumber(dst, `"attempts":`, int64(p.Attempts))
		dst = endObject(appendNumber(dst, `"established":`, int64(p.Opened)))
	}
	dst = endArray(dst)
	dst = l.appendTimes(dst, &c.Times)
	if len(c.Causes) > 0 {
		dst = append(dst, `"causes":[`...)
		for _, cause := range c.Causes {
			dst = appendWord(append(dst, '{'), `"code":`, cause.Code.String())
			dst = endObject(appendNumber(dst, `"attempts":`, int64(cause.Count)))
		}
		dst = endArray(dst)
	}
	dst = appendWord(dst, `"fault":`, c.Fault.String())
	dst = appendRhythm(dst, &c.Rhythm)
	return appendLives(dst, &c.Lives)
}

func (l *lines) appendTimes(dst []byte, t *analyze.Times) []byte {
	dst = append(l.clock.appendTime(append(dst, `"over_time":{"from":"`...), t.From), `",`...)
	dst = appendNumber(dst, `"step_ns":`, t.Step.Nanoseconds())
	dst = append(dst, `"attempts":[`...)
	for i := range t.Len() {
		dst = appendNumber(dst, "", int64(t.Attempts[i]))
	}
	dst = append(endArray(dst), `"failed":[`...)
	for i := range t.Len() {
		dst = appendNumber(dst, "", int64(t.Failed[i]))
	}
	return endObject(endArray(dst))
}

func appendRhythm(dst []byte, r *analyze.Rhythm) []byte {
	if r.Waits == 0 {
		return dst
	}
	dst = appendWord(append(dst, `"rhythm":{`...), `"kind":`, r.Kind.String())
	dst = appendNumber(dst, `"waits":`, int64(r.Waits))
	dst = appendNumber(dst, `"median_ns":`, r.Median.Nanoseconds())
	if r.Kind == analyze.BackOff {
		dst = appendNumber(dst, `"from_ns":`, r.From.Nanoseconds())
		dst = appendNumber(dst, `"to_ns":`, r.To.Nanoseconds())
	}
	return endObject(appendWord(dst, `"like":`, r.Like))
}

func appendLives(dst []byte, l *analyze.Lives) []byte {
	if len(l.Ends) == 0 {
		return dst
	}
	dst = appendNumber(append(dst, `"lifetime":{`...), `"ended":`, int64(l.Ended))
	if l.Ended > 0 {
		dst = appendNumber(dst, `"shortest_ns":`, l.Shortest.Nanoseconds())
		dst = appendNumber(dst, `"median_ns":`, l.Median.Nanoseconds())
		dst = appendNumber(dst, `"longest_ns":`, l.Longest.Nanoseconds())
	}
	dst = append(dst, `"ends":[`...)
	for _, e := range l.Ends {
		dst = appendWord(append(dst, '{'), `"by":`, e.By.String())
		dst = appendWord(dst, `"how":`, e.How.String())
		if e.How == analyze.CloseFrame && e.Code >= 0 {
			dst = appendNumber(dst, `"code":`, int64(e.Code))
		}
		dst = endObject(appendNumber(dst, `"count":`, int64(e.Count)))
	}
	return endObject(endArray(dst))
}

// appendChanges appends what was different in failures right after a success.
func (l *lines) appendChanges(dst []byte, in *Input, c *analyze.History) []byte {
	dst = appendPositive(dst, `"breaks":`, int64(c.Breaks))
	if len(c.Changes) == 0 {
		return dst
	}
	dst = append(dst, `"changes":[`...)
	for i := range c.Changes {
		change := &c.Changes[i]
		v := veil{masker: l.masker}
		dst = append(dst, '{')
		for _, end := range [...]struct {
			label  string
			number int
		}{{`"last_success":{`, change.Good}, {`"first_failure":{`, change.Bad}} {
			a := in.whole().Attempts.At(end.number - 1)
			v.known = append(v.known, l.masker.veil(a).known...)
			dst = append(l.clock.appendTime(append(append(dst, end.label...), `"@timestamp":"`...), a.Start().Time), `",`...)
			dst = appendNumber(dst, `"tcp_stream":`, int64(a.Conn.ID))
			dst = appendPositive(dst, `"request_frame":`, int64(requestFrame(a)))
			dst = endObject(appendWord(dst, `"verdict":`, a.Verdict.String()))
		}
		dst = endObject(appendDifferences(dst, `"differences":[`, &v, change.Differences))
	}
	return endArray(dst)
}

func appendDifferences(dst []byte, label string, v *veil, list []analyze.Difference) []byte {
	dst = append(dst, label...)
	for _, d := range list {
		d = v.difference(d)
		dst = appendWord(append(dst, '{'), `"kind":`, d.Kind.String())
		dst = appendWord(dst, `"what":`, d.What)
		dst = appendFilled(dst, `"field":`, d.Field)
		if d.Kind != analyze.Added {
			dst = appendString(dst, `"before":`, d.Before)
		}
		if d.Kind != analyze.Removed {
			dst = appendString(dst, `"after":`, d.After)
		}
		dst = endObject(dst)
	}
	return endArray(dst)
}

// appendPeriods appends a timeline.
func (l *lines) appendPeriods(dst []byte, periods []analyze.Period) []byte {
	if len(periods) == 0 {
		return dst
	}
	dst = append(dst, `"timeline":[`...)
	for i := range periods {
		p := &periods[i]
		a := p.Example
		x := account{a: a, veil: veil{masker: l.masker}}
		x.read()
		dst = append(l.clock.appendTime(append(dst, `{"from":"`...), p.From.Time), `",`...)
		dst = append(l.clock.appendTime(append(dst, `"to":"`...), p.To.Time), `",`...)
		dst = appendNumber(dst, `"attempts":`, int64(p.Attempts))
		dst = appendWord(dst, `"verdict":`, a.Verdict.String())
		if a.Response != nil {
			dst = appendPositive(dst, `"status":`, int64(a.Response.Head.Status))
		}
		dst = appendEnd(append(dst, `"server":{"ip":"`...), a.Server())
		dst = x.appendFilled(dst, `"url":`, urlOf(a))
		if p.Attempts > 1 {
			dst = appendNumber(dst, `"every_ns":`, p.Every.Nanoseconds())
		}
		dst = append(dst, `"codes":[`...)
		for _, code := range p.Codes {
			dst = appendWord(dst, "", code.String())
		}
		dst = endArray(dst)
		dst = appendNumber(dst, `"tcp_stream":`, int64(a.Conn.ID))
		dst = endObject(appendPositive(dst, `"request_frame":`, int64(requestFrame(a))))
	}
	return endArray(dst)
}

// incident writes the line of an incident.
func (l *lines) incident(i *analyze.Incident) error {
	x := account{veil: veil{masker: l.masker}}
	dst := append(l.line[:0], `{"record":"incident",`...)
	if i.From != 0 {
		dst = append(l.clock.appendTime(append(dst, `"@timestamp":"`...), i.From), `",`...)
	}
	if i.Client.IsValid() {
		dst = endObject(appendString(append(dst, `"client":{`...), `"ip":`, i.Client.Unmap().String()))
	}
	if i.Server != (netip.AddrPort{}) {
		dst = appendEnd(append(dst, `"server":{"ip":"`...), i.Server)
	}
	dst = append(dst, l.observer...)
	dst = appendNumber(append(dst, `"websocket":{`...), `"schema":`, schemaVersion)
	dst = append(dst, `"incident":{`...)
	if i.From != 0 {
		dst = append(l.clock.appendTime(append(dst, `"until":"`...), i.To), `",`...)
	}
	dst = appendNumber(dst, `"attempts":`, int64(i.Attempts))
	dst = appendNumber(dst, `"clients":`, int64(i.Clients))
	dst = l.texts.appendFinding(append(dst, `"finding":`...), &x, &i.Finding)
	dst = trimComma(endObject(endObject(dst)))
	l.line = append(dst, '}', '\n')
	_, err := l.w.Write(l.line)
	return err
}

// appendPassage appends what a proxy made of the attempt.
func (x *account) appendPassage(dst []byte) []byte {
	p := x.a.Passage
	if p == nil {
		return dst
	}
	v := x.withDifferences(p.Request, p.Response)
	dst = appendWord(append(dst, `"proxy":{`...), `"side":`, p.Side.String())
	dst = appendNumber(dst, `"tcp_stream":`, int64(p.Stream))
	dst = appendTrue(dst, `"guess":true,`, p.Guess)
	dst = appendNumber(dst, `"forwarded_ns":`, p.Forwarded.Nanoseconds())
	dst = appendDifferences(dst, `"request":[`, v, p.Request)
	if p.Answered {
		dst = appendNumber(dst, `"returned_ns":`, p.Returned.Nanoseconds())
		dst = appendDifferences(dst, `"response":[`, v, p.Response)
	}
	return endObject(dst)
}
