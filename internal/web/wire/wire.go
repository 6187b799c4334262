package wire

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"time"

	"newspool/internal/library"
	"newspool/internal/lineage"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

// Library has the items. library.Library is one.
type Library interface {
	// Wire gives rows below a desk number (0: from the newest), newest first.
	Wire(ctx context.Context, f library.Filter, before int64, limit int) ([]library.Row, error)
	// LastLine gives the line of the newest change.
	LastLine(ctx context.Context) (int64, error)
	// Changed gives the rows that have changed after a line, oldest change first.
	Changed(ctx context.Context, after int64, limit int) ([]library.Change, error)
	// NewSince counts the rows above a desk number and gives the highest.
	NewSince(ctx context.Context, f library.Filter, after int64) (count, last int64, err error)
	// Item gives an item with its history.
	Item(ctx context.Context, id news.ItemID) (library.Item, error)
	// Version gives the text of a version; of a withdrawn item that came from a partner it gives a fault.
	Version(ctx context.Context, id news.ItemID, number int) (news.Story, error)
}

// Desk knows how the wire divides and what each person has seen. library.Library is one.
type Desk interface {
	Facets(ctx context.Context) (library.Facets, error)
	// PinnedUrgent gives the rows of urgency 1 and 2 that this person has not seen.
	PinnedUrgent(ctx context.Context, person news.PersonID) ([]library.Row, error)
	// Seen notes that a person has seen a version of an item.
	Seen(ctx context.Context, person news.PersonID, id news.ItemID, version int) error
	// SeenOf says of which items the person has seen the current version.
	SeenOf(ctx context.Context, person news.PersonID, ids []news.ItemID) (map[news.ItemID]bool, error)
}

// Partner is a newsroom whose items are on the wire.
type Partner struct {
	Root news.Root
	Name string    // in the reader's language
	Mark page.Mark // from its own name, so that it is the same for all readers; without a text one is made from Name
	Href string    // its page; "" for none
}

// Agreement is an agreement under which items come and go.
type Agreement struct {
	ID   terms.AgreementID
	Name string // in the reader's language
	Href string
	// Hosted are its parties without a node.
	Hosted []Hosted
}

// Hosted is a party without a node, and the party that passes on to it what is for it; names in the reader's language.
type Hosted struct{ Name, Host string }

// Directory has the names of partners and agreements, in the reader's language, in the order in which they are shown.
type Directory interface {
	Partners(ctx context.Context, lang string) ([]Partner, error)
	Agreements(ctx context.Context, lang string) ([]Agreement, error)
}

// Permit is what one agreement says to the use of a received item.
type Permit struct {
	Agreement terms.AgreementID
	Answer    terms.Answer
	Clause    string       // that decided
	Lines     []terms.Line // whole sentences, in the order in which they are read
}

// DeliveryState says what became of a version at a partner.
type DeliveryState string

// The states of a delivery.
const (
	WouldGo   DeliveryState = "would"     // of a draft: it will go there
	Waiting   DeliveryState = "waiting"   // released, and not yet in the ledger: it goes by itself
	Released  DeliveryState = "released"  // in the ledger; the partner has not said that it holds it
	Delivered DeliveryState = "delivered" // durable at the partner
	Refused   DeliveryState = "refused"   // not sent: a clause says no
	Reported  DeliveryState = "reported"  // the partner says that it is missing or set aside
)

// Delivery is what became, or would become, of one version of an own item at one partner.
type Delivery struct {
	Number    int
	Agreement terms.AgreementID
	Partner   news.Root
	State     DeliveryState
	Released  time.Time
	Durable   time.Time // at the partner; zero: not known to be
	Until     time.Time // of what waits: when it goes; zero: not known
	Clause    string
	Why       terms.Line // why not; without a key there is nothing to say
}

// ProofState says what a look at a proof found.
type ProofState string

// The states of a proof.
const (
	Unchecked ProofState = "unchecked" // checked when it came, not since
	Valid     ProofState = "valid"
	Broken    ProofState = "broken"
)

// Proof is where one version stands in a ledger.
type Proof struct {
	Number    int
	Agreement terms.AgreementID
	By        news.Root // who said it
	Ledger    string
	Position  int64
	Said      time.Time // by their clock
	Held      time.Time // durable here, or at the first partner
	State     ProofState
	File      string     // where the proof can be fetched as a file; "" for nowhere
	Why       terms.Line // of a broken one: what does not fit
}

// Exchange knows what agreements and ledgers say of an item.
type Exchange interface {
	// Permits says for each agreement under which a received item came what may be done with it.
	Permits(ctx context.Context, id news.ItemID) ([]Permit, error)
	// Deliveries says for an own item to whom each version went and to whom not, newest version first; for a draft what
	// would happen.
	Deliveries(ctx context.Context, id news.ItemID) ([]Delivery, error)
	// Proofs gives the places of an item in ledgers, newest version first. With verify each is checked again from the stored
	// bytes: content, inclusion, signatures.
	Proofs(ctx context.Context, id news.ItemID, verify bool) ([]Proof, error)
}

// Copy says in which form a text is taken out.
type Copy string

// The forms.
const (
	CopyText Copy = "text"
	CopyHTML Copy = "html"
)

// Use judges and notes that a person takes a text out of the desk.
type Use interface {
	// Take asks whether a version may be used and notes that it was taken. It gives the credit line that goes with it; ""
	// for none. What may not be used is a fault of the kind Denied with the reason.
	Take(ctx context.Context, person news.PersonID, id news.ItemID, version int, form Copy) (credit string, err error)
}

// Writing does what the newsroom does with its own items. Bodies are sanitised already. A version is the one that the person has
// before them: where another stands there by now, it is a fault of the kind Conflict with the key item.changed_meanwhile, and where
// the item was withdrawn one of the kind Gone.
type Writing interface {
	// Save keeps a draft that is not released; id "" is a new item, or the one that was saved with the same d.SourceID before:
	// version is then the one that was saved, and a fault comes with the item.
	Save(ctx context.Context, person news.PersonID, id news.ItemID, version int, d news.Draft) (library.Accepted, error)
	// Derive keeps a new draft that was made from another item; what no agreement permits is Denied.
	Derive(ctx context.Context, person news.PersonID, m lineage.Made, d news.Draft) (library.Accepted, error)
	// Apply saves a draft, or releases a new version, because a source has changed: that answers the duty.
	Apply(ctx context.Context, person news.PersonID, duty int64, id news.ItemID, version int, d news.Draft, note string) (library.Accepted, error)
	// Release lets a draft go to everybody whose agreement takes it.
	Release(ctx context.Context, person news.PersonID, id news.ItemID, version int) error
	// Change releases a new version, d.Class says whether it updates or corrects. note says what was wrong.
	Change(ctx context.Context, person news.PersonID, id news.ItemID, version int, d news.Draft, note string) error
	// Withdraw takes an item back everywhere, once. reason is told to all who had it.
	Withdraw(ctx context.Context, person news.PersonID, id news.ItemID, reason string) error
}

// Kin knows what was made from what, and shows it.
type Kin interface {
	// Around makes the parts for the page of an item, or for its preview.
	Around(r *http.Request, item library.Item, own bool) (page.ItemParts, error)
	// Begin gives a form that makes something from an item, or answers a duty of one, what it begins with; else nothing. What no
	// agreement permits is Denied, or Wrong where something was typed already.
	Begin(r *http.Request, m lineage.Made, item news.ItemID, duty int64) (page.Beginning, error)
}

// Bell rings when something on the wire has changed.
type Bell interface {
	// Ring gives a channel that gets a value after each change, several changes at once as one. It ends with ctx.
	Ring(ctx context.Context) <-chan struct{}
}

// Preferences keeps what a person chose.
type Preferences interface {
	// SetPreference keeps the choice of a name; here "compact" with "on" or "off".
	SetPreference(ctx context.Context, person news.PersonID, name, value string) error
}

// Options are the parts that the wire is made of. All are needed.
type Options struct {
	Shell       *page.Shell
	Library     Library
	Desk        Desk
	Directory   Directory
	Exchange    Exchange
	Use         Use
	Writing     Writing
	Deciding    Deciding
	Kin         Kin
	Media       Media
	Bell        Bell
	Preferences Preferences
}

// Family is the pages of the wire. It is safe for concurrent use.
type Family struct {
	o                                     Options
	list, item, proof, form, take, remove *template.Template
}

//go:embed templates/*.html
var templates embed.FS

// New makes the pages of the wire.
func New(o Options) (*Family, error) {
	if o.Shell == nil || o.Library == nil || o.Desk == nil || o.Directory == nil || o.Exchange == nil || o.Use == nil || o.Writing == nil || o.Kin == nil || o.Deciding == nil || o.Media == nil || o.Bell == nil || o.Preferences == nil {
		return nil, errors.New("wire: every part is needed")
	}
	f := &Family{o: o}
	var err error
	for _, p := range []struct {
		into  **template.Template
		files []string
	}{
		{&f.list, []string{"list.html", "row.html", "article.html", "decide.html", "keys.html"}},
		{&f.item, []string{"item.html", "article.html", "decide.html", "keys.html"}},
		{&f.proof, []string{"proof.html", "article.html", "decide.html"}},
		{&f.form, []string{"form.html"}},
		{&f.take, []string{"copy.html"}},
		{&f.remove, []string{"withdraw.html"}},
	} {
		if *p.into, err = page.Parse(templates, p.files...); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Routes adds the pages.
func (f *Family) Routes(mux *http.ServeMux) {
	editors := page.Only(func(p page.Person) bool { return p.Editor }, "story.editors_only")
	const item = "/item/{domain}/{id}"
	for pattern, h := range map[string]page.Handler{
		"GET /wire":                  f.showList,
		"GET /live/wire":             f.live,
		"POST /wire/view":            f.setView,
		"GET " + item:                f.showItem,
		"POST " + item + "/copy":     editors(f.copyText),
		"POST " + item + "/proof":    f.verify,
		"POST " + item + "/decide":   editors(f.decide),
		"GET /new":                   editors(f.newStory),
		"GET " + item + "/edit":      editors(f.editDraft),
		"POST " + item + "/release":  editors(f.release),
		"GET " + item + "/correct":   editors(f.changeForm),
		"GET " + item + "/withdraw":  editors(f.withdrawForm),
		"POST " + item + "/withdraw": editors(f.withdraw),
	} {
		mux.Handle(pattern, f.o.Shell.Signed(h))
	}
	for pattern, h := range map[string]page.Handler{ // with photos
		"POST /new":                 f.saveNew,
		"POST " + item + "/edit":    f.saveDraft,
		"POST " + item + "/correct": f.change,
	} {
		mux.Handle(pattern, f.o.Shell.Upload(editors(h)))
	}
}
