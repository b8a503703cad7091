// Wsgo is the Go server and client of the recorded captures. It uses three
// WebSocket packages, which differ in how they write header names.
//
//	wsgo serve ADDR
//	wsgo dial HOST:PORT
//	wsgo wss [-every TIME] [-tls1.2] URL
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
	xnet "golang.org/x/net/websocket"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: wsgo serve ADDR | wsgo dial HOST:PORT | wsgo wss [FLAGS] URL")
		os.Exit(2)
	}
	var err error
	switch os.Args[1] {
	case "serve":
		err = serve(os.Args[2])
	case "dial":
		err = dial(os.Args[2])
	case "wss":
		err = dialTLS(os.Args[2:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "wsgo:", err)
		os.Exit(1)
	}
}

func serve(addr string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/coder", serveCoder)
	mux.HandleFunc("/gorilla", serveGorilla)
	mux.Handle("/xnet", xnet.Handler(serveXnet))
	return http.ListenAndServe(addr, mux)
}

func serveCoder(w http.ResponseWriter, r *http.Request) {
	conn, err := coder.Accept(w, r, &coder.AcceptOptions{CompressionMode: coder.CompressionContextTakeover})
	if err != nil {
		return
	}
	defer conn.CloseNow()
	for {
		typ, data, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		if conn.Write(r.Context(), typ, data) != nil {
			return
		}
	}
}

func serveGorilla(w http.ResponseWriter, r *http.Request) {
	upgrader := gorilla.Upgrader{}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	for {
		typ, data, err := conn.ReadMessage()
		if err != nil || conn.WriteMessage(typ, data) != nil {
			return
		}
	}
}

func serveXnet(conn *xnet.Conn) {
	for {
		var text string
		if xnet.Message.Receive(conn, &text) != nil || xnet.Message.Send(conn, text) != nil {
			return
		}
	}
}

func dial(host string) error {
	for _, dial := range []func(string) error{dialCoder, dialGorilla, dialXnet} {
		if err := dial(host); err != nil {
			return err
		}
	}
	return nil
}

func dialCoder(host string) error {
	ctx := context.Background()
	conn, _, err := coder.Dial(ctx, "ws://"+host+"/coder", &coder.DialOptions{CompressionMode: coder.CompressionContextTakeover})
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	if err := conn.Write(ctx, coder.MessageText, []byte("hello from coder")); err != nil {
		return err
	}
	if _, _, err := conn.Read(ctx); err != nil {
		return err
	}
	fmt.Println("coder done")
	return conn.Close(coder.StatusNormalClosure, "done")
}

func dialGorilla(host string) error {
	conn, _, err := gorilla.DefaultDialer.Dial("ws://"+host+"/gorilla", nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.WriteMessage(gorilla.TextMessage, []byte("hello from gorilla")); err != nil {
		return err
	}
	if _, _, err := conn.ReadMessage(); err != nil {
		return err
	}
	bye := gorilla.FormatCloseMessage(gorilla.CloseNormalClosure, "done")
	if err := conn.WriteMessage(gorilla.CloseMessage, bye); err != nil {
		return err
	}
	conn.ReadMessage() // the peer's close frame
	fmt.Println("gorilla done")
	return nil
}

func dialXnet(host string) error {
	conn, err := xnet.Dial("ws://"+host+"/xnet", "", "http://"+host+"/")
	if err != nil {
		return err
	}
	if err := xnet.Message.Send(conn, "hello from x/net"); err != nil {
		return err
	}
	var text string
	if err := xnet.Message.Receive(conn, &text); err != nil {
		return err
	}
	fmt.Println("xnet done")
	return conn.Close()
}
