package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	gorilla "github.com/gorilla/websocket"
)

// dialTLS opens one WebSocket over TLS and echoes messages through it. The key
// log goes where SSLKEYLOGFILE says.
func dialTLS(args []string) error {
	flags := flag.NewFlagSet("wss", flag.ContinueOnError)
	every := flags.Duration("every", 0, "pause before each message")
	old := flags.Bool("tls1.2", false, "TLS 1.2 at most, with CBC suites only")
	if err := flags.Parse(args); err != nil {
		return err
	}
	config := &tls.Config{KeyLogWriter: io.Discard}
	if name := os.Getenv("SSLKEYLOGFILE"); name != "" {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		config.KeyLogWriter = f
	}
	if *old {
		config.MaxVersion = tls.VersionTLS12
		config.CipherSuites = []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA}
	}
	conn, _, err := (&gorilla.Dialer{TLSClientConfig: config}).Dial(flags.Arg(0), nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	for n := range 7 {
		time.Sleep(*every)
		if err := conn.WriteMessage(gorilla.TextMessage, fmt.Appendf(nil, "message %d", n+1)); err != nil {
			return err
		}
		if _, _, err := conn.ReadMessage(); err != nil {
			return err
		}
	}
	fmt.Println("gorilla done")
	return conn.WriteMessage(gorilla.CloseMessage, gorilla.FormatCloseMessage(gorilla.CloseNormalClosure, "done"))
}
