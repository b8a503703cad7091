package evidence

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/wssniff/wssniff/capture"
)

// A Config says what files are written. The zero value of a field means no bound,
// unless it says otherwise.
type Config struct {
	Every time.Duration // capture time after which a file is closed and the next one begun
	Size  int64         // bytes that a file has at most; 0, or MinSize at least
	Files int           // that are kept, the one that is being written included; 0, or 2 at least

	Interface func(i int) capture.Interface // what a Packet.Iface stands for; nil: nobody knows
	Drops     func() int64                  // packets that the system lost so far, less than 0: not known; nil: not known
	Tell      func(string)                  // is given a line when files cannot be written, and one when they can again; nil: nobody wants to know
}

// MinSize is the least Config.Size: room for the largest packet.
const MinSize = 1_000_000

const (
	flushSize  = 64 << 10        // bytes that are collected before they are written
	flushEvery = int64(1e9)      // nanoseconds of capture time after which they are written at the latest
	retryAfter = 10 * int64(1e9) // the same until a disk that was full is tried again
	wellAfter  = 60 * int64(1e9) // the same without a failure until all is well again
	maxIfaces  = 1 << 16         // interfaces of a section
)

// Stats counts what was written.
type Stats struct {
	Conversations int   // that failed, or that the verdict on one rests on
	Packets       int64 // written
	Bytes         int64 // of them, as they were captured
	Files         int   // that are whole
	LostMemory    int   // conversations of which nothing was left when they failed: their room was needed
	LostDisk      int64 // packets that could not be written
}

// A Writer writes packets with comments to a pcapng file (draft-ietf-opsawg-pcapng),
// or to one after the other. A file that is being written has the suffix ".part"
// and is readable up to the last second; whole, it is made durable and gets its
// name at once (fsync, rename).
//
// Without Every, Size and Files there is one file with the name that was given,
// which takes the place of an earlier one. Else the names have the time of
// their first packet and a number before the extension:
// failures-20260102T030405Z-0001.pcapng. Such files of earlier runs count among
// those that are kept.
//
// A disk that is full, or any other failure to write, is counted, told once, and
// tried again; no method fails for it. A Writer is not for concurrent use.
type Writer struct {
	cfg   Config
	dir   *os.Root
	path  string // of the directory, for messages
	names names
	pack  packer
	tell  func(string)
	stats Stats

	file    *os.File // nil: there is none
	size    int64    // bytes of it that are written
	begun   int64    // capture time of its first packet, valid iff packets > 0
	packets int      // in it
	ids     map[ifaceKey]uint32
	buf     []byte // whole blocks that are not written
	inBuf   int    // packets in it
	packed  []byte

	now     int64 // capture time
	flushed int64 // the time at which buf was written
	failing bool
	failed  int64 // when writing failed last, valid iff told
	told    bool  // that it fails
	last    int   // frame of the last packet
}

// An ifaceKey tells interfaces apart: one of a name may come back with another
// link type.
type ifaceKey struct {
	iface int
	link  capture.LinkType
}

// Create begins to write. The end of name says how: .zst, .gz and .lz4 compress. It
// fails if nothing can be written there, if name is something else than a file, or
// if another Writer writes it.
func Create(name string, cfg *Config) (*Writer, error) {
	w := &Writer{names: namesOf(filepath.Base(name)), path: filepath.Dir(name), ids: map[ifaceKey]uint32{}}
	if cfg != nil {
		w.cfg = *cfg
	}
	w.names.many = w.cfg.Every > 0 || w.cfg.Size > 0 || w.cfg.Files > 0
	if w.tell = w.cfg.Tell; w.tell == nil {
		w.tell = func(string) {}
	}
	if st, err := os.Lstat(name); err == nil && !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is no regular file", name)
	}
	var err error
	if w.pack, err = packerFor(name); err != nil {
		return nil, err
	}
	if w.dir, err = os.OpenRoot(w.path); err != nil {
		return nil, err
	}
	if err := w.begin(); err != nil {
		w.dir.Close()
		return nil, err
	}
	return w, nil
}

// begin opens the file that is to be written. What a run left that did not end
// is given its name first.
func (w *Writer) begin() error {
	f, err := w.open()
	if errors.Is(err, fs.ErrExist) {
		if err = w.takeOver(); err == nil {
			f, err = w.open()
		}
	}
	if err != nil {
		return w.reason(w.names.part(), err)
	}
	w.file, w.size, w.packets = f, 0, 0
	w.startSection()
	w.prune()
	if err := w.flush(); err != nil {
		w.Discard()
		return w.reason(w.names.part(), err)
	}
	return nil
}

// open makes the file that is to be written, which must not be there.
func (w *Writer) open() (*os.File, error) {
	f, err := w.dir.OpenFile(w.names.part(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// errBusy is what is wrong with a file that is being written.
var errBusy = errors.New("another wssniff writes it: choose another name")

// takeOver gives a file its name that a run left which did not end.
func (w *Writer) takeOver() error {
	f, err := w.dir.OpenFile(w.names.part(), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := lock(f); err != nil {
		return err
	}
	opened, err1 := f.Stat()
	there, err2 := w.dir.Lstat(w.names.part())
	if err := cmp.Or(err1, err2); err != nil {
		return err
	}
	if !os.SameFile(opened, there) { // somebody else took it over meanwhile
		return errBusy
	}
	if opened.Size() == 0 { // that run came to nothing
		return w.dir.Remove(w.names.part())
	}
	return w.names.settle(w.dir, opened.ModTime().UnixNano())
}

// startSection begins a section, in which no interfaces are described yet.
func (w *Writer) startSection() {
	clear(w.ids)
	w.buf, w.inBuf = appendSection(w.buf[:0]), 0
}

// Packet writes a packet. Of several calls in a row for one frame, the first
// counts.
func (w *Writer) Packet(p *capture.Packet, comments []string) {
	if p.Num == w.last {
		return
	}
	w.last = p.Num
	if w.file == nil || w.failing && !w.mayTry() {
		w.stats.LostDisk++
		return
	}
	mark := len(w.buf)
	w.appendPacket(p, comments)
	if !w.fits(0) {
		w.buf = w.buf[:mark]
		if w.rotate(); w.file == nil {
			w.stats.LostDisk++
			return
		}
		w.appendPacket(p, comments)
	}
	if w.packets++; w.packets == 1 {
		w.begun = w.now
	}
	w.inBuf++
	w.stats.Packets++
	w.stats.Bytes += int64(len(p.Data))
	if len(w.buf) >= flushSize {
		w.try()
	}
}

// Reserve begins the next file if so many bytes have no room in this one, but in a
// whole one: what belongs together is not split without need.
func (w *Writer) Reserve(n int) {
	if w.file != nil && w.packets > 0 && int64(n) <= w.cfg.Size/2 && !w.fits(n) {
		w.rotate()
	}
}

// appendPacket appends a packet to what is to be written, and its interface, if it
// is new.
func (w *Writer) appendPacket(p *capture.Packet, comments []string) {
	key := ifaceKey{p.Iface, p.Link}
	id, ok := w.ids[key]
	if !ok {
		if len(w.ids) == maxIfaces {
			clear(w.ids)
			w.buf = appendSection(w.buf)
		}
		id = uint32(len(w.ids))
		w.ids[key] = id
		iface := capture.Interface{}
		if w.cfg.Interface != nil {
			iface = w.cfg.Interface(p.Iface)
		}
		w.buf = appendInterface(w.buf, p.Link, iface)
	}
	w.buf = appendPacket(w.buf, id, p, comments)
}

// fits reports whether what is to be written has room in the file, and so many
// bytes more, and its end, too.
func (w *Writer) fits(more int) bool {
	n := int64(len(w.buf)+more) + statisticsLen
	if w.pack != nil {
		n = mostPacked(int64(len(w.buf)+more)) + mostPacked(statisticsLen)
	}
	return w.cfg.Size == 0 || w.size+n <= w.cfg.Size
}

// Tick tells the capture time, in nanoseconds: what was collected is written, and a
// file closed that is old enough.
func (w *Writer) Tick(now int64) {
	w.now = now
	if since := now - w.flushed; 0 <= since && since < flushEvery {
		return
	}
	w.flushed = now
	switch {
	case w.file == nil || w.failing:
		if w.mayTry() {
			w.try()
		}
	case w.cfg.Every > 0 && w.packets > 0 && now-w.begun >= w.cfg.Every.Nanoseconds():
		w.rotate()
	default:
		w.try()
	}
}

// mayTry reports whether it is time to write again after a failure. Time may run
// backwards.
func (w *Writer) mayTry() bool {
	since := w.now - w.failed
	return since >= retryAfter || since < 0
}

// try writes what was collected, if it can be.
func (w *Writer) try() {
	if w.file == nil {
		if err := w.begin(); err != nil {
			w.fail(err)
			return
		}
	}
	if err := w.flush(); err != nil {
		w.fail(w.reason(w.names.part(), err))
		return
	}
	w.failing = false
	if w.told && w.now-w.failed >= wellAfter { // a few bytes had room before
		w.told = false
		w.tell(filepath.Join(w.path, w.names.part()) + ": is written again")
	}
}

// fail drops what could not be written. The next thing in the file is a section of
// its own, as nobody knows which interfaces it describes.
func (w *Writer) fail(err error) {
	w.stats.LostDisk += int64(w.inBuf)
	w.stats.Packets -= int64(w.inBuf)
	w.packets -= w.inBuf
	if w.failing, w.failed = true, w.now; !w.told {
		w.told = true
		w.tell(err.Error() + "; packets are lost until it can be written")
	}
	w.startSection()
}

// flush writes what was collected. If that fails, the file is as before.
func (w *Writer) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	data := w.buf
	if w.pack != nil {
		w.packed = w.pack(w.packed[:0], w.buf)
		data = w.packed
	}
	if _, err := w.file.WriteAt(data, w.size); err != nil {
		return errors.Join(err, w.file.Truncate(w.size))
	}
	w.size += int64(len(data))
	w.buf, w.inBuf = w.buf[:0], 0
	return nil
}

// rotate closes the file and begins the next one.
func (w *Writer) rotate() {
	if err := w.finish(); err != nil {
		w.fail(err)
	}
	if err := w.begin(); err != nil {
		w.fail(err)
		return
	}
	w.failing = false
}

// finish writes the end of the file, makes it durable and gives it its name.
func (w *Writer) finish() error {
	if len(w.ids) > 0 {
		drops := int64(-1)
		if w.cfg.Drops != nil {
			drops = w.cfg.Drops()
		}
		w.buf = appendStatistics(w.buf, 0, w.now, drops)
	}
	w.try()
	f := w.file
	w.file = nil
	// All of it is done, whatever fails.
	if err := cmp.Or(f.Sync(), f.Close(), w.names.settle(w.dir, w.begun), w.syncDir()); err != nil {
		return w.reason(w.names.part(), err)
	}
	w.stats.Files++
	return nil
}

// syncDir makes names durable, where a directory can be synchronised.
func (w *Writer) syncDir() error {
	d, err := w.dir.Open(".")
	if err != nil {
		return nil // the name is there all the same
	}
	d.Sync()
	return d.Close()
}

// Discard removes the file that is being written. Nothing more can be written
// then, and Close is still to be called.
func (w *Writer) Discard() {
	if w.file != nil {
		w.file.Close()
		w.file = nil
		w.dir.Remove(w.names.part())
	}
}

// prune removes the oldest files of those that have been written, so that with the
// one to be written there are as many as are to be kept.
func (w *Writer) prune() {
	if w.cfg.Files == 0 {
		return
	}
	all := w.names.settled(w.dir)
	for _, info := range all[:max(0, len(all)+1-w.cfg.Files)] {
		w.dir.Remove(info.Name())
	}
}

// Close writes the end of the last file. Of files with times in their names, one
// without packets is removed.
func (w *Writer) Close() (err error) {
	switch {
	case w.file == nil:
	case w.names.many && w.packets == 0:
		w.Discard()
	default:
		err = w.finish()
	}
	return cmp.Or(err, w.dir.Close())
}

// Stats tells what was written so far.
func (w *Writer) Stats() Stats { return w.stats }

// reason names the file that an error is about, and what to do about it.
func (w *Writer) reason(name string, err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	if l, ok := errors.AsType[*os.LinkError](err); ok {
		err = l.Err
	}
	return fmt.Errorf("%s: %w", filepath.Join(w.path, name), err)
}
