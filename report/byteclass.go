package report

// A class says what a byte of text can start or end.
type class uint16

const (
	escaped  class = 1 << iota // JSON or a terminal would not take it as it is
	colon                      // the end of a field's name
	equals                     // the end of a parameter's name
	quote                      // of a string
	less                       // what a tag begins with
	at                         // the end of userinfo
	space                      // what follows the scheme of credentials
	capitalJ                   // in eyJ, with which a JSON Web Token begins
	slash                      // what ends an authority: /, ? or #

	marks = colon | equals | quote | less | at | space | capitalJ | slash // without any of these a text holds no secret by its looks
)

// classes has the class of each byte.
var classes = func() (c [256]class) {
	for i := range c {
		if i < ' ' || i > '~' {
			c[i] = escaped
		}
	}
	c['\\'], c['"'] = escaped, escaped|quote
	c['\''], c['<'] = quote, less
	c[':'], c['='], c['@'], c['J'] = colon, equals, at, capitalJ
	for _, b := range []byte(" \t\r\n\f") {
		c[b] |= space
	}
	c['/'], c['?'], c['#'] = slash, slash, slash
	return c
}()

// classOf returns the classes of all bytes of s.
func classOf(s string) class {
	var c, d class
	for ; len(s) >= 4; s = s[4:] {
		c |= classes[s[0]] | classes[s[1]]
		d |= classes[s[2]] | classes[s[3]]
	}
	for i := range len(s) {
		c |= classes[s[i]]
	}
	return c | d
}
