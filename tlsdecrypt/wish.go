package tlsdecrypt

import "slices"

// Wishes are the connections that wait for secrets, and those for which some came.
// Each connection is in one of both at most.
type wishes struct {
	open    map[[randomLen]byte][]*Conn // by the random of the ClientHello, which their secrets are named by
	granted []*Conn
}

// A wish says where in wishes a connection is.
type wish struct {
	state  wishState
	wished [randomLen]byte // the random, valid iff it is open: that of the connection may be another one by now
}

type wishState uint8

const (
	noWish wishState = iota
	openWish
	grantedWish
)

// note keeps a connection in the wishes as long as a direction of it waits for
// secrets.
func (w *wishes) note(c *Conn) {
	lacks := c.halves[0].lacks || c.halves[1].lacks
	switch {
	case lacks && c.state == noWish:
		c.wish = wish{openWish, c.random}
		w.open[c.wished] = append(w.open[c.wished], c)
	case !lacks && c.state == openWish:
		if left := slices.DeleteFunc(w.open[c.wished], func(o *Conn) bool { return o == c }); len(left) > 0 {
			w.open[c.wished] = left
		} else {
			delete(w.open, c.wished)
		}
		c.wish = wish{}
	case !lacks && c.state == grantedWish:
		w.granted = slices.DeleteFunc(w.granted, func(o *Conn) bool { return o == c })
		c.wish = wish{}
	}
}

// grant notes that a secret came.
func (w *wishes) grant(random [randomLen]byte) {
	for _, c := range w.open[random] {
		c.state = grantedWish
		w.granted = append(w.granted, c)
	}
	delete(w.open, random)
}

// Granted returns the connections that wait for secrets and of which some came since
// it was called last, of all Decrypters with these Keys. The caller calls Resume for
// each. It costs nothing if there is none.
func (k *Keys) Granted() []*Conn {
	list := k.granted
	k.granted = nil
	for _, c := range list {
		c.wish = wish{}
	}
	return list
}
