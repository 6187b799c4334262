package ingest

import (
	"context"
	"errors"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"newspool/internal/fault"
	"newspool/internal/news"
)

const (
	batch         = 32      // items that go to the desk at a time, most of them in one transaction
	batchBytes    = 4 << 20 // of their originals, about
	progressEvery = 100     // items
	maxInternal   = 20      // items that fail by a mistake of ours, before the run is given up
	maxHopeless   = 10_000  // items that are refused while none can be taken, before the run is given up
)

// work is an item on its way to the desk, or with what is wrong with it.
type work struct {
	where string
	draft news.Draft
	why   *fault.Error
}

// settled hears what became of a draft: why is nil where it was taken, or here already. It is never called by two goroutines
// at a time.
type settled func(d news.Draft, why *fault.Error)

// intake is one run of items to the desk.
type intake struct {
	s      *Service
	o      ItemOptions
	tell   settled // may be nil
	ctx    context.Context
	queue  chan work
	mu     sync.Mutex
	report Report
	seen   int
	ours   int // items that failed by a mistake of ours
}

// run takes what produce finds to the desk, in its order, while produce finds more. The error is that of produce, or trouble of the
// desk itself; the report counts what was done before it.
func (s *Service) run(ctx context.Context, o ItemOptions, tell settled, produce func(in *intake) error) (Report, error) {
	in := &intake{s: s, o: o, tell: tell, queue: make(chan work, batch)}
	group, inner := errgroup.WithContext(ctx)
	in.ctx = inner
	group.Go(func() error { return in.deliver(inner) })
	err := produce(in)
	close(in.queue)
	if trouble := group.Wait(); trouble != nil && (err == nil || ctx.Err() == nil && inner.Err() != nil) {
		err = trouble
	}
	if o.Progress != nil {
		o.Progress(in.copy())
	}
	return in.report, err
}

// give hands on one item that was found: its place, and the draft or what is wrong with it.
func (in *intake) give(where string, d news.Draft, err error) error {
	if err := in.ctx.Err(); err != nil {
		return err
	}
	if in.hopeless() {
		return fault.New(fault.Invalid, "ingest.hopeless", "n", maxHopeless)
	}
	if err != nil {
		return in.send(work{where: where, why: fault.Of(err)})
	}
	in.o.Complete(&d, in.s.clock())
	return in.send(work{where: where, draft: d})
}

// send puts an item that is complete into the queue.
func (in *intake) send(w work) error {
	select {
	case in.queue <- w:
		return nil
	case <-in.ctx.Done():
		return in.ctx.Err()
	}
}

// hopeless says whether this cannot be what somebody meant to bring in.
func (in *intake) hopeless() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.report.Refused >= maxHopeless && in.report.Taken+in.report.Duplicates == 0
}

// warn notes what is wrong with the whole of what is taken in.
func (in *intake) warn(name string, all []news.Problem) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, p := range all {
		in.report.note(ItemProblem{Where: strings.TrimSpace(name + " " + p.Where), Key: p.Key, Args: p.Args})
	}
}

// deliver takes to the desk what is in the queue, a batch at a time, until that is closed.
func (in *intake) deliver(ctx context.Context) error {
	for first, ok := <-in.queue; ok; {
		if err := ctx.Err(); err != nil {
			return err
		}
		works, next := in.gather(first)
		if err := in.hand(ctx, works); err != nil {
			return err
		}
		if next != nil {
			first = *next
		} else {
			first, ok = <-in.queue
		}
	}
	return nil
}

// gather takes what waits behind an item, up to a whole batch. That ends before an id that is in it already: next is then the item
// that has it.
func (in *intake) gather(w work) (works []work, next *work) {
	ids, size := map[string]bool{}, 0
	for {
		works, size = append(works, w), size+len(w.draft.Original)
		ids[w.draft.SourceID] = w.draft.SourceID != ""
		if len(works) >= batch || size >= batchBytes {
			return works, nil
		}
		var ok bool
		select {
		case w, ok = <-in.queue:
		default:
		}
		switch {
		case !ok:
			return works, nil
		case ids[w.draft.SourceID]:
			return works, &w
		}
	}
}

// hand takes items to the desk and notes what became of each. An error is about more than an item, and ends the run.
func (in *intake) hand(ctx context.Context, works []work) (trouble error) {
	var drafts []news.Draft
	for _, w := range works {
		if w.why == nil {
			drafts = append(drafts, w.draft)
		}
	}
	got := in.s.desk.AcceptAll(ctx, drafts)
	for _, w := range works {
		if w.why != nil {
			in.refuse(w, w.why)
			continue
		}
		one := got[0]
		got = got[1:]
		if one.Err == nil {
			in.took(w, one.Duplicate)
		} else if err := in.fail(w, one.Err); trouble == nil {
			trouble = err
		}
	}
	return trouble
}

// fail notes that an item could not be taken. An error that is about more than this item comes back, and ends the run.
func (in *intake) fail(w work, err error) error {
	switch {
	case refusal(err):
	case in.ourMistake(err):
		in.s.log.Error("an item could not be taken", "where", w.where, "item", nameOf(w.draft), "error", err.Error())
	default:
		return err
	}
	in.refuse(w, fault.Of(err))
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
	in.step(w, nil)
}

func (in *intake) refuse(w work, why *fault.Error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.report.Refused++
	in.report.note(ItemProblem{Where: w.where, Name: nameOf(w.draft), Key: why.Key, Args: why.Args, Fatal: true})
	in.step(w, why)
}

// step tells what became of an item, and now and then of the progress. The caller holds the lock.
func (in *intake) step(w work, why *fault.Error) {
	if in.tell != nil {
		in.tell(w.draft, why)
	}
	if in.seen++; in.seen%progressEvery == 0 && in.o.Progress != nil {
		in.o.Progress(in.copy())
	}
}

func (in *intake) copy() Report {
	r := in.report
	r.Problems = append([]ItemProblem(nil), r.Problems...)
	return r
}

// nameOf is what a person knows an item by: its id, unless that is a hash which we made.
func nameOf(d news.Draft) string {
	if d.SourceID != "" && !strings.HasPrefix(d.SourceID, hashID) {
		return d.SourceID
	}
	return d.Headline
}
