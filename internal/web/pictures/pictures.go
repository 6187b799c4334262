// Package pictures serves photos, sounds and films to the people of the newsroom, in a way that nothing in them can act: with a
// type from a short list, in a sandbox, never as a page.
package pictures

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"newspool/internal/fault"
	"newspool/internal/library"
	"newspool/internal/media"
	"newspool/internal/news"
	"newspool/internal/web/page"
)

// Items says what may be done with an item.
type Items interface {
	Item(ctx context.Context, id news.ItemID) (library.Item, error)
}

// Family is the paths of media. It is safe for concurrent use.
type Family struct {
	shell *page.Shell
	media *media.Service
	items Items
}

// New makes the family.
func New(shell *page.Shell, m *media.Service, items Items) *Family { return &Family{shell, m, items} }

// Routes adds the paths.
func (f *Family) Routes(mux *http.ServeMux) {
	mux.Handle("GET /media/{id}", f.shell.Signed(f.whole))
	mux.Handle("GET /media/{id}/small", f.shell.Signed(f.small))
}

// shown lists the types that a browser may show; all others are downloads.
func shown(kind string) bool {
	switch kind {
	case "image/jpeg", "image/png", "image/webp", "image/gif", "audio/mpeg", "audio/ogg", "video/mp4", "video/webm":
		return true
	}
	return false
}

// find gives a medium that belongs to an item which is not withdrawn, or one of our own that belongs to none yet: a story is
// being written with it.
func (f *Family) find(r *http.Request) (media.Medium, error) {
	m, items, err := f.media.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return m, err
	}
	if len(items) == 0 && m.Own {
		return m, nil
	}
	for _, id := range items {
		item, err := f.items.Item(r.Context(), id)
		if err == nil && (item.Own || item.State != news.Withdrawn) {
			return m, nil
		}
	}
	return m, fault.New(fault.NotFound, "fault.not_found")
}

// guard sets the headers of an answer, and reports whether the browser has it already. A browser may keep a picture, and asks
// each time whether it may still show it: the item may have been withdrawn.
func guard(w http.ResponseWriter, r *http.Request, kind, tag string) (same bool) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", `"`+tag+`"`)
	if same = r.Header.Get("If-None-Match") == `"`+tag+`"`; same {
		w.WriteHeader(http.StatusNotModified)
	}
	return same
}

func (f *Family) whole(w http.ResponseWriter, r *http.Request) error {
	m, err := f.find(r)
	if err != nil {
		return err
	}
	body, err := f.media.Open(r.Context(), m, 0)
	if err != nil {
		return err
	}
	defer body.Close()
	kind := m.Type
	if !shown(kind) {
		kind = "application/octet-stream"
		w.Header().Set("Content-Disposition", "attachment")
	}
	if guard(w, r, kind, m.SHA256) {
		return nil
	}
	w.Header().Set("Content-Length", strconv.FormatInt(m.Size, 10))
	_, err = io.Copy(w, body)
	return err
}

func (f *Family) small(w http.ResponseWriter, r *http.Request) error {
	m, err := f.find(r)
	if err != nil {
		return err
	}
	b, err := f.media.Thumb(r.Context(), m.ID)
	if err != nil {
		return err
	}
	if guard(w, r, "image/jpeg", m.SHA256+"-small") {
		return nil
	}
	_, err = w.Write(b)
	return err
}
