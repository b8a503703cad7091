package report

import (
	"regexp"
	"slices"
	"strings"
)

// protocols masks the sub-protocols that carry a token, as browsers do it that
// cannot send Authorization: what follows a word such as bearer in the list,
// what follows .bearer. or api-key. in a name, and what looks like a token by
// itself.
func (m *masker) protocols(list []string) []string {
	masked := make([]string, len(list))
	after := false
	for i, p := range list {
		switch prefix := tokenPrefix.FindString(p); {
		case after && p != "":
			masked[i] = m.secret(p)
		case prefix != "" && len(p)-len(prefix) >= minKnown:
			masked[i] = prefix + m.secret(p[len(prefix):])
		case tokenLike(p):
			masked[i] = m.secret(p)
		default:
			masked[i] = m.text(p)
		}
		after = tokenWord.MatchString(p)
	}
	return masked
}

// protocolList masks a Sec-WebSocket-Protocol value, and keeps it as it is if
// there is nothing to mask.
func (m *masker) protocolList(value string) string {
	if plainProtocols(value) {
		return value
	}
	list := listItems(value)
	masked := m.protocols(list)
	if slices.Equal(list, masked) {
		return value
	}
	return strings.Join(masked, ", ")
}

var (
	tokenWord   = regexp.MustCompile(`(?i)^(?:bearer|basic|jwt|auth|authorization|x-authorization|(?:access|auth|id)?[-_.]?token|api[-_.]?key|authentication)$`)
	tokenPrefix = regexp.MustCompile(`(?i)^(?:bearer|token|jwt|auth|authorization|.*?(?:\.bearer(?:\.authorization\.k8s\.io)?|api[-_]?key|[-_.](?:token|jwt|auth)))[.:=~-]`)
	uuid        = regexp.MustCompile(`(?i)^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

const (
	minTokenLike = 20 // the least length of a token in letters and digits
	uuidLen      = 36
)

// tokenLike reports whether a sub-protocol is a token by its looks. Registered
// names are words joined by dots and dashes; none has 20 letters and digits in
// a row.
func tokenLike(p string) bool {
	if jwt.MatchString(p) || uuid.MatchString(p) {
		return true
	}
	for _, part := range strings.FieldsFunc(p, func(r rune) bool { return r == '.' || r == '-' }) {
		if len(part) >= minTokenLike && strings.ContainsAny(part, "0123456789") && strings.ContainsAny(strings.ToLower(part), "abcdefghijklmnopqrstuvwxyz") {
			return true
		}
	}
	return false
}

// listItems splits a comma-separated field value, RFC 9110, Section 5.6.1.
// Commas in quotes do not split.
func listItems(value string) []string {
	items := []string{}
	for value != "" {
		var item string
		if item, value = nextItem(value); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// nextItem returns the first item of a list, "" if it is empty, and what follows
// its comma.
func nextItem(value string) (item, rest string) {
	end := strings.IndexByte(value, ',')
	if end < 0 {
		return trimOWS(value), ""
	}
	if strings.IndexByte(value[:end], '"') >= 0 {
		end = unquotedComma(value)
	}
	return trimOWS(value[:end]), value[min(end+1, len(value)):]
}

// unquotedComma returns the index of the first comma that is not in quotes, or
// the length of the list if there is none.
func unquotedComma(list string) int {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch {
		case quoted && list[i] == '\\':
			i++
		case list[i] == '"':
			quoted = !quoted
		case list[i] == ',' && !quoted:
			return i
		}
	}
	return len(list)
}

// trimOWS takes the optional white space of RFC 9110, Section 5.6.3 away.
func trimOWS(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	return trimRightOWS(s)
}

func trimRightOWS(s string) string {
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}
