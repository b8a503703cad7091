//go:build !libpcap

package capture

import "net"

// Library is the version of the library that captures, "" if none is needed.
func Library() string { return "" }

// Interfaces are the names of those that can be captured on.
func Interfaces() ([]string, error) {
	all, err := net.Interfaces()
	names := make([]string, 0, len(all)+1)
	for _, i := range all {
		names = append(names, i.Name)
	}
	return append(names, AnyInterface), err
}
