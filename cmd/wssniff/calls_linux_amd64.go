package main

import (
	"fmt"
	"slices"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// calls are the system calls of a live run: reading the ring, asking the socket
// and attaching it again, writing the report, and what Go needs for memory,
// threads, time and signals, with and without cgo.
var calls = []uint32{
	unix.SYS_POLL, unix.SYS_PPOLL, unix.SYS_GETSOCKOPT, unix.SYS_SETSOCKOPT, unix.SYS_BIND, unix.SYS_IOCTL,
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_WRITEV, unix.SYS_CLOSE, unix.SYS_FCNTL, unix.SYS_FSTAT, unix.SYS_FSYNC, unix.SYS_LSEEK,
	unix.SYS_BRK, unix.SYS_MMAP, unix.SYS_MPROTECT, unix.SYS_MREMAP, unix.SYS_MUNMAP, unix.SYS_MADVISE,
	unix.SYS_CLONE, unix.SYS_CLONE3, unix.SYS_EXIT, unix.SYS_EXIT_GROUP, unix.SYS_FUTEX, unix.SYS_GETTID, unix.SYS_GETPID,
	unix.SYS_MEMBARRIER, unix.SYS_PRCTL, unix.SYS_RSEQ, unix.SYS_SCHED_GETAFFINITY, unix.SYS_SCHED_YIELD,
	unix.SYS_SET_ROBUST_LIST, unix.SYS_SET_TID_ADDRESS, unix.SYS_TGKILL, unix.SYS_RESTART_SYSCALL,
	unix.SYS_CLOCK_GETTIME, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_GETTIMEOFDAY, unix.SYS_NANOSLEEP, unix.SYS_GETRANDOM,
	unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT, unix.SYS_EPOLL_WAIT, unix.SYS_EVENTFD2,
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK,
}

// makingCalls are those that a run makes besides to make files, give them their names
// and remove them.
var makingCalls = []uint32{
	unix.SYS_OPENAT, unix.SYS_PWRITE64, unix.SYS_FTRUNCATE, unix.SYS_FLOCK, unix.SYS_LINKAT, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2,
	unix.SYS_UNLINKAT, unix.SYS_NEWFSTATAT, unix.SYS_GETDENTS64,
}

// servingCalls are those that a run makes besides to serve clients, whose listener is
// open.
var servingCalls = []uint32{unix.SYS_ACCEPT4, unix.SYS_GETSOCKNAME, unix.SYS_SHUTDOWN}

// restrictCalls makes all other system calls fail, in all threads: it is as if
// they were not permitted. A kernel without seccomp restricts nothing.
func restrictCalls(making, serving bool) error {
	allowed := slices.Clone(calls)
	if making {
		allowed = append(allowed, makingCalls...)
	}
	if serving {
		allowed = append(allowed, servingCalls...)
	}
	program, err := bpf.Assemble(onlyCalls(allowed))
	if err != nil {
		return err
	}
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: (*unix.SockFilter)(unsafe.Pointer(&program[0]))} // the same fields
	thread, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	switch {
	case e == unix.ENOSYS || e == unix.EINVAL:
		return nil
	case e != 0:
		return fmt.Errorf("seccomp: %w", e)
	case thread != 0:
		return fmt.Errorf("seccomp: thread %d cannot be restricted", thread)
	}
	return nil
}

// onlyCalls is the program that seccomp runs over struct seccomp_data,
// linux/seccomp.h, to allow some calls.
func onlyCalls(calls []uint32) []bpf.Instruction {
	const number, architecture = 0, 4
	is := []bpf.Instruction{
		bpf.LoadAbsolute{Off: architecture, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.AUDIT_ARCH_X86_64, SkipTrue: uint8(1 + len(calls))},
		bpf.LoadAbsolute{Off: number, Size: 4},
	}
	for i, call := range calls {
		is = append(is, bpf.JumpIf{Cond: bpf.JumpEqual, Val: call, SkipTrue: uint8(len(calls) - i)})
	}
	return append(is,
		bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW},
	)
}
