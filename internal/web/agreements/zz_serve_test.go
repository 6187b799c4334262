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
		if r.URL.Path == "/zz" {
			d.preview(w, r, q.Get("act"))
			return
		}
		d.mux.ServeHTTP(w, r)
	}))
}

// preview answers a GET with what the editor says to its own fields.
func (d *desk) preview(w http.ResponseWriter, r *http.Request, act string) {
	q := r.URL.Query()
	path := q.Get("path")
	form := fields(d.t, body(d.t, d.send("GET", path, nil)))
	for i := range 9 {
		if form.Has(at("p", i, "signer")) {
			form.Set(at("p", i, "signer"), "Somebody"+string(rune('A'+i)))
			form.Set(at("p", i, "office"), "publisher")
		}
	}
	for k, v := range q {
		if k != "path" {
			form[k] = v
		}
	}
	form.Set("act", act)
	to := "/agreements/new/terms"
	if q.Get("to") != "" {
		to = q.Get("to")
	}
	w.Write([]byte(body(d.t, d.send("POST", to, form))))
}
