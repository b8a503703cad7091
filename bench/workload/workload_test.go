package workload

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"testing"
)

// small is a capture of each kind that takes milliseconds to make.
func small(kind string) Spec {
	sizes := map[string]Size{
		"mixed":      {Packets: 20_000, Conns: 200},
		"elephants":  {Bytes: 5_000_000, Conns: 30},
		"handshakes": {Conns: 500},
		"chatty":     {Conns: 20, Frames: 5_000},
		"web":        {Bytes: 3_000_000},
		"dirty":      {Conns: 500},
		"synflood":   {Packets: 20_000},
		"idle":       {Conns: 500},
		"tls":        {Bytes: 5_000_000, Conns: 30},
	}
	return Spec{Kind: kind, Seed: 7, Size: sizes[kind]}
}

func generate(t *testing.T, spec Spec) ([]byte, *Truth) {
	t.Helper()
	var b bytes.Buffer
	truth, err := Generate(&b, spec)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), truth
}

// eachKind runs a test on a small capture of each kind.
func eachKind(t *testing.T, f func(t *testing.T, spec Spec)) {
	for _, kind := range Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f(t, small(kind))
		})
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	eachKind(t, func(t *testing.T, spec Spec) {
		a, _ := generate(t, spec)
		b, _ := generate(t, spec)
		if sha256.Sum256(a) != sha256.Sum256(b) {
			t.Error("two runs differ")
		}
		spec.Seed++
		if c, _ := generate(t, spec); bytes.Equal(a, c) {
			t.Error("the seed makes no difference")
		}
	})
}

func TestPacketsAreValid(t *testing.T) {
	eachKind(t, func(t *testing.T, spec Spec) {
		file, _ := generate(t, spec)
		for i, p := range packets(t, file) {
			if _, err := parsePacket(p.data); err != nil {
				t.Fatalf("packet %d: %v", i+1, err)
			}
		}
	})
}

func TestTimeGoesForward(t *testing.T) {
	eachKind(t, func(t *testing.T, spec Spec) {
		file, _ := generate(t, spec)
		var last int64
		for i, p := range packets(t, file) {
			if p.at <= last {
				t.Fatalf("packet %d at %d, the one before at %d", i+1, p.at, last)
			}
			last = p.at
		}
	})
}

func TestTruth(t *testing.T) {
	eachKind(t, func(t *testing.T, spec Spec) {
		file, truth := generate(t, spec)
		if truth.Bytes != int64(len(file)) {
			t.Errorf("truth: %d bytes, the file has %d", truth.Bytes, len(file))
		}
		got := recount(t, file)
		want := Truth{Packets: truth.Packets, Connections: truth.Connections, Attempts: truth.Attempts}
		if got.packets != want.Packets || got.connections != want.Connections || got.attempts != want.Attempts {
			t.Errorf("counted %+v, the truth is %+v", got, want)
		}
		if got.right != truth.Verdicts["ok"] {
			t.Errorf("%d right answers, the truth is %d", got.right, truth.Verdicts["ok"])
		}
		var sum int64
		for _, n := range truth.Verdicts {
			sum += n
		}
		if sum != truth.Attempts {
			t.Errorf("verdicts add up to %d, attempts are %d", sum, truth.Attempts)
		}
	})
}

func TestLimitOfPackets(t *testing.T) {
	_, truth := generate(t, small("mixed"))
	if truth.Packets != 20_000 || truth.Connections != 200 {
		t.Errorf("%d packets, %d connections, want 20000 and 200", truth.Packets, truth.Connections)
	}
}

func TestPcapNGHoldsTheSamePackets(t *testing.T) {
	spec := small("dirty")
	classic, _ := generate(t, spec)
	spec.PcapNG = true
	ng, _ := generate(t, spec)
	want, got := packets(t, classic), pcapngPackets(t, ng)
	if len(got) != len(want) {
		t.Fatalf("%d packets, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i].at != want[i].at || !bytes.Equal(got[i].data, want[i].data) {
			t.Fatalf("packet %d differs", i+1)
		}
	}
}

func TestUnknownKind(t *testing.T) {
	if _, err := Generate(new(bytes.Buffer), Spec{Kind: "none"}); err == nil {
		t.Error("no error")
	}
}

func TestTooSmall(t *testing.T) {
	spec := Spec{Kind: "mixed", Size: Size{Packets: 4}}
	if _, err := Generate(new(bytes.Buffer), spec); err == nil {
		t.Error("no error although the capture ends inside handshakes")
	}
}

func TestScale(t *testing.T) {
	n := Size{Packets: 1000, Bytes: 10}.scaled(Spec{Scale: 0.01, Size: Size{Conns: 3}})
	if want := (Size{Packets: 10, Bytes: 1, Conns: 3}); n != want {
		t.Errorf("scaled to %+v, want %+v", n, want)
	}
}

func TestMessageRange(t *testing.T) {
	pool := make([]byte, poolSize+maxLength)
	for i := range poolSize {
		pool[i] = byte(i * 7)
	}
	copy(pool[poolSize:], pool)
	g := &generator{pool: pool}
	m := message{{text: "ab"}, {text: "cd", fill: 5, from: poolSize - 2}, {fill: 3}, {text: "e"}}
	whole := g.appendRange(nil, m, 0, m.len())
	if want := []byte{'a', 'b', 'c', 'd', 242, 249, 0, 7, 14, 0, 7, 14, 'e'}; !bytes.Equal(whole, want) {
		t.Fatalf("whole message %v, want %v", whole, want)
	}
	for from := range whole {
		for to := from; to <= len(whole); to++ {
			if got := g.appendRange(nil, m, int64(from), int64(to-from)); !bytes.Equal(got, whole[from:to]) {
				t.Fatalf("[%d:%d] is %v, want %v", from, to, got, whole[from:to])
			}
		}
	}
}

// TestChecksum compares with the definition, RFC 1071, Section 1.
func TestChecksum(t *testing.T) {
	b := make([]byte, 0, 40)
	for i := range 40 {
		b = append(b, byte(255-i*i))
		if got, want := foldSum(addSum(0, b)), plainChecksum(b); got != want {
			t.Errorf("%d bytes: %04x, want %04x", len(b), got, want)
		}
	}
}

func plainChecksum(b []byte) uint16 {
	if len(b)%2 == 1 {
		b = append(b[:len(b):len(b)], 0)
	}
	var sum uint32
	for ; len(b) > 0; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
