package report

import (
	"regexp"
	"strings"
)

// markup finds the text of XML elements with the name of a secret, and what tags say
// is the value of one, as <input name="csrf_token" value="VALUE"> does.
func markup(s string, from int) (start, end int) {
	for i := from; ; {
		open := strings.IndexByte(s[i:], '<')
		if open < 0 {
			return -1, -1
		}
		i += open + 1
		tag := s[i:]
		if n := strings.IndexAny(tag, "<>"); n >= 0 {
			tag = tag[:n]
		}
		if start, end = tagValue(tag); start < end {
			return i + start, i + end
		}
		if i += len(tag); i < len(s) && s[i] == '>' && secretName(elementName(tag)) {
			if start, end = elementText(s, i+1); start < end {
				return start, end
			}
		}
	}
}

// elementName returns the name of a start tag without its namespace.
func elementName(tag string) string {
	name := tag[:runLen(tag, inWord)]
	if rest := tag[len(name):]; rest != "" && rest[0] == ':' {
		name = rest[1 : 1+runLen(rest[1:], inWord)]
	}
	return name[:min(len(name), maxName)]
}

// elementText returns where the text of an element is whose start tag ends at index i.
func elementText(s string, i int) (start, end int) {
	const cdata = "<![CDATA["
	start = len(s) - len(strings.TrimLeft(s[i:], jsonSpace))
	mark := "<"
	if strings.HasPrefix(s[start:], cdata) {
		start, mark = start+len(cdata), "]]>"
	}
	if n := strings.Index(s[start:], mark); n >= 0 {
		return start, start + len(strings.TrimRight(s[start:start+n], jsonSpace))
	}
	return start, len(s)
}

// attribute is one of a tag, HTML Standard, Section 13.1.2.3; the tag may be cut.
var attribute = regexp.MustCompile(`([\w:.-]+)\s*=\s*(?:"([^"]*)|'([^']*)|([^\s"'>]+))`)

// tagValue returns where a tag has the value of a field of which another attribute
// says the name, or that it is a password.
func tagValue(tag string) (start, end int) {
	if strings.Count(tag, "=") < 2 {
		return 0, 0
	}
	secret := false
	for _, a := range attribute.FindAllStringSubmatchIndex(tag, -1) {
		from, to := max(a[4], a[6], a[8]), max(a[5], a[7], a[9])
		switch strings.ToLower(tag[a[2]:a[3]]) {
		case "name", "id", "type", "property":
			secret = secret || secretName(tag[from:to])
		case "value", "content":
			start, end = from, to
		}
	}
	if !secret {
		return 0, 0
	}
	return start, end
}
