package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"newspool/internal/ledger"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
	"newspool/protocol"
)

func TestDatabase(t *testing.T) {
	storetest.Each(t, tables(), func(t *testing.T, db *store.DB) {
		if ok, said := database(t, db, known()); !ok || said != "verify.ledgers" {
			t.Errorf("empty: %v %s", ok, said)
		}
		_, keys := scene(t, db)
		told := map[string]int64{}
		reports, err := Database(context.Background(), db, keys, func(origin string, done, size int64) {
			if done > size || done <= told[origin] {
				t.Errorf("%s: %d of %d after %d", origin, done, size, told[origin])
			}
			told[origin] = done
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(told) != 2 {
			t.Errorf("progress was told of %v", told)
		}
		want := [][]string{
			{"ledger 300", "present 32", "withdrawn 1", "receipts 5", "ledger_ok 300"},
			{"ledger 270", "present 27", "withdrawn 1", "withheld 2", "ledger_ok 270"},
			{"ledgers 2"},
		}
		for i, r := range reports {
			var got []string
			for _, l := range r.Lines {
				for n := 0; n < len(l.Args); n += 2 {
					if l.Args[n] == "n" || l.Args[n] == "size" {
						got = append(got, fmt.Sprint(strings.TrimPrefix(l.Key, "verify."), " ", l.Args[n+1]))
					}
				}
			}
			if !r.OK || fmt.Sprint(got) != fmt.Sprint(want[i]) {
				t.Errorf("report %d: %v %v, want %v", i, r.OK, got, want[i])
			}
		}
	})
}

// columns lists the columns of all tables of both packages, from their migrations.
func columns(t *testing.T) map[string][]string {
	out := map[string][]string{}
	table := regexp.MustCompile(`CREATE TABLE (\w+) \(([^;]*)\);`)
	comment := regexp.MustCompile(`--.*`)
	column := regexp.MustCompile(`(?m)^\s+([a-z_]+)\s+(?:TEXT|BIGINT|BYTEA|BOOLEAN)`)
	for _, m := range tables() {
		err := fs.WalkDir(m.Files, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := fs.ReadFile(m.Files, path)
			for _, hit := range table.FindAllStringSubmatch(comment.ReplaceAllString(string(b), ""), -1) {
				for _, c := range column.FindAllStringSubmatch(hit[2], -1) {
					out[hit[1]] = append(out[hit[1]], c[1])
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// unproven are the columns that nothing signed says anything of, with the reason.
func unproven() map[string]string {
	return map[string]string{
		"ledger.opened_us":       "our own time, shown to nobody",
		"ledger.visible":         "how far we show: any size within the ledger is right",
		"ledger_receipt.at_us":   "our own time of arrival",
		"ledger_evidence.id":     "texts that cannot both be true are for a person",
		"ledger_evidence.kind":   "as above",
		"ledger_evidence.ours":   "as above",
		"ledger_evidence.theirs": "as above",
		"ledger_evidence.at_us":  "as above",
		"content.size":           "the length is counted again when it is read",
	}
}

// other gives values that differ from one of a column as little as they can.
func other(v any, step int) []any {
	switch v := v.(type) {
	case []byte:
		if len(v) == 0 {
			return []any{[]byte{0}}
		}
		x := append([]byte(nil), v...)
		x[(len(x)*step/3)%len(x)] ^= 1 << (step % 8)
		return []any{x, v[:len(v)-1], append(append([]byte(nil), v...), 0)}
	case string:
		if v == "" {
			return []any{"x"}
		}
		x := []byte(v)
		at := (len(x) * step / 3) % len(x)
		if x[at] ^= 1; x[at] >= 0x80 || x[at] < 0x20 {
			x[at] = 'x'
		}
		return []any{string(x)}
	case bool:
		return []any{!v}
	case int64:
		return []any{v + 1<<20, v ^ 1, v - 1, -v - 1}
	}
	return nil
}

// TestEveryColumn changes one value of every column of every table, in several rows: each is found.
func TestEveryColumn(t *testing.T) {
	db := storetest.Open(t, tables()...)
	h, keys := scene(t, db)
	if ok, said := database(t, db, keys); !ok {
		t.Fatal(said)
	}
	all := columns(t)
	if len(all) != 8 || len(all["ledger"]) != 15 || len(all["ledger_content"]) != 7 {
		t.Fatalf("tables and columns: %v", all)
	}
	reasons := unproven()
	for table, names := range all {
		for _, column := range names {
			if table == "ledger_evidence" {
				continue // there are no rows; one that belongs to no ledger is tried below
			}
			_, free := reasons[table+"."+column]
			found, tried := 0, 0
			for step, where := range rowsOf(t, db, table) {
				good := value(t, db, table, column, where)
				for _, bad := range other(good, step) {
					if !set(db, table, column, where, bad) {
						continue // a key that is taken
					}
					tried++
					ok, _ := database(t, db, keys)
					if !ok {
						found++
					} else if !free {
						t.Errorf("%s.%s of row %s: %.40v instead of %.40v is not found", table, column, where, bad, good)
					}
					if !set(db, table, column, fmt.Sprintf("rowid = %s", where), good) {
						t.Fatalf("%s.%s cannot be mended", table, column)
					}
				}
			}
			if tried == 0 {
				t.Errorf("%s.%s: nothing was tried", table, column)
			}
			if free && found == tried {
				t.Errorf("%s.%s is said to be unproven, and every change was found", table, column)
			}
		}
	}
	if ok, said := database(t, db, keys); !ok {
		t.Errorf("mended again: %s", said)
	}
	h.write(func(tx *store.Tx) error { return h.s.Evidence(tx, "x", "fork", []byte{1}, []byte{2}) })
	if ok, said := database(t, db, keys); ok || !strings.Contains(said, "verify.unowned") {
		t.Errorf("evidence of no ledger: %s", said)
	}
}

// rowsOf names a few rows of a table, among them the first and the last, and rows of both ledgers.
func rowsOf(t *testing.T, db *store.DB, table string) (out []string) {
	t.Helper()
	err := db.Read(context.Background(), func(r store.Reader) error {
		rows, err := r.Query(`SELECT rowid FROM ` + table + ` ORDER BY rowid`)
		if err != nil {
			return err
		}
		defer rows.Close()
		var all []int64
		for rows.Next() {
			var id int64
			if err := rows.Scan(&id); err != nil {
				return err
			}
			all = append(all, id)
		}
		for i := range 5 {
			out = append(out, fmt.Sprint(all[i*(len(all)-1)/4]))
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func value(t *testing.T, db *store.DB, table, column, where string) (v any) {
	t.Helper()
	err := db.Read(context.Background(), func(r store.Reader) error {
		return r.QueryRow(fmt.Sprintf(`SELECT %s FROM %s WHERE rowid = %s`, column, table, where)).Scan(&v)
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func set(db *store.DB, table, column, where string, v any) bool {
	if !strings.Contains(where, "=") {
		where = "rowid = " + where
	}
	err := db.Write(context.Background(), func(tx *store.Tx) error {
		return tx.ExecOne(fmt.Sprintf(`UPDATE %s SET %s = $1 WHERE %s`, table, column, where), v)
	})
	return err == nil
}

// TestRowsGoneAndMore deletes rows and adds some: each is found.
func TestRowsGoneAndMore(t *testing.T) {
	storetest.Each(t, tables(), func(t *testing.T, db *store.DB) {
		_, keys := scene(t, db)
		for _, statement := range []string{
			`DELETE FROM ledger_entry WHERE ledger = '` + string(idA) + `' AND seq = 299`,
			`DELETE FROM ledger_entry WHERE ledger = '` + string(idA) + `' AND seq = 0`,
			`DELETE FROM ledger_entry WHERE ledger = '` + string(idB) + `' AND seq >= 100 AND seq < 200`,
			`DELETE FROM ledger_entry WHERE ledger = '` + string(idB) + `'`,
			`DELETE FROM ledger_tile`,
			`DELETE FROM ledger_content WHERE seq = 5`,
			`DELETE FROM ledger_withdrawal`,
			`DELETE FROM content`,
			`DELETE FROM ledger_receipt WHERE size = 300`,
			`DELETE FROM ledger WHERE id = '` + string(idB) + `'`,
			`INSERT INTO ledger_entry (ledger, seq, leaf, record) VALUES ('` + string(idA) + `', 300, $1, $1)`,
			`INSERT INTO ledger_entry (ledger, seq, leaf, record) VALUES ('` + string(idA) + `', -1, $1, $1)`,
			`INSERT INTO ledger_tile (ledger, lvl, idx, hash) VALUES ('` + string(idB) + `', 2, 0, $1)`,
			`INSERT INTO ledger_content (ledger, seq, n, state, salt, content, cause) VALUES ('` + string(idA) + `', 7, 0, 3, $1, '', 0)`,
			`INSERT INTO ledger_content (ledger, seq, n, state, salt, content, cause) VALUES ('` + string(idA) + `', 900, 0, 3, $1, '', 0)`,
			`INSERT INTO ledger_withdrawal (ledger, seq, about) VALUES ('` + string(idB) + `', 269, 'newspool://avand.example/item/15')`,
			`INSERT INTO ledger_receipt (ledger, cosigner, size, seconds, at_us, line) VALUES ('` + string(idA) + `', 'x', -5, 1, 1, '')`,
			`INSERT INTO ledger_receipt (ledger, cosigner, size, seconds, at_us, line) VALUES ('` + string(idA) + `', 'x', 7000, 1, 1, '')`,
			`INSERT INTO ledger_receipt (ledger, cosigner, size, seconds, at_us, line) VALUES ('` + string(idB) + `', 'x', 7, 1, 1, '')`,
		} {
			// Done and looked at in one transaction, which is undone.
			err := db.Write(context.Background(), func(tx *store.Tx) error {
				var args []any
				if strings.Contains(statement, "$1") {
					args = append(args, []byte{})
				}
				if _, err := tx.ExecCount(statement, args...); err != nil {
					return err
				}
				ok := true
				for _, id := range []ledger.ID{idA, idB} {
					i, err := ledger.Get(tx, id)
					if errors.Is(err, ledger.ErrUnknown) {
						unowned, err := ledger.Unowned(tx)
						ok = ok && err == nil && len(unowned) == 0
						continue
					}
					if err != nil {
						return err
					}
					r, err := Ledger(context.Background(), tx, i, keys, nil)
					if err != nil {
						return err
					}
					ok = ok && r.OK
				}
				if ok {
					t.Errorf("not found: %s", statement)
				}
				return errUndo
			})
			if !errors.Is(err, errUndo) {
				t.Fatal(err)
			}
		}
		if ok, said := database(t, db, keys); !ok {
			t.Errorf("after all is undone: %s", said)
		}
	})
}

var errUndo = errors.New("undo")

// TestManyWrong bounds the lines of a report.
func TestManyWrong(t *testing.T) {
	db := storetest.Open(t, tables()...)
	h, keys := scene(t, db)
	h.write(func(tx *store.Tx) error { return tx.Exec(`UPDATE ledger_entry SET leaf = record`) })
	reports, err := Database(context.Background(), db, keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := reports[0]
	last := r.Lines[len(r.Lines)-1]
	if r.OK || len(r.Lines) > 40 || last.Key != "verify.more" || fmt.Sprint(last.Args) != "[n 280]" {
		t.Errorf("%d lines, the last %+v", len(r.Lines), last)
	}
}

// TestKeysOfTheLedger: keys that were retired since are good for what they signed; of a stolen one it is said.
func TestKeysOfTheLedger(t *testing.T) {
	db := storetest.Open(t, tables()...)
	north, avand := newHouse(t, db, "north.example"), newHouse(t, storetest.Open(t, tables()...), "avand.example")
	avand.speak(idB, 30)
	north.follow(avand, idB, nil)
	north.speak(idA, 30)
	north.receipt(idA, avand.newsroom, 20)
	later := avand.newsroom
	later.add(t, protocol.ActRetire, protocol.RoleLog, avand.log)
	later.add(t, protocol.ActRetire, protocol.RoleCosigner, avand.cosigner)
	if ok, said := database(t, db, known(north.newsroom, later)); !ok || strings.Contains(said, "stolen") {
		t.Errorf("retired: %s", said)
	}
	later.add(t, protocol.ActStolen, protocol.RoleLog, avand.log)
	if ok, said := database(t, db, known(north.newsroom, later)); !ok || !strings.Contains(said, "verify.stolen_key") {
		t.Errorf("stolen: %s", said)
	}
	for name, keys := range map[string]KeysOf{"nobody known": known(), "the other unknown": known(north.newsroom), "we unknown": known(avand.newsroom)} {
		if ok, _ := database(t, db, keys); ok {
			t.Errorf("%s: all is well", name)
		}
	}
}

// TestTakenBack: a ledger of ours whose end came back from a follower may lack contents and hints, but no record.
func TestTakenBack(t *testing.T) {
	db := storetest.Open(t, tables()...)
	h, keys := scene(t, db)
	h.write(func(tx *store.Tx) error {
		if err := tx.Exec(`DELETE FROM ledger_withdrawal`); err != nil {
			return err
		}
		return tx.Exec(`UPDATE ledger_content SET state = 3, content = '', salt = $1 WHERE ledger = $2 AND seq = 25`, make([]byte, 32), string(idA))
	})
	if ok, _ := database(t, db, keys); ok {
		t.Error("an open ledger lacks a content and a hint, and all is well")
	}
	h.write(func(tx *store.Tx) error { return ledger.SetState(tx, idA, ledger.Ended) })
	if ok, said := database(t, db, keys); !ok {
		t.Errorf("ended: %s", said)
	}
	h.write(func(tx *store.Tx) error {
		return tx.Exec(`DELETE FROM ledger_entry WHERE ledger = $1 AND seq = 8`, string(idA))
	})
	if ok, _ := database(t, db, keys); ok {
		t.Error("a record is missing, and all is well")
	}
}
