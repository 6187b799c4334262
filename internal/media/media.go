// Package media keeps the photos, sounds and films that belong to stories: their bytes in files, what is known of them in rows,
// small pictures for the pages.
//
// What it promises: bytes are kept as they came, under their SHA-256, and never given out under another; what a partner has told
// of is fetched later and checked on arrival; media never delays records.
//
// What it never does: it changes no original, and gives nothing out without being asked for an item that may have it.
package media

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"newspool/internal/blob"
	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/formats/photo"
	"newspool/internal/news"
	"newspool/internal/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this package.
func Migrations() store.Migration {
	return store.Migration{Package: "media", Files: migrations}
}

// MaxSize is how large one photo, sound or film may be, in bytes.
const MaxSize = 2 << 30

// thumbEdge is the longer side of a small picture, in pixels.
const thumbEdge = 480

// ThumbSize is the size of the small picture of a photo; 0, 0 where that of the photo is not known.
func ThumbSize(width, height int) (int, int) {
	if width <= 0 || height <= 0 {
		return 0, 0
	}
	return photo.Fit(width, height, thumbEdge)
}

// State says whether the bytes are here.
type State string

// The states of a medium.
const (
	Here   State = "here"
	Wanted State = "wanted" // a partner has told of it; it is being fetched
	Failed State = "failed" // it did not come, or was not what was told
)

// Medium is what is known of one.
type Medium struct {
	ID     string
	SHA256 string
	Type   string
	Size   int64
	State  State
	Thumb  bool // there is a small picture
	Own    bool // added here, not told of by a partner
	Width  int  // in pixels; 0: not known
	Height int
}

// Service keeps media. It is safe for concurrent use.
type Service struct {
	db    *store.DB
	blobs *blob.FS
	clock clock.Clock
	wake  chan struct{}
	looks chan struct{} // few photos are decoded at a time: each may need memory for all its pixels
}

// New makes the service.
func New(db *store.DB, blobs *blob.FS, clk clock.Clock) *Service {
	return &Service{db: db, blobs: blobs, clock: clk, wake: make(chan struct{}, 1), looks: make(chan struct{}, 2)}
}

// Wake gets a value when something is wanted.
func (s *Service) Wake() <-chan struct{} { return s.wake }

const (
	columns     = `id, sha, type, size, state, length(thumb), owner, width, height`
	insertMedia = `INSERT INTO media (id, sha, type, size, width, height, thumb, state, ledger, owner, tries, due_us, error)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, '')`
	wantMedia = insertMedia + ` ON CONFLICT (id) DO UPDATE SET state = excluded.state, ledger = excluded.ledger, tries = 0, due_us = excluded.due_us, error = ''
		WHERE media.state <> 'here' AND media.sha = excluded.sha AND media.size = excluded.size AND media.owner = excluded.owner`
	insertItem = `INSERT INTO media_item (media, item) SELECT id, $2 FROM media WHERE id = $1 AND sha = $3 AND owner = $4
		ON CONFLICT (media, item) DO NOTHING`
	selectOwn   = `SELECT id FROM media WHERE sha = $1 AND owner = '' ORDER BY id DESC LIMIT 1`
	selectMedia = `SELECT ` + columns + ` FROM media WHERE id = $1`
	selectThumb = `SELECT thumb FROM media WHERE id = $1`
	selectItems = `SELECT item FROM media_item WHERE media = $1 ORDER BY item`
	selectAsked = `SELECT DISTINCT owner FROM media WHERE state = 'wanted' AND due_us <= $1`
	selectDue   = `SELECT id, sha, size, ledger, owner FROM media WHERE state = 'wanted' AND due_us <= $1 AND owner = $2 ORDER BY due_us LIMIT 16`
	setHere     = `UPDATE media SET state = 'here', thumb = $2, type = $3, error = '' WHERE id = $1`
	setMissed   = `UPDATE media SET state = $2, tries = $3, due_us = $4, error = $5 WHERE id = $1`
	selectTries = `SELECT tries FROM media WHERE id = $1`
)

// Add keeps a photo of our own: its bytes, what it says of itself (caption, credit and by-line from IPTC, XMP and EXIF), and a
// small picture. The same bytes again are the same medium. What is no photo is Invalid, a very large one TooLarge, and nothing of
// it stays. It is durable when Add returns.
func (s *Service) Add(ctx context.Context, r io.Reader) (news.Media, photo.Info, error) {
	var info photo.Info
	var thumb []byte
	ref, size, err := s.blobs.Put(ctx, io.LimitReader(r, maxPhoto+1), func(r io.Reader, _ blob.Ref, size int64) (err error) {
		info, thumb, err = s.look(ctx, r, size)
		return err
	})
	if err != nil {
		return news.Media{}, photo.Info{}, err
	}
	u, err := uuid.NewV7()
	if err != nil {
		return news.Media{}, photo.Info{}, err
	}
	m := news.Media{
		SHA256: string(ref), Type: info.Type, Size: size, Width: info.Width, Height: info.Height,
		Caption: info.Caption, Credit: info.Credit, Byline: info.Byline, Rights: info.Rights, Headline: info.Headline, Of: news.Picture,
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		err := tx.QueryRow(selectOwn, m.SHA256).Scan(&m.ID)
		if !errors.Is(err, store.ErrNoRows) {
			return err
		}
		m.ID = u.String()
		return tx.Exec(insertMedia, m.ID, m.SHA256, m.Type, m.Size, m.Width, m.Height, thumb, string(Here), "", "", 0)
	})
	if err != nil {
		return news.Media{}, photo.Info{}, err
	}
	return m, info, nil
}

// look reads what a photo says of itself and makes a small picture of it. What is no photo is Invalid, a very large one TooLarge.
func (s *Service) look(ctx context.Context, r io.Reader, size int64) (photo.Info, []byte, error) {
	if size > maxPhoto {
		return photo.Info{}, nil, fault.New(fault.TooLarge, "media.too_large", "limit", maxPhoto>>20)
	}
	select {
	case s.looks <- struct{}{}:
	case <-ctx.Done():
		return photo.Info{}, nil, ctx.Err()
	}
	defer func() { <-s.looks }()
	b, err := io.ReadAll(r)
	if err != nil {
		return photo.Info{}, nil, err
	}
	info, err := photo.Read(bytes.NewReader(b))
	if err != nil {
		return info, nil, err
	}
	thumb, err := photo.Thumbnail(bytes.NewReader(b), thumbEdge)
	return info, thumb, err
}

// maxPhoto is how large a photo may be to be looked into, in bytes.
const maxPhoto = 200 << 20

// Belongs notes, in the transaction, that media of our own belong to an item of our own. Others that it names are left alone.
func (s *Service) Belongs(tx *store.Tx, item news.ItemID, all []news.Media) error {
	for _, m := range all {
		if m.ID == "" || m.SHA256 == "" {
			continue
		}
		if err := tx.Exec(insertItem, m.ID, string(item), m.SHA256, ""); err != nil {
			return err
		}
	}
	return nil
}

// Want notes, in the transaction, the media of an item that a partner released; they are fetched later. One that was given up is
// tried again. An id that already names other bytes, or something of another newsroom, goes on naming that, and the item gets nothing.
func (s *Service) Want(tx *store.Tx, item news.ItemID, all []news.Media, ledger string, owner news.Root) error {
	for _, m := range all {
		if _, err := uuid.Parse(m.ID); err != nil || !blob.Ref(m.SHA256).Valid() || m.Size <= 0 || m.Size > MaxSize {
			continue
		}
		err := tx.Exec(wantMedia, m.ID, m.SHA256, m.Type, m.Size, m.Width, m.Height, []byte{}, string(Wanted), ledger, string(owner), clock.Micros(s.clock()))
		if err != nil {
			return err
		}
		if err := tx.Exec(insertItem, m.ID, string(item), m.SHA256, string(owner)); err != nil {
			return err
		}
		tx.OnCommit(func() {
			select {
			case s.wake <- struct{}{}:
			default:
			}
		})
	}
	return nil
}

// Wish is a medium that is to be fetched.
type Wish struct {
	ID     string
	SHA256 string
	Size   int64
	Ledger string
	Owner  news.Root
}

// Asked lists the partners from whom something is to be fetched now.
func (s *Service) Asked(ctx context.Context) (out []news.Root, err error) {
	err = s.db.Read(ctx, func(r store.Reader) error {
		rows, err := r.Query(selectAsked, clock.Micros(s.clock()))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var owner news.Root
			if err := rows.Scan((*string)(&owner)); err != nil {
				return err
			}
			out = append(out, owner)
		}
		return rows.Err()
	})
	return out, err
}

// Due lists some of what is to be fetched from a partner now, what has waited longest first.
func (s *Service) Due(ctx context.Context, owner news.Root) (out []Wish, err error) {
	err = s.db.Read(ctx, func(r store.Reader) error {
		rows, err := r.Query(selectDue, clock.Micros(s.clock()), string(owner))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var w Wish
			if err := rows.Scan(&w.ID, &w.SHA256, &w.Size, &w.Ledger, (*string)(&w.Owner)); err != nil {
				return err
			}
			out = append(out, w)
		}
		return rows.Err()
	})
	return out, err
}

// Arrived takes the bytes of something that was wanted. They are kept only if their SHA-256 and size are the ones that the
// partner's story names; anything else is a fault media.other, and leaves what is here as it is.
func (s *Service) Arrived(ctx context.Context, w Wish, r io.Reader) error {
	kind, thumb := "application/octet-stream", []byte{}
	_, _, err := s.blobs.Put(ctx, io.LimitReader(r, w.Size+1), func(r io.Reader, ref blob.Ref, size int64) error {
		if string(ref) != w.SHA256 || size != w.Size {
			return fault.New(fault.Invalid, "media.other")
		}
		info, small, err := s.look(ctx, r, size)
		switch {
		case err == nil:
			kind, thumb = info.Type, small
		case !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge):
			return err
		}
		return nil // no photo, or one that cannot be read: it is kept, and has no small picture
	})
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error { return tx.ExecOne(setHere, w.ID, thumb, kind) })
}

const (
	maxTries  = 12          // after which what the partner does not have, or sends wrongly, is given up
	laterOn   = time.Minute // before a partner is asked again who could not be reached
	maxDouble = 11          // how often a pause of a second is doubled
)

// Unreached reports whether what is wrong with a fetch says nothing of what was to be fetched: the partner cannot answer, or we
// cannot keep anything now.
func Unreached(err error) bool {
	kind := fault.Of(err).Kind
	return kind == fault.Unavailable || kind == fault.RateLimited
}

// Missed notes that something did not come. It is tried again: after a minute where the partner was Unreached, else with longer
// pauses each time. It is given up only if the partner itself says again and again that it has no such thing, or sends another.
func (s *Service) Missed(ctx context.Context, w Wish, cause error) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		var tries int
		if err := tx.QueryRow(selectTries, w.ID).Scan(&tries); err != nil {
			return err
		}
		state, pause := Wanted, laterOn
		if !Unreached(cause) {
			pause = time.Second << min(tries, maxDouble)
			tries++
			switch fault.Of(cause).Kind {
			case fault.Invalid, fault.NotFound, fault.Gone, fault.TooLarge:
				if tries >= maxTries {
					state = Failed
				}
			}
		}
		return tx.Exec(setMissed, w.ID, string(state), tries, clock.Micros(s.clock().Add(pause)), cause.Error())
	})
}

// Get says what is known of a medium; NotFound if nothing is.
func (s *Service) Get(ctx context.Context, id string) (m Medium, items []news.ItemID, err error) {
	err = s.db.Read(ctx, func(r store.Reader) error {
		var err error
		if m, err = read(r, id); err != nil {
			return err
		}
		rows, err := r.Query(selectItems, id)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var item news.ItemID
			if err := rows.Scan((*string)(&item)); err != nil {
				return err
			}
			items = append(items, item)
		}
		return rows.Err()
	})
	return m, items, err
}

// read gives one medium; NotFound if nothing is known of it.
func read(r store.Reader, id string) (m Medium, err error) {
	var thumb int
	var owner string
	err = r.QueryRow(selectMedia, id).Scan(&m.ID, &m.SHA256, &m.Type, &m.Size, (*string)(&m.State), &thumb, &owner, &m.Width, &m.Height)
	if errors.Is(err, store.ErrNoRows) {
		return m, fault.New(fault.NotFound, "fault.not_found")
	}
	m.Thumb, m.Own = thumb > 0, owner == ""
	return m, err
}

// States says of media by their ids what is known of them now. An id of which nothing is known is left out.
func (s *Service) States(ctx context.Context, ids []string) (map[string]Medium, error) {
	out := make(map[string]Medium, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	err := s.db.Read(ctx, func(r store.Reader) error {
		for _, id := range ids {
			m, err := read(r, id)
			if fault.Is(err, fault.NotFound) {
				continue
			}
			if err != nil {
				return err
			}
			out[id] = m
		}
		return nil
	})
	return out, err
}

// Open gives the bytes of a medium that is here, from an offset on.
func (s *Service) Open(ctx context.Context, m Medium, from int64) (io.ReadCloser, error) {
	if m.State != Here || from < 0 || from > m.Size {
		return nil, fault.New(fault.NotFound, "fault.not_found")
	}
	return s.blobs.Open(ctx, blob.Ref(m.SHA256), from)
}

// Thumb gives the small picture, a JPEG.
func (s *Service) Thumb(ctx context.Context, id string) (b []byte, err error) {
	err = s.db.Read(ctx, func(r store.Reader) error { return r.QueryRow(selectThumb, id).Scan(&b) })
	if errors.Is(err, store.ErrNoRows) || (err == nil && len(b) == 0) {
		return nil, fault.New(fault.NotFound, "fault.not_found")
	}
	return b, err
}

// String is for logs.
func (w Wish) String() string { return fmt.Sprintf("%s (%d bytes) of %s", w.ID, w.Size, w.Ledger) }
