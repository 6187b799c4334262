package desk_test

import (
	"context"
	"errors"
	"testing"

	"newspool/internal/content"
	"newspool/internal/desk"
	"newspool/internal/fault"
	"newspool/internal/formats/ninjs"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/store"
)

// photos notes what it is asked to fetch.
type photos struct {
	wanted []string
	err    error
}

func (p *photos) Want(tx *store.Tx, _ news.ItemID, all []news.Media, ledger string, owner news.Root) error {
	tx.OnCommit(func() {
		for _, m := range all {
			p.wanted = append(p.wanted, m.ID+" "+ledger+" "+string(owner))
		}
	})
	return p.err
}

// received has a version of an item come from the other newsroom.
func (r *room) received(t *testing.T, number int, class news.Class, state news.State) news.ItemID {
	t.Helper()
	s := story("Theirs").Story
	s.Media = []news.Media{{ID: "m1", Of: news.Picture, Type: "image/jpeg", Caption: "The cup."}}
	id := news.ItemID("newspool://south.example/item/1")
	err := r.db.Write(context.Background(), func(tx *store.Tx) error {
		in := library.Incoming{
			Item: id, Number: number, Class: class, Origin: theirs, Agreement: "agr", Ledger: "ledger-1", Seq: int64(number), Story: s, State: state,
		}
		if state == news.SetAside {
			in.Why = library.Why{Clause: "2.1", Key: "terms.aside.subject"}
		}
		var err error
		if state != news.Closed {
			b := ninjs.Write(s, ninjs.Meta{URI: string(id), Version: "1", Class: class})
			if in.ContentID, err = content.Put(tx, "application/ninjs+json", "en", b); err != nil {
				return err
			}
		}
		_, err = r.library.Receive(tx, in)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestOpenWhatIsAside(t *testing.T) {
	r, ctx := open(t), context.Background()
	pics, rang := &photos{}, 0
	d := desk.NewDeciding(r.Service, pics, func() { rang++ })
	id := r.received(t, 1, news.First, news.SetAside)
	state := func() news.State {
		it, err := r.library.Item(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return it.State
	}
	refused := func(what string, err error, kind fault.Kind, key string) {
		t.Helper()
		if !fault.Is(err, kind) || fault.Of(err).Key != key {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("without a reason", d.Open(ctx, r.editor.ID, id, 1, ""), fault.Invalid, "story.open_reason")
	refused("by no editor", d.Open(ctx, r.outsider.ID, id, 1, "Yes"), fault.Denied, "story.editors_only")
	refused("left by no editor", d.Leave(ctx, r.outsider.ID, id, 1, ""), fault.Denied, "story.editors_only")
	refused("another version", d.Open(ctx, r.editor.ID, id, 2, "Yes"), fault.Conflict, "item.changed_meanwhile")
	if err := d.Leave(ctx, r.editor.ID, id, 1, "Ask the sport desk."); err != nil || state() != news.SetAside {
		t.Errorf("left: %v, %s", err, state())
	}
	pics.err = errors.New("no room")
	if err := d.Open(ctx, r.editor.ID, id, 1, "Yes"); err == nil || state() != news.SetAside {
		t.Errorf("opened without its photos: %v, %s", err, state())
	}
	pics.err = nil
	if err := d.Open(ctx, r.editor.ID, id, 1, "Agreed by telephone."); err != nil || state() != news.Usable {
		t.Fatalf("opened: %v, %s", err, state())
	}
	if len(pics.wanted) != 1 || pics.wanted[0] != "m1 ledger-1 bb" || rang != 2 {
		t.Errorf("wanted %q, rang %d times", pics.wanted, rang)
	}
	if it, err := r.library.Item(ctx, id); err != nil || it.Why.Clause != "2.1" {
		t.Errorf("why it was set aside is lost: %+v", it.Why)
	}
	refused("twice", d.Open(ctx, r.editor.ID, id, 1, "Yes"), fault.Conflict, "story.decided")
	got, err := d.Decided(ctx, id)
	if err != nil || len(got) != 2 || !got[0].Opened || got[0].Name != "Ed" || got[0].Version != 1 || got[0].Reason != "Agreed by telephone." || got[1].Opened || got[1].Reason != "Ask the sport desk." {
		t.Errorf("decided: %+v, %v", got, err)
	}
	if _, err := r.people.VerifyAudit(ctx); err != nil {
		t.Error(err)
	}

	r.received(t, 2, news.Update, news.SetAside)
	if err := d.Open(ctx, "", id, desk.AnyVersion, "By the operator."); err != nil || state() != news.Usable {
		t.Errorf("by the operator: %v, %s", err, state())
	}
	if got, err := d.Decided(ctx, id); err != nil || len(got) != 3 || got[0].Name != "" || got[0].Version != 2 {
		t.Errorf("decided: %+v, %v", got, err)
	}
	r.received(t, 3, news.Withdrawal, news.Withdrawn)
	refused("withdrawn", d.Open(ctx, r.editor.ID, id, 3, "Yes"), fault.Gone, "library.withdrawn")
}

func TestOpenWhatIsClosed(t *testing.T) {
	r, ctx := open(t), context.Background()
	d := desk.NewDeciding(r.Service, &photos{}, func() {})
	id := r.received(t, 1, news.First, news.Usable)
	shut := func(key string) {
		if err := r.db.Write(ctx, func(tx *store.Tx) error { return r.library.CloseForUse(tx, id, library.Why{Key: key}) }); err != nil {
			t.Fatal(err)
		}
	}
	shut("exchange.unknown_type")
	if err := d.Open(ctx, r.editor.ID, id, 1, "Harmless."); err != nil {
		t.Error(err)
	}
	shut("exchange.unknown_type")
	shut(library.WithdrawalAhead) // known only afterwards
	shut("exchange.unknown_type")
	if err := d.Open(ctx, r.editor.ID, id, 1, "Harmless."); !fault.Is(err, fault.Conflict) || fault.Of(err).Key != library.WithdrawalAhead {
		t.Errorf("a withdrawal is on its way: %v", err)
	}
	if err := d.Leave(ctx, r.editor.ID, id, 1, ""); err != nil {
		t.Error(err)
	}
	if err := d.Open(ctx, r.editor.ID, "newspool://south.example/item/none", 1, "x"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an item that is not here: %v", err)
	}
	own, err := r.Save(ctx, r.editor.ID, "", 0, story("Ours"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Leave(ctx, r.editor.ID, own.Item, 1, ""); !fault.Is(err, fault.Denied) {
		t.Errorf("an item of our own: %v", err)
	}
	r = open(t)
	d = desk.NewDeciding(r.Service, &photos{}, func() {})
	id = r.received(t, 1, news.First, news.Closed)
	if err := d.Open(ctx, r.editor.ID, id, 1, "x"); !fault.Is(err, fault.Conflict) || fault.Of(err).Key != "library.missing" {
		t.Errorf("without its text: %v", err)
	}
}
