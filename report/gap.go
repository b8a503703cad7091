package report

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
