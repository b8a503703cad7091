package report

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// fieldOf returns the first value of a field and whether it is there.
func fieldOf(m *analyze.Message, name string) (string, bool) {
	if m == nil {
		return "", false
	}
	if fields := m.Head.Named(name); len(fields) > 0 {
		return fields[0].Value, true
	}
	return "", false
}

// itemsOf returns the items of all fields of a name.
func itemsOf(m *analyze.Message, name string) []string {
	items := []string{}
	for _, f := range m.Head.Named(name) {
		items = append(items, listItems(f.Value)...)
	}
	return items
}

// hostOf returns what the request was addressed to: Host or, if there is none, the
// target of the tunnel or the server's address.
func hostOf(a *analyze.Attempt) string {
	if host, ok := fieldOf(a.Request, "Host"); ok && host != "" {
		return host
	}
	return cmp.Or(a.Tunnel, a.Server().String())
}

// urlOf returns the URL that the request asked for, "" if it is not known, or if the
// target makes none: what a server reads into that is not said.
func urlOf(a *analyze.Attempt) string {
	if a.Request == nil || a.Request.Head.Target == "" {
		return ""
	}
	target := a.Request.Head.Target
	if strings.Contains(target, "://") && !strings.HasPrefix(target, "/") {
		return target
	}
	if a.Request.Head.Tunnels() {
		return scheme(a) + target
	}
	if !strings.HasPrefix(target, "/") {
		return ""
	}
	return scheme(a) + hostOf(a) + target
}

// scheme is that of a request in origin form, with what follows it.
func scheme(a *analyze.Attempt) string {
	if a.TLS != nil {
		return "wss://"
	}
	return "ws://"
}

// domainOf strips userinfo, port and brackets from an authority.
func domainOf(host string) string {
	host = host[strings.LastIndexByte(host, '@')+1:]
	if strings.HasPrefix(host, "[") {
		if ap, err := netip.ParseAddrPort(host); err == nil {
			return ap.Addr().String()
		}
		host, _, _ = strings.Cut(host[1:], "]")
		return host
	}
	if i := strings.IndexByte(host, ':'); i >= 0 && i == strings.LastIndexByte(host, ':') {
		return host[:i]
	}
	return host
}

// completeFrame returns the frame in which a head became complete; 0 if it never
// did.
func completeFrame(m *analyze.Message) int {
	if m == nil || !m.Complete {
		return 0
	}
	return m.Done.Frame
}

// requestFrame returns the frame in which the request, or the ClientHello, became
// complete; 0 if it never did.
func requestFrame(a *analyze.Attempt) int {
	if a.OnlyTLS() {
		return a.TLS.Asked.Frame
	}
	return completeFrame(a.Request)
}

// responseFrame does the same for the answer.
func responseFrame(a *analyze.Attempt) int {
	if a.OnlyTLS() {
		return a.TLS.Answered.Frame
	}
	return completeFrame(a.Response)
}

// stampOf returns where a head became complete, or broke off; not seen if it was
// not.
func stampOf(m *analyze.Message) flow.Stamp {
	if m == nil {
		return flow.Stamp{}
	}
	return m.Done
}

// framesText returns "request/response" in frame numbers, "-" for what was not
// seen.
func framesText(req, resp flow.Stamp) string {
	text := func(at flow.Stamp) string {
		if at.Seen() {
			return fmt.Sprint(at.Frame)
		}
		return "-"
	}
	return text(req) + "/" + text(resp)
}

// filterText returns the display filter that shows an attempt in Wireshark.
func filterText(a *analyze.Attempt) string {
	if a.H2 != nil {
		return fmt.Sprintf("%s and http2.streamid eq %d", streamFilter(a.Conn.ID), a.H2.Stream)
	}
	return streamFilter(a.Conn.ID)
}

func streamFilter(id int) string { return fmt.Sprintf("tcp.stream eq %d", id) }

// lasted returns the time from the last byte of the request to the end of the
// attempt.
func lasted(a *analyze.Attempt) (time.Duration, bool) {
	if a.Request == nil {
		return 0, false
	}
	return between(a.Request.Done, a.Close.At)
}

func between(from, to flow.Stamp) (time.Duration, bool) {
	if !from.Seen() || !to.Seen() {
		return 0, false
	}
	return time.Duration(to.Time - from.Time), true
}

func utc(s flow.Stamp) time.Time { return time.Unix(0, s.Time).UTC() }
