package tlswire

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// JA3 is the fingerprint of that name (github.com/salesforce/ja3): the MD5 of
// version, suites, extensions, groups and point formats.
func (h *ClientHello) JA3() string {
	var b []byte
	list := func(numbers []uint16) {
		b = append(b, ',')
		for i, n := range withoutGREASE(numbers) {
			if i > 0 {
				b = append(b, '-')
			}
			b = strconv.AppendUint(b, uint64(n), 10)
		}
	}
	b = strconv.AppendUint(b, uint64(h.LegacyVersion), 10)
	list(h.Suites)
	list(h.Extensions)
	list(h.Groups)
	formats := make([]uint16, len(h.PointFormats))
	for i := range formats {
		formats[i] = uint16(h.PointFormats[i])
	}
	list(formats)
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

// JA4 is the fingerprint of that name over TCP (github.com/FoxIO-LLC/ja4,
// technical_details/JA4.md), which does not depend on the order in which suites
// and extensions are sent.
func (h *ClientHello) JA4() string {
	suites, extensions := withoutGREASE(h.Suites), withoutGREASE(h.Extensions)
	name := "i"
	if h.HasName {
		name = "d"
	}
	rest := slices.DeleteFunc(slices.Clone(extensions), func(n uint16) bool { return n == extServerName || n == extALPN })
	slices.Sort(rest)
	text := hexList(rest)
	if signatures := withoutGREASE(h.Signatures); len(signatures) > 0 {
		text += "_" + hexList(signatures)
	}
	last := strings.Repeat("0", 12)
	if len(rest) > 0 {
		last = short(text)
	}
	count := func(list []uint16) string { return fmt.Sprintf("%02d", min(len(list), 99)) }
	head := "t" + h.ja4Version() + name + count(suites) + count(extensions) + h.ja4ALPN()
	slices.Sort(suites)
	middle := strings.Repeat("0", 12)
	if len(suites) > 0 {
		middle = short(hexList(suites))
	}
	return head + "_" + middle + "_" + last
}

// ja4Version is the highest of supported_versions, drafts included, or else
// legacy_version.
func (h *ClientHello) ja4Version() string {
	v := h.LegacyVersion
	if slices.Contains(h.Extensions, extSupportedVersions) {
		v = slices.Max(append(withoutGREASE(h.Versions), 0))
	}
	switch v {
	case 0x0002:
		return "s2"
	case 0x0300:
		return "s3"
	case 0x0301, 0x0302, 0x0303, 0x0304:
		return "1" + strconv.Itoa(int(v)-0x0301)
	}
	return "00"
}

// ja4ALPN is the first and last character of the first protocol offered that is not
// GREASE, of its hexadecimal form if one of them is no letter or digit.
func (h *ClientHello) ja4ALPN() string {
	i := slices.IndexFunc(h.ALPN, func(name string) bool {
		return len(name) != 2 || !isGREASE(uint16(name[0])<<8|uint16(name[1]))
	})
	if i < 0 {
		return "00"
	}
	p := h.ALPN[i]
	first, last := p[0], p[len(p)-1]
	if !isAlphanumeric(first) || !isAlphanumeric(last) {
		p = hex.EncodeToString([]byte(p))
		first, last = p[0], p[len(p)-1]
	}
	return string([]byte{first, last})
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
}

// withoutGREASE returns a copy without the values of RFC 8701.
func withoutGREASE(list []uint16) []uint16 {
	return slices.DeleteFunc(slices.Clone(list), isGREASE)
}

func isGREASE(n uint16) bool { return n&0x0f0f == 0x0a0a && n>>8 == n&0xff }

func hexList(list []uint16) string {
	var b strings.Builder
	for i, n := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%04x", n)
	}
	return b.String()
}

func short(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:12]
}
