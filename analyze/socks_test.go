package analyze

import "testing"

func TestSOCKS(t *testing.T) {
	for _, c := range []struct {
		name string
		data string
		want int
	}{
		{"5, no authentication", "\x05\x01\x00", 1},
		{"5, three methods", "\x05\x03\x00\x01\x02", 1},
		{"5, no method", "\x05\x00\x00", 0},
		{"5, more than methods", "\x05\x01\x00\x00", 0},
		{"4", "\x04\x01\x00\x50\xc0\x00\x02\x09\x00", 1},
		{"4a", "\x04\x01\x00\x50\x00\x00\x00\x01bob\x00gw.example.com\x00", 1},
		{"4, cut", "\x04\x01\x00\x50\xc0\x00\x02\x09bob", 0},
		{"4, other command", "\x04\x03\x00\x50\xc0\x00\x02\x09\x00", 0},
		{"4, too short", "\x04\x01\x00", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDialogue()
			d.live.Handshake = true
			d.say(client, c.data)
			d.say(server, "\x05\x00")
			if got := d.finish().SOCKSConns; got != c.want {
				t.Errorf("%d connections, want %d", got, c.want)
			}
		})
	}
	d := newDialogue()
	d.live.Handshake = false
	d.say(client, "\x05\x01\x00")
	if got := d.finish().SOCKSConns; got != 0 {
		t.Errorf("%d connections begun before the capture", got)
	}
}
