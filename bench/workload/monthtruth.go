package workload

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

// A MonthTruth is what a reader of a month must find in it.
type MonthTruth struct {
	Version     int               `json:"version"`
	Spec        MonthSpec         `json:"spec"`
	Packets     int64             `json:"packets"`
	Bytes       int64             `json:"bytes"` // of all files
	Connections int64             `json:"connections"`
	Attempts    int64             `json:"attempts"`
	Verdicts    map[string]int64  `json:"verdicts"`
	Disconnects []*MassDisconnect `json:"mass_disconnects"`
	Devices     []*DeviceTruth    `json:"devices"`
}

// A MassDisconnect is a second in which a server ended all its connections.
type MassDisconnect struct {
	Server      netip.Addr `json:"server"`
	At          time.Time  `json:"at"` // it begins
	Connections int64      `json:"connections"`
}

// A DeviceTruth is what a month holds of one client.
type DeviceTruth struct {
	IP          netip.Addr       `json:"ip"`
	MAC         string           `json:"mac"` // as Wireshark writes it
	Attempts    int64            `json:"attempts"`
	Established int64            `json:"established"` // with the verdict ok
	Failed      map[string]int64 `json:"failed"`      // the others by verdict
	First       time.Time        `json:"first"`       // when the first byte of the first request was captured
	Last        time.Time        `json:"last"`
	Redirects   int64            `json:"redirect_chains"` // each of one hop that nobody followed
	Rhythm      Rhythm           `json:"rhythm"`
	Broke       []Break          `json:"broke,omitempty"`
}

// A Break is the first attempt after successes that brought nothing.
type Break struct {
	At    time.Time `json:"at"`
	Cause string    `json:"cause"`
}

func newMonthTruth(spec MonthSpec) *MonthTruth {
	return &MonthTruth{Version: MonthVersion, Spec: spec, Verdicts: map[string]int64{}}
}

// MonthTruthFile is where the truth of a month is kept.
func MonthTruthFile(dir string) string { return filepath.Join(dir, "month.truth.json") }

func (t *MonthTruth) write(dir string) error {
	b, err := json.MarshalIndent(t, "", " ")
	if err != nil {
		return fmt.Errorf("encoding the truth: %w", err)
	}
	return os.WriteFile(MonthTruthFile(dir), append(b, '\n'), 0o644)
}

// ReadMonthTruth reads the truth of the month in a directory.
func ReadMonthTruth(dir string) (*MonthTruth, error) {
	b, err := os.ReadFile(MonthTruthFile(dir))
	if err != nil {
		return nil, err
	}
	t := new(MonthTruth)
	if err := json.Unmarshal(b, t); err != nil {
		return nil, fmt.Errorf("%s: %w", MonthTruthFile(dir), err)
	}
	return t, nil
}
