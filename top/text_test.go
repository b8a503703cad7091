package top

import (
	"testing"
	"time"
)

func TestTexts(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{scaled(0), "0"}, {scaled(9.6), "10"}, {scaled(999.4), "999"}, {scaled(999.6), "1.0 k"}, {scaled(99_949), "99.9 k"}, {scaled(99_951), "100 k"},
		{scaled(999_499), "999 k"}, {scaled(999_501), "1.0 M"}, {scaled(2.5e12), "2.5 T"}, {scaled(9.2e18), "9200 P"},
		{bytesText(12), "12 B"}, {bytesText(8_100_000), "8.1 MB"},
		{count(9_999_999), "9999999"}, {count(10_000_000), "10.0 M"},
		{ago(-time.Second), "now"}, {ago(59 * time.Second), "59s"}, {ago(60 * time.Second), "1m"}, {ago(47 * time.Hour), "47h"}, {ago(49 * time.Hour), "2d"},
		{clockText(61 * time.Second), "1:01"}, {clockText(3723 * time.Second), "1:02:03"},
		{fit("abcdef", 4), "abc…"}, {fit("世界世界", 5), "世界…"}, {fit("abc", 0), ""},
		{fitMiddle("2001:db8:17:4::a1f", 15), "2001:db…:4::a1f"}, {fitMiddle("192.0.2.1", 15), "192.0.2.1"}, {fitMiddle("192.0.2.1", 3), "19…"},
		{cut("aü", 2), "a"}, {cut("aü", 3), "aü"}, {printable("a\x1b[m\u202e\xff"), "a?[m?\ufffd"},
	} {
		if test.got != test.want {
			t.Errorf("%q, want %q", test.got, test.want)
		}
	}
}
