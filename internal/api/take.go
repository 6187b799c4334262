package api

import (
	"bytes"
	"context"
	"time"

	"newspool/internal/deliver"
)

const takeText = `Lines of ninjs after a cursor: what came from partners and what is our own, in the order in which it became visible at this desk.
Keep the header Newspool-Cursor and ask with it the next time; begin with 0. A line may come twice, and comes again when what may
be done with its item changes: the last line that names an item is what holds.

A text comes only where the terms permit to copy it now, with the credit line and the terms that go with it. Each line says in
"newspool" what may be done. Where the state is not "usable" there is no text: take the item out if you have it.

With wait the answer comes as soon as there is something, at the latest after so many seconds.`

type takeInput struct {
	After int64 `query:"after" minimum:"0" default:"0" doc:"The cursor: what Newspool-Cursor said the last time."`
	Limit int   `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many lines at most."`
	Wait  int   `query:"wait" minimum:"0" maximum:"30" default:"0" doc:"How many seconds to wait for something new."`
}

type takeOutput struct {
	Type   string `header:"Content-Type" hidden:"true"`
	Cursor int64  `header:"Newspool-Cursor" doc:"Ask after this the next time."`
	Body   []byte
}

// How often a request that waits looks by itself (an embargo rings no bell), and how long it lets news gather.
const (
	lookEvery = time.Second
	gather    = 30 * time.Millisecond
)

func (a *API) takeItems(ctx context.Context, v *visit, in *takeInput) (*takeOutput, error) {
	deadline := time.Now().Add(time.Duration(in.Wait) * time.Second)
	var ring <-chan struct{}
	if in.Wait > 0 {
		done, err := a.gate.wait(v.token)
		if err != nil {
			return nil, err
		}
		defer done()
		ringing, stop := context.WithCancel(ctx)
		defer stop()
		ring = a.o.Bell.Ring(ringing)
	}
	for {
		lines, next, err := a.o.Feed.Lines(ctx, v.by, in.After, in.Limit, v.printer.Lang())
		if err != nil {
			return nil, err
		}
		if len(lines) > 0 || !sleep(ctx, ring, time.Until(deadline)) {
			return &takeOutput{Type: "application/x-ndjson", Cursor: next, Body: joined(lines)}, nil
		}
	}
}

// sleep waits for a ring, or until it is time to look; false when the time is over.
func sleep(ctx context.Context, ring <-chan struct{}, left time.Duration) bool {
	if left <= 0 {
		return false
	}
	look := time.NewTimer(min(left, lookEvery))
	defer look.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-look.C:
		return true
	case _, ok := <-ring:
		if !ok {
			return false
		}
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(gather):
		return true
	}
}

func joined(lines []deliver.Line) []byte {
	var b bytes.Buffer
	for _, l := range lines {
		b.Write(l.JSON)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

type itemInput struct{ ItemPath }

type itemOutput struct {
	Type string `header:"Content-Type" hidden:"true"`
	Body []byte
}

func (a *API) takeItem(ctx context.Context, v *visit, in *itemInput) (*itemOutput, error) {
	line, err := a.o.Feed.Item(ctx, v.by, in.item(), v.printer.Lang())
	if err != nil {
		return nil, err
	}
	return &itemOutput{Type: "application/json", Body: append(line.JSON, '\n')}, nil
}

// Line is how a line of the feed is called in the description.
type Line deliver.Document
