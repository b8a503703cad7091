package report

import (
	"cmp"
	"encoding/csv"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/wssniff/wssniff/analyze"
)

var csvHeader = []string{
	"number", "timestamp", "client_ip", "client_port", "server_ip", "server_port", "url", "user_agent",
	"verdict", "reason", "status", "wait_ns", "key", "accept", "accept_expected", "accept_cause",
	"location", "chain", "hop", "close_by", "close_how", "close_code", "findings",
	"request_frame", "response_frame", "tcp_stream", "server_name",
}

// CSV prints one row per attempt, for spreadsheets. Invisible characters are
// escaped as in tables, values are not cut, and a cell that a spreadsheet would
// take for a formula begins with an apostrophe. Programs are better served by
// JSONL.
func CSV(w io.Writer, in *Input, opt *Options) error {
	m := newMasker(opt.orDefault())
	c := csv.NewWriter(w)
	if err := c.Write(csvHeader); err != nil {
		return err
	}
	for a := range in.Result.Attempts.All() {
		if err := writeCSV(c, m, a); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func writeCSV(c *csv.Writer, m *masker, a *analyze.Attempt) error {
	x := &account{a: a, veil: veil{masker: m}}
	x.read()
	row := csvRow(x)
	for j, cell := range row {
		row[j] = noFormula(visible(utf8Text(cell)))
	}
	return c.Write(row)
}

func csvRow(x *account) []string {
	a := x.a
	var timestamp, status, wait string
	if s := a.Start(); s.Seen() {
		timestamp = utc(s).Format(time.RFC3339Nano)
	}
	if a.Response != nil {
		status = positive(a.Response.Head.Status)
	}
	if d, ok := a.Waited(); ok {
		wait = strconv.FormatInt(d.Nanoseconds(), 10)
	}
	client, server := a.Client(), a.Server()
	agent, _ := x.sent(nameUserAgent)
	key, _ := x.sent(nameKey)
	accept, _ := x.accept()
	row := []string{
		strconv.Itoa(a.Number), timestamp, client.Addr().Unmap().String(), port(client), server.Addr().Unmap().String(), port(server),
		csvURL(x), x.text(agent), a.Verdict.String(), x.text(a.Reason), status, wait, key, accept, a.Expected, causeOf(a),
	}
	row = append(row, csvRedirect(x)...)
	row = append(row, csvClose(&a.Close)...)
	row = append(row, csvFindings(a.Findings), positive(requestFrame(a)), positive(responseFrame(a)), strconv.Itoa(a.Conn.ID))
	if a.TLS == nil {
		return append(row, "")
	}
	return append(row, x.text(a.TLS.ServerName))
}

func csvURL(x *account) string {
	u, _ := x.url()
	if u.base != "" {
		return scheme(x.a) + u.base + u.full
	}
	return cmp.Or(u.full, u.original)
}

func csvRedirect(x *account) []string {
	r := x.a.Redirect
	if r == nil {
		return []string{"", "", ""}
	}
	chain := ""
	if r.Chain != nil {
		chain = positive(r.Chain.ID)
	}
	return []string{x.text(r.Location), chain, positive(r.Hop)}
}

func csvClose(c *analyze.Close) []string {
	code := ""
	if n, ok := closeCode(c); ok {
		code = strconv.Itoa(n)
	}
	return []string{c.By.String(), c.How.String(), code}
}

// csvFindings lists the codes, separated by spaces.
func csvFindings(list []analyze.Finding) string {
	codes := make([]string, len(list))
	for i, f := range list {
		codes[i] = f.Code.String()
	}
	return strings.Join(codes, " ")
}

func port(a netip.AddrPort) string { return strconv.Itoa(int(a.Port())) }

func positive(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// noFormula keeps spreadsheets from computing a cell. Base64, which may begin
// with +, has none of the characters that make a + or - harmful.
func noFormula(cell string) string {
	if cell == "" {
		return cell
	}
	switch cell[0] {
	case '=', '@':
		return "'" + cell
	case '+', '-':
		if strings.ContainsAny(cell, "(|!") {
			return "'" + cell
		}
	}
	return cell
}
