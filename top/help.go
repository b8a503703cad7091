package top

// help is what every key does.
var help = [][2]string{
	{"q, Ctrl-C", "leave: the capture ends, the report follows"},
	{"Tab", "clients or servers"},
	{"s", "sort by failed, attempts, seen, name"},
	{"r", "reverse the order"},
	{"f", "only those that fail"},
	{"/", "filter: text of an address or a host"},
	{"Esc", "clear the filter"},
	{"↑ ↓ PgUp PgDn", "scroll; Home, End"},
	{"p", "pause; counting goes on"},
}

// notes say what the columns mean.
var notes = []string{
	"10 s, 1 min: attempts decided lately, by verdict.",
	"finding: the most frequent one of the failures.",
	"seen: time since the last attempt began.",
}

// helpLines are the screen with the help on it.
func (m *model) helpLines() []string {
	l := m.line()
	l.put(bold, "Keys")
	l.end(dim, "any key: back")
	lines := []string{l.text()}
	for _, h := range help {
		l := m.line()
		l.left(bold, h[0], min(13, m.width/2))
		l.space(gap)
		l.put(plain, h[1])
		lines = append(lines, l.text())
	}
	lines = pad(lines, 1)
	for _, n := range notes {
		l := m.line()
		l.put(dim, n)
		lines = append(lines, l.text())
	}
	return lines[:min(len(lines), m.height)]
}
