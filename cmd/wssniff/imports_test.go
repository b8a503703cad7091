package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/wssniff/wssniff/"

// TestImports keeps imports running downwards, and what is large in one room each.
func TestImports(t *testing.T) {
	for _, test := range []struct {
		pkg     string
		project []string // packages of the project it may depend on
		foreign []string // prefixes of packages outside the standard library
	}{
		{pkg: "reassembly/flow"},
		{pkg: "capture", project: []string{"internal/prefetch"}, foreign: []string{"github.com/klauspost/compress", "github.com/pierrec/lz4", "golang.org/x/net/bpf", "golang.org/x/sys/unix"}},
		{
			pkg: "reassembly", project: []string{"capture", "internal/prefetch", "reassembly/flow"},
			foreign: []string{"github.com/google/gopacket", "github.com/klauspost/compress", "github.com/pierrec/lz4", "golang.org/x/net/bpf", "golang.org/x/sys/unix"},
		},
		{pkg: "internal/tlswire"},
		{
			pkg: "evidence", project: []string{"capture", "internal/prefetch"},
			foreign: []string{"github.com/klauspost/compress", "github.com/pierrec/lz4", "golang.org/x/net/bpf", "golang.org/x/sys/unix"},
		},
		{
			pkg: "tlsdecrypt", project: []string{"internal/tlswire", "reassembly/flow"},
			foreign: []string{"golang.org/x/crypto", "golang.org/x/sys/cpu"},
		},
		{
			pkg: "analyze", project: []string{"internal/prefetch", "reassembly/flow", "internal/tlswire", "tlsdecrypt"},
			foreign: []string{
				"golang.org/x/net/dns/dnsmessage", "golang.org/x/crypto", "golang.org/x/sys/cpu",
				"golang.org/x/net/http2", "golang.org/x/net/http/httpguts", "golang.org/x/net/idna", "golang.org/x/net/internal", "golang.org/x/text",
			},
		},
		{
			pkg: "top", project: []string{"internal/prefetch", "report", "analyze", "reassembly/flow", "internal/tlswire", "tlsdecrypt"},
			foreign: append(dependencies(t, "charm.land/bubbletea/v2"), dependencies(t, module+"report")...),
		},
		{
			pkg: "metrics", project: []string{"internal/prefetch", "reassembly/flow", "internal/tlswire", "tlsdecrypt", "analyze"},
			foreign: []string{
				"github.com/prometheus", "google.golang.org/protobuf", "github.com/beorn7/perks", "github.com/cespare/xxhash", "github.com/munnerz/goautoneg",
				"golang.org/x/crypto", "golang.org/x/sys", "golang.org/x/net", "golang.org/x/text",
			},
		},
	} {
		t.Run(test.pkg, func(t *testing.T) {
			for _, dep := range dependencies(t, module+test.pkg) {
				own, isOwn := strings.CutPrefix(dep, module)
				switch {
				case isOwn && own != test.pkg && !slices.Contains(test.project, own):
					t.Errorf("%s depends on %s", test.pkg, own)
				case !isOwn && !hasPrefix(dep, test.foreign):
					t.Errorf("%s depends on %s", test.pkg, dep)
				}
			}
		})
	}
	for _, pkg := range []string{"analyze", "report", "capture", "top"} {
		for _, dep := range dependencies(t, module+pkg) {
			if strings.Contains(dep, "gopacket") || strings.Contains(dep, "prometheus") || pkg != "top" && strings.Contains(dep, "charm") {
				t.Errorf("%s depends on %s", pkg, dep)
			}
		}
	}
}

// dependencies lists what a package depends on outside the standard library.
func dependencies(t *testing.T, pkg string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", pkg).Output()
	if err != nil {
		t.Fatalf("go list %s: %v", pkg, err)
	}
	return strings.Fields(string(out))
}

func hasPrefix(s string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
}
