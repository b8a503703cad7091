// Package netns gives tests networks of their own: network namespaces of Linux,
// which are gone when the test is over.
package netns

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Enter puts the goroutine of a test, its thread and all commands that it runs
// into a new namespace, with lo up and without IPv6, which would say something
// unasked. Goroutines that it starts, and subtests, are not in it, but sockets
// stay where they were opened. The test is skipped where this is not permitted.
func Enter(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs the command ip: apt-get install iproute2")
	}
	if err := enter(); err != nil {
		t.Skipf("needs a network namespace: run the tests as root (%v)", err)
	}
	IP(t, "link", "set", "lo", "up")
}

func enter() error {
	runtime.LockOSThread() // for good: the thread ends with the goroutine
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	// Of the thread that asks, not of the process.
	return os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0)
}

// IP runs the command ip with its arguments, each of which may be several words.
func IP(t *testing.T, args ...string) {
	t.Helper()
	words := strings.Fields(strings.Join(args, " "))
	if out, err := exec.Command("ip", words...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(words, " "), err, out)
	}
}

// Carrier waits until an interface whose other end is up takes packets, which the
// kernel sees to when it finds time.
func Carrier(t *testing.T, name string) {
	t.Helper()
	for range 200 {
		out, err := exec.Command("ip", "-o", "link", "show", "dev", name).Output()
		if err == nil && strings.Contains(string(out), "state UP") {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s does not come up", name)
}

// A Namespace is another network than that of the test.
type Namespace struct {
	calls chan func()
	tid   int
}

// New makes a namespace beside that which the test has entered.
func New(t *testing.T) *Namespace {
	t.Helper()
	n := &Namespace{calls: make(chan func())}
	entered := make(chan error)
	go func() {
		entered <- enter()
		for f := range n.calls {
			f()
		}
	}()
	if err := <-entered; err != nil {
		t.Fatal(err)
	}
	n.Do(func() { n.tid = unix.Gettid() })
	t.Cleanup(func() { close(n.calls) })
	return n
}

// Do calls f in the namespace and waits for it. It must not end the test.
func (n *Namespace) Do(f func()) {
	done := make(chan struct{})
	n.calls <- func() { defer close(done); f() }
	<-done
}

// String is the name by which "ip link set ... netns" knows the namespace.
func (n *Namespace) String() string { return strconv.Itoa(n.tid) }
