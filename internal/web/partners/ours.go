package partners

import (
	"net/http"
	"strings"

	"newspool/internal/fault"
	"newspool/internal/web/page"
)

// oursPage is what we say about ourselves.
type oursPage struct {
	page.Base
	profile
	Wait bool // the root key was not put away
}

func (f *Family) showOurs(w http.ResponseWriter, r *http.Request) error {
	d := oursPage{Base: f.o.Shell.Base(r, "partners", "partner.ours.title")}
	keys, err := f.o.Own.MyKeys()
	if err != nil {
		return err
	}
	d.profile = profileOf(d.P, f.o.Own.Self(), keys, true)
	if d.Wait, err = f.o.RootKey.Waiting(r.Context()); err != nil {
		return err
	}
	return page.Render(w, r, http.StatusOK, f.ours, d)
}

// identity gives our identity document as a file to hand out.
func (f *Family) identity(w http.ResponseWriter, _ *http.Request) error {
	doc := f.o.Own.Document()
	if doc == nil {
		return fault.New(fault.NotFound, "setup.not_done")
	}
	page.Download(w, "application/json", f.o.Own.Self().Domain+".newspool.json", doc)
	return nil
}

// rootKeyPage is where the root key is handed out.
type rootKeyPage struct {
	page.Base
	Wait  bool
	Gone  bool     // it is not on this machine
	Words []string // where somebody asked for them
}

func (f *Family) showRootKey(w http.ResponseWriter, r *http.Request) error {
	return f.rootKeyWith(w, r, nil)
}

func (f *Family) rootKeyWith(w http.ResponseWriter, r *http.Request, words []string) error {
	d := rootKeyPage{Base: f.o.Shell.Base(r, "partners", "partner.root.title"), Words: words}
	d.Back = "/partners/root-key"
	var err error
	if d.Wait, err = f.o.RootKey.Waiting(r.Context()); err != nil {
		return err
	}
	file, _, err := f.o.RootKey.Key(r.Context())
	if err != nil {
		return err
	}
	d.Gone = len(file) == 0
	page.Unstored(w)
	return page.Render(w, r, http.StatusOK, f.rootKey, d)
}

// handOut gives the key, as a file or as words. Both are noted.
func (f *Family) handOut(w http.ResponseWriter, r *http.Request) error {
	file, words, err := f.o.RootKey.Key(r.Context())
	if err != nil {
		return err
	}
	if len(file) == 0 {
		return fault.New(fault.NotFound, "partner.root_gone")
	}
	domain := f.o.Own.Self().Domain
	if err := f.note(r, "partner.act_root_shown", domain, map[string]any{"domain": domain}); err != nil {
		return err
	}
	if r.PostForm.Get("as") == "file" {
		page.Download(w, "text/plain; charset=utf-8", domain+"-root-key.txt", file)
		return nil
	}
	return f.rootKeyWith(w, r, strings.Fields(words))
}

// putAway takes the word of a person that the key is stored elsewhere.
func (f *Family) putAway(w http.ResponseWriter, r *http.Request) error {
	if r.PostForm.Get("sure") != "yes" {
		return fault.New(fault.Invalid, "partner.root_sure")
	}
	domain := f.o.Own.Self().Domain
	if err := f.o.RootKey.Stored(r.Context(), f.with(r, "partner.act_root_stored", domain, map[string]any{"domain": domain})); err != nil {
		return err
	}
	return f.o.Shell.Done(w, r, "/partners", "partner.done.root_stored")
}
