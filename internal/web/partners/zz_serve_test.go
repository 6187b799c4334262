package partners

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
	http.ListenAndServe("127.0.0.1:8122", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		d.mu.Lock()
		d.person.Lang, d.person.Theme = q.Get("ui"), q.Get("th")
		d.mu.Unlock()
		if r.URL.Path == "/zz" {
			resp := d.send("POST", q.Get("path"), "address", q.Get("address"), "as", q.Get("as"))
			w.WriteHeader(resp.StatusCode)
			b := make([]byte, 1<<20)
			for {
				n, err := resp.Body.Read(b)
				w.Write(b[:n])
				if err != nil {
					return
				}
			}
		}
		r.AddCookie(&http.Cookie{Name: "newspool-" + string(d.north.root[:8]), Value: "good"})
		d.mux.ServeHTTP(w, r)
	}))
}
