package page

import "net/http"

// Assets adds the style, the scripts and the fonts to a site that has no Shell: that of a node without a newsroom.
func Assets(mux *http.ServeMux) {
	mux.Handle("GET /static/{name...}", http.HandlerFunc(serveAsset))
}

// Guard sets the headers that every page has: nothing from elsewhere, in nobody's frame. A Shell does it by itself.
func Guard(h http.Header) { setHeaders(h) }
