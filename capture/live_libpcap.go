//go:build libpcap

package capture

/*
#cgo LDFLAGS: -lpcap
#include <stdlib.h>
#include <poll.h>
#include <pcap/pcap.h>

// prepare sets what must be set before the capture begins, and begins it. It
// returns what pcap_activate does, or the error before.
static int prepare(pcap_t *p, int snaplen, int promisc, int ring, int delay) {
	int err = 0;
	if (!err) err = pcap_set_snaplen(p, snaplen);
	if (!err) err = pcap_set_promisc(p, promisc);
	if (!err) err = pcap_set_buffer_size(p, ring);
	if (!err) err = pcap_set_timeout(p, delay);
#ifndef __linux__
	// Packet filters of BSD wake nobody who polls before a buffer is full; on
	// Linux this would cost most of the ring.
	if (!err) err = pcap_set_immediate_mode(p, 1);
#endif
	if (err) return err;
	pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO); // or else microseconds
	return pcap_activate(p);
}

// wait_for waits until there may be something to read.
static void wait_for(pcap_t *p, int ms) {
	struct pollfd fd = { pcap_get_selectable_fd(p), POLLIN, 0 };
	const struct timeval *most = pcap_get_required_select_timeout(p);
	if (most != NULL && most->tv_sec == 0 && most->tv_usec / 1000 < ms) ms = most->tv_usec / 1000;
	poll(&fd, fd.fd >= 0, ms);
}

// link_type is the LINKTYPE_ of files for what this system calls a link type.
static int link_type(pcap_t *p) {
	int dlt = pcap_datalink(p);
	switch (dlt) {
	case DLT_RAW:
		return 101;
#ifdef DLT_LOOP
	case DLT_LOOP:
		return 108;
#endif
#ifdef DLT_ENC
	case DLT_ENC:
		return 109;
#endif
	}
	return dlt;
}

static int set_filter(pcap_t *p, struct bpf_insn *code, unsigned int n) {
	struct bpf_program program = { n, code };
	return pcap_setfilter(p, &program);
}
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/net/bpf"
)

// A Live delivers the packets of an interface as they come, through libpcap. It is
// not for concurrent use.
type Live struct {
	name   string
	cfg    LiveConfig
	handle *C.pcap_t
	link   LinkType
	nanos  int64 // in the unit of the time stamps

	head *C.struct_pcap_pkthdr // of the last packet
	data *C.u_char

	ifaces interfaceTable
	stats  Stats
}

// Library is the version of the library that captures, "" if none is needed.
func Library() string { return C.GoString(C.pcap_lib_version()) }

// Listen begins to capture on an interface, or on all for AnyInterface where the
// system has it. It fails if there is no such interface, it is down, or there is
// no permission.
func Listen(name string, cfg *LiveConfig) (*Live, error) {
	l := &Live{name: name, cfg: cfg.withDefaults()}
	l.stats = Stats{Inputs: 1, Size: -1}
	if err := l.activate(); err != nil {
		l.Close()
		return nil, err
	}
	if err := l.setFilter(); err != nil {
		l.Close()
		return nil, fmt.Errorf("%s: %w", printable(name), err)
	}
	l.ifaces.add(Interface{Name: name, Link: l.link, SnapLen: l.cfg.SnapLen, Drops: -1})
	return l, nil
}

// activate opens the interface.
func (l *Live) activate() error {
	var text [C.PCAP_ERRBUF_SIZE]C.char
	name := C.CString(l.name)
	defer C.free(unsafe.Pointer(name))
	if l.handle = C.pcap_create(name, &text[0]); l.handle == nil {
		return fmt.Errorf("%s: %s", printable(l.name), printable(C.GoString(&text[0])))
	}
	promiscuous := C.int(0)
	if l.cfg.Promiscuous && l.name != AnyInterface {
		promiscuous = 1
	}
	status := C.prepare(l.handle, C.int(l.cfg.SnapLen), promiscuous, C.int(min(l.cfg.Ring, MaxRing)), C.int(liveDelay.Milliseconds()))
	switch {
	case status >= 0: // above 0 are warnings
	case status == C.PCAP_ERROR_NO_SUCH_DEVICE || l.name == "":
		return fmt.Errorf("%s: %w", printable(l.name), errNoInterface)
	case status == C.PCAP_ERROR_PERM_DENIED:
		return noPermission(runtime.GOOS, l.name)
	case status == C.PCAP_ERROR_IFACE_NOT_UP:
		return fmt.Errorf("%s is down", printable(l.name))
	case status == C.PCAP_ERROR:
		return fmt.Errorf("%s: %w", printable(l.name), l.error())
	default:
		return fmt.Errorf("%s: %s", printable(l.name), C.GoString(C.pcap_statustostr(status)))
	}
	if C.pcap_setnonblock(l.handle, 1, &text[0]) != 0 {
		return fmt.Errorf("%s: %s", printable(l.name), printable(C.GoString(&text[0])))
	}
	l.link = LinkType(C.link_type(l.handle))
	l.nanos = 1000
	if C.pcap_get_tstamp_precision(l.handle) == C.PCAP_TSTAMP_PRECISION_NANO {
		l.nanos = 1
	}
	return nil
}

// setProgram lets libpcap filter, in the kernel if that can. What passes is cut to
// the snap length.
func (l *Live) setProgram(program []bpf.RawInstruction) error {
	size := C.size_t(len(program))
	code := (*C.struct_bpf_insn)(C.calloc(size, C.sizeof_struct_bpf_insn))
	defer C.free(unsafe.Pointer(code))
	copied := unsafe.Slice((*bpf.RawInstruction)(unsafe.Pointer(code)), size) // the same fields
	for i, ins := range program {
		copied[i] = keeping(ins, l.cfg.SnapLen)
	}
	if C.set_filter(l.handle, code, C.uint(size)) != 0 {
		return fmt.Errorf("libpcap does not take the filter: %w", l.error())
	}
	return nil
}

func (l *Live) fd() int { return int(C.pcap_fileno(l.handle)) }

// error is the last one of the handle.
func (l *Live) error() error { return errors.New(printable(C.GoString(C.pcap_geterr(l.handle)))) }

// Next waits for the next packet. Its Data are libpcap's and valid until the next
// call. It returns ErrIdle now and then when there is none; any other error is the
// end.
func (l *Live) Next(p *Packet) error {
	got := C.pcap_next_ex(l.handle, &l.head, &l.data)
	if got == 0 {
		C.wait_for(l.handle, C.int(liveTick.Milliseconds()))
		got = C.pcap_next_ex(l.handle, &l.head, &l.data)
	}
	switch {
	case got == 0:
		return ErrIdle
	case got < 0:
		return fmt.Errorf("%s: %w", printable(l.name), l.error())
	}
	*p = Packet{
		Time:    int64(l.head.ts.tv_sec)*1e9 + int64(l.head.ts.tv_usec)*l.nanos,
		Link:    l.link,
		WireLen: int(l.head.len),
		Data:    unsafe.Slice((*byte)(l.data), l.head.caplen),
	}
	l.stats.count(p)
	return nil
}

// Interface describes the interface that a Packet.Iface stands for.
func (l *Live) Interface(i int) Interface { return l.ifaces.at(i) }

// Stats tells what has come so far. Drops are the packets for which libpcap's
// buffer had no room.
func (l *Live) Stats() Stats {
	var s C.struct_pcap_stat
	if C.pcap_stats(l.handle, &s) == 0 {
		l.stats.Drops = int64(s.ps_drop)
	}
	st := l.stats
	st.Interfaces = append([]Interface(nil), l.ifaces.list...)
	return st
}

// Close ends the capture. The Data of the last packet are not valid any more.
func (l *Live) Close() error {
	if l.handle != nil {
		C.pcap_close(l.handle)
		l.handle = nil
	}
	return nil
}

// Interfaces are the names of those that can be captured on.
func Interfaces() ([]string, error) {
	var text [C.PCAP_ERRBUF_SIZE]C.char
	var first *C.pcap_if_t
	if C.pcap_findalldevs(&first, &text[0]) != 0 {
		return nil, errors.New(printable(C.GoString(&text[0])))
	}
	defer C.pcap_freealldevs(first)
	var names []string
	for i := first; i != nil; i = i.next {
		names = append(names, C.GoString(i.name))
	}
	return names, nil
}
