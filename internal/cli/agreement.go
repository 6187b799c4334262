package cli

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"newspool/internal/agreement"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/node"
	"newspool/internal/store"
	"newspool/internal/terms"
)

type agreementCmd struct {
	List    agreementListCmd    `cmd:"" help:"List the agreements."`
	Show    agreementShowCmd    `cmd:"" help:"Show the readable text of a revision."`
	Propose agreementProposeCmd `cmd:"" help:"Propose an agreement and sign it for us."`
	Sign    agreementSignCmd    `cmd:"" help:"Sign a revision that was proposed to us."`
	Decline agreementDeclineCmd `cmd:"" help:"Say no to a revision."`
}

type agreementListCmd struct{}

// Run lists the agreements.
func (agreementListCmd) Run(a *app) error {
	return a.withNode(func(n *node.Node) error {
		for _, x := range n.Agreements.List() {
			r := x.Revisions[0]
			fmt.Fprintf(a.out, "%s  %s  revision %s", x.ID, x.State, r.Hash)
			for _, p := range r.Terms.Parties {
				fmt.Fprintf(a.out, "  %s", p.Domain)
			}
			fmt.Fprintln(a.out)
		}
		return nil
	})
}

type agreementShowCmd struct {
	Revision string `arg:"" help:"Hash of the revision."`
	Lang     string `default:"en" help:"Language of the text."`
}

// Run prints the text.
func (c agreementShowCmd) Run(a *app) error {
	return a.withNode(func(n *node.Node) error {
		r, err := revisionOf(n, c.Revision)
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(a.out, strip(n.Agreements.Text(r.Terms, news.Lang(c.Lang))))
		return err
	})
}

type agreementProposeCmd struct {
	With     []string `placeholder:"DOMAIN" help:"The other parties: newsrooms that we have pinned."`
	Template string   `default:"wire" enum:"wire,pool" help:"Kind of agreement."`
	Terms    string   `placeholder:"FILE" help:"Terms as JSON, in place of a template."`
	Name     string   `required:"" help:"Who signs for us."`
	Office   string   `required:"" help:"Their office."`
	SignDays int      `default:"30" help:"Days that the others have for signing."`
	Draft    bool     `help:"Print the terms as JSON, to be changed and given to --terms, and propose nothing."`
}

// Run proposes.
func (c agreementProposeCmd) Run(a *app) error {
	return a.withNode(func(n *node.Node) error {
		rev, err := c.revision(a, n)
		if err != nil {
			return err
		}
		if c.Draft {
			_, err := fmt.Fprintf(a.out, "%s\n", rev.Bytes())
			return err
		}
		rev = n.Agreements.Complete(rev)
		seen := terms.Hash(rev.Bytes())
		hash, err := n.Agreements.Propose(a.ctx, rev, agreement.Signer{Name: c.Name, Office: c.Office, Seen: seen}, withRevision(n, "agreement.act_propose", seen, rev, "name", c.Name))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(a.out, hash)
		return err
	})
}

func (c agreementProposeCmd) revision(a *app, n *node.Node) (terms.Revision, error) {
	if c.Terms != "" {
		b, err := a.read(c.Terms)
		if err != nil {
			return terms.Revision{}, err
		}
		return terms.Parse(bytes.TrimSpace(b)) // an editor ends a file with a line
	}
	parties := []terms.Party{signed(terms.PartyOf(n.Exchange.Self()), c.Name, c.Office)}
	for _, d := range c.With {
		p, err := partnerNamed(n, d)
		if err != nil {
			return terms.Revision{}, err
		}
		parties = append(parties, terms.PartyOf(p.Identity))
	}
	return draft(terms.Kind(c.Template), n.Clock().AddDate(0, 0, c.SignDays), parties...), nil
}

// draft fills a template for these parties.
func draft(kind terms.Kind, signBy time.Time, parties ...terms.Party) terms.Revision {
	rev := terms.Template(kind, parties...)
	rev.SignBy = terms.DateOf(signBy, rev.Location())
	return rev
}

// signed is a party for which somebody signs.
func signed(p terms.Party, name, office string) terms.Party {
	p.Signatory = terms.Signatory{Name: name, Office: office}
	return p
}

type agreementSignCmd struct {
	Revision string `arg:"" help:"Hash of the revision, or the agreement of which one revision waits for us."`
	Name     string `required:"" help:"Who signs for us."`
	Office   string `required:"" help:"Their office."`
}

// Run signs.
func (c agreementSignCmd) Run(a *app) error {
	return a.withNode(func(n *node.Node) error {
		rev, err := waitingRevision(n, c.Revision)
		if err != nil {
			return err
		}
		return n.Agreements.Sign(a.ctx, rev.Hash, agreement.Signer{Name: c.Name, Office: c.Office}, withRevision(n, "agreement.act_sign", rev.Hash, rev.Terms, "name", c.Name))
	})
}

type agreementDeclineCmd struct {
	Revision string `arg:"" help:"Hash of the revision, or the agreement of which one revision waits for us."`
	Reason   string `required:"" help:"Why."`
}

// Run declines.
func (c agreementDeclineCmd) Run(a *app) error {
	return a.withNode(func(n *node.Node) error {
		rev, err := waitingRevision(n, c.Revision)
		if err != nil {
			return err
		}
		return n.Agreements.Decline(a.ctx, rev.Hash, agreement.Signer{How: c.Reason}, withRevision(n, "agreement.act_decline", rev.Hash, rev.Terms, "reason", c.Reason))
	})
}

func revisionOf(n *node.Node, hash string) (agreement.Revision, error) {
	rev, ok := n.Agreements.Revision(terms.RevisionHash(hash))
	if !ok {
		return rev, fault.New(fault.NotFound, "agreement.unknown")
	}
	return rev, nil
}

// waitingRevision finds the revision that is to be answered: by its hash, or by its agreement where just one waits for our answer.
func waitingRevision(n *node.Node, name string) (agreement.Revision, error) {
	a, ok := n.Agreements.Get(terms.AgreementID(name))
	if !ok {
		return revisionOf(n, name)
	}
	var waiting []agreement.Revision
	var all []string
	for _, r := range a.Revisions {
		all = append(all, string(r.Hash))
		if _, said := r.Answer(string(n.Exchange.Root())); !said && r.Void.IsZero() && !r.Expired(n.Clock()) {
			waiting = append(waiting, r)
		}
	}
	if len(waiting) != 1 {
		return agreement.Revision{}, fault.New(fault.Conflict, "agreement.which", "agreement", name, "revisions", strings.Join(all, ", "))
	}
	return waiting[0], nil
}

// withRevision writes into the audit what is done with a revision, together with it.
func withRevision(n *node.Node, what string, hash terms.RevisionHash, rev terms.Revision, name, value string) func(*store.Tx) error {
	var domains []string
	for _, p := range rev.Parties {
		domains = append(domains, p.Domain)
	}
	return with(n, what, string(rev.Agreement), map[string]any{"parties": strings.Join(domains, ", "), "revision": string(hash), name: value})
}
