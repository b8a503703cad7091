package pcapgen

import "slices"

// A Case is one generated file and what is true about it.
type Case struct {
	Name  string // unique, kebab-case
	Desc  string // what the capture shows, one sentence
	File  string // name below testdata/pcaps/generated
	Bytes func() []byte

	// Same names the case whose attempts are the same but for their frames,
	// streams and times; its packets are carried in another way. Mostly empty.
	Same string

	// Attempts are all upgrade attempts of the file, in the order of the
	// frames that complete their requests; one whose request is not in the
	// capture stands where its response is.
	Attempts []Attempt

	// Chains are the redirect chains, in the order of their first hop.
	Chains []Chain

	// Lookups are all answers of DNS that tell addresses or an error, in the
	// order of their frames.
	Lookups []Lookup

	// Hosts are some of the hosts.
	Hosts []Host

	// Histories are those of some clients.
	Histories []History

	// Passages are all attempts on both sides of a proxy, in the order of the
	// outer ones.
	Passages []Passage

	// Incidents are all that happened, in the order of time.
	Incidents []Incident
}

// An Attempt is the truth about one upgrade attempt. A zero field is not
// stated, except Codes: a finding of severity error that is neither in Codes
// nor in MayCodes is wrong.
type Attempt struct {
	Stream        int // tcp.stream
	RequestFrame  int // frame in which the request head became complete, 0 if never
	ResponseFrame int // the same for the final response head
	Verdict       string
	Codes         []string // findings that must be reported
	NotCodes      []string // findings that must not
	MayCodes      []string // findings that depend on how the catalogue is read
	MayVerdict    string   // another verdict that a reading of the contract allows
	Key           string   // as sent, without optional white space
	Accept        string   // as sent, without optional white space
	Want          string   // the right Accept; stated with a 101 only
	Cause         string   // the recipe that explains a wrong Accept
	Status        int      // of the final response
	Tunnel        string   // target of the CONNECT that it went through

	CloseBy      string // client or server: who sent the first Close frame
	CloseCode    int
	CloseReason  string
	ClientFrames int // WebSocket frames of each side, Close frames included
	ServerFrames int
}

// Cases returns all cases, in a fixed order.
func Cases() []Case {
	return slices.Concat(
		verdictCases(),
		statusCases(),
		requestCases(),
		responseCases(),
		acceptCases(),
		redirectCases(),
		chainCases(),
		tcpCases(),
		tcpOddityCases(),
		httpCases(),
		linkCases(),
		layerCases(),
		tunnelCases(),
		fragmentCases(),
		identityCases(),
		fileCases(),
		frameCases(),
		nameCases(),
		historyCases(),
		incidentCases(),
		proxyCases(),
		tlsCases(),
		tlsOpaqueCases(),
		tlsTogetherCases(),
		insideCases(),
		connectCases(),
		h2Cases(),
	)
}

// newCase runs the script once for its truth; the file is a little-endian
// pcap of microseconds.
func newCase(name, desc string, script func(g *Capture) []Attempt) Case {
	g := newCapture(name)
	attempts := script(g)
	return Case{
		Name: name, Desc: desc, File: name + ".pcap", Attempts: attempts, Lookups: g.lookups,
		Bytes: func() []byte { return g.pcap(littleEndian, false) },
	}
}

// hosting states hosts of a case.
func (c Case) hosting(hosts ...Host) Case {
	c.Hosts = hosts
	return c
}

// chained adds the redirect chains to a case.
func (c Case) chained(chains ...Chain) Case {
	c.Chains = chains
	return c
}

// remembering states histories of a case.
func (c Case) remembering(histories ...History) Case {
	c.Histories = histories
	return c
}

// passing states what went through a proxy.
func (c Case) passing(passages ...Passage) Case {
	c.Passages = passages
	return c
}

// showing states what happened.
func (c Case) showing(incidents ...Incident) Case {
	c.Incidents = incidents
	return c
}

// Addresses of a capture that has no reason for others.
const (
	clientAddr = "10.0.0.7:51234"
	serverAddr = "192.0.2.9:80"
	hostName   = "gw.example.com"
	wsPath     = "/ws"
)

// An upgrade is a request and its answer, both open to change before they
// are played.
type upgrade struct {
	key  string
	req  *head
	resp *head
	rest func(c *Conn) // what follows the answer
}

// upgrade returns a well-formed exchange with a fresh key.
func (g *Capture) upgrade() *upgrade {
	key := g.Key()
	return &upgrade{
		key:  key,
		req:  goRequest(hostName, wsPath, key),
		resp: switching(acceptFor(key)),
		rest: (*Conn).Session,
	}
}

// withKey makes the exchange one about another key, in both heads.
func (u *upgrade) withKey(key string) {
	u.key = key
	u.req.set("Sec-WebSocket-Key", key)
	u.resp.set("Sec-WebSocket-Accept", acceptFor(key))
}

// answer makes the server refuse; it closes after the answer.
func (u *upgrade) answer(h *head) {
	u.resp = h
	u.rest = closedByServer
}

func closedByServer(c *Conn) { c.Close(Server) }
func closedByClient(c *Conn) { c.Close(Client) }

// play sends both heads and what follows over an open connection.
func (u *upgrade) play(c *Conn) Attempt {
	a := u.truth()
	a.RequestFrame = c.Client(u.req.bytes())
	a.ResponseFrame = c.Server(u.resp.bytes())
	a.Stream = c.Stream()
	u.rest(c)
	return a
}

// truth fills in what the heads say by themselves; the verdict is that of a
// clean 101 or of a refusal.
func (u *upgrade) truth() Attempt {
	a := Attempt{Key: u.key, Status: u.resp.status(), Verdict: "rejected"}
	switch {
	case a.Status == 101:
		a.Verdict = "ok"
		a.Want = acceptFor(u.key)
		a.Accept = u.resp.value("Sec-WebSocket-Accept")
	case a.Status/100 == 3 && a.Status != 304 && u.resp.find("Location") > 0:
		a.Verdict = "redirected"
	}
	return a
}

// A row is a case of one connection with one attempt on it.
type row struct {
	name, desc string
	verdict    string // empty: what the status says
	codes      []string
	not, may   []string
	edit       func(u *upgrade)
}

func (r row) build() Case {
	return newCase(r.name, r.desc, func(g *Capture) []Attempt {
		u := g.upgrade()
		if r.verdict != "" && r.verdict != "ok" {
			u.rest = closedByClient // a conforming client fails the connection
		}
		r.edit(u)
		a := u.play(g.Dial(clientAddr, serverAddr))
		if r.verdict != "" {
			a.Verdict = r.verdict
		}
		a.Codes, a.NotCodes, a.MayCodes = r.codes, r.not, r.may
		return []Attempt{a}
	})
}

func buildRows(rows []row) []Case {
	var cases []Case
	for _, r := range rows {
		cases = append(cases, r.build())
	}
	return cases
}
