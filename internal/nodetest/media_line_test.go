package nodetest

import (
	"bytes"
	"context"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"newspool/internal/clock"
	"newspool/internal/media"
	"newspool/internal/news"
)

const (
	largePhoto = 6 << 20 // bytes, about
	firstPart  = 2 << 20 // that come through before the line is held up
)

// halfway has a house release a story with a large photo, and holds up the line when the story and a part of the photo have come.
func halfway(t *testing.T, w *line, a, b *House) (photo []byte, m news.Media) {
	t.Helper()
	photo = append(photograph(t, "The ferry leaves Port Anselm."), bytes.Repeat([]byte("sea"), largePhoto/3)...)
	m, _, err := a.Media.Add(context.Background(), bytes.NewReader(photo))
	if err != nil {
		t.Fatal(err)
	}
	d := Story(1)
	d.Media = []news.Media{m}
	w.open(firstPart)
	waitState(t, b, accept(t, a, d), news.Usable)
	Wait(t, "a part of the photo has come", w.held)
	if got, _, err := b.Media.Get(context.Background(), m.ID); err != nil || got.State != media.Wanted {
		t.Fatalf("%v: a part of the photo counts as %q", err, got.State)
	}
	return photo, m
}

// hasPhoto waits for a photo and compares it.
func hasPhoto(t *testing.T, h *House, m news.Media, want []byte) {
	t.Helper()
	ctx := context.Background()
	var got media.Medium
	Wait(t, "the photo is at "+h.Domain, func() bool {
		var err error
		got, _, err = h.Media.Get(ctx, m.ID)
		return err == nil && got.State == media.Here
	})
	r, err := h.Media.Open(ctx, got, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if b, err := io.ReadAll(r); err != nil || !bytes.Equal(b, want) {
		t.Errorf("%v: %d bytes, want %d", err, len(b), len(want))
	}
}

// Where the line is cut, a photo goes on from there: what has come does not come again.
func TestPhotoGoesOn(t *testing.T) {
	w := newLine(t)
	a, b := over(t, w, North(), Soren())
	photo, m := halfway(t, w, a, b)
	w.cut()
	w.open(len(photo) - firstPart/2) // less than the whole
	hasPhoto(t, b, m, photo)
}

// A partner that cannot be reached, and a restart: what is wanted is fetched when the line is there again.
func TestPhotoAfterRestart(t *testing.T) {
	w := newLine(t)
	var later atomic.Int64
	soren := Soren()
	soren.Clock = func() time.Time { return clock.Trim(time.Now().Add(time.Duration(later.Load()))) }
	a, b := over(t, w, North(), soren)
	photo, m := halfway(t, w, a, b)
	w.close()
	Wait(t, "it is to be tried later", func() bool {
		asked, err := b.Media.Asked(context.Background())
		return err == nil && len(asked) == 0
	})
	b.Stop()
	w.open(-1)
	later.Store(int64(61 * time.Second))
	b.Restart(soren)
	hasPhoto(t, b, m, photo)
}
