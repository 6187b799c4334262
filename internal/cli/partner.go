package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/node"
	"newspool/internal/partner"
	"newspool/protocol"
)

type partnerCmd struct {
	Add      partnerAddCmd      `cmd:"" help:"Pin a newsroom, from its address or from its identity file."`
	List     partnerListCmd     `cmd:"" help:"List the newsrooms that we know, and how we stand with each."`
	Hello    partnerGreetCmd    `cmd:"" help:"Say hello to a newsroom that we have pinned, so that it knows of us."`
	Hellos   partnerHelloCmd    `cmd:"" help:"List, open or dismiss words of strangers."`
	Self     partnerSelfCmd     `cmd:"" help:"Write our own identity file."`
	Compared partnerComparedCmd `cmd:"" help:"Say that the fingerprints were compared with the partner."`
	Resume   partnerResumeCmd   `cmd:"" help:"Take up again what has stopped at a partner: a ledger that is followed no more, records that could not be applied."`
}

type partnerAddCmd struct {
	From string `arg:"" help:"URL of the partner's node, or a file with its identity document."`
	Root string `placeholder:"HEX" help:"Refuse any other root than this one."`
}

// Run pins a newsroom.
func (c partnerAddCmd) Run(a *app) error {
	return a.withNode(func(n *node.Node) error {
		var doc []byte
		var err error
		if strings.HasPrefix(c.From, "https://") || strings.HasPrefix(c.From, "http://") {
			doc, err = n.Peer.Identity(a.ctx, c.From)
		} else {
			doc, err = a.read(c.From)
		}
		if err != nil {
			return err
		}
		id, _, _, err := partner.ReadIdentity(doc)
		if err != nil {
			return err
		}
		if c.Root != "" && id.Root != c.Root {
			return fault.New(fault.Denied, "partner.other_root", "domain", id.Domain)
		}
		p, err := n.Exchange.Pin(a.ctx, doc, false, with(n, "partner.act_pin", id.Root, map[string]any{"domain": id.Domain, "root": id.Root}))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.out, "%s\nroot         %s\nfingerprint  %s\nCompare the fingerprint with the partner by telephone, then: newspool partner compared %s\n",
			p.Domain, p.Root, p.Fingerprint(), p.Domain)
		return err
	})
}

type partnerListCmd struct{}

// Run lists the partners.
func (partnerListCmd) Run(a *app) error {
	return a.withNode(func(n *node.Node) error {
		links := map[string]exchange.Link{}
		for _, l := range n.Exchange.Links() {
			links[string(l.Partner)] = l
		}
		for _, p := range n.Exchange.Partners() {
			compared := "not compared"
			if !p.Compared.IsZero() {
				compared = "compared"
			}
			fmt.Fprintf(a.out, "%s  %s  %s  %s\n", p.Domain, p.Fingerprint(), compared, links[string(p.Root)].State)
		}
		return nil
	})
}

type partnerGreetCmd struct {
	Domain string `arg:"" help:"Domain of the newsroom."`
	Words  string `help:"Words that its people read."`
}

// Run says hello.
func (c partnerGreetCmd) Run(a *app) error {
	return a.withNode(func(n *node.Node) error {
		p, err := partnerNamed(n, c.Domain)
		if err != nil {
			return err
		}
		words := strings.Join(strings.Fields(c.Words), " ")
		if len(words) > partner.MaxWords {
			return fault.New(fault.Invalid, "partner.words_long", "n", partner.MaxWords)
		}
		if err := n.Exchange.Greet(a.ctx, n.Peer, p.Root, words); err != nil {
			return err
		}
		if err := a.note(n, "partner.act_hello", string(p.Root), map[string]any{"domain": p.Domain, "words": words}); err != nil {
			return err
		}
		_, err = fmt.Fprintln(a.out, strip(a.printer().T("partner.done.hello", "domain", p.Domain)))
		return err
	})
}

type partnerHelloCmd struct {
	Open    string `xor:"act" placeholder:"DOMAIN" help:"Pin the newsroom and follow what it says. Its root where several claim the domain."`
	Dismiss string `xor:"act" placeholder:"DOMAIN" help:"Forget its words."`
}

// Run lists, opens or dismisses hellos.
func (c partnerHelloCmd) Run(a *app) error {
	return a.withNode(func(n *node.Node) error {
		all, err := n.Exchange.Hellos(a.ctx)
		if err != nil {
			return err
		}
		if c.Open == "" && c.Dismiss == "" {
			for _, w := range all {
				fmt.Fprintf(a.out, "%s  %s  %s\n", w.Identity.Domain, protocol.Fingerprint(w.Identity.Root), w.Hello.Words)
			}
			return nil
		}
		w, err := named(all, cmp.Or(c.Open, c.Dismiss), func(w partner.Waiting) (domain, root string) { return w.Identity.Domain, w.Identity.Root })
		if err != nil {
			return err
		}
		domain, root := w.Identity.Domain, w.Identity.Root
		if c.Dismiss != "" {
			return n.Exchange.DismissHello(a.ctx, news.Root(root), with(n, "partner.act_dismiss", root, map[string]any{"domain": domain}))
		}
		p, err := n.Exchange.OpenHello(a.ctx, w.ID, with(n, "partner.act_open", root, map[string]any{"domain": domain, "root": root}))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.out, "%s  fingerprint %s\n", p.Domain, p.Fingerprint())
		return err
	})
}

type partnerSelfCmd struct{}

// Run writes the identity document.
func (partnerSelfCmd) Run(a *app) error {
	return a.withNode(func(n *node.Node) error {
		doc := n.Exchange.Document()
		if doc == nil {
			return fault.New(fault.NotFound, "setup.not_done")
		}
		_, err := a.out.Write(append(doc, '\n'))
		return err
	})
}

type partnerComparedCmd struct {
	Domain string `arg:"" help:"Domain of the partner."`
}

// Run notes the comparison.
func (c partnerComparedCmd) Run(a *app) error {
	return a.withNode(func(n *node.Node) error {
		p, err := partnerNamed(n, c.Domain)
		if err != nil {
			return err
		}
		return n.Exchange.Compared(a.ctx, p.Root, "", with(n, "partner.act_compared", string(p.Root), map[string]any{"domain": p.Domain}))
	})
}

type partnerResumeCmd struct {
	Domain string `arg:"" help:"Domain of the partner."`
}

// Run takes up again what has stopped.
func (c partnerResumeCmd) Run(a *app) error {
	return a.withNode(func(n *node.Node) error {
		p, err := partnerNamed(n, c.Domain)
		if err != nil {
			return err
		}
		done, err := n.Exchange.Resume(a.ctx, p.Root, with(n, "partner.act_resume", string(p.Root), map[string]any{"domain": p.Domain}))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(a.out, strip(a.printer().T("partner.done.resume", "ledgers", done.Ledgers, "records", done.Records, "left", done.Left)))
		return err
	})
}

// partnerNamed finds a partner by its domain or its root.
func partnerNamed(n *node.Node, name string) (partner.Partner, error) {
	return named(n.Exchange.Partners(), name, func(p partner.Partner) (domain, root string) { return p.Domain, string(p.Root) })
}

// named finds the one newsroom that has a domain or a root. Anybody can claim a domain: where several do, the root must be named.
func named[T any](all []T, name string, of func(T) (domain, root string)) (one T, err error) {
	var roots []string
	for _, x := range all {
		domain, root := of(x)
		if root == name {
			return x, nil
		}
		if domain == name {
			one, roots = x, append(roots, root)
		}
	}
	switch len(roots) {
	case 0:
		return one, fault.New(fault.NotFound, "partner.unknown")
	case 1:
		return one, nil
	}
	slices.Sort(roots)
	return one, fault.New(fault.Conflict, "partner.several", "domain", name, "roots", strings.Join(roots, ", "))
}
