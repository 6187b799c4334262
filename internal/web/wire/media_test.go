package wire

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"newspool/internal/fault"
	"newspool/internal/library"
	"newspool/internal/media"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/internal/web/page"
	"newspool/internal/web/page/pagetest"
)

var sum = strings.Repeat("ab", 32)

// TestFigures shows a photo that is here, one that is on its way, one that did not come, and one that is only named.
func TestFigures(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	id := d.add(library.Row{Item: item("baltra.example", 50), Origin: baltra, Lang: "en", Headline: "Regatta", Arrived: at("14:06"), HasMedia: true}, "<p>Boats raced.</p>")
	s := d.stories[id][1]
	for _, one := range []string{"here", "wanted", "failed"} {
		s.Media = append(s.Media, news.Media{ID: one, SHA256: sum, Of: news.Picture, Type: "image/jpeg", Size: 2_400_000, Width: 4000, Height: 2000, Caption: "Caption " + one, Byline: "A. Holm", Credit: "Baltra Press"})
		d.media[one] = media.Medium{ID: one, SHA256: sum, Type: "image/jpeg", State: media.State(one), Thumb: one == "here"}
	}
	s.Media = append(s.Media, news.Media{Caption: "Only named"}, news.Media{ID: "sound", SHA256: sum, Of: news.Audio, Size: 5000})
	d.media["sound"] = media.Medium{ID: "sound", SHA256: sum, State: media.Here}
	s.Media = append(s.Media, news.Media{ID: "taken", SHA256: sum, Of: news.Picture})
	d.media["taken"] = media.Medium{ID: "taken", SHA256: strings.Repeat("cd", 32), State: media.Here, Thumb: true} // the id names other bytes
	d.stories[id][1] = s
	body := text(ask(t, mux, "GET", page.ItemPath(id), ""))
	pagetest.Check(t, "figures", body)
	for _, want := range []string{
		`<a class="pic" href="/media/here" target="_blank" rel="noopener"><img src="/media/here/small" width="480" height="240"`, `Caption here</p>`, "<bdi>A. Holm</bdi> / <bdi>Baltra Press</bdi>", "<span>Photo</span><span>4000 × 2000, 2.4 MB</span>",
		"It is being fetched from Baltra Press.", `<svg width="480" height="240" viewBox="0 0 480 240"`, "It has not come from Baltra Press", "The file itself is not here.", `<a class="file" href="/media/sound"`, "<span>Audio</span><span>5",
		`data-part="photos"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the item does not say %q", want)
		}
	}
	if n := strings.Count(body, "<img"); n != 1 {
		t.Errorf("%d pictures, want 1", n)
	}
	if part := ask(t, mux, "GET", page.ItemPath(id), "", "Newspool-Part", "photos").Body.String(); !strings.HasPrefix(strings.TrimSpace(part), "<h3>") {
		t.Errorf("the photos alone: %.80s", part)
	}
	plain := text(ask(t, mux, "POST", page.ItemPath(id)+"/copy", "form=text&version=1"))
	if n := strings.Count(plain, "Photo: A. Holm/Baltra Press"); n != 1 {
		t.Errorf("the text names who made the photos %d times", n)
	}
	marked := text(ask(t, mux, "POST", page.ItemPath(id)+"/copy", "form=html&version=1"))
	if strings.Contains(marked, "<img") || strings.Contains(marked, "&lt;img") || strings.Contains(marked, "/media/") {
		t.Error("the HTML has a photo in it")
	}
}

// TestPicture shows a photo that is an item of its own above its text, and its caption once.
func TestPicture(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	id := d.add(library.Row{Item: item("avand.example", 51), Origin: avand, Lang: "fa", Type: news.Picture, Headline: "قایق", Arrived: at("14:06")}, "<p>قایقی در بندر.</p>")
	s := d.stories[id][1]
	s.Media = []news.Media{{ID: "m", SHA256: sum, Of: news.Picture, Width: 300, Height: 200, Caption: "قایقی در بندر.", Byline: "مهری آوندی"}}
	d.stories[id][1] = s
	d.media["m"] = media.Medium{ID: "m", SHA256: sum, State: media.Here, Thumb: true}
	body := text(ask(t, mux, "GET", page.ItemPath(id), ""))
	pagetest.Check(t, "picture", body)
	photo, story := strings.Index(body, `<img src="/media/m/small" width="300" height="200"`), strings.Index(body, `<div class="story"`)
	if photo < 0 || story < photo || strings.Count(body, "قایقی در بندر.") != 1 {
		t.Errorf("photo at %d, text at %d, caption %d times", photo, story, strings.Count(body, "قایقی در بندر."))
	}
	if plain := text(ask(t, mux, "POST", page.ItemPath(id)+"/copy", "form=text&version=1")); !strings.Contains(plain, "عکس: مهری آوندی") {
		t.Error("the credit of the photo is not in the language of the story")
	}
}

// TestOwnUrgent has an urgent story of the own desk that this reader has not seen: pinned, and not drawn as read.
func TestOwnUrgent(t *testing.T) {
	d := newDesk(north)
	id := d.add(library.Row{Item: item("north.example", 70), Origin: north, Lang: "en", Headline: "Harbour closed", Arrived: at("14:06"), Urgency: 1}, "<p>Closed.</p>")
	body := text(ask(t, start(t, d), "GET", "/wire", ""))
	if !strings.Contains(body, `<li class="row" id="r-`+strconv.FormatInt(d.rows[len(d.rows)-1].N, 10)+`" data-item="`+id.Short()+`"`) {
		t.Error("an urgent story that is not seen yet is drawn as read, or not there")
	}
}

// TestOnePartnerOnce has one partner get an item under one agreement and not under another.
func TestOnePartnerOnce(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	id := item("north.example", 6)
	d.deliveries[id] = []Delivery{
		{Number: 2, Agreement: "ag3", Partner: soren, State: Refused, Clause: "2.2", Why: terms.Line{Key: "terms.no.partner", Args: map[string]any{"partner": "x"}}},
		{Number: 2, Agreement: "ag2", Partner: soren, State: Delivered, Durable: at("13:32")}, {Number: 2, Agreement: "ag1", Partner: baltra, State: Delivered, Durable: at("13:32")},
		{Number: 2, Agreement: "ag4", Partner: baltra, State: Delivered, Durable: at("13:33")}, {Number: 2, Agreement: "ag3", Partner: avand, State: Refused, Clause: "2.2"},
	}
	body := text(ask(t, mux, "GET", railPath, ""))
	pagetest.Check(t, "one partner", body)
	for _, want := range []string{"2 of 2 hold it", "Not under the agreement with Avand News.", "Also under the agreement with South Post.", ">Clause 2.2</a>"} {
		if !strings.Contains(body, want) {
			t.Errorf("the item does not say %q", want)
		}
	}
	if n := strings.Count(body, `<span class="state">`); n != 3 {
		t.Errorf("%d partners, want 3", n)
	}
}

// TestWaitsForAnotherDay has an item wait for the next day: it is not refused, and the page says until when.
func TestWaitsForAnotherDay(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	d.deliveries[item("north.example", 6)] = []Delivery{
		{Number: 2, Agreement: "ag2", Partner: soren, State: Waiting, Until: at("23:59"), Clause: "6", Why: terms.Line{Key: "terms.wait.records", Args: map[string]any{"partner": "Radio Soren", "clause": "6", "n": 40}}},
		{Number: 2, Agreement: "ag1", Partner: baltra, State: Waiting, Why: terms.Line{Key: "exchange.unconfirmed"}},
	}
	body := text(ask(t, mux, "GET", railPath, ""))
	pagetest.Check(t, "waits", body)
	for _, want := range []string{"0 of 2 hold it", "waits until</span> <time", "<span>waits</span>", "the limit is 40 records a day", "Nothing is sent under this agreement yet"} {
		if !strings.Contains(body, want) {
			t.Errorf("the item does not say %q", want)
		}
	}
	for _, wrong := range []string{"No agreement takes it.", "not sent"} {
		if strings.Contains(body, wrong) {
			t.Errorf("the item says %q", wrong)
		}
	}
}

// send posts a form with files: name, content, name, content …
func send(t *testing.T, mux http.Handler, path string, fields map[string][]string, files ...string) *httptest.ResponseRecorder {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for name, all := range fields {
		for _, v := range all {
			if err := m.WriteField(name, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := 0; i+1 < len(files); i += 2 {
		w, err := m.CreateFormFile("photo", files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	m.Close()
	return ask(t, mux, "POST", path, b.String(), "Content-Type", m.FormDataContentType())
}

// fieldsOf reads the fields of the photos back from a form.
func fieldsOf(body string) map[string][]string {
	out := map[string][]string{"photos": {"yes"}}
	for _, m := range regexp.MustCompile(`name="(m-[a-z]+)" value="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		if m[1] != "m-gone" {
			out[m[1]] = append(out[m[1]], m[2])
		}
	}
	for _, m := range regexp.MustCompile(`name="m-caption"[^>]*>([^<]*)<`).FindAllStringSubmatch(body, -1) {
		out["m-caption"] = append(out["m-caption"], m[1])
	}
	return out
}

func TestPhotosOfTheForm(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	typed := map[string][]string{"lang": {"en"}, "headline": {"Ferry"}, "body": {"Typed so far."}, "photos": {"yes"}, "act": {"release"}}
	w := send(t, mux, "/new", typed, "good.jpg", "photo 1", "broken.jpg", "no picture", "good.jpg", "photo 1")
	body := text(w)
	pagetest.Check(t, "form", body)
	if w.Code != 422 || !strings.Contains(body, "broken.jpg: This is not a picture that can be read.") || !strings.Contains(body, "Typed so far.") {
		t.Fatalf("%d %s", w.Code, body)
	}
	if n := strings.Count(body, `src="/media/`); n != 1 {
		t.Fatalf("%d photos in the form, want 1: the same one counts once", n)
	}
	if len(d.acts) != 0 {
		t.Fatalf("a form with a broken photo was kept: %v", d.acts)
	}
	again := fieldsOf(body)
	if diff := cmp.Diff(map[string][]string{"photos": {"yes"}, "m-id": {"added-1"}, "m-rights": {"© North"}, "m-headline": {""}, "m-caption": {"The ferry at the quay"}, "m-byline": {"Ilse Maren"}, "m-credit": {"North Agency"}}, again); diff != "" {
		t.Fatal(diff)
	}
	for k, v := range typed {
		again[k] = v
	}
	again["m-caption"] = []string{"A better caption"}
	w = send(t, mux, "/new", again, "second.jpg", "photo 2")
	if w.Code != 200 || len(d.acts) != 0 || !strings.Contains(text(w), "Look at its caption") || !strings.Contains(w.Body.String(), "A better caption") {
		t.Errorf("a photo that nobody has looked at was released: %d %v", w.Code, d.acts)
	}
	again["m-id"] = []string{"added-1", "nobody knows this one"}
	if w = send(t, mux, "/new", again); w.Code != 303 || len(d.acts) != 2 {
		t.Fatalf("%d %v", w.Code, d.acts)
	}
	want := []news.Media{{ID: "added-1", SHA256: d.media["added-1"].SHA256, Type: "image/jpeg", Size: 7, Width: 3000, Height: 2000, Of: news.Picture, Caption: "A better caption", Byline: "Ilse Maren", Credit: "North Agency", Rights: "© North"}}
	if diff := cmp.Diff(want, d.saved.Media); diff != "" {
		t.Error(diff)
	}
	again["m-gone"] = []string{"added-1"}
	if send(t, mux, "/new", again); len(d.saved.Media) != 0 {
		t.Errorf("a photo that was taken out is still there: %v", d.saved.Media)
	}
}

func TestPhotoAlone(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	form := map[string][]string{"lang": {"en"}, "headline": {"Ferry"}, "body": {" "}, "photos": {"yes"}, "act": {"draft"}}
	if w := send(t, mux, "/new", form, "a.jpg", "photo 1"); w.Code != 303 || d.saved.Type != news.Picture || d.saved.Body != "<p>The ferry at the quay</p>" {
		t.Errorf("%d %s %q", w.Code, d.saved.Type, d.saved.Body)
	}
	d.media["theirs"] = media.Medium{ID: "theirs", SHA256: sum, State: media.Here}
	form["m-id"], form["body"] = []string{"theirs"}, []string{"Text."}
	if send(t, mux, "/new", form); len(d.saved.Media) != 0 {
		t.Errorf("a partner's photo was taken for ours: %v", d.saved.Media)
	}
	for _, act := range []string{"attach"} { // on the way nothing is asked of the other fields
		w := send(t, mux, railPath+"/correct", map[string][]string{"act": {act}, "photos": {"yes"}, "version": {"2"}, "lang": {"en"}}, "a.jpg", "photo 3")
		if w.Code != 200 || strings.Contains(text(w), "The headline is missing") || !strings.Contains(w.Body.String(), "/media/added-") {
			t.Errorf("%d %s", w.Code, text(w))
		}
	}
	w := send(t, mux, "/new", map[string][]string{"headline": {strings.Repeat("x", maxText+1)}})
	if w.Code != fault.TooLarge.Status() {
		t.Errorf("more text than fits: %d", w.Code)
	}
}
