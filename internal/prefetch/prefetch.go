// Package prefetch asks the processor for memory before it is read, without waiting
// for it. Go has a way to say so in its runtime only, hence the assembly.
package prefetch

import "unsafe"

// Size is how many bytes Lines asks for.
const Size = 3 * 64

// Lines asks for the cache line of 64 bytes in which p lies and the two behind it.
// That there is no memory behind p is no fault.
func Lines[T any](p *T) { lines((*byte)(unsafe.Pointer(p))) }
