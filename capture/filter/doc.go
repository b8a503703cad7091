// Package filter compiles packet filter expressions to classic BPF programs
// and runs such programs over packets.
//
// The language is a subset of pcap-filter(7), the language of tcpdump, and
// means what it means there: a compiled program gives the verdict of the one
// that "tcpdump -ddd EXPR" prints, also for cut packets, and an expression
// that libpcap rejects is rejected here. What is outside the subset is an
// error; ParseProgram reads the output of tcpdump for it.
//
//	filter    = [ expr ]                           nothing: every packet
//	expr      = term | expr andor term | expr andor id
//	andor     = "and" | "&&" | "or" | "||"         same precedence, from the left
//	term      = [ not ] ( "(" expr ")" | protocol | vlan | qualifier id )
//	not       = "not" | "!"                        binds tighter than and, or
//	protocol  = "ip" | "ip6" | "arp" | "tcp" | "udp" | "icmp" | "icmp6"
//	vlan      = "vlan" [ number | "(" number ")" ]
//	qualifier = [ protocol ] ( direction type | direction | type )
//	direction = "src" | "dst" | "src or dst" | "dst or src" | "src and dst" | "dst and src"
//	type      = "host" | "net" | "port" | "portrange"
//	id        = single | number | not id | "(" idlist ")"
//	idlist    = number | single | not id | idlist andor id
//	single    = IPv4 | IPv4 "/" number | IPv4 "mask" IPv4 | IPv6 | IPv6 "/" number
//	          | service | port "-" port            after port; after portrange
//	port      = decimal | service
//	number    = decimal | "0" octal | "0x" hexadecimal
//	service   = "http" | "https"
//
// An id without a qualifier takes the qualifiers of the id before it, as in
// "port 80 or 443". IPv4 is written with two to four octets, or as a number
// (one octet after net, a whole address after host). After "vlan" the rest of
// the expression looks behind the tag, whatever parentheses there are.
//
// An expression may have 64 KiB, 100 parentheses and negations within each
// other, and no more tests than fit a program of 4096 instructions: some 300
// IPv4 or 200 IPv6 addresses in Ethernet.
//
// Where the subset differs from libpcap on purpose:
//
//   - Names of hosts, networks and services are not looked up. http and https
//     are the numbers 80 and 443 for every transport, as IANA has them, on
//     every machine; with libpcap /etc/services decides.
//   - The family of LinkNull packets is recognised in both byte orders,
//     because the files of one command line may differ. libpcap takes the
//     order of the file.
//   - Words have to be separated and whole: "portrange 1-2x" and "::1or" are
//     errors. A backslash may stand before a service or port only.
//   - LinkRawBSD is taken as raw IP. libpcap may not know the number.
package filter
