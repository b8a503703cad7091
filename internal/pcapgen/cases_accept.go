package pcapgen

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// acceptCases are the ways to compute a wrong Sec-WebSocket-Accept.
func acceptCases() []Case {
	cases := []Case{acceptRandom(), otherFlow(), otherFlowLater()}
	for _, r := range recipes {
		cases = append(cases, r.build())
	}
	return cases
}

// A recipe is one wrong way from the key to the Accept.
type recipe struct {
	cause string
	desc  string
	code  string // the specific finding besides accept-mismatch, if there is one
	value func(key string) string
}

// mayCodes are the specific findings that could be meant where the
// catalogue does not say which.
var mayCodes = map[string][]string{
	"empty-key":      {"accept-wrong-hash", "accept-key-trim-variant"},
	"trailing-nul":   {"accept-wrong-hash", "accept-encoding-variant", "accept-key-trim-variant"},
	"prefix":         {"accept-encoding-variant"},
	"suffix-garbage": {"accept-encoding-variant"},
}

var recipes = []recipe{
	{"guid-typo-1", "A GUID with a wrong last group.", "accept-wrong-guid", func(k string) string {
		return base64SHA1(k + "258EAFA5-E914-47DA-95CA-5AB9DC11B5AB")
	}},
	{"guid-typo-2", "A GUID that is passed around as the right one.", "accept-wrong-guid", func(k string) string {
		return base64SHA1(k + "258EAFA5-E914-47DA-95CA-5AB0DC85B11F")
	}},
	{"guid-lower-case", "The GUID in lower case.", "accept-wrong-guid", func(k string) string {
		return base64SHA1(k + strings.ToLower(guid))
	}},
	{"key-decoded", "The key is decoded before it is hashed.", "accept-of-decoded-key", func(k string) string {
		raw, _ := base64.StdEncoding.DecodeString(k) // our own key
		return base64SHA1(string(raw) + guid)
	}},
	{"hex-digest", "The digest in hexadecimal.", "accept-hex-digest", func(k string) string {
		return hexSHA1(k + guid)
	}},
	{"base64-of-hex", "Base64 of the hexadecimal digest.", "accept-hex-digest", func(k string) string {
		return base64.StdEncoding.EncodeToString([]byte(hexSHA1(k + guid)))
	}},
	{"no-padding", "Base64 without padding.", "accept-encoding-variant", func(k string) string {
		return strings.TrimRight(acceptFor(k), "=")
	}},
	{"url-safe", "Base64 in the alphabet for URLs.", "accept-encoding-variant", func(k string) string {
		return strings.NewReplacer("+", "-", "/", "_").Replace(acceptFor(k))
	}},
	{"key-lf", "A line feed is hashed with the key.", "accept-key-trim-variant", func(k string) string {
		return base64SHA1(k + "\n" + guid)
	}},
	{"key-cr", "A carriage return is hashed with the key.", "accept-key-trim-variant", func(k string) string {
		return base64SHA1(k + "\r" + guid)
	}},
	{"key-crlf", "The line end is hashed with the key.", "accept-key-trim-variant", func(k string) string {
		return base64SHA1(k + "\r\n" + guid)
	}},
	{"sp-key", "The space before the key is hashed with it.", "accept-key-trim-variant", func(k string) string {
		return base64SHA1(" " + k + guid)
	}},
	{"key-sp", "A space after the key is hashed with it.", "accept-key-trim-variant", func(k string) string {
		return base64SHA1(k + " " + guid)
	}},
	{"quoted-key", "The key is hashed in quotes.", "accept-key-trim-variant", func(k string) string {
		return base64SHA1(`"` + k + `"` + guid)
	}},
	{"key-without-padding", "The key is hashed without its padding.", "accept-key-trim-variant", func(k string) string {
		return base64SHA1(strings.TrimRight(k, "=") + guid)
	}},
	{"key-lower-case", "The key is hashed in lower case.", "accept-key-trim-variant", func(k string) string {
		return base64SHA1(strings.ToLower(k) + guid)
	}},
	{"no-guid", "The key alone is hashed.", "accept-wrong-hash", func(k string) string {
		return base64SHA1(k)
	}},
	{"guid-first", "The GUID comes before the key.", "accept-wrong-hash", func(k string) string {
		return base64SHA1(guid + k)
	}},
	{"empty-key", "The GUID alone is hashed: the server did not find the key.", "", func(string) string {
		return base64SHA1(guid)
	}},
	{"trailing-nul", "The NUL that ends a C string is hashed.", "", func(k string) string {
		return base64SHA1(k + guid + "\x00")
	}},
	{"sha256", "SHA-256 in place of SHA-1.", "accept-wrong-hash", func(k string) string {
		sum := sha256.Sum256([]byte(k + guid))
		return base64.StdEncoding.EncodeToString(sum[:])
	}},
	{"md5", "MD5 in place of SHA-1.", "accept-wrong-hash", func(k string) string {
		sum := md5.Sum([]byte(k + guid))
		return base64.StdEncoding.EncodeToString(sum[:])
	}},
	{"prefix", "The right value without its last five characters.", "", func(k string) string {
		return acceptFor(k)[:23]
	}},
	{"suffix-garbage", "The right value and three characters more.", "", func(k string) string {
		return acceptFor(k) + "AAA"
	}},
	{"echoes-key", "The key comes back.", "accept-echoes-key", func(k string) string {
		return k
	}},
}

func hexSHA1(s string) string {
	sum := sha1.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

func (r recipe) build() Case {
	return newCase("accept-"+r.cause, r.desc, func(g *Capture) []Attempt {
		u := g.upgrade()
		for !r.differs(u.key) {
			u = g.upgrade()
		}
		u.resp.set("Sec-WebSocket-Accept", r.value(u.key))
		a := playMismatch(u, g.Dial(clientAddr, serverAddr))
		a.Cause, a.MayCodes = r.cause, mayCodes[r.cause]
		if r.code != "" {
			a.Codes = append(a.Codes, r.code)
		}
		return []Attempt{a}
	})
}

// differs reports whether the recipe gives another value than the right one,
// which some do for some keys only. A url-safe value must differ in both
// characters of the alphabet.
func (r recipe) differs(key string) bool {
	v := r.value(key)
	if r.cause == "url-safe" {
		return strings.Contains(v, "-") && strings.Contains(v, "_")
	}
	return v != acceptFor(key)
}

// playMismatch plays an exchange whose Accept the client finds wrong.
func playMismatch(u *upgrade, c *Conn) Attempt {
	u.rest = closedByClient
	a := u.play(c)
	a.Verdict = "accept-mismatch"
	a.Codes = []string{"accept-mismatch"}
	a.NotCodes = []string{"accept-missing", "accept-ok-but-client-refuses"}
	return a
}

func acceptRandom() Case {
	return newCase("accept-mismatch", "A value that no recipe explains.", func(g *Capture) []Attempt {
		u := g.upgrade()
		sum := g.seeded("accept", 0)
		u.resp.set("Sec-WebSocket-Accept", base64.StdEncoding.EncodeToString(sum[:]))
		return []Attempt{playMismatch(u, g.Dial(clientAddr, serverAddr))}
	})
}

// otherFlow has a cache that replays the answer to an earlier connection.
func otherFlow() Case {
	return newCase("accept-other-flow", "A cache replays the 101 of an earlier connection.", func(g *Capture) []Attempt {
		u := g.upgrade()
		replay := acceptFor(u.key)
		first := u.play(g.Dial("10.0.0.6:49001", serverAddr))
		g.Wait(2 * second)
		v := g.upgrade()
		v.resp.set("Sec-WebSocket-Accept", replay)
		return []Attempt{first, ofOther(playMismatch(v, g.Dial(clientAddr, serverAddr)))}
	})
}

// otherFlowLater has two requests under way at once and their answers mixed
// up, so that each value belongs to a request seen before the answer.
func otherFlowLater() Case {
	return newCase("accept-other-flow-crossed", "Two answers under way at the same time are crossed.", func(g *Capture) []Attempt {
		u, v := g.upgrade(), g.upgrade()
		c, d := g.Dial(clientAddr, serverAddr), g.Dial("10.0.0.6:49001", serverAddr)
		u.resp.set("Sec-WebSocket-Accept", acceptFor(v.key))
		v.resp.set("Sec-WebSocket-Accept", acceptFor(u.key))
		a, b := u.truth(), v.truth()
		a.RequestFrame, b.RequestFrame = c.Client(u.req.bytes()), d.Client(v.req.bytes())
		a.ResponseFrame, b.ResponseFrame = c.Server(u.resp.bytes()), d.Server(v.resp.bytes())
		a.Stream, b.Stream = c.Stream(), d.Stream()
		c.Close(Client)
		d.Close(Client)
		return []Attempt{ofOther(a), ofOther(b)}
	}).showing(Incident{Code: "server-fails-for-all", Server: serverAddr, Attempts: 2, Clients: 2})
}

// ofOther is the truth about an Accept that belongs to another connection.
func ofOther(a Attempt) Attempt {
	a.Verdict, a.Cause = "accept-mismatch", "other-flow"
	a.Codes = []string{"accept-mismatch", "accept-belongs-to-other-flow"}
	a.NotCodes = []string{"accept-wrong-guid", "accept-wrong-hash"}
	return a
}
