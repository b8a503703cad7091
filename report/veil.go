package report

import (
	"slices"
	"strings"

	"github.com/wssniff/wssniff/analyze"
)

// minKnown is the least length of a secret that is looked for in other text of
// its attempt; shorter ones would hide innocent words.
const minKnown = 6

// A veil masks the texts of one attempt. Beside what looks like a secret, it
// knows the ones that the attempt's own heads carry and hides them wherever
// they appear again.
type veil struct {
	*masker
	known    []string
	replacer *strings.Replacer // of known, made when the first of them appears
}

func (m *masker) veil(a *analyze.Attempt) *veil {
	v := &veil{masker: m}
	for _, msg := range []*analyze.Message{a.Request, a.Response} {
		if msg == nil {
			continue
		}
		for _, f := range msg.Head.Fields {
			_, kind := nameOf(f.Name)
			v.learn(kind, f.Value)
		}
	}
	v.learnTarget(a)
	return v
}

// learn takes note of the secrets of a header field.
func (v *veil) learn(kind fieldName, value string) {
	if v.show {
		return
	}
	switch kind {
	case nameAuthorization:
		_, credentials, _ := strings.Cut(value, " ")
		v.known = append(v.known, strings.TrimLeft(credentials, " "), value)
	case nameCookie:
		v.known = cookieValues(v.known, value)
	case nameProtocol:
		if !plainProtocols(value) {
			v.known = protocolSecrets(v.known, v.masker, value)
		}
	case nameKey, nameAccept:
	case nameSecret:
		v.known = append(v.known, value)
	default:
		if len(value) >= len("pw=")+minKnown { // the shortest name
			v.known = urlSecrets(v.known, value)
		}
	}
}

// learnTarget takes note of the secrets of the request's target, and of what a
// proxy made of the heads.
func (v *veil) learnTarget(a *analyze.Attempt) {
	if a.Request != nil && !v.show {
		v.known = urlSecrets(v.known, a.Request.Head.Target)
		if mayHaveNamed(a.Request.Head.Target) {
			v.known = pathSecrets(v.known, a.Request.Head.Target)
		}
	}
	if p := a.Passage; p != nil {
		v.learnDifferences(p.Request)
		v.learnDifferences(p.Response)
	}
	v.known = longEnough(v.known)
}

// learnDifferences takes note of the secrets in the values of either side.
func (v *veil) learnDifferences(list []analyze.Difference) {
	for _, d := range list {
		if d.Kind != analyze.Renamed {
			_, kind := nameOf(d.Field)
			v.learn(kind, d.Before)
			v.learn(kind, d.After)
		}
	}
}

// longEnough leaves out what is too short to be looked for.
func longEnough(secrets []string) []string {
	return slices.DeleteFunc(secrets, func(s string) bool { return len(s) < minKnown })
}

// cookieValues appends the values of the cookies in a field.
func cookieValues(list []string, value string) []string {
	for p := range strings.SplitSeq(value, ";") {
		name, v, _ := strings.Cut(p, "=")
		if !cookieAttributes[strings.ToLower(strings.TrimSpace(name))] {
			list = append(list, v)
		}
	}
	return list
}

// protocolSecrets appends the sub-protocols that carry a token.
func protocolSecrets(list []string, m *masker, value string) []string {
	items := listItems(value)
	for i, p := range m.protocols(items) {
		if p != items[i] {
			list = append(list, items[i])
		}
	}
	return list
}

// urlSecrets appends the values of token-like names in s.
func urlSecrets(list []string, s string) []string {
	for {
		i := strings.IndexByte(s, '=')
		if i < 0 {
			return list
		}
		start, end := i, i+1
		for start > 0 && edges[s[start-1]]&partsURL == 0 {
			start--
		}
		for end < len(s) && edges[s[end]]&partsURL == 0 {
			end++
		}
		if namingOf(s[start:i]).hides(s[i+1:end], start > 0) {
			list = append(list, s[i+1:end])
		}
		s = s[end:]
	}
}

// pathSecrets appends what a word before it names in a path.
func pathSecrets(list []string, s string) []string {
	for start, end := named(s, 0); start >= 0; start, end = named(s, end) {
		list = append(list, s[start:end])
	}
	return list
}

func (v *veil) text(s string) string { return v.hide(v.masker.text(s)) }

// list masks sub-protocols.
func (v *veil) list(protocols []string) []string {
	masked := v.protocols(protocols)
	for i := range masked {
		masked[i] = v.hide(masked[i])
	}
	return masked
}

// authority masks the userinfo of host:port.
func (v *veil) authority(s string) string {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		return v.secret(s[:i]) + s[i:]
	}
	return v.hide(s)
}

// maxSought is how many known secrets are looked for one by one.
const maxSought = 8

// hide masks the known secrets in s.
func (v *veil) hide(s string) string {
	if len(v.known) > maxSought {
		return v.replace(s)
	}
	for _, secret := range v.known {
		if strings.Contains(s, secret) {
			return v.replace(s)
		}
	}
	return s
}

// replace masks the known secrets in s, the longest first.
func (v *veil) replace(s string) string {
	if v.replacer == nil {
		slices.SortFunc(v.known, func(a, b string) int { return len(b) - len(a) })
		var pairs []string
		for _, secret := range v.known {
			pairs = append(pairs, secret, v.secret(secret))
		}
		v.replacer = strings.NewReplacer(pairs...)
	}
	return v.replacer.Replace(s)
}

// finding returns f with its values masked.
func (v *veil) finding(f analyze.Finding) analyze.Finding {
	_, kind := nameOf(f.Field)
	f.Got, f.Want = v.hide(v.field(kind, f.Got)), v.hide(v.field(kind, f.Want))
	return f
}
