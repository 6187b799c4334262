package store

import "context"

// Tx is what a Write closure works with: a Reader that sees the closure's own work and that of the closures before it, and the
// statements that change rows. It ends with the closure, except that a BeforeCommit function may still use it. Byte slices
// given to it may be reused at once.
type Tx struct {
	reader
	g      *group
	undo   []func()
	commit []func()
	before []hook
	wrote  bool // a statement that changes rows has begun
}

// Exec changes rows. On PostgreSQL it may be sent later together with others; its error then surfaces from Write. Use it
// whenever the number of rows does not matter.
func (tx *Tx) Exec(query string, args ...any) error {
	tx.wrote = true
	_, err := tx.exec(later, query, args)
	return err
}

// ExecOne changes exactly one row, or the Write fails with ErrStale: the compare-and-swap. As with Exec the error may surface
// from Write only.
func (tx *Tx) ExecOne(query string, args ...any) error {
	tx.wrote = true
	_, err := tx.exec(laterOne, query, args)
	return err
}

// ExecCount changes rows at once and says how many.
func (tx *Tx) ExecCount(query string, args ...any) (int64, error) {
	tx.wrote = true
	return tx.exec(now, query, args)
}

// Also does what the caller of an act wants done in the same transaction: the act's row of the audit.
func (tx *Tx) Also(work []func(tx *Tx) error) error {
	for _, do := range work {
		if err := do(tx); err != nil {
			return err
		}
	}
	return nil
}

// OnCommit has fn called once the work is durable, before Write returns: closure after closure, each in the order of its calls.
// fn runs on the writer's goroutine: it must be quick and must not call Write.
func (tx *Tx) OnCommit(fn func()) { tx.commit = append(tx.commit, fn) }

// OnUndo has fn called when this closure's work was rolled back: because it failed, or because the shared transaction did (the
// closure may then run again). The last one given is called first. It is called after ErrCommitUnknown too, so it may forget
// what memory holds, and must not destroy what a commit would need.
func (tx *Tx) OnUndo(fn func()) { tx.undo = append(tx.undo, fn) }

// BeforeCommit has fn called once for the group and the key, after all closures and just before the commit, however many
// closures ask for it. The fn that runs is the first one given by a closure that did not fail. It may use the Tx of its closure. Its
// error undoes the whole group; each closure then runs again.
func (tx *Tx) BeforeCommit(key any, fn func() error) {
	tx.before = append(tx.before, hook{key: key, fn: fn})
}

// Value gives what SetValue kept under the key in this transaction, or nil. Keys are compared like those of context.Value.
func (tx *Tx) Value(key any) any { return tx.g.values[key] }

// SetValue keeps v for the closures that share this transaction; it is dropped at the end. It is not undone when a closure
// fails: whoever keeps state here takes it back with OnUndo.
func (tx *Tx) SetValue(key, v any) {
	if tx.g.values == nil {
		tx.g.values = make(map[any]any)
	}
	tx.g.values[key] = v
}

// Context has the values of the caller's context, and is never cancelled.
func (tx *Tx) Context() context.Context { return tx.ctx }
