package filter

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wssniff/wssniff/capture"
)

var (
	update = flag.Bool("update", false, "record the programs of libpcap in testdata again")
	random = flag.Int("random", 300, "random expressions for the comparison with libpcap")
	seed   = flag.Uint64("seed", 1, "of the random expressions and frames")
)

// links are the link types that libpcap knows, too.
var links = []capture.LinkType{
	capture.LinkEthernet, capture.LinkSLL, capture.LinkSLL2, capture.LinkNull, capture.LinkLoop,
	capture.LinkRaw, capture.LinkIPv4, capture.LinkIPv6,
}

// An oracle asks the tcpdump of this machine.
type oracle struct {
	path string
	dir  string // with an empty capture file per link type
}

func newOracle(t testing.TB) *oracle {
	path, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip("apt-get install tcpdump")
	}
	o := &oracle{path: path, dir: t.TempDir()}
	for _, link := range links {
		// The header of a pcap file: magic, version, zone, accuracy, snap length, link type.
		h := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
		for _, v := range []uint32{4<<16 | 2, 0, 0, acceptLen, uint32(link)} {
			h = binary.LittleEndian.AppendUint32(h, v)
		}
		if err := os.WriteFile(o.file(link), h, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

func (o *oracle) file(link capture.LinkType) string {
	return filepath.Join(o.dir, fmt.Sprintf("%d.pcap", link))
}

// compile returns what tcpdump -ddd prints, or its complaint as an error.
func (o *oracle) compile(expr string, link capture.LinkType) (string, error) {
	cmd := exec.Command(o.path, "-r", o.file(link), "-ddd", "--", expr)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		return "", errors.New(lines[len(lines)-1])
	}
	return stdout.String(), nil
}

// framesFor makes n frames of every link type.
func framesFor(seed uint64, n int) map[capture.LinkType][][]byte {
	r := rand.New(rand.NewPCG(seed, 2))
	frames := map[capture.LinkType][][]byte{}
	for _, link := range links {
		for range n {
			frames[link] = append(frames[link], randomFrame(r, link))
		}
	}
	return frames
}

// compileHere returns a matcher of this package.
func compileHere(expr string, link capture.LinkType) (*Matcher, error) {
	e, err := Parse(expr)
	if err != nil {
		return nil, err
	}
	p, err := e.Compile(link)
	if err != nil {
		return nil, err
	}
	return p.Matcher()
}

// A tally counts what has been compared.
type tally struct {
	programs, rejections, verdicts, accepted atomic.Int64
}

func (c *tally) String() string {
	return fmt.Sprintf("%d programs and %d rejections the same, %d verdicts the same, %d of them to accept",
		c.programs.Load(), c.rejections.Load(), c.verdicts.Load(), c.accepted.Load())
}

// agree checks that what is compiled here does what libpcap's program does:
// theirs is its text, or theirErr why there is none.
func (c *tally) agree(expr string, link capture.LinkType, theirs string, theirErr error, frames [][]byte) error {
	here, err := compileHere(expr, link)
	if (err == nil) != (theirErr == nil) {
		return fmt.Errorf("link %d, %q: got error %v, libpcap has %v", link, expr, err, theirErr)
	}
	if err != nil {
		c.rejections.Add(1)
		return nil
	}
	p, err := ParseProgram(strings.NewReader(theirs))
	if err != nil {
		return fmt.Errorf("link %d, %q: %w", link, expr, err)
	}
	there, err := p.Matcher()
	if err != nil {
		return fmt.Errorf("link %d, %q: %w", link, expr, err)
	}
	c.programs.Add(1)
	for _, f := range frames {
		got, want := here.Match(f, len(f)), there.Match(f, len(f))
		if got != want {
			return fmt.Errorf("link %d, %q: got %v, libpcap %v for %d bytes %x", link, expr, got, want, len(f), f)
		}
		c.verdicts.Add(1)
		if got {
			c.accepted.Add(1)
		}
	}
	return nil
}

// TestLibpcap compares programs with those of libpcap: the fixed expressions
// and random ones, for every link type, over random frames.
func TestLibpcap(t *testing.T) {
	o := newOracle(t)
	n, frames := *random, framesFor(*seed, 5000)
	if testing.Short() {
		n = 30
	}
	r := rand.New(rand.NewPCG(*seed, 1))
	exprs := append(fixedExprs(t), longExprs()...)
	for range n {
		exprs = append(exprs, randomExpr(r), tokenSoup(r))
	}
	var group sync.WaitGroup
	var sum tally
	jobs := make(chan string)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for expr := range jobs {
				for _, link := range links {
					theirs, theirErr := o.compile(expr, link)
					if err := sum.agree(expr, link, theirs, theirErr, frames[link]); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for _, e := range exprs {
		jobs <- e
	}
	close(jobs)
	group.Wait()
	t.Logf("%d expressions: %s", len(exprs), &sum)
}

// TestDamaged compares expressions with typing errors. What libpcap rejects is
// rejected here; the reverse need not hold, because libpcap takes some text
// that no one means, such as "portrange 1-2x".
func TestDamaged(t *testing.T) {
	o := newOracle(t)
	const link = capture.LinkEthernet
	n, frames := 3**random, framesFor(*seed, 1000)[link]
	if testing.Short() {
		n = 100
	}
	r := rand.New(rand.NewPCG(*seed, 3))
	var sum tally
	stricter := 0
	for range n {
		expr := damaged(r)
		theirs, theirErr := o.compile(expr, link)
		if _, err := compileHere(expr, link); err != nil && theirErr == nil {
			stricter++
			continue
		}
		if err := sum.agree(expr, link, theirs, theirErr, frames); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%s; %d rejected here only", &sum, stricter)
	if stricter > n/50 {
		t.Errorf("%d of %d expressions rejected here only", stricter, n)
	}
}

// longExprs make programs with jumps that are too long for one instruction.
func longExprs() (exprs []string) {
	for _, n := range []int{30, 60, 100} {
		var hosts, hosts6, ports []string
		for i := range n {
			hosts = append(hosts, fmt.Sprintf("10.0.%d.%d", i%3, i))
			hosts6 = append(hosts6, fmt.Sprintf("2001:db8::%x", i))
			ports = append(ports, fmt.Sprint(7*i+80))
		}
		exprs = append(exprs,
			"tcp and host "+strings.Join(hosts, " or "),
			"udp or host "+strings.Join(hosts6[:min(n, 60)], " or "),
			"not port "+strings.Join(ports, " and not "),
			"src port "+strings.Join(ports[:20], " or ")+" or dst host "+strings.Join(hosts, " or "))
	}
	return exprs
}

// fixedExprs are the lines of testdata/exprs.txt.
func fixedExprs(t testing.TB) []string {
	text, err := os.ReadFile("testdata/exprs.txt")
	if err != nil {
		t.Fatal(err)
	}
	var exprs []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			exprs = append(exprs, strings.TrimSuffix(line, "\n"))
		}
	}
	return exprs
}
