package capture

import (
	"testing"

	"golang.org/x/net/bpf"
)

type bpfInstruction = bpf.RawInstruction

// filterUDP is "udp dst port N" for IPv4 without options, and for bare IP and
// Ethernet only.
func filterUDP(t *testing.T, port uint32) func(LinkType) ([]bpf.RawInstruction, error) {
	t.Helper()
	at := func(network uint32) []bpf.Instruction {
		return []bpf.Instruction{
			bpf.LoadAbsolute{Off: network + 9, Size: 1},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 17, SkipTrue: 3},
			bpf.LoadMemShift{Off: network},
			bpf.LoadIndirect{Off: network + 2, Size: 2},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: port, SkipTrue: 1},
			bpf.RetConstant{Val: 0},
			bpf.RetConstant{Val: 1},
		}
	}
	return func(link LinkType) ([]bpf.RawInstruction, error) {
		if link == LinkRaw {
			return bpf.Assemble(at(0))
		}
		is := []bpf.Instruction{
			bpf.LoadAbsolute{Off: 12, Size: 2},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x0800, SkipTrue: 1},
			bpf.RetConstant{Val: 0},
		}
		return bpf.Assemble(append(is, at(14)...))
	}
}
