package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/report"
)

// TestLinks names link types, the most frequent first, and not all of many.
func TestLinks(t *testing.T) {
	many := map[capture.LinkType]int{}
	for l := range capture.LinkType(11) {
		many[1000+l] = int(l) + 1
	}
	for _, c := range []struct {
		links map[capture.LinkType]int
		want  string
	}{
		{nil, ""},
		{map[capture.LinkType]int{189: 2, 9999: 3, 201: 2}, "9999 (3), USB_LINUX (2), BLUETOOTH_HCI_H4_WITH_PHDR (2)"},
		{many, "1010 (11), 1009 (10), 1008 (9), 1007 (8), 1006 (7), 1005 (6), 1004 (5), 1003 (4), and 3 other types"},
	} {
		if got := links(c.links); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}

// TestSummaryObeysSchema has the names of all that was not visible checked, which are
// made here.
func TestSummaryObeysSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(report.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema := c.MustCompile("schema.json")
	out, err := exec.Command("wssniff", "--format", "jsonl", "--summary", filepath.Join("..", "..", "testdata", "pcaps", "field.pcapng")).Output()
	if err != nil || !bytes.Contains(out, []byte(`"not_visible"`)) {
		t.Fatalf("no summary: %v: %s", err, out)
	}
	for line := range bytes.Lines(out) {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%v\n%s", err, line)
		}
	}
}
