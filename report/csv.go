package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
)

var csvHeader = []string{
	"number", "timestamp", "client_ip", "client_port", "server_ip", "server_port", "url", "user_agent",
	"verdict", "reason", "status", "wait_ns", "key", "accept", "accept_expected", "accept_cause",
	"location", "chain", "hop", "close_by", "close_how", "close_code", "findings",
	"request_frame", "response_frame", "tcp_stream",
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
		row := csvRow(a.Number, newRecord(a, m, &Options{}))
		for j, cell := range row {
			row[j] = noFormula(visible(cell))
		}
		if err := c.Write(row); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func csvRow(number int, r *attemptRecord) []string {
	w := r.WebSocket
	var url, agent, status, wait string
	if r.URL != nil {
		url = r.URL.Full
	}
	if r.UserAgent != nil {
		agent = r.UserAgent.Original
	}
	if r.HTTP != nil && r.HTTP.Response != nil {
		status = strconv.Itoa(r.HTTP.Response.Status)
	}
	if r.Event.Duration != nil {
		wait = strconv.FormatInt(*r.Event.Duration, 10)
	}
	row := []string{
		strconv.Itoa(number), r.Timestamp, r.Client.IP, port(r.Client), r.Server.IP, port(r.Server), url, agent,
		w.Verdict, w.Reason, status, wait, orEmpty(w.Key), orEmpty(w.Accept), w.AcceptExpected, w.AcceptCause,
	}
	row = append(row, csvRedirect(w.Redirect)...)
	row = append(row, csvClose(w.Close)...)
	return append(row, csvFindings(w.Findings), positive(w.RequestFrame), positive(w.ResponseFrame), strconv.Itoa(w.TCPStream))
}

func csvRedirect(r *redirectRecord) []string {
	if r == nil {
		return []string{"", "", ""}
	}
	return []string{r.Location, positive(r.Chain), positive(r.Hop)}
}

func csvClose(c *closeRecord) []string {
	if c == nil {
		return []string{"", "", ""}
	}
	code := ""
	if c.Code != nil {
		code = strconv.Itoa(*c.Code)
	}
	return []string{c.By, c.How, code}
}

// csvFindings lists the codes, separated by spaces.
func csvFindings(list []findingRecord) string {
	codes := make([]string, len(list))
	for i, f := range list {
		codes[i] = f.Code
	}
	return strings.Join(codes, " ")
}

func port(e endFields) string { return strconv.Itoa(int(e.Port)) }

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

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
