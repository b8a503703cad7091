package metrics

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"
)

// What those who ask may cost.
const (
	maxClients     = 16 // connections at once; more have to wait
	maxHeaderBytes = 4 << 10
	requestTimeout = 5 * time.Second
	answerTimeout  = 10 * time.Second
	idleTimeout    = 2 * time.Minute // Prometheus asks every minute at least, and keeps its connection
)

// Serve answers GET /metrics and GET /healthz until the listener is closed, whose
// error it returns. The run is healthy while packets can come and Stats was
// called within patience, for which 0 means ever.
func (m *Metrics) Serve(l net.Listener, patience time.Duration) error {
	began := time.Now()
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if err := m.health(began, patience); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, "ok\n")
	})
	s := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: requestTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          log.New(io.Discard, "", 0), // what clients do wrong
	}
	return s.Serve(netutil.LimitListener(l, maxClients))
}

// health is what keeps the run from reading packets, if anything does.
func (m *Metrics) health(began time.Time, patience time.Duration) error {
	at, t := began, m.latest.Load()
	if t != nil {
		if t.Down != "" {
			return fmt.Errorf("no packets can come: %s", t.Down)
		}
		at = t.at
	}
	if silence := time.Since(at); patience > 0 && silence > patience {
		return fmt.Errorf("no packets are read: the last tick was %d seconds ago", int(silence.Seconds()))
	}
	return nil
}
