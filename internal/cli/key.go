package cli

import (
	"fmt"

	"newspool/internal/fault"
	"newspool/internal/node"
)

type keyCmd struct {
	Lock   keyLockCmd   `cmd:"" help:"Lock the key files with the secret of --key-file. The node must be stopped."`
	Rotate keyRotateCmd `cmd:"" help:"Make a new working key in place of the old one, with the root key. The node must be stopped."`
}

type keyLockCmd struct{}

// Run locks the key files.
func (keyLockCmd) Run(a *app) error {
	return a.withNode(func(n *node.Node) error {
		if a.node != nil {
			return fault.New(fault.Conflict, "cli.stop_first")
		}
		if err := n.Lock(); err != nil {
			return err
		}
		fmt.Fprintln(a.out, "The key files are locked. Start the node with the same secret, and keep a copy of it outside this machine.")
		domain := n.Exchange.Self().Domain
		return a.note(n, "setup.act_keys_locked", domain, map[string]any{"domain": domain})
	})
}

type keyRotateCmd struct {
	Root   string `required:"" placeholder:"FILE" help:"The root key file, or a file with its 24 words."`
	Role   string `default:"log" enum:"log,cosigner" help:"Which key: log or cosigner."`
	Stolen bool   `help:"The old key was stolen: nothing new under it is to be believed."`
}

// Run changes a key.
func (c keyRotateCmd) Run(a *app) error {
	text, err := a.read(c.Root)
	if err != nil {
		return err
	}
	root, err := node.RootFromFile(text)
	if err != nil {
		return err
	}
	return a.withNodeFor(c.Role, func(n *node.Node) error {
		if a.node != nil {
			return fault.New(fault.Conflict, "cli.stop_first")
		}
		what := "setup.act_key_retired"
		if c.Stolen {
			what = "setup.act_key_stolen"
		}
		domain := n.Exchange.Self().Domain
		if err := n.Rotate(a.ctx, root, c.Role, c.Stolen, with(n, what, domain, map[string]any{"domain": domain, "role": c.Role})); err != nil {
			return err
		}
		fmt.Fprintf(a.out, "The %s key was changed. Partners learn of it by themselves.\n", c.Role)
		return nil
	})
}
