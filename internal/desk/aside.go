package desk

import (
	"context"
	"time"

	"newspool/internal/fault"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/store"
)

// Media fetches what belongs to stories. media.Service is one.
type Media interface {
	// Want notes in the transaction that the media of a story are to be fetched, from where they were told of.
	Want(tx *store.Tx, item news.ItemID, all []news.Media, ledger string, owner news.Root) error
}

// Deciding is what people decide about items that came outside the terms, or that are closed. Within its own house a newsroom may
// go past such a no: a person gives a reason, and it stands in the audit of this node. The partner is told nothing of it; it knows
// already that the item was set aside, and a ledger is not the place for what a newsroom does at home.
type Deciding struct {
	*Service
	media   Media
	changed func()
}

// NewDeciding adds to a desk that people decide. changed is called after each decision.
func NewDeciding(s *Service, m Media, changed func()) *Deciding { return &Deciding{s, m, changed} }

const (
	actOpened = "story.act_open"
	actLeft   = "story.act_leave"
)

// Open takes an item for use that is set aside or closed, in the version that the person has read (or AnyVersion). What agreements
// say of use, of an embargo and of their end holds for it as for every other. Its media are fetched from now on. by "" is the
// operator of the node.
//
// Faults: story.open_reason (Invalid) without a reason; item.changed_meanwhile (Conflict) where another version stands there;
// story.decided (Conflict) where nothing waits for a decision; those of library.SetState.
func (s *Deciding) Open(ctx context.Context, by news.PersonID, id news.ItemID, version int, reason string) error {
	if reason == "" {
		return fault.New(fault.Invalid, "story.open_reason")
	}
	return s.decide(ctx, by, id, version, actOpened, reason, func(tx *store.Tx, item library.Item) error {
		if err := s.library.SetState(tx, id, news.Usable, item.Why); err != nil { // why it was set aside stays known
			return err
		}
		story, err := s.library.ReadVersion(tx, id, item.Version)
		if err != nil {
			return err
		}
		ledger := ""
		for _, w := range item.Ways {
			if w.Number == item.Version {
				ledger = w.Ledger
			}
		}
		return s.media.Want(tx, id, story.Media, ledger, item.Origin)
	})
}

// Leave notes that a person has looked at an item and leaves it as it is: set aside or closed. A reason may be given. Faults as of
// Open.
func (s *Deciding) Leave(ctx context.Context, by news.PersonID, id news.ItemID, version int, reason string) error {
	return s.decide(ctx, by, id, version, actLeft, reason, func(*store.Tx, library.Item) error { return nil })
}

func (s *Deciding) decide(ctx context.Context, by news.PersonID, id news.ItemID, version int, what, reason string, do func(*store.Tx, library.Item) error) error {
	who := people.Act{Who: by, What: what, About: string(id)}
	if by == "" {
		who.From = "console"
	} else if _, err := s.editor(ctx, by); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		item, err := s.library.ReadItem(tx, id)
		switch {
		case err != nil:
			return err
		case item.Own:
			return fault.New(fault.Denied, "library.not_received")
		case item.State == news.Withdrawn:
			return fault.New(fault.Gone, "library.withdrawn")
		case item.State != news.SetAside && item.State != news.Closed:
			return fault.New(fault.Conflict, "story.decided")
		case version != AnyVersion && version != item.Version:
			return overtaken()
		}
		tx.OnCommit(s.changed)
		act := who
		act.Detail = map[string]any{"version": item.Version, "reason": reason, "state": string(item.State), "clause": item.Why.Clause}
		if err := do(tx, item); err != nil {
			return err
		}
		return s.people.Audit(tx, act)
	})
}

// Decided is what somebody has decided about an item.
type Decided struct {
	Opened  bool   // taken for use; else left as it was
	Name    string // of the person; "" for the operator of the node
	At      time.Time
	Version int
	Reason  string
}

// decisions is how many decisions about an item are told of.
const decisions = 5

// Decided tells what was decided about an item, the newest first.
func (s *Service) Decided(ctx context.Context, id news.ItemID) ([]Decided, error) {
	acts, err := s.people.AuditOf(ctx, string(id), [2]string{actOpened, actLeft}, decisions)
	out := make([]Decided, len(acts))
	for i, a := range acts {
		version, _ := a.Detail["version"].(float64)
		reason, _ := a.Detail["reason"].(string)
		out[i] = Decided{Opened: a.What == actOpened, Name: a.Name, At: a.At, Version: int(version), Reason: reason}
	}
	return out, err
}
