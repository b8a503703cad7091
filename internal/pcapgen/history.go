package pcapgen

import (
	"fmt"
	"time"
)

// A History is the truth about all attempts of one client address. The packets
// that begin and end a connection make its durations a little longer.
type History struct {
	Client                   string
	Attempts, Opened, Failed int

	Rhythm   string        // of its waits, from the end of an attempt to the next one
	Wait     time.Duration // their median: the longer one of the two in the middle
	From, To time.Duration // of a back-off
	Like     string        // software that waits so

	Lasted [3]time.Duration // of the WebSockets whose end is in the capture: the shortest, the median, the longest
	Ends   []string         // how WebSockets ended, and how often: "server fin 4"

	Breaks  int
	Changes []Change
}

// A Change is the truth about a failure right after a success.
type Change struct {
	Good, Bad   int // places of the attempts in the list, from 1
	Differences []string
}

// A Passage is the truth about an attempt that is there on both sides of a proxy.
// What the proxy changed is written as "added field Via: before => after".
type Passage struct {
	Outer, Inner      int // places of the attempts in the list, from 1
	Guess             bool
	Request, Response []string
}

// An Incident is the truth about what several attempts show together.
type Incident struct {
	Code     string
	Server   string // address and port; "": it is about several
	Client   string // address; the same
	Attempts int    // that belong to it
	Clients  int    // of those
}

// A device is a client that comes again and again, each time from another port.
type device struct {
	g    *Capture
	addr string
	port int
}

func (g *Capture) device(addr string) *device { return &device{g: g, addr: addr, port: 51233} }

// dial opens a connection after a time.
func (d *device) dial(after time.Duration, server string) *Conn {
	d.g.Wait(after)
	d.port++
	return d.g.Dial(fmt.Sprintf("%s:%d", d.addr, d.port), server)
}

// refused is an attempt for which the server has no backend. It closes at once.
func (d *device) refused(after time.Duration, server string) Attempt {
	u := d.g.upgrade()
	u.answer(errorPage("503 Service Unavailable"))
	a := u.play(d.dial(after, server))
	a.Codes = []string{"status-503"}
	return a
}

// opens is an attempt that opens a WebSocket, which stays open.
func (d *device) opens(after time.Duration, server string) (*Conn, Attempt) {
	u := d.g.upgrade()
	u.rest = func(*Conn) {}
	c := d.dial(after, server)
	return c, u.play(c)
}

// lasting is an attempt that opens a WebSocket which ends after a time.
func (d *device) lasting(after, life time.Duration, server string, end func(c *Conn)) Attempt {
	c, a := d.opens(after, server)
	d.g.Wait(life)
	end(c)
	return a
}

// endSession is a closing handshake that the server begins.
func (c *Conn) endSession(code uint16) {
	c.Server(frame(opClose, closeBody(code, "")))
	c.Client(c.masked(opClose, closeBody(code, "")))
	c.Close(Server)
}
