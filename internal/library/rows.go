package library

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"newspool/internal/clock"
	"newspool/internal/content"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// item is a line of the table item. Its Row is what the wire shows; N is 0 as long as it is not shown.
type item struct {
	Row
	created int64
	hold    news.State // Closed or Withdrawn, whatever the versions say; "" otherwise
	holdWhy string
	top     int
}

// version is a line of the table version.
type version struct {
	item          news.ItemID
	number        int
	class         news.Class
	state         news.State
	why           string
	contentID     content.ID
	face          // what the row shows of it
	written       int64
	note          string
	by            news.PersonID
	sourceVersion string
	digest        string
	n, line       int64
	hidden        bool
}

// face is what a row shows of a version.
type face struct {
	typ                        news.ItemType
	lang                       news.Lang
	headline, slug             string
	urgency                    news.Urgency
	words                      int
	subjects                   []news.Subject
	media                      bool
	embargo, released, arrived int64
}

// What a row holds of a story, whatever a partner sends: the whole of it stands in the content.
const (
	maxHeadline = 400 // characters
	maxSlug     = 100
	maxCode     = 100
	maxSubjects = 50
	maxNote     = 4000
)

func faceOf(s news.Story, released, arrived int64) face {
	f := face{
		typ: news.ItemType(fit(string(s.Type), maxCode)), lang: news.Lang(fit(string(s.Lang), maxCode)),
		headline: fit(s.Headline, maxHeadline), slug: fit(s.Slug, maxSlug), words: s.Words(), media: len(s.Media) > 0,
		embargo: clock.Micros(s.Embargo), released: released, arrived: arrived,
	}
	if s.Urgency > 0 && s.Urgency < 10 {
		f.urgency = s.Urgency
	}
	for _, sub := range s.Subjects[:min(len(s.Subjects), maxSubjects)] {
		f.subjects = append(f.subjects, news.Subject{Code: fit(sub.Code, maxCode), Name: fit(sub.Name, maxCode)})
	}
	return f
}

// fit brings a text to what both databases take and a row can show.
func fit(s string, most int) string {
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	}
	if len(s) <= most || utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

// keep gives a withdrawal the looks of the row that it closes; the text, the media and the embargo are gone.
func (f *face) keep(r Row) {
	f.typ, f.lang, f.headline, f.slug, f.urgency, f.subjects = r.Type, r.Lang, r.Headline, r.Slug, r.Urgency, r.Subjects
	f.words, f.media, f.embargo = 0, false, 0
}

const itemColumns = `i.id, i.origin, i.own, i.created_us, i.hold, i.hold_why, i.top, i.n, i.number, i.class, i.state, i.type, i.lang,
i.headline, i.slug, i.urgency, i.words, i.subjects, i.media, i.embargo_us, i.released_us, i.arrived_us, i.versions, i.agreements`

// scan reads the columns of itemColumns, and then more.
func (it *item) scan(scan func(...any) error, more ...any) error {
	var subjects, agreements string
	var embargo, released, arrived int64
	err := scan(append([]any{
		&it.Item, &it.Origin, &it.Own, &it.created, &it.hold, &it.holdWhy, &it.top, &it.N, &it.Version, &it.Class, &it.State,
		&it.Type, &it.Lang, &it.Headline, &it.Slug, &it.Urgency, &it.Words, &subjects, &it.HasMedia, &embargo, &released,
		&arrived, &it.Versions, &agreements,
	}, more...)...)
	if err != nil {
		return err
	}
	it.Embargo, it.Released, it.Arrived = clock.FromMicros(embargo), clock.FromMicros(released), clock.FromMicros(arrived)
	return errors.Join(parseList(subjects, &it.Subjects), parseList(agreements, &it.Agreements))
}

const saveItem = `INSERT INTO item (id, origin, own, created_us, hold, hold_why, top, n, number, class, state, type, lang, headline, slug,
urgency, words, subjects, media, embargo_us, released_us, arrived_us, versions, agreements)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)
ON CONFLICT (id) DO UPDATE SET hold = excluded.hold, hold_why = excluded.hold_why, top = excluded.top, n = excluded.n,
number = excluded.number, class = excluded.class, state = excluded.state, type = excluded.type, lang = excluded.lang,
headline = excluded.headline, slug = excluded.slug, urgency = excluded.urgency, words = excluded.words,
subjects = excluded.subjects, media = excluded.media, embargo_us = excluded.embargo_us, released_us = excluded.released_us,
arrived_us = excluded.arrived_us, versions = excluded.versions, agreements = excluded.agreements`

func (it *item) values() []any {
	return []any{
		it.Item, it.Origin, it.Own, it.created, it.hold, it.holdWhy, it.top, it.N, it.Version, it.Class, it.State, it.Type, it.Lang,
		it.Headline, it.Slug, it.Urgency, it.Words, list(it.Subjects), it.HasMedia, clock.Micros(it.Embargo),
		clock.Micros(it.Released), clock.Micros(it.Arrived), it.Versions, list(it.Agreements),
	}
}

// save writes the line.
func (it *item) save(tx *store.Tx) error {
	if err := tx.Exec(saveItem, it.values()...); err != nil {
		return fmt.Errorf("library: save item: %w", err)
	}
	return nil
}

// show makes v the version that the row shows.
func (it *item) show(v *version) {
	it.N, it.Version, it.Class, it.State = v.n, v.number, v.class, it.stateOf(v)
	it.Type, it.Lang, it.Headline, it.Slug, it.Urgency, it.Words = v.typ, v.lang, v.headline, v.slug, v.urgency, v.words
	it.Subjects, it.HasMedia = v.subjects, v.media
	it.Embargo, it.Released, it.Arrived = clock.FromMicros(v.embargo), clock.FromMicros(v.released), clock.FromMicros(v.arrived)
}

// stateOf is the state of the item when v is its current version.
func (it *item) stateOf(v *version) news.State {
	switch {
	case it.hold != "":
		return it.hold
	case it.Own && v.released == 0:
		return news.Unreleased
	}
	return v.state
}

// carry notes an agreement under which the item came or went.
func (it *item) carry(a terms.AgreementID) {
	if i, found := slices.BinarySearch(it.Agreements, a); !found && a != "" {
		it.Agreements = slices.Insert(slices.Clone(it.Agreements), i, a)
	}
}

const versionColumns = `v.item, v.number, v.class, v.state, v.why, v.content_id, v.type, v.lang, v.headline, v.slug, v.urgency, v.words,
v.subjects, v.media, v.embargo_us, v.released_us, v.arrived_us, v.written_us, v.note, v.by_person, v.source_version, v.digest, v.n,
v.line, v.hidden`

// scan reads the columns of versionColumns, and then more.
func (v *version) scan(scan func(...any) error, more ...any) error {
	var subjects string
	err := scan(append([]any{
		&v.item, &v.number, &v.class, &v.state, &v.why, &v.contentID, &v.typ, &v.lang, &v.headline, &v.slug, &v.urgency, &v.words,
		&subjects, &v.media, &v.embargo, &v.released, &v.arrived, &v.written, &v.note, &v.by, &v.sourceVersion, &v.digest, &v.n,
		&v.line, &v.hidden,
	}, more...)...)
	if err != nil {
		return err
	}
	return parseList(subjects, &v.subjects)
}

const saveVersion = `INSERT INTO version (item, number, class, state, why, content_id, type, lang, headline, slug, urgency, words, subjects,
media, embargo_us, released_us, arrived_us, written_us, note, by_person, source_version, digest, n, line, hidden)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)
ON CONFLICT (item, number) DO UPDATE SET class = excluded.class, state = excluded.state, why = excluded.why,
content_id = excluded.content_id, type = excluded.type, lang = excluded.lang, headline = excluded.headline, slug = excluded.slug,
urgency = excluded.urgency, words = excluded.words, subjects = excluded.subjects, media = excluded.media,
embargo_us = excluded.embargo_us, released_us = excluded.released_us, written_us = excluded.written_us, note = excluded.note,
by_person = excluded.by_person, n = excluded.n, line = excluded.line, hidden = excluded.hidden`

func (v *version) save(tx *store.Tx) error {
	err := tx.Exec(saveVersion, v.item, v.number, v.class, v.state, v.why, v.contentID, v.typ, v.lang, v.headline, v.slug, v.urgency,
		v.words, list(v.subjects), v.media, v.embargo, v.released, v.arrived, v.written, v.note, v.by, v.sourceVersion, v.digest,
		v.n, v.line, v.hidden)
	if err != nil {
		return fmt.Errorf("library: save version: %w", err)
	}
	return nil
}

const (
	selectItem    = `SELECT ` + itemColumns + ` FROM item i WHERE i.id = $1`
	selectVersion = `SELECT ` + versionColumns + ` FROM version v WHERE v.item = $1 AND v.number = $2`
)

// readItem gives nil for an item that is not here.
func readItem(r store.Reader, id news.ItemID) (*item, error) {
	it := &item{}
	switch err := it.scan(r.QueryRow(selectItem, id).Scan); {
	case errors.Is(err, store.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("library: read item %s: %w", id, err)
	}
	return it, nil
}

// readVersion gives nil for a version that is not here.
func readVersion(r store.Reader, id news.ItemID, number int) (*version, error) {
	v := &version{}
	switch err := v.scan(r.QueryRow(selectVersion, id, number).Scan); {
	case errors.Is(err, store.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("library: read version %d of %s: %w", number, id, err)
	}
	return v, nil
}

// place shows a version for the first time: it moves the row unless a newer version or the withdrawal already stands there.
// The caller saves item and version.
func (l *Library) place(tx *store.Tx, ix *index, it *item, v *version) error {
	v.hidden = false
	it.Versions++
	newer := v.number > it.Version
	from, had := it.N, l.facets(it)
	switch {
	case v.class != news.Withdrawal:
		if it.hold == news.Withdrawn || !newer {
			return nil
		}
	case it.N == 0: // nobody ever saw it: there is nothing to show as withdrawn
		it.hold, it.holdWhy = news.Withdrawn, v.why
		return nil
	case it.Class == news.Withdrawal && !newer:
		return nil
	default:
		it.hold, it.holdWhy = news.Withdrawn, v.why
		v.keep(it.Row)
	}
	v.n = ix.next()
	if !it.Own || v.released != 0 {
		v.line = v.n
	}
	it.show(v)
	return ix.move(tx, from, had, it.N, l.facets(it))
}

// refresh puts the row right after something about it has changed that leaves it where it is. v is the version that it shows,
// or nil if that has not changed. had are the facets from before.
func (l *Library) refresh(tx *store.Tx, ix *index, it *item, v *version, had []string) error {
	if it.N == 0 {
		return nil
	}
	if v != nil {
		it.show(v)
	}
	return ix.move(tx, it.N, had, it.N, l.facets(it))
}

// list is a list as JSON; an empty one is "".
func list[T any](l []T) string {
	if len(l) == 0 {
		return ""
	}
	b, err := json.Marshal(l)
	if err != nil {
		panic(err) // lists of plain strings only
	}
	return string(b)
}

func parseList[T any](s string, into *[]T) error {
	*into = nil
	if s == "" {
		return nil
	}
	return json.Unmarshal([]byte(s), into)
}

func (w Why) text() string {
	if w.Clause == "" && w.Key == "" && len(w.Args) == 0 {
		return ""
	}
	b, err := json.Marshal(w)
	if err != nil {
		b, _ = json.Marshal(Why{Clause: w.Clause, Key: w.Key}) // values that JSON cannot write are left out
	}
	return string(b)
}

func parseWhy(s string) (w Why) {
	if s != "" {
		_ = json.Unmarshal([]byte(s), &w) // written by text
	}
	return w
}

func (l *Library) now() time.Time { return l.o.Clock() }
