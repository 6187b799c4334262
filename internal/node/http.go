package node

import (
	"encoding/json"
	"net/http"
	"time"

	"newspool/internal/store"
)

// serveAll makes the handler of a node that knows who it is.
func (n *Node) serveAll() error {
	mux := http.NewServeMux()
	n.server.Routes(mux)
	n.health(mux)
	return n.answerWith(mux)
}

// serveSetup makes the handler of a node that has not been set up.
func (n *Node) serveSetup() error {
	mux := http.NewServeMux()
	n.health(mux)
	return n.answerWith(mux)
}

func (n *Node) answerWith(h http.Handler) error {
	n.handler.Store(&h)
	return nil
}

// health answers the two questions of a supervisor: is the process alive, and can it work.
func (n *Node) health(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		err := n.DB.Read(r.Context(), func(rd store.Reader) error {
			var one int
			return rd.QueryRow(`SELECT 1`).Scan(&one)
		})
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			json.NewEncoder(w).Encode(map[string]any{"ready": false, "why": "database"})
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"ready": true, "database_ms": float64(time.Since(began).Microseconds()) / 1000, "set_up": n.Exchange.Root() != ""})
	})
}
