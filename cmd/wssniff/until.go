package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// until says when enough was read. The zero value never does.
type until struct {
	packets  int           // that passed the filter
	attempts int           // that are decided
	duration time.Duration // from the first packet to the last
}

func (u *until) define(fs *pflag.FlagSet) {
	fs.IntVarP(&u.packets, "count", "c", 0, "stop after `N` packets")
	fs.VarP((*autostop)(u), "autostop", "a", "stop after duration:SECONDS, or when attempts:N are decided, whatever comes first; repeatable")
}

// reached reports whether it was enough.
func (u *until) reached(r *reading, packets, attempts int) bool {
	switch {
	case u.packets > 0 && packets >= u.packets:
		return true
	case u.attempts > 0 && attempts >= u.attempts:
		return true
	}
	return u.duration > 0 && r.last.Time-r.first.Time >= u.duration.Nanoseconds()
}

// autostop reads what dumpcap's -a takes, as far as it makes sense here.
type autostop until

func (*autostop) Type() string   { return "CONDITION" }
func (*autostop) String() string { return "" }

func (a *autostop) Set(v string) error {
	what, value, _ := strings.Cut(v, ":")
	switch what {
	case "duration":
		if s, err := strconv.ParseFloat(value, 64); err == nil && s > 0 && s < 1e9 {
			a.duration = time.Duration(s * float64(time.Second))
			return nil
		}
	case "attempts":
		if n, err := strconv.Atoi(value); err == nil && n > 0 {
			a.attempts = n
			return nil
		}
	}
	return fmt.Errorf("duration:SECONDS or attempts:N, not %q", v)
}
