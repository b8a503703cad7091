package pcapgen

import (
	"bytes"
	"slices"
	"testing"
)

// TestChainCorpus checks that the truth about a corpus is possible at all.
func TestChainCorpus(t *testing.T) {
	ends := map[string]int{}
	for seed := range uint64(200) {
		c := ChainCorpus(seed)
		if n := len(c.Chains); n < minChains || n > maxChains {
			t.Errorf("seed %d: %d chains", seed, n)
		}
		for i := range c.Chains {
			ends[c.Chains[i].End]++
			checkCorpusChain(t, seed, c.Chains, i)
		}
	}
	for _, end := range []string{"upgraded", "refused", "unanswered", "not-followed", "loop", "too-long", "downgraded", "into-tls", "out-of-capture"} {
		if ends[end] < 10 {
			t.Errorf("only %d of 200 corpora have a chain that is %s", ends[end], end)
		}
	}
}

func checkCorpusChain(t *testing.T, seed uint64, chains []Chain, i int) {
	t.Helper()
	c := &chains[i]
	frame := 0
	for n, h := range c.Hops {
		if h.RequestFrame <= frame || h.URL != c.URLs[n] {
			t.Errorf("seed %d, %s: hop %d in frame %d asks for %s", seed, c.Story, n+1, h.RequestFrame, h.URL)
		}
		frame = max(h.RequestFrame, h.ResponseFrame)
		if last := n == len(c.Hops)-1; (h.Location == "" || h.Status/100 != 3) && !last {
			t.Errorf("seed %d, %s: hop %d with status %d and Location %q leads on", seed, c.Story, n+1, h.Status, h.Location)
		}
	}
	if i > 0 && chains[i-1].Hops[0].RequestFrame >= c.Hops[0].RequestFrame {
		t.Errorf("seed %d, %s: before the chain that began earlier", seed, c.Story)
	}
	if first := c.RetryOf - 1; first >= 0 && (chains[first].End != c.End || !slices.Equal(chains[first].URLs, c.URLs) || chains[first].Retries == 0) {
		t.Errorf("seed %d, %s: no retry of %+v", seed, c.Story, chains[first])
	}
	if (c.Retries > 0) != (c.Rhythm[0] > 0) || c.Rhythm[0] > c.Rhythm[1] {
		t.Errorf("seed %d, %s: %d retries every %v", seed, c.Story, c.Retries, c.Rhythm)
	}
}

// TestChainCorpusSeed checks that a corpus depends on its seed, and on nothing else.
func TestChainCorpusSeed(t *testing.T) {
	a, b, other := ChainCorpus(7), ChainCorpus(7), ChainCorpus(8)
	if !bytes.Equal(a.File, b.File) {
		t.Error("one seed, two captures")
	}
	if bytes.Equal(a.File, other.File) {
		t.Error("two seeds, one capture")
	}
}

// TestReferences checks the relative references against RFC 3986, Section 5.2.
func TestReferences(t *testing.T) {
	from := place{scheme: "http", host: "h", port: 8080, path: "/a/b/c?x"}
	for _, c := range []struct {
		to   string
		refs []string
	}{
		{"/a/b/c?y", []string{"//h:8080/a/b/c?y", "/a/b/c?y", "?y", "./c?y", "c?y"}},
		{"/a/b/", []string{"//h:8080/a/b/", "/a/b/", "./"}},
		{"/a/d", []string{"//h:8080/a/d", "/a/d", "../d"}},
		{"/d", []string{"//h:8080/d", "/d"}},
	} {
		to := from
		to.path = c.to
		if refs := references(from, to); !slices.Equal(refs, c.refs) {
			t.Errorf("to %s: %q, want %q", c.to, refs, c.refs)
		}
	}
}
