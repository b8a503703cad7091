package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/report"
)

// options is the command line.
type options struct {
	inputs       []string
	follow       bool
	live         live
	metrics      string // where to serve figures; "": nowhere
	until        until
	filter       string
	bpfProgram   string
	format       string
	output       string
	color        string
	width        int
	all          bool
	summary      bool
	top          bool
	lineBuffered bool
	showSecrets  bool
	failOn       string
	explain      string
	help         bool
	version      bool
	limits       limits
	keys         keyring
	keeping      keeping
	selection    selection

	groups []group
}

// A group is a section of --help.
type group struct {
	title string
	flags *pflag.FlagSet
}

// group adds a section.
func (o *options) group(title string) *pflag.FlagSet {
	fs := pflag.NewFlagSet(title, pflag.ContinueOnError)
	fs.SortFlags = false
	o.groups = append(o.groups, group{title, fs})
	return fs
}

func (o *options) define() {
	in := o.group("Input")
	in.StringArrayVarP(&o.inputs, "read", "r", nil, "read this `FILE`, as if it were named without the flag; repeatable")
	toggle(in, &o.follow, "follow", "", "read on where a file ends, then what takes its place, or comes into the directory or fits the quoted pattern, until Ctrl-C")
	o.live.define(in)
	in.Func("metrics", "live: serve figures for Prometheus on `ADDR`, a port of this machine or host:port; also for TCP@ and standard input", o.setMetrics)
	in.StringVarP(&o.filter, "filter", "f", "", "read only packets that match `EXPR`: tcpdump's host, net, port, portrange, tcp, ip, ip6, vlan, and, or, not, ()")
	in.StringVar(&o.bpfProgram, "bpf-program", "", "the same for a program: `FILE` holds the output of tcpdump -ddd EXPR")
	toggle(in, &o.limits.checkSums, "check-checksums", "", "do not read segments with a wrong TCP checksum, as captures on the sending machine have them")
	in.Func("connect-failures", "list failed TLS handshakes as attempts, `WHICH`: known (of those known to speak WebSocket), all, none, auto (default: known, or without any attempt the first 20)", o.limits.setFailures)
	o.keys.define(in)
	o.until.define(in)
	o.selection.define(o.group("Selection of attempts, once all packets are analysed (-f selects packets)"))
	out := o.group("Output")
	out.StringVar(&o.format, "format", "table", "`FORMAT` of the report: table, jsonl, csv or markdown")
	out.StringVarP(&o.output, "output", "o", "", "write the report to `FILE` instead of standard output")
	o.keeping.define(out)
	toggle(out, &o.top, "top", "", "show rates, clients and servers that fail, and the latest failures while packets come (-i, TCP@, -); q leaves, ? helps; the report follows")
	toggle(out, &o.all, "all", "", "list every attempt, not only those with something to say")
	toggle(out, &o.lineBuffered, "line-buffered", "", "print attempts as soon as they are decided, as live; not in the order of their frames")
	toggle(out, &o.summary, "summary", "", "end JSON Lines with a summary record")
	toggle(out, &o.showSecrets, "show-secrets", "", "print tokens, cookies and passwords instead of their hashes")
	out.StringVar(&o.color, "color", "auto", "`WHEN` to use colour: auto, always or never")
	out.IntVar(&o.width, "width", -1, "wrap tables to this many `COLUMNS`, 0: never (default: as wide as the terminal)")
	out.Lookup("width").DefValue = "0" // which keeps pflag from showing it
	find := o.group("Findings")
	find.StringVar(&o.failOn, "fail-on", "", "exit with 1 if a finding of `SEVERITY` or above was made: error, warning or note")
	find.StringVar(&o.explain, "explain", "", "print what the finding `CODE` means and what to do about it; all: list every code")
	bounds := o.group("Limits (k, M, G: binary units); the summary tells which were hit")
	o.limits.define(bounds)
	o.keeping.defineLimit(bounds)
	other := o.group("Other")
	toggle(other, &o.help, "help", "h", "print this help")
	toggle(other, &o.version, "version", "", "print the version")
}

// toggle defines a flag without a value. pflag's own Bool adds [=true|false] to
// every line of the help.
func toggle(fs *pflag.FlagSet, p *bool, name, short, usage string) {
	fs.BoolFuncP(name, short, usage, func(v string) (err error) {
		if *p, err = strconv.ParseBool(v); err != nil {
			return fmt.Errorf("true or false, not %q", v)
		}
		return nil
	})
}

// An environment looks up a variable, as os.LookupEnv does.
type environment = func(string) (string, bool)

// parseArgs reads the command line, and the environment below it: a flag --x-y
// that is not given takes the value of WSSNIFF_X_Y, but for those that print
// something else than a report.
func parseArgs(args []string, env environment) (*options, error) {
	o := &options{}
	o.define()
	all := pflag.NewFlagSet("wssniff", pflag.ContinueOnError)
	all.Usage = func() {}
	all.SetOutput(io.Discard)
	for _, g := range o.groups {
		all.AddFlagSet(g.flags)
	}
	if err := all.Parse(args); err != nil {
		return nil, err
	}
	if err := fromEnvironment(all, env); err != nil {
		return nil, err
	}
	err := o.words(all.Args())
	if o.lasts() {
		o.limits.remember = twiceMSL
	}
	return o, err
}

// words takes what is no flag: a filter, as tcpdump has it, or names of captures.
func (o *options) words(words []string) error {
	switch {
	case o.live.iface == "":
		o.inputs = append(o.inputs, words...)
	case len(words) > 0 && o.filter != "":
		return fmt.Errorf("a filter is given twice: %q, and %q with --filter", strings.Join(words, " "), o.filter)
	case len(words) > 0:
		o.filter = strings.Join(words, " ")
	}
	return nil
}

// commandLineOnly are the flags that the environment does not set.
var commandLineOnly = []string{
	"read", "follow", "interface", "list-interfaces", "metrics", "filter", "bpf-program", "keylog", "tls-key", "count", "autostop", "top", "explain", "help", "version",
	"device", "client", "server", "host", "path", "since", "until", "verdict", "code",
}

func fromEnvironment(all *pflag.FlagSet, env func(string) (string, bool)) error {
	var errs []error
	all.VisitAll(func(f *pflag.Flag) {
		name := "WSSNIFF_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if v, ok := env(name); ok && !f.Changed && !slices.Contains(commandLineOnly, f.Name) {
			if err := f.Value.Set(v); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		}
	})
	return errors.Join(errs...)
}

// validate names the first mistake of the command line.
func (o *options) validate() error {
	switch {
	case o.help || o.version || o.explain != "" || o.live.list:
		return nil
	case formats[o.format] == nil:
		return fmt.Errorf("no format %q: choose table, jsonl, csv or markdown", o.format)
	case o.filter != "" && o.bpfProgram != "":
		return errors.New("--filter and --bpf-program exclude each other")
	case o.limits.validate() != nil:
		return o.limits.validate()
	case o.width < -1:
		return fmt.Errorf("--width cannot be %d", o.width)
	case o.failOn != "" && !known(severities, o.failOn):
		return fmt.Errorf("no severity %q: choose error, warning or note", o.failOn)
	case !slices.Contains([]string{"auto", "always", "never"}, o.color):
		return fmt.Errorf("--color is auto, always or never, not %q", o.color)
	case o.wholeFor() != "" && o.impatient() != "":
		return fmt.Errorf("%s needs the whole capture, which %s does not wait for", o.wholeFor(), o.impatient())
	case o.live.validate() != nil:
		return o.live.validate()
	case o.keeping.validate() != nil:
		return o.keeping.validate()
	case o.until.packets < 0:
		return fmt.Errorf("--count cannot be %d", o.until.packets)
	case o.live.iface != "" && len(o.inputs) > 0:
		return errors.New("--interface and --read exclude each other")
	case o.live.iface != "" && o.follow:
		return errors.New("--interface and --follow exclude each other")
	case o.live.iface == "" && len(o.inputs) == 0:
		return errNoInput
	case o.validateTop() != nil:
		return o.validateTop()
	case o.metrics != "" && !o.lasts():
		return errors.New("--metrics is for what goes on: -i IFACE, TCP@HOST:PORT or standard input")
	}
	return o.selection.validate()
}

func known[V any](m map[string]V, k string) bool {
	_, ok := m[k]
	return ok
}

// reportOptions says how to print on w.
func (o *options) reportOptions(w io.Writer) *report.Options {
	opt := &report.Options{All: o.all, Timeline: o.selection.devices.given(), Summary: o.summary, ShowSecrets: o.showSecrets}
	if isTerminal(w) {
		opt.Width, _, _ = term.GetSize(int(w.(*os.File).Fd()))
		opt.Color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	if o.width >= 0 {
		opt.Width = o.width
	}
	if o.color != "auto" {
		opt.Color = o.color == "always"
	}
	return opt
}

// isTerminal tells of a reader or writer.
func isTerminal(rw any) bool {
	f, ok := rw.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

const helpHead = `wssniff reads packet captures and says which WebSocket handshakes failed, and why.

Usage:
  wssniff [flags] FILE...      pcap or pcapng, also compressed (gzip, zstd, lz4)
  wssniff [flags] DIRECTORY    every capture in it, merged by time
  wssniff [flags] --follow FILE|DIRECTORY|'PATTERN'
                               captures that are still being written, until Ctrl-C
  wssniff [flags] -            standard input
  wssniff [flags] TCP@HOST:PORT
                               pcap over TCP, until Ctrl-C
  wssniff [flags] -i IFACE [FILTER]
                               live, until Ctrl-C; what comes after the flags is a filter

Examples:
  wssniff field.pcapng                                  what failed, why, and where to look
  wssniff --all field.pcapng                            every attempt, also those that went well
  wssniff -i eth0 tcp port 80                           live: attempts as they are decided
  wssniff -i any --format jsonl --metrics 9464          as a service, see contrib
  wssniff --top -i eth0                                 live: a screen to watch meanwhile, q leaves it
  ssh gw tcpdump -U -w - tcp | wssniff -                a capture from elsewhere
  wssniff --format jsonl rotated-*.pcap.gz | jq 'select(.record=="attempt").websocket.verdict'
  wssniff --device 10.0.0.7 rotated-*.pcap.gz           the history of one device
  wssniff --fail-on error nightly.pcap || echo broken   in a script
  wssniff -w failures.pcapng field.pcapng               the packets of what failed, for Wireshark
  wssniff -i eth0 --format jsonl -w failures.pcapng -G 3600 -W 24
                                                        the same live, a file an hour, of a day
  wssniff --explain accept-mismatch                     what a finding means
`

const helpTail = `
Of several values of a selection flag one must fit, of several flags all; '!VALUE' is one that must not fit.
The flags of Output and Limits, and --fail-on, can also be set as WSSNIFF_FORMAT and so on in the environment.
Exit codes: 0 everything was read; 1 --fail-on found something; 2 something could not be read or done.
`

func (o *options) printHelp(w io.Writer) error {
	var b strings.Builder
	b.WriteString(helpHead)
	for _, g := range o.groups {
		fmt.Fprintf(&b, "\n%s:\n%s", g.title, g.flags.FlagUsages())
	}
	b.WriteString(helpTail)
	_, err := io.WriteString(w, b.String())
	return err
}

func printVersion(w io.Writer) error {
	goVersion := runtime.Version()
	if library := capture.Library(); library != "" {
		goVersion += ", " + library
	}
	_, err := fmt.Fprintf(w, "wssniff %s (%s)\n", version(), goVersion)
	return err
}

// version is what the module was built as.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}
