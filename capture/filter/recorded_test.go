package filter

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/capture"
)

// recordedFile holds what libpcap made of expressions, three lines each: the
// link type and the expression; its complaint, or nothing; its program with
// the lines joined by commas, or nothing.
const recordedFile = "testdata/libpcap.txt"

const recordedHead = "# tcpdump -ddd, recorded by go test -run TestRecorded -update\n"

// TestRecorded does a part of TestLibpcap where there is no tcpdump.
func TestRecorded(t *testing.T) {
	if *update {
		record(t)
	}
	text, err := os.ReadFile(recordedFile)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimPrefix(string(text), recordedHead), "\n")
	frames := framesFor(3, 3000)
	var sum tally
	for ; len(lines) >= 3; lines = lines[3:] {
		var link capture.LinkType
		number, expr, _ := strings.Cut(lines[0], " ")
		if _, err := fmt.Sscan(number, &link); err != nil {
			t.Fatalf("%q: %v", lines[0], err)
		}
		var theirErr error
		if lines[1] != "" {
			theirErr = errors.New(lines[1])
		}
		if err := sum.agree(expr, link, strings.ReplaceAll(lines[2], ",", "\n"), theirErr, frames[link]); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%s", &sum)
	if sum.programs.Load() < 300 {
		t.Errorf("only %d programs recorded", sum.programs.Load())
	}
}

// record writes recordedFile: the fixed expressions and some random ones for
// Ethernet, and every one for another link type in turn.
func record(t *testing.T) {
	o := newOracle(t)
	exprs, r := fixedExprs(t), rand.New(rand.NewPCG(4, 1))
	for range 60 {
		exprs = append(exprs, randomExpr(r))
	}
	var b strings.Builder
	b.WriteString(recordedHead)
	for i, expr := range exprs {
		for _, link := range []capture.LinkType{capture.LinkEthernet, links[1+i%(len(links)-1)]} {
			program, err := o.compile(expr, link)
			complaint := ""
			if err != nil {
				complaint = err.Error()
			}
			program = strings.ReplaceAll(strings.TrimSpace(program), "\n", ",")
			fmt.Fprintf(&b, "%d %s\n%s\n%s\n", link, expr, complaint, program)
		}
	}
	if err := os.WriteFile(recordedFile, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}
