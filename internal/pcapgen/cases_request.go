package pcapgen

import (
	"encoding/base64"
	"strings"
)

// requestCases are the requests that are wrong or unusual. A request with an
// error is refused, as a careful server does.
func requestCases() []Case {
	cases := append(buildRows(requestRows), buildRows(keyRows)...)
	for _, k := range knownKeys {
		cases = append(cases, k.row().build())
	}
	return append(cases, earlyClientData(), keyReused(), headerTooLarge(), hopHeaderStripped())
}

// refused makes an edit whose request is answered 400.
func refused(edit func(u *upgrade)) func(u *upgrade) {
	return func(u *upgrade) {
		edit(u)
		u.answer(errorPage("400 Bad Request"))
	}
}

// needsUpgrade makes an edit whose request is answered 426.
func needsUpgrade(edit func(u *upgrade)) func(u *upgrade) {
	return func(u *upgrade) {
		edit(u)
		u.answer(errorPage("426 Upgrade Required"))
		u.resp.set("Connection", "close, Upgrade")
		u.resp.set("Upgrade", "websocket")
		u.resp.set("Sec-WebSocket-Version", "13")
	}
}

var requestRows = []row{
	{
		name: "request-upgrade-missing", desc: "The Upgrade field is gone, the WebSocket fields are there.",
		codes: []string{"request-upgrade-missing", "status-426"}, not: []string{"request-connection-lacks-upgrade"},
		edit: needsUpgrade(func(u *upgrade) { u.req.drop("Upgrade") }),
	},
	{
		name: "request-connection-lacks-upgrade", desc: "Connection has only keep-alive.",
		codes: []string{"request-connection-lacks-upgrade", "status-400"}, not: []string{"request-upgrade-missing"},
		edit: refused(func(u *upgrade) { u.req.set("Connection", "keep-alive") }),
	},
	{
		name: "request-connection-multi-token", desc: "A right request in the style of Firefox.",
		codes: []string{"request-connection-multi-token"}, not: []string{"request-connection-lacks-upgrade", "status-403-origin"},
		edit: func(u *upgrade) { u.req = firefoxRequest(hostName, wsPath, u.key) },
	},
	{
		name: "request-upgrade-wrong-case", desc: "Apache writes WebSocket; the server does not mind.",
		codes: []string{"request-upgrade-wrong-case"}, not: []string{"request-upgrade-missing"},
		edit: func(u *upgrade) { u.req.set("Upgrade", "WebSocket") },
	},
	{
		name: "request-upgrade-duplicated-token", desc: "Two proxies both add the token.",
		codes: []string{"request-upgrade-duplicated-token", "status-400"},
		edit:  refused(func(u *upgrade) { u.req.set("Upgrade", "websocket, websocket") }),
	},
	{
		name: "request-upgrade-duplicated-line", desc: "Two proxies both add the field.",
		codes: []string{"request-upgrade-duplicated-token", "status-400"},
		edit: refused(func(u *upgrade) {
			u.req.raw("Upgrade", "Upgrade: websocket", "Upgrade: websocket")
		}),
	},
	{
		name: "request-http10", desc: "nginx in front talks HTTP/1.0 to the backend.",
		codes: []string{"request-http10", "status-426"},
		edit:  needsUpgrade(func(u *upgrade) { u.req.start("GET " + wsPath + " HTTP/1.0") }),
	},
	{
		name: "request-host-missing", desc: "A hand-written client without Host.",
		codes: []string{"request-host-missing", "status-400"},
		edit:  refused(func(u *upgrade) { u.req.drop("Host") }),
	},
	{
		name: "request-host-default-port", desc: "Host carries port 80.",
		codes: []string{"request-host-default-port"},
		edit:  func(u *upgrade) { u.req.set("Host", hostName+":80") },
	},
	{
		name: "request-method-not-get", desc: "A POST with a body asks for the upgrade.",
		codes: []string{"request-method-not-get", "status-405"},
		edit: func(u *upgrade) {
			u.req.start("POST " + wsPath + " HTTP/1.1")
			u.req.set("Content-Length", "2")
			u.req.body = "{}"
			u.answer(errorPage("405 Method Not Allowed"))
			u.resp.set("Allow", "GET")
		},
	},
	{
		name: "request-absolute-form", desc: "A proxy that passes the upgrade on without CONNECT.",
		codes: []string{"request-absolute-form"},
		edit: func(u *upgrade) {
			u.req.start("GET http://" + hostName + wsPath + " HTTP/1.1")
			u.resp.set("Via", "1.1 proxy.example.net")
		},
	},
	{
		name: "request-host-invalid", desc: "The client was given a URL for a host name.",
		codes: []string{"request-host-invalid", "status-400"}, not: []string{"request-host-missing"},
		edit: refused(func(u *upgrade) { u.req.set("Host", "http://"+hostName+wsPath) }),
	},
	{
		name: "request-host-duplicated", desc: "The application adds a Host to that of its library.",
		codes: []string{"request-host-invalid", "status-400"}, not: []string{"request-field-duplicated"},
		edit: refused(func(u *upgrade) { u.req.raw("Host", "Host: "+hostName, "Host: "+edgeName) }),
	},
	{
		name: "request-line-malformed", desc: "The path was configured without its slash.",
		codes: []string{"request-line-malformed", "status-400"}, not: []string{"request-absolute-form"},
		edit: refused(func(u *upgrade) { u.req.start("GET ws HTTP/1.1") }),
	},
	{
		name: "request-line-blanks", desc: "A parameter with a blank was joined to the path as it is.",
		codes: []string{"request-line-malformed", "status-400"},
		edit:  refused(func(u *upgrade) { u.req.start("GET " + wsPath + "?name=pump 7 HTTP/1.1") }),
	},
	{
		name: "request-line-fragment", desc: "The fragment of the URL is sent, and the server does not mind.",
		codes: []string{"request-line-malformed"},
		edit:  func(u *upgrade) { u.req.start("GET " + wsPath + "#live HTTP/1.1") },
	},
	{
		name: "request-line-version", desc: "The version is written without its dot.",
		codes: []string{"request-line-malformed", "status-400"}, not: []string{"request-http10"},
		edit: refused(func(u *upgrade) { u.req.start("GET " + wsPath + " HTTP/11") }),
	},
	{
		name: "request-line-lower-case", desc: "The version is written in lower case.",
		codes: []string{"request-line-malformed", "status-400"},
		edit:  refused(func(u *upgrade) { u.req.start("GET " + wsPath + " http/1.1") }),
	},
	{
		name: "request-line-no-version", desc: "The version is missing, as in HTTP/0.9.",
		codes: []string{"request-line-malformed", "status-400"}, not: []string{"request-http10"},
		edit: refused(func(u *upgrade) { u.req.start("GET " + wsPath) }),
	},
	{
		name: "request-line-tabs", desc: "Tabs stand where blanks belong, and the server does not mind.",
		codes: []string{"request-line-malformed"},
		edit:  func(u *upgrade) { u.req.start("GET\t" + wsPath + "\tHTTP/1.1") },
	},
	{
		name: "request-line-mark", desc: "A byte order mark and a blank stand before the method.",
		codes: []string{"request-line-malformed", "status-400"},
		edit:  refused(func(u *upgrade) { u.req.start("\xef\xbb\xbf GET " + wsPath + " HTTP/1.1") }),
	},
	{
		name: "request-line-nul", desc: "The path is sent together with the NUL at its end.",
		codes: []string{"request-line-malformed", "status-400"},
		edit:  refused(func(u *upgrade) { u.req.start("GET " + wsPath + "\x00 HTTP/1.1") }),
	},
	{
		name: "request-field-duplicated", desc: "The application adds an Origin and a version to those of its library.",
		codes: []string{"request-field-duplicated", "status-400"}, not: []string{"version-not-13", "request-host-invalid"},
		edit: refused(func(u *upgrade) {
			u.req.raw("Sec-WebSocket-Version", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13")
			u.req.raw("Origin", "Origin: http://"+hostName, "Origin: http://"+edgeName)
		}),
	},
	{
		name: "header-invalid-byte", desc: "The client sends a name together with the NUL at its end.",
		codes: []string{"header-invalid-byte", "status-400"},
		edit:  refused(func(u *upgrade) { u.req.set("User-Agent", "device\x00") }),
	},
	{
		name: "header-invalid-name", desc: "A blank in a field's name.",
		codes: []string{"header-invalid-byte", "status-400"}, not: []string{"header-line-without-colon", "space-before-colon"},
		edit: refused(func(u *upgrade) { u.req.set("Device Id", "7") }),
	},
	{
		name: "version-missing", desc: "No Sec-WebSocket-Version.",
		codes: []string{"version-missing", "status-400"}, not: []string{"version-not-13"},
		edit: refused(func(u *upgrade) { u.req.drop("Sec-WebSocket-Version") }),
	},
	{
		name: "version-not-13", desc: "A client of draft 8; the server says what it speaks.",
		codes: []string{"version-not-13", "status-426"}, not: []string{"version-missing"},
		edit: needsUpgrade(func(u *upgrade) { u.req.set("Sec-WebSocket-Version", "8") }),
	},
	{
		name: "extensions-request-malformed", desc: "A window of 16 bits is out of range.",
		codes: []string{"extensions-request-malformed", "status-400"},
		edit: refused(func(u *upgrade) {
			u.req.set("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits=16")
		}),
	},
	{
		name: "subprotocol-list-malformed", desc: "The list names a sub-protocol twice and has an empty element.",
		codes: []string{"subprotocol-list-malformed"},
		edit: func(u *upgrade) {
			u.req.set("Sec-WebSocket-Protocol", "chat, , chat")
			u.resp.set("Sec-WebSocket-Protocol", "chat")
		},
	},
}

var keyRows = []row{
	{
		name: "key-missing", desc: "No Sec-WebSocket-Key.",
		codes: []string{"key-missing", "status-400"}, not: []string{"key-not-16-bytes"},
		edit: refused(func(u *upgrade) {
			u.req.drop("Sec-WebSocket-Key")
			u.key = ""
		}),
	},
	{
		name: "key-not-16-bytes", desc: "The key decodes to 8 bytes.",
		codes: []string{"key-not-16-bytes", "status-400"},
		edit: refused(func(u *upgrade) {
			u.withKey(base64.StdEncoding.EncodeToString([]byte("\x9f\x01\xfe\x37\x80\x55\x00\xc4")))
		}),
	},
	{
		name: "key-not-base64", desc: "The key is no base64 at all.",
		codes: []string{"key-not-16-bytes", "status-400"},
		edit:  refused(func(u *upgrade) { u.withKey("{5f2c91d0-1b7e-4a}") }),
	},
	{
		name: "key-non-canonical-base64", desc: "The unused bits of the last character are set.",
		codes: []string{"key-non-canonical-base64"}, not: []string{"key-not-16-bytes", "accept-mismatch"},
		edit: func(u *upgrade) { u.withKey(nonCanonical(u.key)) },
	},
	{
		name: "key-with-stray-whitespace", desc: "White space after the key, which the server trims.",
		codes: []string{"key-with-stray-whitespace"}, not: []string{"key-not-16-bytes", "accept-mismatch"},
		edit: func(u *upgrade) { u.req.raw("Sec-WebSocket-Key", "Sec-WebSocket-Key: "+u.key+" \t") },
	},
	{
		name: "key-in-quotes", desc: "The key is in quotes.",
		codes: []string{"key-with-stray-whitespace", "status-400"}, may: []string{"key-not-16-bytes"},
		edit: refused(func(u *upgrade) { u.withKey(`"` + u.key + `"`) }),
	},
	{
		name: "key-duplicated", desc: "The application adds a key to that of its library.",
		codes: []string{"key-duplicated", "status-400"},
		edit: refused(func(u *upgrade) {
			first := u.key
			u.req.raw("Sec-WebSocket-Key", "Sec-WebSocket-Key: "+first, "Sec-WebSocket-Key: 5rWq7Q3xkQn0mZ8sVb1c4w==")
			u.key = "" // which one counts is open
		}),
	},
	{
		name: "key-low-entropy", desc: "All 16 bytes are printable.",
		codes: []string{"key-low-entropy"}, not: []string{"key-known-constant"},
		edit: func(u *upgrade) {
			u.withKey(base64.StdEncoding.EncodeToString([]byte("Qf7tzB2mLkW9xRaC")))
		},
	},
}

// nonCanonical sets an unused bit of the last character of a key, 16 bytes
// leaving four of them (RFC 4648, Section 3.5).
func nonCanonical(key string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	last := strings.IndexByte(alphabet, key[21])
	return key[:21] + string(alphabet[last|4]) + key[22:]
}

// A knownKey is a constant that some library sends.
type knownKey struct {
	name, desc, key string
	codes           []string // besides key-known-constant
}

var knownKeys = []knownKey{
	{"civetweb", "The constant of the CivetWeb client.", "x3JJHMbDL1EzLkh9GBhXDw==", nil},
	{"gilmaimon", "The constant of gilmaimon/ArduinoWebsockets, which is printable.", "MDEyMzQ1Njc4OWFiY2RlZg==", []string{"key-low-entropy"}},
	{"rfc-sample", "The sample key of RFC 6455, printable as well.", "dGhlIHNhbXBsZSBub25jZQ==", []string{"key-low-entropy"}},
	{"browser-copy", "A key copied out of a browser into scripts.", "94BKvjUp/+zImAvhNQWT3w==", nil},
	{"nil", "The word nil, which a lenient server accepts.", "nil", []string{"key-not-16-bytes"}},
	{"rfc-text", "The key of the RFC's running text, not canonical.", "AQIDBAUGBwgJCgsMDQ4PEC==", []string{"key-non-canonical-base64"}},
}

func (k knownKey) row() row {
	r := row{name: "key-known-constant-" + k.name, desc: k.desc, edit: func(u *upgrade) { u.withKey(k.key) }}
	r.codes = append([]string{"key-known-constant"}, k.codes...)
	if k.name == "nil" {
		r.verdict = "bad-handshake"
		r.may = []string{"101-without-valid-request"}
	}
	return r
}

func earlyClientData() Case {
	return newCase("early-client-data", "A frame goes out before the 101 is there.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Codes = []string{"early-client-data"}
		a.Stream = c.Stream()
		a.RequestFrame = c.Send(Client, u.req.bytes())
		c.Client(c.masked(opText, `{"op":"login"}`))
		a.ResponseFrame = c.Server(u.resp.bytes())
		c.Session()
		return []Attempt{a}
	})
}

// keyReused has two clean connections with one key.
func keyReused() Case {
	return newCase("key-reused", "Two connections of one client with the same key.", func(g *Capture) []Attempt {
		u := g.upgrade()
		first := u.play(g.Dial(clientAddr, serverAddr))
		g.Wait(10 * second)
		again := u.play(g.Dial("10.0.0.7:51235", serverAddr))
		first.MayCodes = []string{"key-reused"}
		again.Codes = []string{"key-reused"}
		again.NotCodes = []string{"accept-belongs-to-other-flow"}
		return []Attempt{first, again}
	})
}

func headerTooLarge() Case {
	r := row{
		name: "request-header-too-large", desc: "Cookies of nine kilobytes.",
		codes: []string{"request-header-too-large"}, not: []string{"status-other"},
		edit: large,
	}
	return r.build()
}

// hopHeaderStripped shows both sides of a proxy that takes the hop-by-hop
// fields away.
func hopHeaderStripped() Case {
	return newCase("hop-header-stripped-request", "Both sides of a proxy that does not pass Upgrade on.", func(g *Capture) []Attempt {
		u := g.upgrade()
		needsUpgrade(func(*upgrade) {})(u)
		front := g.Dial(clientAddr, serverAddr)
		outer := Attempt{Stream: front.Stream(), Key: u.key, Status: 426, Verdict: "rejected"}
		outer.RequestFrame = front.Client(u.req.bytes())

		back := g.Dial("10.0.0.20:39012", "10.0.0.30:8080")
		inner := outer
		inner.Stream = back.Stream()
		u.req.drop("Upgrade")
		u.req.set("Connection", "close")
		inner.RequestFrame = back.Client(u.req.bytes())
		inner.ResponseFrame = back.Server(u.resp.bytes())
		back.Close(Server)

		u.resp.set("Via", "1.1 proxy.example.net")
		outer.ResponseFrame = front.Server(u.resp.bytes())
		front.Close(Server)

		outer.Codes = []string{"status-426"}
		outer.MayCodes = []string{"hop-header-stripped-request"}
		inner.Codes = []string{"hop-header-stripped-request", "request-upgrade-missing", "request-connection-lacks-upgrade", "status-426"}
		outer.NotCodes = []string{"key-reused"}
		inner.NotCodes = []string{"key-reused"}
		return []Attempt{outer, inner}
	}).passing(Passage{
		Outer: 1, Inner: 2,
		Request:  []string{"changed field Connection: Upgrade => close", "removed field Upgrade: websocket => "},
		Response: []string{"added field Via:  => 1.1 proxy.example.net"},
	})
}
