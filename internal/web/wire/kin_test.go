package wire

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"newspool/internal/fault"
	"newspool/internal/library"
	"newspool/internal/lineage"
	"newspool/internal/news"
	"newspool/internal/web/page"
	"newspool/internal/web/page/pagetest"
)

// Derive keeps what was made from another item, and Apply what answers a duty.

func (d *desk) Derive(ctx context.Context, person news.PersonID, m lineage.Made, s news.Draft) (library.Accepted, error) {
	if d.refuse != nil {
		return library.Accepted{}, d.refuse
	}
	d.note("%s of %s v%d", m.How, m.Source.Short(), m.Version)
	return d.Save(ctx, person, "", 0, s)
}

func (d *desk) Apply(ctx context.Context, person news.PersonID, duty int64, id news.ItemID, version int, s news.Draft, note string) (library.Accepted, error) {
	if duty == 9 {
		return library.Accepted{}, fault.New(fault.Conflict, "lineage.answered")
	}
	d.note("for duty %d", duty)
	if d.row(id).State == news.Unreleased {
		return d.Save(ctx, person, id, version, s)
	}
	return library.Accepted{Item: id, Version: version + 1}, d.Change(ctx, person, id, version, s, note)
}

// Around, Begin and Beside are what stands around items and forms.

func (d *desk) Around(_ *http.Request, item library.Item, own bool) (page.ItemParts, error) {
	return d.around[item.Item], nil
}

func (d *desk) Begin(r *http.Request, m lineage.Made, item news.ItemID, duty int64) (page.Beginning, error) {
	switch {
	case m.Source == "" && duty == 0:
		return page.Beginning{}, nil
	case m.Source == "":
		return page.Beginning{Beside: template.HTML(fmt.Sprintf("<p>beside: duty %d of %s</p>", duty, item.Short()))}, nil
	case d.refuse != nil && r.Method == http.MethodPost:
		return page.Beginning{Wrong: "It is refused."}, nil
	case d.refuse != nil:
		return page.Beginning{}, d.refuse
	}
	source := d.row(m.Source)
	s := d.stories[m.Source][source.Version]
	b := page.Beginning{
		Title: "Translate an item", Version: source.Version, Beside: template.HTML("<p>beside: " + s.Headline + "</p>"),
		Story: news.Story{Type: news.Text, Lang: "en", Slug: s.Slug, Subjects: s.Subjects, Credit: "Baltra Press"},
	}
	if m.Version != 0 && m.Version != source.Version {
		b.Wrong = "The source has changed."
	}
	return b, nil
}

// TestDerived has forms in which something is made from another item, or changed because of a source.
func TestDerived(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	strike := item("baltra.example", 10)
	from := "/new?how=translation&from=" + url.QueryEscape(strike.Short())
	body := ask(t, mux, "GET", from, "").Body.String()
	pagetest.Check(t, from, body)
	for _, part := range []string{
		"beside: Ferry crews in Baltra", `name="from" value="` + strike.Short() + `"`, `name="how" value="translation"`, `name="source-version" value="3"`, `value="Baltra Press"`, "Translate an item", `href="` + strikePath + `"`,
	} {
		if !strings.Contains(body, part) {
			t.Errorf("the form lacks %q", part)
		}
	}
	form := url.Values{"lang": {"en"}, "headline": {"Strike over"}, "body": {"It is over."}, "from": {strike.Short()}, "how": {"translation"}, "source-version": {"3"}}
	if w := ask(t, mux, "POST", "/new", form.Encode()); w.Code != 303 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	want := []string{"translation of " + strike.Short() + " v3", `save north.example/01934f00-0000-7000-8000-000000000099 "Strike over" <p>It is over.</p>`}
	if diff := cmp.Diff(want, d.acts); diff != "" {
		t.Error(diff)
	}
	d.acts = nil
	form.Set("headline", "")
	form.Set("source-version", "2")
	body = ask(t, mux, "POST", "/new", form.Encode()).Body.String()
	if !strings.Contains(body, "beside: Ferry crews") || !strings.Contains(body, "It is over.") || !strings.Contains(body, `name="source-version" value="3"`) {
		t.Error("a form with a mistake loses its source, or what was typed")
	}
	form.Set("headline", "Strike over")
	d.refuse = fault.New(fault.Denied, "terms.no.translate", "clause", "4.2", "partner", "Baltra Press")
	if w := ask(t, mux, "GET", from, ""); w.Code != 403 {
		t.Errorf("what is not permitted can be begun: %d", w.Code)
	}
	if w := ask(t, mux, "POST", "/new", form.Encode()); w.Code != 403 || !strings.Contains(text(w), "clause 4.2") || !strings.Contains(w.Body.String(), "It is over.") {
		t.Errorf("what is not permitted any more: %d, or what was typed is lost", w.Code)
	}
	if len(d.acts) > 0 {
		t.Errorf("kept all the same: %v", d.acts)
	}
	d.refuse = nil
	for _, path := range []string{railPath + "/correct", railPath + "/withdraw", draftPath + "/edit"} {
		body := ask(t, mux, "GET", path+"?duty=7", "").Body.String()
		if !strings.Contains(body, "beside: duty 7 of north.example") || !strings.Contains(body, "7\"") {
			t.Errorf("%s does not show what it is about, or forgets it", path)
		}
	}
	rail := url.Values{"lang": {"en"}, "headline": {"Rail"}, "body": {"One."}, "version": {"2"}, "class": {"correction"}, "why": {"It was wrong."}, "duty": {"7"}}
	ask(t, mux, "POST", railPath+"/correct", rail.Encode())
	ask(t, mux, "POST", draftPath+"/edit", url.Values{"lang": {"en"}, "headline": {"Vote"}, "body": {"One."}, "version": {"1"}, "duty": {"8"}, "act": {"draft"}}.Encode())
	want = []string{
		"for duty 7", "correction " + item("north.example", 6).Short() + ` "It was wrong.": <p>One.</p>`, "for duty 8", "save " + item("north.example", 12).Short() + ` "Vote" <p>One.</p>`,
	}
	if diff := cmp.Diff(want, d.acts); diff != "" {
		t.Error(diff)
	}
	rail.Set("duty", "9") // a colleague has answered it
	for _, path := range []string{railPath + "/correct", draftPath + "/edit"} {
		w := ask(t, mux, "POST", path, rail.Encode())
		if w.Code != 409 || !strings.Contains(w.Body.String(), "One.") || strings.Contains(w.Body.String(), `name="duty"`) {
			t.Errorf("%s for a duty that is answered: %d, or what was typed is lost, or it is answered again", path, w.Code)
		}
	}
}

// TestAroundItems puts the parts of another family where they belong.
func TestAroundItems(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	d.around = map[news.ItemID]page.ItemParts{item("north.example", 6): {
		Acts: "<b>acts</b>", Made: "<p>made</p>", Strips: "<p>strips</p>", Beside: "<section>beside</section>", Answer: "<form>answer</form>", Board: "<h2>board</h2>",
	}}
	body := ask(t, mux, "GET", railPath, "").Body.String()
	at := 0
	for _, part := range []string{"<b>acts</b>", "<p>made</p>", "<p>strips</p>", "<section>beside</section>", "The night train returns", "<form>answer</form>", "<h2>board</h2>"} {
		i := strings.Index(body[at:], part)
		if i < 0 {
			t.Fatalf("the page lacks %q, or it stands elsewhere", part)
		}
		at += i
	}
	if n := strings.Count(body, "The night train returns"); n != 1 {
		t.Errorf("the text stands there %d times", n)
	}
	if part := ask(t, mux, "GET", railPath, "", "Newspool-Part", "board").Body.String(); part != "<h2>board</h2>" {
		t.Errorf("the board alone is %q", part)
	}
}
