package analyze

import "github.com/wssniff/wssniff/reassembly/flow"

// startsSOCKS reports whether a connection is one to a SOCKS proxy, by all that the
// client sends first: a list of methods (RFC 1928, Section 3), or in SOCKS 4 a request
// with a port, an address and texts that end with NUL. What goes through is not read.
func startsSOCKS(c *flow.Chunk) bool {
	b := c.Data
	if len(b) < 3 || c.Offset != 0 || c.Lost != 0 || !c.Conn.Handshake {
		return false
	}
	switch b[0] {
	case 5:
		return b[1] > 0 && len(b) == 2+int(b[1])
	case 4:
		const connect, bind, least = 1, 2, 9
		return (b[1] == connect || b[1] == bind) && len(b) >= least && b[len(b)-1] == 0
	}
	return false
}

func (a *Analyzer) beginSOCKS(c *flow.Conn) flow.Want {
	a.result.SOCKSConns++
	c.State = notOurs
	return flow.None
}
