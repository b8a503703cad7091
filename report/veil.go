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
	known *strings.Replacer // nil: none
}

func (m *masker) veil(a *analyze.Attempt) *veil {
	v := &veil{masker: m}
	if m.show {
		return v
	}
	var found []string
	for _, msg := range []*analyze.Message{a.Request, a.Response} {
		if msg == nil {
			continue
		}
		for _, f := range msg.Head.Fields {
			found = append(found, fieldSecrets(m, f)...)
		}
	}
	if a.Request != nil {
		found = append(found, urlSecrets(a.Request.Head.Target)...)
	}
	v.know(found)
	return v
}

func (v *veil) know(secrets []string) {
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

func fieldSecrets(m *masker, f analyze.Field) []string {
	switch name := strings.ToLower(f.Name); name {
	case "authorization", "proxy-authorization":
		_, credentials, _ := strings.Cut(f.Value, " ")
		return []string{strings.TrimLeft(credentials, " "), f.Value}
	case "cookie", "set-cookie":
		return cookieValues(f.Value)
	case "sec-websocket-protocol":
		return protocolSecrets(m, f.Value)
	case "sec-websocket-key", "sec-websocket-accept":
		return nil
	default:
		if secretName(name) {
			return []string{f.Value}
		}
		return urlSecrets(f.Value)
	}
}

func cookieValues(value string) []string {
	var values []string
	for _, p := range strings.Split(value, ";") {
		name, v, _ := strings.Cut(p, "=")
		if !cookieAttributes[strings.ToLower(strings.TrimSpace(name))] {
			values = append(values, v)
		}
	}
	return values
}

func protocolSecrets(m *masker, value string) []string {
	var found []string
	list := listItems(value)
	for i, p := range m.protocols(list) {
		if p != list[i] {
			found = append(found, list[i])
		}
	}
	return found
}

// urlSecrets returns the values of token-like names in s.
func urlSecrets(s string) []string {
	var found []string
	for _, p := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("?&;#", r) }) {
		if name, value, ok := strings.Cut(p, "="); ok && secretName(name) {
			found = append(found, value)
		}
	}
	return found
}

func (v *veil) text(s string) string { return v.hide(v.masker.text(s)) }

func (v *veil) field(name, value string) string { return v.hide(v.masker.field(name, value)) }

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

func (v *veil) hide(s string) string {
	if v.known == nil {
		return s
	}
	return v.known.Replace(s)
}

// finding returns f with its values masked.
func (v *veil) finding(f analyze.Finding) analyze.Finding {
	f.Got, f.Want = v.field(f.Field, f.Got), v.field(f.Field, f.Want)
	return f
}
