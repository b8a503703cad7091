package main

import (
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/wssniff/wssniff/bench/measure"
	"github.com/wssniff/wssniff/bench/workload"
)

// A comparison measures workload after workload.
type comparison struct {
	*options
	log      io.Writer
	wssniff  string // built commands
	generate string
	peers    []peer
}

// A result is a row of the table.
type result struct {
	kind    string
	truth   *workload.Truth
	pairs   // with tcpdump
	checked string
	peers   []peerResult
}

// pairs are runs of wssniff and of another tool in turn.
type pairs struct {
	own   []measure.Usage // of wssniff
	other []measure.Usage // empty if the other tool is not installed
}

func newComparison(o *options, log io.Writer) (*comparison, error) {
	c := &comparison{options: o, log: log}
	var err error
	if c.wssniff, err = measure.Build(o.dir, "wssniff", "./cmd/wssniff", log); err != nil {
		return nil, err
	}
	if c.generate, err = measure.Build(o.dir, "generate", "./bench/generate", log); err != nil {
		return nil, err
	}
	if !installed(tcpdump.name) {
		fmt.Fprintln(log, "compare: no tcpdump, so no ratios: install the package tcpdump")
	}
	if o.peers {
		c.peers = installedPeers(log)
	}
	return c, nil
}

func installed(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

// measureAll measures every workload. wrong says that counts of wssniff differ
// from a truth.
func (c *comparison) measureAll() (results []*result, wrong bool, err error) {
	for _, kind := range c.kinds {
		r, err := c.measure(kind)
		if err != nil {
			return results, wrong, fmt.Errorf("%s: %w", kind, err)
		}
		wrong = wrong || r.checked != checkedAll
		results = append(results, r)
	}
	return results, wrong, nil
}

func (c *comparison) measure(kind string) (*result, error) {
	file, truth, err := c.capture(kind)
	if err != nil {
		return nil, err
	}
	r := &result{kind: kind, truth: truth}
	if r.checked, err = c.check(file, truth); err != nil {
		return nil, err
	}
	if r.pairs, err = c.measurePairs(kind, file, tcpdump, c.runs); err != nil {
		return nil, err
	}
	for _, p := range c.peers {
		got, err := c.measurePairs(kind, file, p, c.peerRuns)
		r.peers = append(r.peers, peerResult{p.name, got, err})
	}
	return r, nil
}

// measurePairs runs wssniff and another tool, if it is installed, in turn, so that
// both meet the same mood of the machine. The tool before may have taken the
// memory that held the file.
func (c *comparison) measurePairs(kind, file string, with peer, runs int) (pairs, error) {
	var list pairs
	for i := range runs {
		fmt.Fprintf(c.log, "%s: %s, run %d of %d\n", kind, with.name, i+1, runs)
		if err := measure.Warm(file); err != nil {
			return list, err
		}
		own, err := measure.Run(nil, c.wssniff, "--format", "jsonl", file)
		if err != nil {
			return list, err
		}
		list.own = append(list.own, own)
		if !installed(with.name) {
			continue
		}
		other, err := measure.Run(nil, with.name, with.command(file)...)
		if err != nil {
			return list, err
		}
		list.other = append(list.other, other)
	}
	return list, nil
}

// capture returns the capture of a workload, made anew if it is not there or is
// another than wanted.
func (c *comparison) capture(kind string) (string, *workload.Truth, error) {
	spec := workload.Spec{Kind: kind, Seed: c.seed, Scale: c.scale, PcapNG: c.ng}
	file, extra := filepath.Join(c.dir, kind+".pcap"), []string(nil)
	if c.ng {
		file, extra = file+"ng", []string{"-pcapng"}
	}
	if t, err := workload.ReadTruth(file); err == nil && t.Spec == spec && t.Version == workload.Version {
		return file, t, nil
	}
	fmt.Fprintf(c.log, "%s: generating\n", kind)
	args := append([]string{
		"-kind", kind, "-seed", strconv.FormatUint(c.seed, 10),
		"-scale", strconv.FormatFloat(c.scale, 'g', -1, 64), "-o", file,
	}, extra...)
	if _, err := measure.Run(nil, c.generate, args...); err != nil {
		return "", nil, err
	}
	t, err := workload.ReadTruth(file)
	return file, t, err
}
