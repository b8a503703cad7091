package analyze

import (
	"crypto/sha1"
	"encoding/binary"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A draft is an attempt while its connection is followed: its messages, packed,
// and what else was noted. It is used again for another attempt later.
type draft struct {
	entry    uint32   // in Analyzer.entries; 0: the attempt is not listed
	client   flow.Dir // the direction in which the client sends
	outer    *session // the TLS around it; nil: there is none
	packed   []byte   // the request, then the response
	asked    bool     // the request is in packed
	status   int      // of the response in packed; 0: none is there, or its status makes no sense
	answered bool     // the response is in packed
	done     flow.Stamp
	keyed    bool            // the request has a key
	sum      [sha1.Size]byte // that the Accept is made of, valid iff keyed
	body     []byte          // what follows the head of a refusal, maxBody bytes at most

	h2      *h2Stream // what it is on an HTTP/2 connection; nil: it is none
	interim []int
	tunnel  string
	evidence
}

// newDraft returns an empty draft.
func (a *Analyzer) newDraft(client flow.Dir) *draft {
	var d *draft
	if n := len(a.drafts); n > 0 {
		d, a.drafts = a.drafts[n-1], a.drafts[:n-1]
	} else {
		d = &draft{}
	}
	d.client = client
	return d
}

// nextUse remembers that the connection was used for another request.
func (d *draft) nextUse(at flow.Stamp) {
	if d.answered && !d.nextRequest.Seen() {
		d.nextRequest = at
	}
}

// free makes a draft ready to be used again.
func (a *Analyzer) free(d *draft) {
	*d = draft{packed: spare(d.packed), body: d.body[:0]}
	a.drafts = append(a.drafts, d)
}

// request packs the request of a draft. key is its Sec-WebSocket-Key.
func (a *Analyzer) request(d *draft, m *Message, h *rawHead, key []byte) {
	d.asked, d.keyed = true, len(key) > 0
	if d.keyed {
		d.sum = acceptSum(key)
	}
	d.pack(a, m, h, h.key, false)
}

// response packs the final answer to a draft.
func (a *Analyzer) response(d *draft, m *Message, h *rawHead, status int) {
	d.answered, d.status = true, status
	nonce := d.pack(a, m, h, h.accept, true)
	// Else the value may go on, or be no value: nobody knows the end of a last line.
	whole := m.Complete && h.framed && !h.folded
	d.right = d.keyed && whole && nonce.n == len(nonce.b) && nonce.b == d.sum
}

func (d *draft) pack(a *Analyzer, m *Message, h *rawHead, value span, response bool) (nonce token) {
	a.packer.b = d.packed
	nonce = a.packer.message(m, h, value, response, d.done)
	d.packed, d.done = a.packer.b, m.Done
	return nonce
}

// print is what keys are told apart by: a part of the sum that an Accept is made
// of. It is 0 if there is no key.
func (d *draft) print() uint64 {
	if !d.keyed {
		return 0
	}
	return printOf(d.sum)
}

func printOf(sum [sha1.Size]byte) uint64 { return binary.LittleEndian.Uint64(sum[:]) | 1 }
