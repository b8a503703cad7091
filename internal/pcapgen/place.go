package pcapgen

import (
	"fmt"
	"strings"
)

// A place is what an HTTP request asks for.
type place struct {
	scheme string // http or https
	host   string // with brackets around an IPv6 address
	port   int    // 0 is that of the scheme
	path   string // with the query
}

func (a place) tcpPort() int {
	switch {
	case a.port != 0:
		return a.port
	case a.scheme == "https":
		return 443
	}
	return 80
}

// authority leaves the scheme's own port out.
func (a place) authority() string {
	if a.port == 0 {
		return a.host
	}
	return a.hostPort()
}

func (a place) hostPort() string { return fmt.Sprintf("%s:%d", a.host, a.tcpPort()) }

func (a place) url() string { return a.scheme + "://" + a.authority() + a.path }

// socketURL is the URL with the scheme ws or wss.
func (a place) socketURL() string { return "ws" + strings.TrimPrefix(a.url(), "http") }

func (a place) secure() bool { return a.scheme == "https" }

func (a place) sameAuthority(b place) bool {
	return a.scheme == b.scheme && a.authority() == b.authority()
}

// directory is the path up to its last slash.
func (a place) directory() string {
	path, _, _ := strings.Cut(a.path, "?")
	return path[:strings.LastIndexByte(path, '/')+1]
}

// references are the relative references (RFC 3986, Section 4.2) that lead from
// one place to another.
func references(from, to place) (refs []string) {
	if from.scheme != to.scheme {
		return nil
	}
	refs = append(refs, "//"+to.authority()+to.path)
	if !from.sameAuthority(to) {
		return refs
	}
	refs = append(refs, to.path)
	path, _, _ := strings.Cut(from.path, "?")
	if query, ok := strings.CutPrefix(to.path, path+"?"); ok {
		refs = append(refs, "?"+query)
	}
	dir := from.directory()
	if rest, ok := strings.CutPrefix(to.path, dir); ok {
		refs = append(refs, "./"+rest)
		if rest != "" && rest[0] != '?' {
			refs = append(refs, rest)
		}
	}
	if parent := parentOf(dir); parent != "" && strings.HasPrefix(to.path, parent) && !strings.HasPrefix(to.path, dir) {
		refs = append(refs, "../"+to.path[len(parent):])
	}
	return refs
}

// parentOf is the directory above, "" above the root.
func parentOf(dir string) string {
	dir = strings.TrimSuffix(dir, "/")
	return dir[:strings.LastIndexByte(dir, '/')+1]
}
