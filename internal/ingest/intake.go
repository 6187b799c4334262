package ingest

import (
	"context"
	"errors"
	"hash/fnv"
	"sync"

	"golang.org/x/sync/errgroup"

	"newspool/internal/fault"
	"newspool/internal/news"
)

const (
	lanes         = 8   // drafts that are with the desk at a time: it writes what waits together in one go
	waiting       = 4   // drafts that wait in each lane
	progressEvery = 100 // items
	maxInternal   = 20  // items that fail by a mistake of ours, before the run is given up
)

// giver hands on one item that was found: its place, and the draft or what is wrong with it.
type giver func(where string, d news.Draft, err error) error

// work is a draft on its way to the desk.
type work struct {
	where string
	draft news.Draft
}

// intake is one run of items to the desk.
type intake struct {
	s      *Service
	o      ItemOptions
	mu     sync.Mutex
	report Report
	seen   int
	ours   int // items that failed by a mistake of ours
}

// run takes what produce finds to the desk: several at a time, those with one id in order. The error is that of produce, or
// trouble of the desk itself; the report counts what was done before it.
func (s *Service) run(ctx context.Context, o ItemOptions, produce func(give giver) error) (Report, error) {
	in := &intake{s: s, o: o}
	group, inner := errgroup.WithContext(ctx)
	var all [lanes]chan work
	for i := range all {
		lane := make(chan work, waiting)
		all[i] = lane
		group.Go(func() error { return in.lane(inner, lane) })
	}
	err := produce(func(where string, d news.Draft, err error) error {
		if err := inner.Err(); err != nil {
			return err
		}
		if err != nil {
			in.refuse(where, "", fault.Of(err))
			return nil
		}
		o.complete(&d)
		select {
		case all[laneOf(d.SourceID)] <- work{where, d}:
			return nil
		case <-inner.Done():
			return inner.Err()
		}
	})
	for _, lane := range all {
		close(lane)
	}
	if trouble := group.Wait(); trouble != nil && (err == nil || ctx.Err() == nil && inner.Err() != nil) {
		err = trouble
	}
	if o.Progress != nil {
		o.Progress(in.copy())
	}
	return in.report, err
}

func laneOf(id string) int {
	h := fnv.New32a()
	h.Write([]byte(id))
	return int(h.Sum32() % lanes)
}

// lane takes its drafts to the desk, one after the other.
func (in *intake) lane(ctx context.Context, lane <-chan work) error {
	for w := range lane {
		if err := ctx.Err(); err != nil {
			return err
		}
		got, err := in.s.desk.Accept(ctx, w.draft)
		switch {
		case err == nil:
			in.took(w, got.Duplicate)
		case refusal(err):
			in.refuse(w.where, nameOf(w.draft), fault.Of(err))
		case in.ourMistake(err):
			in.s.log.Error("an item could not be taken", "where", w.where, "item", nameOf(w.draft), "error", err.Error())
			in.refuse(w.where, nameOf(w.draft), fault.Of(err))
		default:
			return err
		}
	}
	return nil
}

// ourMistake says whether an error is one of few that are our own fault: an item that the desk falls over stops no other.
func (in *intake) ourMistake(err error) bool {
	if f := fault.Of(err); f.Kind != fault.Internal || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ours++
	return in.ours <= maxInternal
}

func (in *intake) took(w work, duplicate bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if duplicate {
		in.report.Duplicates++
	} else {
		in.report.Taken++
		for _, p := range w.draft.Problems {
			where := w.where
			if p.Where != "" {
				where += " " + p.Where
			}
			in.report.note(ItemProblem{Where: where, Name: nameOf(w.draft), Key: p.Key, Args: p.Args})
		}
	}
	in.step()
}

func (in *intake) refuse(where, name string, f *fault.Error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.report.Refused++
	in.report.note(ItemProblem{Where: where, Name: name, Key: f.Key, Args: f.Args, Fatal: true})
	in.step()
}

// step tells of the progress. The caller holds the lock.
func (in *intake) step() {
	if in.seen++; in.seen%progressEvery == 0 && in.o.Progress != nil {
		in.o.Progress(in.copy())
	}
}

func (in *intake) copy() Report {
	r := in.report
	r.Problems = append([]ItemProblem(nil), r.Problems...)
	return r
}

func nameOf(d news.Draft) string {
	if d.SourceID != "" {
		return d.SourceID
	}
	return d.Headline
}
