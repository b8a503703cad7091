package workload

import (
	"encoding/json"
	"fmt"
	"os"
)

// A Truth is what a reader of a capture must find in it.
type Truth struct {
	Version     int              `json:"version"`
	Spec        Spec             `json:"spec"`
	Packets     int64            `json:"packets"`
	Bytes       int64            `json:"bytes"`       // of the file
	Connections int64            `json:"connections"` // TCP connections as Wireshark counts them by tcp.stream
	Attempts    int64            `json:"attempts"`    // to open a WebSocket
	Verdicts    map[string]int64 `json:"verdicts"`    // the same by verdict; those that do not occur are absent
}

// TruthFile is where the truth of a capture is kept.
func TruthFile(capture string) string { return capture + ".truth.json" }

// Write keeps the truth beside its capture.
func (t *Truth) Write(capture string) error {
	b, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the truth: %w", err)
	}
	return os.WriteFile(TruthFile(capture), append(b, '\n'), 0o644)
}

// ReadTruth reads the truth of a capture.
func ReadTruth(capture string) (*Truth, error) {
	b, err := os.ReadFile(TruthFile(capture))
	if err != nil {
		return nil, err
	}
	t := new(Truth)
	if err := json.Unmarshal(b, t); err != nil {
		return nil, fmt.Errorf("%s: %w", TruthFile(capture), err)
	}
	return t, nil
}
