package analyze

import (
	"fmt"
	"testing"
)

func TestDifferences(t *testing.T) {
	for _, test := range []struct {
		name     string
		from, to []string
		want     string
	}{
		{"nothing", []string{"A: 1", "B: 2"}, []string{"B: 2", "A: 1"}, "[]"},
		{"each kind", []string{"A: 1", "B: 2", "C: 3"}, []string{"c: 3", "B: 4", "D: 5"},
			`["removed A 1 " "changed B 2 4" "renamed C C c" "added D  5"]`},
		{"another field of the name", []string{"Via: 1.1 a"}, []string{"Via: 1.1 a", "X: y", "via: 1.1 b"},
			`["changed Via 1.1 a 1.1 a, 1.1 b" "added X  y"]`},
		{"the same in one field", []string{"Via: 1.1 a, 1.1 b"}, []string{"Via: 1.1 a", "Via: 1.1 b"}, "[]"},
		{"cookies are not joined", []string{"Set-Cookie: a=1"}, []string{"Set-Cookie: a=1", "Set-Cookie: b=2"}, "[]"},
	} {
		var got []string
		for _, d := range differences(headOf(append([]string{"GET / HTTP/1.1"}, test.from...)...), headOf(append([]string{"GET / HTTP/1.1"}, test.to...)...)) {
			got = append(got, fmt.Sprintf("%v %s %s %s", d.Kind, d.Field, d.Before, d.After))
		}
		if text := fmt.Sprintf("%q", got); text != test.want {
			t.Errorf("%s: %s, want %s", test.name, text, test.want)
		}
	}
}
