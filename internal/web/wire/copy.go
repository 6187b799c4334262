package wire

import (
	"html"
	"net/http"
	"strconv"
	"strings"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/news"
	"newspool/internal/web/page"
	"newspool/internal/web/page/compare"
)

func errBadRequest(err error) error {
	return fault.New(fault.Invalid, "fault.request").Because(err)
}

// copyPage is a text that was taken out: for the clipboard, or to be copied by hand.
type copyPage struct {
	page.Base
	Headline string
	Lang     string
	Dir      string
	Type     string // media type of Text
	Text     string
	Plain    string // the same without marks, where Text is HTML
	Path     string
	Credit   string
}

// copyText judges and notes the use, and gives the text with its credit line.
func (f *Family) copyText(w http.ResponseWriter, r *http.Request) error {
	person := page.PersonOf(r)
	id := itemOf(r)
	item, err := f.o.Library.Item(r.Context(), id)
	if err != nil {
		return err
	}
	version := item.Version
	if n, err := strconv.Atoi(r.PostForm.Get("version")); err == nil && n != version {
		return fault.New(fault.Conflict, "item.changed_meanwhile")
	}
	story, err := f.o.Library.Version(r.Context(), id, version)
	if err != nil {
		return err
	}
	form := CopyText
	if r.PostForm.Get("form") == string(CopyHTML) {
		form = CopyHTML
	}
	credit, err := f.o.Use.Take(r.Context(), person.ID, id, version, form)
	if err != nil {
		return err
	}
	photos := photoCredits(f.o.Shell.Speak(string(story.Lang)), story)
	p := copyPage{
		Base: f.o.Shell.Base(r, "wire", "item.copied"), Headline: story.Headline, Lang: string(story.Lang), Dir: i18n.Direction(string(story.Lang)),
		Type: "text/plain", Text: plainCopy(story, credit, photos), Path: page.ItemPath(id), Credit: credit,
	}
	if form == CopyHTML {
		p.Type, p.Plain, p.Text = "text/html", p.Text, htmlCopy(story, credit)
	}
	return page.Render(w, r, http.StatusOK, f.take, p)
}

// plainCopy is headline, byline, text, credit and who made the photos, with blank lines between.
func plainCopy(s news.Story, credit string, photos []string) string {
	parts := []string{s.Headline, s.Byline, plainBody(page.WithDateline(s.Body, s.Dateline, "", "")), credit, strings.Join(photos, "\n")}
	out := parts[:0]
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "\n\n") + "\n"
}

// plainBody is a sanitised body as text, with a blank line between paragraphs.
func plainBody(body string) string {
	var out []string
	for body != "" {
		n := compare.BlockEnd(body)
		lines := strings.Split(news.PlainText(body[:n]), "\n")
		var kept []string
		for _, l := range lines {
			if l = strings.TrimSpace(l); l != "" {
				kept = append(kept, l)
			}
		}
		if len(kept) > 0 {
			out = append(out, strings.Join(kept, "\n"))
		}
		body = body[n:]
	}
	return strings.Join(out, "\n\n")
}

// htmlCopy is headline, byline, text and credit with marks, in the language and direction of the story. It has no photos: they
// are not where the text goes.
func htmlCopy(s news.Story, credit string) string {
	var b strings.Builder
	b.WriteString(`<article lang="` + html.EscapeString(string(s.Lang)) + `" dir="` + i18n.Direction(string(s.Lang)) + `">` + "\n")
	line := func(tag, text string) {
		if text != "" {
			b.WriteString("<" + tag + ">" + html.EscapeString(text) + "</" + tag + ">\n")
		}
	}
	line("h1", s.Headline)
	line("p", s.Byline)
	b.WriteString(page.WithDateline(s.Body, s.Dateline, "", "") + "\n")
	line("p", credit)
	b.WriteString("</article>\n")
	return b.String()
}
