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
	complaints := 0
	complain := func(err error) {
		complaints++
		fmt.Fprintf(stderr, "wssniff: %v\n", err)
	}
	o, err := parseArgs(args, os.LookupEnv)
	if err == nil {
		err = o.validate()
	}
	if err != nil {
		complain(err)
		fmt.Fprintln(stderr, "wssniff: see 'wssniff --help'")
		return exitFailed
	}
	found, err := o.perform(os.LookupEnv, stdin, stdout, stderr, complain)
	if err != nil {
		complain(err)
	}
	switch {
	case complaints > 0:
		return exitFailed
	case found:
		return exitFound
	}
	return exitOK
}

// perform does what the options ask for, and reports whether something was found
// that --fail-on names.
func (o *options) perform(env environment, stdin io.Reader, stdout, stderr io.Writer, complain func(error)) (found bool, err error) {
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
	pass, err := o.newPacketFilter()
	if err != nil {
		return false, err
	}
	if err := o.keys.load(env, o.live.iface != ""); err != nil {
		return false, err
	}
	defer o.keys.Close()
	ctx, release := o.untilAsked()
	defer release()
	src, err := o.open(ctx, stdin, pass, func(s string) { fmt.Fprintf(stderr, "wssniff: %s\n", s) })
	if err != nil {
		return false, err
	}
	defer src.Close()
	if o.live.iface != "" {
		// What the report is written to is opened while that is allowed.
		var done func() error
		if stdout, done, err = o.create(stdout); err != nil {
			return false, err
		}
		defer func() { err = cmp.Or(err, done()) }()
		o.output = ""
		if err := confine(o.live.user); err != nil {
			return false, err
		}
	}
	r := read(src, pass, &o.limits, &o.until, &o.keys, complain, newProgress(stderr, src))
	if src.Stats().Inputs == 0 {
		return false, nil // every input was complained of
	}
	if o.selection.given {
		r.narrow(&o.selection)
	}
	return o.failed(r), o.print(stdout, r)
}

// A source is where packets come from: files, or an interface.
type source interface {
	Next(*capture.Packet) error
	Stats() capture.Stats
	Close() error
}

// open gets ready to read what the command line names, until ctx is done if it is
// live. What becomes of an interface or a connection meanwhile goes to tell.
func (o *options) open(ctx context.Context, stdin io.Reader, pass *packetFilter, tell func(string)) (source, error) {
	if o.live.iface != "" {
		return o.live.listen(ctx, pass, tell)
	}
	return capture.Open(o.inputs, &capture.Config{Stdin: stdin, Context: ctx, Tell: tell, Secrets: o.keys.embed})
}

// create opens the file that -o names; without, it is stdout. To be called at the
// end: done.
func (o *options) create(stdout io.Writer) (out io.Writer, done func() error, err error) {
	if o.output == "" || o.output == "-" {
		return stdout, func() error { return nil }, nil
	}
	f, err := os.Create(o.output)
	if err != nil {
		return nil, nil, err
	}
	return f, f.Close, nil
}

// print writes the report to stdout or to the file that -o names.
func (o *options) print(stdout io.Writer, r *reading) (err error) {
	out, done, err := o.create(stdout)
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
