package nodetest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"newspool/internal/library"
	"newspool/internal/media"
	"newspool/internal/news"
	"newspool/internal/people"
)

// photograph is a JPEG that says in XMP what is on it.
func photograph(t testing.TB, caption string) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 900, 600))
	for y := range 600 {
		for x := range 900 {
			m.SetRGBA(x, y, color.RGBA{uint8(x), uint8(y), uint8(x ^ y), 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	xmp := "http://ns.adobe.com/xap/1.0/\x00" + `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Credit="North Agency"><dc:description><rdf:Alt><rdf:li xml:lang="x-default">` +
		caption + `</rdf:li></rdf:Alt></dc:description><dc:creator><rdf:Seq><rdf:li>Ilse Maren</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF></x:xmpmeta>`
	segment := append([]byte{0xff, 0xe1, byte((len(xmp) + 2) >> 8), byte(len(xmp) + 2)}, xmp...)
	return append(append([]byte{0xff, 0xd8}, segment...), b.Bytes()[2:]...)
}

// browser is somebody at a desk.
type browser struct {
	t    testing.TB
	base string
	http *http.Client
}

// signIn makes an editor at a house and signs them in.
func signIn(t testing.TB, h *House) browser {
	t.Helper()
	const password = "orran-sea-2026"
	if _, err := h.People.Create(context.Background(), people.Operator(), people.NewPerson{Login: "editor", Name: "Ilse Maren", Language: "en", Roles: []people.Role{people.Editor}, Password: password}); err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := browser{t, h.Base(), &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}}
	if code, _ := b.post("/signin", "application/x-www-form-urlencoded", strings.NewReader(url.Values{"login": {"editor"}, "password": {password}}.Encode())); code != http.StatusOK {
		t.Fatalf("signing in at %s: %d", h.Domain, code)
	}
	return b
}

func (b browser) do(r *http.Request, err error) (int, []byte) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	resp, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, body
}

func (b browser) get(path string) (int, []byte) {
	b.t.Helper()
	return b.do(http.NewRequest(http.MethodGet, b.base+path, nil))
}

func (b browser) post(path, kind string, body io.Reader) (int, []byte) {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, b.base+path, body)
	if err == nil {
		r.Header.Set("Content-Type", kind)
	}
	return b.do(r, err)
}

// write sends the form of a story with a photo.
func (b browser) write(fields map[string]string, photo []byte) (int, string) {
	b.t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for name, v := range fields {
		m.WriteField(name, v)
	}
	if photo != nil {
		w, err := m.CreateFormFile("photo", "ferry.jpg")
		if err != nil {
			b.t.Fatal(err)
		}
		w.Write(photo)
	}
	m.Close()
	code, page := b.post("/new", m.FormDataContentType(), &body)
	return code, string(page)
}

// TestPhotoCrosses has an editor write a story with a photo at North Agency. The photo is fetched by Radio Soren, is there byte
// for byte, and goes when the story is withdrawn. A stranger and a newsroom without the agreement get nothing.
func TestPhotoCrosses(t *testing.T) {
	a, b, c := Start(t, North()), Start(t, Soren()), Start(t, Avand())
	Meet(a, b)
	Meet(a, c)
	Agree(Terms(a, b), a, b)
	ctx := context.Background()
	atNorth, atSoren := signIn(t, a), signIn(t, b)
	photo := photograph(t, "The ferry leaves Port Anselm.")

	if code, _ := atNorth.write(map[string]string{"photos": "yes", "act": "draft", "lang": "en", "headline": "Ferry leaves", "body": "The ferry left."}, photo); code != http.StatusOK {
		t.Fatalf("writing: %d", code)
	}
	rows, err := a.Library.Wire(ctx, library.Filter{}, 0, 10)
	if err != nil || len(rows) != 1 || !rows[0].HasMedia || rows[0].State != news.Unreleased {
		t.Fatalf("%v %+v", err, rows)
	}
	id := rows[0].Item
	story, err := a.Library.Version(ctx, id, 0)
	if err != nil || len(story.Media) != 1 {
		t.Fatalf("%v %+v", err, story.Media)
	}
	m := story.Media[0]
	if m.Caption != "The ferry leaves Port Anselm." || m.Byline != "Ilse Maren" || m.Credit != "North Agency" || m.Width != 900 || m.Size != int64(len(photo)) {
		t.Errorf("what the photo says was lost: %+v", m)
	}
	path := strings.TrimPrefix(string(id), "newspool://")
	path = "/item/" + strings.Replace(path, "/item/", "/", 1)
	if code, _ := atNorth.post(path+"/release", "application/x-www-form-urlencoded", strings.NewReader("version=1")); code != http.StatusOK {
		t.Fatalf("releasing: %d", code)
	}
	Wait(t, "the photo is at the partner", func() bool {
		got, _, err := b.Media.Get(ctx, m.ID)
		return err == nil && got.State == media.Here
	})
	crossed, err := b.Library.Version(ctx, id, 0)
	if err != nil || len(crossed.Media) != 1 || crossed.Media[0] != m {
		t.Errorf("%v %+v, want %+v", err, crossed.Media, m)
	}
	if code, body := atSoren.get("/media/" + m.ID); code != http.StatusOK || !bytes.Equal(body, photo) {
		t.Errorf("the whole at the partner: %d, %d bytes, want %d", code, len(body), len(photo))
	}
	if code, body := atSoren.get("/media/" + m.ID + "/small"); code != http.StatusOK || !bytes.HasPrefix(body, []byte("\xff\xd8\xff")) || len(body) >= len(photo) {
		t.Errorf("the small picture at the partner: %d, %d bytes", code, len(body))
	}
	if code, page := atSoren.get(path); code != http.StatusOK || !strings.Contains(string(page), `src="/media/`+m.ID+`/small"`) || !strings.Contains(string(page), m.Caption) {
		t.Errorf("the photo is not on the page of the item: %d", code)
	}
	if err := fetchFrom(b, a, id, m.ID); err != nil {
		t.Errorf("the partner is refused: %v", err)
	}
	refused(t, a, c, id, m.ID)

	if _, err := a.Library.Withdraw(ctx, id, "not ours to show", ""); err != nil {
		t.Fatal(err)
	}
	Wait(t, "the withdrawal is at the partner", func() bool {
		it, err := b.Library.Item(ctx, id)
		return err == nil && it.State == news.Withdrawn
	})
	for _, tail := range []string{"", "/small"} {
		if code, _ := atSoren.get("/media/" + m.ID + tail); code != http.StatusNotFound {
			t.Errorf("after the withdrawal the partner's desk gives %s: %d", tail, code)
		}
	}
	if err := fetchFrom(b, a, id, m.ID); err == nil {
		t.Error("after the withdrawal the origin still gives the photo to the partner")
	}
}

// refused has everybody who should not have the photo ask for it: nobody, and a newsroom that is known and is no party.
func refused(t *testing.T, owner, other *House, id news.ItemID, photo string) {
	t.Helper()
	stranger := browser{t, owner.Base(), &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}}
	it, err := owner.Library.Item(context.Background(), id)
	if err != nil || len(it.Ways) == 0 {
		t.Fatalf("%v: the item went nowhere", err)
	}
	for _, path := range []string{"/media/" + photo, "/media/" + photo + "/small", fmt.Sprintf("/exchange/v1/ledgers/%s/media/%s", it.Ways[0].Ledger, photo)} {
		if code, body := stranger.get(path); code == http.StatusOK && bytes.HasPrefix(body, []byte("\xff\xd8")) {
			t.Errorf("a stranger gets %s", path)
		}
	}
	if err := fetchFrom(other, owner, id, photo); err == nil {
		t.Error("a newsroom without the agreement gets the photo")
	}
}

// fetchFrom has one newsroom ask another for a photo of an item, as its node does.
func fetchFrom(reader, owner *House, id news.ItemID, photo string) error {
	ctx := context.Background()
	it, err := owner.Library.Item(ctx, id)
	if err != nil {
		return err
	}
	p, ok := reader.Exchange.Partner(owner.Exchange.Root())
	if !ok {
		return errors.New("not known")
	}
	body, err := reader.Peer.Get(ctx, p, it.Ways[0].Agreement, "ledgers/"+it.Ways[0].Ledger+"/media/"+photo)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, body)
	return errors.Join(err, body.Close())
}
