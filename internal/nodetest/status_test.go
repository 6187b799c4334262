package nodetest

import (
	"context"
	"testing"

	"newspool/internal/exchange"
	"newspool/internal/ingest"
	"newspool/internal/store/storetest"
)

// The page of the node says what is so: how large the database is, which source fails, what was wrong with a partner's records.
func TestStatus(t *testing.T) {
	for _, engine := range storetest.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			ctx := context.Background()
			x, y := North(), Soren()
			y.Database = storetest.URL(t, engine)
			a, b := Start(t, x), Start(t, y)
			Meet(a, b)
			Agree(Terms(a, b), a, b)
			item := send(t, b, a, 1)[0]
			s, err := b.Status(ctx)
			if err != nil || s.Database.Size < 10_000 || len(s.Sources) != 0 || len(s.Links) != 1 || len(s.Links[0].Trouble) != 0 {
				t.Fatalf("%+v %v", s, err)
			}
			src, err := b.Ingest.AddSource(ctx, ingest.Source{URL: "http://127.0.0.1:9/feed", Name: "Harbour feed", Enabled: true, Lang: "en", Every: 3_600_000_000_000})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.Ingest.Poll(ctx, src.ID); err == nil {
				t.Fatal("a feed that is not there was read")
			}
			force(t, a, "", exchange.TypeRelease, item, 2, "update", Story(2).Story) // of the other newsroom
			Wait(t, "the trouble is told", func() bool {
				s, err = b.Status(ctx)
				return err == nil && len(s.Links[0].Trouble) == 1
			})
			if s.Links[0].Trouble[0].Key != "exchange.not_theirs" || len(s.Sources) != 1 || s.Sources[0].Name != "Harbour feed" || s.Sources[0].Problem.Key == "" || s.Sources[0].Since.IsZero() {
				t.Errorf("%+v %+v", s.Links, s.Sources)
			}
		})
	}
}
