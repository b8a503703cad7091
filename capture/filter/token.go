package filter

import (
	"net/netip"
	"strings"
)

// A kind says what a token is.
type kind uint8

const (
	end     kind = iota // of the expression
	keyword             // a word of the language, also one outside the subset
	number              // decimal, octal or hexadecimal
	ipv4                // two to four numbers with dots
	ipv6                //
	mac                 // an Ethernet address
	name                // any other word, and a word after a backslash
	symbol              // punctuation, and any byte that fits nowhere
)

// A token is a piece of an expression.
type token struct {
	kind kind
	text string // without the backslash of an escaped name; "and", "or" and "not" for their symbols
	at   int    // offset of the first byte
}

// is reports whether t is the keyword or symbol s.
func (t token) is(s string) bool {
	return (t.kind == keyword || t.kind == symbol) && t.text == s
}

// A scanner cuts an expression into tokens the way libpcap does: the longest
// piece that is a token, and keywords before addresses before names.
type scanner struct {
	src string
	pos int
}

// next returns the next token, of kind end once there is none.
func (s *scanner) next() token {
	for s.pos < len(s.src) && strings.IndexByte(" \t\r\n", s.src[s.pos]) >= 0 {
		s.pos++
	}
	at, rest := s.pos, s.src[s.pos:]
	switch {
	case rest == "":
		return token{kind: end, at: at}
	case rest[0] == '\\' && escaped(rest[1:]) > 0:
		s.pos += 1 + escaped(rest[1:])
		return token{kind: name, text: s.src[at+1 : s.pos], at: at}
	case isAlnum(rest[0]) || rest[0] == ':':
		text := word(rest)
		s.pos += len(text)
		k, text := classify(text)
		return token{kind: k, text: text, at: at}
	}
	raw, text := punctuation(rest)
	s.pos += len(raw)
	return token{kind: symbol, text: text, at: at}
}

// escaped returns the length of the name behind a backslash.
func escaped(s string) int {
	if i := strings.IndexAny(s, " !()\n\t"); i >= 0 {
		return i
	}
	return len(s)
}

// word returns the word that s starts with. It does not end with a hyphen or
// an underscore.
func word(s string) string {
	n := 0
	for n < len(s) && (isAlnum(s[n]) || strings.IndexByte(":._-", s[n]) >= 0) {
		n++
	}
	return strings.TrimRight(s[:n], "-_")
}

// punctuation returns the symbol that s starts with, as written and as
// token.text has it.
func punctuation(s string) (raw, text string) {
	if len(s) >= 2 {
		switch s[:2] {
		case "&&":
			return s[:2], "and"
		case "||":
			return s[:2], "or"
		case "!=", "==", "<=", ">=", "<<", ">>":
			return s[:2], s[:2]
		}
	}
	if s[0] == '!' {
		return s[:1], "not"
	}
	return s[:1], s[:1]
}

// classify returns the kind of a word, and the word. Colons occur in
// addresses only.
func classify(w string) (kind, string) {
	switch {
	case subset[w] || others[w]:
		return keyword, w
	case isMAC(w):
		return mac, w
	case isIPv6(w):
		return ipv6, w
	case strings.Contains(w, ":"):
		return symbol, w
	case isNumber(w):
		return number, w
	case isIPv4(w):
		return ipv4, w
	}
	return name, w
}

func isIPv6(w string) bool {
	a, err := netip.ParseAddr(w)
	return err == nil && a.Is6() && a.Zone() == ""
}

// isIPv4 reports whether w is two to four numbers with dots. Whether they
// fit octets is for the parser to say.
func isIPv4(w string) bool {
	parts := strings.Split(w, ".")
	return len(parts) >= 2 && len(parts) <= 4 && all(parts, isNumber)
}

// isMAC knows the five ways in which libpcap reads an Ethernet address.
func isMAC(w string) bool {
	if len(w) == 12 && all([]string{w}, isHex) {
		return true
	}
	if p := strings.Split(w, "."); len(p) == 3 && all(p, isHex) {
		return len(p[0]) == 4 && len(p[1]) == 4 && len(p[2]) == 4
	}
	for _, sep := range []string{":", "-", "."} {
		if p := strings.Split(w, sep); len(p) == 6 && all(p, isHexOctet) {
			return true
		}
	}
	return false
}

func isNumber(s string) bool {
	if len(s) > 2 && (s[:2] == "0x" || s[:2] == "0X") {
		return isHex(s[2:])
	}
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func isHexOctet(s string) bool { return isHex(s) && len(s) <= 2 }

func isHex(s string) bool {
	return s != "" && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func all(parts []string, f func(string) bool) bool {
	for _, p := range parts {
		if !f(p) {
			return false
		}
	}
	return true
}

// subset are the keywords that are understood here.
var subset = setOf("and or not src dst host net mask port portrange vlan ip ip6 arp tcp udp icmp icmp6")

// others are the other keywords of pcap-filter(7), so that they are told apart
// from misspelled words.
var others = setOf(`
	link ether ppp slip fddi tr wlan rarp sctp igmp igrp pim vrrp carp radio ah esp atalk aarp decnet
	lat sca moprc mopdl iso esis es-is isis is-is l1 l2 iih lsp snp csnp psnp clnp stp ipx netbeui
	proto protochain gateway type subtype direction dir address1 addr1 address2 addr2 address3 addr3
	address4 addr4 ra ta less greater byte broadcast multicast len length inbound outbound ifindex
	mpls pppoed pppoes geneve lane llc metac bcc oam oamf4 oamf4ec oamf4sc sc ilmic vpi vci
	connectmsg metaconnect on ifname rset ruleset rnr rulenum srnr subrulenum reason action
	fisu lssu lsu msu hfisu hlssu hmsu sio opc dpc sls hsio hopc hdpc hsls
	icmptype icmpcode icmp6type icmp6code tcpflags`)

// operators are the symbols of pcap-filter(7) outside the subset.
var operators = setOf("[ ] < > = == != <= >= << >> + - * / % & | ^")

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}
