package library

import (
	"context"
	"embed"
	"sync"
	"time"

	"newspool/internal/clock"
	"newspool/internal/content"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this package. Package content's must be among those of the same database.
func Migrations() store.Migration {
	return store.Migration{Package: "library", Files: migrations}
}

// Codec writes and reads stories in the form in which they are kept and sent (ninjs).
type Codec interface {
	// Write gives the bytes of one version. The same story and meta always give the same bytes.
	Write(s news.Story, m Meta) []byte
	// Parse reads what Write wrote, here or at a partner's. The body that it gives must be sanitised.
	Parse(b []byte) (news.Draft, error)
}

// Meta is what the kept form of a story says about its version.
type Meta struct {
	URI      news.ItemID
	Version  int
	Class    news.Class
	Released time.Time // zero: not released
}

// Originals keeps the originals that are too large for the database.
type Originals interface {
	// Keep makes bytes durable and gives the key to find them by. The same bytes may be given the same key.
	Keep(ctx context.Context, b []byte) (key string, err error)
	// Fetch gives the bytes of a key.
	Fetch(ctx context.Context, key string) ([]byte, error)
}

// Options say who the newsroom is and what the library works with.
type Options struct {
	Origin news.Root      // our root; what other roots made is received
	Domain string         // stands in the URIs of items made from now on
	Clock  clock.Clock    // nil: clock.System
	Zone   *time.Location // days of the wire begin here at midnight; nil: UTC. After a change Rebuild is due.
	Codec  Codec
	// MediaType is what Codec writes; "" means "application/json".
	MediaType string
	// Ancestors gives the broader subjects of one, so that a filter finds what is below it; nil: none. After a change of the
	// vocabulary Rebuild is due.
	Ancestors func(code string) []string
	// Originals keeps originals of more than 64 KiB compressed. nil: these are kept in the database too.
	Originals Originals
	// OnVersion is called for each version of our own that is to be released, in its transaction. Its error undoes the version.
	OnVersion func(tx *store.Tx, v Version) error
}

// Library is the only door to items. It is safe for concurrent use.
type Library struct {
	db   *store.DB
	o    Options
	gzip sync.Pool // *gzip.Writer
}

// New makes the library on a database that has this package's tables.
func New(db *store.DB, o Options) *Library {
	if o.Clock == nil {
		o.Clock = clock.System
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.MediaType == "" {
		o.MediaType = "application/json"
	}
	if o.Ancestors == nil {
		o.Ancestors = func(string) []string { return nil }
	}
	if o.OnVersion == nil {
		o.OnVersion = func(*store.Tx, Version) error { return nil }
	}
	return &Library{db: db, o: o}
}

// Accepted says what became of a draft.
type Accepted struct {
	Item      news.ItemID
	Version   int
	Duplicate bool // nothing was done: Item and Version name what we have already
}

// Version is a version of our own on its way out.
type Version struct {
	Item      news.ItemID
	Number    int
	Class     news.Class
	First     bool // no version of the item was released before
	Story     news.Story
	Note      string // why it was corrected or withdrawn, in the words of a person
	By        news.PersonID
	Released  time.Time
	ContentID content.ID
	Content   []byte // the bytes that ContentID names
	MediaType string
}

// Why is the reason for a state: the clause that decided and a message key with its values.
type Why struct {
	Clause string         `json:"clause,omitempty"`
	Key    string         `json:"key,omitempty"`
	Args   map[string]any `json:"args,omitempty"`
}

// Incoming is a version that a partner released to us.
type Incoming struct {
	Item      news.ItemID
	Number    int // from 1
	Class     news.Class
	Origin    news.Root // who said it; counts only if this root made the item
	Agreement terms.AgreementID
	Ledger    string
	Seq       int64
	ContentID content.ID // "": the content is missing; State should then be news.Closed
	Story     news.Story // its body is only counted, and may be unclean; empty where the content is missing. A withdrawal may have only Note.
	Released  time.Time  // as the record says
	State     news.State // Usable, SetAside or Closed; a withdrawal is Withdrawn whatever stands here
	Why       Why
	Hidden    bool // its ledger is catching up: nothing shows before Reveal
}

// Filter chooses rows of the wire. Zero fields choose everything; fields are joined by "and".
type Filter struct {
	Origin    news.Root
	Agreement terms.AgreementID
	Lang      news.Lang // "en" finds "en-GB" too
	Type      news.ItemType
	Subject   string // a code; finds the narrower ones too
	State     news.State
	Urgency   news.Urgency
	Day       string // of the arrival, "2026-11-24" in the newsroom's zone
	Own       bool   // ours only; with Received: both
	Received  bool
}

// Row is one item as the wire shows it: its current version, or its withdrawal with the headline that it had.
type Row struct {
	N          int64 // desk number; the cursor of pages
	Item       news.ItemID
	Version    int
	Class      news.Class
	State      news.State
	Origin     news.Root
	Own        bool
	Type       news.ItemType
	Lang       news.Lang
	Headline   string
	Slug       string
	Urgency    news.Urgency
	Embargo    time.Time // zero: none
	Arrived    time.Time // of this version, here
	Released   time.Time // zero: our own and not released
	Words      int
	Versions   int // how many versions are known
	Subjects   []news.Subject
	HasMedia   bool
	Agreements []terms.AgreementID // under which it came or went
}

// Item is an item with its history.
type Item struct {
	Row
	Created  time.Time // when it first came to be here
	Why      Why       // of its state
	Source   string    // of our own: where it came from, and its id there
	SourceID string
	History  []VersionInfo // by number
	Ways     []Way         // by the order of their numbers and ledgers
}

// VersionInfo is one version in the history of an item.
type VersionInfo struct {
	Number    int
	Class     news.Class
	State     news.State // judged by itself; what became of the item is in Item.State
	Why       Why
	Headline  string
	Words     int
	Urgency   news.Urgency
	Note      string
	By        news.PersonID
	Embargo   time.Time
	Arrived   time.Time
	Released  time.Time // zero: our own and not released
	ContentID content.ID
	HasMedia  bool
}

// Way is the place in a ledger by which a version came or went.
type Way struct {
	Number    int
	Agreement terms.AgreementID
	Ledger    string
	Seq       int64
}

// Count is how many rows have a value.
type Count struct {
	Value string
	N     int64
}

// Facets says how the rows of the wire divide, largest first, values of the same size by name. Days has the newest 31, newest first.
type Facets struct {
	All, Own, Received int64
	Origins            []Count
	Agreements         []Count
	Langs              []Count
	Types              []Count
	Subjects           []Count // a code counts what is below it
	States             []Count
	Urgencies          []Count
	Days               []Count
}

// FeedEntry is one line for those who carry items out of the house.
type FeedEntry struct {
	Cursor        int64
	Item          news.ItemID
	Version       int
	Class         news.Class
	State         news.State // what may be done with it now
	Why           Why        // of the state
	Withdrawn     bool       // the item is withdrawn now, whatever this version was
	Current       bool       // this is the version that the wire shows
	Origin        news.Root
	Own           bool
	Agreements    []terms.AgreementID
	Ways          []Way // by which the versions of a received item came, as in Item
	Released      time.Time
	FirstReleased time.Time // of the first version that is known here
	Embargo       time.Time // zero: none
	Headline      string
	Note          string     // why it was corrected or withdrawn, or a note to editors
	Story         news.Story // only where State is news.Usable and the text is here
}
