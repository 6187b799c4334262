package store_test

import (
	"testing"

	"newspool/internal/store"
	"newspool/internal/store/storetest"
)

func TestConformance(t *testing.T) {
	for _, e := range storetest.Engines() {
		t.Run(string(e), func(t *testing.T) { storetest.Run(t, e) })
	}
}

func BenchmarkWrite1(b *testing.B)  { benchmarkWrite(b, 1) }
func BenchmarkWrite64(b *testing.B) { benchmarkWrite(b, 64) }

var _ store.Reader = (*store.Tx)(nil)
