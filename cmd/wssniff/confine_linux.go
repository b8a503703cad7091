package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/psx"
)

// confine gives away what a live capture needs no more once its socket and its
// output are open: root becomes another user, capabilities go, no file can be
// opened and no connection made, and of the system calls those are left that the
// run makes. What p leaves is still possible. Landlock and seccomp are taken as far
// as the kernel has them. All threads are meant.
func confine(p *privileges) error {
	if err := becomeUser(p.user); err != nil {
		return fmt.Errorf("cannot become user %q (-Z root keeps root): %w", p.user, err)
	}
	if err := forbidNewPrivileges(); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	if p.user != "root" {
		if err := dropCapabilities(); err != nil {
			return fmt.Errorf("capabilities: %w", err)
		}
	}
	var dirs []string
	if p.files != "" {
		if err := mayWrite(p.files); err != nil {
			return err
		}
		dirs = append(dirs, p.files)
	}
	if p.output != "" && mayWrite(p.output) == nil { // else the file stays what it is
		dirs = append(dirs, p.output)
	}
	if err := restrictFiles(dirs...); err != nil {
		return err
	}
	return restrictCalls(len(dirs) > 0, p.serves)
}

// mayWrite says before anything is captured that somebody cannot make files in a
// directory.
func mayWrite(dir string) error {
	if unix.Access(dir, unix.W_OK|unix.X_OK|unix.R_OK) == nil {
		return nil
	}
	who := strconv.Itoa(os.Geteuid())
	if u, err := user.LookupId(who); err == nil {
		who = u.Username
	}
	return fmt.Errorf("%s: user %q cannot make files there: use a directory that is theirs, or choose another user with -Z", dir, who)
}

// becomeUser changes from root to another user, for good.
func becomeUser(name string) error {
	if os.Geteuid() != 0 || name == "root" {
		return nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if err := syscall.Setgroups(nil); err != nil {
		return err
	}
	if err := syscall.Setresgid(gid, gid, gid); err != nil {
		return err
	}
	return syscall.Setresuid(uid, uid, uid)
}

// forbidNewPrivileges makes programs with set-user-ID bits ordinary ones.
func forbidNewPrivileges() error {
	return failed(psx.Syscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0))
}

func failed(_, _ uintptr, e syscall.Errno) error {
	if e != 0 {
		return e
	}
	return nil
}

// dropCapabilities also serves a program that has cap_net_raw of its own.
func dropCapabilities() error {
	header := &unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	none := &[2]unix.CapUserData{}
	err := failed(psx.Syscall3(unix.SYS_CAPSET, uintptr(unsafe.Pointer(header)), uintptr(unsafe.Pointer(none)), 0))
	runtime.KeepAlive(header)
	runtime.KeepAlive(none)
	return err
}

// restrictFiles forbids to open TCP connections, and files but in some directories,
// where they can be made, written and removed. What is open stays.
func restrictFiles(dirs ...string) error {
	if len(dirs) == 0 {
		return landlock.V7.BestEffort().Restrict()
	}
	return landlock.V7.BestEffort().Restrict(landlock.PathAccess(
		ll.AccessFSMakeReg|ll.AccessFSWriteFile|ll.AccessFSTruncate|ll.AccessFSRemoveFile|ll.AccessFSReadDir, dirs...))
}
