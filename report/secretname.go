package report

import (
	"net/url"
	"strings"
)

// A naming is what the name of a parameter or field says of its value.
type naming uint8

const (
	innocent naming = iota
	vague           // a secret, or a cause or state that somebody looks for
	secret
)

// secretName reports whether a parameter or field of this name holds a secret.
func secretName(name string) bool { return namingOf(name) == secret }

// namingOf tells what a name says. Case, percent-encoding and the marks that join
// words make no difference.
func namingOf(name string) naming {
	var short [64]byte
	plain := short[:0]
	for i := range len(name) {
		b := name[i]
		if b == '%' || b >= 0x80 {
			return plainNaming([]byte(plainName(name)))
		}
		if c := nameLetters[b]; c != joint {
			plain = append(plain, c)
		}
	}
	return plainNaming(plain)
}

// joint stands for the bytes that join the words of a name.
const joint = 0xff

// nameLetters has what a byte counts as in a name.
var nameLetters = func() (l [256]byte) {
	for i := range l {
		l[i] = byte(i)
	}
	for b := 'A'; b <= 'Z'; b++ {
		l[b] += 'a' - 'A'
	}
	for _, b := range []byte("-_.[] +") { // + is a space, percent-encoded
		l[b] = joint
	}
	return l
}()

// plainName is what the bytes of any name count as.
func plainName(name string) string {
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' || r == '[' || r == ']' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// plainNaming tells what a plain name says. It is one of a secret if it holds the
// word of one, or is one.
func plainNaming(plain []byte) naming {
	for i := range plain {
		if secretPart(plain[i:]) {
			return secret
		}
	}
	switch string(plain) {
	case "auth", "key", "pass", "pwd", "pw", "sig", "sid", "session", "otp", "pin", "ticket", "hmac", "bearer", "assertion", "xauth",
		"psk", "nonce", "csrf", "xsrf", "authcode", "devicecode", "codeverifier":
		return secret
	case "code", "state", "hash": // code and state: RFC 6749, Section 4.1.2
		return vague
	}
	return innocent
}

// hides reports whether a value is to be hidden. Behind a vague name in a URL it is
// if it is no number or word, and elsewhere if it looks like a token.
func (n naming) hides(value string, inURL bool) bool {
	if n != vague {
		return n == secret
	}
	if inURL {
		return !wordOrNumber(value)
	}
	return tokenLike(value)
}

const (
	maxNumber = 6  // digits of a code that is none of OAuth
	maxWord   = 20 // letters of a state
)

// wordOrNumber reports whether a value is a short number, or words in letters of one case.
func wordOrNumber(value string) bool {
	digits := runLen(value, isDigit)
	if digits == len(value) {
		return digits <= maxNumber
	}
	var kinds uint8
	for i := range len(value) {
		if nameBytes[value[i]]&inWord == 0 {
			return false
		}
		kinds |= nameBytes[value[i]] & (isDigit | isLower | isUpper)
	}
	return len(value) <= maxWord && (kinds == isLower || kinds == isUpper)
}

// secretPart reports whether a plain name begins with the word of a secret.
func secretPart(plain []byte) bool {
	switch plain[0] {
	case 't':
		return begins(plain, "token")
	case 's':
		return begins(plain, "secret") || begins(plain, "signature") || begins(plain, "sessionid") || begins(plain, "sessid")
	case 'p':
		return begins(plain, "passw")
	case 'a':
		return begins(plain, "apikey") || begins(plain, "accesskey") || begins(plain, "authoriz") || begins(plain, "authkey")
	case 'c':
		return begins(plain, "credential")
	case 'j':
		return begins(plain, "jwt")
	}
	return false
}

func begins(b []byte, word string) bool {
	return len(b) >= len(word) && string(b[:len(word)]) == word
}
