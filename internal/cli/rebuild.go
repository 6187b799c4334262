package cli

import (
	"fmt"

	"newspool/internal/node"
)

type rebuildCmd struct{}

// Run folds the wire again from the versions.
func (rebuildCmd) Run(a *app) error {
	return a.withDesk(func(n *node.Node) error {
		if err := n.Library.Rebuild(a.ctx); err != nil {
			return err
		}
		fmt.Fprintln(a.out, "The wire was folded again from its versions.")
		return nil
	})
}
