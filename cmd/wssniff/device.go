package main

import (
	"errors"
	"net"
	"net/netip"
	"slices"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// A device names clients: by address, by MAC address, or by what they call
// themselves.
type device struct {
	net   endpoint // valid iff byNet
	byNet bool
	mac   flow.MAC // zero: not by it
	agent glob     // of the User-Agent, otherwise
}

// parseDevice reads an address or network, a MAC address with colons or dashes,
// or a glob for the User-Agent.
func parseDevice(s string) (device, error) {
	if s == "" {
		return device{}, errors.New("no device named: write an address, a MAC address, or a glob for its User-Agent")
	}
	if m, err := net.ParseMAC(s); err == nil && len(m) == len(flow.MAC{}) {
		return device{mac: flow.MAC(m)}, nil
	}
	if e, err := parseEndpoint(s); err == nil && !e.hasPort {
		return device{net: e, byNet: true}, nil
	}
	return device{agent: glob(s)}, nil
}

// is reports whether a client is the device.
func (d *device) is(c *analyze.History, hosts *analyze.Hosts) bool {
	switch {
	case d.byNet:
		return d.net.contains(netip.AddrPortFrom(c.Addr, 0))
	case d.mac != flow.MAC{}:
		return hosts.Of(c.Addr).MAC == d.mac
	}
	return slices.ContainsFunc(c.Agents, d.agent.match)
}

// ofDevices returns the attempts of the devices that are asked for; all if none
// is.
func (s *selection) ofDevices(r *analyze.Result) analyze.Attempts {
	if !s.devices.given() {
		return r.Attempts
	}
	clients := map[netip.Addr]bool{}
	for _, c := range r.Histories() {
		if s.devices.allows(func(d device) bool { return d.is(c, r.Hosts) }) {
			clients[c.Addr] = true
		}
	}
	return r.Attempts.Of(clients)
}
