package top

import (
	"strings"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
)

// A model is what the screen shows and what the keys have made of it. It belongs
// to the goroutine of the program.
type model struct {
	title string
	color bool
	take  func(*picture) // takes a picture of now
	ready func()         // called once the terminal is set up

	width, height int
	pic           picture
	rows          []party   // of pic, those that are shown, in order
	failures      []failure // of pic, those that are shown

	servers bool // instead of clients
	order   order
	reverse bool
	failing bool // hide who does not fail
	filter  filter
	typing  bool // the filter
	paused  bool
	help    bool
	from    int // the first row on the screen
	settled int // rows that there is room for, as of the last View
}

// lookMsg makes the model look at the board; tickMsg does so every second.
type (
	lookMsg struct{}
	tickMsg struct{}
)

func tick() tea.Cmd { return tea.Tick(time.Second, func(time.Time) tea.Msg { return tickMsg{} }) }

func (m *model) Init() tea.Cmd {
	m.ready()
	m.look()
	return tick()
}

func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		m.choose()
	case tickMsg:
		m.look()
		return m, tick()
	case lookMsg:
		m.look()
	case tea.PasteMsg:
		if m.typing {
			m.edit(string(m.filter) + msg.Content)
		}
	case tea.KeyPressMsg:
		return m, m.press(msg)
	}
	return m, nil
}

// look takes a new picture, unless it is to stand still.
func (m *model) look() {
	if !m.paused {
		m.take(&m.pic)
		m.choose()
	}
}

// choose picks and sorts what is shown.
func (m *model) choose() {
	all := m.pic.clients
	if m.servers {
		all = m.pic.servers
	}
	m.rows = m.rows[:0]
	for _, p := range all {
		if m.filter.has(p.name, p.host) && (p.failed > 0 || !m.failing) {
			m.rows = append(m.rows, p)
		}
	}
	m.order.sorted(m.rows, m.reverse)
	m.failures = m.failures[:0]
	for _, f := range m.pic.failures {
		if m.filter.has(f.client, f.server, f.url) {
			m.failures = together(m.failures, f)
		}
	}
	m.scroll(0)
}

// press does what a key is for.
func (m *model) press(k tea.KeyPressMsg) tea.Cmd {
	key := k.String()
	switch {
	case key == "ctrl+c":
		return tea.Quit
	case m.typing:
		m.typed(key, k.Text)
		return nil
	case key == "q":
		return tea.Quit
	case m.help:
		m.help = false
		return nil
	}
	m.command(key)
	m.choose()
	return nil
}

// command does what the other keys are for.
func (m *model) command(key string) {
	switch key {
	case "s":
		m.order, m.from = (m.order+1)%orders, 0
	case "r":
		m.reverse, m.from = !m.reverse, 0
	case "f":
		m.failing, m.from = !m.failing, 0
	case "tab", "shift+tab":
		m.servers, m.from = !m.servers, 0
	case "/":
		m.typing = true
	case "esc":
		m.edit("")
	case "p":
		if m.paused = !m.paused; !m.paused {
			m.take(&m.pic)
		}
	case "?", "h":
		m.help = true
	case "up", "k":
		m.scroll(-1)
	case "down", "j":
		m.scroll(1)
	case "pgup":
		m.scroll(-max(m.settled, 1))
	case "pgdown", "space":
		m.scroll(max(m.settled, 1))
	case "home", "g":
		m.from = 0
	case "end", "G":
		m.scroll(len(m.rows))
	}
}

// scroll moves the rows, no further than there are some.
func (m *model) scroll(by int) {
	m.settled = m.layout().rows
	m.from = max(min(m.from+by, len(m.rows)-m.settled), 0)
}

// maxFilter bounds the text of the filter, in bytes.
const maxFilter = 64

// typed edits the filter.
func (m *model) typed(key, text string) {
	switch key {
	case "enter":
		m.typing = false
	case "esc":
		m.typing = false
		m.edit("")
	case "backspace":
		_, n := utf8.DecodeLastRuneInString(string(m.filter))
		m.edit(string(m.filter[:len(m.filter)-n]))
	case "ctrl+u":
		m.edit("")
	default:
		m.edit(string(m.filter) + text)
	}
}

// edit sets the filter, to what can be in an address or a host.
func (m *model) edit(text string) {
	text = strings.Map(func(r rune) rune {
		if r <= ' ' || r == utf8.RuneError || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToLower(text))
	m.filter, m.from = filter(cut(text, maxFilter)), 0
	m.choose()
}
