package measure

import (
	"slices"
	"testing"
)

func TestLines(t *testing.T) {
	var got []string
	l := &Lines{Take: func(line []byte) { got = append(got, string(line)) }}
	for _, part := range []string{"a", "b\nc\n\nd", "", "e\nrest"} {
		if n, err := l.Write([]byte(part)); n != len(part) || err != nil {
			t.Errorf("wrote %d of %q, error %v", n, part, err)
		}
	}
	if want := []string{"ab", "c", "", "de"}; !slices.Equal(got, want) {
		t.Errorf("lines %q, want %q", got, want)
	}
}
