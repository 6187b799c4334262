package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"

	"newspool/internal/fault"
)

// errGroupLost marks an error that is not the fault of the closure whose statement met it.
var errGroupLost = errors.New("the shared transaction is gone")

var (
	errNested = errors.New("store: a write inside a write")
	errGoexit = errors.New("store: the closure ended its goroutine")
)

// writer runs the closures, one transaction after the other, on one goroutine.
type writer struct {
	back  backend
	o     Options
	queue chan *work
	done  chan struct{}
	bell  bell

	mu     sync.RWMutex // closed, and what is sent to queue before it
	closed bool

	batch []*work // taken from the queue and not all told
	group *group  // the transaction at work
	last  int     // size of the batch before
	wary  int     // how many of the next groups get savepoints, because a closure failed
}

// care is how a group is run.
type care int

const (
	bold    care = iota // without savepoints
	guarded             // each closure has a savepoint, where there are several
	alone               // one closure; it is told its result whatever happens
)

// waryGroups is how many groups get savepoints after one in which a closure failed.
const waryGroups = 64

// work is one closure of Write or WriteAll.
type work struct {
	ctx  context.Context
	fn   func(*Tx) error
	tx   *Tx
	err  error
	done chan struct{}
	told bool
}

// group is one shared transaction.
type group struct {
	s      session
	works  []*work
	care   care
	values map[any]any
	bell   *bell
}

// hook is a function for just before the commit.
type hook struct {
	key any
	fn  func() error
}

func startWriter(back backend, o Options) *writer {
	w := &writer{back: back, o: o, queue: make(chan *work, 2*o.MaxGroup), done: make(chan struct{})}
	w.bell.ears = make(map[string]map[chan struct{}]struct{})
	go w.loop()
	return w
}

// insideKey finds the writer whose transaction a context belongs to.
type insideKey struct{}

func (w *writer) enqueue(ctx context.Context, k *work) error {
	if ctx.Value(insideKey{}) == w {
		return errNested
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return ErrClosed
	}
	select {
	case w.queue <- k:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stop lets the queue run empty. It says false if that has been done before.
func (w *writer) stop() bool {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return false
	}
	w.closed = true
	close(w.queue)
	w.mu.Unlock()
	<-w.done
	return true
}

func (w *writer) loop() {
	normal := false
	defer func() {
		if normal {
			close(w.done)
			return
		}
		w.abandon()
		go w.loop()
	}()
	for first := range w.queue {
		w.batch = w.gather(first)
		w.last = len(w.batch)
		w.run(w.batch)
		w.batch, w.group = nil, nil
	}
	normal = true
}

// gather takes what waits. Callers that were just answered come back at once when they are many: they are given the processor a
// few times while the group is smaller than the last one.
func (w *writer) gather(first *work) []*work {
	works := append(make([]*work, 0, w.last+1), first)
	for yields := 0; len(works) < w.o.MaxGroup; {
		select {
		case k, ok := <-w.queue:
			if !ok {
				return works
			}
			works = append(works, k)
			continue
		default:
		}
		if len(works) >= w.last || yields == 8 {
			break
		}
		yields++
		runtime.Gosched()
	}
	return works
}

// run runs what was gathered. A savepoint costs a copy of every page that its closure touches, and closures seldom fail after they
// have changed something: so they run without, and only where one fails once more with savepoints, and the next groups too. Where
// that is undone as a whole, each runs alone.
func (w *writer) run(works []*work) {
	if len(works) > 1 && w.wary == 0 {
		if !w.attempt(works, bold) {
			return
		}
		w.wary = waryGroups
	}
	w.wary = max(0, w.wary-1)
	if w.attempt(works, guarded) {
		for i := range works {
			w.attempt(works[i:i+1], alone)
		}
	}
}

// attempt runs the works in one transaction and tells each its result. Unless they are alone, it may say true, having told
// nobody: the transaction was undone as a whole and the works must run again.
func (w *writer) attempt(works []*work, care care) (again bool) {
	g := &group{works: works, care: care, bell: &w.bell}
	w.group = g
	if err := w.begin(g); err != nil {
		for _, k := range works {
			k.tell(err)
		}
		return false
	}
	err := w.closures(g)
	if err == nil {
		err = g.beforeCommit()
	}
	if err == nil {
		err = w.commit(g)
	}
	g.over()
	if err == nil {
		w.committed(g)
		return false
	}
	return g.failed(err)
}

func (w *writer) begin(g *group) error {
	if err := w.o.Fault("begin"); err != nil {
		return unavailable(err)
	}
	s, err := w.back.begin()
	if err != nil {
		return explain(err)
	}
	g.s = s
	return nil
}

// closures runs them one after the other. An error is one of the group, not of a closure.
func (w *writer) closures(g *group) error {
	for _, k := range g.works {
		k.err = nil
		k.tx = &Tx{g: g, reader: reader{ctx: k.context(w), s: g.s, fault: w.o.Fault}}
		if len(g.works) > 1 && g.care != bold {
			if err := g.s.point(save); err != nil {
				return err
			}
		}
		k.err = call(func() error { return k.fn(k.tx) })
		k.tx.leave()
		switch {
		case k.tx.lost:
			return k.tx.err
		case k.err == nil:
			k.err = k.tx.err
		}
		if len(g.works) == 1 {
			break
		}
		if g.care == bold {
			if k.err != nil && (k.tx.wrote || k.tx.err != nil) {
				return k.err
			}
			if k.err != nil { // it has left nothing behind
				k.undo()
			}
			continue
		}
		p := release
		if k.err != nil {
			p = undo
		}
		if err := g.s.point(p); err != nil {
			return err
		}
		if k.err != nil {
			k.undo()
		}
	}
	if k := g.works[0]; len(g.works) == 1 && k.err != nil {
		return k.err
	}
	return nil
}

// context is never done, and knows that it is inside.
func (k *work) context(w *writer) context.Context {
	return context.WithValue(context.WithoutCancel(k.ctx), insideKey{}, w)
}

// call runs fn and makes an error of a panic.
func call(fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fault.New(fault.Internal, "fault.internal").Because(fmt.Errorf("panic in a write: %v\n%s", v, debug.Stack()))
		}
	}()
	return fn()
}

// beforeCommit runs the functions, each key once. They may add others.
func (g *group) beforeCommit() error {
	var done map[any]bool
	for more := true; more; {
		more = false
		for _, k := range g.works {
			if k.err != nil {
				continue
			}
			hooks := k.tx.before
			k.tx.before = nil
			for _, h := range hooks {
				if done[h.key] {
					continue
				}
				if done == nil {
					done = make(map[any]bool)
				}
				done[h.key] = true
				more = true
				if err := call(h.fn); err != nil {
					return err
				}
				if k.tx.err != nil {
					return k.tx.err
				}
				k.tx.leave()
			}
		}
	}
	return nil
}

// commit ends the transaction. Nothing is sent to disk for a group of which nothing is left.
func (w *writer) commit(g *group) error {
	if !g.alive() {
		_ = g.s.end(false)
		return nil
	}
	if err := w.o.Fault("commit-before"); err != nil {
		return unavailable(err)
	}
	if err := g.s.end(true); err != nil {
		return err
	}
	if err := w.o.Fault("commit-after"); err != nil {
		return unknown(err)
	}
	return nil
}

// unknown marks a commit of which nobody knows whether it happened.
func unknown(err error) error { return fmt.Errorf("%w: %w", ErrCommitUnknown, err) }

func (g *group) alive() bool { return slices.ContainsFunc(g.works, (*work).alive) }
func (k *work) alive() bool  { return k.err == nil }

func (g *group) over() {
	for _, k := range g.works {
		if k.tx != nil {
			k.tx.over = true
		}
	}
}

// committed calls the OnCommit functions and tells the callers.
func (w *writer) committed(g *group) {
	for _, k := range g.works {
		if k.err != nil {
			continue
		}
		for _, fn := range k.tx.commit {
			if err := call(func() error { fn(); return nil }); err != nil {
				w.o.Log.Error("after a commit", slog.Any("error", err))
			}
		}
	}
	for _, k := range g.works {
		k.tell(k.err)
	}
}

// failed rolls everything back. A group whose commit is unknown is told, and so is a single closure, unless the connection failed it.
// All others run again.
func (g *group) failed(err error) (again bool) {
	_ = g.s.end(false)
	for i := len(g.works) - 1; i >= 0; i-- {
		if k := g.works[i]; k.tx != nil {
			k.undo()
		}
	}
	if g.care != alone && !errors.Is(err, ErrCommitUnknown) && (len(g.works) > 1 || errors.Is(err, errGroupLost)) {
		for _, k := range g.works {
			k.tx = nil
		}
		return true
	}
	for _, k := range g.works {
		if k.err == nil {
			k.err = explain(err)
		}
		k.tell(k.err)
	}
	return false
}

// undo calls the OnUndo functions, once.
func (k *work) undo() {
	fns := k.tx.undo
	k.tx.undo, k.tx.commit, k.tx.before = nil, nil, nil
	for i := len(fns) - 1; i >= 0; i-- {
		fn := fns[i]
		if err := call(func() error { fn(); return nil }); err != nil && k.err == nil {
			k.err = err
		}
	}
}

func (k *work) tell(err error) {
	if k.told {
		return
	}
	k.told = true
	k.err = err
	close(k.done)
}

// abandon undoes the group whose closure ended the goroutine (as a failing test does), so that the next can begin.
func (w *writer) abandon() {
	if g := w.group; g != nil {
		for _, k := range g.works {
			if k.tx != nil {
				k.tx.leave()
			}
		}
		g.over()
		if g.s != nil {
			_ = g.s.end(false)
		}
		for i := len(g.works) - 1; i >= 0; i-- {
			if k := g.works[i]; k.tx != nil && !k.told {
				k.undo()
			}
		}
	}
	for _, k := range w.batch {
		k.tell(errGoexit)
	}
	w.batch, w.group = nil, nil
}
