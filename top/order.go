package top

import (
	"cmp"
	"slices"
	"strings"
)

// An order is what the rows are sorted by: most first, names from A to Z.
type order int

const (
	byFailed order = iota
	byAttempts
	bySeen
	byName
	orders
)

func (o order) compare(a, b *party) int {
	switch o {
	case byAttempts:
		return cmp.Compare(b.attempts, a.attempts)
	case bySeen:
		return cmp.Compare(b.seen, a.seen)
	case byName:
		return a.key.Compare(b.key)
	}
	return cmp.Compare(b.failed, a.failed)
}

// sorted puts rows in order. What is equal in it goes by failures, attempts and
// name, so that rows keep their places.
func (o order) sorted(rows []party, reverse bool) {
	slices.SortFunc(rows, func(a, b party) int {
		c := o.compare(&a, &b)
		if reverse {
			c = -c
		}
		return cmp.Or(c, byFailed.compare(&a, &b), byAttempts.compare(&a, &b), byName.compare(&a, &b))
	})
}

// A filter is text that addresses or hosts have, in small letters; "" is no choice.
type filter string

func (f filter) has(texts ...string) bool {
	return f == "" || slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(strings.ToLower(s), string(f)) })
}
