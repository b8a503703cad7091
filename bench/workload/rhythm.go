package workload

// A Rhythm says when a device tries again. Period and Most are in seconds.
type Rhythm struct {
	Kind   string  `json:"kind"`             // constant, exponential or immediate
	Period float64 `json:"period,omitempty"` // between an end and the next attempt, or the first such pause of an exponential one
	Most   float64 `json:"most,omitempty"`   // up to which an exponential one doubles
}

// rhythmAt is one of twenty: the frequent ones come more than once.
func rhythmAt(place int) Rhythm {
	switch place %= 20; {
	case place < 7:
		return Rhythm{Kind: "constant", Period: 10}
	case place < 10:
		return Rhythm{Kind: "constant", Period: 0.5}
	case place < 11:
		return Rhythm{Kind: "immediate"}
	}
	return Rhythm{Kind: "exponential", Period: 1, Most: 60}
}

// pause is how long a device waits after so many failures in a row, in
// microseconds. Its clock and its work add up to a fiftieth and some milliseconds.
func (r *Rhythm) pause(g *generator, failures int) int64 {
	p := int64(r.Period * float64(second))
	if r.Kind == "exponential" {
		p = min(p<<min(failures, 20), int64(r.Most*float64(second)))
	}
	return p + g.between(5*millisecond, 30*millisecond+p/50)
}
