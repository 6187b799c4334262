package store
import "fmt"
func Dbg(db *DB) string { w := db.back.(*lite).wal; err := w.move("PASSIVE"); return fmt.Sprint(w.since.Load(), w.inLog.Load(), err) }
