package report

import "strings"

// A finder returns where the next secret in s is that begins at index from or
// behind; a start of -1 means that there is none. What it finds is not empty.
type finder func(s string, from int) (start, end int)

// each masks what a finder finds.
func (m *masker) each(find finder, s string) string {
	start, end := find(s, 0)
	if start < 0 {
		return s
	}
	var b strings.Builder
	done := 0
	for ; start >= 0; start, end = find(s, done) {
		b.WriteString(s[done:start])
		b.WriteString(m.secret(s[start:end]))
		done = end
	}
	return b.String() + s[done:]
}

const (
	minNamed   = 8  // the least length of a secret behind a word that names it, as in "token VALUE expired"
	minSegment = 12 // the same in a path, as in /token/VALUE/ws, where names of devices and rooms may be instead
	maxName    = 64 // of the word
)

// named finds secrets that the word before names, with nothing but marks, percent-
// encoded ones too, HTML entities and tags without attributes between: in prose, in
// paths, in formats that nothing else here knows. It takes only what looks like one,
// because words and numbers are diagnosis: "token expired", /auth/ws, code 4001.
func named(s string, from int) (start, end int) {
	var before, word wordSpan // the last two words
	slash := false            // one is between word and i
	valueEnd := 0
	for i := from; i < len(s); {
		if n := gapLen(s[i:]); n > 0 {
			slash = slash || s[i] == '/'
			i += n
			continue
		}
		if i >= valueEnd {
			valueEnd = i + runLen(s[i:], inValue)
		}
		to, least := valueEnd, minNamed
		if slash {
			to, least = min(to, i+runLen(s[i:], inSegment)), minSegment
		}
		if to-i >= least && looksRandom(s[i:to]) && namesNext(s, before, word, i) {
			return i, to
		}
		next := wordSpan{i, i + runLen(s[i:], inWord)}
		if i = next.end; !filler(s[next.start:next.end]) {
			before, word, slash = word, next, false
		}
	}
	return -1, -1
}

// A wordSpan is where a word of a text is; the zero value is none.
type wordSpan struct{ start, end int }

// namesNext reports whether a word, or the last two, name a secret at index i. A
// key that only white space announces may be that of a WebSocket, which is none.
func namesNext(s string, before, word wordSpan, i int) bool {
	last := s[word.start:word.end]
	if len(last) == 0 || len(last) > maxName {
		return false
	}
	isKey := strings.EqualFold(last, "key")
	if !isKey || strings.TrimSpace(s[word.end:i]) != "" {
		if secretName(last) {
			return true
		}
	}
	if !isKey && !strings.EqualFold(last, "id") {
		return false
	}
	return before.end-before.start <= maxName && secretName(s[before.start:before.end]+last)
}

// filler reports whether a word between a name and what it names says nothing.
func filler(word string) bool {
	return strings.EqualFold(word, "is") || strings.EqualFold(word, "was") || strings.EqualFold(word, "value")
}

// gapLen returns how many bytes s begins with that are no part of a word or value.
func gapLen(s string) int {
	n := 1
	switch s[0] {
	case '%':
		if len(s) >= 3 && isHex(s[1]) && isHex(s[2]) {
			n = 3
		}
	case '&':
		const longest = len("&quot;")
		if end := strings.IndexByte(s[:min(len(s), longest)], ';'); end > 0 && runLen(s[1:], inWord|inEntity) == end-1 {
			n = end + 1
		}
	case '<':
		n = bareTag(s)
	default:
		if nameBytes[s[0]]&startsWord != 0 {
			return 0
		}
	}
	return n
}

// bareTag returns the length of the tag without attributes that s begins with, 1 if
// it begins with none or if the name of the tag is that of a secret.
func bareTag(s string) int {
	n := 1
	if n < len(s) && s[n] == '/' {
		n++
	}
	name := n
	n += runLen(s[n:], inWord)
	if n == name || n == len(s) || s[n] != '>' || s[1] != '/' && n-name <= maxName && secretName(s[name:n]) {
		return 1
	}
	return n + 1
}

func isHex(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b|0x20 && b|0x20 <= 'f'
}

// looksRandom reports whether s looks like no word by its beginning.
func looksRandom(s string) bool {
	var kinds uint8
	for i := range min(len(s), maxName) {
		kinds |= nameBytes[s[i]]
	}
	return random(kinds, len(s))
}

// random reports whether a text of these kinds of bytes looks like no word: it has
// letters and digits, or letters of both cases where it is long.
func random(kinds uint8, length int) bool {
	if kinds&isDigit != 0 {
		return kinds&(isLower|isUpper) != 0
	}
	return length >= minTokenLike && kinds&isLower != 0 && kinds&isUpper != 0
}

// runLen returns how many bytes of a kind s begins with.
func runLen(s string, kind uint8) int {
	for i := range len(s) {
		if nameBytes[s[i]]&kind == 0 {
			return i
		}
	}
	return len(s)
}

const (
	startsWord = 1 << iota
	inWord
	inSegment // of a path
	inValue   // of any base, percent-encoded too
	inEntity
	isDigit
	isLower
	isUpper
)

// nameBytes has what each byte can be in a word or value.
var nameBytes = func() (n [256]uint8) {
	const alphanumeric = startsWord | inWord | inSegment | inValue
	for b := '0'; b <= '9'; b++ {
		n[b] = alphanumeric | isDigit
	}
	for b := 'a'; b <= 'z'; b++ {
		n[b], n[b-'a'+'A'] = alphanumeric|isLower, alphanumeric|isUpper
	}
	for _, b := range []byte("-_.") {
		n[b] = inWord | inSegment | inValue
	}
	for _, b := range []byte("~%+=") {
		n[b] = inSegment | inValue
	}
	n['/'], n['#'] = inValue, inEntity
	return n
}()
