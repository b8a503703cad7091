package pcapgen

import (
	"fmt"
	"time"
)

// otherServer is a second one.
const otherServer = "192.0.2.10:80"

// incidentCases show what only attempts of several clients do.
func incidentCases() []Case {
	return []Case{massDisconnect(), reconnectStorm(), serverFails(), clientFails(), idleTimer(), busyServer()}
}

// crew returns clients.
func (g *Capture) crew(n int) (crew []*device) {
	for i := range n {
		crew = append(crew, g.device(fmt.Sprintf("10.0.1.%d", i+1)))
	}
	return crew
}

func massDisconnect() Case {
	const desc = "A server ends the WebSockets of six clients within a second; five of them come back."
	return newCase("mass-disconnect", desc, func(g *Capture) (attempts []Attempt) {
		crew := g.crew(6)
		var conns []*Conn
		for _, d := range crew {
			c, a := d.opens(3*second, serverAddr)
			a.CloseBy, a.CloseCode = "server", 1001
			conns, attempts = append(conns, c), append(attempts, a)
		}
		g.Wait(15 * second)
		for _, c := range conns {
			c.endSession(1001)
			g.Wait(100 * millisecond)
		}
		for _, d := range crew[1:] {
			_, a := d.opens(2*second, serverAddr)
			attempts = append(attempts, a)
		}
		return attempts
	}).showing(Incident{Code: "mass-disconnect", Server: serverAddr, Attempts: 6, Clients: 6})
}

func reconnectStorm() Case {
	const desc = "36 clients come to a server within a second, four of them twice; before, it had one within a minute."
	return newCase("reconnect-storm", desc, func(g *Capture) (attempts []Attempt) {
		_, first := g.device("10.0.0.7").opens(0, serverAddr)
		attempts = append(attempts, first)
		g.Wait(time.Minute)
		crew := g.crew(36)
		for _, d := range append(crew, crew[:4]...) {
			_, a := d.opens(20*millisecond, serverAddr)
			attempts = append(attempts, a)
		}
		return attempts
	}).showing(Incident{Code: "reconnect-storm", Server: serverAddr, Attempts: 40, Clients: 36})
}

func serverFails() Case {
	const desc = "A server refuses all of three clients for a while, twice each; another one goes on."
	return newCase("server-fails-for-all", desc, func(g *Capture) (attempts []Attempt) {
		crew := g.crew(3)
		for _, d := range crew {
			attempts = append(attempts, d.lasting(second, second, serverAddr, closedByClient))
		}
		for range 2 {
			for _, d := range crew {
				attempts = append(attempts, d.refused(5*second, serverAddr))
			}
			attempts = append(attempts, crew[0].lasting(second, second, otherServer, closedByClient))
		}
		return append(attempts, crew[2].lasting(second, second, serverAddr, closedByClient))
	}).showing(Incident{Code: "server-fails-for-all", Server: serverAddr, Attempts: 6, Clients: 3})
}

func clientFails() Case {
	const desc = "Two servers reset the connections of one client; another one has no trouble with either."
	return newCase("client-fails-everywhere", desc, func(g *Capture) (attempts []Attempt) {
		good, bad := g.device("10.0.0.8"), g.device("10.0.0.7")
		for _, server := range []string{serverAddr, otherServer} {
			for range 2 {
				attempts = append(attempts, good.lasting(second, second, server, closedByClient), g.reset(bad.dial(second, server)))
			}
		}
		return attempts
	}).showing(Incident{Code: "client-fails-everywhere", Client: "10.0.0.7", Attempts: 4, Clients: 1})
}

// reset answers a request with RST.
func (g *Capture) reset(c *Conn) Attempt {
	u := g.upgrade()
	a := Attempt{Stream: c.Stream(), RequestFrame: c.Client(u.req.bytes()), Verdict: "no-response", Key: u.key, Codes: []string{"tcp-rst-after-request"}}
	c.Rst(Server)
	return a
}

// idleTimer has clients whose WebSockets the server ends in turns.
func idleTimer() Case {
	const desc = "A proxy closes WebSockets without a Close frame, always 60 s after the last frame; each client comes back after 5 s."
	end := func(c *Conn) {
		c.Client(c.masked(opText, `{"hello":"world"}`))
		c.Server(frame(opText, `{"ok":true}`))
		c.g.Wait(60 * second)
		c.Close(Server)
	}
	return newCase("idle-timeout-60s", desc, func(g *Capture) (attempts []Attempt) {
		first, other := g.device("10.0.0.7"), g.device("10.0.0.8")
		for i, d := range []*device{first, other, first, other} {
			attempts = append(attempts, d.lasting(5*second, time.Duration(i)*second, serverAddr, end))
		}
		return attempts
	}).showing(Incident{Code: "idle-timeout-fixed-timer", Server: serverAddr, Attempts: 4, Clients: 2})
}

// busyServer has a little less than each incident needs.
func busyServer() Case {
	const desc = "WebSockets come, fail and go, but at no time so many at once that it would mean something."
	return newCase("no-incident", desc, func(g *Capture) (attempts []Attempt) {
		crew := g.crew(8)
		var conns []*Conn
		for _, d := range crew {
			c, a := d.opens(3*second, serverAddr)
			conns, attempts = append(conns, c), append(attempts, a)
		}
		g.Wait(15 * second)
		for _, c := range conns[:4] { // half of them, but only four
			c.Close(Client)
		}
		for range 2 { // of two clients only
			for _, d := range crew[:2] {
				attempts = append(attempts, d.refused(second, serverAddr))
			}
		}
		attempts = append(attempts, crew[0].lasting(second, second, serverAddr, closedByClient))
		attempts = append(attempts, crew[3].refused(second, otherServer)) // it has one server only
		for i, life := range []time.Duration{20 * second, 40 * second, 80 * second} {
			attempts = append(attempts, crew[i].lasting(second, life, serverAddr, closedByServer))
		}
		return attempts
	})
}
