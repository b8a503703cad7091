//go:build !linux && !libpcap

package capture

import "runtime"

// A Live delivers the packets of an interface. This system has none.
type Live struct{}

// Listen fails, and says what to do instead.
func Listen(name string, _ *LiveConfig) (*Live, error) { return nil, elsewhere(runtime.GOOS, name) }

// Next is never called.
func (*Live) Next(*Packet) error { return ErrIdle }

// Interface is never called.
func (*Live) Interface(int) Interface { return Interface{} }

// Stats is never called.
func (*Live) Stats() Stats { return Stats{} }

// Close does nothing.
func (*Live) Close() error { return nil }
