package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// steps are what confine does, one by one.
var steps = map[string]func() error{
	"user":         func() error { return becomeUser("nobody") },
	"no_new_privs": forbidNewPrivileges,
	"capabilities": dropCapabilities,
	"files":        func() error { return restrictFiles() },
	"calls":        func() error { return restrictCalls(false, false) },
	"all":          func() error { return confine(&privileges{user: "nobody"}) },
	"all as root":  func() error { return confine(&privileges{user: "root"}) },
	"all, serving": func() error { return confine(&privileges{user: "nobody", serves: true}) },

	"all but files there": func() error { return confine(&privileges{user: "nobody", files: os.TempDir()}) },
}

// tries are what somebody could do who took over the program.
var tries = map[string]func() error{
	"packet socket": func() error { return closed(unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)) },
	"accept":        accept,
	"udp socket":    func() error { return closed(unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)) },
	"read file":     func() error { return closed(unix.Open("/etc/passwd", unix.O_RDONLY, 0)) },
	"read secret":   func() error { return closed(unix.Open("/etc/shadow", unix.O_RDONLY, 0)) },
	"write file":    writeFile,
	"make file":     makeFile,
	"connect":       connect,
	"become root":   func() error { return unix.Setresuid(0, 0, 0) },
	"chroot":        func() error { return unix.Chroot("/") },
	"kill":          func() error { return unix.Kill(os.Getpid(), 0) },
	"run":           runProgram,
	"set-user-ID":   setUserID,
}

func closed(fd int, err error) error {
	if err == nil {
		unix.Close(fd)
	}
	return err
}

func connect() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	err = unix.Connect(fd, &unix.SockaddrInet4{Port: 1, Addr: [4]byte{127, 0, 0, 1}})
	if err == unix.ECONNREFUSED { // nobody is there, but it was tried
		return nil
	}
	return err
}

func accept() error {
	_, _, err := unix.Accept4(-1, 0)
	return err
}

func runProgram() error {
	pid, err := syscall.ForkExec("/bin/true", nil, nil)
	if err == nil {
		_, err = syscall.Wait4(pid, nil, 0, nil)
	}
	return err
}

func writeFile() error {
	f, err := os.CreateTemp("", "confined")
	if err == nil {
		f.Close()
		os.Remove(f.Name())
	}
	return err
}

// makeFile makes a file as the evidence is made, which cannot be read.
func makeFile() error {
	part, name := filepath.Join(os.TempDir(), "made.part"), filepath.Join(os.TempDir(), "made")
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(0), f.Sync(), f.Close(), os.Link(part, name), os.Remove(part), os.Rename(name, part), os.Remove(part))
}

// setUserID looks whether set-user-ID bits would count.
func setUserID() error {
	if on, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err != nil || on == 1 {
		return unix.EPERM
	}
	return nil
}

// confinedMain takes a step and prints what can be done no more: on a thread from
// before, and on one that is made afterwards.
func confinedMain() {
	before, taken, results := make(chan bool), make(chan bool), make(chan string, 2)
	try := func() {
		var cannot []string
		for name, f := range tries {
			if err := f(); err != nil {
				cannot = append(cannot, fmt.Sprintf("%s: %v", name, err))
			}
		}
		results <- strings.Join(cannot, "\n")
	}
	go func() {
		runtime.LockOSThread()
		before <- true
		<-taken
		try()
	}()
	<-before
	if err := steps[os.Args[1]](); err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	close(taken)
	first := <-results
	go func() {
		runtime.LockOSThread()
		go func() { // on another thread
			runtime.LockOSThread()
			try()
		}()
		time.Sleep(time.Millisecond)
	}()
	fmt.Printf("%s\n--\n%s\n", first, <-results)
}

// TestConfine takes each step and tries what it forbids, and what it does not.
func TestConfine(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs privileges to give away: run as root")
	}
	dir := t.TempDir()
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o777)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	for step, want := range map[string][]string{
		"user":         {"become root", "chroot", "packet socket", "read secret"},
		"no_new_privs": {"set-user-ID"},
		"capabilities": {"chroot", "packet socket"},
		"files":        {"connect", "make file", "read file", "read secret", "run", "set-user-ID", "write file"},
		"calls": {
			"accept", "become root", "chroot", "connect", "kill", "make file", "packet socket", "read file", "read secret", "run",
			"udp socket", "write file",
		},
		"all": {
			"accept", "become root", "chroot", "connect", "kill", "make file", "packet socket", "read file", "read secret", "run",
			"set-user-ID", "udp socket", "write file",
		},
		"all as root": {
			"accept", "become root", "chroot", "connect", "kill", "make file", "packet socket", "read file", "read secret", "run",
			"set-user-ID", "udp socket", "write file",
		},
		"all, serving": {
			"become root", "chroot", "connect", "kill", "make file", "packet socket", "read file", "read secret", "run",
			"set-user-ID", "udp socket", "write file",
		},
		"all but files there": {
			"accept",
			"become root", "chroot", "connect", "kill", "packet socket", "read file", "read secret", "run",
			"set-user-ID", "udp socket", "write file",
		},
	} {
		if runtime.GOARCH != "amd64" && (step == "calls" || strings.HasPrefix(step, "all")) {
			t.Logf("%s: system calls are restricted on amd64 only", step)
			continue
		}
		out, err := exec.Command("confined", step).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v: %s", step, err, out)
			continue
		}
		old, young, _ := strings.Cut(string(out), "\n--\n")
		for thread, cannot := range map[string]string{"old": old, "new": young} {
			for try := range tries {
				forbidden := regexp.MustCompile(`(?m)^` + try + `: .*(not permitted|denied)`).MatchString(cannot)
				wanted := slices.Contains(want, try)
				if forbidden != wanted {
					t.Errorf("%s, %s thread: %q is forbidden: %v, want %v\n%s", step, thread, try, forbidden, wanted, cannot)
				}
			}
		}
	}
}

// TestLiveConfined looks at all threads of a running capture, started as root,
// and as somebody who has the one capability that is needed. It has to write to a
// file that it could not open any more.
func TestLiveConfined(t *testing.T) {
	far := cable(t)
	serve(t, far, "10.9.0.2:80")
	dir := t.TempDir()
	program := filepath.Join(dir, "wssniff")
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o777), copyFile(program, "/proc/self/exe")); err != nil {
		t.Fatal(err)
	}
	const somebody = 12345
	for uid, attr := range map[int]*syscall.SysProcAttr{
		65534:    {Credential: &syscall.Credential{Groups: []uint32{0, 4}}},
		somebody: {Credential: &syscall.Credential{Uid: somebody, Gid: somebody}, AmbientCaps: []uintptr{unix.CAP_NET_RAW}},
	} {
		file := filepath.Join(dir, fmt.Sprint(uid))
		cmd := exec.Command(program, "-i", "va", "-o", file)
		cmd.SysProcAttr = attr
		l := start(t, cmd)
		time.Sleep(time.Second)
		checkThreads(t, l.Process.Pid, uid)
		handshake(t, "10.9.0.2:80", "/wrong")
		if code := l.end(syscall.SIGTERM); code != exitOK {
			t.Errorf("user %d: exit code %d: %s", uid, code, l.complaints.String())
		}
		report, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(report), "accept-mismatch") {
			t.Errorf("user %d: %v: %s", uid, err, report)
		}
	}
}

func copyFile(to, from string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o755)
}

func checkThreads(t *testing.T, pid, uid int) {
	t.Helper()
	statuses, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if len(statuses) == 0 {
		t.Errorf("user %d: no threads", uid)
	}
	want := []string{
		fmt.Sprintf(`Uid:(\t%d){4}`, uid), fmt.Sprintf(`Gid:(\t%d){4}`, uid), `Groups:\t *\n`,
		`CapPrm:\t0{16}`, `CapEff:\t0{16}`, `CapAmb:\t0{16}`, `NoNewPrivs:\t1`,
	}
	if runtime.GOARCH == "amd64" {
		want = append(want, `Seccomp:\t2`)
	}
	for _, name := range statuses {
		b, err := os.ReadFile(name)
		for _, w := range want {
			if err == nil && !regexp.MustCompile(w).Match(b) {
				t.Errorf("user %d: no %s in %s:\n%s", uid, w, name, b)
			}
		}
	}
}

// TestLivePrivileges has users that do not exist, and no permission.
func TestLivePrivileges(t *testing.T) {
	cable(t)
	out, err := exec.Command("wssniff", "-i", "va", "-Z", "no-such-user").CombinedOutput()
	if err == nil || !strings.Contains(string(out), `wssniff: cannot become user "no-such-user" (-Z root keeps root): user: unknown user`) {
		t.Errorf("%v: %s", err, out)
	}
	cmd := exec.Command("wssniff", "-i", "va")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 0, Gid: 0}, Cloneflags: syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}}, GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}}}
	out, err = cmd.CombinedOutput()
	if err == nil || !regexp.MustCompile(`^wssniff: va: no permission to capture: run as root, or allow it once: setcap cap_net_raw\+ep /\S+\n$`).Match(out) {
		t.Errorf("%v: %s", err, out)
	}
}
