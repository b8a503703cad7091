package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"
)

// A redirectChain is a chain of recorded/redirects.json: what clients and
// servers did, as the scenario of the recording made it happen.
type redirectChain struct {
	Client   string   `json:"client"`   // address of the first hop
	Clients  []string `json:"clients"`  // of each hop, if they differ
	URLs     []string `json:"urls"`     // of the hops, and the target nobody asked for
	Statuses []int    `json:"statuses"` // those that the capture shows
	Frames   [][]int  `json:"frames"`   // of request and answer, or of a ClientHello, for each hop seen
	End      string   `json:"end"`
	RetryOf  int      `json:"retry_of"` // place of the chain that this repeats, from 1; 0 if none
	Retries  int      `json:"-"`        // how many repeat this one
}

// chainRecord is what is compared of a chain record.
type chainRecord struct {
	Record    string
	Client    endpointRecord
	WebSocket struct {
		Chain struct {
			ID      int
			End     string
			URLs    []string
			Hops    []hopRecord
			Retries int
			RetryOf int `json:"retry_of"`
		}
	}
}

type endpointRecord struct{ IP string }

type hopRecord struct {
	Client        *endpointRecord
	Status        int
	RequestFrame  int `json:"request_frame"`
	ResponseFrame int `json:"response_frame"`
}

// compareRecorded tells how the chain records of JSON Lines differ from the
// chains that were recorded, "" if they do not.
func compareRecorded(want []redirectChain, lines []byte) (string, error) {
	records, err := chainRecords(lines)
	if err != nil {
		return "", err
	}
	place := map[int]int{} // by the ID of the chain
	for i, r := range records {
		place[r.WebSocket.Chain.ID] = i + 1
	}
	got := make([]redirectChain, 0, len(records))
	for _, r := range records {
		c := r.chain()
		if c.RetryOf != 0 {
			if c.RetryOf = place[c.RetryOf]; c.RetryOf == 0 {
				return "", fmt.Errorf("chain %d repeats chain %d, which is not there", r.WebSocket.Chain.ID, r.WebSocket.Chain.RetryOf)
			}
		}
		got = append(got, c)
	}
	return diff.Diff(want, got), nil
}

func chainRecords(lines []byte) (records []chainRecord, err error) {
	for line := range bytes.Lines(lines) {
		var r chainRecord
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, err
		}
		if r.Record == "chain" {
			records = append(records, r)
		}
	}
	return records, nil
}

// chain brings a record into the form of redirects.json.
func (r *chainRecord) chain() redirectChain {
	from := &r.WebSocket.Chain
	c := redirectChain{
		Client: r.Client.IP, URLs: from.URLs, End: from.End,
		RetryOf: from.RetryOf, Retries: from.Retries,
	}
	clients, differ := []string{}, false
	for _, h := range from.Hops {
		if h.Status != 0 {
			c.Statuses = append(c.Statuses, h.Status)
		}
		frames := []int{h.RequestFrame}
		if h.ResponseFrame != 0 {
			frames = append(frames, h.ResponseFrame)
		}
		c.Frames = append(c.Frames, frames)
		client := cmp.Or(h.Client, &r.Client).IP
		clients, differ = append(clients, client), differ || client != c.Client
	}
	if differ {
		c.Clients = clients
	}
	return c
}

// countRetries fills in Retries.
func countRetries(chains []redirectChain) {
	for _, c := range chains {
		if c.RetryOf != 0 {
			chains[c.RetryOf-1].Retries++
		}
	}
}

// TestCompareRecorded compares records that are right, and others that each have
// one thing wrong.
func TestCompareRecorded(t *testing.T) {
	want := []redirectChain{
		{
			Client: "10.0.0.7", URLs: []string{"ws://a.example.com/x", "https://a.example.com/x"},
			Statuses: []int{301}, Frames: [][]int{{4, 6}, {12}}, End: "into-tls",
		},
		{
			Client: "10.0.0.7", URLs: []string{"ws://a.example.com/x", "https://a.example.com/x"},
			Statuses: []int{301}, Frames: [][]int{{20, 22}, {28}}, End: "into-tls", RetryOf: 1,
		},
		{
			Client: "10.0.0.7", Clients: []string{"10.0.0.7", "2001:db8::7"}, URLs: []string{"ws://b.example.com/", "http://c.example.com/"},
			Statuses: []int{302, 101}, Frames: [][]int{{31, 33}, {37, 39}}, End: "upgraded",
		},
	}
	countRetries(want)
	const right = `{"record":"attempt","websocket":{"redirect":{"chain":7}}}
{"record":"chain","client":{"ip":"10.0.0.7"},"websocket":{"chain":{"id":7,"end":"into-tls","urls":["ws://a.example.com/x","https://a.example.com/x"],"hops":[{"request_frame":4,"response_frame":6,"status":301},{"request_frame":12}],"retries":1}}}
{"record":"chain","client":{"ip":"10.0.0.7"},"websocket":{"chain":{"id":8,"end":"into-tls","urls":["ws://a.example.com/x","https://a.example.com/x"],"hops":[{"request_frame":20,"response_frame":22,"status":301},{"request_frame":28}],"retry_of":7}}}
{"record":"chain","client":{"ip":"10.0.0.7"},"websocket":{"chain":{"id":9,"end":"upgraded","urls":["ws://b.example.com/","http://c.example.com/"],"hops":[{"request_frame":31,"response_frame":33,"status":302},{"request_frame":37,"response_frame":39,"status":101,"client":{"ip":"2001:db8::7"}}]}}}
`
	if d, err := compareRecorded(want, []byte(right)); d != "" || err != nil {
		t.Errorf("right records: %v %s", err, d)
	}
	for _, wrong := range [][2]string{
		{`"ip":"10.0.0.7"`, `"ip":"10.0.0.8"`},
		{`"ip":"2001:db8::7"`, `"ip":"10.0.0.7"`},
		{`"into-tls"`, `"not-followed"`},
		{`"https://a.example.com/x"]`, `"https://a.example.com/"]`},
		{`,"https://a.example.com/x"]`, `]`},
		{`"response_frame":6`, `"response_frame":7`},
		{`{"request_frame":12}`, `{"request_frame":13}`},
		{`,{"request_frame":12}`, ``},
		{`"status":101`, `"status":200`},
		{`"retries":1`, `"retries":2`},
		{`,"retry_of":7`, ``},
		{`"retry_of":7`, `"retry_of":6`},
		{`{"record":"chain"`, `{"record":"attempt"`},
	} {
		text := strings.Replace(right, wrong[0], wrong[1], 1)
		if d, err := compareRecorded(want, []byte(text)); d == "" && err == nil {
			t.Errorf("%s instead of %s makes no difference", wrong[1], wrong[0])
		}
	}
}

// TestRecordedRedirects compares the chains found in the captures of
// record/redirects.sh with what their scenarios made happen.
func TestRecordedRedirects(t *testing.T) {
	top := filepath.Join("..", "..", "testdata", "pcaps", "recorded")
	text, err := os.ReadFile(filepath.Join(top, "redirects.json"))
	if err != nil {
		t.Fatal(err)
	}
	var truth map[string]struct{ Chains []redirectChain }
	if err := json.Unmarshal(text, &truth); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(top, "redirect-*.pcap*"))
	if err != nil || len(paths) != len(truth) {
		t.Errorf("%d captures, the truth is about %d: %v", len(paths), len(truth), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			want := truth[filepath.Base(path)].Chains
			countRetries(want)
			var stdout, stderr bytes.Buffer
			if code := run([]string{"--format", "jsonl", path}, nil, &stdout, &stderr); code != exitOK {
				t.Fatalf("exit code %d: %s", code, &stderr)
			}
			d, err := compareRecorded(want, stdout.Bytes())
			if d != "" || err != nil {
				t.Errorf("chains (-want +got): %v\n%s", err, d)
			}
		})
	}
}
