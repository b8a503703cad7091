package metrics

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// contrib has what is made to be used with these figures.
var (
	alerts    = filepath.Join("..", "contrib", "prometheus", "alerts.yml")
	dashboard = filepath.Join("..", "contrib", "grafana", "wssniff.json")
)

// expressions returns what the panels of the dashboard ask for.
func expressions(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile(dashboard)
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct {
			Type    string
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, p := range d.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q asks for nothing", p.Title)
		}
		for _, target := range p.Targets {
			list = append(list, target.Expr)
		}
	}
	return list
}

// TestContribNames looks for every metric and value of a label that the alerts and
// the dashboard name, and for metrics that the dashboard leaves out.
func TestContribNames(t *testing.T) {
	values := map[string][]string{"kind": nil, "verdict": nil, "severity": nil, "code": nil}
	var names []string
	for _, f := range gather(t, aRun()) {
		names = append(names, f.GetName())
		for _, m := range f.Metric {
			for _, l := range m.Label {
				values[l.GetName()] = append(values[l.GetName()], l.GetValue())
			}
		}
	}
	values["severity"] = append(values["severity"], "error", "warning", "note")
	suffix := regexp.MustCompile(`^(wssniff_handshake_seconds)_(bucket|sum|count)$`)
	asked := map[string]bool{}
	check := func(where, text string) {
		for _, name := range regexp.MustCompile(`\bwssniff_\w+`).FindAllString(text, -1) {
			name = suffix.ReplaceAllString(name, "$1")
			if asked[name] = true; !slices.Contains(names, name) {
				t.Errorf("%s: there is no metric %s", where, name)
			}
		}
		for _, m := range regexp.MustCompile(`(\w+)\s*[=!]~?\s*"([^"]*)"`).FindAllStringSubmatch(text, -1) {
			known, ours := values[m[1]]
			for _, value := range strings.Split(m[2], "|") {
				if ours && m[1] != "server" && !slices.Contains(known, value) {
					t.Errorf("%s: %s has no value %q", where, m[1], value)
				}
			}
		}
	}
	b, err := os.ReadFile(alerts)
	if err != nil {
		t.Fatal(err)
	}
	check(alerts, string(b))
	asked = map[string]bool{"wssniff_build_info": true, "wssniff_last_tick_timestamp_seconds": true}
	for _, e := range expressions(t) {
		check(dashboard, e)
	}
	for _, name := range names {
		if !asked[name] && strings.HasPrefix(name, "wssniff_") {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}

// TestDashboardQueries has every query of the dashboard parsed by Prometheus' own
// tool, as a rule, with the variables of Grafana set.
func TestDashboardQueries(t *testing.T) {
	needsPromtool(t)
	set := strings.NewReplacer("$__rate_interval", "1m", "$__range", "1h", "$instance", "gw.*", "$server", "a.*")
	rules := "groups:\n- name: dashboard\n  rules:\n"
	for i, e := range expressions(t) {
		rules += fmt.Sprintf("  - record: query%d\n    expr: %q\n", i, set.Replace(e))
	}
	if strings.Contains(rules, "$") {
		t.Errorf("a variable is not set:\n%s", rules)
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("promtool", "check", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
