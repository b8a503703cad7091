package analyze

import "strings"

// An inspector is a product that reads inside TLS.
type inspector struct {
	authority string // a part of the name by which it signs, in lower case
	product   string
}

// inspectors sign what they make by these names unless somebody gives them other
// ones. No public authority has such a name.
var inspectors = [...]inspector{
	{"adguard personal", "AdGuard"},
	{"web/mail shield root", "Avast, AVG or Norton"},
	{"bitdefender personal ca", "Bitdefender"},
	{"bitdefender ca ssl", "Bitdefender"},
	{"blue coat", "Blue Coat ProxySG"},
	{"bluecoat", "Blue Coat ProxySG"},
	{"charles proxy", "Charles"},
	{"cisco umbrella", "Cisco Umbrella"},
	{"gateway ca - cloudflare managed", "Cloudflare Gateway"},
	{"do_not_trust", "Fiddler"},
	{"eset ssl filter ca", "ESET"},
	{"fireware https proxy", "WatchGuard"},
	{"forcepoint", "Forcepoint"},
	{"websense", "Forcepoint"},
	{"fortigate", "FortiGate"},
	{"fortinet", "FortiGate"},
	{"goskope.com", "Netskope"},
	{"netskope", "Netskope"},
	{"kaspersky anti-virus personal root", "Kaspersky"},
	{"kaspersky endpoint security personal root", "Kaspersky"},
	{"kaspersky web anti-virus", "Kaspersky"},
	{"mcafee web gateway", "McAfee Web Gateway"},
	{"mitmproxy", "mitmproxy"},
	{"portswigger", "Burp Suite"},
	{"sonicwall firewall dpi-ssl", "SonicWall"},
	{"sophos ssl ca", "Sophos"},
	{"zscaler", "Zscaler"},
}

// inspected returns by whom the server's certificate was made on the path, and its
// issuer; false if nothing says so. It must be for the name that the client asked
// for, as devices show certificates of their vendors on their own pages, and that
// must be none of the vendor's.
func (x *TLS) inspected() (product, issuer string, ok bool) {
	if x.ServerName == "" || len(x.Certificates) == 0 {
		return "", "", false
	}
	if leaf := x.Certificates[0]; leaf.Logged || !leaf.Covers(x.ServerName) {
		return "", "", false
	}
	for _, c := range x.Certificates {
		name := strings.ToLower(c.Issuer)
		for _, i := range inspectors {
			if strings.Contains(name, i.authority) && !strings.Contains(x.ServerName, i.authority) {
				return i.product, c.Issuer, true
			}
		}
	}
	return "", "", false
}
