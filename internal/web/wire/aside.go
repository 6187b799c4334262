package wire

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

// Deciding is what people decide about received items that are set aside or closed.
type Deciding interface {
	// Open takes a version of an item for use, for a reason. Where another version stands there by now, or nothing waits for a
	// decision any more, it is a fault of the kind Conflict.
	Open(ctx context.Context, person news.PersonID, id news.ItemID, version int, reason string) error
	// Leave notes that a person has looked and leaves the item as it is.
	Leave(ctx context.Context, person news.PersonID, id news.ItemID, version int, reason string) error
	// Decided tells what was decided, the newest first.
	Decided(ctx context.Context, id news.ItemID) ([]Decided, error)
}

// Decided is what somebody has decided about an item.
type Decided struct {
	Opened  bool   // taken for use; else left as it was
	Name    string // of the person; "" for the operator of the node
	At      time.Time
	Version int
	Reason  string
}

// deciding is what was decided about an item that came outside the terms or was closed, and the form in which a person decides.
type deciding struct {
	Title   string
	Why     string // of an item that was taken for use: what had set it aside
	Past    []decidedLine
	May     bool   // the person decides
	CanOpen bool   // there is something to take for use
	Cannot  string // why there is not
	Leave   string
	Version int
	Reason  string
	Wrong   string
}

type decidedLine struct {
	Text, Name, Stamp, Reason string
	At                        time.Time
}

// decisions adds what people decide about a received item.
func (f *Family) decisions(r *http.Request, c painter, a *article, item library.Item, readable bool) error {
	if item.Own || item.State == news.Withdrawn {
		return nil
	}
	past, err := f.o.Deciding.Decided(r.Context(), item.Item)
	if err != nil {
		return err
	}
	p := c.p
	waits := item.State == news.SetAside || item.State == news.Closed
	d := &deciding{Title: p.T("item.decided.title"), Version: item.Version, May: waits && page.PersonOf(r).Editor && a.Version == a.Newest && !a.Comparing()}
	for _, one := range past {
		key, name := "item.decided.left", one.Name
		if one.Opened {
			key = "item.decided.opened"
		}
		if name == "" {
			name = p.T("settings.audit.operator")
		}
		d.Past = append(d.Past, decidedLine{p.T(key, "n", one.Version), name, p.Stamp(one.At, c.now), one.Reason, one.At})
	}
	if !d.May && len(d.Past) == 0 {
		return nil
	}
	a.Decide = d
	if !waits && item.Why.Key != "" {
		d.Why = terms.Say(p, terms.Line{Key: item.Why.Key, Args: item.Why.Args})
	}
	if !d.May {
		return nil
	}
	d.Title, d.Leave = p.T("item.decide.title"), p.T("item.decide.leave_aside")
	if item.State == news.Closed {
		d.Leave = p.T("item.decide.leave_closed")
	}
	switch {
	case item.Why.Key == library.WithdrawalAhead:
		d.Cannot = p.T("item.decide.ahead")
	case !readable:
		d.Cannot = p.T("item.decide.no_text")
	default:
		d.CanOpen = true
	}
	return nil
}

// decide is the answer to the form. Who gives no reason is asked for it; who was overtaken is shown how the item is now.
func (f *Family) decide(w http.ResponseWriter, r *http.Request) error {
	id, person, p := itemOf(r), page.PersonOf(r).ID, page.PrinterOf(r)
	reason := strings.TrimSpace(r.PostForm.Get("reason"))
	version, _ := strconv.Atoi(r.PostForm.Get("version")) // what is no number is no version
	do, done := f.o.Deciding.Leave, "item.decide.left"
	if r.PostForm.Get("act") == "open" {
		do, done = f.o.Deciding.Open, "item.decide.opened"
	}
	switch {
	case reason == "" && done == "item.decide.opened":
		return f.askAgain(w, r, id, reason, p.T("story.open_reason"))
	case len([]rune(reason)) > maxLine:
		return f.askAgain(w, r, id, reason, p.T("item.form.line_long", "limit", maxLine))
	}
	err := do(r.Context(), person, id, version, reason)
	if fault.Is(err, fault.Conflict) {
		return f.showItemAs(w, r, id, http.StatusConflict, fault.Of(err).Key)
	}
	if err != nil {
		return err
	}
	return f.o.Shell.Done(w, r, page.ItemPath(id), done)
}

// askAgain shows the item with the form as it was filled in, and what has to be put right.
func (f *Family) askAgain(w http.ResponseWriter, r *http.Request, id news.ItemID, reason, wrong string) error {
	p, err := f.itemPage(r, id)
	if err != nil {
		return err
	}
	if p.Item.Decide != nil {
		p.Item.Decide.Reason, p.Item.Decide.Wrong = reason, wrong
	}
	p.Back, p.Title = p.Item.Path, i18n.Isolate(p.Item.Headline)
	return page.Render(w, r, http.StatusUnprocessableEntity, f.item, p)
}

// waiting is a chip that leads to what is set aside, if there is something and nothing of the kind is chosen.
func (c painter) waiting(facets library.Facets) []chip {
	for _, s := range facets.States {
		if s.Value == string(news.SetAside) && s.N > 0 && c.filter.state == "" {
			return []chip{{Text: c.p.T("wire.set_aside_count", "n", s.N), Href: c.filter.with("state", s.Value).at("/wire")}}
		}
	}
	return nil
}
