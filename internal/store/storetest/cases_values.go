package storetest

import (
	"bytes"
	"database/sql"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"newspool/internal/store"
)

type name string
type number int32
type digest [4]byte

func values(t *testing.T, b bench) {
	db := b.open(t)
	const insert = `INSERT INTO thing (id, n, data, flag, ratio, note) VALUES ($1, $2, $3, $4, $5, $6)`
	const ask = `SELECT n, data, flag, ratio, note FROM thing WHERE id = $1`
	note, gone := "Радио Сорен · خبرگزاری آوند", (*string)(nil)
	buffer := []byte{1, 0, 255}
	write(t, db, func(tx *store.Tx) error {
		if err := tx.Exec(insert, name("all"), int64(math.MaxInt64), buffer, true, 1.5, &note); err != nil {
			return err
		}
		copy(buffer, "???") // the store has its own copy
		if err := tx.Exec(insert, "none", math.MinInt64, nil, false, nil, gone); err != nil {
			return err
		}
		if err := tx.Exec(insert, "empty", number(-7), []byte{}, sql.NullBool{Bool: true, Valid: true}, 0, ""); err != nil {
			return err
		}
		return tx.Exec(insert, "nil", uint32(7), []byte(nil), false, float32(0.25), sql.NullString{})
	})
	type row struct {
		n     int64
		data  []byte
		null  bool
		flag  bool
		ratio *float64
		note  *string
	}
	f := func(v float64) *float64 { return &v }
	s := func(v string) *string { return &v }
	for id, want := range map[string]row{
		"all":   {math.MaxInt64, []byte{1, 0, 255}, false, true, f(1.5), s(note)},
		"none":  {math.MinInt64, nil, true, false, nil, nil},
		"empty": {-7, []byte{}, false, true, f(0), s("")},
		"nil":   {7, nil, true, false, f(0.25), nil},
	} {
		var got row
		err := db.Read(t.Context(), func(r store.Reader) error {
			return r.QueryRow(ask, id).Scan(&got.n, &got.data, &got.flag, &got.ratio, &got.note)
		})
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		if got.n != want.n || !bytes.Equal(got.data, want.data) || (got.data == nil) != want.null || got.flag != want.flag ||
			!same(got.ratio, want.ratio) || !same(got.note, want.note) {
			t.Errorf("%s: %+v, want %+v", id, got, want)
		}
	}
	typedScan(t, db)
}

func same[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

// typedScan reads into the types that other packages make.
func typedScan(t *testing.T, db *store.DB) {
	var id name
	var n number
	var flag any
	var count, sum int
	var highest *int64
	var note sql.NullString
	err := db.Read(t.Context(), func(r store.Reader) error {
		if err := r.QueryRow(`SELECT id, n, note FROM thing WHERE id = $1`, name("empty")).Scan(&id, &n, &note); err != nil {
			return err
		}
		if err := r.QueryRow(`SELECT note FROM thing WHERE id = $1`, "nil").Scan(&flag); err != nil {
			return err
		}
		if err := r.QueryRow(`SELECT count(*), sum(n) FROM thing WHERE id IN ($1, $2)`, "empty", "nil").Scan(&count, &sum); err != nil {
			return err
		}
		return r.QueryRow(`SELECT max(n) FROM thing WHERE id = $1`, "nobody").Scan(&highest)
	})
	if err != nil || id != "empty" || n != -7 || !note.Valid || flag != nil || count != 2 || sum != 0 || highest != nil {
		t.Errorf("%v %q %d %v %v %d %d %v", err, id, n, note, flag, count, sum, highest)
	}
	var small int8
	var text string
	if err := db.Read(t.Context(), func(r store.Reader) error {
		return r.QueryRow(`SELECT n FROM thing WHERE id = $1`, "all").Scan(&small)
	}); err == nil {
		t.Error("a large number fits into an int8")
	}
	if err := db.Read(t.Context(), func(r store.Reader) error {
		return r.QueryRow(`SELECT note FROM thing WHERE id = $1`, "nil").Scan(&text)
	}); err == nil {
		t.Error("NULL fits into a string")
	}
	sum4 := digest{1, 2, 3, 4}
	write(t, db, func(tx *store.Tx) error {
		return tx.ExecOne(`UPDATE thing SET data = $1 WHERE id = $2`, sum4, "nil")
	})
	var data []byte
	if err := db.Read(t.Context(), func(r store.Reader) error {
		return r.QueryRow(`SELECT data FROM thing WHERE data = $1`, sum4[:]).Scan(&data)
	}); err != nil || !bytes.Equal(data, sum4[:]) {
		t.Errorf("%v %v", data, err)
	}
}

func refusedValues(t *testing.T, b bench) {
	db := b.open(t)
	for what, v := range map[string]any{
		"zero byte": "a\x00b", "bad UTF-8": "a\xff", "a time": time.Now(), "a struct": struct{}{}, "too large": uint64(math.MaxUint64),
		"a map": map[string]int{},
	} {
		if err := db.Write(t.Context(), func(tx *store.Tx) error { return tx.Exec(insertNote, what, v) }); err == nil {
			t.Errorf("%s was stored", what)
		}
	}
	for what, args := range map[string][]any{"few": {"a"}, "many": {"a", 1, 2}} {
		if err := db.Write(t.Context(), func(tx *store.Tx) error { return tx.Exec(insertThing, args...) }); err == nil {
			t.Errorf("too %s values were taken", what)
		}
	}
	wantIDs(t, db)
}

func rows(t *testing.T, b bench) {
	db := b.open(t)
	write(t, db, func(tx *store.Tx) error {
		for _, id := range []string{"a", "b", "c"} {
			if err := tx.Exec(insertThing, id, 1); err != nil {
				return err
			}
		}
		return nil
	})
	err := db.Read(t.Context(), func(r store.Reader) error {
		return r.QueryRow(selectThing, "x").Scan(new(int64))
	})
	if !errors.Is(err, store.ErrNoRows) {
		t.Errorf("no row: %v", err)
	}
	// Statements while rows are open: the rows keep what they had.
	var seen []string
	write(t, db, func(tx *store.Tx) error {
		seen = nil
		open, err := tx.Query(`SELECT id, n FROM thing ORDER BY id`)
		if err != nil {
			return err
		}
		for open.Next() {
			var id string
			var n, now int64
			if err := open.Scan(&id, &n); err != nil {
				return err
			}
			seen = append(seen, id)
			if err := tx.Exec(`UPDATE thing SET n = n + 1`); err != nil {
				return err
			}
			if err := tx.Exec(insertThing, "new "+id, 0); err != nil {
				return err
			}
			if err := tx.QueryRow(selectThing, id).Scan(&now); err != nil {
				return err
			}
			if n != 1 || now != int64(len(seen))+1 {
				t.Errorf("%s: rows say %d, a new question %d", id, n, now)
			}
			var again string
			if err := open.Scan(&again, &n); err != nil || again != id {
				t.Errorf("the row at hand is %q, %v", again, err)
			}
		}
		return open.Err()
	})
	if !slices.Equal(seen, []string{"a", "b", "c"}) {
		t.Errorf("saw %q", seen)
	}
	// Rows that were left open do not hold up the next closure, nor does a row that nobody scanned.
	write(t, db, func(tx *store.Tx) error {
		tx.QueryRow(`SELECT id FROM thing`)
		_, err := tx.Query(`SELECT id FROM thing`)
		return err
	})
	write(t, db, put("last"))
	if n := len(ids(t, db)); n != 7 {
		t.Errorf("%d rows", n)
	}
	returning(t, db)
}

func returning(t *testing.T, db *store.DB) {
	var n int64
	write(t, db, func(tx *store.Tx) error {
		return tx.QueryRow(`INSERT INTO thing (id, n) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET n = thing.n + 10 RETURNING n`, "last", 5).Scan(&n)
	})
	if n != 11 {
		t.Errorf("returned %d", n)
	}
	write(t, db, func(tx *store.Tx) (err error) {
		n, err = tx.ExecCount(`UPDATE thing SET n = $1 WHERE id < $2`, 0, "d")
		return err
	})
	if n != 3 {
		t.Errorf("changed %d rows", n)
	}
}

func textOrder(t *testing.T, b bench) {
	db := b.open(t)
	list := []string{"é", "a", "B", "Z", "z", "_", "a b", "ab", "А", "آ", "1", "10", "2"}
	write(t, db, func(tx *store.Tx) error {
		for _, id := range list {
			if err := tx.Exec(insertThing, id, 1); err != nil {
				return err
			}
		}
		return nil
	})
	slices.Sort(list)
	wantIDs(t, db, list...)
}
