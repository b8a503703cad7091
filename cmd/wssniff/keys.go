package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/tlsdecrypt"
)

// A keyring has the secrets by which TLS is decrypted: of files, which are followed
// as they grow if packets come live, and embedded in captures. Without any, nothing
// is tried.
type keyring struct {
	logs, private []string // names of files
	follows       bool

	secrets  *tlsdecrypt.Keys
	open     []*os.File
	read     []*tlsdecrypt.Log // of each
	polled   int64             // packet time
	embedded int64             // lines of key logs in captures that are not understood
	analyzer *analyze.Analyzer
	used     bool
}

// pollEvery is how often key logs are looked at that may have grown.
const pollEvery = 100 * time.Millisecond

func (k *keyring) define(fs *pflag.FlagSet) {
	fs.StringArrayVar(&k.logs, "keylog", nil, "decrypt TLS with the secrets in `FILE`, as browsers and curl write them to $SSLKEYLOGFILE (read too, if set); repeatable")
	fs.StringArrayVar(&k.private, "tls-key", nil, "the same with the server's RSA private key in `FILE` (PEM), for suites that exchange keys by RSA; repeatable")
}

// errNoSecrets is what is wrong with a file that is no key log.
var errNoSecrets = errors.New("holds no secrets of TLS")

// load reads the files. That of the environment is for whoever writes secrets, who
// may not have done so yet.
func (k *keyring) load(env func(string) (string, bool), follow bool) error {
	k.secrets, k.follows = tlsdecrypt.NewKeys(), follow
	if name, ok := env("SSLKEYLOGFILE"); ok && isRegular(name) {
		if err := k.openLog(name); err != nil && !errors.Is(err, errNoSecrets) {
			return err
		}
	}
	for _, name := range k.logs {
		if err := k.openLog(name); err != nil {
			return err
		}
	}
	for _, name := range k.private {
		pem, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := k.secrets.AddPrivateKey(pem); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	k.used = len(k.open)+len(k.private) > 0
	return nil
}

// openLog reads a key log, to its end as yet if it is followed.
func (k *keyring) openLog(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	log := k.secrets.NewLog()
	if _, err := io.Copy(log, f); err != nil {
		return errors.Join(err, f.Close())
	}
	if c := log.Counts(); c.Secrets+c.Unused == 0 && !k.follows {
		return errors.Join(fmt.Errorf("%s: %w", name, errNoSecrets), f.Close())
	}
	k.open, k.read = append(k.open, f), append(k.read, log)
	return nil
}

// serve makes an Analyzer decrypt, at once or with the first secrets that a capture
// holds.
func (k *keyring) serve(a *analyze.Analyzer) {
	if k == nil {
		return
	}
	if k.analyzer = a; k.used {
		when := analyze.Before
		if k.follows {
			when = analyze.Late
		}
		a.Decrypt(k.secrets, when)
	}
}

// embed takes a key log that a capture holds; nil: it may hold some, of which the first
// often lies behind the first handshake.
func (k *keyring) embed(text []byte) {
	if text == nil {
		if !k.used && k.analyzer != nil {
			k.analyzer.Decrypt(k.secrets, analyze.Perhaps)
		}
		return
	}
	log := k.secrets.NewLog()
	log.Write(text)
	log.Close()
	k.embedded += int64(log.Counts().Junk)
	k.used = true
	if k.analyzer != nil {
		k.analyzer.Decrypt(k.secrets, analyze.Late)
		k.analyzer.KeysAdded()
	}
}

// poll reads what key logs have grown by, now and then in the time of packets.
func (k *keyring) poll(now int64) {
	if k != nil && k.follows && uint64(now-k.polled) >= uint64(pollEvery) { // or earlier than then
		k.polled = now
		k.readOn()
	}
}

// readOn reads what key logs have grown by, if they are followed.
func (k *keyring) readOn() {
	if k == nil || !k.follows {
		return
	}
	for i, f := range k.open {
		io.Copy(k.read[i], f) // an error is the end as yet
	}
	if k.analyzer != nil {
		k.analyzer.KeysAdded()
	}
}

// junk counts lines that are not understood.
func (k *keyring) junk() (lines int64) {
	if k == nil {
		return 0
	}
	lines = k.embedded
	for _, log := range k.read {
		lines += int64(log.Counts().Junk)
	}
	return lines
}

// dropped counts secrets that were forgotten for want of room.
func (k *keyring) dropped() int64 {
	if k == nil {
		return 0
	}
	return int64(k.secrets.Dropped())
}

func isRegular(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

func (k *keyring) Close() {
	for _, f := range k.open {
		f.Close()
	}
}
