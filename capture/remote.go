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
	*streams
	name    string
	ctx     context.Context
	tell    func(string)
	dialing chan dialled  // nil: no connection is being made
	due     time.Time     // when to make one
	pause   time.Duration // before the last try; 0: none
	tries   int           // in a row that failed
	worked  bool          // a capture came, once
	told    bool          // that the connection is lost
}

// A dialled is a connection, or why there is none.
type dialled struct {
	net.Conn
	err error
}

func newRemote(name string, cfg *Config, ss *streams) *remote {
	return &remote{streams: ss, name: name, ctx: cfg.Context, tell: cfg.Tell}
}

func (r *remote) next() (*stream, error) {
	switch {
	case r.ctx.Err() != nil:
		return nil, io.EOF
	case r.dialing == nil && time.Until(r.due) > 0:
		return nil, ErrIdle
	case r.dialing == nil:
		r.dialing = make(chan dialled, 1)
		go r.dial(r.dialing)
	}
	select {
	case conn := <-r.dialing:
		r.dialing = nil
		return r.over(conn)
	default:
		return nil, ErrIdle
	}
}

func (r *remote) dial(to chan<- dialled) {
	conn, err := new(net.Dialer).DialContext(r.ctx, "tcp", strings.TrimPrefix(r.name, remotePrefix))
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err // the rest repeats the name
	}
	to <- dialled{conn, err}
	wakeUp(r.wake)
}

// over returns the stream that comes over a connection.
func (r *remote) over(conn dialled) (*stream, error) {
	if conn.err != nil {
		return nil, unreadable(r.name, conn.err)
	}
	t := r.waiting(r.name, conn)
	t.again = r.worked
	t.closers = append(t.closers, func() { conn.Close() })
	return t, nil
}

func (r *remote) opened(*stream) {
	if r.told {
		r.tell(printable(r.name) + " sends again")
	}
	r.worked, r.told, r.tries = true, false, 0
}

func (r *remote) watch(*stream) error { return ErrIdle }

// lost says to connect again, unless what came was no capture, or damaged, or
// nobody wants more, which is no error.
func (r *remote) lost(t *stream, err *error) bool {
	r.tries++
	switch {
	case r.ctx.Err() != nil:
		*err = io.EOF
		return false
	case t != nil && (t.err == nil || t.err == ErrIdle) || !r.worked && r.tries == maxTries:
		return false
	case r.worked && !r.told:
		r.tell(printable(r.name) + " was disconnected; trying again")
		r.told = true
	}
	if t != nil && t.frames > 0 {
		r.pause = 0
	}
	r.pause = min(max(2*r.pause, firstRetryPause), lastRetryPause)
	r.due = time.Now().Add(r.pause)
	*err = io.EOF
	return true
}
