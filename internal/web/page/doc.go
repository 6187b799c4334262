// Package page is what all pages of the desk share: the frame around them, the look, who is looking, and what is shown when
// something went wrong.
//
// A family of pages (wire, agreements, partners …) has a struct for each page that embeds Base, templates that define "main",
// and handlers that return an error. Shell gives each handler its visit: the person, the language, the number of the request.
//
//	func (f *Family) Routes(mux *http.ServeMux) {
//		mux.Handle("GET /wire", f.shell.Signed(f.wire))
//	}
//
//	func (f *Family) wire(w http.ResponseWriter, r *http.Request) error {
//		return page.Render(w, r, http.StatusOK, f.list, listPage{Base: f.shell.Base(r, "wire", "wire.title"), …})
//	}
//
// What it promises: a page is sent whole or not at all; every page works before any script has run; nothing on it comes from
// elsewhere (the policy in the header says default-src 'self'); an error is a sentence in the reader's language with the number
// of the request, and never the text of a cause. What it never does: read tables, decide what somebody may do.
//
// A script asks for a part of a page with the header Newspool-Part: name, and gets the template "part:name" alone.
package page
