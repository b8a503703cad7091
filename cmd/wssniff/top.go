package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/metrics"
	"slices"
	"strings"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly"
	"github.com/wssniff/wssniff/top"
)

// A view is the screen of --top. A nil view shows nothing.
type view struct {
	screen *top.Screen
	ctx    context.Context // done when the end was asked for
	said   *speech
	stats  top.Stats
}

// validateTop says what --top cannot do.
func (o *options) validateTop() error {
	switch {
	case !o.top:
		return nil
	case o.format != "table" && (o.output == "" || o.output == "-"):
		return fmt.Errorf("--top takes the terminal: --format %s needs --output FILE", o.format)
	}
	for _, name := range o.inputs {
		if name != "-" && !capture.IsRemote(name) {
			return fmt.Errorf("--top shows what happens now: -i IFACE, TCP@HOST:PORT, or - for standard input, not %q", name)
		}
	}
	return nil
}

// checkTerminal says why there is no terminal for --top.
func (o *options) checkTerminal(stdin io.Reader, stdout io.Writer) error {
	switch {
	case !o.top:
		return nil
	case !isTerminal(stdout):
		return errors.New("--top needs a terminal as standard output")
	case os.Getenv("TERM") == "dumb":
		return errors.New("--top needs a terminal with a cursor, not one of TERM=dumb")
	case slices.Contains(o.inputs, "-") && isTerminal(stdin):
		return errors.New("--top takes keys from the terminal, which cannot be the capture too: pipe one into standard input")
	}
	return nil
}

// startView takes the terminal over if --top wants that. Leave is called when
// somebody leaves.
func (o *options) startView(ctx context.Context, leave func(), stdout io.Writer, said *speech) (*view, error) {
	if !o.top {
		return nil, nil
	}
	opt := o.reportOptions(stdout)
	screen, err := top.Start(ctx, &top.Config{Out: stdout, Title: o.watched(), Color: opt.Color, Report: opt, Leave: leave})
	if err != nil {
		return nil, fmt.Errorf("--top: %w", err)
	}
	said.hold(screen.Say)
	return &view{screen: screen, ctx: ctx, said: said}, nil
}

// watched names what is captured.
func (o *options) watched() string {
	names := o.inputs
	if o.live.iface != "" {
		names = []string{o.live.iface}
	}
	title := strings.Join(names, " ")
	if title == "-" {
		title = "standard input"
	}
	return title + "  " + o.filter
}

// look tells the screen what came so far: after each packet, p, and with nil when
// none came for a moment.
func (v *view) look(src source, asm *reassembly.Reassembler, p *capture.Packet) {
	if v != nil {
		v.count(src, asm, p)
	}
}

func (v *view) count(src source, asm *reassembly.Reassembler, p *capture.Packet) {
	s := &v.stats
	if p != nil {
		s.Packets++
		s.Bytes += int64(len(p.Data))
		s.Last = cmp.Or(p.Time, s.Last)
	}
	s.Conns = asm.Remembered()
	if v.screen.Due() {
		s.Drops, s.Memory = src.Stats().Drops, takenMemory()
	}
	v.screen.Stats(*s)
}

// attempt tells the screen of an attempt that is decided. Nothing of it is kept.
func (v *view) attempt(t *analyze.Attempt) {
	if v != nil {
		v.screen.Attempt(t)
	}
}

// ended tells it how one ended that was decided while its connection was open.
func (v *view) ended(t *analyze.Attempt, before analyze.Standing) {
	if v != nil {
		v.screen.Ended(t, before)
	}
}

// end tells that there are no more packets.
func (v *view) end(src source, asm *reassembly.Reassembler) {
	if v != nil {
		v.stats.Drops = src.Stats().Drops
		v.count(src, asm, nil)
		v.screen.End()
	}
}

// stay shows what was found until somebody leaves, unless the end was asked for.
func (v *view) stay(r *reading) {
	if v == nil || r.enough || v.ctx.Err() != nil {
		return
	}
	for t := range r.result.Attempts.All() { // if they were not told as they came
		v.screen.Attempt(t)
	}
	v.screen.Wait()
}

// close gives the terminal back, and says what could not be said meanwhile.
func (v *view) close() error {
	if v == nil {
		return nil
	}
	err := v.screen.Close()
	v.said.release()
	return err
}

// takenMemory returns the bytes that the system has given.
func takenMemory() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64() - s[1].Value.Uint64())
}
