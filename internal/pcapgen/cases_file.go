package pcapgen

// fileCases write a right exchange in each file format.
func fileCases() []Case {
	return []Case{
		inFile("pcap-big-endian", "A pcap of a big-endian host.", ".pcap", func(g *Capture) []byte { return g.pcap(bigEndian, false) }),
		inFile("pcap-nanoseconds", "A pcap of nanoseconds.", ".pcap", func(g *Capture) []byte { return g.pcap(littleEndian, true) }),
		inFile("pcap-big-endian-nanoseconds", "A pcap of nanoseconds of a big-endian host.", ".pcap", func(g *Capture) []byte { return g.pcap(bigEndian, true) }),
		inFile("pcap-gzip", "A pcap, compressed.", ".pcap.gz", func(g *Capture) []byte { return gzipped(g.pcap(littleEndian, false)) }),
		inFile("pcapng", "A pcapng of one section and one interface.", ".pcapng", (*Capture).pcapng),
		inFile("pcapng-gzip", "A pcapng, compressed.", ".pcapng.gz", func(g *Capture) []byte { return gzipped(g.pcapng()) }),
		inFile("pcap-zstandard", "A pcap in a Zstandard frame.", ".pcap.zst", func(g *Capture) []byte { return zstandard(g.pcap(littleEndian, false)) }),
		inFile("pcapng-lz4", "A pcapng in an LZ4 frame.", ".pcapng.lz4", func(g *Capture) []byte { return lz4Framed(g.pcapng()) }),
		nullBigEndian(), twoInterfaces(), interfacePerDirection(), twoSections(),
	}
}

// inFile is a right exchange in the file that the function makes.
func inFile(name, desc, suffix string, write func(g *Capture) []byte) Case {
	return scripted(name, desc, suffix, write, func(g *Capture) []Attempt {
		return []Attempt{g.upgrade().play(g.Dial(clientAddr, serverAddr))}
	})
}

// scripted is newCase for another format than plain pcap.
func scripted(name, desc, suffix string, write func(g *Capture) []byte, script func(g *Capture) []Attempt) Case {
	g := newCapture(name)
	attempts := script(g)
	return Case{
		Name: name, Desc: desc, File: name + suffix, Attempts: attempts,
		Bytes: func() []byte { return write(g) },
	}
}

// nullBigEndian has the address family in the byte order of the host too.
func nullBigEndian() Case {
	write := func(g *Capture) []byte { return g.pcap(bigEndian, false) }
	return scripted("pcap-big-endian-null", "BSD loopback on a big-endian host.", ".pcap", write, func(g *Capture) []Attempt {
		g.Reset()
		g.Section(bigEndian)
		g.Interface(Null)
		return []Attempt{g.upgrade().play(g.Dial(clientAddr, serverAddr))}
	})
}

func twoInterfaces() Case {
	return scripted("pcapng-two-interfaces", "Two interfaces of different link types, a connection on each.", ".pcapng", (*Capture).pcapng, func(g *Capture) []Attempt {
		c := g.Dial(clientAddr, serverAddr)
		g.Interface(SLL2)
		d := g.Dial("10.0.0.8:51777", serverAddr)
		u, v := g.upgrade(), g.upgrade()
		a, b := u.truth(), v.truth()
		a.Stream, b.Stream = c.Stream(), d.Stream()
		a.RequestFrame, b.RequestFrame = c.Client(u.req.bytes()), d.Client(v.req.bytes())
		a.ResponseFrame, b.ResponseFrame = c.Server(u.resp.bytes()), d.Server(v.resp.bytes())
		c.Session()
		d.Session()
		return []Attempt{a, b}
	})
}

// interfacePerDirection is a tap with one port for each direction.
func interfacePerDirection() Case {
	return scripted("pcapng-interface-per-direction", "Each direction of a connection on its own interface, of its own link type.", ".pcapng", (*Capture).pcapng, func(g *Capture) []Attempt {
		c := g.Open(clientAddr, serverAddr)
		c.ifaces[Server] = g.Interface(Raw)
		c.Handshake()
		return []Attempt{g.upgrade().play(c)}
	})
}

// twoSections begins a new section, of another byte order and link type,
// between the request and the response.
func twoSections() Case {
	return scripted("pcapng-two-sections", "A new section of another byte order between request and response.", ".pcapng", (*Capture).pcapng, func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream = c.Stream()
		a.RequestFrame = c.Client(u.req.bytes())
		g.Section(bigEndian)
		f := g.Interface(SLL)
		c.ifaces = [2]*Iface{f, f}
		a.ResponseFrame = c.Server(u.resp.bytes())
		c.Session()
		return []Attempt{a}
	})
}
