package workload

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// A cause is why an attempt of a device brings it nothing.
type cause string

const (
	healthy    cause = ""
	firmware   cause = "firmware"    // an update, whose keys the server takes otherwise
	moved      cause = "moved"       // to https, where the device does not follow
	badGateway cause = "bad-gateway" // the name leads to another server, which has no backend
	oversize   cause = "oversize"    // the head of the 101 is too long for the device
	outage     cause = "outage"      // of the server, for all
)

var breakdowns = [...]cause{firmware, moved, badGateway, oversize}

// verdict is what the capture shows of it: a device that cannot take the head of
// a 101 was answered as it should be.
func (d *device) verdict(why cause) verdict {
	switch why {
	case firmware:
		return acceptMismatch
	case moved:
		return redirected
	case badGateway:
		return rejected
	case outage:
		if d.server%20 == 0 {
			return rejected
		}
		return noResponse
	}
	return ok
}

// A device opens a WebSocket to its server, keeps it for minutes or hours, and
// tries again when it is gone. At most one connection of it is open.
type device struct {
	m        *month
	truth    *DeviceTruth
	mac      [6]byte
	port     uint16
	server   int64
	version  int // of its firmware
	up       bool
	failures int // attempts in a row that brought nothing

	// One in eight breaks.
	breaks   cause
	breakAt  int64
	left     int64 // failures until that is over; negative: it never is
	recovers bool  // when it is over; else the device is switched off
	off      bool
}

var firmwares = [...]string{"meter/2.3.1", "meter/2.4.0", "tracker/1.9", "panel/5.12.2"}

const (
	newFirmware    = "-next" // what an update adds to the version
	firstEphemeral = 49152   // RFC 6335, Section 6
)

func monthDevice(i int64) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 20, byte(i / 250), byte(2 + i%250)})
}

func monthServer(i int64) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 18, byte(i / 250), byte(2 + i%250)}), 80)
}

// gatewayMAC is the gateway's on the side of the devices.
var gatewayMAC = [6]byte{0x02, 0x9a, 0x3c, 0x11, 0x22, 0x01}

// newDevice makes the i-th device. rhythm and fate are its places in two random
// orders of all.
func (m *month) newDevice(i int64, rhythm, fate int) *device {
	d := &device{
		m: m, mac: [6]byte{0x02, 0xd0, 0x5a, byte(i >> 16), byte(i >> 8), byte(i)},
		port: firstEphemeral, server: i % m.spec.Servers, version: m.rng.IntN(len(firmwares)),
	}
	d.truth = &DeviceTruth{
		IP: monthDevice(i), MAC: net.HardwareAddr(d.mac[:]).String(),
		Failed: map[string]int64{}, Rhythm: rhythmAt(rhythm),
	}
	if fate%8 == 0 {
		d.planBreakdown(fate / 8)
	}
	return d
}

// planBreakdown says when and why a device breaks and what becomes of it: it
// recovers, is switched off, or fails to the end. The last only if its attempts
// are a minute apart, as the others would be most of the month.
func (d *device) planBreakdown(fate int) {
	m := d.m
	d.breaks = breakdowns[fate%len(breakdowns)]
	d.breakAt = m.within(40, 80)
	least := int64(100) << m.between(0, 3)
	d.left = m.between(least, 2*least)
	switch fate / len(breakdowns) % 3 {
	case 0:
		d.recovers = true
	case 1:
		if d.truth.Rhythm.Most >= 60 {
			d.breakAt, d.left = m.within(67, 97), -1
		}
	}
}

// step implements task: it begins an attempt, whose end calls for the next.
func (d *device) step(g *generator) (int64, bool) {
	if !d.off && g.now < d.m.end-minute {
		g.add(0, d.attempt(d.trouble()))
	}
	return 0, false
}

// trouble is what stands in the way now.
func (d *device) trouble() cause {
	switch {
	case d.m.fails(d.server, d.m.now):
		return outage
	case d.breaks != healthy && d.m.now >= d.breakAt:
		return d.breaks
	}
	return healthy
}

// attempt is a connection with an attempt that meets some trouble.
func (d *device) attempt(why cause) *conn {
	c := d.connect(why)
	key := d.m.key()
	c.noteAfter(100*microsecond, func() { d.count(why) })
	c.say(client, 0, text(d.request(why, key)))
	d.answer(c, why, key)
	if why == healthy {
		c.script = d.talk
	} else {
		c.note(d.again)
	}
	return c
}

func (d *device) connect(why cause) *conn {
	to := d.server
	if why == badGateway {
		to += d.m.spec.Servers
	}
	c := d.m.newConn(netip.AddrPortFrom(d.truth.IP, d.port), monthServer(to), nil)
	if d.port++; d.port == 0 {
		d.port = firstEphemeral
	}
	c.bare = true
	c.ends[client].setMACs(d.mac, gatewayMAC)
	c.ends[server].setMACs(gatewayMAC, d.mac)
	return c
}

func (d *device) host() string { return fmt.Sprintf("gw%02d.example.net", d.server) }

func (d *device) request(why cause, key string) string {
	agent := firmwares[d.version]
	if why == firmware {
		agent += newFirmware
	}
	return fmt.Sprintf("GET /device HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", d.host(), agent, key)
}

// answer appends what the server says, and the end unless it is a WebSocket now.
func (d *device) answer(c *conn, why cause, key string) {
	g := d.m.generator
	think := c.rtt + g.between(200, 5000)
	refuse := func(line, fields string) {
		c.say(server, think, text("HTTP/1.1 "+line+"\r\n"+fields+"Content-Length: 0\r\nConnection: close\r\n\r\n"))
		c.close(server, 300*microsecond)
	}
	switch why {
	case healthy:
		c.say(server, think, text(switching(acceptFor(key))))
	case firmware:
		c.say(server, think, text(switching(acceptFor(g.key()))))
		c.close(client, millisecond)
	case oversize:
		policy := "\r\nContent-Security-Policy: default-src 'self'; img-src" + strings.Repeat(" https://img.example.net", 40)
		c.say(server, think, text(strings.TrimSuffix(switching(acceptFor(key)), "\r\n\r\n")+policy+"\r\n\r\n"))
		c.close(client, millisecond)
	case moved:
		refuse("301 Moved Permanently", "Location: https://"+d.host()+"/device\r\n")
	case badGateway:
		refuse("502 Bad Gateway", "")
	case outage:
		think += g.between(300*millisecond, 900*millisecond)
		if d.verdict(why) == rejected {
			refuse("503 Service Unavailable", "Retry-After: 60\r\n")
		} else {
			c.close(server, think)
		}
	}
}

// count notes an attempt whose request is the next packet.
func (d *device) count(why cause) {
	t, v, at := d.truth, d.verdict(why), moment(d.m.now+1)
	if t.Attempts++; t.Attempts == 1 {
		t.First = at
	}
	t.Last = at
	d.m.truth.Attempts++
	d.m.truth.Verdicts[string(v)]++
	switch v {
	case ok:
		t.Established++
	case redirected:
		t.Redirects++
		fallthrough
	default:
		t.Failed[string(v)]++
	}
	if why == healthy {
		d.up, d.failures = true, 0
		return
	}
	if d.up {
		t.Broke = append(t.Broke, Break{at, string(why)})
	}
	d.up = false
	d.failures++
	if why == d.breaks {
		d.wear()
	}
}

// wear brings the end of a breakdown nearer.
func (d *device) wear() {
	if d.left--; d.left == 0 {
		d.breaks, d.off = healthy, !d.recovers
	}
}

// again begins the next attempt when the rhythm says so.
func (d *device) again() {
	d.m.add(d.truth.Rhythm.pause(d.m.generator, d.failures), d)
}

// talk is the script of a connection that was upgraded: one exchange, and then
// silence until it ends.
func (d *device) talk(c *conn) bool {
	g := d.m.generator
	c.say(client, 2*millisecond, message{g.wsFrame(client, opBinary, g.between(16, 60))})
	c.say(server, c.rtt, message{g.wsFrame(server, opBinary, g.between(4, 30))})
	c.script = d.leave
	return true
}

// leave is the script of the end, which may lie beyond that of the month.
func (d *device) leave(c *conn) bool {
	g := d.m.generator
	c.script = nil
	least := 125 * second << g.between(0, 5) // half an hour on average
	end := g.now + g.between(least, 2*least)
	mass := d.m.disconnectBefore(d.server, end)
	if mass != nil {
		end = mass.at + g.between(0, 900*millisecond)
	}
	if end > d.m.end-second {
		return false
	}
	wait := end - g.now
	switch {
	case mass != nil:
		mass.truth.Connections++
		c.close(server, wait)
	case g.chance(0.5):
		c.say(client, wait, g.closeFrame(client))
		c.say(server, c.rtt, g.closeFrame(server))
		c.close(server, 100*microsecond)
	default:
		c.close(server, wait) // an idle timer
	}
	c.note(d.again)
	return true
}
