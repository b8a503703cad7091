package report

import "github.com/wssniff/wssniff/analyze"

// A Gap is something that the capture could not show, that was not read of it,
// or a bound that was hit.
type Gap struct {
	Name   string // in JSON, in snake case
	What   string // in tables
	Count  int64  // 0: none; -1: not known
	Remark string
}

// gaps lists those that there are.
func (c *CaptureStats) gaps() []Gap {
	var list []Gap
	for _, g := range c.Gaps {
		if g.Count > 0 {
			list = append(list, g)
		}
	}
	return list
}

// A blindness is what the capture could not show of one attempt. Absent: nothing.
type blindness struct {
	Client *blindSide `json:"client,omitempty"`
	Server *blindSide `json:"server,omitempty"`
	Late   bool       `json:"mid_stream,omitempty"` // the connection began before the capture
}

// A blindSide is what is missing of the bytes that one side sent.
type blindSide struct {
	Lost   int64 `json:"lost_bytes,omitempty"`   // known to be missing
	Unseen bool  `json:"acked_unseen,omitempty"` // the other side acknowledged bytes that the capture does not hold
	Cut    int32 `json:"cut_packets,omitempty"`  // by the snap length
	None   bool  `json:"not_captured,omitempty"` // no packet of this side is in the capture
}

// blind says what the capture could not show of an attempt; nil: nothing.
func blind(a *analyze.Attempt) *blindness {
	side := func(s analyze.Side) *blindSide {
		dir := a.ClientDir
		if s == analyze.Server {
			dir = dir.Reverse()
		}
		c := a.Conn
		b := blindSide{Lost: c.Lost[dir], Unseen: c.Unseen[dir], Cut: c.Cut[dir], None: !c.Sent[dir]}
		if b == (blindSide{}) {
			return nil
		}
		return &b
	}
	b := blindness{Client: side(analyze.Client), Server: side(analyze.Server), Late: !a.Conn.SYN.Seen() && !a.Conn.SYNACK.Seen()}
	if b == (blindness{}) {
		return nil
	}
	return &b
}
