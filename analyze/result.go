package analyze

// A Result is everything that was found in a capture.
type Result struct {
	Attempts Attempts   // in the order of their requests' frames
	Upgrades []*Upgrade // to protocols other than WebSocket, in the same order
	Chains   []*Chain   // redirects, in the order of their first hops
	Names    *Names     // what DNS answers said
	Hosts    *Hosts     // what else was seen of hosts

	Requests      int // HTTP/1 requests seen, attempts included
	TLSConns      int // connections that carry TLS, of those seen from their first byte
	HTTPConns     int // connections that carried HTTP/1
	HeadsTooLarge int // heads longer than Limits.Head, not read to their end
	Unpaired      int // requests not followed because more than Limits.Pipelined waited for their answers
	Unlisted      int // attempts left out because there were more than Limits.Attempts, or too many on one connection
	Unheld        int // times that a client sent more than Limits.Held before the answer to its upgrade
	UnlistedNames int // DNS answers left out because there were more than MaxLookups, or for want of other room
	UnlistedHosts int // times that something was left out of Hosts because there were more than MaxHosts
}
