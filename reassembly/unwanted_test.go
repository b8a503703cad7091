package reassembly

import (
	"testing"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// TestUnwantedAcknowledged: what is acknowledged of a direction, and whether the
// capture holds it, does not depend on what the consumer wants of it.
func TestUnwantedAcknowledged(t *testing.T) {
	for _, want := range []flow.Want{flow.All, flow.None, 2, 100} {
		for name, send := range map[string]func(k *talk){
			"behind the FIN": func(k *talk) {
				k.send(A, flagFIN|flagACK, 15, 0, "", 0)
				k.data(A, 5, "late bytes")
				k.ack(B, 0, 16)
			},
			"out of order": func(k *talk) {
				k.data(A, 10, "bytes")
				k.data(A, 5, "late ")
				k.ack(B, 0, 15)
			},
		} {
			k := open(nil)
			k.answer(want)
			k.data(A, 0, "hello")
			send(k)
			k.finish()
			if c := k.conn; !c.Acked[A] || c.Unseen[A] {
				t.Errorf("%s, consumer wants %d: acknowledged %v, unseen %v", name, want, c.Acked[A], c.Unseen[A])
			}
		}
	}
}
