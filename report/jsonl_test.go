package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wssniff/wssniff/analyze"
)

func compileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestJSONLObeysSchema(t *testing.T) {
	schema := compileSchema(t)
	for _, in := range []*Input{sample(), selected(), clean(), {Result: &analyze.Result{}}} {
		for _, opt := range []*Options{nil, {Summary: true, Observer: "gw", Interface: "eth0", ShowSecrets: true}} {
			validateLines(t, schema, printed(t, JSONL, in, opt))
		}
	}
}

func validateLines(t *testing.T, schema *jsonschema.Schema, out []byte) {
	t.Helper()
	for line := range bytes.Lines(out) {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
		if err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%v\n%s", err, line)
		}
	}
}

// The schema must refuse a field that it does not know, or it proves nothing.
func TestSchemaIsStrict(t *testing.T) {
	line := bytes.Replace(attemptLines(printed(t, JSONL, clean(), nil)), []byte(`"verdict":"ok"`), []byte(`"verdict":"ok","misspelt":1`), 1)
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
	if err != nil {
		t.Fatal(err)
	}
	if compileSchema(t).Validate(v) == nil {
		t.Error("an unknown field passes")
	}
}

// Verdicts and findings of the analyser must all be in the schema.
func TestSchemaKnowsEveryVerdict(t *testing.T) {
	schema := compileSchema(t)
	for _, v := range analyze.Verdicts() {
		in := clean()
		in.Result.Attempts.At(0).Verdict = v
		for _, c := range analyze.Codes() {
			find(in.Result.Attempts.At(0), c, analyze.Server, "", "", "")
		}
		validateLines(t, schema, printed(t, JSONL, in, &Options{Summary: true}))
	}
}

// Absent means unknown; empty means seen empty.
func TestJSONLAbsence(t *testing.T) {
	s := &script{}
	seen := s.attempt(analyze.AcceptMissing, "GET / HTTP/1.1", "HTTP/1.1 101 x")
	unseen := s.attempt(analyze.Indeterminate, "GET / HTTP/1.1", "")
	unseen.Request.Complete = false
	lines := strings.Split(string(printed(t, JSONL, &Input{Result: &analyze.Result{Attempts: analyze.NewAttempts(seen, unseen)}}, nil)), "\n")
	for _, part := range []string{`"host":""`, `"key":""`, `"version":""`, `"accept":""`, `"protocol":""`, `"protocols_offered":[]`, `"extensions_offered":[]`, `"extensions":[]`, `"user_agent":{"original":""}`} {
		if !strings.Contains(lines[0], part) {
			t.Errorf("no %s in %s", part, lines[0])
		}
		name, _, _ := strings.Cut(part, ":")
		_, unknown, _ := strings.Cut(lines[1], `"community_id"`)
		_, unknown, _ = strings.Cut(unknown, `"url"`)
		if strings.Contains(unknown, name+":") {
			t.Errorf("%s in %s", name, lines[1])
		}
	}
}

func TestJSONLKeepsBytes(t *testing.T) {
	s := &script{}
	a := s.attempt(analyze.OK, "GET /\xff\x9b\x7f\u202e HTTP/1.1\nHost: h\nUser-Agent: \u009b31mx\u202e\x7f\U000e0041", "")
	out := printed(t, JSONL, &Input{Result: &analyze.Result{Attempts: analyze.NewAttempts(a)}}, nil)
	attempt := attemptLines(out)
	for _, r := range string(out) {
		if r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x202e {
			t.Errorf("%U is printed raw: %s", r, out)
		}
	}
	var line struct {
		URL       struct{ Original string }
		UserAgent struct{ Original string } `json:"user_agent"`
	}
	if err := json.Unmarshal(attempt, &line); err != nil {
		t.Fatal(err)
	}
	if got, want := line.URL.Original, "/\u00ff\u009b\u007f\u00e2\u0080\u00ae"; got != want {
		t.Errorf("original is %q, want %q", got, want)
	}
	if got, want := line.UserAgent.Original, "\u009b31mx\u202e\x7f\U000e0041"; got != want {
		t.Errorf("user agent is %q, want %q", got, want)
	}
}
