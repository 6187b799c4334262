package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"

	"newspool/internal/i18n"
)

//go:embed templates/*.html
var templates embed.FS

// partHeader names the part of a page that a script wants; unaskedHeader says that no person asked for it.
const (
	partHeader    = "Newspool-Part"
	unaskedHeader = "Newspool-Unasked"
)

// Parse reads the templates of one page, from the folder templates of fsys, together with the frame. The files must define "main"; they may define "head" (what
// else stands in <head>), "kind" (a class of the body) and "part:<name>" (what a script may ask for alone).
func Parse(fsys fs.FS, files ...string) (*template.Template, error) {
	t, err := template.New("frame.html").Funcs(Funcs()).ParseFS(templates, "templates/frame.html", "templates/parts.html")
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		if t, err = t.ParseFS(fsys, path.Join("templates", name)); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Funcs are what templates may call besides methods of their data. They know nothing of a request.
func Funcs() template.FuncMap {
	return template.FuncMap{
		"icon":    icon,
		"asset":   Asset,
		"dirof":   i18n.Direction,
		"ownname": i18n.OwnName,
	}
}

// Render sends a page, or the part of it that a script asked for. It is made whole before the first byte goes out: on an error
// nothing was sent.
func Render(w http.ResponseWriter, r *http.Request, status int, t *template.Template, data any) error {
	if part := r.Header.Get(partHeader); part != "" && t.Lookup("part:"+part) != nil {
		return RenderPart(w, r, status, t, part, data)
	}
	return execute(w, status, t, "frame.html", data)
}

// RenderPart sends the template "part:<name>" alone.
func RenderPart(w http.ResponseWriter, _ *http.Request, status int, t *template.Template, name string, data any) error {
	return execute(w, status, t, "part:"+name, data)
}

// Unstored keeps an answer that shows a secret out of every cache.
func Unstored(w http.ResponseWriter) { w.Header().Set("Cache-Control", "no-store") }

// Download sends a file to keep, out of every cache.
func Download(w http.ResponseWriter, kind, name string, b []byte) {
	Unstored(w)
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.Write(b) // who has gone does not get the rest
}

// Fragment makes the template "part:<name>" as text, for events of a stream.
func Fragment(t *template.Template, name string, data any) (string, error) {
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "part:"+name, data); err != nil {
		return "", fmt.Errorf("part %s: %w", name, err)
	}
	return b.String(), nil
}

// IsPart reports whether a script asks for a part of the page.
func IsPart(r *http.Request, name string) bool { return r.Header.Get(partHeader) == name }

// Unasked reports whether a page keeps itself current by itself: what is sent then was not opened by anybody.
func Unasked(r *http.Request) bool { return r.Header.Get(unaskedHeader) != "" }

func execute(w http.ResponseWriter, status int, t *template.Template, name string, data any) error {
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name, data); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "private, no-cache")
	}
	h.Set("Vary", "Cookie, Accept-Language, "+partHeader)
	w.WriteHeader(status)
	w.Write(b.Bytes()) // who has closed the page does not get the rest, and nobody needs to hear of it
	return nil
}
