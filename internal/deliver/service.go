package deliver

import (
	"context"
	"embed"
	"time"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/terms"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this package.
func Migrations() store.Migration {
	return store.Migration{Package: "deliver", Files: migrations}
}

// Agreements knows the terms.
type Agreements interface {
	// Standing gives how things stand now for what came by this ledger; false if no revision was ever adopted there.
	Standing(id ledger.ID) (terms.Standing, bool)
}

// Links knows how we stand with partners.
type Links interface {
	// Confirmed reports whether the link to a newsroom was alive within two minutes of a time.
	Confirmed(origin news.Root, at time.Time) bool
}

// Options are what a Service is made of. All fields but Zone and Clock are needed.
type Options struct {
	DB         *store.DB
	Library    *library.Library
	People     *people.Service
	Agreements Agreements
	Links      Links
	Bundle     *i18n.Bundle
	Root       news.Root                   // our own
	Credit     func(lang news.Lang) string // the name of our own newsroom in a language
	Zone       *time.Location              // of the times in sentences; nil: UTC
	Clock      clock.Clock                 // nil: clock.System
}

// Service hands items out. It is safe for concurrent use.
type Service struct{ o Options }

// New makes the service over a database that has its tables.
func New(o Options) *Service {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Clock == nil {
		o.Clock = clock.System
	}
	return &Service{o: o}
}

// State says in a word what a reader of the feed may do with an item.
type State string

// The states of a line.
const (
	Usable       State = "usable"
	Embargo      State = "embargo"       // not before its time; it comes again then
	NotYet       State = "not-yet"       // it comes again when it may be used
	NotPermitted State = "not-permitted" // by the terms as they are
	SetAside     State = "set-aside"     // waits for a person at this desk
	Closed       State = "closed"        // waits for a person at this desk
	Withdrawn    State = "withdrawn"     // take it out
	Erased       State = "erased"        // the text is not kept here any more
	Draft        State = "draft"         // our own and not released
)

// Line is an item as a program gets it.
type Line struct {
	Cursor  int64 // what to ask after; 0 for an item that has no line
	Item    news.ItemID
	Version int
	State   State
	JSON    []byte // ninjs 3.1 with an object "newspool" (Info); one line, without its end
}

// The limits of one request.
const (
	DefaultLines = 100
	MaxLines     = 1000
	maxBytes     = 8 << 20 // after so much no more lines are added
)

// Lines gives the lines after a cursor (0: from the beginning), at most limit (1 to MaxLines; 0 means DefaultLines), and the
// cursor to ask after next time. Sentences are in lang. It is for editors: others are refused (Denied). What is given is
// written into the audit first.
//
// A line may come twice, and a version may come again when what may be done with it has changed: the last line that names an
// item is what holds. A cursor that was never given out (of another database, or before it was restored from a backup) is a
// Conflict, deliver.cursor: the reader begins again at 0.
func (s *Service) Lines(ctx context.Context, by people.By, after int64, limit int, lang string) ([]Line, int64, error) {
	if err := editor(by.Person); err != nil {
		return nil, 0, err
	}
	if limit <= 0 {
		limit = DefaultLines
	}
	limit = min(limit, MaxLines)
	after = max(after, 0)
	if err := s.askAgain(ctx); err != nil {
		return nil, 0, err
	}
	j := s.judge(lang)
	next := after
	var lines []Line
	for size := 0; len(lines) < limit && size < maxBytes; {
		want := min(limit-len(lines), library.MaxPage)
		entries, err := s.o.Library.Feed(ctx, next, want)
		if err != nil {
			return nil, 0, err
		}
		for _, e := range entries {
			l := j.line(e)
			lines, next, size = append(lines, l), e.Cursor, size+len(l.JSON)
			if size >= maxBytes {
				break
			}
		}
		if len(entries) < want {
			break
		}
	}
	if len(lines) == 0 {
		return nil, next, s.known(ctx, after)
	}
	act := people.Act{Who: by.Person.ID, What: "deliver.act_lines", From: by.Remote, Detail: map[string]any{"n": len(lines), "from": after, "to": next}}
	return lines, next, s.note(ctx, act, j.withheld)
}

// Item gives the current version of one item in the same form. It is for editors, and written into the audit.
func (s *Service) Item(ctx context.Context, by people.By, id news.ItemID, lang string) (Line, error) {
	if err := editor(by.Person); err != nil {
		return Line{}, err
	}
	e, err := s.o.Library.Entry(ctx, id)
	if err != nil {
		return Line{}, err
	}
	j := s.judge(lang)
	l := j.line(e)
	act := people.Act{Who: by.Person.ID, What: "deliver.act_item", About: string(id), From: by.Remote, Detail: map[string]any{"version": l.Version, "state": string(l.State)}}
	return l, s.note(ctx, act, j.withheld)
}

func editor(p people.Person) error {
	if !p.Has(people.Editor) {
		return fault.New(fault.Denied, "deliver.editors_only")
	}
	return nil
}

// known refuses a cursor that lies ahead of every line.
func (s *Service) known(ctx context.Context, after int64) error {
	last, err := s.o.Library.LastLine(ctx)
	if err == nil && after > last {
		return fault.New(fault.Conflict, "deliver.cursor", "cursor", after)
	}
	return err
}

// note writes down who took what, and what was held back.
func (s *Service) note(ctx context.Context, act people.Act, list []withheld) error {
	return s.o.DB.Write(ctx, func(tx *store.Tx) error {
		for _, w := range list {
			if err := w.save(tx); err != nil {
				return err
			}
		}
		return s.o.People.Audit(tx, act)
	})
}
