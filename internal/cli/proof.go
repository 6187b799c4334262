package cli

import (
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/node"
)

type proofCmd struct {
	Item string `arg:"" help:"The item: its URI, or its domain and id as in the address of its page."`
}

// Run writes the proof of the newest version that went or came by a ledger.
func (c proofCmd) Run(a *app) error {
	return a.withDesk(func(n *node.Node) error {
		item, err := n.Library.Item(a.ctx, itemNamed(c.Item))
		if err != nil {
			return err
		}
		if len(item.Ways) == 0 {
			return fault.New(fault.NotFound, "exchange.no_proof")
		}
		w := item.Ways[len(item.Ways)-1]
		b, about, err := n.Proofs().File(a.ctx, ledger.ID(w.Ledger), w.Seq)
		if err != nil {
			return err
		}
		if err := a.note(n, "exchange.act_proof", about, map[string]any{"ledger": w.Ledger, "position": w.Seq}); err != nil {
			return err // it holds the whole text: nothing is given before it is written down
		}
		_, err = a.out.Write(append(b, '\n'))
		return err
	})
}
