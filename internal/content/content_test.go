package content

import (
	"bytes"
	"context"
	"testing"

	"newspool/internal/fault"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
)

func TestContentIsKeptAsItCame(t *testing.T) {
	storetest.Each(t, []store.Migration{Migrations()}, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		all := []Content{
			{[]byte(`{"a": 1}`), "application/ninjs+json", "fa"},
			{[]byte{}, "text/plain", ""},
			{bytes.Repeat([]byte{0, 255, 13, 10}, 1<<18), "application/octet-stream", "zh-Hans"},
		}
		var ids []ID
		err := db.Write(ctx, func(tx *store.Tx) (err error) {
			for _, c := range all {
				id, err := Put(tx, c.MediaType, c.Lang, c.Bytes)
				if err != nil {
					return err
				}
				ids = append(ids, id)
			}
			empty, err := Put(tx, "text/plain", "", nil)
			ids = append(ids, empty)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		get := func(id ID) (c Content, err error) {
			err = db.Read(ctx, func(r store.Reader) error {
				c, err = Get(r, id)
				return err
			})
			return c, err
		}
		for i, want := range append(all, Content{[]byte{}, "text/plain", ""}) {
			got, err := get(ids[i])
			if err != nil || !bytes.Equal(got.Bytes, want.Bytes) || got.MediaType != want.MediaType || got.Lang != want.Lang {
				t.Errorf("content %d: %d bytes, %s, %s, %v", i, len(got.Bytes), got.MediaType, got.Lang, err)
			}
		}
		for range 2 {
			if err := db.Write(ctx, func(tx *store.Tx) error { return Erase(tx, ids[0]) }); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := get(ids[0]); !fault.Is(err, fault.Gone) {
			t.Errorf("erased: %v", err)
		}
		if _, err := get(ids[1]); err != nil {
			t.Errorf("its neighbour: %v", err)
		}
	})
}
