package cli

import (
	"fmt"

	"newspool/internal/library"
	"newspool/internal/node"
)

type itemCmd struct {
	List itemListCmd `cmd:"" help:"List the newest items of the wire."`
}

type itemListCmd struct {
	Most int `default:"20" help:"How many."`
}

// Run lists items, newest first: address, state, language, headline.
func (c itemListCmd) Run(a *app) error {
	return a.withDesk(func(n *node.Node) error {
		for before, left := int64(0), c.Most; left > 0; {
			rows, err := n.Library.Wire(a.ctx, library.Filter{}, before, left) // gives a page of its own size at most
			if err != nil || len(rows) == 0 {
				return err
			}
			for _, r := range rows {
				fmt.Fprintf(a.out, "%s  %s  %s  %s\n", r.Item, r.State, r.Lang, r.Headline)
			}
			before, left = rows[len(rows)-1].N, left-len(rows)
		}
		return nil
	})
}
