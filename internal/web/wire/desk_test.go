package wire

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"newspool/internal/fault"
	"newspool/internal/formats/photo"
	"newspool/internal/i18n"
	"newspool/internal/library"
	"newspool/internal/media"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

// The newsrooms of the tests.
var (
	north  = news.Root(strings.Repeat("a1", 32))
	soren  = news.Root(strings.Repeat("b2", 32))
	avand  = news.Root(strings.Repeat("c3", 32))
	baltra = news.Root(strings.Repeat("d4", 32))
)

var now = time.Date(2026, 11, 22, 12, 6, 0, 0, time.UTC)

// desk is everything that the wire asks, with a newsroom's afternoon in it.
type desk struct {
	mu          sync.Mutex
	own         news.Root
	person      page.Person
	rows        []library.Row
	stories     map[news.ItemID]map[int]news.Story
	history     map[news.ItemID][]library.VersionInfo
	permits     map[news.ItemID][]Permit
	deliveries  map[news.ItemID][]Delivery
	proofs      map[news.ItemID][]Proof
	lines       map[news.ItemID]int64 // of rows that have changed since they came
	seen        map[news.ItemID]int
	acts        []string
	preferences map[string]string
	refuse      error // what Take answers
	media       map[string]media.Medium
	around      map[news.ItemID]page.ItemParts
	saved       news.Draft
	keys        map[string]news.ItemID // of forms that made an item
	broken      map[string]error       // what does not work now, by the name of its method
	decided     []Decided
	why         library.Why // of what is set aside or was
	ring        chan struct{}
}

func item(domain string, n int) news.ItemID {
	return news.ItemID(fmt.Sprintf("newspool://%s/item/01934f00-0000-7000-8000-%012d", domain, n))
}

func at(clock string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", "2026-11-22 "+clock, zone())
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

func zone() *time.Location { return time.FixedZone("NOR", 2*3600) }

// newDesk is a desk of the newsroom of a root: North Agency or Avand News.
func newDesk(own news.Root) *desk {
	d := &desk{
		own:         own,
		person:      page.Person{ID: "p1", Name: "Ilse Maren", Editor: true},
		stories:     map[news.ItemID]map[int]news.Story{},
		history:     map[news.ItemID][]library.VersionInfo{},
		permits:     map[news.ItemID][]Permit{},
		deliveries:  map[news.ItemID][]Delivery{},
		proofs:      map[news.ItemID][]Proof{},
		lines:       map[news.ItemID]int64{},
		seen:        map[news.ItemID]int{},
		preferences: map[string]string{},
		media:       map[string]media.Medium{},
		keys:        map[string]news.ItemID{},
		broken:      map[string]error{},
		ring:        make(chan struct{}, 1),
	}
	if own == avand {
		d.person.Name = "مهری آوندی"
	}
	d.fill()
	return d
}

// add puts an item on the wire; versions are told from the first to the newest.
func (d *desk) add(r library.Row, body string, versions ...library.VersionInfo) news.ItemID {
	r.Own = r.Origin == d.own
	if r.Type == "" {
		r.Type = news.Text
	}
	if r.State == "" {
		r.State = news.Usable
	}
	if len(versions) == 0 {
		versions = []library.VersionInfo{{Number: 1, Class: news.First, State: r.State, Arrived: r.Arrived, Released: r.Arrived}}
	}
	last := versions[len(versions)-1]
	r.N, r.Version, r.Class, r.Versions, r.Released = int64(len(d.rows)+1), last.Number, last.Class, len(versions), last.Released
	s := news.Story{Type: r.Type, Lang: r.Lang, Headline: r.Headline, Slug: r.Slug, Body: body, Urgency: r.Urgency, Embargo: r.Embargo, Subjects: r.Subjects}
	r.Words = s.Words()
	d.rows = append(d.rows, r)
	d.stories[r.Item] = map[int]news.Story{}
	for _, v := range versions {
		d.stories[r.Item][v.Number] = s
	}
	d.history[r.Item] = versions
	if !r.Own {
		d.permits[r.Item] = permitted(r.Origin)
		d.proofs[r.Item] = []Proof{{Number: last.Number, Agreement: "ag1", By: r.Origin, Ledger: "8f2c6a51", Position: 18204, Said: r.Arrived.Add(-time.Second), Held: r.Arrived.Add(7 * time.Second)}}
	}
	return r.Item
}

func permitted(from news.Root) []Permit {
	credit := terms.InLanguages{"en": "Baltra Press", "fa": "بالترا پرس"}
	if from == soren {
		credit = terms.InLanguages{"en": "Radio Soren", "ru": "Радио Сорен"}
	}
	return []Permit{{Agreement: "ag1", Answer: terms.Yes, Clause: "4.2", Lines: []terms.Line{
		{Key: "terms.strip.publish_until", Args: map[string]any{"channels": []string{"@channel:print", "@channel:web", "@channel:radio"}, "credit": credit, "until": "@day:2027-03-01T12:00:00Z"}},
		{Key: "terms.strip.no_tv", Args: map[string]any{}},
		{Key: "terms.strip.no_syndicate", Args: map[string]any{"partner": credit}},
	}}}
}

func (d *desk) fill() {
	labour := []news.Subject{{Code: "medtop:09000000"}, {Code: "medtop:13000000"}}
	d.add(library.Row{Item: item("baltra.example", 1), Origin: baltra, Lang: "en", Slug: "SHIPPING", Headline: "Two freighters collide off Cape Orran, no one hurt", Arrived: at("12:12").AddDate(0, 0, -1)}, "<p>Two freighters touched in fog off Cape Orran.</p>")
	d.add(library.Row{Item: item("soren.example", 2), Origin: soren, Lang: "ru", Slug: "ТЕАТР", Headline: "Премьера «Соляного пути» соберёт труппы трёх стран", Arrived: at("12:31")}, "<p>Премьера пройдёт в субботу.</p>")
	d.add(library.Row{Item: item("baltra.example", 3), Origin: baltra, Lang: "en", Slug: "ELECTION-TIMES", Headline: "Polling hours extended in three districts after power cuts", Arrived: at("12:47"), Type: news.Video}, "<p>Polling stations stay open.</p>")
	d.add(library.Row{Item: item("avand.example", 4), Origin: avand, Lang: "fa", Slug: "DROUGHT", Headline: "ذخیرهٔ سدهای جنوب به نصف میانگین ده‌ساله رسید", Arrived: at("13:05")}, "<p>ذخیرهٔ سدهای جنوب به نصف رسید.</p>")
	d.add(library.Row{Item: item("soren.example", 5), Origin: soren, Lang: "ru", Slug: "ХОККЕЙ", Headline: "«Метеор» вышел в полуфинал, обыграв «Гавань» в овертайме", Arrived: at("13:22"), HasMedia: true}, "<p>Матч закончился в овертайме.</p>")
	d.add(library.Row{Item: item("north.example", 6), Origin: north, Lang: "en", Slug: "NORTH-RAIL", Headline: "Night trains return to the coast line after a six-year gap", Arrived: at("13:31"), Subjects: labour},
		"<h2>First train on Monday</h2><p>The night train returns to the coast line on Monday, the railway said.</p><ul><li>Departure 22:10</li><li>Arrival 06:40</li></ul><p>Tickets go on sale <em>today</em>.</p>",
		library.VersionInfo{Number: 1, Class: news.First, Arrived: at("13:10"), Released: at("13:10")}, library.VersionInfo{Number: 2, Class: news.Update, Arrived: at("13:31"), Released: at("13:31")})
	d.add(library.Row{Item: item("baltra.example", 7), Origin: baltra, Lang: "en", Slug: "BUDGET", Headline: "Ministry to double fishing subsidies, draft shows", Arrived: at("13:40"), State: news.Withdrawn}, "",
		library.VersionInfo{Number: 1, Class: news.First, Arrived: at("11:15"), Released: at("11:15")},
		library.VersionInfo{Number: 2, Class: news.Withdrawal, State: news.Withdrawn, Arrived: at("13:40"), Released: at("13:40"), Note: "The draft was not genuine. The ministry has shown us the original."})
	d.add(library.Row{Item: item("avand.example", 8), Origin: avand, Lang: "fa", Slug: "ANTIQUITIES", Headline: "گنجینهٔ دورهٔ برنز در تپهٔ مهران یافت شد", Arrived: at("13:51"), Embargo: at("18:00")}, "<p>باستان‌شناسان در تپهٔ مهران گنجینه‌ای از دورهٔ برنز یافتند.</p>")
	d.add(library.Row{Item: item("soren.example", 9), Origin: soren, Lang: "ru", Slug: "ПАВОДОК", Headline: "Уровень воды в Сорене начал снижаться, эвакуация приостановлена", Arrived: at("13:58"), Subjects: labour}, "<p>Уровень воды начал снижаться.</p>",
		library.VersionInfo{Number: 1, Class: news.First, Arrived: at("11:02"), Released: at("11:02")}, library.VersionInfo{Number: 2, Class: news.Update, Arrived: at("13:58"), Released: at("13:58")})
	d.strike(labour)
	d.add(library.Row{Item: item("soren.example", 11), Origin: soren, Lang: "ru", Slug: "МОСТ", Headline: "Мост через Сорен закрыт для грузовиков до утра", Arrived: at("14:04"), Urgency: 2}, "<p>Мост закрыт.</p>")
	d.add(library.Row{Item: item("north.example", 12), Origin: north, Lang: "en", Slug: "HARBOUR", Headline: "Harbour council delays vote on the new breakwater", Arrived: at("14:05"), State: news.Unreleased}, "<p>The vote was delayed until spring.</p>")
	for _, r := range d.rows[:7] {
		d.seen[r.Item] = r.Version
	}
	d.deliveries[item("north.example", 6)] = []Delivery{
		{Number: 2, Agreement: "ag1", Partner: baltra, State: Delivered, Released: at("13:31"), Durable: at("13:31")},
		{Number: 2, Agreement: "ag2", Partner: soren, State: Delivered, Released: at("13:31"), Durable: at("13:32")},
		{Number: 2, Agreement: "ag3", Partner: avand, State: Released, Released: at("13:31")},
		{Number: 2, Agreement: "ag4", Partner: news.Root(strings.Repeat("e5", 32)), State: Refused, Clause: "2.1", Why: terms.Line{Key: "terms.no.subject", Args: map[string]any{"partner": "South Post", "clause": "2.1", "subject": "@subject:medtop:13000000", "subjects": []string{"@subject:medtop:15000000"}}}},
	}
	d.deliveries[item("north.example", 12)] = []Delivery{
		{Number: 1, Agreement: "ag1", Partner: baltra, State: WouldGo}, {Number: 1, Agreement: "ag2", Partner: soren, State: WouldGo},
		{Number: 1, Agreement: "ag3", Partner: avand, State: Refused, Clause: "2.3", Why: terms.Line{Key: "terms.no.language", Args: map[string]any{"partner": "Avand News", "clause": "2.3", "language": "@lang:en", "languages": []string{"@lang:fa"}}}},
	}
}

// strike is the item of the pictures: corrected twice.
func (d *desk) strike(subjects []news.Subject) {
	id := item("baltra.example", 10)
	body := `<p>Ferry crews voted on Sunday to end a nine-day strike that had cut off four islands, after the port authority agreed to keep night crossings fully staffed through the winter.</p><p>The first boats will sail on Tuesday morning. About %s passengers were stranded at the height of the stoppage, the authority said%s.</p><p>“We asked for two more hands on the night boat. It took nine days to get them,” said Ilse Maren, a bosun of nineteen years, on the quay at Port Anselm, where crews lit a fire in an oil drum and waited for the count.</p><p>Fuel and fresh food had run short on Little Orran, and two patients were flown to the mainland on Friday. Schools there open again on Wednesday.</p>`
	d.add(library.Row{Item: id, Origin: baltra, Lang: "en", Slug: "PORT-STRIKE", Headline: "Ferry crews in Baltra end strike after nine days, ports reopen on Tuesday", Arrived: at("14:02"), Subjects: subjects, HasMedia: true},
		fmt.Sprintf(body, "14,000", ", correcting an earlier figure"),
		library.VersionInfo{Number: 1, Class: news.First, Arrived: at("11:58"), Released: at("11:58")},
		library.VersionInfo{Number: 2, Class: news.Update, Arrived: at("12:40"), Released: at("12:40")},
		library.VersionInfo{Number: 3, Class: news.Correction, Arrived: at("14:02"), Released: at("14:02"), Note: "1,400 should read 14,000: the authority corrected its figure."})
	for n, s := range d.stories[id] {
		s.Byline, s.Dateline, s.Credit, s.Note = "Ilse Maren in Port Anselm", "BALTRA, Nov 22", "Baltra Press", "Photos to follow at 15:00."
		if n < 3 {
			s.Body = fmt.Sprintf(body, "1,400", "")
		}
		if n == 1 {
			s.Headline = "Ferry crews in Baltra end strike after nine days"
		}
		s.Media = []news.Media{{Of: news.Picture, Type: "image/jpeg", Size: 2_400_000, Width: 4000, Height: 2667, Caption: "Crews wait on the quay at Port Anselm.", Credit: "Baltra Press / A. Holm"}}
		d.stories[id][n] = s
	}
}

func (d *desk) Wire(_ context.Context, f library.Filter, before int64, limit int) ([]library.Row, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []library.Row
	for i := len(d.rows) - 1; i >= 0 && len(out) < limit; i-- {
		r := d.rows[i]
		if (before == 0 || r.N < before) && fits(f, r) {
			out = append(out, r)
		}
	}
	return out, nil
}

func fits(f library.Filter, r library.Row) bool {
	return (f.Origin == "" || f.Origin == r.Origin) && (f.Lang == "" || f.Lang == r.Lang) && (f.Type == "" || f.Type == r.Type) && (f.State == "" || f.State == r.State) &&
		(!f.Own || r.Own) && (!f.Received || !r.Own) && (f.Day == "" || f.Day == r.Arrived.In(zone()).Format(time.DateOnly)) &&
		(f.Subject == "" || slices.ContainsFunc(r.Subjects, func(s news.Subject) bool { return s.Code == f.Subject }))
}

func (d *desk) NewSince(_ context.Context, f library.Filter, after int64) (count, last int64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	last = after
	for _, r := range d.rows {
		if r.N > after && fits(f, r) {
			count, last = count+1, r.N
		}
	}
	return count, last, nil
}

func (d *desk) line(r library.Row) int64 { return max(r.N, d.lines[r.Item]) }

func (d *desk) LastLine(context.Context) (last int64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.rows {
		last = max(last, d.line(r))
	}
	return last, nil
}

func (d *desk) Changed(_ context.Context, after int64, limit int) ([]library.Change, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []library.Change
	for _, r := range d.rows {
		if line := d.line(r); line > after {
			out = append(out, library.Change{Row: r, Line: line})
		}
	}
	slices.SortFunc(out, func(a, b library.Change) int { return int(a.Line - b.Line) })
	return out[:min(len(out), limit)], nil
}

func (d *desk) row(id news.ItemID) *library.Row {
	for i := range d.rows {
		if d.rows[i].Item == id {
			return &d.rows[i]
		}
	}
	return nil
}

func (d *desk) Item(_ context.Context, id news.ItemID) (library.Item, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.row(id)
	if err := d.broken["Item"]; err != nil {
		return library.Item{}, err
	}
	if r == nil {
		return library.Item{}, fault.New(fault.NotFound, "fault.not_found")
	}
	return library.Item{Row: *r, History: d.history[id], Why: d.why}, nil
}

func (d *desk) Version(_ context.Context, id news.ItemID, number int) (news.Story, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.row(id)
	s, ok := d.stories[id][number]
	switch {
	case d.broken["Version"] != nil:
		return news.Story{}, d.broken["Version"]
	case r != nil && r.State == news.Closed && !ok:
		return news.Story{}, fault.New(fault.Unavailable, "library.missing")
	case r == nil || !ok:
		return news.Story{}, fault.New(fault.NotFound, "fault.not_found")
	case r.State == news.Withdrawn && !r.Own:
		return news.Story{}, fault.New(fault.Gone, "fault.not_found")
	}
	return s, nil
}

func (d *desk) Facets(context.Context) (library.Facets, error) {
	return library.Facets{
		All: 12, Langs: []library.Count{{Value: "en", N: 6}, {Value: "ru", N: 4}, {Value: "fa", N: 2}}, Types: []library.Count{{Value: "text", N: 11}, {Value: "video", N: 1}},
		Subjects: []library.Count{{Value: "medtop:09000000", N: 3}}, States: []library.Count{{Value: "usable", N: 10}, {Value: "withdrawn", N: 1}, {Value: "set-aside", N: int64(strings.Count(fmt.Sprint(d.rows), string(news.SetAside)))}},
	}, nil
}

func (d *desk) PinnedUrgent(context.Context, news.PersonID) ([]library.Row, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []library.Row
	for _, r := range d.rows {
		if r.Urgency > 0 && r.Urgency < 3 && d.seen[r.Item] < r.Version {
			out = append(out, r)
		}
	}
	return out, nil
}

func (d *desk) Seen(_ context.Context, _ news.PersonID, id news.ItemID, version int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen[id] = max(d.seen[id], version)
	return nil
}

func (d *desk) SeenOf(_ context.Context, _ news.PersonID, ids []news.ItemID) (map[news.ItemID]bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := map[news.ItemID]bool{}
	for _, id := range ids {
		r := d.row(id)
		out[id] = r != nil && d.seen[id] >= r.Version
	}
	return out, nil
}

var spoken = map[string]map[news.Root]string{
	"en": {north: "North Agency", soren: "Radio Soren", avand: "Avand News", baltra: "Baltra Press"},
	"ru": {north: "Северное агентство", soren: "Радио Сорен", avand: "Аванд Ньюс", baltra: "Балтра Пресс"},
	"fa": {north: "خبرگزاری شمال", soren: "رادیو سورن", avand: "خبرگزاری آوند", baltra: "بالترا پرس"},
}

var ownName = map[news.Root]string{north: "North Agency", soren: "Радио Сорен", avand: "خبرگزاری آوند", baltra: "Baltra Press"}

func nameIn(lang string, root news.Root) string {
	if n := spoken[lang][root]; n != "" {
		return n
	}
	return spoken["en"][root]
}

func (d *desk) Partners(_ context.Context, lang string) ([]Partner, error) {
	var out []Partner
	for _, root := range []news.Root{avand, baltra, north, soren} {
		if root != d.own {
			out = append(out, Partner{Root: root, Name: nameIn(lang, root), Href: "/partners", Mark: page.NewMark(ownName[root], root, false)})
		}
	}
	return append(out, Partner{Root: news.Root(strings.Repeat("e5", 32)), Name: "South Post"}), nil
}

func (d *desk) Agreements(_ context.Context, lang string) ([]Agreement, error) {
	return []Agreement{
		{ID: "ag1", Name: nameIn(lang, baltra), Href: "/agreements/ag1", Hosted: []Hosted{{"Village Radio", "North Agency"}}}, {ID: "ag2", Name: nameIn(lang, soren), Href: "/agreements/ag2"},
		{ID: "ag3", Name: nameIn(lang, avand), Href: "/agreements/ag3"}, {ID: "ag4", Name: "South Post", Href: "/agreements/ag4", Hosted: []Hosted{{"Hill Paper", "South Post"}}},
	}, nil
}

func (d *desk) Permits(_ context.Context, id news.ItemID) ([]Permit, error) {
	return d.permits[id], nil
}

func (d *desk) Deliveries(_ context.Context, id news.ItemID) ([]Delivery, error) {
	return d.deliveries[id], nil
}

func (d *desk) Proofs(_ context.Context, id news.ItemID, verify bool) ([]Proof, error) {
	out := slices.Clone(d.proofs[id])
	for i := range out {
		out[i].State = Unchecked
		if verify {
			out[i].State = Valid
		}
	}
	return out, nil
}

func (d *desk) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.acts = append(d.acts, fmt.Sprintf(format, args...))
}

func (d *desk) Take(_ context.Context, person news.PersonID, id news.ItemID, version int, form Copy) (string, error) {
	if d.refuse != nil {
		return "", d.refuse
	}
	d.note("take %s %s v%d %s", person, id.Short(), version, form)
	return "Baltra Press", nil
}

// had is what an item is to somebody who has a version of it before them.
func (d *desk) had(id news.ItemID, version int, draft bool) error {
	r := d.row(id)
	if r.Own && r.State == news.Withdrawn {
		return fault.New(fault.Gone, "library.withdrawn")
	}
	if r.Version != version || (r.State == news.Unreleased) != draft {
		return fault.New(fault.Conflict, "item.changed_meanwhile")
	}
	return nil
}

func (d *desk) Save(_ context.Context, _ news.PersonID, id news.ItemID, version int, s news.Draft) (library.Accepted, error) {
	if err := d.broken["Save"]; err != nil {
		return library.Accepted{}, err
	}
	if made := d.keys[s.SourceID]; id == "" && made != "" {
		if s.Headline == d.row(made).Headline {
			return library.Accepted{Item: made, Version: 1, Duplicate: true}, nil
		}
		id, version = made, 1
	}
	if id != "" {
		if err := d.had(id, version, true); err != nil {
			return library.Accepted{Item: id}, err
		}
	}
	if id == "" {
		id = d.add(library.Row{Item: item("north.example", 99), Origin: north, Lang: s.Lang, Headline: s.Headline, State: news.Unreleased, Arrived: now}, s.Body)
	}
	if d.saved = s; s.SourceID != "" {
		d.keys[s.SourceID] = id
	}
	d.note("save %s %q %s", id.Short(), s.Headline, s.Body)
	return library.Accepted{Item: id, Version: d.row(id).Version}, nil
}

func (d *desk) Release(_ context.Context, _ news.PersonID, id news.ItemID, version int) error {
	if err := d.broken["Release"]; err != nil {
		return err
	}
	if err := d.had(id, version, true); err != nil {
		return err
	}
	d.note("release %s", id.Short())
	return nil
}

func (d *desk) Change(_ context.Context, _ news.PersonID, id news.ItemID, version int, s news.Draft, note string) error {
	if err := d.broken["Change"]; err != nil {
		return err
	}
	if err := d.had(id, version, false); err != nil {
		return err
	}
	d.saved = s
	d.note("%s %s %q: %s", s.Class, id.Short(), note, s.Body)
	return nil
}

func (d *desk) Withdraw(_ context.Context, _ news.PersonID, id news.ItemID, reason string) error {
	if err := d.broken["Withdraw"]; err != nil {
		return err
	}
	d.note("withdraw %s %q", id.Short(), reason)
	return nil
}

// States and Add are the photos that the desk has. A file that says "photo" is one.

func (d *desk) States(_ context.Context, ids []string) (map[string]media.Medium, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.broken["States"]; err != nil {
		return nil, err
	}
	out := map[string]media.Medium{}
	for _, id := range ids {
		if m, ok := d.media[id]; ok {
			out[id] = m
		}
	}
	return out, nil
}

func (d *desk) Add(_ context.Context, r io.Reader) (news.Media, photo.Info, error) {
	b, err := io.ReadAll(r)
	if err = cmp.Or(err, d.broken["Add"]); err != nil {
		return news.Media{}, photo.Info{}, err
	}
	if !strings.HasPrefix(string(b), "photo") {
		return news.Media{}, photo.Info{}, fault.New(fault.Invalid, "ingest.photo_bad")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	id := fmt.Sprintf("added-%d", len(d.media)+1)
	sum := sha256.Sum256(b)
	k := media.Medium{ID: id, SHA256: hex.EncodeToString(sum[:]), Type: "image/jpeg", Size: int64(len(b)), State: media.Here, Thumb: true, Own: true, Width: 3000, Height: 2000}
	d.media[id] = k
	m := news.Media{ID: id, SHA256: k.SHA256, Type: k.Type, Size: k.Size, Width: k.Width, Height: k.Height, Of: news.Picture, Caption: "The ferry at the quay", Byline: "Ilse Maren", Credit: "North Agency", Rights: "© North"}
	return m, photo.Info{}, nil
}

func (d *desk) Ring(context.Context) <-chan struct{} { return d.ring }

func (d *desk) SetPreference(_ context.Context, _ news.PersonID, name, value string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.preferences[name] = value
	d.person.Compact = d.preferences["compact"] == "on"
	return nil
}

// The frame around the pages.

func (d *desk) Newsroom(_ context.Context, lang string) (page.Newsroom, error) {
	name := nameIn(lang, d.own)
	return page.Newsroom{Root: d.own, Name: name, Lang: "en", Mark: page.NewMark(ownName[d.own], d.own, true)}, nil
}

func (d *desk) Links(_ context.Context, lang string) ([]page.Link, error) {
	out := []page.Link{
		{Partner: soren, Name: nameIn(lang, soren), State: page.LinkLive, Behind: 400 * time.Millisecond},
		{Partner: baltra, Name: nameIn(lang, baltra), State: page.LinkLive, Behind: 300 * time.Millisecond},
	}
	other := avand
	if d.own == avand {
		other = north
	}
	return append(out, page.Link{Partner: other, Name: nameIn(lang, other), State: page.LinkSilent, Behind: 2 * time.Hour}), nil
}

func (d *desk) Counts(context.Context, page.Person) (map[string]int, error) {
	return map[string]int{"agreements": 1}, nil
}

func (d *desk) Person(_ context.Context, token string) (page.Person, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if token != "good" {
		return page.Person{}, fault.New(fault.Denied, "fault.denied")
	}
	return d.person, nil
}

// start serves the pages of a desk.
func start(t testing.TB, d *desk) *http.ServeMux {
	t.Helper()
	b, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	shell, err := page.New(page.Options{
		Bundle: b, Root: d.own, House: d, Sessions: d, Zone: zone(), Clock: func() time.Time { return now },
		Nav: []page.Entry{{Name: "wire", Href: "/wire", Key: "g w"}, {Name: "agreements", Href: "/agreements", Key: "g a"}, {Name: "partners", Href: "/partners", Key: "g p"}, {Name: "settings", Href: "/settings", Key: "g s"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := New(Options{Shell: shell, Library: d, Desk: d, Directory: d, Exchange: d, Use: d, Writing: d, Kin: d, Deciding: d, Media: d, Bell: d, Preferences: d})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	shell.Routes(mux)
	f.Routes(mux)
	return mux
}

// ask makes one request as the person of the desk.
func ask(t testing.TB, mux http.Handler, method, path string, form string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form))
	r.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.AddCookie(&http.Cookie{Name: "newspool-a1a1a1a1", Value: "good"})
	r.AddCookie(&http.Cookie{Name: "newspool-c3c3c3c3", Value: "good"})
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}
