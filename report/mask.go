package report

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// A masker hides secrets. What it leaves is ***(LEN,HASH): the secret's length
// in bytes and the first 24 bits of an HMAC-SHA-256, so that equal secrets stay
// recognisable. With the fixed key reports are reproducible and comparable, but
// a guess at a weak secret can be confirmed; Options.MaskKey prevents that.
type masker struct {
	show bool
	key  []byte
}

// defaultMaskKey is not secret; it only keeps the hashes apart from those of
// other tools.
const defaultMaskKey = "wssniff mask v1"

func newMasker(o *Options) *masker {
	m := &masker{show: o.ShowSecrets, key: o.MaskKey}
	if len(m.key) == 0 {
		m.key = []byte(defaultMaskKey)
	}
	return m
}

// secret returns what is printed in place of s.
func (m *masker) secret(s string) string {
	if m.show || s == "" {
		return s
	}
	h := hmac.New(sha256.New, m.key)
	h.Write([]byte(s))
	return fmt.Sprintf("***(%d,%x)", len(s), h.Sum(nil)[:3])
}

// field masks the value of a header field.
func (m *masker) field(name, value string) string {
	switch strings.ToLower(name) {
	case "authorization", "proxy-authorization":
		return m.credentials(value)
	case "cookie", "set-cookie":
		return m.cookies(value)
	case "sec-websocket-protocol":
		return m.protocolList(value)
	case "sec-websocket-key", "sec-websocket-accept":
		return value
	}
	if secretName(name) {
		return m.secret(value)
	}
	return m.text(value)
}

// credentials keeps the scheme of an Authorization value.
func (m *masker) credentials(value string) string {
	scheme, rest, ok := strings.Cut(value, " ")
	if !ok {
		return m.secret(value)
	}
	return scheme + " " + m.secret(strings.TrimLeft(rest, " "))
}

// cookies keeps the names of cookies, and the attributes of a Set-Cookie.
func (m *masker) cookies(value string) string {
	parts := strings.Split(value, ";")
	for i, p := range parts {
		name, v, ok := strings.Cut(p, "=")
		switch {
		case ok && !cookieAttributes[strings.ToLower(strings.TrimSpace(name))]:
			parts[i] = name + "=" + m.secret(v)
		case !ok && !cookieAttributes[strings.ToLower(strings.TrimSpace(p))]:
			parts[i] = m.secret(p)
		}
	}
	return strings.Join(parts, ";")
}

var cookieAttributes = map[string]bool{
	"": true, "path": true, "domain": true, "expires": true, "max-age": true,
	"samesite": true, "secure": true, "httponly": true, "partitioned": true,
}

// text masks what looks like a secret inside free text: a URL, a field of
// unknown name, the body of an answer.
func (m *masker) text(s string) string {
	if m.show || s == "" {
		return s
	}
	// Each pattern is tried only where a byte without which it cannot match is
	// there: most texts have none of them.
	if strings.Contains(s, ":") && strings.ContainsAny(s, "KkZz") {
		s = headerLine.ReplaceAllStringFunc(s, func(line string) string {
			name, value, _ := strings.Cut(line, ":")
			return name + ": " + m.secret(strings.TrimSpace(value))
		})
	}
	if strings.Contains(s, "=") {
		s = m.pairs(s)
	}
	if strings.Contains(s, `"`) {
		s = m.groups(jsonPair, s, func(g []string) string {
			if !secretName(g[1]) {
				return g[0]
			}
			return `"` + g[1] + `"` + g[2] + m.secret(g[3]) + `"`
		})
	}
	if strings.Contains(s, "@") {
		s = m.groups(userinfo, s, func(g []string) string { return "//" + m.secret(g[1]) + "@" })
	}
	if strings.ContainsAny(s, " \t\r\n\f") {
		s = m.groups(bearer, s, func(g []string) string { return g[1] + m.secret(g[2]) + g[3] })
	}
	if strings.Contains(s, "eyJ") {
		s = jwt.ReplaceAllStringFunc(s, m.secret)
	}
	return s
}

var (
	headerLine = regexp.MustCompile(`(?i)\b(?:proxy-)?(?:authorization|(?:set-)?cookie)[ \t]*:[^\r\n]*`)
	jsonPair   = regexp.MustCompile(`"([^"\\]{1,64})"(\s*:\s*")((?:[^"\\]|\\.)*)"?`)
	userinfo   = regexp.MustCompile(`//([^/?#\s]+)@`)
	bearer     = regexp.MustCompile(`(?i)(\b(?:bearer|basic|negotiate|ntlm)\s+)([A-Za-z0-9._~+/-]{8,}=*)(\s|,|$)`)
	jwt        = regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){0,3}`)
)

func (m *masker) groups(re *regexp.Regexp, s string, f func(g []string) string) string {
	return re.ReplaceAllStringFunc(s, func(match string) string { return f(re.FindStringSubmatch(match)) })
}

// pairs masks the values of name=value with a token-like name, wherever they
// stand: in a query, in a fragment, in matrix parameters. A value ends at & or
// #, white space, a quote or an angle bracket, not at a comma or semicolon:
// rather too much is hidden than a rest shown.
func (m *masker) pairs(s string) string {
	var b strings.Builder
	done, end := 0, 0
	hides := false // the segment that ends at end holds an encoded secret
	for i := 0; i < len(s); i++ {
		if s[i] != '=' {
			continue
		}
		if i >= end { // else the value ends where the one before does: look once only
			end = valueEnd(s, i+1)
			hides = nested(s[i+1 : end])
		}
		if !hides && !secretName(s[nameStart(s, done, i):i]) {
			continue
		}
		b.WriteString(s[done : i+1])
		b.WriteString(m.secret(s[i+1 : end]))
		done, i = end, end-1
	}
	return b.String() + s[done:]
}

func valueEnd(s string, from int) int {
	if n := strings.IndexAny(s[from:], "&# \t\r\n\"<>"); n >= 0 {
		return from + n
	}
	return len(s)
}

// nameStart returns where the name that ends before index end begins.
func nameStart(s string, from, end int) int {
	i := end
	for i > from && !strings.ContainsRune("?&;#/,:@!$'()*+ \t\r\n\"<>={}|\\^`", rune(s[i-1])) {
		i--
	}
	return i
}

// maxEncodings is how often a value may be percent-encoded and still be looked
// into.
const maxEncodings = 3

// nested reports whether a percent-encoded value holds a secret of its own, as
// the target of a login redirect does.
func nested(value string) bool {
	for range maxEncodings {
		plain, err := url.QueryUnescape(value)
		if err != nil || plain == value {
			return false
		}
		value = plain
		if len(urlSecrets(value)) > 0 || userinfo.MatchString(value) {
			return true
		}
	}
	return false
}

// secretName reports whether a parameter or field of this name holds a secret.
func secretName(name string) bool {
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	name = strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' || r == '[' || r == ']' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(name))
	for _, part := range secretParts {
		if strings.Contains(name, part) {
			return true
		}
	}
	return secretNames[name]
}

var secretParts = []string{
	"token", "secret", "passw", "apikey", "accesskey", "signature", "credential", "sessionid", "sessid", "jwt", "authoriz", "authkey",
}

var secretNames = map[string]bool{
	"auth": true, "key": true, "pass": true, "pwd": true, "pw": true, "sig": true, "sid": true, "session": true,
	"otp": true, "pin": true, "ticket": true, "hmac": true, "bearer": true, "assertion": true, "xauth": true,
}
