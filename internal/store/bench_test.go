package store_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"sync"
	"testing"
	"testing/fstest"

	"newspool/internal/store"
	"newspool/internal/store/storetest"
)

// benchmarkWrite stores simple rows, one in each Write, from so many writers. An operation is one row that is durable.
func benchmarkWrite(b *testing.B, writers int) {
	schema := []store.Migration{{Package: "bench", Files: fstest.MapFS{"0001_row.sql": {Data: []byte(
		`CREATE TABLE row (id TEXT PRIMARY KEY, at_us BIGINT NOT NULL, body BYTEA NOT NULL);`)}}}}
	for _, e := range storetest.Engines() {
		b.Run(string(e), func(b *testing.B) {
			db := storetest.OpenWith(b, store.Options{URL: storetest.URL(b, e), Migrations: schema})
			body := make([]byte, 100)
			var next sync.Mutex
			n, groups := 0, 0
			take := func() int {
				next.Lock()
				defer next.Unlock()
				n++
				return n
			}
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for range writers {
				wg.Go(func() {
					for i := take(); i <= b.N; i = take() {
						id := rowID(i)
						err := db.Write(context.Background(), func(tx *store.Tx) error {
							tx.BeforeCommit(0, func() error { groups++; return nil })
							return tx.Exec(`INSERT INTO row (id, at_us, body) VALUES ($1, $2, $3)`, id, i, body)
						})
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(b.N)/float64(groups), "rows/commit")
		})
	}
}

// rowID is like a UUIDv7: the time first, then noise.
func rowID(i int) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(i)<<16)
	h := fnv.New64a()
	h.Write(b[:8])
	copy(b[8:], h.Sum(nil))
	return hex.EncodeToString(b[:])
}
