package pcapgen

import "time"

const (
	second      = time.Second
	millisecond = time.Millisecond
)

// otherTraffic is an ordinary HTTP conversation of another host that goes on
// for about the given number of seconds, so that silence on a connection is
// seen to be silence and not the end of the capture.
func (g *Capture) otherTraffic(seconds int) *Conn {
	c := g.Dial("10.0.0.99:40000", "198.51.100.20:80")
	for range seconds / 5 {
		g.Wait(5 * second)
		c.Client(plainGet("time.example.org", "/now").bytes())
		c.Server(kept("200 OK", "2026-01-02\n").bytes())
	}
	c.Close(Client)
	return c
}
