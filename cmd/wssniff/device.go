package main

import (
	"errors"
	"net"
	"net/netip"
	"slices"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// A device reports whether a client is the one that is asked for.
type device func(c *analyze.History, hosts *analyze.Hosts) bool

// parseDevice reads an address or network, a MAC address with colons or dashes,
// or a glob for the User-Agent.
func parseDevice(s string) (device, error) {
	if s == "" {
		return nil, errors.New("no device named: write an address, a MAC address, or a glob for its User-Agent")
	}
	if m, err := net.ParseMAC(s); err == nil && len(m) == len(flow.MAC{}) {
		return ofMAC(flow.MAC(m)), nil
	}
	if e, err := parseEndpoint(s); err == nil {
		if e.hasPort {
			return nil, errors.New("a device has no port: it comes from another one each time")
		}
		return func(c *analyze.History, _ *analyze.Hosts) bool { return e.contains(netip.AddrPortFrom(c.Addr, 0)) }, nil
	}
	agent := glob(s)
	return func(c *analyze.History, _ *analyze.Hosts) bool { return slices.ContainsFunc(c.Agents, agent.match) }, nil
}

// ofMAC is the device with a MAC address; nobody has 00:00:00:00:00:00, which
// stands for those that are not known.
func ofMAC(m flow.MAC) device {
	return func(c *analyze.History, hosts *analyze.Hosts) bool {
		return m != flow.MAC{} && hosts.Of(c.Addr).MAC == m
	}
}

// ofDevices returns the attempts of the devices that are asked for; all if none
// is.
func (s *selection) ofDevices(r *analyze.Result) analyze.Attempts {
	if !s.devices.given() {
		return r.Attempts
	}
	clients := map[netip.Addr]bool{}
	for _, c := range r.Histories() {
		if s.devices.allows(func(d device) bool { return d(c, r.Hosts) }) {
			clients[c.Addr] = true
		}
	}
	return r.Attempts.Of(clients)
}
