package main

import (
	"fmt"
	"io"
	"net"
	"strings"
	"text/tabwriter"

	"github.com/wssniff/wssniff/capture"
)

// listInterfaces prints a line for each interface: name, state, addresses.
func listInterfaces(w io.Writer) error {
	names, err := capture.Interfaces()
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, name := range names {
		state, addrs := "", ""
		if i, err := net.InterfaceByName(name); err == nil {
			state, addrs = stateOf(i.Flags), strings.Join(addresses(i), " ")
		} else if name == capture.AnyInterface {
			state = "all of them"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", name, state, addrs)
	}
	return t.Flush()
}

func stateOf(f net.Flags) string {
	state := []string{"down"}
	if f&net.FlagUp != 0 {
		state[0] = "up"
	}
	if f&net.FlagRunning != 0 {
		state = append(state, "running")
	}
	if f&net.FlagLoopback != 0 {
		state = append(state, "loopback")
	}
	return strings.Join(state, ", ")
}

// addresses are the MAC address and those of IP.
func addresses(i *net.Interface) (all []string) {
	if len(i.HardwareAddr) > 0 {
		all = append(all, i.HardwareAddr.String())
	}
	ips, _ := i.Addrs() // it may just have gone
	for _, ip := range ips {
		all = append(all, ip.String())
	}
	return all
}
