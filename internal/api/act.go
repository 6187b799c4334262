package api

import (
	"bytes"
	"context"
	"encoding/json"

	"newspool/internal/desk"
	"newspool/internal/fault"
	"newspool/internal/library"
	"newspool/internal/news"
)

type correctInput struct {
	ItemPath
	Body struct {
		Note   string          `json:"note,omitempty" maxLength:"4000" doc:"What was wrong. Partners read it beside the correction; needed unless update is true."`
		Update bool            `json:"update,omitempty" doc:"Nothing was wrong: the story has gone on."`
		Item   json.RawMessage `json:"item" doc:"The whole new version, ninjs 2.x or 3.x."`
	}
}

type changedOutput struct{ Body Brought }

func (a *API) correctItem(ctx context.Context, v *visit, in *correctInput) (*changedOutput, error) {
	d, err := readDraft(bytes.Clone(in.Body.Item), v.by.Person.ID, a.o.Clock())
	if err != nil {
		return nil, err
	}
	d.Class = news.Correction
	if in.Body.Update {
		d.Class = news.Update
	}
	err = a.o.Desk.Change(ctx, v.by.Person.ID, in.item(), desk.AnyVersion, d, in.Body.Note)
	same := unchanged(err)
	if err != nil && !same {
		return nil, err
	}
	out, err := a.changed(ctx, in.item(), same)
	if err == nil {
		out.Body.Problems = v.problems(d.Problems)
	}
	return out, err
}

// unchanged finds the desk's word for a correction that says what is out already: the answer to it was lost.
func unchanged(err error) bool {
	f := fault.Of(err)
	return err != nil && f.Kind == fault.Conflict && f.Key == "story.nothing_changed"
}

// withdrawing is the operation that needs a reason.
const withdrawing = "withdraw-item"

type withdrawInput struct {
	ItemPath
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"2000" doc:"Why. Everybody who has the item reads it."`
	}
}

func (a *API) withdrawItem(ctx context.Context, v *visit, in *withdrawInput) (*changedOutput, error) {
	before, err := a.o.Library.Item(ctx, in.item())
	if err != nil {
		return nil, err
	}
	if err := a.o.Desk.Withdraw(ctx, v.by.Person.ID, in.item(), in.Body.Reason); err != nil {
		return nil, err
	}
	return a.changed(ctx, in.item(), before.State == news.Withdrawn)
}

// changed tells how an item of our own stands now.
func (a *API) changed(ctx context.Context, id news.ItemID, duplicate bool) (*changedOutput, error) {
	item, err := a.o.Library.Item(ctx, id)
	if err != nil {
		return nil, err
	}
	acc := library.Accepted{Item: id, Version: item.Version, Duplicate: duplicate}
	if n := len(item.History); n > 0 {
		acc.Version = item.History[n-1].Number
	}
	out := &changedOutput{Body: brought(acc, news.Draft{}, item.State == news.Unreleased)}
	if item.State == news.Withdrawn {
		out.Body.State = "withdrawn"
	}
	return out, nil
}
