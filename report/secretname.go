package report

import (
	"net/url"
	"strings"
)

// secretName reports whether a parameter or field of this name holds a secret.
// Case, percent-encoding and the marks that join words make no difference.
func secretName(name string) bool {
	var short [64]byte
	plain := short[:0]
	for i := range len(name) {
		b := name[i]
		if b == '%' || b >= 0x80 {
			return isSecret([]byte(plainName(name)))
		}
		if c := nameLetters[b]; c != joint {
			plain = append(plain, c)
		}
	}
	return isSecret(plain)
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

// isSecret reports whether a plain name holds the word of a secret, or is one.
func isSecret(plain []byte) bool {
	for i := range plain {
		if secretPart(plain[i:]) {
			return true
		}
	}
	switch string(plain) {
	case "auth", "key", "pass", "pwd", "pw", "sig", "sid", "session", "otp", "pin", "ticket", "hmac", "bearer", "assertion", "xauth":
		return true
	}
	return false
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
