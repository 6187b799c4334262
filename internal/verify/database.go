package verify

import (
	"context"

	"newspool/internal/ledger"
	"newspool/internal/store"
)

// Database checks all ledgers of a database, each on one snapshot, and that no row belongs to a ledger that is not there. It
// gives a report for each ledger, oldest first, and a last one for what belongs to none. A ledger that cannot be read is a
// report that is not OK; the error is one of the database itself.
func Database(ctx context.Context, db *store.DB, keys KeysOf, told Progress) ([]Report, error) {
	var ids, unowned []ledger.ID
	err := db.Read(ctx, func(r store.Reader) (err error) {
		if ids, err = ledger.IDs(r); err != nil {
			return err
		}
		unowned, err = ledger.Unowned(r)
		return err
	})
	if err != nil {
		return nil, err
	}
	var out []Report
	for _, id := range ids {
		var rep Report
		err := db.Read(ctx, func(r store.Reader) error {
			i, err := ledger.Get(r, id)
			if err != nil {
				return err
			}
			rep, err = Ledger(ctx, r, i, keys, told)
			return err
		})
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			rep = unreadable(id, err)
		}
		out = append(out, rep)
	}
	var n notes
	for _, id := range unowned {
		n.wrong("verify.unowned", "id", string(id))
	}
	n.say("verify.ledgers", "n", int64(len(ids)))
	return append(out, n.report()), nil
}
