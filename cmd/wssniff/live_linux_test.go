package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/internal/netns"
)

// A listener is a running command that captures.
type listener struct {
	*exec.Cmd
	out, complaints bytes.Buffer
}

// startListening starts wssniff in the namespace that was entered, and waits
// until it has a packet socket that is ready.
func startListening(t *testing.T, args ...string) *listener {
	t.Helper()
	return start(t, exec.Command("wssniff", args...))
}

func start(t *testing.T, cmd *exec.Cmd) *listener {
	t.Helper()
	l := &listener{Cmd: cmd}
	l.Stdout, l.Stderr = &l.out, &l.complaints
	before := packetSockets(t)
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Process.Kill() })
	for range 1000 {
		if packetSockets(t) > before {
			return l
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%q does not listen: %s", cmd.Args, l.complaints.String())
	return nil
}

// startTCPDump waits until tcpdump says that it listens, with its filter set.
func startTCPDump(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	dump := exec.Command("tcpdump", args...)
	said, err := dump.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := dump.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dump.Process.Kill() })
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if strings.Contains(lines.Text(), "listening on") {
			return dump
		}
	}
	t.Fatalf("tcpdump %q does not listen", args)
	return nil
}

// packetSockets counts the sockets of the namespace that take all packets.
func packetSockets(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/thread-self/net/packet")
	if err != nil {
		t.Fatal(err)
	}
	return len(regexp.MustCompile(`(?m)^\S+ +\d+ +\d+ +0003 +\S+ +1 `).FindAll(b, -1))
}

// end asks the command to end, and returns its exit code.
func (l *listener) end(signal os.Signal) int {
	l.Process.Signal(signal)
	l.Wait()
	return l.ProcessState.ExitCode()
}

// cable joins the test, at 10.9.0.1 on va, with another network, at 10.9.0.2.
func cable(t *testing.T) *netns.Namespace {
	t.Helper()
	netns.Enter(t)
	far := netns.New(t)
	netns.IP(t, "link add va type veth peer name vb netns", far.String())
	netns.IP(t, "addr add 10.9.0.1/24 dev va")
	netns.IP(t, "link set va up")
	far.Do(func() {
		netns.IP(t, "addr add 10.9.0.2/24 dev vb")
		netns.IP(t, "link set vb up")
	})
	netns.Carrier(t, "va")
	return far
}

// serve answers requests in a network, by their path.
func serve(t *testing.T, at *netns.Namespace, addr string) {
	t.Helper()
	var l net.Listener
	var err error
	at.Do(func() { l, err = net.Listen("tcp4", addr) })
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(answer)}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
}

func answer(w http.ResponseWriter, r *http.Request) {
	accept := analyze.Accept(r.Header.Get("Sec-WebSocket-Key"))
	switch r.URL.Path {
	case "/wrong":
		accept = analyze.Accept("another key")
	case "/moved":
		http.Redirect(w, r, "/right", http.StatusMovedPermanently)
		return
	case "/missing":
		http.NotFound(w, r)
		return
	}
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	if r.URL.Path == "/mute" {
		return
	}
	fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept)
	io.Copy(io.Discard, c)
}

// handshake tries to open a WebSocket and closes the connection.
func handshake(t *testing.T, addr, path string) {
	t.Helper()
	handshakeWith(t, addr, path, "dGhlIHNhbXBsZSBub25jZQ==")
}

func handshakeWith(t *testing.T, addr, path, key string) {
	t.Helper()
	c, err := net.Dial("tcp4", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", path, addr, key)
	c.Read(make([]byte, 4096))
}

var paths = []string{"/right", "/wrong", "/moved", "/missing", "/mute", "/right"}

// TestLiveRows listens together with tcpdump while clients and servers of two
// networks talk. The rows are those that the file gives.
func TestLiveRows(t *testing.T) {
	if _, err := exec.LookPath("tcpdump"); err != nil {
		t.Skip("needs tcpdump: apt-get install tcpdump")
	}
	far := cable(t)
	serve(t, far, "10.9.0.2:8080")
	file := filepath.Join(t.TempDir(), "all.pcap")
	format := []string{"--all", "--format", "jsonl", "--summary"}
	dump := startTCPDump(t, "-i", "va", "--nano", "-U", "-w", file, "tcp port 8080")
	live := startListening(t, append(format, "-i", "va", "tcp", "port", "8080")...)
	any := startListening(t, append(format, "-i", "any", "-f", "port 8080")...)
	for _, path := range paths {
		handshake(t, "10.9.0.2:8080", path)
	}
	time.Sleep(3 * time.Second) // tcpdump looks once a second, and ends without what it has not seen
	dump.Process.Signal(os.Interrupt)
	dump.Wait()
	for _, l := range []*listener{live, any} {
		if code := l.end(os.Interrupt); code != exitOK || l.complaints.Len() > 0 {
			t.Errorf("exit code %d: %s", code, l.complaints.String())
		}
	}
	want, _ := exec.Command("wssniff", append(format, file)...).Output()
	if n := attempts(want); n != len(paths) {
		t.Fatalf("%d attempts of %d in the file", n, len(paths))
	}
	for name, l := range map[string]*listener{"va": live, "any": any} {
		mask := withoutPlaceAndTime
		if name == "any" && capture.Library() != "" { // which filters later, and shows other headers
			mask = withoutPackets
		}
		if d := cmp.Diff(mask(want), mask(l.out.Bytes())); d != "" {
			t.Errorf("on %s the rows are others than in the file (-file +live):\n%s", name, d)
		}
	}
}

func attempts(lines []byte) int { return bytes.Count(lines, []byte(`"record":"attempt"`)) }

// withoutPlaceAndTime masks what two observers do not see alike: the kernel gives
// each socket its own times, and the packets of two processors in any order. What
// is said of dropped packets, of which a file does not tell, goes too.
func withoutPlaceAndTime(lines []byte) string {
	lines = regexp.MustCompile(`"(\w*frame)":\d+`).ReplaceAll(lines, []byte(`"$1":0`))
	lines = regexp.MustCompile(`"(@timestamp|first|last|start|end|time|at)":"[^"]*"`).ReplaceAll(lines, []byte(`"$1":"T"`))
	lines = regexp.MustCompile(`"(\w*_ns|duration|\w*_ms|\w*seconds)":-?[\d.]+`).ReplaceAll(lines, []byte(`"$1":0`))
	return regexp.MustCompile(`[\d.]+ ?(ms|s|µs)\b|"dropped_packets":0,`).ReplaceAllString(string(lines), "")
}

func withoutPackets(lines []byte) string {
	return regexp.MustCompile(`"(packets|bytes)":\d+`).ReplaceAllString(withoutPlaceAndTime(lines), "")
}

// TestLiveStops tries all ways to end.
func TestLiveStops(t *testing.T) {
	far := cable(t)
	serve(t, far, "10.9.0.2:80")
	for _, test := range []struct {
		args []string
		end  os.Signal // nil: it ends by itself
		want int       // attempts; -1: any number
	}{
		{end: os.Interrupt, want: 6},
		{end: syscall.SIGTERM, want: 6},
		{args: []string{"-c", "4"}, want: 1}, // SYN, SYN and ACK, ACK, request
		{args: []string{"-a", "attempts:2"}, want: -1},
		{args: []string{"-a", "duration:1"}, want: -1},
		{args: []string{"-a", "duration:1", "udp"}, want: 0},
		{args: []string{"-a", "duration:600", "-c", "4"}, want: 1},
	} {
		l := startListening(t, append(test.args, "-i", "va", "--all", "--format", "jsonl")...)
		for _, path := range paths {
			handshake(t, "10.9.0.2:80", path)
		}
		if test.end != nil {
			l.Process.Signal(test.end)
		}
		l.Wait()
		if code := l.ProcessState.ExitCode(); code != exitOK || l.complaints.Len() > 0 {
			t.Errorf("%q: exit code %d: %s", test.args, code, l.complaints.String())
		}
		if n := attempts(l.out.Bytes()); test.want >= 0 && n != test.want {
			t.Errorf("%q: %d attempts, want %d", test.args, n, test.want)
		}
	}
}

// TestLiveAsItHappens looks at the output while a WebSocket is open, and when it is
// over.
func TestLiveAsItHappens(t *testing.T) {
	far := cable(t)
	serve(t, far, "10.9.0.2:80")
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} { // it is for nobody, too
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "out.jsonl")
	l := startListening(t, "-i", "va", "--format", "jsonl", "--summary", "-o", out)
	c, err := net.Dial("tcp4", "10.9.0.2:80")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET /right HTTP/1.1\r\nHost: gw\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n")
	handshake(t, "10.9.0.2:80", "/missing")
	awaitLine(t, out, `"record":"attempt".*"verdict":"ok".*"how":"open"}`)
	awaitLine(t, out, `"record":"attempt".*"verdict":"rejected"`)
	c.Write([]byte("\x88\x82\x00\x00\x00\x00\x03\xe9"))
	c.Close()
	awaitLine(t, out, `"record":"end".*"verdict":"ok".*"code":1001`)
	l.Process.Signal(syscall.SIGUSR1)
	time.Sleep(2 * time.Second)
	if err := os.Rename(out, out+".1"); err != nil {
		t.Fatal(err)
	}
	l.Process.Signal(syscall.SIGHUP)
	time.Sleep(2 * time.Second)
	handshake(t, "10.9.0.2:80", "/wrong")
	awaitLine(t, out, `"record":"attempt".*"verdict":"accept-mismatch"`)
	if code := l.end(os.Interrupt); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if !regexp.MustCompile(`(?m)^ attempts +│ +2 │ 1 failed`).Match(l.complaints.Bytes()) {
		t.Errorf("no summary was printed when it was asked for: %s", l.complaints.String())
	}
	awaitLine(t, out, `"record":"summary".*"attempts":3,`)
}

// awaitLine waits until a file has a line.
func awaitLine(t *testing.T, file, want string) {
	t.Helper()
	var b []byte
	for range 100 {
		if b, _ = os.ReadFile(file); regexp.MustCompile(`(?m)^.*` + want).Match(b) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("no line %s in\n%s", want, b)
}

// TestRemoteStops ends a capture that comes over a connection, on which nothing
// more comes.
func TestRemoteStops(t *testing.T) {
	file, err := os.ReadFile(filepath.Join("..", "..", "testdata", "pcaps", "generated", "ok.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{nil, {"-a", "duration:1"}} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		cmd := &listener{Cmd: exec.Command("wssniff", append(args, "--all", "--format", "jsonl", "TCP@"+l.Addr().String())...)}
		cmd.Stdout, cmd.Stderr = &cmd.out, &cmd.complaints
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill() })
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Write(file)
		if args == nil {
			time.Sleep(time.Second)
			cmd.Process.Signal(os.Interrupt)
		}
		cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != exitOK || cmd.complaints.Len() > 0 || attempts(cmd.out.Bytes()) == 0 {
			t.Errorf("%q: exit code %d: %s%s", args, code, cmd.complaints.String(), cmd.out.String())
		}
	}
}

// TestLiveTells lets a small ring overflow, and takes the interface down and up.
func TestLiveTells(t *testing.T) {
	far := cable(t)
	serve(t, far, "10.9.0.2:80")
	l := startListening(t, "-i", "va", "-B", "1")
	netns.IP(t, "link set va down")
	time.Sleep(time.Second)
	netns.IP(t, "link set va up")
	netns.Carrier(t, "va")
	time.Sleep(3 * time.Second)
	handshake(t, "10.9.0.2:80", "/right")
	time.Sleep(time.Second)
	l.Process.Signal(syscall.SIGSTOP)
	c, err := net.Dial("udp4", "10.9.0.2:9")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 3000 {
		c.Write(make([]byte, 1400))
	}
	l.Process.Signal(syscall.SIGCONT)
	if code := l.end(os.Interrupt); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	want := "wssniff: va is down; waiting for it\nwssniff: va is up again\n"
	if capture.Library() != "" {
		want = "" // it does not tell
	}
	if got := l.complaints.String(); got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	for _, want := range []string{`dropped packets +│ +\d{3,} │ by the capturing system`, `attempts +│ +1 `} {
		if !regexp.MustCompile(want).Match(l.out.Bytes()) {
			t.Errorf("no %s in\n%s", want, l.out.String())
		}
	}
}

// TestLiveList lists what there is.
func TestLiveList(t *testing.T) {
	cable(t)
	out, err := exec.Command("wssniff", "-D").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`lo +up, running, loopback +127.0.0.1/8\n`, `va +up(, running)? +[0-9a-f:]{17} 10.9.0.1/24\n`, `any +all of them`} {
		if !regexp.MustCompile(`(?m)^` + want).Match(out) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
}
