package nodetest

import (
	"context"
	"testing"

	"newspool/internal/exchange"
	"newspool/internal/library"
	"newspool/internal/news"
)

func TestOneStoryCrosses(t *testing.T) {
	a, b := Start(t, North()), Start(t, Soren())
	Meet(a, b)
	Agree(Terms(a, b), a, b)
	ctx := context.Background()
	acc, err := a.Library.Accept(ctx, Story(1))
	if err != nil {
		t.Fatal(err)
	}
	Wait(t, "the story is at the partner", func() bool {
		rows, err := b.Library.Wire(ctx, library.Filter{}, 0, 10)
		return err == nil && len(rows) == 1 && rows[0].Item == acc.Item && rows[0].State == news.Usable
	})
	Wait(t, "the origin has the receipt", func() bool {
		ds, err := a.Exchange.Deliveries(ctx, acc.Item)
		return err == nil && len(ds) == 1 && ds[0].State == exchange.Delivered && !ds[0].Durable.IsZero()
	})
	story, err := b.Library.Version(ctx, acc.Item, 0)
	if err != nil {
		t.Fatal(err)
	}
	if want := Story(1).Headline; story.Headline != want {
		t.Errorf("headline %q, want %q", story.Headline, want)
	}
}
