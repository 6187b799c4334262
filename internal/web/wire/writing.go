package wire

import (
	"cmp"
	"net/http"
	"strings"

	"newspool/internal/fault"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/web/page"
)

func (f *Family) newStory(w http.ResponseWriter, r *http.Request) error {
	return f.showForm(w, r, newItem, typed{})
}

func (f *Family) saveNew(w http.ResponseWriter, r *http.Request) error {
	return f.save(w, r, newItem, "", news.Story{})
}

func (f *Family) editDraft(w http.ResponseWriter, r *http.Request) error {
	item, story, err := f.ownStory(r, news.Unreleased)
	if err != nil {
		return err
	}
	return f.showForm(w, r, draftOf(item.Item), typed{input: inputOf(story, page.PrinterOf(r)), photos: photosOf(story.Media)})
}

func (f *Family) saveDraft(w http.ResponseWriter, r *http.Request) error {
	item, story, err := f.ownStory(r, news.Unreleased)
	if err != nil {
		return err
	}
	return f.save(w, r, draftOf(item.Item), item.Item, story)
}

// readForm reads a form with its photos. Base is the story that it changes; the story that it makes is given too.
func (f *Family) readForm(r *http.Request, base news.Story) (t typed, story news.Story, err error) {
	if t.input, t.bad, err = f.readInput(r); err != nil {
		return t, story, err
	}
	if t.photos, err = f.attached(r.Context(), t.input, base); err != nil {
		return t, story, err
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
	t, story, err := f.readForm(r, base)
	if err != nil {
		return err
	}
	if len(t.bad) > 0 || t.Act == actAttach || t.Act == actRelease && t.Fresh > 0 {
		return f.showForm(w, r, kind, t)
	}
	person := page.PersonOf(r)
	draft := news.Draft{Story: story, Source: "desk", By: person.ID}
	if id, err = f.o.Writing.Save(r.Context(), person.ID, id, draft); err != nil {
		return err
	}
	if t.Act != actRelease {
		return f.o.Shell.Done(w, r, page.ItemPath(id), "item.saved")
	}
	if err := f.o.Writing.Release(r.Context(), person.ID, id); err != nil {
		return err
	}
	return f.o.Shell.Done(w, r, page.ItemPath(id), "item.released")
}

func (f *Family) release(w http.ResponseWriter, r *http.Request) error {
	id := itemOf(r)
	if err := f.o.Writing.Release(r.Context(), page.PersonOf(r).ID, id); err != nil {
		return err
	}
	return f.o.Shell.Done(w, r, page.ItemPath(id), "item.released")
}

// ownStory is an item of ours in a state, with its newest text.
func (f *Family) ownStory(r *http.Request, state news.State) (library.Item, news.Story, error) {
	item, err := f.o.Library.Item(r.Context(), itemOf(r))
	if err != nil {
		return item, news.Story{}, err
	}
	switch {
	case !item.Own:
		return item, news.Story{}, fault.New(fault.Denied, "item.not_ours")
	case item.State != state:
		return item, news.Story{}, fault.New(fault.Conflict, "item.other_state")
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
	in.Class, in.Version = string(news.Correction), item.Version
	in.Note = withoutWhy(in.Note, item)
	return f.showForm(w, r, changeOf(item.Item), typed{input: in, photos: photosOf(story.Media)})
}

func (f *Family) change(w http.ResponseWriter, r *http.Request) error {
	item, story, err := f.ownStory(r, news.Usable)
	if err != nil {
		return err
	}
	t, changed, err := f.readForm(r, story)
	if err != nil {
		return err
	}
	p := page.PrinterOf(r)
	class := news.Correction
	if t.Class == string(news.Update) {
		class = news.Update
	} else if t.Why == "" && t.Act != actAttach {
		t.bad = append([]wrong{{"why", p.T("item.form.why_missing")}}, t.bad...)
	}
	if t.Version != item.Version {
		t.bad = append([]wrong{{"version", p.T("item.changed_meanwhile")}}, t.bad...)
		t.Version = item.Version
	}
	if len(t.bad) > 0 || t.Act == actAttach || t.Fresh > 0 {
		return f.showForm(w, r, changeOf(item.Item), t)
	}
	person := page.PersonOf(r).ID
	changed.Note = withWhy(t.Why, changed.Note)
	draft := news.Draft{Story: changed, Source: "desk", Class: class, By: person}
	if err := f.o.Writing.Change(r.Context(), person, item.Item, draft, t.Why); err != nil {
		return err
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
	Reason string
	Wrong  string
}

func (f *Family) withdrawForm(w http.ResponseWriter, r *http.Request) error {
	return f.showWithdraw(w, r, http.StatusOK, "", "")
}

func (f *Family) showWithdraw(w http.ResponseWriter, r *http.Request, status int, reason, bad string) error {
	if _, _, err := f.ownStory(r, news.Usable); err != nil {
		return err
	}
	base := f.o.Shell.Base(r, "wire", "item.withdraw.title")
	c, err := f.painter(r, base)
	if err != nil {
		return err
	}
	a, err := f.article(r, c, itemOf(r))
	if err != nil {
		return err
	}
	return page.Render(w, r, status, f.remove, withdrawPage{Base: base, Item: a, Reason: reason, Wrong: bad})
}

func (f *Family) withdraw(w http.ResponseWriter, r *http.Request) error {
	reason := strings.TrimSpace(r.PostFormValue("reason"))
	if reason == "" {
		return f.showWithdraw(w, r, http.StatusUnprocessableEntity, reason, page.PrinterOf(r).T("item.withdraw.reason_missing"))
	}
	item, _, err := f.ownStory(r, news.Usable)
	if err != nil {
		return err
	}
	if err := f.o.Writing.Withdraw(r.Context(), page.PersonOf(r).ID, item.Item, reason); err != nil {
		return err
	}
	return f.o.Shell.Done(w, r, page.ItemPath(item.Item), "item.withdrawn_done")
}
