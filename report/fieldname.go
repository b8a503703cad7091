package report

import (
	"strings"

	"github.com/wssniff/wssniff/analyze"
)

// A fieldName is a header field, or a kind of fields, that a report treats apart.
type fieldName uint8

const (
	nameOther fieldName = iota
	nameHost
	nameUserAgent
	nameKey
	nameVersion
	nameProtocol
	nameExtensions
	nameAccept
	nameAuthorization // Proxy-Authorization too
	nameCookie        // Set-Cookie too
	nameSecret        // by its name

	numNames
)

// A knownName is a name as it is usually spelt.
type knownName struct {
	spelt string
	name  fieldName
}

// knownNames has, by their length, the fields that a report treats apart and
// those that are frequent and hold no secret.
var knownNames = [...][]knownName{
	3:  {{"Via", nameOther}, {"DNT", nameOther}, {"Age", nameOther}},
	4:  {{"Host", nameHost}, {"Date", nameOther}, {"Vary", nameOther}, {"ETag", nameOther}},
	6:  {{"Cookie", nameCookie}, {"Origin", nameOther}, {"Accept", nameOther}, {"Server", nameOther}, {"Pragma", nameOther}},
	7:  {{"Upgrade", nameOther}, {"Expires", nameOther}, {"Alt-Svc", nameOther}, {"Referer", nameOther}},
	8:  {{"Location", nameOther}},
	10: {{"Connection", nameOther}, {"User-Agent", nameUserAgent}, {"Set-Cookie", nameCookie}, {"Keep-Alive", nameOther}},
	12: {{"Content-Type", nameOther}, {"X-Powered-By", nameOther}, {"X-Request-ID", nameOther}},
	13: {{"Cache-Control", nameOther}, {"Authorization", nameAuthorization}, {"Last-Modified", nameOther}},
	14: {{"Content-Length", nameOther}, {"Sec-Fetch-Dest", nameOther}, {"Sec-Fetch-Mode", nameOther}, {"Sec-Fetch-Site", nameOther}},
	15: {{"Accept-Encoding", nameOther}, {"Accept-Language", nameOther}, {"X-Forwarded-For", nameOther}},
	16: {{"X-Forwarded-Host", nameOther}, {"X-Forwarded-Port", nameOther}, {"WWW-Authenticate", nameOther}, {"Proxy-Connection", nameOther}},
	17: {{"Sec-WebSocket-Key", nameKey}, {"X-Forwarded-Proto", nameOther}, {"Transfer-Encoding", nameOther}},
	19: {{"Proxy-Authorization", nameAuthorization}},
	20: {{"Sec-WebSocket-Accept", nameAccept}},
	21: {{"Sec-WebSocket-Version", nameVersion}},
	22: {{"Sec-WebSocket-Protocol", nameProtocol}},
	24: {{"Sec-WebSocket-Extensions", nameExtensions}},
}

// nameOf tells which field a name is to HTTP, which does not mind case, and what
// it is to the masker. The two differ in names that are no ASCII only, and in
// nameSecret, which HTTP does not know.
func nameOf(s string) (sent, masked fieldName) {
	if n, ok := lookUp(s); ok {
		return n, n
	}
	if classOf(s)&escaped != 0 {
		sent, masked = foldName(s)
	}
	if masked == nameOther && secretName(s) {
		masked = nameSecret
	}
	return sent, masked
}

func lookUp(s string) (fieldName, bool) {
	if len(s) < len(knownNames) {
		for i := range knownNames[len(s)] {
			if k := &knownNames[len(s)][i]; s[0]|0x20 == k.spelt[0]|0x20 && (s == k.spelt || strings.EqualFold(s, k.spelt)) {
				return k.name, true
			}
		}
	}
	return 0, false
}

// foldName looks up a name that may be no ASCII: a long s and a Kelvin sign are
// an s and a k if case is folded, and only the latter if it is lowered.
func foldName(s string) (sent, masked fieldName) {
	low := strings.ToLower(s)
	for _, list := range knownNames {
		for _, k := range list {
			if strings.EqualFold(s, k.spelt) {
				sent = k.name
			}
			if low == strings.ToLower(k.spelt) {
				masked = k.name
			}
		}
	}
	return sent, masked
}

// fields are the fields of one head by what they are to HTTP.
type fields struct {
	first [numNames]*analyze.Field // nil: none
	again [numNames]bool           // there are more
}

// read sorts the fields of a message, and lets a veil learn their secrets.
func (fs *fields) read(m *analyze.Message, v *veil) {
	if m == nil {
		return
	}
	for i := range m.Head.Fields {
		f := &m.Head.Fields[i]
		sent, masked := nameOf(f.Name)
		if fs.first[sent] == nil {
			fs.first[sent] = f
		} else {
			fs.again[sent] = true
		}
		v.learn(masked, f.Value)
	}
}

// value returns the value of the first field of a name.
func (fs *fields) value(n fieldName) (string, bool) {
	if f := fs.first[n]; f != nil {
		return f.Value, true
	}
	return "", false
}
