package main

import (
	"slices"
	"strings"
)

// A choice is the values of one flag: those of which one must fit, if there are
// any, and those of which none may.
type choice[T any] struct{ only, not []T }

func (c *choice[T]) given() bool { return len(c.only)+len(c.not) > 0 }

func (c *choice[T]) allows(fits func(T) bool) bool {
	return (len(c.only) == 0 || slices.ContainsFunc(c.only, fits)) && !slices.ContainsFunc(c.not, fits)
}

// add takes values; a ! makes one that may not fit.
func (c *choice[T]) add(parse func(string) (T, error), values ...string) error {
	for _, v := range values {
		v, not := strings.CutPrefix(strings.TrimSpace(v), "!")
		x, err := parse(v)
		switch {
		case err != nil:
			return err
		case not:
			c.not = append(c.not, x)
		default:
			c.only = append(c.only, x)
		}
	}
	return nil
}
