package media_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"newspool/internal/blob"
	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/media"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
)

// picture makes a small JPEG.
func picture(t *testing.T, shade uint8) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 600, 400))
	for i := range img.Pix {
		img.Pix[i] = shade
	}
	img.Set(3, 3, color.White)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func service(t *testing.T, db *store.DB, now *time.Time) *media.Service {
	t.Helper()
	s, _ := serviceIn(t, db, now)
	return s
}

// serviceIn gives the folder of the bytes too.
func serviceIn(t *testing.T, db *store.DB, now *time.Time) (*media.Service, string) {
	t.Helper()
	dir := t.TempDir()
	files, err := blob.OpenFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { files.Close() })
	return media.New(db, files, func() time.Time { return clock.Trim(*now) }), dir
}

// kept counts the files in a folder and below.
func kept(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// content reads a medium to its end.
func content(t *testing.T, s *media.Service, id string) []byte {
	t.Helper()
	m, _, err := s.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(t.Context(), m, 0)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	someID = "01a20e4f-4c14-755a-970e-6e66ad5f223d"
	ferry  = news.ItemID("newspool://north.example/item/1")
	bridge = news.ItemID("newspool://soren.example/item/2")
)

// named is how a story names bytes.
func named(id string, b []byte) news.Media {
	sum := sha256.Sum256(b)
	return news.Media{ID: id, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(b)), Type: "image/jpeg"}
}

// want has a partner's item name media.
func want(t *testing.T, db *store.DB, s *media.Service, item news.ItemID, owner news.Root, all ...news.Media) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *store.Tx) error { return s.Want(tx, item, all, "ledger of "+string(owner), owner) })
	if err != nil {
		t.Fatal(err)
	}
}

func itemsOf(t *testing.T, s *media.Service, id string) []news.ItemID {
	t.Helper()
	_, items, err := s.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

func TestAddAndOpen(t *testing.T) {
	storetest.Each(t, []store.Migration{media.Migrations()}, func(t *testing.T, db *store.DB) {
		ctx, now := context.Background(), time.Now()
		s := service(t, db, &now)
		photo := picture(t, 90)
		m, info, err := s.Add(ctx, bytes.NewReader(photo))
		if err != nil {
			t.Fatal(err)
		}
		if info.Width != 600 || m.Type != "image/jpeg" || m.Size != int64(len(photo)) {
			t.Errorf("medium %+v", m)
		}
		known, _, err := s.Get(ctx, m.ID)
		if err != nil || known.State != media.Here || !known.Thumb {
			t.Fatalf("get %+v, %v", known, err)
		}
		if !known.Own || known.Width != 600 || known.Height != 400 {
			t.Errorf("ours is %+v", known)
		}
		if all, err := s.States(ctx, []string{"nobody", m.ID}); err != nil || len(all) != 1 || all[m.ID] != known {
			t.Errorf("states %+v, %v", all, err)
		}
		r, err := s.Open(ctx, known, 10)
		if err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil || !bytes.Equal(rest, photo[10:]) {
			t.Errorf("from an offset: %d bytes, %v", len(rest), err)
		}
		if thumb, err := s.Thumb(ctx, m.ID); err != nil || len(thumb) == 0 {
			t.Errorf("small picture: %d bytes, %v", len(thumb), err)
		}
		if _, _, err := s.Add(ctx, bytes.NewReader([]byte("no photo"))); !fault.Is(err, fault.Invalid) {
			t.Errorf("what is no photo gave %v", err)
		}
		if _, _, err := s.Get(ctx, "nobody"); !fault.Is(err, fault.NotFound) {
			t.Errorf("an unknown id gave %v", err)
		}
	})
}

// What a partner has told of is fetched, checked, tried again, and in the end given up.
func TestWanted(t *testing.T) {
	ctx, now := context.Background(), time.Now()
	db := storetest.Open(t, media.Migrations())
	s := service(t, db, &now)
	photo := picture(t, 40)
	told := named(someID, photo)
	want := func(m news.Media) {
		t.Helper()
		want(t, db, s, bridge, "root", m)
	}
	due := func() []media.Wish {
		t.Helper()
		w, err := s.Due(ctx, "root")
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	want(told)
	want(told)                                                       // again: nothing more
	want(news.Media{ID: "../../etc", SHA256: told.SHA256, Size: 5})  // no id of ours
	want(news.Media{ID: told.ID[:35] + "0", SHA256: "abc", Size: 5}) // no hash
	want(news.Media{ID: told.ID[:35] + "1", SHA256: told.SHA256})    // no size
	if w := due(); len(w) != 1 || w[0].ID != told.ID {
		t.Fatalf("due %+v", w)
	}
	if err := s.Arrived(ctx, due()[0], bytes.NewReader(picture(t, 41))); !fault.Is(err, fault.Invalid) {
		t.Errorf("another photo was taken: %v", err)
	}
	if err := s.Missed(ctx, due()[0], errors.New("line cut")); err != nil {
		t.Fatal(err)
	}
	if w := due(); len(w) != 0 {
		t.Errorf("due at once after a failure: %+v", w)
	}
	now = now.Add(time.Minute)
	if err := s.Arrived(ctx, due()[0], bytes.NewReader(photo)); err != nil {
		t.Fatal(err)
	}
	if m, items, err := s.Get(ctx, told.ID); err != nil || m.State != media.Here || m.Own || len(items) != 1 {
		t.Errorf("after it came: %+v %v %v", m, items, err)
	}
	other := told
	other.ID = told.ID[:35] + "2"
	want(other)
	missed := func(n int, pause time.Duration, cause error) {
		t.Helper()
		for range n {
			w := due()
			if len(w) != 1 {
				t.Fatalf("after %v: due %+v", cause, w)
			}
			if err := s.Missed(ctx, w[0], cause); err != nil {
				t.Fatal(err)
			}
			now = now.Add(pause)
		}
	}
	// For days it cannot be reached, then its answers are cut, then it gives us nothing: it is asked for all the same.
	missed(2000, time.Minute, fault.New(fault.Unavailable, "partner.unreachable"))
	missed(50, 35*time.Minute, io.ErrUnexpectedEOF)
	missed(50, 35*time.Minute, fault.New(fault.Denied, "partner.denied"))
	if all, err := s.Asked(ctx); err != nil || !slices.Equal(all, []news.Root{"root"}) {
		t.Errorf("asked: %v, %v", all, err)
	}
	if w, err := s.Due(ctx, "another"); err != nil || len(w) != 0 {
		t.Errorf("due from another: %v, %v", w, err)
	}
	want(other) // told of again, as in a new version of the story
	missed(12, 35*time.Minute, fault.New(fault.NotFound, "partner.not_found"))
	if m, _, err := s.Get(ctx, other.ID); err != nil || m.State != media.Failed || len(due()) != 0 {
		t.Errorf("after twelve tries: %+v, %v", m, err)
	}
	want(other)
	if m, _, err := s.Get(ctx, other.ID); err != nil || m.State != media.Wanted || len(due()) != 1 {
		t.Errorf("told of again: %+v, %v", m, err)
	}
}

// What a partner names or sends takes nothing away that is here, and gets its item nothing that it does not name rightly.
func TestPartnersCannotReachOurs(t *testing.T) {
	storetest.Each(t, []store.Migration{media.Migrations()}, func(t *testing.T, db *store.DB) {
		ctx, now := t.Context(), time.Now()
		s, dir := serviceIn(t, db, &now)
		photo, other := picture(t, 90), picture(t, 91)
		ours, _, err := s.Add(ctx, bytes.NewReader(photo))
		if err != nil {
			t.Fatal(err)
		}
		err = db.Write(ctx, func(tx *store.Tx) error {
			return s.Belongs(tx, ferry, []news.Media{ours, named(someID, other)}) // the second is not here
		})
		if err != nil {
			t.Fatal(err)
		}
		shorter := named(someID, photo)
		shorter.Size--
		for name, c := range map[string]struct {
			told news.Media
			sent []byte
		}{
			"our bytes instead of others": {named(someID[:35]+"0", other), photo},
			"the size is another":         {shorter, photo},
			"nothing under our hash":      {named(someID[:35]+"1", photo), nil},
		} {
			want(t, db, s, bridge, "root", c.told)
			w := media.Wish{ID: c.told.ID, SHA256: c.told.SHA256, Size: c.told.Size}
			if err := s.Arrived(ctx, w, bytes.NewReader(c.sent)); fault.Of(err).Key != "media.other" {
				t.Errorf("%s: %v", name, err)
			}
			if !bytes.Equal(content(t, s, ours.ID), photo) || kept(t, dir) != 1 {
				t.Errorf("%s: our photo has gone, or something was kept", name)
			}
		}
		if items := itemsOf(t, s, someID); !slices.Equal(items, []news.ItemID{bridge}) {
			t.Errorf("an item of ours got what a partner told of later: %v", items)
		}
		// Our id with other bytes, our id with its bytes, the id of another partner.
		foreign := named(someID[:35]+"9", other)
		want(t, db, s, "newspool://avand.example/item/3", "avand", foreign)
		want(t, db, s, bridge, "root", named(ours.ID, other), ours, foreign, named(foreign.ID, photo))
		if items := itemsOf(t, s, ours.ID); !slices.Equal(items, []news.ItemID{ferry}) {
			t.Errorf("ours belongs to %v", items)
		}
		if items := itemsOf(t, s, foreign.ID); len(items) != 1 || items[0] == bridge {
			t.Errorf("what another partner told of belongs to %v", items)
		}
	})
}

// The same bytes again are the same medium, also when somebody else adds them at the same time.
func TestSameAgain(t *testing.T) {
	storetest.Each(t, []store.Migration{media.Migrations()}, func(t *testing.T, db *store.DB) {
		ctx, now := t.Context(), time.Now()
		s, dir := serviceIn(t, db, &now)
		photo := picture(t, 90)
		want(t, db, s, bridge, "root", named(someID, photo)) // a partner has the same
		added := make(chan news.Media, 4)
		for range cap(added) {
			go func() {
				m, _, err := s.Add(ctx, bytes.NewReader(photo))
				if err != nil {
					t.Error(err)
				}
				added <- m
			}()
		}
		first := <-added
		for range cap(added) - 1 {
			if m := <-added; m != first {
				t.Errorf("%+v and %+v", first, m)
			}
		}
		if first.ID == someID || first.ID == "" || kept(t, dir) != 1 {
			t.Errorf("%+v, %d files", first, kept(t, dir))
		}
	})
}

// endless gives zeros.
type endless struct{ n int64 }

func (e *endless) Read(b []byte) (int, error) {
	e.n += int64(len(b))
	return len(b), nil
}

// What is refused is not kept, and what is far too large is not read to its end.
func TestRefusedIsNotKept(t *testing.T) {
	now := time.Now()
	s, dir := serviceIn(t, storetest.Open(t, media.Migrations()), &now)
	if _, _, err := s.Add(t.Context(), strings.NewReader("no photo")); !fault.Is(err, fault.Invalid) {
		t.Errorf("what is no photo gave %v", err)
	}
	large := &endless{}
	if _, _, err := s.Add(t.Context(), large); !fault.Is(err, fault.TooLarge) || large.n > 201<<20 {
		t.Errorf("what is too large gave %v after %d bytes", err, large.n)
	}
	if n := kept(t, dir); n != 0 {
		t.Errorf("%d files were kept", n)
	}
}

// A partner may send what is no photo: it is kept without a small picture. Trouble of our own is not taken for that.
func TestArrivedWithoutPicture(t *testing.T) {
	now := time.Now()
	db := storetest.Open(t, media.Migrations())
	s := service(t, db, &now)
	sound := []byte("ID3 some sound")
	want(t, db, s, bridge, "root", named(someID, sound))
	w := media.Wish{ID: someID, SHA256: named("", sound).SHA256, Size: int64(len(sound))}
	ctx, cancel := context.WithCancel(t.Context())
	if err := s.Arrived(ctx, w, &lastly{bytes.NewReader(sound), cancel}); !errors.Is(err, context.Canceled) {
		t.Errorf("the node is stopped while it looks: %v", err)
	}
	if err := s.Arrived(t.Context(), w, bytes.NewReader(sound)); err != nil {
		t.Fatal(err)
	}
	if m, _, err := s.Get(t.Context(), someID); err != nil || m.State != media.Here || m.Thumb || m.Type != "application/octet-stream" {
		t.Errorf("%+v %v", m, err)
	}
}

// lastly does something at the end of a reader.
type lastly struct {
	io.Reader
	do func()
}

func (l *lastly) Read(b []byte) (int, error) {
	n, err := l.Reader.Read(b)
	if err == io.EOF {
		l.do()
	}
	return n, err
}
