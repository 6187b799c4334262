package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/node"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/internal/verify"
	"newspool/protocol"
)

type verifyCmd struct {
	Proof   string `arg:"" optional:"" placeholder:"FILE" help:"A proof file, or - for standard input. Without it all ledgers of the data folder are checked."`
	Partner string `placeholder:"DOMAIN" help:"Check a partner's running node: its ledgers, through what it serves."`
	Quiet   bool   `short:"q" help:"Say only what is wrong."`
}

// Run checks a proof file, the ledgers of the data folder, or those that a running node serves.
func (c verifyCmd) Run(a *app) error {
	if c.Proof != "" && c.Partner != "" {
		return fault.New(fault.Invalid, "cli.verify_one")
	}
	if c.Proof != "" {
		b, err := c.read(a)
		if err != nil {
			return err
		}
		return c.tell(a, verify.Proof(bytes.TrimSpace(b))) // a line end after the file is not part of it
	}
	return a.withDesk(func(n *node.Node) error {
		if c.Partner != "" {
			return c.remote(a, n)
		}
		reports, err := verify.Database(a.ctx, n.DB, keysOf(n), c.progress(a))
		if err != nil {
			return err
		}
		return c.tell(a, reports...)
	})
}

func (c verifyCmd) read(a *app) ([]byte, error) {
	in := a.in
	if c.Proof != "-" {
		f, err := os.Open(a.path(c.Proof))
		if err != nil {
			return nil, fault.New(fault.NotFound, "cli.file", "file", c.Proof).Because(err)
		}
		defer f.Close()
		in = f
	}
	return io.ReadAll(io.LimitReader(in, protocol.MaxProof+1))
}

// keysOf gives the key lists that a node holds.
func keysOf(n *node.Node) verify.KeysOf {
	return func(root news.Root) (protocol.Keys, bool) {
		if root == n.Exchange.Root() {
			k, err := n.Exchange.MyKeys()
			return k, err == nil
		}
		p, ok := n.Exchange.Partner(root)
		return p.Keys, ok
	}
}

// remote checks the ledgers of a partner as its node serves them now.
func (c verifyCmd) remote(a *app, n *node.Node) error {
	p, err := partnerNamed(n, c.Partner)
	if err != nil {
		return err
	}
	var all []ledger.Info
	err = n.DB.Read(a.ctx, func(r store.Reader) (err error) {
		all, err = ledger.All(r, "")
		return err
	})
	if err != nil {
		return err
	}
	var reports []verify.Report
	var peer exchange.Peer = n.Peer
	for _, i := range all {
		if i.Owner != p.Root {
			continue
		}
		get := func(path string) ([]byte, error) {
			body, err := peer.Get(a.ctx, p, terms.AgreementID(i.Agreement), "ledgers/"+string(i.ID)+"/"+path)
			if f := fault.Of(err); err != nil && f.Kind != fault.Internal {
				return nil, errors.New(terms.Sentence(a.printer(), err)) // the report repeats what it is told
			}
			if err != nil {
				return nil, err
			}
			defer body.Close()
			return io.ReadAll(io.LimitReader(body, 32<<20))
		}
		reports = append(reports, verify.Remote(a.ctx, get, i.Origin, c.progress(a), p.Keys.Public(protocol.RoleLog)...))
	}
	if len(reports) == 0 {
		return fault.New(fault.NotFound, "cli.verify_nothing", "partner", p.Domain)
	}
	return c.tell(a, reports...)
}

func (c verifyCmd) progress(a *app) verify.Progress {
	if c.Quiet {
		return nil
	}
	tell := a.progress()
	return func(origin string, done, size int64) {
		tell("cli.progress_ledger", "origin", origin, "done", done, "size", size)
	}
}

// tell prints reports; one that is not in order makes the command fail.
func (c verifyCmd) tell(a *app, reports ...verify.Report) error {
	p := a.printer()
	ok := true
	for _, r := range reports {
		ok = ok && r.OK
		for _, l := range r.Lines {
			switch {
			case l.Wrong:
				fmt.Fprintln(a.out, "WRONG "+strip(p.T(l.Key, l.Args...)))
			case !c.Quiet:
				fmt.Fprintln(a.out, "      "+strip(p.T(l.Key, l.Args...)))
			}
		}
	}
	if !ok {
		return errSaid
	}
	return nil
}
