package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// starts fails the test unless the program takes the arguments, and serves figures.
func starts(t *testing.T, args []string) {
	t.Helper()
	o, err := parseArgs(args, func(string) (string, bool) { return "", false })
	if err == nil {
		err = o.validate()
	}
	if err != nil || o.live.iface == "" || o.metrics == "" {
		t.Errorf("%q: %v", args, err)
	}
}

// TestService starts as the unit for systemd has it, with its own settings.
func TestService(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "contrib", "wssniff.service"))
	if err != nil {
		t.Fatal(err)
	}
	setting := func(pattern string) string {
		m := regexp.MustCompile(`(?m)^` + pattern + `$`).FindSubmatch(b)
		if m == nil {
			t.Fatalf("no %s", pattern)
		}
		return string(m[1])
	}
	env := map[string]string{}
	for _, word := range strings.Fields(setting("Environment=(INTERFACE=.*)")) {
		name, value, _ := strings.Cut(word, "=")
		env[name] = value
	}
	env["EVIDENCE"] = setting(`Environment="EVIDENCE=(.*)"`)
	for _, options := range []string{env["OPTIONS"], "--max-connections 1000 tcp port 80"} {
		env["OPTIONS"] = options
		line := os.Expand(setting("ExecStart=/usr/local/bin/wssniff (.*)"), func(name string) string {
			value, ok := env[name]
			if !ok {
				t.Errorf("%s is not set", name)
			}
			return value
		})
		starts(t, strings.Fields(line))
	}
}

// TestOpenWrt runs the init script with the commands of OpenWrt played: without
// settings, and with all.
func TestOpenWrt(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("needs a shell")
	}
	const play = `
config_load() { :; }
config_get() { eval "value=\"\${SET_$3:-}\""; eval "$1=\${value:-\$4}"; }
procd_open_instance() { :; }
procd_close_instance() { :; }
procd_set_param() { [ "$1" != command ] || { shift; printf '%s\n' "$@"; }; }
. "$0"
start_service
`
	script := filepath.Join("..", "..", "contrib", "openwrt", "wssniff.init")
	for _, test := range []struct{ env, want []string }{
		{nil, []string{"-i", "br-lan", "--metrics", "127.0.0.1:9464"}},
		{[]string{"SET_interface=wan", "SET_metrics=192.168.1.1:9464", "SET_options=--snapshot-length 2000 -p", "SET_filter=tcp port 80"},
			[]string{"-i", "wan", "--metrics", "192.168.1.1:9464", "--snapshot-length", "2000", "-p", "tcp", "port", "80"}},
	} {
		cmd := exec.Command("sh", "-u", "-c", play, script)
		cmd.Env = append(os.Environ(), test.env...)
		out, err := cmd.CombinedOutput()
		words := strings.Fields(string(out))
		if err != nil || len(words) == 0 || words[0] != "/usr/bin/wssniff" {
			t.Fatalf("%v: %s", err, out)
		}
		for _, w := range test.want {
			if !slices.Contains(words, w) {
				t.Errorf("%v: no %q in %q", test.env, w, words)
			}
		}
		starts(t, words[1:])
	}
}
