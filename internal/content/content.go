// Package content keeps bytes once, exactly as they came: stories as ninjs, reasons, minutes. Whoever keeps a content holds
// its id; what the bytes are, and whether a hash of them is right, is the business of the one who holds it.
package content

import (
	"embed"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"newspool/internal/fault"
	"newspool/internal/store"
)

// ID names a content of this node: a UUIDv7 in its text form. It means nothing to another node.
type ID string

// Content is bytes with what they are.
type Content struct {
	Bytes     []byte
	MediaType string
	Lang      string // BCP 47; "" where it says nothing
}

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this package.
func Migrations() store.Migration {
	return store.Migration{Package: "content", Files: migrations}
}

const sqlPut = `INSERT INTO content (id, media_type, lang, bytes, size) VALUES ($1, $2, $3, $4, $5)`

// Put keeps bytes under a new id. They are durable when the transaction is.
func Put(tx *store.Tx, mediaType, lang string, b []byte) (ID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("content id: %w", err)
	}
	if b == nil {
		b = []byte{}
	}
	if err := tx.Exec(sqlPut, id.String(), mediaType, lang, b, len(b)); err != nil {
		return "", fmt.Errorf("keep content: %w", err)
	}
	return ID(id.String()), nil
}

const sqlGet = `SELECT media_type, lang, bytes FROM content WHERE id = $1`

// Get gives a content. One that was never kept here, or was erased, is a fault of the kind Gone.
func Get(r store.Reader, id ID) (Content, error) {
	var c Content
	switch err := r.QueryRow(sqlGet, string(id)).Scan(&c.MediaType, &c.Lang, &c.Bytes); {
	case errors.Is(err, store.ErrNoRows):
		return Content{}, fault.New(fault.Gone, "content.gone")
	case err != nil:
		return Content{}, fmt.Errorf("read content %s: %w", id, err)
	}
	return c, nil
}

const sqlErase = `DELETE FROM content WHERE id = $1`

// Erase removes the bytes. An id that is not here is no error: what was to be gone is gone.
func Erase(tx *store.Tx, id ID) error {
	if err := tx.Exec(sqlErase, string(id)); err != nil {
		return fmt.Errorf("erase content %s: %w", id, err)
	}
	return nil
}
