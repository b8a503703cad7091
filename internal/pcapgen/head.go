package pcapgen

import (
	"fmt"
	"strconv"
	"strings"
)

// A head is an HTTP message under construction: its lines as they go on the
// wire, in order, without their line ends, and the body.
type head struct {
	lines []string
	eol   string
	end   string // what follows the last line, usually one eol
	body  string
}

func newHead(lines ...string) *head {
	return &head{lines: lines, eol: "\r\n", end: "\r\n"}
}

// bytes returns the message as sent.
func (h *head) bytes() []byte {
	return []byte(strings.Join(h.lines, h.eol) + h.eol + h.end + h.body)
}

// start replaces the start line.
func (h *head) start(line string) { h.lines[0] = line }

// find returns the index of the first line of the field, or -1.
func (h *head) find(name string) int {
	for i, l := range h.lines[1:] {
		n, _, _ := strings.Cut(l, ":")
		if strings.EqualFold(n, name) {
			return i + 1
		}
	}
	return -1
}

// raw replaces the first line of the field by the given lines; none deletes
// it. A field that is not there is appended.
func (h *head) raw(name string, lines ...string) {
	i := h.find(name)
	if i < 0 {
		h.lines = append(h.lines, lines...)
		return
	}
	tail := append(lines, h.lines[i+1:]...)
	h.lines = append(h.lines[:i:i], tail...)
}

// set gives the field one line with the value.
func (h *head) set(name, value string) { h.raw(name, name+": "+value) }

// drop removes the first line of each field.
func (h *head) drop(names ...string) {
	for _, n := range names {
		h.raw(n)
	}
}

// date is the value of Date in every answer.
const date = "Fri, 02 Jan 2026 03:04:05 GMT"

// goRequest is the upgrade request of a Go client.
func goRequest(host, path, key string) *head {
	return newHead(
		"GET "+path+" HTTP/1.1",
		"Host: "+host,
		"User-Agent: Go-http-client/1.1",
		"Connection: Upgrade",
		"Sec-WebSocket-Key: "+key,
		"Sec-WebSocket-Version: 13",
		"Upgrade: websocket",
	)
}

// espRequest is the upgrade request of esp_websocket_client: host and port
// always both, fields in the order of transport_ws.c.
func espRequest(hostPort, path, key string) *head {
	return newHead(
		"GET "+path+" HTTP/1.1",
		"Connection: Upgrade",
		"Host: "+hostPort,
		"User-Agent: ESP32 Websocket Client",
		"Upgrade: websocket",
		"Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: "+key,
	)
}

// firefoxRequest is the upgrade request of Firefox on a page of the same
// host.
func firefoxRequest(host, path, key string) *head {
	return newHead(
		"GET "+path+" HTTP/1.1",
		"Host: "+host,
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"Accept: */*",
		"Accept-Language: en-GB,en;q=0.5",
		"Accept-Encoding: gzip, deflate",
		"Sec-WebSocket-Version: 13",
		"Origin: http://"+host,
		"Sec-WebSocket-Key: "+key,
		"Connection: keep-alive, Upgrade",
		"Pragma: no-cache",
		"Cache-Control: no-cache",
		"Upgrade: websocket",
	)
}

// arduinoRequest is the upgrade request of arduinoWebSockets to a server on
// an odd port.
func arduinoRequest(hostPort, path, key string) *head {
	return newHead(
		"GET "+path+" HTTP/1.1",
		"Host: "+hostPort,
		"Connection: Upgrade",
		"Upgrade: websocket",
		"Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: "+key,
		"Sec-WebSocket-Protocol: arduino",
		"Origin: file://",
		"User-Agent: arduino-WebSocket-Client",
	)
}

// switching is the 101 of a Python server.
func switching(accept string) *head {
	return newHead(
		"HTTP/1.1 101 Switching Protocols",
		"Date: "+date,
		"Upgrade: websocket",
		"Connection: Upgrade",
		"Sec-WebSocket-Accept: "+accept,
		"Server: Python/3.13 websockets/15.0",
	)
}

// page is a complete answer of nginx that ends the connection.
func page(status, body string) *head {
	h := newHead(
		"HTTP/1.1 "+status,
		"Server: nginx/1.26.2",
		"Date: "+date,
		"Content-Type: text/html",
		fmt.Sprintf("Content-Length: %d", len(body)),
		"Connection: close",
	)
	h.body = body
	return h
}

// errorPage is a page with the small text nginx sends for a status.
func errorPage(status string) *head {
	return page(status, "<html><head><title>"+status+"</title></head><body><center><h1>"+status+"</h1></center></body></html>\r\n")
}

// redirect is an answer with a Location.
func redirect(status, location string) *head {
	h := errorPage(status)
	h.set("Location", location)
	return h
}

// text changes the body of an answer and what describes it.
func (h *head) text(kind, body string) {
	h.set("Content-Type", kind)
	h.set("Content-Length", fmt.Sprint(len(body)))
	h.body = body
}

// plainGet is an ordinary request on a connection that stays open.
func plainGet(host, path string) *head {
	return newHead(
		"GET "+path+" HTTP/1.1",
		"Host: "+host,
		"User-Agent: Go-http-client/1.1",
		"Accept-Encoding: identity",
	)
}

// kept is an ordinary answer on a connection that stays open.
func kept(status, body string) *head {
	h := page(status, body)
	h.drop("Connection")
	return h
}

// status is the status code of an answer, 0 if its start line has none.
func (h *head) status() int {
	f := strings.Fields(h.lines[0])
	if len(f) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(f[1]) // 0 is right for what is no number
	return n
}

// value is the trimmed value of the first line of the field.
func (h *head) value(name string) string {
	i := h.find(name)
	if i < 0 {
		return ""
	}
	_, v, _ := strings.Cut(h.lines[i], ":")
	return strings.TrimSpace(v)
}
