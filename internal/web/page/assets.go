package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

//go:embed static
var static embed.FS

// asset is one file as it is sent.
type asset struct {
	path   string // below /static/, with the hash of the content
	kind   string
	plain  []byte
	packed []byte // gzip; nil where that gains nothing
}

type assetTable struct {
	byName map[string]*asset // "desk.css", "js/wire.js", "fonts/inter-latin.woff2"
	byPath map[string]*asset
}

// assets reads the files once. desk.css is all files of static/css in the order of their names, which is that of their
// layers; names of fonts in it are replaced by those that are sent.
var assets = sync.OnceValue(func() assetTable {
	t := assetTable{byName: map[string]*asset{}, byPath: map[string]*asset{}}
	var css []byte
	err := fs.WalkDir(static, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := static.ReadFile(name)
		if err != nil {
			return err
		}
		name = strings.TrimPrefix(name, "static/")
		if path.Ext(name) == ".css" {
			css = append(append(css, raw...), '\n')
			return nil
		}
		t.add(name, raw)
		return nil
	})
	if err != nil {
		panic(err) // the files are compiled in
	}
	t.add("desk.css", inCSS.ReplaceAllFunc(css, func(m []byte) []byte {
		name := string(inCSS.FindSubmatch(m)[1])
		return fmt.Appendf(nil, "url(%s)", t.path(name))
	}))
	return t
})

var inCSS = regexp.MustCompile(`url\(([^)]+)\)`)

var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8",
}

func (t *assetTable) add(name string, raw []byte) {
	sum := sha256.Sum256(raw)
	ext := path.Ext(name)
	a := &asset{path: strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext, kind: kinds[ext], plain: raw}
	if ext != ".woff2" {
		var b bytes.Buffer
		z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is a valid one
		z.Write(raw)
		z.Close()
		a.packed = b.Bytes()
	}
	t.byName[name], t.byPath[a.path] = a, a
}

func (t *assetTable) path(name string) string {
	a := t.byName[name]
	if a == nil {
		panic("page: no asset " + name)
	}
	return "/static/" + a.path
}

// Asset is the path of a style, script, font or picture, with the hash of its content in the name. An unknown name panics:
// templates are executed in tests.
func Asset(name string) string {
	t := assets()
	return t.path(name)
}

// Assets adds the style, the scripts and the fonts to a site. A Shell does it by itself.
func Assets(mux *http.ServeMux) {
	mux.Handle("GET /static/{name...}", http.HandlerFunc(serveAsset))
}

// serveAsset sends an asset. A name never changes its content, so browsers keep it for good.
func serveAsset(w http.ResponseWriter, r *http.Request) {
	Guard(w.Header())
	a := assets().byPath[r.PathValue("name")]
	if a == nil {
		http.Error(w, http.StatusText(http.StatusNotFound), http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	body := a.plain
	if a.packed != nil {
		h.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = a.packed
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body) // who has gone does not get the rest
}
