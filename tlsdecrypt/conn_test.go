package tlsdecrypt

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"testing"
)

// TestSuites decrypts what crypto/tls says to itself, with every suite and version
// that it has, however the bytes are cut.
func TestSuites(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13} {
		for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
			if !slices.Contains(s.SupportedVersions, version) {
				continue
			}
			if version == tls.VersionTLS13 && s.ID != tls.TLS_AES_128_GCM_SHA256 {
				continue // crypto/tls has no choice there; TestOpenSSL has
			}
			t.Run(fmt.Sprintf("%s/%s", tls.VersionName(version), s.Name), func(t *testing.T) {
				random := mathrand.New(mathrand.NewPCG(1, uint64(s.ID)))
				config := &tls.Config{MinVersion: version, MaxVersion: version, CipherSuites: []uint16{s.ID}}
				x := exchangeOf(t, config, config, random)
				if x.state.CipherSuite != s.ID {
					t.Fatalf("%s was negotiated", tls.CipherSuiteName(x.state.CipherSuite))
				}
				d := New(keysOf(x.log), nil, nil)
				if SuiteName(s.ID) == "" {
					r := decrypt(t, d, x.segments)
					if r.reason != [2]Reason{UnsupportedSuite, UnsupportedSuite} || r.chunks != nil {
						t.Errorf("%v, %d chunks", r.reason, len(r.chunks))
					}
					t.Skipf("%s is not decrypted", s.Name)
				}
				whole := decrypt(t, d, x.segments)
				x.check(t, whole)
				for _, size := range []int{0, 0, 0, 1, 5, 1448} {
					r := decrypt(t, d, cut(x.segments, random, size))
					x.check(t, r)
					if fmt.Sprint(r.events) != fmt.Sprint(whole.events) {
						t.Errorf("cut: events %q, whole: %q", r.events, whole.events)
					}
				}
			})
		}
	}
}

// TestHandshakes decrypts the handshakes that differ.
func TestHandshakes(t *testing.T) {
	cache := func() tls.ClientSessionCache { return tls.NewLRUClientSessionCache(4) }
	certificates := testCertificates()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, test := range []struct {
			name           string
			client, server *tls.Config
			times          int
		}{
			{"client certificate", &tls.Config{Certificates: certificates[:1]}, &tls.Config{ClientAuth: tls.RequireAnyClientCert}, 1},
			{"resumed", &tls.Config{ClientSessionCache: cache()}, &tls.Config{}, 2},
			{"HelloRetryRequest", &tls.Config{CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP384}}, &tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP384}}, 1},
			{"ALPN", &tls.Config{NextProtos: []string{"h2", "http/1.1"}}, &tls.Config{NextProtos: []string{"http/1.1"}}, 1},
		} {
			t.Run(fmt.Sprintf("%s/%s", tls.VersionName(version), test.name), func(t *testing.T) {
				test.client.MaxVersion, test.server.MaxVersion = version, version
				server := test.server.Clone()
				server.SetSessionTicketKeys([][32]byte{{1}})
				server.Certificates = certificates[:]
				random := mathrand.New(mathrand.NewPCG(2, uint64(version)))
				keys := NewKeys() // crypto/tls logs no secrets of resumed sessions of TLS 1.2: what is known of the first connection must do
				for n := range test.times {
					x := exchangeOf(t, test.client, server, random)
					if x.state.DidResume != (n > 0) {
						t.Fatalf("resumed: %v", x.state.DidResume)
					}
					keys.NewLog().Write(x.log)
					for _, size := range []int{1 << 20, 0, 1} {
						x.check(t, decrypt(t, New(keys, nil, nil), cut(x.segments, random, size)))
					}
				}
			})
		}
	}
}

// TestPrivateKey decrypts RSA key exchange with the key of the server, which
// crypto/tls does with an extended master secret.
func TestPrivateKey(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12} {
		config := &tls.Config{MinVersion: version, MaxVersion: version, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}}
		random := mathrand.New(mathrand.NewPCG(3, uint64(version)))
		x := exchangeOf(t, config, config, random)
		keys := NewKeys()
		if err := keys.AddPrivateKey(testKeyPEM(t)); err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{1 << 20, 0, 1} {
			x.check(t, decrypt(t, New(keys, nil, nil), cut(x.segments, random, size)))
		}
	}
}

// TestSecretsMissing decrypts with a part of the secrets.
func TestSecretsMissing(t *testing.T) {
	random := mathrand.New(mathrand.NewPCG(4, 4))
	certificates := testCertificates()
	x := exchangeOf(t, &tls.Config{Certificates: certificates[:1]}, &tls.Config{ClientAuth: tls.RequireAnyClientCert}, random)
	without := func(labels ...string) *Keys {
		var log []byte
		for line := range bytes.Lines(x.log) {
			if !slices.ContainsFunc(labels, func(l string) bool { return bytes.HasPrefix(line, []byte(l)) }) {
				log = append(log, line...)
			}
		}
		return keysOf(log)
	}
	for _, size := range []int{1 << 20, 0, 1} {
		segments := cut(x.segments, random, size)
		x.check(t, decrypt(t, New(without("CLIENT_HANDSHAKE", "SERVER_HANDSHAKE"), nil, nil), segments))
		r := decrypt(t, New(without("CLIENT_HANDSHAKE", "CLIENT_TRAFFIC"), nil, nil), segments)
		if len(r.data[0]) > 0 || !bytes.Equal(r.data[1], x.data[1]) || r.reason != [2]Reason{NoKeys, Decrypted} {
			t.Errorf("secrets of the server alone: %d and %d bytes, %v", len(r.data[0]), len(r.data[1]), r.reason)
		}
		r = decrypt(t, New(NewKeys(), nil, nil), segments)
		if r.chunks != nil || r.reason != [2]Reason{NoKeys, NoKeys} {
			t.Errorf("no secrets: %d chunks, %v", len(r.chunks), r.reason)
		}
	}
}

// TestLongMessage has a certificate message that is longer than what is kept of one.
func TestLongMessage(t *testing.T) {
	certificate := testCertificates()[0]
	for len(bytes.Join(certificate.Certificate, nil)) < maxMessage {
		certificate.Certificate = append(certificate.Certificate, certificate.Certificate[0])
	}
	client, server := &tls.Config{Certificates: []tls.Certificate{certificate}}, &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	x := dialogue(t, client, server, []byte("one"), []byte("two"))
	for _, size := range []int{1 << 20, 1} {
		r := decrypt(t, New(keysOf(x.log), nil, nil), cut(x.segments, nil, size))
		if x.check(t, r); r.events[0][0] != "message 11 of 0 bytes" {
			t.Errorf("events %q", r.events[0])
		}
	}

	client.MaxVersion, client.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}
	server.CipherSuites = client.CipherSuites
	x = dialogue(t, client, server, []byte("one"), []byte("two"))
	x.check(t, decrypt(t, New(keysOf(x.log), nil, nil), x.segments))
	keys := NewKeys()
	if err := keys.AddPrivateKey(testKeyPEM(t)); err != nil {
		t.Fatal(err)
	}
	if r := decrypt(t, New(keys, nil, nil), x.segments); r.reason != [2]Reason{NoKeys, NoKeys} { // the session hash is not known
		t.Errorf("with the private key: %v", r.reason)
	}
}

// testKeyPEM is the private key of the first of testCertificates.
func testKeyPEM(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(testCertificates()[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// TestNotResumed has a client that wants to resume a session of TLS 1.2 and may not:
// the master secret of that session is not taken for the one of the connection.
func TestNotResumed(t *testing.T) {
	client := &tls.Config{MaxVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	keys := NewKeys()
	for _, want := range []Reason{Decrypted, NoKeys} {
		server := &tls.Config{MaxVersion: tls.VersionTLS12}
		server.SetSessionTicketKeys([][32]byte{{byte(want)}})
		x := dialogue(t, client, server, []byte("one"), []byte("two"))
		if want == Decrypted {
			keys.NewLog().Write(x.log)
		}
		if r := decrypt(t, New(keys, nil, nil), x.segments); r.reason != [2]Reason{want, want} {
			t.Errorf("%v, want %v", r.reason, want)
		}
	}
}
