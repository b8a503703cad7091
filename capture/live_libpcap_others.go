//go:build libpcap && !linux

package capture

// setFilter makes the kernel filter, if there is a program for the link type.
func (l *Live) setFilter() error {
	if l.cfg.Filter == nil {
		return nil
	}
	if _, err := l.cfg.Filter(LinkEthernet); err != nil {
		return err
	}
	program, err := l.cfg.Filter(l.link)
	if err != nil {
		return nil
	}
	return l.setProgram(program)
}
