//go:build libpcap

package capture

// setFilter makes the kernel filter, by the program that a ring of our own has:
// libpcap would not tell its one that the kernel took a VLAN tag off, which it puts
// back afterwards. Where tags may come besides, all packets pass.
func (l *Live) setFilter() error {
	program, err := kernelProgram(l.cfg.Filter, l.cfg.SnapLen)
	if err != nil || l.link != LinkEthernet && l.link != LinkRaw {
		return err
	}
	return attachFilter(l.fd(), program)
}
