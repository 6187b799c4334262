package duties

import (
	"net/http"
	"strings"

	"newspool/internal/fault"
	"newspool/internal/lineage"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

// answerPage is a duty alone: what a form comes back to that lacked something.
type answerPage struct {
	page.Base
	Duty dutyView
}

// open finds a duty of an item that waits for its answer, with what has changed. Which does not wait is NotFound.
func (f *Family) open(r *http.Request, item news.ItemID, n int64) (dutyView, error) {
	c := f.painter(r)
	all, err := f.o.Lineage.Duties(r.Context(), item)
	if err != nil {
		return dutyView{}, err
	}
	for _, d := range all {
		if d.N != n || d.Answer != "" {
			continue
		}
		v, err := c.duty(d)
		if err != nil {
			return v, err
		}
		return v, c.compared(&v, d)
	}
	return dutyView{}, fault.New(fault.NotFound, "duty.answered_already")
}

func itemOf(r *http.Request) news.ItemID {
	return news.ItemOf(r.PathValue("domain") + "/" + r.PathValue("id"))
}

func (f *Family) showAnswer(w http.ResponseWriter, r *http.Request) error {
	return f.showDuty(w, r, http.StatusOK, asked(r.URL.Query().Get("duty")), "", "")
}

// showDuty is the page of one duty, with what was typed and what is wrong with it.
func (f *Family) showDuty(w http.ResponseWriter, r *http.Request, status int, duty int64, why, wrong string) error {
	v, err := f.open(r, itemOf(r), duty)
	if err != nil {
		return err
	}
	v.Here, v.Why, v.Wrong = true, why, wrong
	c := f.painter(r)
	item, err := c.item(itemOf(r))
	if err != nil {
		return err
	}
	ours, err := f.o.Library.Version(r.Context(), item.Item, item.Version)
	if err != nil {
		return err
	}
	v.Mine = textOf(c.p.T("duty.ours"), ours)
	return page.Render(w, r, status, f.answer, answerPage{f.o.Shell.Base(r, "duties", "duty.title"), v})
}

// giveAnswer keeps what a person says about an item whose source has changed. That an item stays as it is needs a reason.
func (f *Family) giveAnswer(w http.ResponseWriter, r *http.Request) error {
	duty, why := asked(r.PostForm.Get("duty")), strings.TrimSpace(r.PostForm.Get("why"))
	answer := lineage.Answer(r.PostForm.Get("answer"))
	switch answer {
	case lineage.NotAffected, lineage.Refused:
		if why == "" {
			return f.showDuty(w, r, http.StatusUnprocessableEntity, duty, why, page.PrinterOf(r).T("duty.answer.why_missing"))
		}
	case lineage.Removed:
	default:
		return fault.New(fault.Invalid, "page.form_unreadable")
	}
	v, err := f.open(r, itemOf(r), duty)
	if err != nil {
		return err
	}
	if answer == lineage.Removed && !v.Draft {
		return fault.New(fault.Conflict, "item.other_state") // it is withdrawn first, and that answers
	}
	err = f.o.Lineage.Answer(r.Context(), page.PersonOf(r).ID, duty, answer, why)
	switch {
	case fault.Is(err, fault.Invalid):
		return f.showDuty(w, r, http.StatusUnprocessableEntity, duty, why, terms.Sentence(page.PrinterOf(r), err))
	case err != nil:
		return err
	}
	return f.o.Shell.Done(w, r, page.ItemPath(itemOf(r)), "duty.answer.done")
}
