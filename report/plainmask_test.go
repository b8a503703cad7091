package report

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/analyze"
)

// FuzzMask holds what is masked against what the patterns alone would mask.
func FuzzMask(f *testing.F) {
	for _, s := range []string{
		"/ws?token=abc&a=b+c", "/l?next=%252Fws%253Ftoken%253Dabc", "//u:p@h", "Bearer abcdefgh1234", "NTLM abcdefgh", "negotiate\tabcdefgh", "BASIC abcdefgh", "Ba\u017fic abcdefgh1234, x",
		`{"api_key" : "x\"y"}`, "coo\u212aie : a=b", "Proxy-Authorization:x", "eyJhbGciOiJI.eyJzdWIi", "mqtt, bearer, abc", "a.bearer.abcdefgh",
		"12345678-1234-1234-1234-123456789abc", "abcdefghij0123456789, b", `x; y="a,b", c`, "to-k_e.n", "%74oken", "se\u017fsionid", "\xff\x00\x85",
		"abcdefghij0123456789.b", "to\u212aen", strings.Repeat("x", 70) + "token", "pw=abcdef", "pw=a", "/?a=x;to+ken=abcdef",
		"apikey", "accesskey", "signature", "credential", "jwt", "authorize", "authkey", "passwd", "secret", "sessid", "xauth", "pin", "a;pw=abcdef",
		"ntlm", "x-authorization, abc", "api_key, abc", "basic, abc", "jwt, abc", "k.token.abcdef", "Sec-WebSocket-Protocol", "sec-websocket-\u212aey", "Cookie", "x-api-key", "Access-Control-Allow-Credentials",
	} {
		f.Add(s, s)
	}
	quick := newMasker(&Options{})
	plain := newPlainMasker(&Options{})
	f.Fuzz(func(t *testing.T, name, value string) {
		if got, want := quick.text(value), plain.text(value); got != want {
			t.Errorf("text: got %q, want %q", got, want)
		}
		if got, want := namingOf(name), plainNamingOf(name); got != want {
			t.Errorf("namingOf: got %v, want %v", got, want)
		}
		list := plainListItems(value)
		if got := listItems(value); !slices.Equal(got, list) {
			t.Errorf("listItems: got %q, want %q", got, list)
		}
		if got, want := quick.protocols(list), plain.protocols(list); !slices.Equal(got, want) {
			t.Errorf("protocols: got %q, want %q", got, want)
		}
		for _, n := range []string{name, "Cookie", "Sec-WebSocket-Protocol", ""} {
			if got, want := quick.field(kindOf(n), value), plain.field(n, value); got != want {
				t.Errorf("field %q: got %q, want %q", n, got, want)
			}
			v := &veil{masker: quick}
			v.learn(kindOf(n), value)
			short := func(s string) bool { return len(s) < minKnown }
			got := slices.DeleteFunc(v.known, short)
			want := slices.DeleteFunc(plainFieldSecrets(plain, analyze.Field{Name: n, Value: value}), short)
			if !slices.Equal(got, want) {
				t.Errorf("secrets of %q: got %q, want %q", n, got, want)
			}
		}
	})
}

// A plainVeil is a veil that makes its replacer at once.
type plainVeil struct {
	*plainMasker
	known *strings.Replacer // nil: none
}

func (m *plainMasker) veil(a *analyze.Attempt) *plainVeil {
	v := &plainVeil{plainMasker: m}
	if m.show {
		return v
	}
	var found []string
	for _, msg := range []*analyze.Message{a.Request, a.Response} {
		if msg == nil {
			continue
		}
		for _, f := range msg.Head.Fields {
			found = append(found, plainFieldSecrets(m, f)...)
		}
	}
	if a.Request != nil {
		found = append(found, plainURLSecrets(a.Request.Head.Target)...)
		found = pathSecrets(found, a.Request.Head.Target)
	}
	v.know(found)
	return v
}

func (v *plainVeil) know(secrets []string) {
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, s := range slices.Compact(secrets) {
		if len(s) >= minKnown {
			pairs = append(pairs, s, v.secret(s))
		}
	}
	if pairs != nil {
		v.known = strings.NewReplacer(pairs...)
	}
}

func plainFieldSecrets(m *plainMasker, f analyze.Field) []string {
	switch name := strings.ToLower(f.Name); name {
	case "authorization", "proxy-authorization":
		_, credentials, _ := strings.Cut(f.Value, " ")
		return []string{strings.TrimLeft(credentials, " "), f.Value}
	case "cookie", "set-cookie":
		return cookieValues(nil, f.Value)
	case "sec-websocket-protocol":
		return plainProtocolSecrets(m, f.Value)
	case "sec-websocket-key", "sec-websocket-accept":
		return nil
	default:
		if plainSecretName(name) {
			return []string{f.Value}
		}
		return plainURLSecrets(f.Value)
	}
}

func plainProtocolSecrets(m *plainMasker, value string) []string {
	var found []string
	list := plainListItems(value)
	for i, p := range m.protocols(list) {
		if p != list[i] {
			found = append(found, list[i])
		}
	}
	return found
}

func plainURLSecrets(s string) []string {
	var found []string
	for i, p := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("?&;#", r) }) {
		inURL := i > 0 || !strings.HasPrefix(s, p)
		if name, value, ok := strings.Cut(p, "="); ok && plainNamingOf(name).hides(value, inURL) {
			found = append(found, value)
		}
	}
	return found
}

func (v *plainVeil) text(s string) string { return v.hide(v.plainMasker.text(s)) }

func (v *plainVeil) field(name, value string) string { return v.hide(v.plainMasker.field(name, value)) }

func (v *plainVeil) list(protocols []string) []string {
	masked := v.protocols(protocols)
	for i := range masked {
		masked[i] = v.hide(masked[i])
	}
	return masked
}

func (v *plainVeil) authority(s string) string {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		return v.secret(s[:i]) + s[i:]
	}
	return v.hide(s)
}

func (v *plainVeil) hide(s string) string {
	if v.known == nil {
		return s
	}
	return v.known.Replace(s)
}

func (v *plainVeil) finding(f analyze.Finding) analyze.Finding {
	f.Got, f.Want = v.field(f.Field, f.Got), v.field(f.Field, f.Want)
	return f
}

// A plainMasker masks as masker does, but tries every pattern on every text.
type plainMasker struct{ *masker }

func newPlainMasker(o *Options) *plainMasker { return &plainMasker{newMasker(o)} }

func (m *plainMasker) field(name, value string) string {
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
	if plainSecretName(name) {
		return m.secret(value)
	}
	return m.text(value)
}

func (m *plainMasker) text(s string) string {
	if m.show {
		return s
	}
	apart := classOf(s)&marks != 0 // else a name and what follows it are not told apart
	s = headerLine.ReplaceAllStringFunc(s, func(line string) string {
		name, value, _ := strings.Cut(line, ":")
		return name + ": " + m.secret(strings.TrimSpace(value))
	})
	s = m.pairs(s)
	s = m.each(members, s)
	s = m.each(markup, s)
	s = m.groups(userinfo, s, func(g []string) string { return "//" + m.secret(g[1]) + "@" })
	s = m.groups(bearer, s, func(g []string) string { return g[1] + m.secret(g[2]) + g[3] })
	if s = jwt.ReplaceAllStringFunc(s, m.secret); apart && mayHaveNamed(s) {
		s = m.each(named, s)
	}
	return s
}

func (m *plainMasker) pairs(s string) string {
	var b strings.Builder
	done, end := 0, 0
	hides := false // the segment that ends at end holds an encoded secret
	for i := 0; i < len(s); i++ {
		if s[i] != '=' {
			continue
		}
		if i >= end { // else the value ends where the one before does: look once only
			end = plainValueEnd(s, i+1)
			hides = plainNested(s[i+1 : end])
		}
		start, to, name := i+1, end, plainNameStart(s, done, i)
		if g := plainQuoted.FindStringSubmatchIndex(s[start:]); g != nil {
			start, to = start+g[2], start+g[3]
		}
		if !hides && !plainNamingOf(s[name:i]).hides(s[start:to], name > 0 && strings.IndexByte("?&;#", s[name-1]) >= 0) {
			continue
		}
		b.WriteString(s[done:start])
		b.WriteString(m.secret(s[start:to]))
		done, i, end = to, to-1, to
	}
	return b.String() + s[done:]
}

var plainQuoted = regexp.MustCompile(`^\\*"([^"\r\n]*[^"\r\n\\])`)

func plainValueEnd(s string, from int) int {
	if n := strings.IndexAny(s[from:], "&# \t\r\n\"<>"); n >= 0 {
		return from + n
	}
	return len(s)
}

func plainNameStart(s string, from, end int) int {
	i := end
	for i > from && !strings.ContainsRune("?&;#/,:@!$'()*+ \t\r\n\"<>={}|\\^`", rune(s[i-1])) {
		i--
	}
	return i
}

func plainNested(value string) bool {
	for range maxEncodings {
		plain, err := url.QueryUnescape(value)
		if err != nil || plain == value {
			return false
		}
		value = plain
		if member, _ := members(value, 0); member >= 0 || len(plainURLSecrets(value)) > 0 || userinfo.MatchString(value) {
			return true
		}
	}
	return false
}

func plainSecretName(name string) bool { return plainNamingOf(name) == secret }

func plainNamingOf(name string) naming {
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	name = strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' || r == '[' || r == ']' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(name))
	for _, part := range plainSecretParts {
		if strings.Contains(name, part) {
			return secret
		}
	}
	switch {
	case plainSecretNames[name]:
		return secret
	case name == "code" || name == "state" || name == "hash":
		return vague
	}
	return innocent
}

var plainSecretParts = []string{
	"token", "secret", "passw", "apikey", "accesskey", "signature", "credential", "sessionid", "sessid", "jwt", "authoriz", "authkey",
}

var plainSecretNames = map[string]bool{
	"auth": true, "key": true, "pass": true, "pwd": true, "pw": true, "sig": true, "sid": true, "session": true,
	"otp": true, "pin": true, "ticket": true, "hmac": true, "bearer": true, "assertion": true, "xauth": true,
	"psk": true, "nonce": true, "csrf": true, "xsrf": true, "authcode": true, "devicecode": true, "codeverifier": true,
}

func (m *plainMasker) protocols(list []string) []string {
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

func (m *plainMasker) protocolList(value string) string {
	list := plainListItems(value)
	masked := m.protocols(list)
	if slices.Equal(list, masked) {
		return value
	}
	return strings.Join(masked, ", ")
}

func plainListItems(value string) []string {
	items := []string{}
	quoted, start := false, 0
	add := func(end int) {
		if item := strings.Trim(value[start:end], " \t"); item != "" {
			items = append(items, item)
		}
	}
	for i := 0; i < len(value); i++ {
		switch {
		case quoted && value[i] == '\\':
			i++
		case value[i] == '"':
			quoted = !quoted
		case value[i] == ',' && !quoted:
			add(i)
			start = i + 1
		}
	}
	add(len(value))
	return items
}
