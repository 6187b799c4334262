package nodetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"newspool/internal/library"
)

// BenchmarkProductPath measures stories a second from the library of one newsroom to that of the other, both on this machine.
func BenchmarkProductPath(b *testing.B) {
	x, y := Start(b, North()), Start(b, Soren())
	Meet(x, y)
	Agree(Terms(x, y), x, y)
	ctx := context.Background()
	b.ResetTimer()
	began := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for {
				i := next.Add(1)
				if i > int64(b.N) {
					return
				}
				if _, err := x.Library.Accept(ctx, Story(int(i))); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	accepted := time.Since(began)
	for {
		n, _, err := y.Library.NewSince(ctx, library.Filter{}, 0)
		if err != nil {
			b.Fatal(err)
		}
		if n >= int64(b.N) {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	total := time.Since(began)
	b.ReportMetric(float64(b.N)/accepted.Seconds(), "accepted/s")
	b.ReportMetric(float64(b.N)/total.Seconds(), "items/s")
	fmt.Println(b.N, accepted, total)
}
