package top

import "github.com/wssniff/wssniff/analyze"

// The first columns of the counts: what they are of, all, and failed.
const (
	spanWidth   = 5
	allWidth    = 10
	failedWidth = 8
)

// countLines tell how many attempts were decided lately and in all, by verdict, in
// a table of four lines; one line has the totals only.
func (m *model) countLines(n int) []string {
	switch n {
	case 0:
		return nil
	case 1:
		return []string{m.totalLine()}
	}
	verdicts, others := m.verdicts()
	return []string{
		m.countHeader(verdicts, others),
		m.countLine("10 s", &m.pic.ten, verdicts, others),
		m.countLine("1 min", &m.pic.minute, verdicts, others),
		m.countLine("total", &m.pic.total, verdicts, others),
	}
}

// verdicts are those that were seen, as many as there is room for: the most
// frequent ones in their usual order. Others tells whether some are left.
func (m *model) verdicts() (shown []analyze.Verdict, others bool) {
	var seen []analyze.Verdict
	for _, v := range analyze.Verdicts() {
		if m.pic.total[v] > 0 {
			seen = append(seen, v)
		}
	}
	room := m.width - margin - spanWidth - allWidth - failedWidth
	for {
		need := 0
		if others {
			need = verdictWidth("others")
		}
		for _, v := range seen {
			need += verdictWidth(v.String())
		}
		if need <= room || len(seen) == 0 {
			return seen, others
		}
		rarest := 0
		for i, v := range seen {
			if m.pic.total[v] <= m.pic.total[seen[rarest]] {
				rarest = i
			}
		}
		seen, others = append(seen[:rarest:rarest], seen[rarest+1:]...), true
	}
}

// verdictWidth is that of a column, in which a number has room.
func verdictWidth(name string) int { return gap + max(len(name), 7) }

func (m *model) countHeader(verdicts []analyze.Verdict, others bool) string {
	l := m.line()
	l.space(spanWidth)
	l.right(dim, "attempts", allWidth)
	l.right(dim, "failed", failedWidth)
	for _, v := range verdicts {
		l.right(dim, v.String(), verdictWidth(v.String()))
	}
	if others {
		l.right(dim, "others", verdictWidth("others"))
	}
	return l.text()
}

func (m *model) countLine(span string, c *counts, verdicts []analyze.Verdict, others bool) string {
	l := m.line()
	l.left(dim, span, spanWidth)
	all, failed := c.all()
	l.number(plain, all, allWidth)
	l.number(red, failed, failedWidth)
	for _, v := range verdicts {
		l.number(verdictStyle(v), c[v], verdictWidth(v.String()))
		all -= c[v]
	}
	if others {
		l.number(plain, all, verdictWidth("others"))
	}
	return l.text()
}

// number writes a count at the right of a cell, and a dash for none.
func (l *line) number(s style, n, width int) {
	if n == 0 {
		l.right(dim, "-", width)
		return
	}
	l.right(s, count(n), width)
}

func (m *model) totalLine() string {
	l := m.line()
	all, failed := m.pic.total.all()
	l.left(dim, "total", spanWidth)
	l.right(plain, count(all), 8)
	l.put(dim, " attempts")
	l.right(alarm(failed), count(failed), 8)
	l.put(dim, " failed")
	return l.text()
}
