package cli

import (
	"fmt"

	"newspool/internal/node"
)

type rebuildCmd struct{}

// Run folds the wire again from the versions.
func (rebuildCmd) Run(a *app) error {
	return a.withDesk(func(n *node.Node) error {
		tell := a.progress()
		if err := n.Library.Rebuild(a.ctx, func(items int) { tell("cli.progress_items", "n", items) }); err != nil {
			return err
		}
		fmt.Fprintln(a.out, "The wire was folded again from its versions.")
		return nil
	})
}
