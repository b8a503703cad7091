//go:build !linux

package capture

import "fmt"

// A Live delivers the packets of an interface. This system has none.
type Live struct{}

// Listen fails: only Linux is known.
func Listen(name string, _ *LiveConfig) (*Live, error) {
	return nil, fmt.Errorf("%s: wssniff captures on Linux only; here: tcpdump -i %[1]s -U -w - | wssniff -", printable(name))
}

// Next is never called.
func (*Live) Next(*Packet) error { return ErrIdle }

// Stats is never called.
func (*Live) Stats() Stats { return Stats{} }

// Close does nothing.
func (*Live) Close() error { return nil }
