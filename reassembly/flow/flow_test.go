package flow

import "testing"

func TestClosedFirst(t *testing.T) {
	at := func(frame int) Stamp { return Stamp{Frame: frame} }
	for _, test := range []struct {
		name string
		conn Evidence
		want [2]bool
	}{
		{"nobody", Evidence{}, [2]bool{false, false}},
		{"one side", Evidence{FIN: [2]Stamp{BtoA: at(3)}}, [2]bool{BtoA: true}},
		{"B answers A", Evidence{FIN: [2]Stamp{at(3), at(4)}, FINSeq: [2]uint32{100, 200}, FINAck: [2]uint32{200, 101}}, [2]bool{AtoB: true}},
		{"B answers A, captured the other way round", Evidence{FIN: [2]Stamp{at(4), at(3)}, FINSeq: [2]uint32{100, 200}, FINAck: [2]uint32{200, 101}}, [2]bool{AtoB: true}},
		{"both at once", Evidence{FIN: [2]Stamp{at(4), at(3)}, FINSeq: [2]uint32{100, 200}, FINAck: [2]uint32{200, 100}}, [2]bool{BtoA: true}},
		{"numbers wrap", Evidence{FIN: [2]Stamp{at(4), at(3)}, FINSeq: [2]uint32{1<<32 - 1, 200}, FINAck: [2]uint32{200, 1}}, [2]bool{AtoB: true}},
	} {
		if got := [2]bool{test.conn.ClosedFirst(AtoB), test.conn.ClosedFirst(BtoA)}; got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
