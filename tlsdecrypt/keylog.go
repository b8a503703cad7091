package tlsdecrypt

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
)

// Bounds of what is kept of key logs.
const (
	MaxSecrets = 1 << 19 // of all logs; TLS 1.3 has 4 or 5 for each connection, earlier versions 1
	maxLine    = 512     // bytes of a line that is looked at; the longest that means something has 194
)

// A label says what a secret is for.
type label uint8

const (
	masterSecret label = iota
	premasterSecret
	clientEarlySecret
	clientHandshakeSecret
	serverHandshakeSecret
	clientTrafficSecret
	serverTrafficSecret
	sessionSecret // the master secret of a session that may be resumed
	unusedSecret
)

// labels are those of the key log format of NSS, which RFC 9850 describes. The
// traffic secrets after the first follow from it, and exporter secrets and those
// of ECH protect no records.
var labels = map[string]label{
	"CLIENT_RANDOM":                   masterSecret,
	"RSA":                             premasterSecret,
	"CLIENT_EARLY_TRAFFIC_SECRET":     clientEarlySecret,
	"CLIENT_HANDSHAKE_TRAFFIC_SECRET": clientHandshakeSecret,
	"SERVER_HANDSHAKE_TRAFFIC_SECRET": serverHandshakeSecret,
	"CLIENT_TRAFFIC_SECRET_0":         clientTrafficSecret,
	"SERVER_TRAFFIC_SECRET_0":         serverTrafficSecret,
	"EXPORTER_SECRET":                 unusedSecret,
	"EARLY_EXPORTER_SECRET":           unusedSecret,
	"EARLY_EXPORTER_MASTER_SECRET":    unusedSecret,
	"ECH_SECRET":                      unusedSecret,
	"ECH_CONFIG":                      unusedSecret,
}

const (
	longestSecret = 48 // bytes: SHA-384, and the master secret of before TLS 1.3
	randomLen     = 32
	premasterID   = 8 // bytes of an encrypted premaster secret that name it
)

// A secret is what a line of a key log tells.
type secret struct {
	n uint8 // bytes; 0: there is none
	b [longestSecret]byte
}

func (s *secret) bytes() []byte { return s.b[:s.n] }

// A secretID names a secret by the random of the ClientHello; if it is a premaster
// secret, by the first 8 bytes of its encrypted form; if it is of a session, by a
// hash of the session's ID or ticket.
type secretID struct {
	random [randomLen]byte
	label  label
}

// Keys are the secrets by which connections are decrypted. They are bounded by
// MaxSecrets: at least the latest half of that is kept. Keys are not safe for
// concurrent use. No formatting of package fmt shows them.
type Keys struct {
	recent, older map[secretID]secret // two generations, instead of an order
	dropped       int
	limit         int // of both
	private       []*rsa.PrivateKey
	rsa           bool // there is what opens RSA key exchanges
	wishes
}

// NewKeys returns Keys that hold nothing.
func NewKeys() *Keys {
	return &Keys{recent: map[secretID]secret{}, limit: MaxSecrets, wishes: wishes{open: map[[randomLen]byte][]*Conn{}}}
}

// Dropped returns how many secrets were forgotten for want of room.
func (k *Keys) Dropped() int { return k.dropped }

// Format writes how many secrets there are.
func (k Keys) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "%d secrets, %d private keys", len(k.recent)+len(k.older), len(k.private))
}

func (k *Keys) put(id secretID, s secret) {
	if len(k.open) > 0 && k.find(id).n == 0 {
		k.grant(id.random)
	}
	if len(k.recent) >= k.limit/2 {
		k.dropped += len(k.older)
		k.older, k.recent = k.recent, map[secretID]secret{}
	}
	k.recent[id] = s
	k.rsa = k.rsa || id.label == premasterSecret
}

// find returns a secret; one of no bytes if there is none.
func (k *Keys) find(id secretID) secret {
	if s, ok := k.recent[id]; ok {
		return s
	}
	return k.older[id]
}

// get returns a secret of n bytes, nil if there is none.
func (k *Keys) get(id secretID, n int) []byte {
	s := k.find(id)
	if int(s.n) != n {
		return nil
	}
	return s.bytes()
}

// A Log reads one key log in the format of NSS into Keys: a file, perhaps one that
// grows, or a Decryption Secrets Block of pcapng.
type Log struct {
	keys   *Keys
	line   []byte // the beginning of a line that is not complete; longer than maxLine: and not worth completing
	counts LogCounts
}

// LogCounts say what a Log has read. They hold nothing of its text.
type LogCounts struct {
	Lines     int
	Secrets   int // lines that told a secret
	Unused    int // lines with secrets that are not needed
	Junk      int // lines that are neither, nor empty, nor comments
	FirstJunk int // the number of the first of these, from 1; 0: there is none
}

// NewLog begins to read a key log.
func (k *Keys) NewLog() *Log { return &Log{keys: k} }

// Counts returns what was read so far.
func (l *Log) Counts() LogCounts { return l.counts }

// Format writes the counts.
func (l Log) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "%+v", l.counts) }

// Write reads the next bytes of the log, of which it keeps none but those of a
// line that is not complete. It never fails: lines that are not of the format are
// counted.
func (l *Log) Write(p []byte) (int, error) {
	n := len(p)
	for {
		line, rest, whole := bytes.Cut(p, []byte("\n"))
		if room := maxLine + 1 - len(l.line); len(l.line) > 0 || !whole {
			l.line = append(l.line, line[:min(len(line), room)]...)
			line = l.line
		}
		if !whole {
			return n, nil
		}
		l.read(line)
		l.line, p = l.line[:0], rest
	}
}

// Close reads the last line, if nothing ends it. The log may grow all the same: a
// line that is read in two parts is junk.
func (l *Log) Close() error {
	if len(l.line) > 0 {
		l.read(l.line)
	}
	l.line = l.line[:0]
	return nil
}

func (l *Log) read(line []byte) {
	l.counts.Lines++
	text := bytes.TrimSpace(line[:min(len(line), maxLine)])
	if len(text) == 0 || text[0] == '#' {
		return
	}
	switch id, s, ok := parseLine(text); {
	case !ok || len(line) > maxLine:
		if l.counts.Junk++; l.counts.Junk == 1 {
			l.counts.FirstJunk = l.counts.Lines
		}
	case id.label == unusedSecret:
		l.counts.Unused++
	default:
		l.counts.Secrets++
		l.keys.put(id, s)
	}
}

// parseLine takes a line apart: a label, what the secret belongs to, the secret.
func parseLine(line []byte) (id secretID, s secret, ok bool) {
	fields := bytes.Fields(line)
	if len(fields) != 3 {
		return id, s, false
	}
	id.label, ok = labels[string(fields[0])]
	if !ok {
		return secretID{label: unusedSecret}, s, laterTraffic(fields[0])
	}
	if id.label == unusedSecret {
		return id, s, true
	}
	owner, size := id.random[:], len(fields[2])/2
	if id.label == premasterSecret {
		owner = owner[:premasterID]
	}
	if size != longestSecret && (size != sha256.Size || id.label <= premasterSecret) {
		return id, s, false
	}
	s.n = uint8(size)
	return id, s, unhex(owner, fields[1]) && unhex(s.bytes(), fields[2])
}

// unhex fills dst with the bytes that src spells.
func unhex(dst, src []byte) bool {
	if len(src) != hex.EncodedLen(len(dst)) {
		return false
	}
	_, err := hex.Decode(dst, src)
	return err == nil
}

// laterTraffic reports whether a label is that of a traffic secret after the first.
func laterTraffic(label []byte) bool {
	number, ok := bytes.CutPrefix(label, []byte("CLIENT_TRAFFIC_SECRET_"))
	if !ok {
		number, ok = bytes.CutPrefix(label, []byte("SERVER_TRAFFIC_SECRET_"))
	}
	_, err := strconv.ParseUint(string(number), 10, 32)
	return ok && err == nil
}
