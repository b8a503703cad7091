package analyze

import (
	"strconv"
	"strings"
)

// An extension is one member of a Sec-WebSocket-Extensions list, RFC 6455,
// Section 9.1.
type extension struct {
	name   string
	params []param
}

type param struct {
	name, value string
	valued      bool // there is an equals sign
}

// parseExtensions takes a list of extensions apart and reports whether it is
// well formed. Quoted values lose their quotes; commas and semicolons inside
// them are not expected, as RFC 6455 wants a token there anyway.
func parseExtensions(list string) (offers []extension, ok bool) {
	ok = true
	for member := range strings.SplitSeq(list, ",") {
		parts := strings.Split(member, ";")
		e := extension{name: strings.Trim(parts[0], " \t")}
		ok = ok && isToken(e.name)
		for _, part := range parts[1:] {
			name, value, valued := strings.Cut(strings.Trim(part, " \t"), "=")
			value = strings.Trim(value, `"`)
			ok = ok && isToken(name) && (!valued || isToken(value))
			e.params = append(e.params, param{strings.ToLower(name), value, valued})
		}
		offers = append(offers, e)
	}
	return offers, ok
}

// get returns a parameter of the extension.
func (e *extension) get(name string) (param, bool) {
	for _, p := range e.params {
		if p.name == name {
			return p, true
		}
	}
	return param{}, false
}

// badParam names a parameter of permessage-deflate that RFC 7692, Section 7.1
// does not allow, in an offer or in an answer; "" if there is none.
func (e *extension) badParam(offer bool) string {
	if e.name != "permessage-deflate" {
		return ""
	}
	seen := map[string]bool{}
	for _, p := range e.params {
		if seen[p.name] || !p.allowed(offer) {
			return p.String()
		}
		seen[p.name] = true
	}
	return ""
}

func (p param) allowed(offer bool) bool {
	switch p.name {
	case "server_no_context_takeover", "client_no_context_takeover":
		return !p.valued
	case "server_max_window_bits":
		return p.valued && windowBits(p.value) > 0
	case "client_max_window_bits": // an offer may leave the value to the server
		return offer && !p.valued || p.valued && windowBits(p.value) > 0
	}
	return false
}

func (p param) String() string {
	if !p.valued {
		return p.name
	}
	return p.name + "=" + p.value
}

// windowBits returns a value from 8 to 15 without leading zeros, or 0.
func windowBits(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 8 || n > 15 || s[0] == '0' || s[0] == '+' {
		return 0
	}
	return n
}

// misfit says what in an answered permessage-deflate does not fit the offer, and
// what would, RFC 7692, Section 7.1; "" if everything fits.
func (e *extension) misfit(offer *extension) (got, want string) {
	if e.name != "permessage-deflate" {
		return "", ""
	}
	for _, p := range e.params {
		asked, ok := offer.get(p.name)
		switch {
		case p.name == "client_max_window_bits" && !ok:
			return p.String(), "no such parameter, as it was not offered"
		case strings.HasSuffix(p.name, "_max_window_bits") && ok && asked.valued && windowBits(p.value) > windowBits(asked.value):
			return p.String(), asked.String() + " or less"
		}
	}
	for _, p := range offer.params {
		if _, ok := e.get(p.name); !ok && p.binds() {
			return "no " + p.name, p.String()
		}
	}
	return "", ""
}

// binds reports whether a parameter of an offer has to be in an answer that
// accepts it, RFC 7692, Sections 7.1.1.1 and 7.1.2.1. What the client says of
// itself does not.
func (p param) binds() bool {
	return strings.HasPrefix(p.name, "server_") && p.allowed(true)
}
