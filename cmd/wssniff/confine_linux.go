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
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/psx"
)

// confine gives away what a live capture needs no more once its socket and its
// output are open: root becomes another user, capabilities go, no file can be
// opened and no connection made, and of the system calls those are left that the
// run makes. Landlock and seccomp are taken as far as the kernel has them. All
// threads are meant.
func confine(name string) error {
	if err := becomeUser(name); err != nil {
		return fmt.Errorf("cannot become user %q (-Z root keeps root): %w", name, err)
	}
	if err := forbidNewPrivileges(); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	if name != "root" {
		if err := dropCapabilities(); err != nil {
			return fmt.Errorf("capabilities: %w", err)
		}
	}
	if err := restrictFiles(); err != nil {
		return err
	}
	return restrictCalls()
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

// restrictFiles forbids to open files and TCP connections; those that are open
// stay.
func restrictFiles() error { return landlock.V7.BestEffort().Restrict() }
