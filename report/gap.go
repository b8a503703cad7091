package report

import (
	"fmt"

	"github.com/wssniff/wssniff/analyze"
)

// A Gap is something that the capture could not show, that was not read of it,
// or a bound that was hit.
type Gap struct {
	Name   string // in JSON, in snake case
	What   string // in tables
	Count  int64  // 0: none; -1: not known
	Remark string
}

// gaps lists those that there are. It must be asked for after the attempts were
// shown, as it judges those that were not.
func (in *Input) gaps() []Gap {
	var list []Gap
	for _, g := range in.Capture.Gaps {
		if g.Count > 0 {
			list = append(list, g)
		}
	}
	if n := in.whole().UnlistedClients(); n > 0 {
		list = append(list, Gap{Name: "unlisted_clients", What: "attempts without history", Count: int64(n), Remark: fmt.Sprintf("of clients beyond the first %d", analyze.MaxClients)})
	}
	return list
}
