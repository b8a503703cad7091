package metrics

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// served serves figures until the end of the test, and returns where.
func served(t *testing.T, m *Metrics, patience time.Duration) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go m.Serve(l, patience)
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

func TestServe(t *testing.T) {
	m := aRun()
	at := "http://" + served(t, m, 0)
	if status, body := get(t, at+"/metrics"); status != http.StatusOK || !strings.Contains(body, "\nwssniff_packets_total 1000\n") {
		t.Errorf("status %d: %s", status, body)
	}
	if status, body := get(t, at+"/healthz"); status != http.StatusOK || body != "ok\n" {
		t.Errorf("status %d: %s", status, body)
	}
	m.Stats(Stats{Down: "eth0 is down"})
	if status, body := get(t, at+"/healthz"); status != http.StatusServiceUnavailable || body != "no packets can come: eth0 is down\n" {
		t.Errorf("status %d: %s", status, body)
	}
	if status, _ := get(t, at+"/"); status != http.StatusNotFound {
		t.Errorf("status %d of another path", status)
	}
	r, err := http.Post(at+"/metrics", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Body.Close(); r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("status %d of a POST", r.StatusCode)
	}
}

func TestHealth(t *testing.T) {
	const patience = 30 * time.Second
	now := time.Now()
	long := now.Add(-time.Hour)
	at := func(at time.Time, down string) *tick { return &tick{Stats{Down: down}, at} }
	for _, test := range []struct {
		name     string
		began    time.Time
		last     *tick
		patience time.Duration
		want     string // what is wrong
	}{
		{"just begun", now, nil, patience, ""},
		{"never ticked", long, nil, patience, `no packets are read: the last tick was 36\d\d seconds ago`},
		{"ticks", long, at(now, ""), patience, ""},
		{"stuck", long, at(long, ""), patience, `no packets are read: the last tick was 36\d\d seconds ago`},
		{"no ticks awaited", long, at(long, ""), 0, ""},
		{"down", long, at(now, "va is down"), patience, "no packets can come: va is down"},
		{"down, no ticks awaited", long, at(now, "va is down"), 0, "no packets can come: va is down"},
	} {
		m := New("")
		m.latest.Store(test.last)
		got := ""
		if err := m.health(test.began, test.patience); err != nil {
			got = err.Error()
		}
		if !regexp.MustCompile("^" + test.want + "$").MatchString(got) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// TestFewClients opens as many connections as are served. Another one gets its
// answer when one of them is closed.
func TestFewClients(t *testing.T) {
	addr := served(t, New(""), 0)
	dial := func() net.Conn {
		c, err := net.Dial("tcp4", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	var silent [maxClients]net.Conn
	for i := range silent {
		silent[i] = dial()
	}
	c := dial()
	fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
	b := make([]byte, 15)
	c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if n, err := io.ReadFull(c, b); err == nil {
		t.Errorf("more than %d clients are served: %q", maxClients, b[:n])
	}
	silent[0].Close()
	c.SetReadDeadline(time.Now().Add(time.Minute))
	if n, err := io.ReadFull(c, b); err != nil || string(b) != "HTTP/1.1 200 OK" {
		t.Errorf("%q, %v", b[:n], err)
	}
}

// TestSlowClient sends a part of a request, and is not waited for.
func TestSlowClient(t *testing.T) {
	t.Parallel()
	c, err := net.Dial("tcp4", served(t, New(""), 0))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET /metrics HTTP/1.1\r\nHo")
	c.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.ReadAll(c); err != nil {
		t.Errorf("not closed: %v", err)
	}
}
