// Command wssniff reads packet captures, or listens, and says which WebSocket
// handshakes failed, and why.
package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/report"
)

// Exit codes.
const (
	exitOK     = 0 // everything was read
	exitFound  = 1 // with --fail-on: something of that severity was found
	exitFailed = 2 // the job could not be done, or only in part
)

func main() {
	limitGarbage(garbageOfSmall)
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole command. Results go to stdout, everything else to stderr.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	said := &speech{w: stderr}
	say := newMessages(said, isJournal(stderr, os.LookupEnv))
	o, err := parseArgs(args, os.LookupEnv)
	if err == nil {
		err = o.validate()
	}
	if err != nil {
		say.complain(err)
		say.tell("see 'wssniff --help'")
		return exitFailed
	}
	found, err := o.perform(os.LookupEnv, stdin, stdout, said, say)
	if err != nil {
		say.complain(err)
	}
	switch {
	case say.complaints > 0:
		return exitFailed
	case found:
		return exitFound
	}
	return exitOK
}

// perform does what the options ask for, and reports whether something was found
// that --fail-on names.
func (o *options) perform(env environment, stdin io.Reader, stdout io.Writer, said *speech, say *messages) (found bool, err error) {
	switch {
	case o.help:
		return false, o.printHelp(stdout)
	case o.version:
		return false, printVersion(stdout)
	case o.explain != "":
		return false, report.Explain(stdout, o.explain, o.reportOptions(stdout))
	case o.live.list:
		return false, listInterfaces(stdout)
	}
	if err := o.checkTerminal(stdin, stdout); err != nil {
		return false, err
	}
	return o.sniff(env, stdin, stdout, said, say)
}

// sniff opens all that is read from and written to, while that is allowed, and goes
// to work.
func (o *options) sniff(env environment, stdin io.Reader, stdout io.Writer, said *speech, say *messages) (found bool, err error) {
	pass, err := o.newPacketFilter()
	if err != nil {
		return false, err
	}
	if err := o.keys.load(env, o.live.iface != ""); err != nil {
		return false, err
	}
	defer o.keys.Close()
	meter, err := o.newMeter()
	if err != nil {
		return false, err
	}
	defer meter.end()
	ctx, release := o.untilAsked(stdin)
	defer release()
	src, err := o.open(ctx, stdin, pass, say.tell)
	if err != nil {
		return false, err
	}
	defer src.Close()
	if err := o.checkTargets(src, stdin); err != nil {
		return false, err
	}
	output, done, err := o.createEarly(stdout)
	if err != nil {
		return false, err
	}
	defer func() { err = cmp.Or(err, done()) }()
	show, err := o.startView(ctx, release, stdout, said)
	if err != nil {
		return false, err
	}
	defer show.close() // wherever it ends
	if o.live.iface != "" {
		if err := confine(&privileges{user: o.live.user, files: o.keeping.dir(), output: o.outputDir(), serves: meter != nil}); err != nil {
			return false, err
		}
		say.Info("capturing on " + o.live.iface)
	}
	seen, err := o.keeping.witness(src, say.tell)
	if err != nil {
		return false, err
	}
	defer func() { err = cmp.Or(err, seen.close()) }()
	rd := &reader{limits: &o.limits, pass: pass, enough: o.until, keys: &o.keys, complain: say.complain, seen: seen.atOnce(), show: show, meter: meter}
	if o.tells() {
		rd.tell = o.newTeller(output, said, seen, show, meter)
		listenForAsks(rd.tell.asked)
	}
	if show == nil {
		rd.watch = newProgress(said.w, src)
	}
	meter.begin(seen, say.tell)
	return o.examine(env, src, rd, output, seen, said)
}

// examine reads packets, and prints what was found in them.
func (o *options) examine(env environment, src source, rd *reader, output io.Writer, seen *witness, said *speech) (found bool, err error) {
	says := &complaints{tell: rd.complain}
	rd.complain = says.first
	r := rd.read(src)
	if src.Stats().Inputs == 0 {
		seen.discard()
		return false, nil // every input was complained of
	}
	rd.show.stay(r)
	if err := rd.show.close(); err != nil {
		says.tell(fmt.Errorf("--top: %w", err))
	}
	found, err = o.conclude(output, rd.tell, seen, r)
	if seen.wantsMore() {
		err = cmp.Or(err, o.readAgain(env, rd.pass, seen, says.again, said))
	}
	return found, err
}

// conclude prints what was found, or of what was told while it came what is left,
// and reports whether something was found that --fail-on names.
func (o *options) conclude(output io.Writer, tell *teller, seen *witness, r *reading) (found bool, err error) {
	if tell != nil {
		seen.judge(r, o.reportOptions(output))
		return tell.finish(r.input(isTerminal(output)))
	}
	if o.selection.given {
		r.narrow(&o.selection)
	}
	seen.judge(r, o.reportOptions(output))
	return o.failed(r), o.print(output, r)
}

// readAgain reads files once more for a witness that knows now what failed in them.
func (o *options) readAgain(env environment, pass *packetFilter, seen *witness, complain func(error), said *speech) error {
	keys := keyring{logs: o.keys.logs, private: o.keys.private} // which know at first what they knew at first
	if err := keys.load(env, false); err != nil {
		return err
	}
	defer keys.Close()
	src, err := capture.Open(seen.files, &capture.Config{Secrets: keys.embed})
	if err != nil {
		return err
	}
	defer src.Close()
	rd := &reader{limits: &o.limits, pass: pass, enough: o.until, keys: &keys, complain: complain, watch: newProgress(said.w, src), seen: seen}
	rd.read(src)
	return nil
}

// maxHeard is how many complaints are remembered.
const maxHeard = 1 << 10

// complaints are told once, if what they are about is read twice.
type complaints struct {
	tell  func(error)
	heard map[string]bool
}

func (c *complaints) first(err error) {
	if c.heard == nil {
		c.heard = map[string]bool{}
	}
	if len(c.heard) < maxHeard {
		c.heard[err.Error()] = true
	}
	c.tell(err)
}

func (c *complaints) again(err error) {
	if !c.heard[err.Error()] {
		c.tell(err)
	}
}

// A source is where packets come from: files, or an interface.
type source interface {
	Next(*capture.Packet) error
	Stats() capture.Stats
	Interface(i int) capture.Interface
	Close() error
}

// open gets ready to read what the command line names, until ctx is done where more
// may come. What becomes of an interface or a connection meanwhile goes to tell.
func (o *options) open(ctx context.Context, stdin io.Reader, pass *packetFilter, tell func(string)) (source, error) {
	if o.live.iface != "" {
		return o.live.listen(ctx, pass, tell)
	}
	return capture.Open(o.inputs, &capture.Config{Stdin: stdin, Follow: o.follow, Context: ctx, Tell: tell, Secrets: o.keys.embed})
}

// print writes the report to output, or to the file that -o names if that is not
// open yet.
func (o *options) print(output io.Writer, r *reading) (err error) {
	out, done, err := o.create(output)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, done()) }()
	b := bufio.NewWriterSize(out, 64<<10)
	opt := o.reportOptions(out)
	if err := formats[o.format](b, r.input(isTerminal(out)), opt); err != nil {
		return err
	}
	return b.Flush()
}

// formats are the ways to print, by the names that --format takes.
var formats = map[string]func(io.Writer, *report.Input, *report.Options) error{
	"table":    report.Table,
	"jsonl":    report.JSONL,
	"csv":      report.CSV,
	"markdown": report.Markdown,
}

// severities are the values of --fail-on.
var severities = map[string]analyze.Severity{
	"note":    analyze.Note,
	"warning": analyze.Warning,
	"error":   analyze.Error,
}

// failed reports whether --fail-on has something to fail on: a finding about an
// attempt, or an incident that is about its client or server.
func (o *options) failed(r *reading) bool {
	least, ok := severities[o.failOn]
	if !ok {
		return false
	}
	parties := analyze.NewParties()
	for t := range r.result.Attempts.All() {
		if s, any := t.Severity(); any && s >= least {
			return true
		}
		parties.Add(t)
	}
	for _, i := range cmp.Or(r.whole, r.result).Incidents() {
		if i.Severity >= least && parties.Concerns(&i) {
			return true
		}
	}
	return false
}

// errNoInput is what is said to somebody who names no capture.
var errNoInput = errors.New("no capture named; try 'wssniff capture.pcapng', 'wssniff -i any', or 'tcpdump -U -w - | wssniff -'")
