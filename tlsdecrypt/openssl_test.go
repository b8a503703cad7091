package tlsdecrypt

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// An opensslServer is an s_server that sends lines back reversed.
type opensslServer struct{ addr string }

// openssl runs a command to its end.
func openssl(t *testing.T, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed: apt-get install openssl")
	}
	out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %q: %v\n%s", args, err, out)
	}
	return out
}

// opensslFiles makes what servers need.
func opensslFiles(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	openssl(t, "version")
	for i, name := range []string{"rsa.pem", "ec.pem"} {
		c := testCertificates()[i]
		key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		both := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})...)
		if err := os.WriteFile(filepath.Join(dir, name), both, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	openssl(t, "dsaparam", "-out", dir+"/dsa.param", "1024")
	openssl(t, "req", "-x509", "-newkey", "dsa:"+dir+"/dsa.param", "-nodes", "-subj", "/CN=test", "-keyout", dir+"/dsa.pem", "-out", dir+"/dsa.crt")
	return dir
}

const (
	testPSK     = "0123456789abcdef"
	allSuites13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256"
)

// serve starts an s_server with files and further arguments.
func serve(t *testing.T, dir, second string, args ...string) *opensslServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	args = append([]string{
		"s_server", "-accept", addr, "-cert", dir + "/rsa.pem", "-key", dir + "/rsa.pem",
		"-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", "-ciphersuites", allSuites13,
		"-quiet", "-legacy_renegotiation", "-client_renegotiation",
	}, args...)
	if second == "dsa" {
		args = append(args, "-dcert", dir+"/dsa.crt", "-dkey", dir+"/dsa.pem")
	} else {
		args = append(args, "-dcert", dir+"/ec.pem", "-dkey", dir+"/ec.pem")
	}
	ctx, stop := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, "openssl", args...)
	cmd.Stderr = io.Discard
	if _, err := cmd.StdinPipe(); err != nil { // s_server ends when its input does
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); cmd.Wait() })
	for range 200 {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return &opensslServer{addr}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("s_server does not listen on %s", addr)
	return nil
}

// connect lets an s_client talk to the server through a recorder: it gives each
// line to it as input, and when the answer came, in which reply must be, the next.
// An empty reply is one that does not come, as to commands to s_client itself.
func (s *opensslServer) connect(t *testing.T, lines, reply []string, env string, args ...string) *exchange {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var r recorder
	proxied := make(chan error, 1)
	go func() {
		proxied <- func() error {
			a, err := l.Accept()
			if err != nil {
				return err
			}
			defer a.Close()
			b, err := net.Dial("tcp", s.addr)
			if err != nil {
				return err
			}
			defer b.Close()
			up := make(chan bool)
			go func() {
				io.Copy(recorded{b, flow.AtoB, &r}, onlyReader{a})
				b.(*net.TCPConn).CloseWrite()
				b.SetReadDeadline(time.Now().Add(2 * time.Second)) // a server may not notice
				close(up)
			}()
			io.Copy(recorded{a, flow.BtoA, &r}, onlyReader{b})
			a.(*net.TCPConn).CloseWrite()
			<-up
			return nil
		}()
	}()
	log := filepath.Join(t.TempDir(), "keys")
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
	defer stop()
	cmd := exec.CommandContext(ctx, "openssl", append([]string{"s_client", "-connect", l.Addr().String(), "-keylogfile", log}, args...)...)
	if env != "" {
		cmd.Env = append(os.Environ(), env)
	}
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	answers := bufio.NewReader(io.TeeReader(out, &said))
	for i, line := range lines {
		io.WriteString(in, line)
		if reply[i] == "" { // a command must be alone in what s_client reads at once
			time.Sleep(300 * time.Millisecond)
		}
		for reply[i] != "" {
			answer, err := answers.ReadString('\n')
			if strings.Contains(answer, reply[i]) {
				break
			}
			if err != nil {
				t.Errorf("openssl %q did not get %q: %v\n%s%s", args, reply[i], err, complaints.String(), said.String())
				break
			}
		}
	}
	in.Close()
	io.Copy(io.Discard, answers)
	cmd.Wait()
	l.Close()
	if err := <-proxied; err != nil {
		t.Fatalf("openssl %q: %v\n%s", args, err, complaints.String())
	}
	x := &exchange{segments: r.segments}
	x.log, _ = os.ReadFile(log) // there is none if the handshake failed
	return x
}

// onlyReader keeps io.Copy from passing a recorder by.
type onlyReader struct{ io.Reader }

// An opensslCipher is a line of openssl ciphers.
type opensslCipher struct {
	id                 uint16
	name, own, version string
}

func opensslCiphers(t *testing.T) (list []opensslCipher) {
	t.Helper()
	for line := range strings.Lines(string(openssl(t, "ciphers", "-ciphersuites", allSuites13, "-stdname", "-V", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"))) {
		f := strings.Fields(line) // 0xC0,0x2C - TLS_ECDHE_... - ECDHE-... TLSv1.2 Kx=...
		id, err := strconv.ParseUint(strings.ReplaceAll(f[0], ",0x", ""), 0, 16)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		list = append(list, opensslCipher{uint16(id), f[2], f[4], f[5]})
	}
	return list
}

// TestOpenSSL decrypts connections of openssl with every cipher and version that it
// offers, and demands what tshark reads with the same key log.
func TestOpenSSL(t *testing.T) {
	dir := opensslFiles(t)
	servers := map[string]*opensslServer{"": serve(t, dir, "ec", "-rev", "-psk", testPSK), "DSS": serve(t, dir, "dsa", "-rev")}
	random := mathrand.New(mathrand.NewPCG(5, 5))
	var capture capture
	count := map[bool]int{}
	for _, cipher := range opensslCiphers(t) {
		versions := []string{"-tls1", "-tls1_1", "-tls1_2"}
		switch cipher.version {
		case "TLSv1.3":
			versions = []string{"-tls1_3"}
		case "TLSv1.2":
			versions = []string{"-tls1_2"}
		}
		for _, version := range versions {
			variants := [][]string{nil}
			if strings.Contains(cipher.name, "_CBC_") {
				variants = append(variants, []string{"-no_etm"})
			}
			for _, variant := range variants {
				t.Run(strings.Join(append([]string{cipher.name + version}, variant...), ""), func(t *testing.T) {
					args := append([]string{version, "-legacy_renegotiation"}, variant...)
					if version == "-tls1_3" {
						args = append(args, "-ciphersuites", cipher.own)
					} else {
						args = append(args, "-cipher", cipher.own+":@SECLEVEL=0")
					}
					server := servers[""]
					if strings.Contains(cipher.name, "SRP") {
						t.Skip("s_server -rev does not serve SRP; a server that does would make this run")
					}
					if strings.Contains(cipher.name, "PSK") {
						args = append(args, "-psk", testPSK)
					}
					if strings.Contains(cipher.name, "DSS") {
						server = servers["DSS"]
					}
					last := strings.Repeat("the end ", 20)
					word := fmt.Sprintf("%x%s", random.Uint64(), strings.Repeat("x", 2000+random.IntN(4000)))
					x := server.connect(t, []string{word + "\n", last + "\n"}, []string{reversed(word), reversed(last)}, "", args...)
					x.data = [2][]byte{[]byte(word + "\n" + last + "\n"), []byte(reversed(word) + "\n" + reversed(last) + "\n")}
					d := New(keysOf(x.log), nil, nil)
					r := decrypt(t, d, x.segments)
					_, supported := suiteOf(cipher.id)
					count[supported]++
					if !supported {
						if r.reason != [2]Reason{UnsupportedSuite, UnsupportedSuite} || r.chunks != nil {
							t.Errorf("%v, %d chunks", r.reason, len(r.chunks))
						}
						return
					}
					if SuiteName(cipher.id) != cipher.name && !strings.HasPrefix(cipher.name, "TLS_PSK_DHE") {
						t.Errorf("%#04x is called %s", cipher.id, SuiteName(cipher.id))
					}
					for dir, want := range x.data {
						if !bytes.Equal(r.data[dir], want) || r.lost[dir] != nil || r.reason[dir] != Decrypted {
							t.Errorf("direction %d: %.80q, want %.80q; lost %v, %v", dir, r.data[dir], want, r.lost[dir], r.reason[dir])
						}
					}
					if again := decrypt(t, d, cut(x.segments, random, 0)); !bytes.Equal(again.data[0], r.data[0]) || !bytes.Equal(again.data[1], r.data[1]) {
						t.Error("cut elsewhere it is decrypted otherwise")
					}
					if suite, _ := suiteOf(cipher.id); suite.tls13 && loseExactly(t, x, suite.tag()+1) == 0 {
						t.Error("there is no record to lose a part of")
					}
					capture.add(x)
				})
			}
		}
	}
	t.Logf("%d connections with suites that are decrypted, %d with others", count[true], count[false])
	capture.compare(t)
}

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

// TestOpenSSLHandshakes decrypts what only options of openssl bring about.
func TestOpenSSLHandshakes(t *testing.T) {
	dir := opensslFiles(t)
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	noEMS := "OPENSSL_CONF=" + file("no-ems.cnf", "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nOptions = -ExtendedMasterSecret\n")
	rsaFile, err := os.ReadFile(dir + "/rsa.pem")
	if err != nil {
		t.Fatal(err)
	}
	rsaKey := func(*exchange) *Keys {
		k := NewKeys()
		if err := k.AddPrivateKey(rsaFile); err != nil {
			t.Fatal(err)
		}
		return k
	}
	logged := func(x *exchange) *Keys { return keysOf(x.log) }
	for _, test := range []struct {
		name         string
		keys         func(*exchange) *Keys
		env          string
		lines, reply []string
		args         []string
		want         string // what the client sends
		events       string // that must be among those of both sides
	}{
		{"key update", logged, "", []string{"one\n", "k\n", "two\n", "K\n", "three\n"}, []string{"eno", "", "owt", "", "eerht"}, []string{"-tls1_3"}, "one\ntwo\nthree\n", "message 24"},
		{"renegotiation", logged, "", []string{"one\n", "R\n", "two\n"}, []string{"eno", "", "owt"}, []string{"-tls1_2", "-legacy_renegotiation"}, "one\ntwo\n", "message 16"},
		{"renegotiation of TLS 1.0", logged, "", []string{"one\n", "R\n", "two\n"}, []string{"eno", "", "owt"}, []string{"-tls1", "-cipher", "ALL:@SECLEVEL=0", "-legacy_renegotiation"}, "one\ntwo\n", "message 16"},
		{"RSA key", rsaKey, "", []string{"one\n"}, []string{"eno"}, []string{"-tls1_2", "-cipher", "AES256-GCM-SHA384"}, "one\n", ""},
		{"RSA key, CBC", rsaKey, "", []string{"one\n"}, []string{"eno"}, []string{"-tls1_2", "-cipher", "AES128-SHA"}, "one\n", ""},
		{"RSA key of TLS 1.0", rsaKey, "", []string{"one\n"}, []string{"eno"}, []string{"-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"}, "one\n", ""},
		{"RSA key without an extended master secret", rsaKey, noEMS, []string{"one\n"}, []string{"eno"}, []string{"-tls1_2", "-cipher", "AES256-GCM-SHA384"}, "one\n", ""},
		{"RSA key of TLS 1.1 without an extended master secret", rsaKey, noEMS, []string{"one\n"}, []string{"eno"}, []string{"-tls1_1", "-cipher", "AES128-SHA:@SECLEVEL=0"}, "one\n", ""},
		{"RSA key, client certificate asked for", rsaKey, "", []string{"one\n"}, []string{"eno"}, []string{"-tls1_2", "-cipher", "AES256-GCM-SHA384", "-cert", dir + "/rsa.pem", "-key", dir + "/rsa.pem"}, "one\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var more []string
			if strings.Contains(test.name, "asked") {
				more = []string{"-verify", "1"}
			}
			x := serve(t, dir, "ec", append(more, "-rev")...).connect(t, test.lines, test.reply, test.env, test.args...)
			x.data[0] = []byte(test.want)
			for line := range strings.Lines(test.want) {
				x.data[1] = append(x.data[1], reversed(strings.TrimSpace(line))+"\n"...)
			}
			for _, size := range []int{1 << 20, 1} {
				r := decrypt(t, New(test.keys(x), nil, nil), cut(x.segments, nil, size))
				for dir, want := range x.data {
					if !bytes.Equal(r.data[dir], want) || r.lost[dir] != nil || r.reason[dir] != Decrypted {
						t.Errorf("direction %d: %q, want %q; lost %v, %v", dir, r.data[dir], want, r.lost[dir], r.reason[dir])
					}
				}
				if all := fmt.Sprint(r.events); !strings.Contains(all, test.events) {
					t.Errorf("no %q in %v", test.events, all)
				}
			}
		})
	}
}

// TestEarlyData decrypts early data that the server takes, and leaves out such as it
// refuses.
func TestEarlyData(t *testing.T) {
	dir := opensslFiles(t)
	early := strings.Repeat("early data ", 700) + "\n"
	if err := os.WriteFile(dir+"/early", []byte(early), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		server []string // of the connection that resumes
		sent   string
	}{
		{"taken", []string{"-early_data", "-no_anti_replay", "-max_early_data", "16384"}, early + "two\n"},
		{"refused", []string{"-rev"}, "two\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ticket := file(t, dir+"/ticket")
			key := []string{"-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"}
			first := serve(t, dir, "ec", "-early_data", "-no_anti_replay", "-max_early_data", "16384")
			first.connect(t, []string{"one\n"}, []string{""}, "", append(key, "-sess_out", ticket)...)
			second := first
			if test.name == "refused" {
				second = serve(t, dir, "ec", test.server...) // has other keys for tickets
			}
			x := second.connect(t, []string{"two\n"}, []string{""}, "", append(key, "-sess_in", ticket, "-early_data", dir+"/early")...)
			if !bytes.Contains(x.log, []byte("CLIENT_EARLY_TRAFFIC_SECRET")) {
				t.Fatal("no early data was sent")
			}
			for _, size := range []int{1 << 20, 1000} {
				r := decrypt(t, New(keysOf(x.log), nil, nil), cut(x.segments, nil, size))
				if string(r.data[0]) != test.sent || r.lost[0] != nil || r.reason[0] != Decrypted {
					t.Errorf("%d bytes, want %d; lost %v, %v", len(r.data[0]), len(test.sent), r.lost[0], r.reason[0])
				}
			}
			var log []byte // as of software that does not log the secret of early data
			for line := range bytes.Lines(x.log) {
				if !bytes.HasPrefix(line, []byte("CLIENT_EARLY")) {
					log = append(log, line...)
				}
			}
			r := decrypt(t, New(keysOf(log), nil, nil), x.segments)
			if want := test.name == "taken"; string(r.data[0]) != "two\n" || (r.lost[0] != nil) != want {
				t.Errorf("without the secret: %.40q, lost %v, %v", r.data[0], r.lost[0], r.reason[0])
			}
		})
	}
}

// file makes way for a new file.
func file(t *testing.T, path string) string {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	return path
}
