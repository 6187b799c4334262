package agreements

import (
	"net/http"
	"os"
	"testing"
)

func TestZZServe(t *testing.T) {
	if os.Getenv("SERVE") == "" {
		return
	}
	d := newDesk(t)
	http.ListenAndServe("127.0.0.1:8121", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		d.mu.Lock()
		d.person.Lang, d.person.Theme = q.Get("ui"), q.Get("th")
		d.mu.Unlock()
		r.AddCookie(&http.Cookie{Name: "newspool-a1a1a1a1", Value: "good"})
		d.mux.ServeHTTP(w, r)
	}))
}
