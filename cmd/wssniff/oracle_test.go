package main

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"github.com/wssniff/wssniff/analyze"
)

// captures are all captures in testdata/pcaps, by their paths below it.
func captures(t *testing.T) map[string]string {
	t.Helper()
	top := filepath.Join("..", "..", "testdata", "pcaps")
	names := map[string]string{}
	for _, glob := range []string{"*.pcap*", "generated/*.pcap*", "recorded/*.pcap*"} {
		paths, err := filepath.Glob(filepath.Join(top, filepath.FromSlash(glob)))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			name, err := filepath.Rel(top, p)
			if err != nil {
				t.Fatal(err)
			}
			names[filepath.ToSlash(name)] = p
		}
	}
	if len(names) == 0 {
		t.Fatalf("no captures in %s", top)
	}
	return names
}

// TestTshark compares the upgrade requests and the answers to them that are
// found in every capture with those that tshark dissects, and the number of
// connections with the number of its streams. The differences must be those of
// differences, no more and no fewer.
func TestTshark(t *testing.T) {
	if testing.Short() {
		t.Skip("runs tshark once for every capture, about a minute")
	}
	version, err := exec.Command("tshark", "--version").Output()
	if err != nil {
		t.Skip("needs tshark: apt-get install tshark")
	}
	line, _, _ := strings.Cut(string(version), "\n")
	t.Log(line)
	all := captures(t)
	for name := range differences {
		if all[name] == "" {
			t.Errorf("differences name %s, which is no capture", name)
		}
	}
	limit := make(chan struct{}, 2)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limit <- struct{}{}
			defer func() { <-limit }()
			compareWithTshark(t, name, all[name])
		})
	}
}

func compareWithTshark(t *testing.T, name, path string) {
	theirs := dissect(t, path)
	ours := readFile(t, path)
	var got difference
	got.Wssniff, got.Tshark = onlyIn(headsOf(ours.result), theirs.heads())
	got.Conns = ours.streams.Conns - len(theirs.streams)
	want := differences[name]
	want.why = ""
	if d := diff.Diff(want, got, diff.AllowUnexported(difference{})); d != "" {
		t.Errorf("difference to tshark (-want +got):\n%s", d)
	}
}

// A difference is what one of the two finds in a capture and the other does
// not, and why that is right.
type difference struct {
	Wssniff []string // found by wssniff alone
	Tshark  []string // found by tshark alone
	Conns   int      // connections that wssniff has more than tshark has streams
	why     string
}

// differences are the known ones to tshark 4.0, by capture. Another version may
// need others.
var differences = map[string]difference{
	"generated/connect-bad-gateway.pcap": {
		Wssniff: []string{`stream 0 frame 4: request, key ""`, `stream 0 frame 6: response 502, accept ""`},
		why:     "a CONNECT that is refused is an attempt, though no field of WebSocket was seen",
	},
	"generated/connect-unanswered.pcap": {
		Wssniff: []string{`stream 0 frame 4: request, key ""`},
		why:     "so is one that is not answered",
	},
	"generated/connect-redirect-inside-tls.pcapng": {
		Wssniff: []string{`stream 0 frame 10: response 301, accept ""`, `stream 0 frame 8: request, key "T8dmE/Iy5sZnJ/Iw21SsfA=="`},
		why:     "tshark does not dissect HTTP that goes through a CONNECT tunnel, but for that inside TLS",
	},
	"generated/connect-redirect-into-tls.pcap": {
		Wssniff: []string{`stream 0 frame 10: response 301, accept ""`, `stream 0 frame 8: request, key "eKjFFdLOtS5z139FvHCCjA=="`},
		why:     "tshark does not dissect HTTP that goes through a CONNECT tunnel",
	},
	"generated/connect-tunnel-refused.pcap": {
		Wssniff: []string{`stream 0 frame 4: request, key ""`, `stream 0 frame 6: response 403, accept ""`},
		why:     "a CONNECT that is refused is an attempt, though no field of WebSocket was seen",
	},
	"generated/http-connect-tunnel.pcap": {
		Wssniff: []string{
			`stream 0 frame 10: response 101, accept "mCm2DYtDIBxlcMPIOIlP8ebz+Ao="`,
			`stream 0 frame 8: request, key "n86ye5zYKh6dq5yzqYU+dg=="`,
		},
		why: "tshark does not dissect what goes through a CONNECT tunnel",
	},
	"generated/indeterminate-request-cut.pcap": {
		Tshark: []string{`stream 0 frame 4: request, key ""`, `stream 0 frame 6: response 101, accept "Q2Nz8q"`},
		why:    "tshark shows heads that the snap length cut as if they were whole",
	},
	"generated/identity-two-gtp-tunnels-same-numbers.pcap": {
		Wssniff: []string{
			`stream 1 frame 12: response 101, accept "n8yr+uHzvynOARkVAHGP8mPxk7U="`,
			`stream 1 frame 8: request, key "TC3dpBDyhjxpX5Q3lhcKYA=="`,
		},
		Conns: 1,
		why:   "tshark keeps no networks apart: the same addresses and sequence numbers are one stream",
	},
	"generated/identity-two-gtp-tunnels.pcap": {
		Wssniff: []string{
			`stream 0 frame 11: response 101, accept "dTowy+8t9bM8toF48kUGoo3zOh0="`,
			`stream 0 frame 7: request, key "BvecDCZIEDYQP2O80eloZw=="`,
		},
		why: "tshark keeps no networks apart: from the second SYN on, everything belongs to the second stream",
	},
	"generated/identity-two-vlans-fragmented.pcap": {
		Wssniff: []string{
			`stream 1 frame 12: request, key "xM85rrNrfkAuSuglmdXTDw=="`,
			`stream 1 frame 20: response 101, accept "UeMbmVWA4mcB2zifurUQF7Y1qPM="`,
		},
		Conns: 1,
		why:   "tshark keeps no networks apart: the same addresses and sequence numbers are one stream",
	},
	"generated/identity-two-vlans-same-numbers.pcap": {
		Wssniff: []string{
			`stream 1 frame 12: response 101, accept "aMNWQr3gOFAukcDO40P4I4lA8sg="`,
			`stream 1 frame 8: request, key "krsFhwMoI1PZ9ofdGqnRxw=="`,
		},
		Conns: 1,
		why:   "tshark keeps no networks apart: the same addresses and sequence numbers are one stream",
	},
	"generated/identity-two-vlans.pcap": {
		Wssniff: []string{
			`stream 0 frame 11: response 101, accept "iDlMWd4J4NDnCmG39TlX9qErVIM="`,
			`stream 0 frame 7: request, key "FUaNSTxjfDA370xsF+TUnA=="`,
		},
		why: "tshark keeps no networks apart: from the second SYN on, everything belongs to the second stream",
	},
	"generated/identity-two-vxlan-networks.pcap": {
		Wssniff: []string{
			`stream 0 frame 11: response 101, accept "bKPIfWkxRhbb9dqQl+2+PPkzJzc="`,
			`stream 0 frame 7: request, key "DRam6lqtmMf4sbvhtWND9w=="`,
		},
		why: "tshark keeps no networks apart: from the second SYN on, everything belongs to the second stream",
	},
	"generated/identity-vlan-after-vlan.pcap": {
		Wssniff: []string{
			`stream 1 frame 23: request, key "QerU7UIQs3vLLfU7W0ABIA=="`,
			`stream 1 frame 25: response 101, accept "gHC4Gm0Gpl44RGkC6P+5mNiVSXU="`,
		},
		Conns: 1,
		why:   "tshark keeps no networks apart: with the same sequence numbers the second connection is a retransmission of the first",
	},
	"generated/layer-wireless-amsdu.pcap": {
		Wssniff: []string{
			`stream 0 frame 4: request, key "N7SqarUI4Wpb+a11jM/BDQ=="`,
			`stream 0 frame 6: response 101, accept "C5msfZ3Mzjngv6r1chHwEnHjfy8="`,
			`stream 1 frame 23: request, key "5834opxWt59HcGxxqLP5tQ=="`,
			`stream 1 frame 25: response 101, accept "601Pw77TdRZm8wOcmjzuu39P3OE="`,
		},
		Conns: 2,
		why:   "in tshark's PDML the segments of an aggregate are no children of their packet; its fields show them",
	},
	"generated/tcp-half-open-server-sends.pcap": {
		Wssniff: []string{
			`stream 1 frame 20: response 101, accept "jsNc6Y6hl3epmvy8e8FKKZStBBo="`,
		},
		why: "tshark gives what the server still sends on the old connection to the new one and loses its place there",
	},
	"generated/tls-inside-h2.pcapng": {
		Wssniff: []string{`stream 0 frame 10: request, key "ciIDzvmvqsR2w8sbXzQr8A=="`, `stream 0 frame 12: response 400, accept ""`},
		why:     "tshark looks for HTTP/2 only where that was agreed upon",
	},
	"generated/tunnel-vxlan-8472.pcap": {
		Wssniff: []string{
			`stream 0 frame 4: request, key "N7SqarUI4Wpb+a11jM/BDQ=="`,
			`stream 0 frame 6: response 101, accept "C5msfZ3Mzjngv6r1chHwEnHjfy8="`,
			`stream 1 frame 23: request, key "5834opxWt59HcGxxqLP5tQ=="`,
			`stream 1 frame 25: response 101, accept "601Pw77TdRZm8wOcmjzuu39P3OE="`,
		},
		Conns: 2,
		why:   "tshark takes no VXLAN on the port that Linux uses, unless told to (-d udp.port==8472,vxlan)",
	},
	"generated/tcp-hole-in-body-then-upgrade.pcap": {
		Wssniff: []string{`stream 0 frame 12: response 101, accept "1FMUj6t97nygWYuRFmdFM9t0+wo="`},
		why:     "tshark waits for the rest of a body that was never captured",
	},
	"generated/tcp-snaplen-cuts-body.pcap": {
		Wssniff: []string{`stream 0 frame 12: response 101, accept "+aiFXgtbABnozPpQG7DHT4XXlRQ="`},
		why:     "tshark loses its place behind a body that the snap length cut",
	},
	"generated/tcp-snaplen-cuts-head.pcap": {
		Tshark: []string{`stream 0 frame 6: response 101, accept ""`},
		why:    "tshark shows heads that the snap length cut as if they were whole",
	},
	"recorded/forward-proxy-connect.pcap": {
		Wssniff: []string{
			`stream 0 frame 17: request, key "HmS0dQQrp4UxfJlR1zPO0w=="`,
			`stream 0 frame 22: response 101, accept "Zsa4zaZpJ6ndAeP3TlSEOi96fBk="`,
			`stream 2 frame 48: request, key ""`,
			`stream 2 frame 50: response 403, accept ""`,
			`stream 3 frame 60: request, key ""`,
			`stream 3 frame 62: response 407, accept ""`,
		},
		why: "tshark does not dissect what goes through a CONNECT tunnel; and a CONNECT that is refused is an attempt",
	},
	"recorded/tls-forward-proxies.pcap": {
		Wssniff: []string{
			`stream 10 frame 219: request, key ""`,
			`stream 10 frame 221: response 500, accept ""`,
			`stream 3 frame 127: request, key ""`,
			`stream 3 frame 129: response 407, accept ""`,
			`stream 8 frame 198: request, key ""`,
			`stream 8 frame 200: response 407, accept ""`,
			`stream 9 frame 208: request, key ""`,
			`stream 9 frame 210: response 403, accept ""`,
		},
		why: "a CONNECT that is refused is an attempt",
	},
	"generated/request-line-mark.pcap": {
		Wssniff: []string{
			`stream 0 frame 4: request, key "xaAQNC0ZbP8Fi4amZcMQLA=="`,
			`stream 0 frame 6: response 400, accept ""`,
		},
		why: "tshark wants the method first",
	},
	"generated/request-line-tabs.pcap": {
		Wssniff: []string{
			`stream 0 frame 4: request, key "Y85qqu4rmUqMawoWg8dHfQ=="`,
		},
		why: "tshark wants blanks in the request line",
	},
	"generated/status-408.pcap": {
		Wssniff: []string{
			`stream 0 frame 6: response 408, accept ""`,
		},
		why: "tshark does not dissect a request without an end, so that its answer belongs to none",
	},
	"generated/status-431-before-end.pcap": {
		Wssniff: []string{
			`stream 0 frame 12: response 431, accept ""`,
		},
		why: "the same",
	},
	"recorded/heads-refused.pcap": {
		Wssniff: []string{
			`stream 101 frame 1120: request, key "YntMzJp3AeFeUDhuGjN3PA=="`,
			`stream 101 frame 1122: response 400, accept ""`,
			`stream 104 frame 1150: request, key "qhexrXQv0lShzYSz5w11Ig=="`,
			`stream 104 frame 1152: response 400, accept ""`,
			`stream 105 frame 1161: request, key "sr+fgd3rd+Y3ZY3B4vmHow=="`,
			`stream 105 frame 1163: response 400, accept ""`,
			`stream 117 frame 1281: request, key "Y3h50h4liYJhKEghSpeMOg=="`,
			`stream 121 frame 1321: response 408, accept ""`,
			`stream 122 frame 1331: response 408, accept ""`,
			`stream 21 frame 240: request, key "m4DzoLRuDLXzTK8m0tqNFQ=="`,
			`stream 29 frame 346: request, key "FAkV59TGyLwUsYTa+l9mqA=="`,
			`stream 29 frame 348: response 400, accept ""`,
			`stream 32 frame 376: request, key "fqfEj0CI1JYlV+19R3Xhvg=="`,
			`stream 32 frame 378: response 400, accept ""`,
			`stream 33 frame 386: request, key "2BRhWKd0kCqbbtTvzofztg=="`,
			`stream 33 frame 388: response 400, accept ""`,
			`stream 45 frame 509: request, key "0SW5xNBFE7hpqd4+6MUmGw=="`,
			`stream 5 frame 80: request, key "NPAsJ+F9lQV1LISCw7dMlg=="`,
			`stream 5 frame 82: response 400, accept ""`,
			`stream 53 frame 617: request, key "yATd5uLlJXDNwH5lwsXp7A=="`,
			`stream 53 frame 619: response 400, accept ""`,
			`stream 56 frame 648: request, key "FiiXD6UB4QKxZ72YpkKFGQ=="`,
			`stream 56 frame 650: response 400, accept ""`,
			`stream 57 frame 659: request, key "4Zsg1dIshUsW0beRES8dCw=="`,
			`stream 57 frame 661: response 400, accept ""`,
			`stream 69 frame 781: request, key "EtsnH2fPJBPxze5lB3gIEg=="`,
			`stream 77 frame 872: request, key "oolrsZHGuFK7a6GdX3sE6A=="`,
			`stream 8 frame 110: request, key "Ys2uwFV7xTTSXIgLaTuhIg=="`,
			`stream 8 frame 112: response 400, accept ""`,
			`stream 80 frame 899: request, key "6nwUV1olWgKNQFdUMvVxww=="`,
			`stream 80 frame 900: response 400, accept ""`,
			`stream 81 frame 909: request, key "vqq7ANeQD3xZzwjLepSEXA=="`,
			`stream 81 frame 910: response 400, accept ""`,
			`stream 9 frame 120: request, key "LfzVua2W35ogCD+B1DIqhA=="`,
			`stream 9 frame 122: response 400, accept ""`,
			`stream 93 frame 1017: request, key "F6XmzhGf8niHe86Dp5OXIA=="`,
		},
		Tshark: []string{
			`stream 117 frame 1281: request, key ""`,
			`stream 21 frame 240: request, key ""`,
			`stream 45 frame 509: request, key ""`,
			`stream 69 frame 781: request, key ""`,
			`stream 93 frame 1017: request, key ""`,
		},
		why: "tshark takes nothing for a request that has tabs, or a blank or a mark before it, ends the fields at a line without a colon, and does not dissect a request without an end",
	},
	"recorded/redirect-loss.pcap": {
		Wssniff: []string{
			`stream 1 frame 52: response 101, accept "McjeZURlHdmzq1XSxvx4GnrgEsE="`,
			`stream 6 frame 202: response 301, accept ""`,
		},
		Tshark: []string{
			`stream 1 frame 50: response 101, accept "McjeZURlHdmzq1XSxvx4GnrgEsE="`,
			`stream 6 frame 211: response 301, accept ""`,
		},
		why: "tshark lists both copies of a segment that came twice, so the sizes of the list do not add up to the place of a byte",
	},
}

// onlyIn returns what only a and what only b has. What is in one of them
// several times must be in the other as often.
func onlyIn(a, b []string) (onlyA, onlyB []string) {
	onlyB = slices.Sorted(slices.Values(b))
	for _, s := range slices.Sorted(slices.Values(a)) {
		if i := slices.Index(onlyB, s); i >= 0 {
			onlyB = slices.Delete(onlyB, i, i+1)
		} else {
			onlyA = append(onlyA, s)
		}
	}
	if len(onlyB) == 0 {
		onlyB = nil
	}
	return onlyA, onlyB
}

// requestLine and responseLine are the forms in which heads are compared.
func requestLine(stream, frame int, key string) string {
	return fmt.Sprintf("stream %d frame %d: request, key %q", stream, frame, key)
}

func responseLine(stream, frame, status int, accept string) string {
	return fmt.Sprintf("stream %d frame %d: response %d, accept %q", stream, frame, status, accept)
}

// headsOf lists the whole heads of all attempts.
func headsOf(r *analyze.Result) (lines []string) {
	for a := range r.Attempts.All() {
		if a.H2 != nil { // see TestTsharkH2
			continue
		}
		if m := a.Request; m != nil && m.Complete {
			lines = append(lines, requestLine(a.Conn.ID, m.Done.Frame, value(m, "Sec-WebSocket-Key")))
		}
		if m := a.Response; m != nil && m.Complete {
			lines = append(lines, responseLine(a.Conn.ID, m.Done.Frame, m.Head.Status, value(m, "Sec-WebSocket-Accept")))
		}
	}
	return lines
}

func value(m *analyze.Message, name string) string {
	v, _ := m.Head.Get(name)
	return v
}

// A dissection is what tshark says of a capture.
type dissection struct {
	streams map[int][]message // the HTTP messages of each TCP stream, in order
}

// A message is an HTTP message as tshark shows it.
type message struct {
	frame  int
	fields map[string]string // by tshark's names; of several with one name the first
}

// dissect runs tshark. All ports are taken for HTTP, as tshark has no other
// way to find it on all of them.
func dissect(t *testing.T, path string) *dissection {
	t.Helper()
	ports := "1-65535"
	base := filepath.Base(path)
	if tls := strings.HasPrefix(base, "tls-") || strings.HasPrefix(base, "connect-"); tls && base != "tls-plain-to-tls-port.pcap" { // else it would take TLS for HTTP
		ports = "80,3128,3129,8008" // and forward proxies
	}
	cmd := exec.Command("tshark", "-n", "-r", path, "-T", "pdml", "-J", "frame tcp tcp.segments tls http",
		"-o", "tcp.reassemble_out_of_order:TRUE", "-o", "http.tcp.port:"+ports)
	cmd.Env = append(os.Environ(), "WIRESHARK_CONFIG_DIR="+t.TempDir()) // nobody's preferences
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("tshark: %v\n%s", err, stderr.Bytes())
	}
	d := &dissection{streams: map[int][]message{}}
	if err := d.parse(&stdout); err != nil {
		t.Fatalf("output of tshark: %v", err)
	}
	return d
}

// A node is an element of PDML: a packet, a protocol or a field.
type node struct {
	Name     string `xml:"name,attr"`
	Show     string `xml:"show,attr"`
	Pos      int    `xml:"pos,attr"`
	Size     int    `xml:"size,attr"`
	Children []node `xml:",any"`
}

func (d *dissection) parse(pdml io.Reader) error {
	dec := xml.NewDecoder(pdml)
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "packet" {
			var packet node
			if err := dec.DecodeElement(&packet, &e); err != nil {
				return err
			}
			d.packet(&packet)
		}
	}
}

// packet notes the stream of a packet and the HTTP messages that end in it.
func (d *dissection) packet(packet *node) {
	frame, stream := 0, -1
	var segments *node
	for i := range packet.Children {
		p := &packet.Children[i]
		fields := map[string]string{}
		p.collect(fields)
		switch p.Name {
		case "frame":
			frame, _ = strconv.Atoi(fields["frame.number"])
		case "tcp":
			stream, _ = strconv.Atoi(fields["tcp.stream"])
			if _, known := d.streams[stream]; !known {
				d.streams[stream] = nil
			}
		case "fake-field-wrapper":
			segments = p
		case "http":
			m := message{frame, fields}
			if p.Pos == 0 && segments != nil { // not in the packet but in what was put together
				m.frame = segments.frameOf(p.headEnd()-1, frame)
			}
			d.streams[stream] = append(d.streams[stream], m)
		}
	}
}

// collect gathers the fields below n.
func (n *node) collect(fields map[string]string) {
	for i := range n.Children {
		c := &n.Children[i]
		if _, ok := fields[c.Name]; !ok {
			fields[c.Name] = c.Show
		}
		c.collect(fields)
	}
}

// headEnd returns the position behind the blank line of an HTTP message.
func (n *node) headEnd() int {
	for _, c := range n.Children {
		if c.Show == `\r\n` || c.Show == `\n` {
			return c.Pos + c.Size
		}
	}
	return n.Size
}

// frameOf returns the frame with which all bytes up to pos were there of what
// was put together from n, a list of segments. It is last if the list is none:
// tshark shows a message in the frame that ends its body.
func (n *node) frameOf(pos, last int) int {
	latest := 0
	for _, list := range n.Children {
		for _, c := range list.Children {
			if c.Name == "tcp.segment" && pos >= 0 {
				frame, _ := strconv.Atoi(c.Show)
				latest = max(latest, frame)
				pos -= c.Size
			}
		}
	}
	return cmp.Or(latest, last)
}

// heads lists the requests that ask for a WebSocket and the answers to them:
// the final answers of a stream belong to its requests one by one.
func (d *dissection) heads() (lines []string) {
	for id, messages := range d.streams {
		var requests, responses []message
		for _, m := range messages {
			switch {
			case m.fields["http.request"] != "":
				requests = append(requests, m)
			case m.final():
				responses = append(responses, m)
			}
		}
		for _, m := range requests {
			if m.upgrade() {
				lines = append(lines, requestLine(id, m.frame, m.value("http.sec_websocket_key")))
			}
		}
		for i, m := range responses {
			if i < len(requests) && requests[i].upgrade() || m.status() == 101 && m.upgrade() {
				lines = append(lines, responseLine(id, m.frame, m.status(), m.value("http.sec_websocket_accept")))
			}
		}
	}
	return lines
}

// upgrade reports whether a message has a field of the WebSocket handshake.
func (m *message) upgrade() bool {
	for name := range m.fields {
		if strings.HasPrefix(name, "http.sec_websocket_") {
			return true
		}
	}
	return strings.Contains(strings.ToLower(m.fields["http.upgrade"]), "websocket")
}

func (m *message) status() int {
	n, _ := strconv.Atoi(m.fields["http.response.code"])
	return n
}

// final reports whether a message is an answer that no other follows.
func (m *message) final() bool {
	return m.status() >= 200 || m.status() == 101
}

func (m *message) value(name string) string { return strings.TrimSpace(m.fields[name]) }
