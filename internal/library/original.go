package library

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"

	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/store"
)

// maxInDatabase is how large a compressed original may be that is kept in the database.
const maxInDatabase = 64 << 10

// original is the bytes of a draft as they came, compressed.
type original struct {
	format string
	size   int
	bytes  []byte // nil: in a blob
	blob   string
}

// pack compresses an original, and gives it to Options.Originals if it is large. If the transaction then fails, the blob
// stays and belongs to nobody.
func (l *Library) pack(ctx context.Context, format string, raw []byte) (*original, error) {
	var b bytes.Buffer
	w, _ := l.gzip.Get().(*gzip.Writer)
	if w == nil {
		// Fast: to clear the tables of a better compressor costs more than it saves in a story.
		w, _ = gzip.NewWriterLevel(&b, gzip.BestSpeed)
	} else {
		w.Reset(&b)
	}
	_, err := w.Write(raw)
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("library: compress original: %w", err)
	}
	l.gzip.Put(w)
	o := &original{format: format, size: len(raw), bytes: b.Bytes()}
	if len(o.bytes) <= maxInDatabase || l.o.Originals == nil {
		return o, nil
	}
	if o.blob, err = l.o.Originals.Keep(ctx, o.bytes); err != nil {
		return nil, fmt.Errorf("library: keep original: %w", err)
	}
	o.bytes = nil
	return o, nil
}

const (
	insertOriginal = `INSERT INTO original (item, number, format, size, bytes, blob) VALUES ($1, $2, $3, $4, $5, $6)`
	selectOriginal = `SELECT format, size, bytes, blob FROM original WHERE item = $1 AND number = $2`
)

func (o *original) save(tx *store.Tx, id news.ItemID, number int) error {
	if o == nil {
		return nil
	}
	if err := tx.Exec(insertOriginal, id, number, o.format, o.size, o.bytes, o.blob); err != nil {
		return fmt.Errorf("library: keep original: %w", err)
	}
	return nil
}

// Original gives the bytes of a version of our own as its source sent them, and their media type. A version without an
// original, and one that is not here, are faults of the kind NotFound.
func (l *Library) Original(ctx context.Context, id news.ItemID, number int) ([]byte, string, error) {
	var o original
	err := l.db.Read(ctx, func(r store.Reader) error {
		return r.QueryRow(selectOriginal, id, number).Scan(&o.format, &o.size, &o.bytes, &o.blob)
	})
	switch {
	case errors.Is(err, store.ErrNoRows):
		return nil, "", fault.New(fault.NotFound, "library.no_original")
	case err != nil:
		return nil, "", fmt.Errorf("library: read original: %w", err)
	}
	if o.blob != "" {
		if l.o.Originals == nil {
			return nil, "", fault.New(fault.Unavailable, "library.no_blobs")
		}
		if o.bytes, err = l.o.Originals.Fetch(ctx, o.blob); err != nil {
			return nil, "", fmt.Errorf("library: fetch original: %w", err)
		}
	}
	z, err := gzip.NewReader(bytes.NewReader(o.bytes))
	if err != nil {
		return nil, "", fmt.Errorf("library: original of %s: %w", id, err)
	}
	raw := make([]byte, o.size)
	if _, err := io.ReadFull(z, raw); err != nil {
		return nil, "", fmt.Errorf("library: original of %s: %w", id, err)
	}
	return raw, o.format, nil
}
