package desk

import (
	"context"
	"time"

	"newspool/internal/fault"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// Ruling is what one agreement says to an act.
type Ruling struct {
	Revision terms.Revision
	Decision terms.Decision
}

// Judge asks the agreements.
type Judge interface {
	// Rulings asks each agreement under which a received item came whether an act is permitted now.
	Rulings(ctx context.Context, id news.ItemID, act terms.Act) ([]Ruling, error)
	// Confirmed reports whether the link to a newsroom was alive within two minutes of a time.
	Confirmed(origin news.Root, at time.Time) bool
	// Credit is the name of our own newsroom in a language, under which our own items are credited.
	Credit(lang news.Lang) string
}

// Lineage knows what was made from what.
type Lineage interface {
	// Make notes in the transaction that saves an item what it was made from.
	Make(tx *store.Tx, item, source news.ItemID, version int, act terms.Act, by news.PersonID) error
	// Applied answers what a change of a source asks of an item, in the transaction that saves a new version of the item.
	Applied(tx *store.Tx, by news.PersonID, duty int64, item news.ItemID) error
	// Withdrawn answers all that is asked of an item, in the transaction that withdraws it.
	Withdrawn(tx *store.Tx, by news.PersonID, item news.ItemID) error
}

// Service is the desk.
type Service struct {
	db      *store.DB
	library *library.Library
	people  *people.Service
	judge   Judge
	lineage Lineage
	now     func() time.Time
}

// New makes the desk.
func New(db *store.DB, l *library.Library, p *people.Service, j Judge, from Lineage, now func() time.Time) *Service {
	return &Service{db: db, library: l, people: p, judge: j, lineage: from, now: now}
}

// editor gives the person, if they may work on items.
func (s *Service) editor(ctx context.Context, id news.PersonID) (people.Person, error) {
	p, err := s.people.Person(ctx, id)
	if err != nil {
		return p, err
	}
	if !p.Has(people.Editor) {
		return p, fault.New(fault.Denied, "story.editors_only")
	}
	return p, nil
}

// act does something as an editor, and writes it into the audit in the same transaction.
func (s *Service) act(ctx context.Context, person news.PersonID, what string, detail map[string]any, fn func(tx *store.Tx, by people.Person) (library.Accepted, error)) (library.Accepted, error) {
	by, err := s.editor(ctx, person)
	if err != nil {
		return library.Accepted{}, err
	}
	var acc library.Accepted
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if acc, err = fn(tx, by); err != nil {
			return err
		}
		if acc.Duplicate {
			return nil
		}
		if detail == nil {
			detail = map[string]any{}
		}
		detail["version"] = acc.Version
		return s.people.Audit(tx, people.Act{Who: by.ID, What: what, About: string(acc.Item), Detail: detail})
	})
	return acc, err
}

// AnyVersion stands for whatever version is there, for programs: they have none before them.
const AnyVersion = -1

// asSeen reports whether an item still is as somebody had it before them: in this version, and a draft or not.
func (s *Service) asSeen(tx *store.Tx, id news.ItemID, version int, draft bool) (bool, error) {
	if version == AnyVersion {
		return true, nil
	}
	item, err := s.library.ReadItem(tx, id)
	return item.Version == version && (item.State == news.Unreleased) == draft, err
}

func overtaken() error { return fault.New(fault.Conflict, "item.changed_meanwhile") }

// Save keeps a draft that is not released; id "" is a new item, version the one that the person wrote on. If another has been
// saved since, or this one released, it is a Conflict (item.changed_meanwhile), unless it says the same. A new item may have a key
// (d.SourceID): what was saved with it before is that item, and version the one that was saved then. A fault names the item, too.
func (s *Service) Save(ctx context.Context, person news.PersonID, id news.ItemID, version int, d news.Draft) (library.Accepted, error) {
	return s.act(ctx, person, "story.act_save", nil, func(tx *store.Tx, by people.Person) (library.Accepted, error) {
		d.By, d.Source = by.ID, "desk"
		if id == "" {
			return s.first(tx, d)
		}
		return s.save(tx, by, id, version, d)
	})
}

// first keeps a draft as a new item, or as the next version of the draft that its key has made.
func (s *Service) first(tx *store.Tx, d news.Draft) (library.Accepted, error) {
	id, version, err := s.library.Said(tx, d.Source, d.SourceID)
	same := true
	if err == nil && id != "" {
		same, err = s.asSeen(tx, id, version, true)
	}
	if err != nil {
		return library.Accepted{}, err
	}
	acc, err := s.library.AcceptTx(tx, d, false)
	if err == nil && !acc.Duplicate && !same {
		err = overtaken()
	}
	if err != nil {
		acc.Item = id
	}
	return acc, err
}

// save keeps a draft again.
func (s *Service) save(tx *store.Tx, by people.Person, id news.ItemID, version int, d news.Draft) (library.Accepted, error) {
	same, err := s.asSeen(tx, id, version, true)
	if err != nil {
		return library.Accepted{}, err
	}
	acc, err := s.library.CorrectTx(tx, id, d, "", by.ID)
	if err == nil && !acc.Duplicate && !same {
		err = overtaken()
	}
	return acc, err
}

// Release lets a draft go to everybody whose agreement takes it: in the version that the person has read, and in no other. That
// is a Conflict (item.changed_meanwhile).
func (s *Service) Release(ctx context.Context, person news.PersonID, id news.ItemID, version int) error {
	_, err := s.act(ctx, person, "story.act_release", nil, func(tx *store.Tx, by people.Person) (library.Accepted, error) {
		acc, err := s.library.ReleaseTx(tx, id, by.ID)
		if err == nil && version != AnyVersion && acc.Version != version {
			err = overtaken()
		}
		return acc, err
	})
	return err
}

// Change releases a new version; version is the one that it changes, d.Class says whether it updates or corrects, note what was
// wrong. If another has been released since, it is a Conflict (item.changed_meanwhile), unless it says the same.
func (s *Service) Change(ctx context.Context, person news.PersonID, id news.ItemID, version int, d news.Draft, note string) error {
	_, err := s.change(ctx, person, id, version, d, note, func(*store.Tx, people.Person, library.Accepted) error { return nil })
	return err
}

// change is Change with what else belongs into its transaction.
func (s *Service) change(ctx context.Context, person news.PersonID, id news.ItemID, version int, d news.Draft, note string, also func(*store.Tx, people.Person, library.Accepted) error) (library.Accepted, error) {
	if d.Class == news.Correction && note == "" {
		return library.Accepted{}, fault.New(fault.Invalid, "story.correction_note")
	}
	what := "story.act_update"
	if d.Class == news.Correction {
		what = "story.act_correction"
	}
	same := true
	acc, err := s.act(ctx, person, what, map[string]any{"note": note}, func(tx *store.Tx, by people.Person) (acc library.Accepted, err error) {
		if same, err = s.asSeen(tx, id, version, false); err != nil {
			return acc, err
		}
		acc, err = s.library.CorrectTx(tx, id, d, note, by.ID)
		if err == nil && !acc.Duplicate && !same {
			err = overtaken()
		}
		if err == nil {
			err = also(tx, by, acc)
		}
		return acc, err
	})
	if err == nil && acc.Duplicate && same {
		err = fault.New(fault.Conflict, "story.nothing_changed")
	}
	return acc, err
}

// Withdraw takes an item of our own back everywhere. The reason is told to all who had it.
func (s *Service) Withdraw(ctx context.Context, person news.PersonID, id news.ItemID, reason string) error {
	if reason == "" {
		return fault.New(fault.Invalid, "story.withdrawal_reason")
	}
	_, err := s.act(ctx, person, "story.act_withdraw", map[string]any{"reason": reason}, func(tx *store.Tx, by people.Person) (library.Accepted, error) {
		acc, err := s.library.WithdrawTx(tx, id, reason, by.ID)
		if err == nil {
			err = s.lineage.Withdrawn(tx, by.ID, id)
		}
		return acc, err
	})
	return err
}

// From is what a new item is made from. Act is terms.Translate, terms.Shorten or terms.Combine.
type From struct {
	Source  news.ItemID
	Version int
	Act     terms.Act
}

// Derive keeps a draft that was made from another item, if the agreements permit that now; the draft knows its source from then on.
// What no agreement permits is a Denied fault, as of Permitted. A key (d.SourceID) counts as in Save.
func (s *Service) Derive(ctx context.Context, person news.PersonID, from From, d news.Draft) (library.Accepted, error) {
	if from.Act != terms.Translate && from.Act != terms.Shorten && from.Act != terms.Combine {
		return library.Accepted{}, fault.New(fault.Invalid, "fault.request")
	}
	source, err := s.library.Item(ctx, from.Source)
	if err != nil {
		return library.Accepted{}, err
	}
	if _, _, err := s.Permitted(ctx, source, from.Act); err != nil {
		return library.Accepted{}, err
	}
	detail := map[string]any{"source": string(from.Source), "source_version": from.Version}
	return s.act(ctx, person, "lineage.act_made", detail, func(tx *store.Tx, by people.Person) (library.Accepted, error) {
		d.By, d.Source = by.ID, "desk"
		acc, err := s.first(tx, d)
		if err == nil && !acc.Duplicate {
			err = s.lineage.Make(tx, acc.Item, from.Source, from.Version, from.Act, by.ID)
		}
		return acc, err
	})
}

// Apply is Change of an item that was made from another, or Save where it is a draft, which answers a duty (lineage.Duty.N) as applied
// in the same transaction.
func (s *Service) Apply(ctx context.Context, person news.PersonID, duty int64, id news.ItemID, version int, d news.Draft, note string) (library.Accepted, error) {
	item, err := s.library.Item(ctx, id)
	if err != nil {
		return library.Accepted{}, err
	}
	if item.State == news.Unreleased {
		return s.act(ctx, person, "story.act_save", nil, func(tx *store.Tx, by people.Person) (library.Accepted, error) {
			d.By, d.Source = by.ID, "desk"
			acc, err := s.save(tx, by, id, version, d)
			if err == nil {
				err = s.lineage.Applied(tx, by.ID, duty, id)
			}
			return acc, err
		})
	}
	return s.change(ctx, person, id, version, d, note, func(tx *store.Tx, by people.Person, acc library.Accepted) error {
		if acc.Duplicate {
			return nil // it is refused, and nothing is done
		}
		return s.lineage.Applied(tx, by.ID, duty, id)
	})
}

// Take asks whether a version may be taken out of the desk, notes that it was, and gives the credit line that goes with it. What
// may not be used is a Denied fault with the reason of the agreement that came nearest to a yes.
func (s *Service) Take(ctx context.Context, person news.PersonID, id news.ItemID, version int, form string) (credit string, err error) {
	by, err := s.editor(ctx, person)
	if err != nil {
		return "", err
	}
	item, err := s.library.Item(ctx, id)
	if err != nil {
		return "", err
	}
	agreement, credit, err := s.Permitted(ctx, item, terms.Copy)
	if err != nil {
		return "", err
	}
	return credit, s.people.Note(ctx, people.Act{Who: by.ID, What: "story.act_take", About: string(id), Detail: map[string]any{
		"version": version, "form": form, "agreement": string(agreement), "credit": credit,
	}})
}

// Permitted finds an agreement that permits an act with an item now, and the credit line that it asks for. Our own items need
// none. What no agreement permits is a Denied fault.
func (s *Service) Permitted(ctx context.Context, item library.Item, act terms.Act) (terms.AgreementID, string, error) {
	if item.Own {
		return "", s.judge.Credit(item.Lang), nil
	}
	rulings, err := s.judge.Rulings(ctx, item.Item, act)
	if err != nil {
		return "", "", err
	}
	if !item.Embargo.IsZero() && s.now().Sub(item.Embargo) < day && !s.judge.Confirmed(item.Origin, s.now()) {
		return "", "", fault.New(fault.Denied, "story.embargo_unconfirmed")
	}
	var best *terms.Decision
	for _, r := range rulings {
		d := r.Decision
		if d.Answer == terms.Yes {
			return r.Revision.Agreement, terms.Credit(r.Revision, item.Origin, item.Lang), nil
		}
		if best == nil || (best.Answer == terms.No && d.Answer == terms.NotYet) {
			best = &d
		}
	}
	if best == nil {
		return "", "", fault.New(fault.Denied, "story.no_terms")
	}
	return "", "", &fault.Error{Kind: fault.Denied, Key: best.Key, Args: best.Args}
}

// day is how long after an embargo its lifting must be confirmed by a living link.
const day = 24 * time.Hour
