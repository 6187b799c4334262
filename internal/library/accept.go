package library

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"newspool/internal/clock"
	"newspool/internal/content"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/protocol"
)

// Accept takes a draft in as an item of our own and releases it. A SourceID that is known makes a new version of its item;
// Class says whether that is an update, a correction or a withdrawal. A draft that is Held waits for Release, and so does a story
// until its source says it again without that. What the source has already said is a Duplicate: the
// same story, a version that it gave before (unless it was written later), or a lower version number than its last. Durable
// when it returns nil.
//
// Faults: the first fatal problem of the draft (Invalid), library.too_large (TooLarge), library.withdrawn (Gone) for a new
// version of a withdrawn item, library.unknown (NotFound) for the withdrawal of something that we do not have.
func (l *Library) Accept(ctx context.Context, d news.Draft) (Accepted, error) {
	return l.AcceptWith(ctx, d, true, nothing)
}

// AcceptWith is AcceptTx in a transaction of its own, with what else belongs to it: also is called in that transaction after
// the draft was accepted, and its error undoes both.
func (l *Library) AcceptWith(ctx context.Context, d news.Draft, release bool, also func(tx *store.Tx, a Accepted) error) (Accepted, error) {
	p, err := l.ready(ctx, d)
	if err != nil {
		return Accepted{}, err
	}
	var a Accepted
	step := l.accepting(&a, &p, release, also)
	return a, l.onceMore(ctx, &p, step, l.db.Write(ctx, step))
}

// Outcome is what became of one draft of several.
type Outcome struct {
	Accepted
	Err error
}

// AcceptAll is Accept of several drafts, of which no two have one id of one source. What stands first is released first, and each
// has its own fault, which stops no other.
func (l *Library) AcceptAll(ctx context.Context, ds []news.Draft) []Outcome {
	out, ps, steps, at := make([]Outcome, len(ds)), make([]prepared, len(ds)), []func(*store.Tx) error{}, []int{}
	var group errgroup.Group
	group.SetLimit(preparing)
	for i := range ds {
		group.Go(func() error {
			ps[i], out[i].Err = l.ready(ctx, ds[i])
			return nil
		})
	}
	_ = group.Wait() // each has its own
	for i := range out {
		if out[i].Err == nil {
			steps, at = append(steps, l.accepting(&out[i].Accepted, &ps[i], true, nothing)), append(at, i)
		}
	}
	for k, err := range l.db.WriteAll(ctx, steps...) {
		i := at[k]
		if out[i].Err = l.onceMore(ctx, &ps[i], steps[k], err); out[i].Err != nil {
			out[i].Accepted = Accepted{}
		}
	}
	return out
}

// preparing is how many drafts are made ready at a time.
const preparing = 8

func nothing(*store.Tx, Accepted) error { return nil }

// ready makes of a draft what can be made of it before the transaction.
func (l *Library) ready(ctx context.Context, d news.Draft) (prepared, error) {
	p, err := l.prepare(ctx, d)
	if err == nil {
		p.unseen, err = l.unseen(ctx, p)
	}
	return p, err
}

// accepting is the part of AcceptWith that is in the transaction.
func (l *Library) accepting(a *Accepted, p *prepared, release bool, also func(*store.Tx, Accepted) error) func(*store.Tx) error {
	return func(tx *store.Tx) (err error) {
		if *a, err = l.accept(tx, *p, release); err == nil {
			err = also(tx, *a)
		}
		if err != nil {
			*a = Accepted{}
		}
		return err
	}
}

// onceMore takes a draft in once more if somebody was faster with the first of its id.
func (l *Library) onceMore(ctx context.Context, p *prepared, step func(*store.Tx) error, err error) error {
	if !p.unseen || !store.IsUnique(err) {
		return err
	}
	p.unseen = false
	return l.db.Write(ctx, step)
}

// unseen asks before the transaction whether the id of a source is unknown. The writer of PostgreSQL waits for every answer,
// and all others with it: here only the caller does. That of SQLite answers faster than it would be asked.
func (l *Library) unseen(ctx context.Context, p prepared) (unseen bool, err error) {
	if l.db.Engine() != store.PostgreSQL || p.SourceID == "" || p.Class == news.Withdrawal {
		return false, nil
	}
	err = l.db.Read(ctx, func(r store.Reader) error {
		last, err := readSaid(r, p.Source, p.SourceID)
		unseen = last.item == ""
		return err
	})
	return unseen, err
}

func readSaid(r store.Reader, source, id string) (last said, err error) {
	err = r.QueryRow(selectSource, source, id).Scan(&last.item, &last.number, &last.sourceVersion, &last.written, &last.digest)
	if err != nil && !errors.Is(err, store.ErrNoRows) {
		return last, fmt.Errorf("library: read source: %w", err)
	}
	return last, nil
}

// Said gives the item that a source has made under an id of its own, and the version that it said last; "" for none.
func (l *Library) Said(r store.Reader, source, id string) (news.ItemID, int, error) {
	last, err := readSaid(r, fit(source, maxSourceID), fit(id, maxSourceID))
	return last.item, last.number, err
}

// AcceptTx is Accept inside a transaction. Without release the version waits for Release: an item that was never released
// shows it as a draft, a released one goes on showing its last released version.
func (l *Library) AcceptTx(tx *store.Tx, d news.Draft, release bool) (Accepted, error) {
	p, err := l.prepare(tx.Context(), d)
	if err != nil {
		return Accepted{}, err
	}
	return l.accept(tx, p, release)
}

// Release releases the newest version of an item of our own. One that is released already is a Duplicate.
func (l *Library) Release(ctx context.Context, id news.ItemID, by news.PersonID) (Accepted, error) {
	return l.write(ctx, func(tx *store.Tx) (Accepted, error) { return l.release(tx, id, by) })
}

// ReleaseTx is Release inside a transaction.
func (l *Library) ReleaseTx(tx *store.Tx, id news.ItemID, by news.PersonID) (Accepted, error) {
	return l.release(tx, id, by)
}

// Correct makes a new version of an item of our own: a correction, or what d.Class says. The note tells partners what is
// corrected; it becomes the story's note if that has none. The version is released if the item ever was; a draft stays a
// draft. The story that already stands there is a Duplicate.
func (l *Library) Correct(ctx context.Context, id news.ItemID, d news.Draft, note string, by news.PersonID) (Accepted, error) {
	d.By = by
	if d.Note == "" {
		d.Note = note
	}
	if d.Class == "" || d.Class == news.First {
		d.Class = news.Correction
	}
	if d.Class == news.Withdrawal {
		return l.Withdraw(ctx, id, note, by)
	}
	p, err := l.prepare(ctx, d)
	if err != nil {
		return Accepted{}, err
	}
	return l.write(ctx, func(tx *store.Tx) (Accepted, error) { return l.correct(tx, id, p, note) })
}

// CorrectTx is Correct inside a transaction, for classes other than a withdrawal.
func (l *Library) CorrectTx(tx *store.Tx, id news.ItemID, d news.Draft, note string, by news.PersonID) (Accepted, error) {
	d.By = by
	if d.Note == "" {
		d.Note = note
	}
	if d.Class == "" || d.Class == news.First {
		d.Class = news.Correction
	}
	p, err := l.prepare(tx.Context(), d)
	if err != nil {
		return Accepted{}, err
	}
	return l.correct(tx, id, p, note)
}

// WithdrawTx is Withdraw inside a transaction.
func (l *Library) WithdrawTx(tx *store.Tx, id news.ItemID, reason string, by news.PersonID) (Accepted, error) {
	it, err := l.ownItem(tx, id)
	if err != nil {
		return Accepted{}, err
	}
	return l.withdraw(tx, it, reason, by)
}

// Withdraw withdraws an item of our own, for good. The reason goes to partners as the note of the withdrawal. A second
// withdrawal is a Duplicate. The text of our own item can still be read here.
func (l *Library) Withdraw(ctx context.Context, id news.ItemID, reason string, by news.PersonID) (Accepted, error) {
	return l.write(ctx, func(tx *store.Tx) (Accepted, error) {
		it, err := l.ownItem(tx, id)
		if err != nil {
			return Accepted{}, err
		}
		return l.withdraw(tx, it, reason, by)
	})
}

func (l *Library) write(ctx context.Context, fn func(tx *store.Tx) (Accepted, error)) (Accepted, error) {
	var out Accepted
	err := l.db.Write(ctx, func(tx *store.Tx) (err error) {
		out, err = fn(tx)
		return err
	})
	if err != nil {
		return Accepted{}, err
	}
	return out, nil
}

// prepared is a draft with everything that can be made of it before the transaction.
type prepared struct {
	news.Draft
	digest   string
	original *original
	unseen   bool // the source has not spoken of it before; its line is then new, or the transaction fails
}

// maxSourceID is how much of a source's own id counts, in characters.
const maxSourceID = 1000

func (l *Library) prepare(ctx context.Context, d news.Draft) (prepared, error) {
	for _, p := range d.Problems {
		if p.Fatal {
			return prepared{}, &fault.Error{Kind: fault.Invalid, Key: p.Key, Args: p.Args}
		}
	}
	d.Source, d.SourceID = fit(d.Source, maxSourceID), fit(d.SourceID, maxSourceID)
	d.Version = fit(d.Version, maxCode)
	p := prepared{Draft: d}
	var err error
	if p.digest, err = digest(d.Story); err != nil {
		return p, err
	}
	if d.Held { // the same story without that is something new: it goes out
		p.digest, p.Version = "held:"+p.digest, ""
	}
	if len(d.Original) > 0 {
		p.original, err = l.pack(ctx, d.Format, d.Original)
	}
	return p, err
}

// digest tells stories apart. When it was written does not count: sources touch their stories.
func digest(s news.Story) (string, error) {
	s.Written = time.Time{}
	b, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("library: digest: %w", err)
	}
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:16]), nil
}

// said is what a source last said about an item.
type said struct {
	item          news.ItemID
	number        int
	sourceVersion string
	written       int64
	digest        string
}

const (
	selectSource = `SELECT item, number, source_version, written_us, digest FROM source_item WHERE source = $1 AND source_id = $2`
	insertSource = `INSERT INTO source_item (source, source_id, item, number, source_version, written_us, digest)
VALUES ($1, $2, $3, $4, $5, $6, $7)`
	upsertSource = insertSource + ` ON CONFLICT (source, source_id) DO UPDATE SET item = excluded.item, number = excluded.number,
source_version = excluded.source_version, written_us = excluded.written_us, digest = excluded.digest`
	selectSourceVersion = `SELECT number FROM version WHERE item = $1 AND source_version = $2 AND written_us >= $3 ORDER BY number LIMIT 1`
)

func (l *Library) accept(tx *store.Tx, p prepared, release bool) (Accepted, error) {
	release = release && !p.Held
	var last said
	if p.SourceID != "" && !p.unseen {
		var err error
		if last, err = readSaid(tx, p.Source, p.SourceID); err != nil {
			return Accepted{}, err
		}
	}
	if last.item == "" {
		if p.Class == news.Withdrawal && (!p.Held || p.Headline == "") {
			return Accepted{}, fault.New(fault.NotFound, "library.unknown")
		}
		it, err := l.newItem()
		if err != nil {
			return Accepted{}, err
		}
		return l.add(tx, it, addition{prepared: p, class: news.First, release: release, source: true})
	}
	it, err := l.ownItem(tx, last.item)
	if err != nil {
		return Accepted{}, err
	}
	if p.Class == news.Withdrawal && (!p.Held || !it.Released.IsZero()) {
		return l.withdraw(tx, it, p.Note, p.By)
	}
	if number, err := l.repeated(tx, last, p); err != nil || number != 0 {
		return Accepted{Item: it.Item, Version: number, Duplicate: true}, err
	}
	class := news.Update
	if p.Class == news.Correction {
		class = news.Correction
	}
	return l.add(tx, it, addition{prepared: p, class: class, release: release, source: true})
}

// repeated gives the number of the version that a source says again, or 0 if it says something new.
func (l *Library) repeated(tx *store.Tx, last said, p prepared) (int, error) {
	if p.digest == last.digest {
		return last.number, nil
	}
	if p.Version == "" {
		return 0, nil
	}
	now, err1 := strconv.ParseUint(p.Version, 10, 63)
	before, err2 := strconv.ParseUint(last.sourceVersion, 10, 63)
	if err1 == nil && err2 == nil && now < before {
		return last.number, nil
	}
	var number int
	err := tx.QueryRow(selectSourceVersion, last.item, p.Version, clock.Micros(p.Written)).Scan(&number)
	if err != nil && !errors.Is(err, store.ErrNoRows) {
		return 0, fmt.Errorf("library: read source version: %w", err)
	}
	return number, nil
}

func (l *Library) newItem() (*item, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("library: item id: %w", err)
	}
	it := &item{created: clock.Micros(l.now())}
	it.Item, it.Origin, it.Own = news.NewItemID(l.o.Domain, id.String()), l.o.Origin, true
	return it, nil
}

// ownItem reads an item that must be ours.
func (l *Library) ownItem(r store.Reader, id news.ItemID) (*item, error) {
	it, err := readItem(r, id)
	switch {
	case err != nil:
		return nil, err
	case it == nil:
		return nil, notFound()
	case !it.Own:
		return nil, fault.New(fault.Denied, "library.not_ours")
	}
	return it, nil
}

func notFound() error  { return fault.New(fault.NotFound, "library.not_found") }
func withdrawn() error { return fault.New(fault.Gone, "library.withdrawn") }

// addition is a version that is to be added to an item of our own.
type addition struct {
	prepared
	class   news.Class
	note    string
	release bool
	source  bool // the source said it: remember what it said
}

// add makes the next version of an item of our own.
func (l *Library) add(tx *store.Tx, it *item, a addition) (Accepted, error) {
	if it.hold == news.Withdrawn {
		return Accepted{}, withdrawn()
	}
	ix, err := l.join(tx)
	if err != nil {
		return Accepted{}, err
	}
	now := clock.Trim(l.now())
	out := !it.Released.IsZero()
	if !out && a.class != news.Withdrawal {
		a.class = news.First
	}
	v := &version{
		item: it.Item, number: it.top + 1, class: a.class, state: news.Usable, written: clock.Micros(a.Written), note: fit(a.note, maxNote), by: a.By,
		sourceVersion: a.Draft.Version, digest: a.digest,
	}
	if v.class == news.Withdrawal {
		v.state = news.Withdrawn
	}
	var released time.Time
	if a.release {
		released = now
	}
	b, err := l.putStory(tx, v, a.Story, released)
	if err != nil {
		return Accepted{}, err
	}
	v.face = faceOf(a.Story, clock.Micros(released), clock.Micros(now))
	it.top = v.number
	if a.release || !out {
		err = l.place(tx, ix, it, v)
	} else {
		it.Versions++
	}
	if err == nil {
		err = errors.Join(v.save(tx), it.save(tx), a.original.save(tx, it.Item, v.number))
	}
	if err == nil && a.source && a.SourceID != "" {
		query := upsertSource
		if a.unseen {
			query = insertSource
		}
		err = tx.Exec(query, a.Source, a.SourceID, it.Item, v.number, v.sourceVersion, v.written, v.digest)
	}
	if err == nil && a.release {
		err = l.o.OnVersion(tx, l.outgoing(v, a.Story, b, !out))
	}
	if err != nil {
		return Accepted{}, err
	}
	return Accepted{Item: it.Item, Version: v.number}, nil
}

// putStory writes the kept form of a version as a content.
func (l *Library) putStory(tx *store.Tx, v *version, s news.Story, released time.Time) ([]byte, error) {
	b := l.o.Codec.Write(s, Meta{URI: v.item, Version: v.number, Class: v.class, Released: released})
	if len(b) > protocol.MaxContent {
		return nil, fault.New(fault.TooLarge, "library.too_large", "limit", protocol.MaxContent>>10)
	}
	var err error
	v.contentID, err = content.Put(tx, l.o.MediaType, string(s.Lang), b)
	return b, err
}

func (l *Library) outgoing(v *version, s news.Story, b []byte, first bool) Version {
	return Version{
		Item: v.item, Number: v.number, Class: v.class, First: first, Story: s, Note: v.note, By: v.by,
		Released: clock.FromMicros(v.released), ContentID: v.contentID, Content: b, MediaType: l.o.MediaType,
	}
}

func (l *Library) correct(tx *store.Tx, id news.ItemID, p prepared, note string) (Accepted, error) {
	it, err := l.ownItem(tx, id)
	if err != nil {
		return Accepted{}, err
	}
	top, err := readVersion(tx, id, it.top)
	if err != nil {
		return Accepted{}, err
	}
	out := !it.Released.IsZero()
	if top != nil && top.digest == p.digest && it.hold == "" && (top.released != 0 || !out) {
		return Accepted{Item: id, Version: top.number, Duplicate: true}, nil
	}
	return l.add(tx, it, addition{prepared: p, class: p.Class, note: note, release: out})
}

func (l *Library) withdraw(tx *store.Tx, it *item, reason string, by news.PersonID) (Accepted, error) {
	if it.hold == news.Withdrawn {
		return Accepted{Item: it.Item, Version: it.Version, Duplicate: true}, nil
	}
	p := prepared{Draft: news.Draft{By: by, Story: news.Story{
		Type: it.Type, Lang: it.Lang, Headline: it.Headline, Slug: it.Slug, Urgency: it.Urgency, Subjects: it.Subjects, Note: reason,
	}}}
	return l.add(tx, it, addition{prepared: p, class: news.Withdrawal, note: reason, release: !it.Released.IsZero()})
}

func (l *Library) release(tx *store.Tx, id news.ItemID, by news.PersonID) (Accepted, error) {
	it, err := l.ownItem(tx, id)
	if err != nil {
		return Accepted{}, err
	}
	if it.hold == news.Withdrawn {
		return Accepted{}, withdrawn()
	}
	v, err := readVersion(tx, id, it.top)
	switch {
	case err != nil:
		return Accepted{}, err
	case v == nil:
		return Accepted{}, notFound()
	case v.released != 0:
		return Accepted{Item: id, Version: v.number, Duplicate: true}, nil
	}
	ix, err := l.join(tx)
	if err != nil {
		return Accepted{}, err
	}
	s, err := l.story(tx, v)
	if err != nil {
		return Accepted{}, err
	}
	now, out := clock.Trim(l.now()), !it.Released.IsZero()
	draft := v.contentID
	b, err := l.putStory(tx, v, s, now)
	if err != nil {
		return Accepted{}, err
	}
	v.released, v.by = clock.Micros(now), by
	it.Versions-- // place counts it again
	if !out {
		it.Version = 0 // a draft gives way to itself
	}
	if err := l.place(tx, ix, it, v); err != nil {
		return Accepted{}, err
	}
	err = errors.Join(content.Erase(tx, draft), v.save(tx), it.save(tx))
	if err == nil {
		err = l.o.OnVersion(tx, l.outgoing(v, s, b, !out))
	}
	if err != nil {
		return Accepted{}, err
	}
	return Accepted{Item: id, Version: v.number}, nil
}
