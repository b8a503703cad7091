//go:build linux

package main

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wssniff/wssniff/analyze"
)

// verdicts counts attempts.
type verdicts map[string]int

// count takes a line of wssniff's output.
func (v verdicts) count(line []byte) {
	var record struct {
		Record    string
		WebSocket struct{ Verdict string }
	}
	if json.Unmarshal(line, &record) == nil && record.Record == "attempt" {
		v[record.WebSocket.Verdict]++
	}
}

// compare prints what was told, and fails if it is not what there was.
func (v verdicts) compare(w io.Writer, want verdicts) error {
	fmt.Fprintf(w, "\nattempts: %v\n", v)
	if !maps.Equal(v, want) {
		return fmt.Errorf("of the attempts %v there are told %v", want, v)
	}
	return nil
}

// A churn is traffic on lo: clients that come and go, some that stay, and now and
// then a flood of SYNs.
type churn struct {
	server *http.Server
	over   chan struct{}
	all    sync.WaitGroup
	mu     sync.Mutex
	made   verdicts
}

const (
	perSecond  = 100              // attempts
	stays      = 30 * time.Second // at most, what is opened
	idlers     = 500              // stay to the end
	devices    = 1000             // addresses of clients
	floodEvery = time.Minute
	floodLasts = 20 * time.Second
	floodRate  = 3000 // SYNs per second
)

// outcomes are paths, and the verdicts that the answers deserve.
var outcomes = []struct{ path, verdict string }{
	{"/right", "ok"}, {"/right", "ok"}, {"/right", "ok"}, {"/right", "ok"}, {"/right", "ok"}, {"/right", "ok"},
	{"/wrong", "accept-mismatch"}, {"/missing", "rejected"}, {"/moved", "redirected"}, {"/mute", "no-response"},
}

// begin lets traffic flow until end.
func begin() (*churn, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:80")
	if err != nil {
		return nil, err
	}
	c := &churn{server: &http.Server{Handler: http.HandlerFunc(answer)}, over: make(chan struct{}), made: verdicts{}}
	go c.server.Serve(l)
	raw, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err == nil {
		var lo *net.Interface
		if lo, err = net.InterfaceByName("lo"); err == nil {
			err = unix.Bind(raw, &unix.SockaddrLinklayer{Ifindex: lo.Index})
		}
	}
	if err != nil {
		return nil, err
	}
	for range idlers {
		c.all.Go(func() { c.attempt(0, 1<<62) })
	}
	c.all.Go(c.come)
	c.all.Go(func() { c.flood(raw) })
	return c, nil
}

// come begins attempts at their rate.
func (c *churn) come() {
	tick := time.NewTicker(time.Second / perSecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-c.over:
			return
		case <-tick.C:
			c.all.Go(func() { c.attempt(i%len(outcomes), rand.N(stays)) })
		}
	}
}

// attempt opens a WebSocket, says something, and stays if it is open.
func (c *churn) attempt(outcome int, stay time.Duration) {
	of := outcomes[outcome]
	n := rand.IntN(devices)
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(n>>8), byte(n))}}
	conn, err := d.Dial("tcp4", "127.0.0.1:80")
	if err != nil {
		return // no attempt, and then the counts differ if there was one
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: soak.example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", of.path, key())
	c.mu.Lock()
	c.made[of.verdict]++
	c.mu.Unlock()
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || r.StatusCode != http.StatusSwitchingProtocols {
		return
	}
	conn.Write([]byte{0x81, 0x82, 1, 2, 3, 4, 'h' ^ 1, 'i' ^ 2})
	select {
	case <-c.over:
	case <-time.After(stay):
	}
}

// key is 16 random bytes in base64.
func key() string {
	b := binary.LittleEndian.AppendUint64(nil, rand.Uint64())
	return base64.StdEncoding.EncodeToString(binary.LittleEndian.AppendUint64(b, rand.Uint64()))
}

// answer is what a server says to an attempt, by its path.
func answer(w http.ResponseWriter, r *http.Request) {
	accept := analyze.Accept(r.Header.Get("Sec-WebSocket-Key"))
	switch r.URL.Path {
	case "/wrong":
		accept = analyze.Accept("another key")
	case "/moved":
		http.Redirect(w, r, "https://soak.example.org/", http.StatusMovedPermanently)
		return
	case "/missing":
		http.NotFound(w, r)
		return
	}
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	if r.URL.Path != "/mute" {
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept)
		io.Copy(io.Discard, conn)
	}
}

// flood sends SYNs from everywhere for a while, and again.
func (c *churn) flood(raw int) {
	defer unix.Close(raw)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for begun := time.Now(); ; {
		select {
		case <-c.over:
			return
		case now := <-tick.C:
			if now.Sub(begun)%floodEvery > floodLasts {
				continue
			}
		}
		for range floodRate / 100 {
			unix.Write(raw, syn()) // what finds no room is no flood
		}
	}
}

// syn is a frame with a SYN from some address to the server.
func syn() []byte {
	f := make([]byte, 14+20+20)
	f[12] = 8 // IPv4
	ip, tcp := f[14:], f[34:]
	ip[0], ip[3], ip[8], ip[9] = 0x45, 40, 64, unix.IPPROTO_TCP
	binary.BigEndian.PutUint32(ip[12:], 10<<24|rand.Uint32()>>8)
	copy(ip[16:], []byte{127, 0, 0, 1})
	sum := uint32(0)
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	binary.BigEndian.PutUint16(ip[10:], ^uint16(sum+sum>>16))
	binary.BigEndian.PutUint16(tcp, uint16(1024+rand.IntN(60000)))
	tcp[3] = 80
	binary.BigEndian.PutUint32(tcp[4:], rand.Uint32())
	tcp[12], tcp[13] = 5<<4, 2
	return f
}

// end stops the traffic, and returns what there was.
func (c *churn) end() verdicts {
	close(c.over)
	c.all.Wait()
	c.server.Close()
	return c.made
}
