package cli

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"

	"newspool/internal/fault"
	"newspool/internal/node"
	"newspool/internal/partner"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/protocol"
)

// initCmd makes a node from the command line; the first-run page in the browser does the same.
type initCmd struct {
	Domain   string            `required:"" placeholder:"DOMAIN" help:"Domain of the newsroom, for example north.example."`
	Name     map[string]string `required:"" placeholder:"LANG=NAME" help:"Name of the newsroom, once for each language: --name en='North Agency'."`
	Kind     string            `default:"agency" enum:"agency,newspaper,radio,television,online,other" help:"Kind of outlet."`
	Language []string          `default:"en" help:"Languages it works in, the main one first."`
	Contact  string            `help:"Address for partners: mail or telephone."`
	RootKey  string            `placeholder:"FILE" help:"Where the root key is written; keep it away from the node. Without it the first-run page hands it out."`
	Login    string            `placeholder:"NAME" help:"First person: administrator, editor and signatory. The password is made and printed."`
}

// Run sets the node up.
func (c initCmd) Run(a *app) error {
	profile := partner.Profile{Domain: c.Domain, Names: c.Name, Kind: c.Kind, Languages: c.Language, Contact: c.Contact}
	if err := profile.Check(); err != nil {
		return err
	}
	if err := os.MkdirAll(a.set.Dir, 0o700); err != nil {
		return fault.New(fault.Unavailable, "config.folder", "folder", a.set.Dir).Because(err)
	}
	return a.withNode(func(n *node.Node) error {
		if n.Exchange.Root() != "" {
			return fault.New(fault.Conflict, "setup.done")
		}
		var file *os.File // made before anything else, so that nothing is made without it
		if c.RootKey != "" {
			var err error
			if file, err = os.OpenFile(a.path(c.RootKey), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
				return fault.New(fault.Conflict, "cli.root_file", "file", c.RootKey).Because(err)
			}
			defer file.Close()
		}
		root, err := n.SetUp(a.ctx, profile,
			func(tx *store.Tx, root string) error {
				return with(n, "setup.act_newsroom", c.Domain, map[string]any{"domain": c.Domain, "root": root})(tx)
			})
		if err != nil {
			if file != nil {
				os.Remove(file.Name())
			}
			return err
		}
		name := protocol.FormatRoot(root.Public().(ed25519.PublicKey))
		fmt.Fprintf(a.out, "%s is set up in %s\nroot         %s\nfingerprint  %s\n", c.Domain, a.set.Dir, name, protocol.Fingerprint(name))
		if file != nil {
			if err := a.handOut(n, root, file, c); err != nil {
				return err
			}
		}
		if c.Login != "" {
			return a.firstPerson(n, c.Login)
		}
		return nil
	})
}

// handOut writes the root key into its file and takes the root out of the node.
func (a *app) handOut(n *node.Node, root ed25519.PrivateKey, f *os.File, c initCmd) error {
	text, err := node.RootFile(root, c.Domain)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "root key     %s (take it away from this machine)\n", c.RootKey)
	return n.RootStored(a.ctx, with(n, "partner.act_root_stored", c.Domain, map[string]any{"domain": c.Domain}))
}

func (a *app) firstPerson(n *node.Node, login string) error {
	password := people.NewPassword()
	_, err := n.People.Create(a.ctx, people.Operator(), people.NewPerson{Login: login, Name: login, Roles: people.Roles[:], Password: password})
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "sign-in      %s  %s\n", login, password)
	return nil
}
