package ingest

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"newspool/internal/blob"
	"newspool/internal/content"
	"newspool/internal/fault"
	"newspool/internal/formats/photo"
	"newspool/internal/library"
	"newspool/internal/media"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
)

// pictures are three small pictures: JPEG, PNG and GIF.
func pictures(t *testing.T) (jpg, pnG, giF []byte) {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 30, 20))
	var a, b, c bytes.Buffer
	if err := errors.Join(jpeg.Encode(&a, m, nil), png.Encode(&b, m), gif.Encode(&c, m, nil)); err != nil {
		t.Fatal(err)
	}
	return a.Bytes(), b.Bytes(), c.Bytes()
}

// album keeps no photo and says what it is told to say.
type album func(b []byte) error

func (a album) Add(_ context.Context, r io.Reader) (news.Media, photo.Info, error) {
	b, err := io.ReadAll(r)
	if err == nil {
		err = a(b)
	}
	return news.Media{ID: "m", SHA256: strings.Repeat("ab", 32), Type: "image/jpeg"}, photo.Info{}, err
}

// A folder of photos is taken once: what is there again, under whatever name, is here already.
func TestPhotosOnce(t *testing.T) {
	jpg, pnG, giF := pictures(t)
	folder := fstest.MapFS{
		"a.jpg": {Data: jpg}, "b/c.png": {Data: pnG}, "b/d.GIF": {Data: giF}, "b/the same as a.jpeg": {Data: jpg}, "broken.jpg": {Data: jpg[:40]},
		"signature of none.png": {Data: []byte("\x89PNG\r\n and more")},
	}
	storetest.Each(t, []store.Migration{content.Migrations(), library.Migrations(), media.Migrations(), Migrations()}, func(t *testing.T, db *store.DB) {
		files, err := blob.OpenFS(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer files.Close()
		l := library.New(db, library.Options{Origin: news.Root(strings.Repeat("a", 64)), Domain: "north.example", Clock: time.Now, Codec: codec{}})
		s := New(db, Options{Desk: l, Photos: media.New(db, files, time.Now)})
		for i, want := range []Report{{Files: 6, Taken: 3, Duplicates: 1, Refused: 1}, {Files: 6, Duplicates: 4, Refused: 1}} {
			report, err := s.Folder(t.Context(), folder, ItemOptions{})
			if err != nil || len(report.Problems) != 2 || report.Problems[0].Where != "broken.jpg" || report.Problems[0].Key != "ingest.photo_bad" || report.Problems[1].Key != "ingest.format_unknown" {
				t.Errorf("run %d: %v %+v", i, err, report.Problems)
			}
			if report.Files != want.Files || report.Taken != want.Taken || report.Duplicates != want.Duplicates || report.Refused != want.Refused {
				t.Errorf("run %d: %+v, want %+v", i, report, want)
			}
		}
		rows, err := l.Wire(t.Context(), library.Filter{}, 0, 10)
		if err != nil || len(rows) != 3 {
			t.Errorf("%v, %d items", err, len(rows))
		}
		for _, row := range rows {
			story, err := l.Version(t.Context(), row.Item, 0)
			if err != nil || row.Versions != 1 || len(story.Media) != 1 || story.Media[0].SHA256 == "" {
				t.Errorf("%v %+v", err, row)
			}
		}
	})
}

// One photo that cannot be taken stops no other, whosever fault it is; a full disk stops the run, and it says what was done.
func TestPhotoTrouble(t *testing.T) {
	jpg, _, _ := pictures(t)
	bad := append(bytes.Clone(jpg), "bad"...)
	folder := fstest.MapFS{"a.jpg": {Data: jpg}, "b.jpg": {Data: bad}, "c.jpg": {Data: jpg}, "d.json": {Data: []byte(item(1))}}
	path := &fs.PathError{Op: "write", Path: "incoming/x", Err: syscall.ENOSPC}
	for _, c := range []struct {
		name  string
		fail  error
		taken int
		ends  bool
	}{
		{"no photo", fault.New(fault.Invalid, "ingest.photo_bad"), 3, false},
		{"our mistake", errors.New("oh"), 3, false},
		{"disk full", fault.New(fault.Unavailable, "fault.disk_full").Because(path), 1, true},
	} {
		fail := func(b []byte) error {
			if bytes.HasSuffix(b, []byte("bad")) {
				return c.fail
			}
			return nil
		}
		byAlbum := New(storetest.Open(t, Migrations()), Options{Desk: &tray{}, Photos: album(fail)})
		seen := 0
		report, err := byAlbum.Folder(t.Context(), folder, ItemOptions{Progress: func(r Report) { seen = r.Taken + r.Duplicates }})
		if taken := report.Taken + report.Duplicates; taken != c.taken || seen != taken {
			t.Errorf("%s: %d taken, want %d, progress %d", c.name, taken, c.taken, seen)
		}
		if c.ends != (err != nil) || c.ends && !errors.Is(err, c.fail) {
			t.Errorf("%s: %v", c.name, err)
		}
		if !c.ends && (report.Refused != 1 || len(report.Problems) != 1 || report.Problems[0].Where != "b.jpg") {
			t.Errorf("%s: %+v", c.name, report)
		}
	}
	// The desk falls over one photo.
	desk := &tray{fail: func(d news.Draft) error {
		if d.Headline == "b.jpg" {
			return errors.New("oh")
		}
		return nil
	}}
	s := New(storetest.Open(t, Migrations()), Options{Desk: desk, Photos: album(func([]byte) error { return nil })})
	if report, err := s.Folder(t.Context(), folder, ItemOptions{}); err != nil || report.Taken != 3 || report.Refused != 1 {
		t.Errorf("%v %+v", err, report)
	}
	// A file whose end cannot be read is a problem of that file.
	broken := unreadable{folder, "b.jpg"}
	if report, err := s.Folder(t.Context(), broken, ItemOptions{}); err != nil || len(report.Problems) != 1 || report.Problems[0].Key != "ingest.file_unreadable" {
		t.Errorf("%v %+v", err, report)
	}
}

// unreadable is a folder with one file that breaks off.
type unreadable struct {
	fs.FS
	name string
}

func (u unreadable) Open(name string) (fs.File, error) {
	f, err := u.FS.Open(name)
	if name == u.name {
		f = half{f, new(bool)}
	}
	return f, err
}

type half struct {
	fs.File
	read *bool
}

func (h half) Read(b []byte) (int, error) {
	if *h.read {
		return 0, &fs.PathError{Op: "read", Path: "b.jpg", Err: syscall.EIO}
	}
	*h.read = true
	return h.File.Read(b[:min(len(b), 100)])
}
