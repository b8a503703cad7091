package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"github.com/wssniff/wssniff/analyze"
)

// TestTsharkH2 compares the heads of attempts on HTTP/2 with the header blocks that
// tshark decodes.
func TestTsharkH2(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("needs tshark: apt-get install tshark")
	}
	compared := 0
	for name, file := range captures(t) {
		switch name {
		case "generated/h2-late.pcap", "generated/h2-hole.pcap": // there tshark shows what it can only guess
			continue
		case "generated/h2-large-table.pcap": // which tshark has room for
			continue
		}
		if base := path.Base(name); !strings.HasPrefix(base, "h2-") && !strings.HasPrefix(base, "tls-h2c") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			ours := h2HeadsOf(readFile(t, file).result)
			theirs := dissectH2(t, file, strings.Contains(name, "upgrade.") && !strings.Contains(name, "classic"))
			theirs = slices.DeleteFunc(theirs, func(h h2Head) bool {
				return !slices.ContainsFunc(ours, func(o h2Head) bool { return o.stream == h.stream })
			})
			if d := diff.Diff(theirs, ours, diff.AllowUnexported(h2Head{})); d != "" {
				t.Errorf("difference to tshark (-tshark +wssniff):\n%s", d)
			}
			compared += len(ours)
		})
	}
	if compared == 0 {
		t.Error("nothing was compared")
	}
}

// An h2Head is a header block: with which frame it was complete, of which stream it
// is, and its fields in alphabetical order.
type h2Head struct {
	frame  int
	stream string
	fields []string
}

func sortH2(heads []h2Head) []h2Head {
	for i := range heads {
		slices.Sort(heads[i].fields)
	}
	slices.SortStableFunc(heads, func(a, b h2Head) int { return a.frame - b.frame })
	return heads
}

func h2HeadsOf(r *analyze.Result) (heads []h2Head) {
	for a := range r.Attempts.All() {
		if a.H2 == nil {
			continue
		}
		for _, m := range []*analyze.Message{a.Request, a.Response} {
			if m == nil {
				continue
			}
			h := h2Head{m.Done.Frame, fmt.Sprintf("%d/%d", a.Conn.ID, a.H2.Stream), nil}
			add := func(name, value string) {
				if value != "" {
					h.fields = append(h.fields, name+": "+value)
				}
			}
			add(":method", m.Head.Method)
			add(":path", m.Head.Target)
			if m.Head.Status != 0 {
				add(":status", strconv.Itoa(m.Head.Status))
			}
			for _, f := range m.Head.Fields {
				add(strings.Replace(f.Name, "host", ":authority", 1), f.Value)
			}
			heads = append(heads, h)
		}
	}
	return sortH2(heads)
}

// dissectH2 runs tshark. It must be told that the port is that of HTTP/2, unless an
// upgrade tells it.
func dissectH2(t *testing.T, file string, upgraded bool) (heads []h2Head) {
	t.Helper()
	args := []string{"-n", "-r", file, "-T", "pdml", "-J", "frame tcp http2"}
	if !upgraded {
		args = append(args, "-d", "tcp.port==80,http2")
	}
	cmd := exec.Command("tshark", args...)
	cmd.Env = append(os.Environ(), "WIRESHARK_CONFIG_DIR="+t.TempDir())
	pdml, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	for dec := xml.NewDecoder(bytes.NewReader(pdml)); ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return sortH2(heads)
		}
		if err != nil {
			t.Fatalf("output of tshark: %v", err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "packet" {
			var packet node
			if err := dec.DecodeElement(&packet, &e); err != nil {
				t.Fatal(err)
			}
			heads = packet.appendH2Heads(heads)
		}
	}
}

// appendH2Heads appends the header blocks of a packet. One that goes on in other
// frames ends with the last of them.
func (n *node) appendH2Heads(heads []h2Head) []h2Head {
	all := map[string]string{}
	n.collect(all)
	frame, _ := strconv.Atoi(all["frame.number"])
	for _, s := range n.named("http2.stream") {
		here := map[string]string{}
		s.collect(here)
		h := h2Head{frame, all["tcp.stream"] + "/" + here["http2.streamid"], nil}
		for _, f := range s.named("http2.header") {
			field := map[string]string{}
			f.collect(field)
			h.fields = append(h.fields, field["http2.header.name"]+": "+field["http2.header.value"])
		}
		const continuation = "9"
		last := len(heads) - 1
		switch {
		case here["http2.type"] == continuation && last >= 0 && heads[last].stream == h.stream:
			heads[last].frame, heads[last].fields = frame, append(heads[last].fields, h.fields...)
		case len(h.fields) > 0:
			heads = append(heads, h)
		}
	}
	return heads
}

// named returns what has a name below n.
func (n *node) named(name string) (found []*node) {
	for i := range n.Children {
		c := &n.Children[i]
		if c.Name == name {
			found = append(found, c)
		} else {
			found = append(found, c.named(name)...)
		}
	}
	return found
}
