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

const testPSK = "0123456789abcdef"

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
		"-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", "-ciphersuites", "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256",
		"-psk", testPSK, "-quiet", "-legacy_renegotiation", "-client_renegotiation",
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
				close(up)
			}()
			io.Copy(recorded{a, flow.BtoA, &r}, onlyReader{b})
			a.(*net.TCPConn).CloseWrite()
			<-up
			return nil
		}()
	}()
	log := filepath.Join(t.TempDir(), "keys")
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
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
	if err := <-proxied; err != nil {
		t.Fatal(err)
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
	for line := range strings.Lines(string(openssl(t, "ciphers", "-stdname", "-V", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"))) {
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
	servers := map[string]*opensslServer{"": serve(t, dir, "ec", "-rev"), "DSS": serve(t, dir, "dsa", "-rev")}
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
					word := fmt.Sprintf("%x%s", random.Uint64(), strings.Repeat("x", random.IntN(4000)))
					x := server.connect(t, []string{word + "\n", "a\n"}, []string{reversed(word), "a"}, "", args...)
					x.data = [2][]byte{[]byte(word + "\na\n"), []byte(reversed(word) + "\na\n")}
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
