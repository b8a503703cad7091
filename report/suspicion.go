package report

import "strings"

// What is here looks for the least that a pattern of a secret needs, so that the
// patterns themselves need not be tried on the many texts that cannot match.

// mayHaveHeader reports whether s may match headerLine: whether a name that ends
// as Cookie or Authorization do stands before a colon. Of the rest of these
// words, case folding makes more than ASCII.
func mayHaveHeader(s string) bool {
	for from := 0; ; {
		i := strings.IndexByte(s[from:], ':')
		if i < 0 {
			return false
		}
		i += from
		if name := trimRightOWS(s[:i]); endsWith(name, "ie") || endsWith(name, "on") {
			return true
		}
		from = i + 1
	}
}

// mayHaveCredentials reports whether s may match bearer: whether a scheme stands
// before white space. The s of basic is an s in more than ASCII.
func mayHaveCredentials(s string) bool {
	for i := range len(s) {
		if classes[s[i]]&space == 0 {
			continue
		}
		if word := s[:i]; endsWith(word, "bearer") || endsWith(word, "ic") || endsWith(word, "negotiate") || endsWith(word, "ntlm") {
			return true
		}
	}
	return false
}

// mayHaveNamed reports whether s holds what named takes for a secret, of which a part
// without a slash is long enough: whatever the words before are.
func mayHaveNamed(s string) bool {
	start, kinds := 0, uint8(0)
	for i := range len(s) {
		if k := nameBytes[s[i]]; k&inSegment != 0 {
			kinds |= k
			continue
		}
		if i-start >= minNamed && random(kinds, i-start) {
			return true
		}
		start, kinds = i+1, 0
	}
	return len(s)-start >= minNamed && random(kinds, len(s)-start)
}

// endsWith reports whether s ends with a word in lower-case ASCII, whatever the
// case of s.
func endsWith(s, word string) bool {
	if len(s) < len(word) {
		return false
	}
	s = s[len(s)-len(word):]
	for i := range len(word) {
		if s[i]|0x20 != word[i] {
			return false
		}
	}
	return true
}

// plainProtocols reports whether a Sec-WebSocket-Protocol value holds no token by
// any rule of protocols: no part of an item is long enough to be one, no item is
// as long as a UUID, and none has a word that stands before a token.
func plainProtocols(value string) bool {
	item, part := 0, 0 // where they start
	for i := range len(value) {
		switch protocolBytes[value[i]] {
		case odd:
			return false
		case blank:
			if i != item { // it may stand between a scheme and its credentials
				return false
			}
			item, part = i+1, i+1
		case wordStart:
			if tokenStart(value[i:]) {
				return false
			}
		case partEnd:
			if i-part >= minTokenLike {
				return false
			}
			part = i + 1
		case itemEnd:
			if i-part >= minTokenLike || i-item >= uuidLen {
				return false
			}
			item, part = i+1, i+1
		}
	}
	return len(value)-part < minTokenLike && len(value)-item < uuidLen
}

const (
	wordStart = iota + 1 // of a word that tokenStart knows
	partEnd              // . or -
	itemEnd              // the comma
	blank
	odd // nothing that is usual in a protocol's name
)

// protocolBytes has what each byte of a Sec-WebSocket-Protocol value can be.
var protocolBytes = func() (p [256]uint8) {
	for i := range p {
		if classes[i]&^slash != 0 {
			p[i] = odd
		}
	}
	for _, b := range []byte("aAbBjkKtT") {
		p[b] = wordStart
	}
	p['.'], p['-'], p[','], p[' '] = partEnd, partEnd, itemEnd, blank
	return p
}()

// tokenStart reports whether s begins with a part of tokenWord and tokenPrefix
// that each of their matches has.
func tokenStart(s string) bool {
	switch s[0] | 0x20 {
	case 'a':
		return startsWith(s, "auth")
	case 'b':
		return startsWith(s, "bearer") || startsWith(s, "basic")
	case 'j':
		return startsWith(s, "jwt")
	case 'k':
		return startsWith(s, "key")
	case 't':
		return startsWith(s, "token")
	}
	return false
}

func startsWith(s, word string) bool { return len(s) >= len(word) && endsWith(s[:len(word)], word) }
