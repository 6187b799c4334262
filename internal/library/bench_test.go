package library

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"newspool/internal/content"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
	"newspool/internal/terms"
)

// eachBench runs a benchmark on each engine.
func eachBench(b *testing.B, fn func(b *testing.B, d *desk)) {
	for _, e := range storetest.Engines() {
		b.Run(string(e), func(b *testing.B) {
			fn(b, openDesk(b, storetest.OpenWith(b, store.Options{URL: storetest.URL(b, e), Migrations: tables()})))
		})
	}
}

// anIncoming makes one of many different items.
func anIncoming(r *rand.Rand, i int) Incoming {
	in := incoming(strconv.Itoa(i), 1, news.First, fmt.Sprintf("Headline number %d of this benchmark", i))
	in.Seq = int64(i)
	in.Agreement = terms.AgreementID(fmt.Sprintf("agr-%d", r.IntN(20)))
	in.Story.Lang = []news.Lang{"en", "fa", "ru", "ar", "fr", "es"}[r.IntN(6)]
	in.Story.Type = news.ItemTypes[r.IntN(3)]
	in.Story.Urgency = news.Urgency(1 + r.IntN(9))
	in.Story.Subjects = nil
	for range 1 + r.IntN(3) {
		in.Story.Subjects = append(in.Story.Subjects, news.Subject{Code: fmt.Sprintf("medtop:%d.%d.%d", r.IntN(17), r.IntN(6), r.IntN(6))})
	}
	return in
}

func benchAncestors(code string) []string {
	var out []string
	for i := len(code) - 1; i > 0; i-- {
		if code[i] == '.' {
			out = append(out, code[:i])
		}
	}
	return out
}

// BenchmarkReceive takes frames of 256 versions in, each with its content, as the exchange does.
func BenchmarkReceive(b *testing.B) {
	eachBench(b, func(b *testing.B, d *desk) {
		d.o.Ancestors = benchAncestors
		r := rand.New(rand.NewPCG(1, 2))
		bytes := make([]byte, 3000)
		b.ResetTimer()
		for n := 0; n < b.N; {
			err := d.db.Write(context.Background(), func(tx *store.Tx) error {
				var frame []Incoming
				var ids []news.ItemID
				for range min(256, b.N-n) {
					n++
					frame = append(frame, anIncoming(r, n))
					ids = append(ids, frame[len(frame)-1].Item)
				}
				if err := d.Expect(tx, ids); err != nil {
					return err
				}
				for _, in := range frame {
					var err error
					if in.ContentID, err = content.Put(tx, "application/json", "en", bytes); err != nil {
						return err
					}
					if _, err := d.Receive(tx, in); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "items/s")
	})
}

// BenchmarkAccept takes drafts in from many sides at once, one closure each.
func BenchmarkAccept(b *testing.B) {
	eachBench(b, func(b *testing.B, d *desk) {
		d.o.Ancestors = benchAncestors
		d.o.OnVersion = nil
		d.Library = New(d.db, d.o)
		original := make([]byte, 3000)
		b.SetParallelism(64)
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			r := rand.New(rand.NewPCG(rand.Uint64(), 2))
			for pb.Next() {
				in := anIncoming(r, r.Int())
				dr := news.Draft{Story: in.Story, Source: "ingest", SourceID: in.Story.Headline, Original: original, Format: "application/json"}
				if _, err := d.Accept(context.Background(), dr); err != nil {
					b.Error(err)
					return
				}
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "items/s")
	})
}

// BenchmarkWireMillion reads pages of a wire under two filters at random depths. NEWSPOOL_WIRE_ITEMS sets how many items
// there are; without it a hundred thousand.
func BenchmarkWireMillion(b *testing.B) {
	items := 100_000
	if s := os.Getenv("NEWSPOOL_WIRE_ITEMS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			b.Fatalf("NEWSPOOL_WIRE_ITEMS=%q", s)
		}
		items = n
	}
	for _, e := range storetest.Engines() {
		b.Run(string(e), func(b *testing.B) {
			d := openDesk(b, storetest.OpenWith(b, store.Options{URL: storetest.URL(b, e), Migrations: tables()}))
			d.o.Ancestors = benchAncestors
			fillWire(b, d, items)
			b.Run("page", func(b *testing.B) {
				benchFilters(b, items, func(f Filter, at int64) error {
					_, err := d.Wire(context.Background(), f, at, 50)
					return err
				})
			})
			b.Run("new", func(b *testing.B) {
				benchFilters(b, items, func(f Filter, at int64) error {
					_, _, err := d.NewSince(context.Background(), f, at)
					return err
				})
			})
			b.Run("facets", func(b *testing.B) {
				benchFilters(b, items, func(Filter, int64) error {
					_, err := d.Facets(context.Background())
					return err
				})
			})
		})
	}
}

// benchFilters asks with two fields of a filter at a time and reports the slowest hundredth.
func benchFilters(b *testing.B, items int, ask func(f Filter, at int64) error) {
	r := rand.New(rand.NewPCG(3, 4))
	var took []time.Duration
	for b.Loop() {
		in := anIncoming(r, 1)
		var f Filter
		day := start.Add(time.Duration(r.IntN(365*24)) * time.Hour).Format(time.DateOnly)
		for _, field := range r.Perm(8)[:2] {
			switch field {
			case 0:
				f.Origin = []news.Root{north, soren, avand}[r.IntN(3)]
			case 1:
				f.Agreement = in.Agreement
			case 2:
				f.Lang = in.Story.Lang
			case 3:
				f.Type = in.Story.Type
			case 4:
				f.Subject = in.Story.Subjects[0].Code
			case 5:
				f.State = []news.State{news.Usable, news.SetAside, news.Withdrawn}[r.IntN(3)]
			case 6:
				f.Urgency = in.Story.Urgency
			case 7:
				f.Day = day
			}
		}
		began := time.Now()
		if err := ask(f, 1+r.Int64N(int64(items))); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
}

// fillWire puts items and versions straight into the tables, a year of them, and has the rest made by Rebuild.
func fillWire(b *testing.B, d *desk, items int) {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	for n := 0; n < items; {
		err := d.db.Write(context.Background(), func(tx *store.Tx) error {
			for range min(5000, items-n) {
				n++
				in := anIncoming(r, n)
				in.Origin = []news.Root{soren, soren, avand}[n%3]
				it := &item{Row: Row{Item: in.Item, Origin: in.Origin}, top: 1}
				arrived := start.Add(time.Duration(n) * 365 * 24 * time.Hour / time.Duration(items))
				v := &version{
					item: in.Item, number: 1, class: news.First, state: news.Usable, n: int64(n), line: int64(n),
					face: faceOf(in.Story, arrived.UnixMicro(), arrived.UnixMicro()),
				}
				if n%100 == 0 {
					v.state = news.SetAside
				}
				it.Agreements = []terms.AgreementID{in.Agreement}
				a := arrival{item: in.Item, number: 1, ledger: "ledger", agreement: in.Agreement, seq: int64(n)}
				if err := v.save(tx); err != nil {
					return err
				}
				if err := it.save(tx); err != nil {
					return err
				}
				if err := a.save(tx); err != nil {
					return err
				}
			}
			return tx.Exec(updateCounter, n)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	began := time.Now()
	if err := d.Rebuild(context.Background(), nil); err != nil {
		b.Fatal(err)
	}
	b.Logf("rebuilt %d items in %v", items, time.Since(began))
}
