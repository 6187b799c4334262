package setup

import (
	"net/http"
	"strings"

	"newspool/internal/i18n"
	"newspool/internal/partner"
	"newspool/internal/store"
	"newspool/internal/web/page"
)

// keyPage hands out the root key.
type keyPage struct {
	frame
	Name    string
	Words   []string
	Problem string
}

// ticketed lets the browser through that set the node up; others are led to the desk. The key must still be here.
func (f *Family) ticketed(w http.ResponseWriter, r *http.Request) (t ticket, file []byte, words string, ok bool, err error) {
	t, ok = f.ticketOf(r)
	if ok {
		file, words, err = f.o.RootKey.Key(r.Context())
		ok = len(file) > 0
	}
	if !ok && err == nil {
		http.Redirect(w, r, "/signin", http.StatusSeeOther)
	}
	return t, file, words, ok, err
}

func (f *Family) showKey(w http.ResponseWriter, r *http.Request, p *i18n.Printer) error {
	t, _, words, ok, err := f.ticketed(w, r)
	if err != nil || !ok {
		return err
	}
	domain := f.o.Newsroom.Self().Domain
	if err := f.note(r, t.person, "partner.act_root_shown", domain, map[string]any{"domain": domain}); err != nil {
		return err
	}
	return f.keyWith(w, http.StatusOK, p, words, "")
}

func (f *Family) keyWith(w http.ResponseWriter, status int, p *i18n.Printer, words, problem string) error {
	return f.send(w, status, f.key, keyPage{frame: newFrame(p, "/setup/key", p.T("setup.key.title"), 2), Name: partner.NameIn(f.o.Newsroom.Self(), p.Lang()), Words: strings.Fields(words), Problem: problem})
}

func (f *Family) keyFile(w http.ResponseWriter, r *http.Request, _ *i18n.Printer) error {
	t, file, _, ok, err := f.ticketed(w, r)
	if err != nil || !ok {
		return err
	}
	domain := f.o.Newsroom.Self().Domain
	if err := f.note(r, t.person, "partner.act_root_shown", domain, map[string]any{"domain": domain}); err != nil {
		return err
	}
	page.Download(w, "text/plain; charset=utf-8", domain+"-root-key.txt", file)
	return nil
}

// putAway takes the word of the person that the key is stored elsewhere, and ends the ticket.
func (f *Family) putAway(w http.ResponseWriter, r *http.Request, p *i18n.Printer) error {
	t, _, words, ok, err := f.ticketed(w, r)
	if err != nil || !ok {
		return err
	}
	if err := page.ParseForm(w, r, maxForm); err != nil {
		return err
	}
	if r.PostForm.Get("sure") != "yes" {
		return f.keyWith(w, http.StatusUnprocessableEntity, p, words, p.T("partner.root_sure"))
	}
	domain := f.o.Newsroom.Self().Domain
	act := f.act(r, t.person, "partner.act_root_stored", domain, map[string]any{"domain": domain})
	if err := f.o.RootKey.Stored(r.Context(), func(tx *store.Tx) error { return f.o.Audit.Audit(tx, act) }); err != nil {
		return err
	}
	f.mu.Lock()
	clear(f.tickets)
	f.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: cookie, Path: "/setup", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
	return nil
}
