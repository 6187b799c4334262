package wire

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/web/page"
	"newspool/internal/web/signin"
)

type pp struct{ *desk }

func (p pp) SignIn(_ context.Context, l, pw, a, b string) (string, time.Time, error) {
	return "", time.Time{}, fault.New(fault.Denied, "people.signin_refused")
}
func (p pp) SignOut(context.Context, string, string) error { return nil }

func TestZZServe(t *testing.T) {
	if os.Getenv("SERVE") == "" {
		return
	}
	serve := func(d *desk, addr string) {
		b, _ := i18n.Load()
		shell, err := page.New(page.Options{
			Bundle: b, Root: d.own, House: d, Sessions: d, Zone: zone(), Clock: func() time.Time { return now },
			Nav: []page.Entry{{Name: "wire", Href: "/wire", Key: "g w"}, {Name: "agreements", Href: "/agreements", Key: "g a"}, {Name: "partners", Href: "/partners", Key: "g p"}, {Name: "settings", Href: "/settings", Key: "g s"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		f, err := New(Options{Shell: shell, Root: d.own, Library: d, Desk: d, Directory: d, Exchange: d, Use: d, Writing: d, Bell: d, Preferences: d})
		if err != nil {
			t.Fatal(err)
		}
		g, err := signin.New(signin.Options{Shell: shell, People: pp{d}})
		if err != nil {
			t.Fatal(err)
		}
		mux := http.NewServeMux()
		shell.Routes(mux)
		f.Routes(mux)
		g.Routes(mux)
		outer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			if q.Get("ui") != "" {
				d.mu.Lock()
				d.person.Lang = q.Get("ui")
				d.person.Theme = q.Get("th")
				d.person.Compact = q.Get("compact") != ""
				d.mu.Unlock()
			}
			if r.URL.Path == "/zz-empty" {
				d.rows = nil
				return
			}
			if r.URL.Path == "/zz-new" {
				d.mu.Lock()
				r := d.row(item("soren.example", 9))
				r.N, r.State, r.Version = int64(len(d.rows)+1), news.Withdrawn, 3
				d.add(library.Row{Item: item("soren.example", 100+len(d.rows)), Origin: soren, Lang: "ru", Slug: "ЯРМАРКА", Headline: "Ярмарка откроется в пятницу", Arrived: at("14:06"), Urgency: 1}, "<p>Ярмарка.</p>")
				d.mu.Unlock()
				d.ring <- struct{}{}
				return
			}
			if r.URL.Path != "/signin" {
				r.AddCookie(&http.Cookie{Name: "newspool-a1a1a1a1", Value: "good"})
				r.AddCookie(&http.Cookie{Name: "newspool-c3c3c3c3", Value: "good"})
			} else if q.Get("lang") != "" {
				r.AddCookie(&http.Cookie{Name: "newspool-a1a1a1a1-lang", Value: q.Get("lang")})
				r.AddCookie(&http.Cookie{Name: "newspool-a1a1a1a1-theme", Value: q.Get("theme")})
			}
			if strings.HasPrefix(r.Header.Get("Accept"), "*/*") {
				r.Header.Set("Accept", "text/html")
			}
			mux.ServeHTTP(w, r)
		})
		http.ListenAndServe(addr, outer)
	}
	go serve(newDesk(avand), "127.0.0.1:8098")
	serve(newDesk(north), "127.0.0.1:8099")
}
