package main

import (
	"cmp"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/internal/pcapgen"
)

// checkLookups checks that each answer is known at its time, and that there are no
// others.
func checkLookups(t *testing.T, names *analyze.Names, want []pcapgen.Lookup) {
	t.Helper()
	if n := names.Len(); n > len(want) || n == 0 && len(want) > 0 {
		t.Errorf("%d answers of DNS, want %d", n, len(want))
	}
	for _, w := range want {
		got, ok := names.Latest(netip.MustParseAddr(w.Client), w.Name, w.At)
		if !ok || got.At.Frame > w.Frame || got.Name != w.Name || got.Client.String() != w.Client || got.Server.String() != w.Server || got.CNAME != w.CNAME || got.RCode != w.RCode {
			t.Errorf("got %+v, want %+v", got, w)
		}
		sameAddrs(t, w.Frame, got.Addrs, w.Addrs)
		for _, a := range got.Addrs {
			if led, known := names.Led(w.Name, a, w.At); !led || !known || !slices.Contains(names.Of(a, w.At), w.Name) {
				t.Errorf("%s does not lead to %v", w.Name, a)
			}
		}
	}
}

func sameAddrs(t *testing.T, frame int, got []netip.Addr, want []string) {
	t.Helper()
	var texts []string
	for _, a := range got {
		texts = append(texts, a.String())
	}
	slices.Sort(texts)
	if want = slices.Sorted(slices.Values(want)); !slices.Equal(texts, want) {
		t.Errorf("frame %d: addresses %v, want %v", frame, texts, want)
	}
}

func checkHosts(t *testing.T, hosts *analyze.Hosts, want []pcapgen.Host) {
	t.Helper()
	for _, w := range want {
		if got := hosts.Of(netip.MustParseAddr(w.Addr)); got.MAC.String() != w.MAC || got.Name != w.Name {
			t.Errorf("%s: got %v %q, want %+v", w.Addr, got.MAC, got.Name, w)
		}
	}
}

// TestTsharkNames compares answers of DNS with those that tshark dissects, in all
// captures that have some.
func TestTsharkNames(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("needs tshark: apt-get install tshark")
	}
	for name, path := range captures(t) {
		if base := filepath.Base(name); !strings.HasPrefix(base, "names") && base != "field.pcapng" && base != "hosts-dhcp.pcap" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			names := readFile(t, path).result.Names
			answers := dissectNames(t, path)
			if names.Len() == 0 || names.Len() > len(answers) {
				t.Errorf("%d answers, tshark has %d", names.Len(), len(answers))
			}
			for _, w := range answers {
				got, ok := names.Latest(netip.MustParseAddr(w.Client), w.Name, w.At)
				if !ok || got.Client.String() != w.Client || got.RCode != w.RCode {
					t.Errorf("got %+v, tshark has %+v", got, w)
				}
				sameAddrs(t, w.Frame, got.Addrs, w.Addrs)
			}
		})
	}
}

// dissectNames are the answers that tshark finds which tell addresses or an error.
func dissectNames(t *testing.T, path string) (all []pcapgen.Lookup) {
	t.Helper()
	args := []string{"-n", "-r", path, "-Y", "dns.flags.response==1", "-T", "fields", "-E", "occurrence=a"}
	for _, f := range []string{"frame.number", "frame.time_epoch", "ip.dst", "ipv6.dst", "dns.qry.name", "dns.flags.rcode", "dns.a", "dns.aaaa"} {
		args = append(args, "-e", f)
	}
	out, err := exec.Command("tshark", args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		last := func(i int) string { return f[i][strings.LastIndexByte(f[i], ',')+1:] }
		l := pcapgen.Lookup{Client: cmp.Or(last(3), last(2)), Name: strings.ToLower(f[4])}
		l.Frame, _ = strconv.Atoi(f[0])
		l.At, _ = strconv.ParseInt(strings.ReplaceAll(f[1], ".", ""), 10, 64)
		l.RCode, _ = strconv.Atoi(f[5])
		l.Addrs = strings.FieldsFunc(f[6]+","+f[7], func(c rune) bool { return c == ',' })
		if l.RCode != 0 || len(l.Addrs) > 0 {
			all = append(all, l)
		}
	}
	return all
}
