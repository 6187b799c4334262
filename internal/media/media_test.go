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
	files, err := blob.OpenFS(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { files.Close() })
	return media.New(db, files, func() time.Time { return clock.Trim(*now) })
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
	sum := sha256.Sum256(photo)
	told := news.Media{ID: "01a20e4f-4c14-755a-970e-6e66ad5f223d", SHA256: hex.EncodeToString(sum[:]), Size: int64(len(photo)), Type: "image/jpeg"}
	want := func(m news.Media) {
		t.Helper()
		err := db.Write(ctx, func(tx *store.Tx) error {
			return s.Want(tx, "newspool://x.example/item/1", []news.Media{m}, "ledger", "root")
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	due := func() []media.Wish {
		t.Helper()
		w, err := s.Due(ctx)
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
	for range 12 {
		for _, w := range due() {
			if err := s.Missed(ctx, w, errors.New("line cut")); err != nil {
				t.Fatal(err)
			}
		}
		now = now.Add(2 * time.Hour)
	}
	if m, _, err := s.Get(ctx, other.ID); err != nil || m.State != media.Failed {
		t.Errorf("after twelve tries: %+v, %v", m, err)
	}
}
