package ingest

import (
	"context"
	"embed"
	"log/slog"
	"net/http"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/formats/ninjs"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this package.
func Migrations() store.Migration {
	return store.Migration{Package: "ingest", Files: migrations}
}

// Desk takes drafts, of which no two have the same id, in the order in which they stand. A fault of the kind Unavailable, or an
// end of the context, is trouble of its own and ends a run; all others say that this draft cannot be taken.
type Desk interface {
	AcceptAll(ctx context.Context, ds []news.Draft) []library.Outcome
}

// Options are what a Service needs besides the database.
type Options struct {
	Desk   Desk
	Photos Photos       // nil: photos are not taken
	Client *http.Client // for polling: that of package fetch
	Clock  clock.Clock  // nil: the clock of the machine
	Log    *slog.Logger // nil: nothing is logged
}

// Service brings news in. It is safe for concurrent use.
type Service struct {
	db     *store.DB
	desk   Desk
	photos Photos
	client *http.Client
	clock  clock.Clock
	log    *slog.Logger
}

// New makes the service over a database that has its tables.
func New(db *store.DB, o Options) *Service {
	if o.Clock == nil {
		o.Clock = clock.System
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{db: db, desk: o.Desk, photos: o.Photos, client: o.Client, clock: o.Clock, log: o.Log}
}

// hashID begins the id of an item that has none of its own.
const hashID = "urn:newspool:sha256:"

// ItemOptions say what is known about the items of one file, folder or stream apart from them.
type ItemOptions struct {
	Source   string         // name under which ids are known; empty: "ingest"
	By       news.PersonID  // who brings it in
	Lang     news.Lang      // of items that say none
	Service  string         // of items that say none
	Mapping  *ninjs.Mapping // reads JSON that is not ninjs
	Progress func(Report)   // called now and then, and at the end; never by two goroutines at a time
}

// Report counts what became of items.
type Report struct {
	Files      int // that were read
	Passed     int // files of a folder that hold nothing for us, by their names
	Taken      int
	Duplicates int // were here already
	Refused    int
	Problems   []ItemProblem // refusals first come first kept, and warnings about items that were taken
	More       int           // problems that are not in the list
}

// ItemProblem is one thing that is wrong with one item.
type ItemProblem struct {
	Where string // "wire.jsonl:14 headline": file, line or number of the item, field; "list.json:1#3": the third item of that line
	Name  string // the item: its id at the source, or its headline
	Key   string // message of the catalogs
	Args  map[string]any
	Fatal bool // the item was refused; else it was taken, without what the problem is about
}

// Limits of a report's list.
const (
	maxRefused  = 1000
	maxWarnings = 200
)

func (r *Report) note(p ItemProblem) {
	n, limit := 0, maxWarnings
	if p.Fatal {
		limit = maxRefused
	}
	for _, q := range r.Problems {
		if q.Fatal == p.Fatal {
			n++
		}
	}
	if n >= limit {
		r.More++
		return
	}
	r.Problems = append(r.Problems, p)
}

// add takes the report of a part into that of the whole.
func (r *Report) add(part Report) {
	r.Files += part.Files
	r.Passed += part.Passed
	r.Taken += part.Taken
	r.Duplicates += part.Duplicates
	r.Refused += part.Refused
	r.More += part.More
	for _, p := range part.Problems {
		r.note(p)
	}
}

// refusal says whether an error of the desk is about this one draft.
func refusal(err error) bool {
	switch fault.Of(err).Kind {
	case fault.Invalid, fault.NotFound, fault.Denied, fault.Conflict, fault.Gone, fault.TooLarge:
		return true
	}
	return false
}
