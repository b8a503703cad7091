package report

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
	"net/url"
	"regexp"
	"strings"
)

// A masker hides secrets. What it leaves is ***(LEN,HASH): the secret's length
// in bytes and the first 24 bits of an HMAC-SHA-256, so that equal secrets stay
// recognisable. With the fixed key reports are reproducible and comparable, but
// a guess at a weak secret can be confirmed; Options.MaskKey prevents that.
type masker struct {
	show   bool
	mac    hash.Hash
	recent [4]masking // the same secret comes up several times in an attempt
	oldest int        // of recent
}

// A masking is a secret and what is printed in its place.
type masking struct{ secret, mask string }

// defaultMaskKey is not secret; it only keeps the hashes apart from those of
// other tools.
const defaultMaskKey = "wssniff mask v1"

func newMasker(o *Options) *masker {
	key := o.MaskKey
	if len(key) == 0 {
		key = []byte(defaultMaskKey)
	}
	return &masker{show: o.ShowSecrets, mac: hmac.New(sha256.New, key)}
}

// secret returns what is printed in place of s.
func (m *masker) secret(s string) string {
	if m.show || s == "" {
		return s
	}
	for i := range m.recent {
		if m.recent[i].secret == s {
			return m.recent[i].mask
		}
	}
	m.mac.Reset()
	m.mac.Write([]byte(s))
	mask := fmt.Sprintf("***(%d,%x)", len(s), m.mac.Sum(nil)[:3])
	m.recent[m.oldest] = masking{s, mask}
	m.oldest = (m.oldest + 1) % len(m.recent)
	return mask
}

// field masks the value of a header field.
func (m *masker) field(kind fieldName, value string) string {
	switch kind {
	case nameAuthorization:
		return m.credentials(value)
	case nameCookie:
		return m.cookies(value)
	case nameProtocol:
		return m.protocolList(value)
	case nameKey, nameAccept:
		return value
	case nameSecret:
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
	c := classOf(s)
	if m.show || c&marks == 0 {
		return s
	}
	// Each pattern is tried only where something without which it cannot match
	// is there: most texts have none of them. What masks put in is of no class.
	if c&colon != 0 && mayHaveHeader(s) {
		s = headerLine.ReplaceAllStringFunc(s, func(line string) string {
			name, value, _ := strings.Cut(line, ":")
			return name + ": " + m.secret(strings.TrimSpace(value))
		})
	}
	if c&equals != 0 {
		s = m.pairs(s)
	}
	if c&quote != 0 && c&colon != 0 {
		s = m.each(members, s)
	}
	if c&less != 0 {
		s = m.each(markup, s)
	}
	if c&at != 0 {
		s = m.groups(userinfo, s, func(g []string) string { return "//" + m.secret(g[1]) + "@" })
	}
	if c&space != 0 && mayHaveCredentials(s) {
		s = m.groups(bearer, s, func(g []string) string { return g[1] + m.secret(g[2]) + g[3] })
	}
	if c&capitalJ != 0 && strings.Contains(s, "eyJ") {
		s = jwt.ReplaceAllStringFunc(s, m.secret)
	}
	if mayHaveNamed(s) {
		s = m.each(named, s)
	}
	return s
}

var (
	headerLine = regexp.MustCompile(`(?i)\b(?:proxy-)?(?:authorization|(?:set-)?cookie)[ \t]*:[^\r\n]*`)
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
// rather too much is hidden than a rest shown. One in quotes ends with them.
func (m *masker) pairs(s string) string {
	var b strings.Builder // stays empty if there is nothing to hide
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
		name := nameStart(s, done, i)
		naming := namingOf(s[name:i])
		if naming == innocent && !hides {
			continue
		}
		start, to := i+1, end
		if from, till := quotedValue(s, start); from < till {
			start, to = from, till
		}
		if !hides && !naming.hides(s[start:to], name > 0 && edges[s[name-1]]&partsURL != 0) {
			continue
		}
		b.WriteString(s[done:start])
		b.WriteString(m.secret(s[start:to]))
		done, i, end = to, to-1, to
	}
	if done == 0 {
		return s
	}
	return b.String() + s[done:]
}

// valueEnd returns where the value that begins at index from ends.
func valueEnd(s string, from int) int {
	for i := from; i < len(s); i++ {
		if edges[s[i]]&endsValue != 0 {
			return i
		}
	}
	return len(s)
}

// quotedValue returns where the inside of the quotes is that open at index i, with or
// without backslashes before them. They close in the same line.
func quotedValue(s string, i int) (start, end int) {
	for i < len(s) && s[i] == '\\' {
		i++
	}
	if i == len(s) || s[i] != '"' {
		return i, i
	}
	start, end = i+1, len(s)
	if n := strings.IndexAny(s[start:], "\"\r\n"); n >= 0 {
		end = start + n
	}
	return start, max(start, end-backslashes(s[:end]))
}

// nameStart returns where the name that ends before index end begins.
func nameStart(s string, from, end int) int {
	i := end
	for i > from && edges[s[i-1]]&startsName == 0 {
		i--
	}
	return i
}

// edges has the bytes that stand around names and values.
var edges = func() (e [256]uint8) {
	for _, b := range []byte("&# \t\r\n\"<>") {
		e[b] = endsValue | startsName
	}
	for _, b := range []byte("?;/,:@!$'()*+={}|\\^`") {
		e[b] = startsName
	}
	for _, b := range []byte("?&;#") {
		e[b] |= partsURL
	}
	return e
}()

const (
	endsValue  = 1 << iota
	startsName // of a pair in any text
	partsURL
)

// maxEncodings is how often a value may be percent-encoded and still be looked
// into.
const maxEncodings = 3

// nested reports whether a percent-encoded value holds a secret of its own, as
// the target of a login redirect does.
func nested(value string) bool {
	if strings.IndexByte(value, '%') < 0 && strings.IndexByte(value, '+') < 0 {
		return false
	}
	for range maxEncodings {
		plain, err := url.QueryUnescape(value)
		if err != nil || plain == value {
			return false
		}
		value = plain
		if holdsSecret(value) {
			return true
		}
	}
	return false
}

// holdsSecret reports whether a decoded value has a secret.
func holdsSecret(value string) bool {
	member, _ := members(value, 0)
	return member >= 0 || len(urlSecrets(nil, value)) > 0 || userinfo.MatchString(value)
}
