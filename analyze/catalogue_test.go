package analyze

import (
	"regexp"
	"strings"
	"testing"
)

var (
	kebab       = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	placeholder = regexp.MustCompile(`\{[^}]*\}`)
	parentheses = regexp.MustCompile(`\([^()]*\)`)
	section     = regexp.MustCompile(`^RFC [0-9]+(, Section [0-9]+(\.[0-9]+)*)?$`)
)

func TestCatalogueComplete(t *testing.T) {
	seen := map[string]Code{}
	for _, c := range Codes() {
		e := c.Entry()
		if !kebab.MatchString(e.Name) {
			t.Errorf("code %d: name %q is not kebab-case", c, e.Name)
		}
		if other, ok := seen[e.Name]; ok {
			t.Errorf("codes %d and %d share the name %q", other, c, e.Name)
		}
		seen[e.Name] = c
		for part, text := range map[string]string{"Sentence": e.Sentence, "Remedy": e.Remedy, "Wire": e.Wire, "Causes": e.Causes} {
			checkText(t, e.Name+" "+part, text)
		}
		if e.RFC != "" && !section.MatchString(e.RFC) {
			t.Errorf("%s: RFC is %q", e.Name, e.RFC)
		}
	}
}

func checkText(t *testing.T, what, text string) {
	t.Helper()
	if text == "" || text != strings.TrimSpace(text) || strings.ContainsAny(text, "\n\t") {
		t.Errorf("%s: %q is empty, padded or not one line", what, text)
	}
	if strings.HasSuffix(text, ".") {
		t.Errorf("%s: ends with a full stop", what)
	}
	if strings.Contains(text, "://") && strings.Contains(text, "github") {
		t.Errorf("%s: links to an issue", what)
	}
}

// A report leaves out a parenthesis whose value a finding lacks; the sentence
// must read without it.
func TestCataloguePlaceholders(t *testing.T) {
	known := map[string]bool{"{got}": true, "{want}": true, "{field}": true, "{side}": true}
	for _, c := range Codes() {
		e := c.Entry()
		for _, p := range placeholder.FindAllString(e.Sentence+e.Remedy, -1) {
			if !known[p] {
				t.Errorf("%s: unknown placeholder %s", e.Name, p)
			}
		}
		if rest := parentheses.ReplaceAllString(e.Sentence, ""); placeholder.MatchString(rest) {
			t.Errorf("%s: placeholder outside parentheses in %q", e.Name, e.Sentence)
		}
		if placeholder.MatchString(e.Remedy) {
			t.Errorf("%s: placeholder in the remedy", e.Name)
		}
	}
}
