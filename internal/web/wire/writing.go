package wire

import (
	"cmp"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"newspool/internal/fault"
	"newspool/internal/library"
	"newspool/internal/lineage"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

// newStory is an empty form, or one in which something is made from an item.
func (f *Family) newStory(w http.ResponseWriter, r *http.Request) error {
	made := inputFrom(r.URL.Query()).Made
	b, err := f.o.Kin.Begin(r, made, "", 0)
	if err != nil {
		return err
	}
	t := typed{input: inputOf(b.Story, page.PrinterOf(r))}
	t.Made = made
	return f.showForm(w, r, newItem, t)
}

func (f *Family) saveNew(w http.ResponseWriter, r *http.Request) error {
	return f.save(w, r, newItem, "", news.Story{})
}

func (f *Family) editDraft(w http.ResponseWriter, r *http.Request) error {
	item, story, err := f.ownStory(r, news.Unreleased)
	if err != nil {
		return err
	}
	in := inputOf(story, page.PrinterOf(r))
	in.Version, in.PhotosOf, in.Duty = item.Version, item.Version, inputFrom(r.URL.Query()).Duty
	return f.showForm(w, r, draftOf(item.Item), typed{input: in, photos: photosOf(story.Media)})
}

func (f *Family) saveDraft(w http.ResponseWriter, r *http.Request) error {
	item, story, err := f.ownStory(r, news.Unreleased, news.Usable, news.Withdrawn)
	if err != nil {
		return f.unread(w, r, draftOf(itemOf(r)), err)
	}
	return f.save(w, r, draftOf(item.Item), item.Item, story)
}

// readForm reads a form with its photos. Base is the story that it changes; the story that it makes is given too. With an error the
// form has what could be read of it.
func (f *Family) readForm(r *http.Request, id news.ItemID, base news.Story) (t typed, story news.Story, err error) {
	if t.input, t.bad, err = f.readInput(r); err != nil {
		return t, story, err
	}
	t.read = true
	had := base.Media
	if id != "" && t.PhotosOf > 0 { // somebody may have changed the photos since
		then, err := f.o.Library.Version(r.Context(), id, t.PhotosOf)
		if err == nil {
			had = then.Media
		} else if !fault.Is(err, fault.NotFound) {
			return t, story, err
		}
	}
	if t.photos, err = f.attached(r.Context(), t.input, had); err != nil || t.lost != nil {
		return t, story, cmp.Or(err, t.lost)
	}
	base.Media = mediaOf(t.photos)
	var bad []wrong
	if story, bad = t.story(page.PrinterOf(r), base); t.Act != actAttach {
		t.bad = append(bad, t.bad...)
	}
	return t, story, nil
}

// The buttons of a form.
const (
	actAttach  = "attach" // photos, and go on writing
	actRelease = "release"
)

// save keeps a draft and, if that was asked for, releases it. Photos that came with the wish to release are shown first: nobody
// has seen what they say.
func (f *Family) save(w http.ResponseWriter, r *http.Request, kind formKind, id news.ItemID, base news.Story) error {
	t, story, err := f.readForm(r, id, base)
	if err != nil {
		return f.unkept(w, r, kind, t, err)
	}
	if len(t.bad) > 0 || t.Act == actAttach || t.Act == actRelease && t.Fresh > 0 {
		return f.showForm(w, r, kind, t)
	}
	person := page.PersonOf(r)
	draft := news.Draft{Story: story, Source: "desk", SourceID: t.Key, By: person.ID}
	var saved library.Accepted
	switch {
	case t.Made.Source != "" && id == "":
		saved, err = f.o.Writing.Derive(r.Context(), person.ID, t.Made, draft)
	case t.Duty != 0:
		saved, err = f.o.Writing.Apply(r.Context(), person.ID, t.Duty, id, t.Version, draft, "")
	default:
		saved, err = f.o.Writing.Save(r.Context(), person.ID, id, t.Version, draft)
	}
	switch {
	case isOvertaken(err) && cmp.Or(id, saved.Item) != "":
		return f.overtaken(w, r, kind, cmp.Or(id, saved.Item), t)
	case err != nil:
		return f.unkept(w, r, kind, t, err)
	case t.Act != actRelease:
		return f.o.Shell.Done(w, r, page.ItemPath(saved.Item), "item.saved")
	}
	if err = f.releaseVersion(w, r, saved.Item, saved.Version); isTrouble(err) {
		t.Version, t.say = saved.Version, page.PrinterOf(r).T("item.form.not_released")
		return f.unkept(w, r, draftOf(saved.Item), t, err)
	}
	return err
}

// isTrouble reports whether something failed of which the form knows nothing: the database, a disk.
func isTrouble(err error) bool {
	kind := fault.Of(err).Kind
	return err != nil && (kind == fault.Unavailable || kind == fault.Internal)
}

// unread gives a form back whose item could not be read.
func (f *Family) unread(w http.ResponseWriter, r *http.Request, kind formKind, err error) error {
	var t typed
	if isTrouble(err) {
		in, bad, unreadable := f.readInput(r)
		t = typed{input: in, bad: bad, read: unreadable == nil}
	}
	return f.unkept(w, r, kind, t, err)
}

// unkept gives a form back that could not be kept: with all that was typed, and what happened. Who sends it again has it kept once.
// The error goes on, to the log; it has a page of its own only where the form could not be read.
func (f *Family) unkept(w http.ResponseWriter, r *http.Request, kind formKind, t typed, err error) error {
	if !t.read {
		return err
	}
	if t.Duty != 0 && strings.HasPrefix(fault.Of(err).Key, "lineage.") {
		t.Duty = 0 // a colleague has answered it: sent once more, the form answers nothing
	}
	p := page.PrinterOf(r)
	if t.failed = err; t.say == "" {
		t.say = terms.Sentence(p, err)
		if isTrouble(err) {
			t.say += " " + p.T("item.form.still_here")
		}
	}
	if t.photos == nil {
		t.photos = unfound(t.input)
	}
	return errors.Join(err, f.showForm(w, r, kind, t))
}

// isOvertaken reports whether somebody else did something with the item first.
func isOvertaken(err error) bool {
	return fault.Is(err, fault.Gone) || err != nil && fault.Of(err).Key == "item.changed_meanwhile"
}

// overtaken gives a form back whose item somebody else has changed since it was opened: with all that was typed, what has happened,
// and what can be done with the text now. Who sends it again has read that, and means the version that is named.
func (f *Family) overtaken(w http.ResponseWriter, r *http.Request, kind formKind, id news.ItemID, t typed) error {
	item, err := f.o.Library.Item(r.Context(), id)
	if err != nil {
		return f.unkept(w, r, kind, t, err)
	}
	key := "item.form.changed_meanwhile"
	kind = changeOf(id)
	switch {
	case item.State == news.Withdrawn:
		key = "item.form.withdrawn_meanwhile"
	case item.State == news.Unreleased:
		kind = draftOf(id)
	case t.Class == "":
		t.Class, key = string(news.Correction), "item.form.released_meanwhile"
	}
	t.Version = item.Version
	t.faster = page.PrinterOf(r).T(key, "n", item.Version)
	return f.showForm(w, r, kind, t)
}

func (f *Family) release(w http.ResponseWriter, r *http.Request) error {
	version, _ := strconv.Atoi(r.PostForm.Get("version")) // what is no number is no version of ours
	return f.releaseVersion(w, r, itemOf(r), version)
}

// releaseVersion releases the version that the person has read. If there is another by now, they are shown that.
func (f *Family) releaseVersion(w http.ResponseWriter, r *http.Request, id news.ItemID, version int) error {
	switch err := f.o.Writing.Release(r.Context(), page.PersonOf(r).ID, id, version); {
	case isOvertaken(err):
		return f.showItemAs(w, r, id, http.StatusConflict, "item.release_overtaken")
	case err != nil:
		return err
	}
	return f.o.Shell.Done(w, r, page.ItemPath(id), "item.released")
}

// ownItem is an item of ours in one of these states.
func (f *Family) ownItem(r *http.Request, states ...news.State) (library.Item, error) {
	item, err := f.o.Library.Item(r.Context(), itemOf(r))
	switch {
	case err != nil:
		return item, err
	case !item.Own:
		return item, fault.New(fault.Denied, "item.not_ours")
	case !slices.Contains(states, item.State):
		return item, fault.New(fault.Conflict, "item.other_state")
	}
	return item, nil
}

// ownStory is an item of ours in one of these states, with its newest text.
func (f *Family) ownStory(r *http.Request, states ...news.State) (library.Item, news.Story, error) {
	item, err := f.ownItem(r, states...)
	if err != nil {
		return item, news.Story{}, err
	}
	story, err := f.o.Library.Version(r.Context(), item.Item, item.Version)
	return item, story, err
}

func (f *Family) changeForm(w http.ResponseWriter, r *http.Request) error {
	item, story, err := f.ownStory(r, news.Usable)
	if err != nil {
		return err
	}
	in := inputOf(story, page.PrinterOf(r))
	in.Class, in.Version, in.PhotosOf, in.Duty = string(news.Correction), item.Version, item.Version, inputFrom(r.URL.Query()).Duty
	in.Note = withoutWhy(in.Note, item)
	return f.showForm(w, r, changeOf(item.Item), typed{input: in, photos: photosOf(story.Media)})
}

func (f *Family) change(w http.ResponseWriter, r *http.Request) error {
	item, story, err := f.ownStory(r, news.Usable, news.Withdrawn)
	if err != nil {
		return f.unread(w, r, changeOf(itemOf(r)), err)
	}
	t, changed, err := f.readForm(r, item.Item, story)
	if err != nil {
		return f.unkept(w, r, changeOf(item.Item), t, err)
	}
	class := news.Correction
	if t.Class == string(news.Update) {
		class = news.Update
	} else if t.Why == "" && t.Act != actAttach {
		t.bad = append([]wrong{{"why", page.PrinterOf(r).T("item.form.why_missing")}}, t.bad...)
	}
	if len(t.bad) > 0 || t.Act == actAttach || t.Fresh > 0 {
		return f.showForm(w, r, changeOf(item.Item), t)
	}
	person := page.PersonOf(r).ID
	changed.Note = withWhy(t.Why, changed.Note)
	draft := news.Draft{Story: changed, Source: "desk", Class: class, By: person}
	if t.Duty != 0 {
		_, err = f.o.Writing.Apply(r.Context(), person, t.Duty, item.Item, t.Version, draft, t.Why)
	} else {
		err = f.o.Writing.Change(r.Context(), person, item.Item, t.Version, draft, t.Why)
	}
	switch {
	case isOvertaken(err):
		t.Class = string(class)
		return f.overtaken(w, r, changeOf(item.Item), item.Item, t)
	case err != nil:
		return f.unkept(w, r, changeOf(item.Item), t, err)
	}
	return f.o.Shell.Done(w, r, page.ItemPath(item.Item), "item.change_released")
}

// withWhy puts what a version changes before the note to editors: it is what partners read beside the version.
func withWhy(why, note string) string {
	if why == "" || note == "" || note == why {
		return cmp.Or(why, note)
	}
	return why + noteGap + note
}

const noteGap = "\n\n"

// withoutWhy is the note to editors without what the last version changed: the next version changes something else.
func withoutWhy(note string, item library.Item) string {
	if n := len(item.History); n > 1 && item.History[n-1].Note != "" {
		rest, found := strings.CutPrefix(note, item.History[n-1].Note)
		if found && (rest == "" || strings.HasPrefix(rest, noteGap)) {
			return strings.TrimPrefix(rest, noteGap)
		}
	}
	return note
}

// withdrawPage asks for the reason of a withdrawal and shows whom it reaches.
type withdrawPage struct {
	page.Base
	Item   *article
	Duty   int64
	Beside template.HTML // which change of a source it answers
	Reason string
	Wrong  string
}

func (f *Family) withdrawForm(w http.ResponseWriter, r *http.Request) error {
	return f.showWithdraw(w, r, http.StatusOK, "", "")
}

func (f *Family) showWithdraw(w http.ResponseWriter, r *http.Request, status int, reason, bad string) error {
	base := f.o.Shell.Base(r, "wire", "item.withdraw.title")
	c, err := f.painter(r, base)
	if err != nil {
		return err
	}
	item, err := f.ownItem(r, news.Usable)
	if err != nil {
		return err
	}
	a := f.frameOf(r, c, item)
	a.Headline = item.Headline
	if err := f.agreements(r.Context(), c, a, item); err != nil {
		return err
	}
	p := withdrawPage{Base: base, Item: a, Duty: inputFrom(r.URL.Query()).Duty, Reason: reason, Wrong: bad}
	from, err := f.o.Kin.Begin(r, lineage.Made{}, item.Item, p.Duty)
	if err != nil {
		return err
	}
	p.Beside = from.Beside
	return page.Render(w, r, status, f.remove, p)
}

// withdraw takes an item back. Who asks twice has withdrawn it once.
func (f *Family) withdraw(w http.ResponseWriter, r *http.Request) error {
	item, err := f.ownItem(r, news.Usable, news.Withdrawn)
	if err != nil {
		return err
	}
	reason := strings.TrimSpace(r.PostForm.Get("reason"))
	if reason == "" {
		return f.showWithdraw(w, r, http.StatusUnprocessableEntity, reason, page.PrinterOf(r).T("item.withdraw.reason_missing"))
	}
	if err := f.o.Writing.Withdraw(r.Context(), page.PersonOf(r).ID, item.Item, reason); err != nil {
		return errors.Join(err, f.showWithdraw(w, r, fault.Of(err).Kind.Status(), reason, terms.Sentence(page.PrinterOf(r), err)))
	}
	return f.o.Shell.Done(w, r, page.ItemPath(item.Item), "item.withdrawn_done")
}
