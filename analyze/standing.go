package analyze

import "strings"

// A Standing is what was told of an attempt while its connection was open: the
// verdict, and behind it the codes of the findings, a byte each. It is empty if it
// was not kept.
type Standing string

// Verdict returns what was told, or else the verdict now.
func (s Standing) Verdict(now Verdict) Verdict {
	if s == "" {
		return now
	}
	return Verdict(s[0])
}

// Has reports whether a finding was told, as far as it is known.
func (s Standing) Has(c Code) bool { return s == "" || strings.IndexByte(string(s[1:]), byte(c)) >= 0 }

// maxStandings bounds how many are kept: those of many attempts are the same.
const maxStandings = 1 << 12

// standings numbers what was told.
type standings struct {
	list    []Standing // of number 1 and so on
	numbers map[Standing]uint16
}

// keep returns the number of what is told, 0 if there are too many.
func (s *standings) keep(t *Attempt) uint16 {
	b := append(make([]byte, 0, 16), byte(t.Verdict))
	for i := range t.Findings {
		b = append(b, byte(t.Findings[i].Code))
	}
	number, known := s.numbers[Standing(b)]
	if !known && len(s.list) < maxStandings {
		s.list = append(s.list, Standing(b))
		number = uint16(len(s.list))
		s.numbers[Standing(b)] = number
	}
	return number
}

func (s *standings) at(number uint16) Standing {
	if number == 0 {
		return ""
	}
	return s.list[number-1]
}
