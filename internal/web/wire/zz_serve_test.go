package wire

import (
	"net/http"
	"os"
	"testing"
)

func TestZZServe(t *testing.T) {
	if os.Getenv("SERVE") == "" {
		return
	}
	serve := func(d *desk, addr string) {
		mux := start(t, d)
		outer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			d.mu.Lock()
			d.person.Lang = q.Get("ui")
			d.person.Theme = q.Get("th")
			d.person.Compact = q.Get("compact") != ""
			d.mu.Unlock()
			r.AddCookie(&http.Cookie{Name: "newspool-a1a1a1a1", Value: "good"})
			r.AddCookie(&http.Cookie{Name: "newspool-c3c3c3c3", Value: "good"})
			mux.ServeHTTP(w, r)
		})
		http.ListenAndServe(addr, outer)
	}
	go serve(newDesk(avand), "127.0.0.1:8098")
	serve(newDesk(north), "127.0.0.1:8099")
}
