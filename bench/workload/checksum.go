package workload

import (
	"encoding/binary"
	"math/bits"
)

// addSum adds bytes to an Internet checksum (RFC 1071), eight at a time: the
// sum of 64-bit words folds to the same value as that of 16-bit words.
func addSum(sum uint64, b []byte) uint64 {
	var carry uint64
	for len(b) >= 8 {
		sum, carry = bits.Add64(sum, binary.BigEndian.Uint64(b), 0)
		sum += carry
		b = b[8:]
	}
	if len(b) > 0 {
		var rest [8]byte
		copy(rest[:], b)
		sum, carry = bits.Add64(sum, binary.BigEndian.Uint64(rest[:]), 0)
		sum += carry
	}
	return sum
}

// foldSum ends a checksum.
func foldSum(sum uint64) uint16 {
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
