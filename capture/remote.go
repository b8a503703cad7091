package capture

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"time"
)

// remotePrefix begins the name of a capture that comes over TCP: TCP@host:port,
// as Wireshark writes it.
const remotePrefix = "TCP@"

// IsRemote reports whether a name is one of pcap-over-IP.
func IsRemote(name string) bool { return strings.HasPrefix(name, remotePrefix) }

// A connection that fails is tried again after a pause, which grows. maxTries is
// how often one is tried that never brought a capture.
const (
	maxTries        = 5
	firstRetryPause = 250 * time.Millisecond
	lastRetryPause  = 5 * time.Second
)

// A remote is a capture that comes over a TCP connection, and over the next one
// when that is lost.
type remote struct {
	name   string
	ctx    context.Context
	tell   func(string)
	pause  time.Duration // before the next try; 0: none
	tries  int           // in a row that failed
	worked bool          // a capture came, once
	told   bool          // that the connection is lost
}

func newRemote(name string, cfg *Config) *remote {
	r := &remote{name: name, ctx: cfg.Context, tell: cfg.Tell}
	if r.ctx == nil {
		r.ctx = context.Background()
	}
	if r.tell == nil {
		r.tell = func(string) {}
	}
	return r
}

// open connects and reads the file header. It is io.EOF when the context is done.
func (r *remote) open(pool *bufferPool, ifaces *interfaceTable, maxPacket int) (*stream, error) {
	if r.worked {
		r.wait()
	}
	for {
		t, err := r.try(pool, ifaces, maxPacket)
		if err == nil {
			r.connected()
			return t, nil
		}
		final := t != nil && t.window.err == nil // what came is no capture
		if t != nil {
			t.close()
		}
		r.tries++
		switch {
		case r.ctx.Err() != nil:
			return nil, io.EOF
		case final || !r.worked && r.tries == maxTries:
			return nil, err
		}
		r.wait()
	}
}

// try connects once. The stream is nil iff there is no connection.
func (r *remote) try(pool *bufferPool, ifaces *interfaceTable, maxPacket int) (*stream, error) {
	conn, err := new(net.Dialer).DialContext(r.ctx, "tcp", strings.TrimPrefix(r.name, remotePrefix))
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err // the rest repeats the name
	}
	if err != nil {
		return nil, unreadable(r.name, err)
	}
	t := &stream{name: r.name, max: maxPacket, table: ifaces}
	release := context.AfterFunc(r.ctx, func() { conn.Close() })
	t.closers = append(t.closers, func() { release(); conn.Close() })
	return t, t.open(conn, pool)
}

func (r *remote) connected() {
	if r.told {
		r.tell(printable(r.name) + " sends again")
	}
	r.worked, r.told, r.tries = true, false, 0
}

// lost takes note of the end of a stream, and reports whether to connect again:
// not if it was damaged, nor if nobody wants more, which is no error.
func (r *remote) lost(t *stream, err *error) bool {
	switch {
	case r.ctx.Err() != nil:
		*err = io.EOF
		return false
	case t.window.err == nil:
		return false
	case !r.told:
		r.tell(printable(r.name) + " was disconnected; trying again")
		r.told = true
	}
	if t.frames > 0 {
		r.pause = 0
	}
	return true
}

// wait makes a pause, unless nobody wants more.
func (r *remote) wait() {
	r.pause = min(max(2*r.pause, firstRetryPause), lastRetryPause)
	select {
	case <-r.ctx.Done():
	case <-time.After(r.pause):
	}
}
