package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly"
	"github.com/wssniff/wssniff/report"
	"github.com/wssniff/wssniff/tlsdecrypt"
)

// shifted is said of what makes connections that are numbered here and not in
// Wireshark, or the other way round.
const shifted = "; later stream numbers may differ from Wireshark's"

// gaps lists what could not be seen or was not read, in the order of the summary.
func (r *reading) gaps() []report.Gap {
	return append(packetGaps(&r.capture, &r.streams), r.analysisGaps()...)
}

// packetGaps lists what of that the packets lack, which is known at any time.
func packetGaps(c *capture.Stats, s *reassembly.Stats) []report.Gap {
	return []report.Gap{
		{Name: "damaged_inputs", What: "damaged inputs", Count: int64(c.Damaged), Remark: "not read to their end"},
		{Name: "dropped_packets", What: "dropped packets", Count: c.Drops, Remark: "by the capturing system"},
		{Name: "cut_packets", What: "cut packets", Count: c.Cut, Remark: "by the snap length (tcpdump -s 0 keeps whole packets)"},
		{Name: "cut_headers", What: "  cut in their headers", Count: int64(s.CutHeaders), Remark: "not read" + shifted},
		{Name: "lost_bytes", What: "lost bytes", Count: s.LostBytes, Remark: "TCP payload that is not in the capture"},
		{Name: "mid_stream_connections", What: "started late", Count: int64(s.MidStream), Remark: "connections whose beginning is not in the capture"},
		{Name: "incomplete_ip_packets", What: "incomplete IP packets", Count: int64(s.FragLost), Remark: "fragments that waited in vain for the others (--fragment-wait)"},
		{Name: "contradicting_ip_packets", What: "contradicting fragments", Count: int64(s.FragClash), Remark: "IP packets read only if the TCP checksum is right"},
		{Name: "mixed_ip_packets", What: "mixed IP packets", Count: int64(s.FragMixed), Remark: "fragments of two packets, says the TCP checksum; not read"},
		{Name: "differing_retransmissions", What: "differing retransmissions", Count: int64(s.Differing), Remark: "segments sent again with other bytes; the first copy was read"},
		{Name: "wrong_checksums", What: "wrong checksums", Count: int64(s.BadSums), Remark: "segments not read (--check-checksums)"},
		{Name: "encrypted_packets", What: "encrypted packets", Count: int64(s.Encrypted), Remark: "802.11, IPsec or MACsec; not read"},
		{Name: "wifi_fragments", What: "802.11 fragments", Count: int64(s.WiFiParts), Remark: "not put together"},
		{Name: "corrupt_frames", What: "corrupt frames", Count: int64(s.Corrupt), Remark: "received with errors, says the radio; not read"},
		{Name: "deep_packets", What: "too many headers", Count: int64(s.TooDeep), Remark: "packets with more headers than are followed" + shifted},
		{Name: "unknown_link_packets", What: "unknown link types", Count: count(s.UnknownLinks), Remark: "packets not read: " + links(s.UnknownLinks)},
		{Name: "evicted_connections", What: "evictions", Count: int64(s.Evicted), Remark: "connections forgotten to make room (--max-connections, --max-half-open, or eight on the same ports)" + shifted},
		{Name: "evicted_busy_connections", What: "  evictions in use", Count: int64(s.EvictedBusy), Remark: "of them, connections that were being read"},
		{Name: "queue_overflows", What: "queues full", Count: int64(s.PageLimit), Remark: "holes given up early (--max-queued, --max-queued-direction)"},
		{Name: "fragment_overflows", What: "fragments dropped", Count: int64(s.FragLimit), Remark: "incomplete IP packets given up early (--max-fragments)"},
		{Name: "far_segments", What: "far segments", Count: int64(s.FarIgnored), Remark: "outside the window of their connection, not read"},
		{Name: "decoder_failures", What: "decoder failures", Count: int64(s.Panics), Remark: "packets that made a decoder fail"},
	}
}

// analysisGaps lists what was too much for the analysis.
func (r *reading) analysisGaps() []report.Gap {
	return []report.Gap{
		{Name: "heads_too_large", What: "heads too large", Count: int64(r.result.HeadsTooLarge), Remark: "not read to their end (--max-head)"},
		{Name: "unread_http2", What: "HTTP/2 not read", Count: int64(r.result.H2Blind), Remark: "connections with header blocks that could not be read, as some before were missing or too large"},
		{Name: "crowded_http2", What: "  for want of room", Count: int64(r.result.H2Crowded), Remark: "of them, connections whose header tables are too large, or too many at once"},
		{Name: "unread_socks", What: "SOCKS not read", Count: int64(r.result.SOCKSConns), Remark: "connections to SOCKS proxies; what goes through is not seen"},
		{Name: "unpaired_requests", What: "unpaired requests", Count: int64(r.result.Unpaired), Remark: "too many waited for their answers (--max-waiting)"},
		{Name: "unlisted_attempts", What: "attempts left out", Count: int64(r.result.Unlisted), Remark: "too many in all (--max-attempts) or on one connection"},
		{Name: "unlisted_tls", What: "TLS not listed", Count: int64(r.result.TLSNotListed), Remark: "handshakes that did not end well, of nobody known to speak WebSocket (--connect-failures all)"},
		{Name: "unfollowed_tls", What: "TLS not followed", Count: int64(r.result.UnlistedTLS), Remark: "more connections or bytes of handshakes at once than are kept"},
		{Name: "undecrypted_tls", What: "TLS not decrypted", Count: undecrypted(r.result), Remark: "connections of which something stayed closed: " + reasons(r.result)},
		{Name: "dropped_secrets", What: "TLS secrets dropped", Count: r.keysDropped, Remark: "more than are kept"},
		{Name: "unread_certificates", What: "certificates left out", Count: int64(r.result.UnreadCertificates), Remark: "more different ones than are kept"},
		{Name: "uncompared_tls", What: "TLS not compared", Count: int64(r.result.UncomparedTLS), Remark: "more connections, or names at addresses, than are compared with each other"},
		{Name: "key_log_junk", What: "key log lines", Count: r.keyJunk, Remark: "not understood"},
		{Name: "unlisted_names", What: "DNS answers left out", Count: int64(r.result.UnlistedNames), Remark: "more different ones than are kept"},
		{Name: "unlisted_hosts", What: "hosts left out", Count: int64(r.result.UnlistedHosts), Remark: "more addresses than MAC addresses and names are kept of"},
		{Name: "unkept_evidence", What: "evidence not kept", Count: int64(r.kept.LostMemory), Remark: "connections of what failed, of which nothing was left to be written (--max-evidence)"},
		{Name: "unwritten_evidence", What: "evidence not written", Count: r.kept.LostDisk, Remark: "packets of what failed that the disk did not take"},
		{Name: "unheld_bytes", What: "early bytes dropped", Count: int64(r.result.Unheld), Remark: "times that too much came before the answer to an upgrade (--max-held)"},
	}
}

func count(m map[capture.LinkType]int) (sum int64) {
	for _, n := range m {
		sum += int64(n)
	}
	return sum
}

// links names link types, the most frequent first.
func links(m map[capture.LinkType]int) string {
	const most = 8
	list := slices.SortedFunc(maps.Keys(m), func(a, b capture.LinkType) int { return cmp.Or(m[b]-m[a], int(a)-int(b)) })
	var names []string
	for _, l := range list[:min(len(list), most)] {
		names = append(names, fmt.Sprintf("%v (%d)", l, m[l]))
	}
	if len(list) > most {
		names = append(names, fmt.Sprintf("and %d other types", len(list)-most))
	}
	return strings.Join(names, ", ")
}

func undecrypted(r *analyze.Result) (sum int64) {
	for _, n := range r.Undecrypted {
		sum += int64(n)
	}
	return sum
}

// reasons tells why TLS was not decrypted, the most frequent first.
func reasons(r *analyze.Result) string {
	list := slices.SortedFunc(maps.Keys(r.Undecrypted), func(a, b tlsdecrypt.Reason) int {
		return cmp.Or(r.Undecrypted[b]-r.Undecrypted[a], int(a)-int(b))
	})
	var texts []string
	for _, why := range list {
		texts = append(texts, fmt.Sprintf("%v (%d)", why, r.Undecrypted[why]))
	}
	return strings.Join(texts, ", ")
}
