package duties

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"newspool/internal/library"
	"newspool/internal/lineage"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

// Lineage knows what was made from what. lineage.Service is one.
type Lineage interface {
	// Sources lists what an item was made from, Derived what our people made from it.
	Sources(ctx context.Context, item news.ItemID) ([]lineage.Made, error)
	Derived(ctx context.Context, source news.ItemID) ([]lineage.Made, error)
	// Open lists the duties that wait for an answer, the soonest due first.
	Open(ctx context.Context) ([]lineage.Duty, error)
	// Duties lists all duties of an item, the newest first.
	Duties(ctx context.Context, item news.ItemID) ([]lineage.Duty, error)
	// Answer answers a duty, and with it the older ones of the same source for the same item.
	Answer(ctx context.Context, by news.PersonID, duty int64, a lineage.Answer, why string) error
	// Uses lists what partners say that they made from an item of ours.
	Uses(ctx context.Context, item news.ItemID) ([]lineage.Use, error)
	// Noticed reports whether the newsroom of a received item has told that a source of it has changed.
	Noticed(ctx context.Context, item news.ItemID) (at time.Time, class news.Class, ok bool, err error)
}

// Library has the items. library.Library is one.
type Library interface {
	Item(ctx context.Context, id news.ItemID) (library.Item, error)
	Version(ctx context.Context, id news.ItemID, number int) (news.Story, error)
}

// Rules are what agreements say. desk.Service is one.
type Rules interface {
	// Permitted gives the credit that goes with an act on an item; what may not be done is a Denied fault with the clause.
	Permitted(ctx context.Context, item library.Item, act terms.Act) (terms.AgreementID, string, error)
}

// Newsroom is a newsroom as it is named to a reader.
type Newsroom struct {
	Name string
	Mark page.Mark
	Href string // its page; "" for none
}

// Directory knows newsrooms.
type Directory interface {
	// Newsroom names one in the reader's language.
	Newsroom(root news.Root, lang string) Newsroom
	// Holders are the partners that an item of ours has gone to.
	Holders(ctx context.Context, item news.ItemID) ([]news.Root, error)
}

// Options are the parts that the pages are made of. All are needed.
type Options struct {
	Shell     *page.Shell
	Lineage   Lineage
	Library   Library
	Rules     Rules
	Directory Directory
}

// Family is the pages and parts. It is safe for concurrent use.
type Family struct {
	o            Options
	list, answer *template.Template // answer has the parts too
}

//go:embed templates/*.html
var templates embed.FS

// New makes the pages.
func New(o Options) (*Family, error) {
	if o.Shell == nil || o.Lineage == nil || o.Library == nil || o.Rules == nil || o.Directory == nil {
		return nil, errors.New("duties: every part is needed")
	}
	f := &Family{o: o}
	var err error
	if f.list, err = page.Parse(templates, "list.html"); err != nil {
		return nil, err
	}
	f.answer, err = page.Parse(templates, "answer.html", "parts.html")
	return f, err
}

// Routes adds the pages.
func (f *Family) Routes(mux *http.ServeMux) {
	editors := page.Only(func(p page.Person) bool { return p.Editor }, "story.editors_only")
	const answer = "/item/{domain}/{id}/answer"
	mux.Handle("GET /duties", f.o.Shell.Signed(editors(f.showList)))
	mux.Handle("GET "+answer, f.o.Shell.Signed(editors(f.showAnswer)))
	mux.Handle("POST "+answer, f.o.Shell.Signed(editors(f.giveAnswer)))
}

// asked is the duty that an address or a form names; 0: none.
func asked(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64) // what is no number names no duty
	return n
}
