// Generate writes a capture of made-up traffic and, beside it, what is in it.
//
//	go run ./bench/generate -kind mixed -packets 1000000 -seed 1 -o mixed.pcap
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/wssniff/wssniff/bench/workload"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("generate", flag.ContinueOnError)
	fs.SetOutput(stderr)
	var spec workload.Spec
	fs.StringVar(&spec.Kind, "kind", "mixed", "`workload` to make: "+strings.Join(workload.Kinds(), ", "))
	fs.Uint64Var(&spec.Seed, "seed", 1, "seed; the same seed gives the same bytes")
	fs.Float64Var(&spec.Scale, "scale", 1, "`factor` on the default sizes of the workload")
	fs.BoolVar(&spec.PcapNG, "pcapng", false, "write pcapng")
	fs.Int64Var(&spec.Size.Packets, "packets", 0, "number of packets (mixed) or of SYNs (synflood)")
	fs.Int64Var(&spec.Size.Conns, "connections", 0, "number of connections (not for web and synflood)")
	fs.Int64Var(&spec.Size.Frames, "frames", 0, "number of WebSocket frames (chatty)")
	fs.Int64Var(&spec.Size.Bytes, "bytes", 0, "size of the capture, about (elephants, web, tls)")
	out := fs.String("o", "", "`file` to write")
	if err := fs.Parse(args); err != nil {
		return 2
	}
	if *out == "" || fs.NArg() > 0 {
		fmt.Fprintln(stderr, "generate: name the file to write with -o, and nothing else")
		return 2
	}
	truth, err := generate(*out, spec)
	if err != nil {
		fmt.Fprintf(stderr, "generate: %v\n", err)
		return 2
	}
	fmt.Fprintf(stdout, "%s: %d packets, %d bytes, %d connections, %d attempts\n",
		*out, truth.Packets, truth.Bytes, truth.Connections, truth.Attempts)
	return 0
}

// generate writes a capture and its truth. The truth comes last, so that its
// presence means that the capture is whole.
func generate(name string, spec workload.Spec) (*workload.Truth, error) {
	if err := os.RemoveAll(workload.TruthFile(name)); err != nil {
		return nil, err
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	truth, err := workload.Generate(f, spec)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	return truth, truth.Write(name)
}
