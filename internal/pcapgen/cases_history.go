package pcapgen

import (
	"slices"
	"time"
)

// historyCases show what only many attempts of one client do: how it comes back,
// how long its WebSockets last, what changed when it began to fail.
func historyCases() []Case {
	var cases []Case
	for _, r := range rhythms {
		cases = append(cases, r.build())
	}
	return append(cases, rhythmAfterLoss(), lifetimes(), firmwareUpdate())
}

// A rhythm is how a client comes back that is refused each time.
type rhythm struct {
	name, desc string
	waits      []time.Duration
	want       History
}

var rhythms = []rhythm{
	{"rhythm-constant", "A client comes back after 10 s each time.", slices.Repeat([]time.Duration{10 * second}, 5),
		History{Rhythm: "constant", Wait: 10 * second, Like: "esp_websocket_client"}},
	{"rhythm-half-second", "A client comes back after half a second each time.", slices.Repeat([]time.Duration{500 * millisecond}, 6),
		History{Rhythm: "constant", Wait: 500 * millisecond, Like: "arduinoWebSockets"}},
	{"rhythm-back-off", "A client waits twice as long after each failure, a minute at most.",
		[]time.Duration{1 * second, 2 * second, 4 * second, 8 * second, 16 * second, 32 * second, 60 * second, 60 * second},
		History{Rhythm: "back-off", Wait: 16 * second, From: second, To: 60 * second, Like: "Paho MQTT"}},
	{"rhythm-immediate", "A client comes back at once.", slices.Repeat([]time.Duration{10 * millisecond}, 6),
		History{Rhythm: "immediate", Wait: 10 * millisecond}},
	{"rhythm-irregular", "A client comes back now sooner, now later.",
		[]time.Duration{7 * second, 1 * second, 20 * second, 3 * second, 12 * second, 2 * second},
		History{Rhythm: "irregular", Wait: 7 * second}},
	{"rhythm-unknown", "A client comes back twice, which is no rhythm yet.", slices.Repeat([]time.Duration{10 * second}, 2),
		History{Rhythm: "unknown", Wait: 10 * second}},
}

func (r rhythm) build() Case {
	n := len(r.waits) + 1
	r.want.Client, r.want.Attempts, r.want.Failed = "10.0.0.7", n, n
	return newCase(r.name, r.desc, func(g *Capture) (attempts []Attempt) {
		d := g.device("10.0.0.7")
		for _, wait := range append([]time.Duration{0}, r.waits...) {
			attempts = append(attempts, d.refused(wait, serverAddr))
		}
		return attempts
	}).remembering(r.want)
}

// rhythmAfterLoss is how SignalR comes back: four times, then no more.
func rhythmAfterLoss() Case {
	const desc = "A client that lost its WebSocket comes back at once, then after 2, 10 and 30 s."
	return newCase("rhythm-after-loss", desc, func(g *Capture) []Attempt {
		d := g.device("10.0.0.7")
		return []Attempt{
			d.lasting(0, 20*second, serverAddr, closedByServer), d.refused(0, serverAddr),
			d.refused(2*second, serverAddr), d.refused(10*second, serverAddr), d.refused(30*second, serverAddr),
		}
	}).remembering(History{
		Client: "10.0.0.7", Attempts: 5, Opened: 1, Failed: 4,
		Rhythm: "back-off", Wait: 10 * second, To: 30 * second, Like: "SignalR",
		Lasted: [3]time.Duration{20 * second, 20 * second, 20 * second}, Ends: []string{"server fin 1"}, Breaks: 1,
	})
}

func lifetimes() Case {
	return newCase("lifetimes", "WebSockets of one client end in different ways after different times; the last one does not.", func(g *Capture) []Attempt {
		d := g.device("10.0.0.7")
		first := d.lasting(3*second, 30*second, serverAddr, func(c *Conn) { c.endSession(1001) })
		other := d.lasting(3*second, 5*second, serverAddr, (*Conn).CloseSession)
		third := d.lasting(3*second, 2*time.Minute, serverAddr, func(c *Conn) { c.Rst(Server) })
		_, open := d.opens(3*second, serverAddr)
		return []Attempt{first, other, third, open}
	}).remembering(History{
		Client: "10.0.0.7", Attempts: 4, Opened: 4, Rhythm: "constant", Wait: 3 * second,
		Lasted: [3]time.Duration{5 * second, 30 * second, 2 * time.Minute},
		Ends:   []string{"server close-frame 1001 1", "client close-frame 1000 1", "server rst 1", "open 1"},
	})
}

// firmwareUpdate has the same device with two versions of its software.
func firmwareUpdate() Case {
	const desc = "After an update a device has another User-Agent and order of fields, and the server's Accept is wrong."
	return newCase("device-firmware-update", desc, func(g *Capture) (attempts []Attempt) {
		d := g.device("10.0.0.7")
		for range 3 {
			u := g.upgrade()
			u.req = espRequest(hostName, wsPath, u.key)
			u.rest = func(c *Conn) {
				g.Wait(20 * second)
				c.CloseSession()
			}
			attempts = append(attempts, u.play(d.dial(10*second, serverAddr)))
		}
		for range 4 {
			u := g.wrongUpgrade()
			u.req.set("User-Agent", "gateway/2.0")
			attempts = append(attempts, u.playWrong(d.dial(10*second, serverAddr)))
		}
		return attempts
	}).remembering(History{
		Client: "10.0.0.7", Attempts: 7, Opened: 3, Failed: 4, Rhythm: "constant", Wait: 10 * second, Like: "esp_websocket_client",
		Lasted: [3]time.Duration{20 * second, 20 * second, 20 * second}, Ends: []string{"client close-frame 1000 3"}, Breaks: 1,
		Changes: []Change{{Good: 3, Bad: 4, Differences: []string{
			"changed request field User-Agent: ESP32 Websocket Client => gateway/2.0",
			"changed order of the request fields: Connection, Host, User-Agent, Upgrade, Sec-WebSocket-Version, Sec-WebSocket-Key" +
				" => Host, User-Agent, Connection, Sec-WebSocket-Key, Sec-WebSocket-Version, Upgrade",
			"changed findings:  => accept-mismatch, accept-wrong-guid",
		}}},
	})
}
