package deliver

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newspool/internal/content"
	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/terms"
)

func TestCreditAndTerms(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.agree("r2", func(r *terms.Revision) {
			r.Uses.Credit = terms.InLanguages{"en": "Copy of {newsroom}", "fa": "به نقل از {newsroom}"}
			r.Uses.Days = 10
			r.Uses.Publish = []terms.Channel{terms.Web}
		})
		h.receive(1, 1, news.First, nil)
		h.receive(2, 1, news.First, func(s *news.Story) { s.Lang = "fa" })
		own := news.Draft{Story: story(3), Source: "test", SourceID: "3"}
		own.Credit = ""
		if _, err := h.o.Library.Accept(context.Background(), own); err != nil {
			t.Fatal(err)
		}
		lines, _ := h.read(0, 0)
		if len(lines) != 3 {
			t.Fatalf("%d lines", len(lines))
		}
		for i, want := range []string{"Copy of North Agency", "به نقل از خبرگزاری شمال", "Avand News"} {
			if c := lines[i].credit(); c != want {
				t.Errorf("line %d is credited to %q, want %q", i, c, want)
			}
		}
		if u := lines[0].UsageTerms; !strings.Contains(u, "web") || !strings.HasSuffix(u, "\nNot for resale.") {
			t.Errorf("usage terms %q", u)
		}
		if i := lines[0].Newspool; i.Agreement != agreementID || i.Clause != "3.1" || i.Until != "2026-12-05T00:00:00Z" || i.ID != "north.example/0192f3c1-7d55-7e07-9d3c-000000000001" || i.Own {
			t.Errorf("%+v", i)
		}
		if i := lines[2].Newspool; !i.Own || i.Agreement != "" || lines[2].UsageTerms != "Not for resale." {
			t.Errorf("%+v, usage terms %q", i, lines[2].UsageTerms)
		}
	})
}

func TestCorrectionsAndWithdrawals(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.receive(1, 1, news.First, nil)
		first := h.want(0, Usable)
		h.receive(1, 2, news.Correction, func(s *news.Story) { s.Body = "<p>Late, after all.</p>" })
		second := h.want(first, Usable)
		h.receive(1, 3, news.Withdrawal, func(s *news.Story) { *s = news.Story{Note: "The ferry does not exist."} })
		lines, _ := h.read(second, 0)
		if len(lines) != 1 || lines[0].PubStatus != "canceled" || lines[0].EdNote != "The ferry does not exist." || lines[0].Newspool.Why == "" {
			t.Fatalf("%+v", lines)
		}
		// Whoever is behind gets no text that was withdrawn meanwhile.
		h.want(0, Withdrawn, Withdrawn, Withdrawn)
	})
}

func TestClosedBySomebodyHere(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := context.Background()
		h.receive(1, 1, news.First, nil)
		at := h.want(0, Usable)
		set := func(state news.State) {
			t.Helper()
			if err := h.db.Write(ctx, func(tx *store.Tx) error { return h.o.Library.SetState(tx, itemID(1), state, library.Why{}) }); err != nil {
				t.Fatal(err)
			}
		}
		set(news.Closed)
		at = h.want(at, Closed)
		set(news.SetAside)
		at = h.want(at, SetAside)
		set(news.Usable)
		h.want(at, Usable)
	})
}

func TestEmbargo(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lift := start.Add(time.Hour)
		h.receive(1, 1, news.First, func(s *news.Story) { s.Embargo = lift })
		own := news.Draft{Story: story(2), Source: "test", SourceID: "2"}
		own.Embargo = lift
		if _, err := h.o.Library.Accept(context.Background(), own); err != nil {
			t.Fatal(err)
		}
		h.receive(3, 1, news.First, nil)
		lines, next := h.read(0, 0)
		if lines[0].PubStatus != "withheld" || lines[0].EmbargoedUntil != "2026-11-24T07:00:00Z" || lines[0].Newspool.Until != "2026-11-24T07:00:00Z" {
			t.Errorf("%+v", lines[0])
		}
		h.want(0, Embargo, Embargo, Usable)
		h.pass(time.Hour - time.Microsecond)
		h.want(next)

		// The link is silent when the time comes: our own text goes out, theirs waits for the link.
		h.alive = false
		h.pass(time.Microsecond)
		next = h.want(next, Usable)
		h.pass(soon)
		h.want(next)
		h.alive = true
		h.pass(soon)
		next = h.want(next, Usable)
		h.want(next)
		h.want(0, Usable, Usable, Usable)

		// A link that is silent a day later does not matter any more.
		h.pass(confirmFor)
		h.alive = false
		h.want(0, Usable, Usable, Usable)
	})
}

func TestEmbargoThatMoves(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.receive(1, 1, news.First, func(s *news.Story) { s.Embargo = start.Add(3 * time.Hour) })
		next := h.want(0, Embargo)
		h.receive(1, 2, news.Update, func(s *news.Story) { s.Embargo = start.Add(time.Hour) })
		next = h.want(next, Embargo)
		h.pass(time.Hour)
		next = h.want(next, Usable)
		h.pass(2 * time.Hour)
		h.want(next)

		h.receive(2, 1, news.First, func(s *news.Story) { s.Embargo = h.at.Add(time.Hour) })
		next = h.want(next, Embargo)
		h.receive(2, 2, news.Withdrawal, nil)
		next = h.want(next, Withdrawn)
		h.pass(time.Hour)
		h.want(next)
	})
}

func TestTermsThatChange(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.reads = true
		h.agree("r2", func(r *terms.Revision) { r.Uses.Publish = nil })
		for n := range 3 {
			h.receive(n, 1, news.First, nil)
		}
		lines, next := h.read(0, 2)
		if i := lines[0].Newspool; i.State != NotPermitted || i.Clause != "3.1" || i.Why == "" || lines[0].PubStatus != "withheld" {
			t.Errorf("%+v", lines[0])
		}
		h.pass(1000 * time.Hour)
		h.want(next, NotPermitted)
		h.agree("r3", func(r *terms.Revision) {})
		h.suspend(true)
		h.want(next, NotYet)
		// The third was read while the agreement stood still, the first two before: all come when it goes on.
		h.suspend(false)
		lines, _ = h.read(next, 0)
		var ids []string
		for _, l := range lines {
			ids = append(ids, l.URI)
			if l.Newspool.State != Usable {
				t.Errorf("%+v", l)
			}
		}
		if d := cmp.Diff([]string{string(itemID(0)), string(itemID(1)), string(itemID(2))}, ids); d != "" {
			t.Error(d)
		}
	})
}

func TestWithoutTerms(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.stand = map[ledger.ID]terms.Standing{}
		h.receive(1, 1, news.First, nil)
		next := h.want(0, NotPermitted)
		h.agree("r1", func(*terms.Revision) {})
		h.want(next, Usable)
	})
}

func TestAgreementThatBegins(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.agree("r2", func(r *terms.Revision) { r.Start = "2026-11-25" })
		h.receive(1, 1, news.First, nil)
		next := h.want(0, NotYet)
		h.pass(18 * time.Hour)
		h.want(next, Usable)
	})
}

// TestManyHeldBack goes through more than is asked about in one go.
func TestManyHeldBack(t *testing.T) {
	h := open(t, store.SQLite)
	const n = 2*askAgainAtOne + 7
	err := h.db.Write(context.Background(), func(tx *store.Tx) error {
		for i := range n {
			s := story(i)
			s.Embargo = start.Add(time.Hour)
			if err := h.take(tx, i, 1, news.First, s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	lines, next := h.read(0, MaxLines)
	if len(lines) != n {
		t.Fatalf("%d lines", len(lines))
	}
	h.pass(time.Hour)
	seen := map[string]bool{}
	for range 4 {
		lines, after := h.read(next, MaxLines)
		for _, l := range lines {
			if seen[l.URI] || l.Newspool.State != Usable {
				t.Errorf("%+v", l)
			}
			seen[l.URI] = true
		}
		next = after
	}
	if len(seen) != n {
		t.Errorf("%d of %d came", len(seen), n)
	}
}

func TestAudit(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := context.Background()
		for n := range 3 {
			h.receive(n, 1, news.First, nil)
		}
		before := h.entries()
		_, next := h.read(0, 2)
		h.want(next, Usable)
		_, end := h.read(next, 0)
		h.want(end)
		line, err := h.Item(ctx, h.by, itemID(2), "en")
		if err != nil || line.State != Usable || line.Version != 1 {
			t.Fatalf("%+v %v", line, err)
		}
		type row struct {
			what, about, from string
			detail            map[string]any
		}
		var rows []row
		for _, e := range h.entries()[len(before):] {
			if e.Who != h.by.Person.ID {
				t.Errorf("%+v", e)
			}
			rows = append(rows, row{e.What, e.About, e.From, e.Detail})
		}
		all := func(n int, from, to int64) row {
			return row{"deliver.act_lines", "", "192.0.2.7", map[string]any{"n": float64(n), "from": float64(from), "to": float64(to)}}
		}
		want := []row{
			all(2, 0, next), all(1, next, end), all(1, next, end),
			{"deliver.act_item", string(itemID(2)), "192.0.2.7", map[string]any{"version": 1.0, "state": "usable"}},
		}
		if d := cmp.Diff(want, rows, cmp.AllowUnexported(row{})); d != "" {
			t.Error(d)
		}
	})
}

// entries are the rows of the audit, oldest first.
func (h *house) entries() []people.Entry {
	h.t.Helper()
	list, err := h.o.People.AuditPage(context.Background(), 0, 200)
	if err != nil {
		h.t.Fatal(err)
	}
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list
}

func TestRefusals(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := context.Background()
		h.receive(1, 1, news.First, nil)
		reader := h.by
		reader.Person.Roles = []people.Role{people.Signatory}
		_, _, err := h.Lines(ctx, reader, 0, 0, "en")
		wants(t, err, fault.Denied, "deliver.editors_only")
		_, err = h.Item(ctx, reader, itemID(1), "en")
		wants(t, err, fault.Denied, "deliver.editors_only")
		_, err = h.Item(ctx, h.by, itemID(9), "en")
		wants(t, err, fault.NotFound, "library.not_found")
		_, next := h.read(0, 0)
		_, _, err = h.Lines(ctx, h.by, next+1, 0, "en")
		wants(t, err, fault.Conflict, "deliver.cursor")
		if lines, after := h.read(next, 0); lines != nil || after != next {
			t.Errorf("%v %d", lines, after)
		}
	})
}

func wants(t *testing.T, err error, kind fault.Kind, key string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind || f.Key != key {
		t.Errorf("got %v, want %s %s", err, kind, key)
	}
}

func TestDraftAndErased(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := context.Background()
		var acc library.Accepted
		err := h.db.Write(ctx, func(tx *store.Tx) (err error) {
			acc, err = h.o.Library.AcceptTx(tx, news.Draft{Story: story(1), Source: "test", SourceID: "1"}, false)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		h.want(0)
		if l, err := h.Item(ctx, h.by, acc.Item, "en"); err != nil || l.State != Draft || strings.Contains(string(l.JSON), "Ferry") {
			t.Errorf("%s %v", l.JSON, err)
		}
		h.receive(2, 1, news.First, nil)
		it, err := h.o.Library.Item(ctx, itemID(2))
		if err != nil {
			t.Fatal(err)
		}
		if err := h.db.Write(ctx, func(tx *store.Tx) error { return content.Erase(tx, it.History[0].ContentID) }); err != nil {
			t.Fatal(err)
		}
		h.want(0, Erased)
	})
}

// TestLanguages says reasons and terms in the language of the program's reader, and credits in that of the story.
func TestLanguages(t *testing.T) {
	h := open(t, store.SQLite)
	h.receive(1, 1, news.First, nil)
	said := map[string]bool{}
	for _, lang := range i18n.Languages {
		lines, _, err := h.Lines(context.Background(), h.by, 0, 0, lang)
		if err != nil {
			t.Fatal(err)
		}
		var g got
		if err := json.Unmarshal(lines[0].JSON, &g); err != nil {
			t.Fatal(err)
		}
		if g.credit() != "North Agency" {
			t.Errorf("%s: credit %q", lang, g.credit())
		}
		said[g.UsageTerms] = true
	}
	if len(said) < 2 {
		t.Errorf("the terms are said alike in all languages: %v", said)
	}
}

// BenchmarkThousandLines reads a thousand lines of received items.
func BenchmarkThousandLines(b *testing.B) {
	h := open(b, store.SQLite)
	for from := 0; from < 1000; from += 200 {
		err := h.db.Write(context.Background(), func(tx *store.Tx) error {
			for i := range 200 {
				if err := h.take(tx, from+i, 1, news.First, story(from+i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			lines, _, err := h.Lines(context.Background(), h.by, 0, MaxLines, "en")
			if err != nil || len(lines) != 1000 {
				b.Fatal(len(lines), err)
			}
		}
	})
	b.Run("library", func(b *testing.B) {
		for b.Loop() {
			for after := int64(0); ; {
				list, err := h.o.Library.Feed(context.Background(), after, 200)
				if err != nil {
					b.Fatal(err)
				}
				if len(list) == 0 {
					break
				}
				after = list[len(list)-1].Cursor
			}
		}
	})
}
