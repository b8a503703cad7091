package report

import (
	"github.com/wssniff/wssniff/analyze"
)

// chain writes the line of a redirect chain.
func (l *lines) chain(in *Input, c *analyze.Chain) error {
	x := account{veil: veil{masker: l.masker}}
	x.learnChain(in, c)
	l.line = l.chainLine(l.line[:0], &x, c)
	_, err := l.w.Write(l.line)
	return err
}

// learnChain takes note of the secrets in the heads and URLs of a chain.
func (v *veil) learnChain(in *Input, c *analyze.Chain) {
	if v.show {
		return
	}
	for _, h := range c.Hops {
		if h.Attempt > 0 {
			v.known = append(v.known, v.masker.veil(in.whole().Attempts.At(h.Attempt-1)).known...)
		}
	}
	for _, u := range c.URLs {
		v.known = longEnough(urlSecrets(v.known, u))
	}
}

func (l *lines) chainLine(dst []byte, x *account, c *analyze.Chain) []byte {
	first := &c.Hops[0]
	dst = append(dst, `{"record":"chain","@timestamp":"`...)
	dst = append(l.clock.appendTime(dst, first.Start.Time), `","event":{"kind":"event",`...)
	dst = endObject(appendWord(dst, `"outcome":`, chainOutcome(c)))
	dst = appendEnd(append(dst, `"client":{"ip":"`...), first.Client)
	dst = append(dst, l.observer...)
	dst = appendNumber(append(dst, `"websocket":{`...), `"schema":`, schemaVersion)
	dst = appendNumber(append(dst, `"chain":{`...), `"id":`, int64(c.ID))
	dst = appendFilled(x.appendChain(dst, c), `"reason":`, x.text(c.Reason))
	dst = append(dst, `"hops":[`...)
	for i := range c.Hops {
		dst = x.appendHop(dst, &c.Hops[i])
	}
	dst = endArray(dst)
	if c.Retries > 0 {
		dst = appendNumber(dst, `"retries":`, int64(c.Retries))
		dst = appendNumber(dst, `"retry_ns":`, c.Every.Nanoseconds())
	}
	if c.First != nil {
		dst = appendNumber(dst, `"retry_of":`, int64(c.First.ID))
	}
	dst = trimComma(endObject(endObject(dst)))
	return append(dst, '}', '\n')
}

// chainOutcome is event.outcome of the Elastic Common Schema.
func chainOutcome(c *analyze.Chain) string {
	opened, known := c.Outcome()
	switch {
	case !known:
		return "unknown"
	case opened:
		return "success"
	}
	return "failure"
}

func (x *account) appendHop(dst []byte, h *analyze.Hop) []byte {
	dst = x.appendFilled(append(dst, '{'), `"url":`, h.URL)
	if h.ByHost {
		dst = append(dst, `"joined_by":"host",`...)
		dst = appendEnd(append(dst, `"client":{"ip":"`...), h.Client)
	}
	dst = appendEnd(append(dst, `"server":{"ip":"`...), h.Server)
	if h.Stream >= 0 {
		dst = appendNumber(dst, `"tcp_stream":`, int64(h.Stream))
	}
	dst = appendPositive(dst, `"request_frame":`, int64(h.Asked.Frame))
	dst = appendPositive(dst, `"response_frame":`, int64(h.Answered.Frame))
	dst = appendPositive(dst, `"status":`, int64(h.Status))
	dst = x.appendFilled(dst, `"location":`, h.Location)
	return endObject(appendFilled(dst, `"tls_server_name":`, h.ServerName))
}
