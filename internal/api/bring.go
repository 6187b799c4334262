package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"time"

	"newspool/internal/fault"
	"newspool/internal/formats/ninjs"
	"newspool/internal/ingest"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/store"
)

const bringText = `Takes a story in as an item of our own and releases it to everybody whose agreement takes it. The same URI again is a new version:
an update, or what altIds with the role newspool:class says (correction); pubStatus "canceled" withdraws the item. A new item with
pubStatus "withheld" waits at the desk, and one that was released is withdrawn.
What the desk has already is a duplicate, and nothing is done.

With draft=true the version waits at the desk until an editor releases it.

With an Idempotency-Key the same request gets the same answer for two days, and the same key with another story is a conflict:
send it when a lost answer must not become a second story.`

type bringInput struct {
	Key     string `header:"Idempotency-Key" maxLength:"200" doc:"Any text that names this request of yours, for example a UUID."`
	Draft   bool   `query:"draft" doc:"Do not release it."`
	RawBody []byte `contentType:"application/ninjs+json"`
}

// Brought is what became of a story that was brought in.
type Brought struct {
	URI       news.ItemID   `json:"uri" doc:"The item at this desk and at all partners."`
	ID        string        `json:"id" doc:"The item in the paths of this API: domain/id." example:"north.example/0192f3c1-7d55-7e07-9d3c-0c7c59a3a2b1"`
	Version   int           `json:"version" doc:"The version that it made, or that says the same."`
	State     string        `json:"state" enum:"released,draft,withdrawn"`
	Duplicate bool          `json:"duplicate" doc:"The desk had it already; nothing was done."`
	Problems  []ItemProblem `json:"problems,omitempty" doc:"What could not be taken over."`
}

type bringOutput struct {
	Status   int
	Location string `header:"Location" doc:"The item in this API."`
	Replayed string `header:"Idempotency-Replayed" doc:"true: this is the answer from before."`
	Body     Brought
}

func (a *API) bringItem(ctx context.Context, v *visit, in *bringInput) (*bringOutput, error) {
	ask := asked{person: v.by.Person.ID, key: in.Key, hash: hashOf(in.RawBody, in.Draft)}
	if out, err := a.answered(ctx, ask); out != nil || err != nil {
		return out, err
	}
	d, err := readDraft(bytes.Clone(in.RawBody), v.by.Person.ID, a.o.Clock())
	if err != nil {
		return nil, err
	}
	var out *bringOutput
	_, err = a.o.Library.AcceptWith(ctx, d, !in.Draft, func(tx *store.Tx, acc library.Accepted) error {
		b := brought(acc, d, in.Draft)
		if d.Held { // it waits, or withdraws what was released
			it, err := a.o.Library.ReadItem(tx, acc.Item)
			if err != nil {
				return err
			}
			if b.State = "draft"; it.State == news.Withdrawn {
				b.State = "withdrawn"
			}
		}
		b.Problems = v.problems(d.Problems)
		out = &bringOutput{Status: http.StatusOK, Location: Prefix + "/items/" + b.ID, Body: b}
		if acc.Version == 1 && !acc.Duplicate {
			out.Status = http.StatusCreated
		}
		if !acc.Duplicate {
			act := people.Act{Who: v.by.Person.ID, What: "api.act_bring", About: string(acc.Item), From: v.by.Remote, Detail: map[string]any{"version": acc.Version}}
			if err := a.o.People.Audit(tx, act); err != nil {
				return err
			}
		}
		return a.remember(tx, ask, out)
	})
	if store.IsUnique(err) && in.Key != "" { // the same request at the same moment was faster
		if before, again := a.answered(ctx, ask); before != nil || again != nil {
			return before, again
		}
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

func hashOf(body []byte, draft bool) []byte {
	h := sha256.New()
	fmt.Fprintf(h, "draft=%t\n", draft)
	h.Write(body)
	return h.Sum(nil)
}

func brought(acc library.Accepted, d news.Draft, draft bool) Brought {
	b := Brought{URI: acc.Item, ID: acc.Item.Short(), Version: acc.Version, State: "released", Duplicate: acc.Duplicate}
	switch {
	case d.Class == news.Withdrawal:
		b.State = "withdrawn"
	case draft:
		b.State = "draft"
	}
	return b
}

// readDraft reads a story and completes it. Bytes that are no item, and fatal problems, are faults.
func readDraft(body []byte, by news.PersonID, now time.Time) (news.Draft, error) {
	if bytes.HasPrefix(body, []byte("\x1f\x8b")) {
		return news.Draft{}, fault.New(fault.Invalid, "api.packed")
	}
	d, err := ninjs.Parse(body)
	if err != nil {
		f := fault.Of(err)
		return d, &refused{first: f, problems: []news.Problem{{Key: f.Key, Args: f.Args, Fatal: true}}}
	}
	ingest.ItemOptions{Source: "api", By: by}.Complete(&d, now)
	for _, p := range d.Problems {
		if p.Fatal {
			return d, &refused{first: &fault.Error{Kind: fault.Invalid, Key: p.Key, Args: p.Args}, problems: d.Problems}
		}
	}
	return d, nil
}
