package store_test
import ("testing";"fmt";"newspool/internal/store";"os")
func TestDbg(t *testing.T) {
	db, dir := openIn(t)
	put(db,"a",nothing)
	for _, q := range []string{"PRAGMA max_page_count = 8","PRAGMA max_page_count","PRAGMA page_count"} {
	db.Write(t.Context(), func(tx *store.Tx) error { var n int; err := tx.QueryRow(q).Scan(&n); fmt.Println(q, n, err); return err })
	}
	fmt.Println(put(db,"b",make([]byte,1<<20)))
	for i := range 10 {
	put(db,fmt.Sprint(i),make([]byte,1<<20))
	info,_ := os.Stat(dir+"/newspool.db-wal")
	fmt.Println(info.Size()>>14, store.Dbg(db))
	}
}
