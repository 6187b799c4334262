package wire

import (
	"cmp"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/news/mediatopic"
	"newspool/internal/terms"
	"newspool/internal/web/page"
	"newspool/internal/web/page/compare"
)

// article is an item as it is shown in the preview and on its own page.
type article struct {
	P     *i18n.Printer
	Full  bool   // on its own page
	Path  string // its page
	Short string // as it stands in addresses
	Href  string // the preview, or the page: what a comparison comes back to
	Part  string // the element that a comparison is put into

	Live string // where its own page hears that it has changed
	Line int64  // of the newest change that it may know of

	Version, Newest int
	Own             bool
	Mark            page.Mark
	From            string
	FromHref        string
	Tags            []tag
	Slug            string
	When            time.Time
	Stamp           string
	Subjects        []link
	Lang            string
	Dir             string
	LangName        string
	Words           int

	Headline string
	Title    []compare.Run // the headline of a comparison
	Byline   string
	Dateline string
	Body     template.HTML
	Blocks   []compare.Block // the body of a comparison
	Changes  []change
	Compared string // what is compared with what, as a sentence
	Facts    []fact // note to editors, credit, rights
	Figures  []figure
	Lead     bool // the photo stands before the text: it is the item
	Fetching bool // something is still to come

	Notice     *notice
	Permits    []permitLine
	History    []versionLine
	Proofs     []proofLine
	Deliveries []deliveryLine
	Hosted     []deliveryLine // parties without a node, of the agreements under which it goes
	Decide     *deciding
	Sent       sent

	Around page.ItemParts // what was made from what

	CanUse, CanEdit, CanRelease, CanChange, CanWithdraw bool
}

// Comparing reports whether two versions are shown at once.
func (a article) Comparing() bool { return a.Blocks != nil }

type link struct{ Text, Href string }

type fact struct{ Label, Text, Lang, Dir string }

type change struct{ Label, From, To string }

// notice is what must be known before anything else is read.
type notice struct {
	Kind  string // "gone", "act", "no"
	Icon  string
	Text  string
	Quote string // in the words of the other newsroom
	Todo  []string
	Link  string
	Label string
	Key   string
}

// permitLine is what one or several agreements say.
type permitLine struct {
	Kind, Icon string
	Text       string
	Under      []underLine
}

// underLine is where it is said.
type underLine struct{ Clause, Name, Href string }

type versionLine struct {
	Number  int
	Name    string
	When    time.Time
	Stamp   string
	Note    string
	Href    string // the version
	Compare string // what it changed
	On      bool
}

// article makes an item for a reader and notes that they have seen its newest version, if it is that which they asked for.
func (f *Family) article(r *http.Request, c painter, id news.ItemID) (*article, error) {
	ctx := r.Context()
	item, err := f.o.Library.Item(ctx, id)
	if err != nil {
		return nil, err
	}
	a := f.frameOf(r, c, item)
	var story news.Story
	if item.State == news.Withdrawn && !item.Own {
		err = fault.New(fault.Gone, "item.other_state") // it is not even asked for
	} else {
		story, err = f.o.Library.Version(ctx, id, a.Version)
	}
	switch {
	case err == nil:
		a.tell(c, story)
		if err := f.figures(ctx, c, a, item, story); err != nil {
			return nil, err
		}
	case fault.Is(err, fault.Gone) || fault.Is(err, fault.Unavailable):
		a.Headline = item.Headline
	default:
		return nil, err
	}
	if err == nil && r.URL.Query().Get("from") != "" {
		if err := f.compare(r, a, item, story); err != nil {
			return nil, err
		}
	}
	if err := f.agreements(ctx, c, a, item); err != nil {
		return nil, err
	}
	a.warn(c, item, err == nil)
	person := page.PersonOf(r)
	a.allow(person, item, err == nil)
	if err := f.decisions(r, c, a, item, err == nil); err != nil {
		return nil, err
	}
	if a.Around, err = f.o.Kin.Around(r, item, a.Full && a.Version == a.Newest && !a.Comparing()); err != nil {
		return nil, err
	}
	if page.Unasked(r) || a.Version != a.Newest {
		return a, nil
	}
	if err := f.o.Desk.Seen(ctx, person.ID, id, a.Version); err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	return a, nil
}

// frameOf is everything about an item but its text.
func (f *Family) frameOf(r *http.Request, c painter, item library.Item) *article {
	a := &article{
		P:       c.p,
		Path:    page.ItemPath(item.Item),
		Short:   item.Item.Short(),
		Version: item.Version,
		Newest:  item.Version,
		Own:     item.Own,
		Mark:    c.names.mark(item.Origin, item.Own),
		From:    c.names.of(item.Origin),
		Tags:    c.tags(item.Row),
		Slug:    item.Slug,
		Lang:    string(item.Lang),
		Dir:     i18n.Direction(string(item.Lang)),
		Words:   item.Words,
		When:    item.Arrived,
		Stamp:   c.p.Stamp(item.Arrived, c.now),
	}
	a.LangName = c.p.Language(a.Lang)
	a.Line = c.line
	a.Live = filter{}.at("/live/wire", "after", strconv.FormatInt(c.line, 10), "item", a.Short)
	a.Full = !strings.HasPrefix(r.URL.Path, "/wire")
	a.Href, a.Part = c.filter.at("/wire", "item", item.Item.Short()), "preview"
	if a.Full {
		a.Href, a.Part = a.Path, "article"
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("version")); err == nil && n > 0 && n < item.Version {
		a.Version = n
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("to")); err == nil && n > 0 && n < item.Version {
		a.Version = n
	}
	for _, p := range c.names.partners {
		if p.Root == item.Origin {
			a.FromHref = p.Href
		}
	}
	for _, s := range item.Subjects {
		name := mediatopic.Name(s.Code, c.p.Lang())
		if name == s.Code && s.Name != "" {
			name = s.Name
		}
		a.Subjects = append(a.Subjects, link{name, filter{subject: s.Code}.at("/wire")})
	}
	a.history(c, item)
	return a
}

func (a *article) sep() string {
	if strings.Contains(a.Href, "?") {
		return "&"
	}
	return "?"
}

// history lists the versions, newest first.
func (a *article) history(c painter, item library.Item) {
	readable := item.Own || item.State != news.Withdrawn
	for i := len(item.History) - 1; i >= 0; i-- {
		v := item.History[i]
		when := v.Arrived
		if item.Own && !v.Released.IsZero() {
			when = v.Released
		}
		line := versionLine{
			Number: v.Number, Name: className(c.p, v), When: when, Stamp: c.p.Moment(when, c.now), Note: v.Note, On: v.Number == a.Version,
		}
		if readable && v.Class != news.Withdrawal {
			line.Href = a.Href + a.sep() + "version=" + strconv.Itoa(v.Number)
			if i > 0 {
				line.Compare = a.Href + a.sep() + "from=" + strconv.Itoa(item.History[i-1].Number) + "&to=" + strconv.Itoa(v.Number)
			}
		}
		a.History = append(a.History, line)
	}
}

func className(p *i18n.Printer, v library.VersionInfo) string {
	if v.State == news.Unreleased {
		return p.T("item.class.draft")
	}
	if key := "item.class." + string(v.Class); p.Has(key) {
		return p.T(key)
	}
	return string(v.Class)
}

// tell adds the text.
func (a *article) tell(c painter, s news.Story) {
	a.Headline, a.Byline, a.Slug = s.Headline, s.Byline, s.Slug
	a.Lang, a.Dir = string(s.Lang), i18n.Direction(string(s.Lang))
	a.Body = template.HTML(page.WithDateline(s.Body, s.Dateline, `<span class="dateline">`, "</span>")) // sanitised when it was taken in, and again when it was read
	if a.Headline == "" {
		a.Headline, a.Lang, a.Dir = c.p.T("wire.no_headline"), c.p.Lang(), c.p.Dir()
	}
	for _, one := range []fact{
		{c.p.T("item.note"), s.Note, a.Lang, a.Dir}, {c.p.T("item.credit"), s.Credit, a.Lang, a.Dir},
		{c.p.T("item.copyright"), s.Copyright, a.Lang, a.Dir}, {c.p.T("item.usage"), s.Usage, a.Lang, a.Dir},
	} {
		if one.Text != "" {
			a.Facts = append(a.Facts, one)
		}
	}
}

// compare shows what one version changed against another.
func (f *Family) compare(r *http.Request, a *article, item library.Item, to news.Story) error {
	number, err := strconv.Atoi(r.URL.Query().Get("from"))
	if err != nil || number < 1 || number == a.Version {
		return nil
	}
	from, err := f.o.Library.Version(r.Context(), item.Item, number)
	if err != nil {
		return err
	}
	a.Title = compare.Line(from.Headline, to.Headline)
	a.Blocks = compare.Texts(from.Body, to.Body)
	if a.Blocks == nil {
		a.Blocks = []compare.Block{}
	}
	a.Compared = a.P.T("item.compared", "from", i18n.Plain(a.P.Digits(number)), "to", i18n.Plain(a.P.Digits(a.Version)))
	for _, c := range []change{
		{"item.slug", from.Slug, to.Slug}, {"item.byline", from.Byline, to.Byline}, {"item.dateline", from.Dateline, to.Dateline},
		{"item.credit", from.Credit, to.Credit}, {"item.note", from.Note, to.Note}, {"item.usage", from.Usage, to.Usage},
		{"item.embargo", a.P.DateTime(from.Embargo), a.P.DateTime(to.Embargo)}, {"item.media", captions(a.P, from.Media), captions(a.P, to.Media)},
	} {
		if c.From != c.To {
			c.Label = a.P.T(c.Label)
			a.Changes = append(a.Changes, c)
		}
	}
	return nil
}

// captions names the photos of a version, for a comparison.
func captions(p *i18n.Printer, all []news.Media) string {
	var out []string
	for _, m := range all {
		text := m.Caption
		if text == "" {
			text = m.Headline
		}
		if text == "" {
			text = typeName(p, cmp.Or(m.Of, news.Picture))
		}
		out = append(out, text)
	}
	return strings.Join(out, " · ")
}

// warn says what must be known before the text is read: that it is gone, changed, held, or not the newest.
func (a *article) warn(c painter, item library.Item, readable bool) {
	p := c.p
	last := library.VersionInfo{}
	if n := len(item.History); n > 0 {
		last = item.History[n-1]
	}
	switch {
	case item.State == news.Withdrawn && !item.Own:
		a.Notice = &notice{
			Kind: "gone", Icon: "no", Text: p.T("item.withdrawn_by", "name", a.From, "time", i18n.Plain(c.p.Stamp(item.Arrived, c.now))), Quote: last.Note,
			Todo: []string{p.T("item.todo.stop"), p.T("item.todo.remove"), p.T("item.todo.tell")},
		}
	case item.State == news.Withdrawn:
		a.Notice = &notice{Kind: "gone", Icon: "no", Text: p.T("item.withdrawn_own", "time", i18n.Plain(p.Stamp(last.Released, c.now))), Quote: last.Note}
	case !readable && item.Why.Key != library.WithdrawalAhead:
		a.Notice = &notice{Kind: "no", Icon: "warn", Text: p.T("item.missing", "name", a.From)}
	case item.State == news.SetAside || item.State == news.Closed:
		n := &notice{Kind: "act", Icon: "closed", Text: p.T("item.closed")}
		if item.State == news.SetAside {
			n.Text = p.T("item.set_aside")
		}
		switch {
		case strings.HasPrefix(item.Why.Key, "terms.aside."): // the sentence says itself that it is set aside
			n.Text = terms.Say(p, terms.Line{Key: item.Why.Key, Args: item.Why.Args})
		case item.Why.Key != "":
			n.Text += " " + terms.Say(p, terms.Line{Key: item.Why.Key, Args: item.Why.Args})
		}
		a.Notice = n
	case a.Version != a.Newest && a.Blocks == nil:
		a.Notice = &notice{Kind: "act", Icon: "clock", Text: p.T("item.old_version", "n", a.Version), Link: a.Href, Label: p.T("item.show_newest")}
	case item.Class == news.Correction && a.Blocks == nil && len(a.History) > 1 && a.History[0].Compare != "":
		a.Notice = &notice{
			Kind: "act", Icon: "warn", Text: p.T("item.corrected", "n", a.Version, "time", i18n.Plain(p.Moment(item.Arrived, c.now))), Quote: last.Note,
			Link: a.History[0].Compare, Label: p.T("item.see_difference"), Key: "d",
		}
	}
}

// allow says which buttons there are.
func (a *article) allow(person page.Person, item library.Item, readable bool) {
	if !person.Editor {
		return
	}
	usable := item.State == news.Usable && readable
	a.CanUse = usable && a.Version == a.Newest && a.Blocks == nil
	if item.Own {
		draft := item.State == news.Unreleased
		a.CanEdit, a.CanRelease = draft, draft && a.Blocks == nil && a.Version == a.Newest
		a.CanChange, a.CanWithdraw = usable, usable
		return
	}
	for _, p := range a.Permits {
		if p.Kind == "yes" {
			return
		}
	}
	a.CanUse = false
}
