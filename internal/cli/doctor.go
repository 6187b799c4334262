package cli

import (
	"fmt"
	"time"

	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/node"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/internal/web/settings"
)

type doctorCmd struct{}

// Run looks at everything that can be wrong with a node, and says it in words. A note is what somebody should know and decide;
// it makes nothing fail.
func (doctorCmd) Run(a *app) error {
	return a.withNode(func(n *node.Node) error {
		p := a.printer()
		bad := 0
		tell := func(ok bool, text string) {
			mark := "ok  "
			if !ok {
				mark = "BAD "
				bad++
			}
			fmt.Fprintln(a.out, mark+strip(text))
		}
		say := func(ok bool, key string, args ...any) { tell(ok, p.T(key, args...)) }
		note := func(key string, args ...any) { fmt.Fprintln(a.out, "note "+strip(p.T(key, args...))) }
		if n.Exchange.Root() == "" {
			say(false, "setup.not_done")
			return errSaid
		}
		s, err := n.Status(a.ctx)
		if err != nil {
			return err
		}
		say(!s.Disk.Low, "doctor.disk", "free", p.Bytes(s.Disk.Free))
		stored, err := n.Exchange.RootIsStored(a.ctx)
		if err != nil {
			return err
		}
		say(stored, map[bool]string{true: "doctor.root_stored", false: "doctor.root_here"}[stored])
		how := i18n.Plain(p.T("settings.node.keys." + string(s.Keys)))
		if s.Keys == settings.KeysOpen || s.Keys == settings.KeysBeside {
			note("doctor.keys", "how", how)
		} else {
			say(s.Keys != settings.KeysPlain, "doctor.keys", "how", how)
		}
		if s.KeysExposed != "" {
			say(false, "settings.node.keys_exposed", "file", s.KeysExposed)
		}
		nobody, err := n.People.NeedsSetup(a.ctx)
		if err != nil {
			return err
		}
		if nobody {
			note("doctor.nobody")
		}
		chain, err := n.People.VerifyAudit(a.ctx)
		if f := fault.Of(err); f.Kind == fault.Fork {
			say(false, f.Key, "row", f.Args["row"])
		} else if err != nil {
			return err
		} else {
			say(true, "doctor.audit", "n", chain.Rows)
		}
		if a.node != nil { // a node that does not run has no links
			if err := doctorRunning(a, n, s, p, say); err != nil {
				return err
			}
		}
		if err := doctorBooks(a, n, p, say); err != nil {
			return err
		}
		say(s.Outbox < 1000, "doctor.outbox", "n", s.Outbox)
		for _, l := range s.Delays {
			tell(false, terms.Say(p, l))
		}
		if bad > 0 {
			return errSaid
		}
		return nil
	})
}

// doctorSays prints one finding.
type doctorSays func(ok bool, key string, args ...any)

// doctorRunning looks at what only a node that runs can tell: how it stands with others.
func doctorRunning(a *app, n *node.Node, s settings.Status, p *i18n.Printer, say doctorSays) error {
	if n.OnlyHere() {
		say(false, "doctor.base", "address", n.Base())
	}
	for _, id := range n.Exchange.Unconfirmed() {
		say(false, "doctor.unconfirmed", "agreement", string(id))
	}
	stalled, err := n.Exchange.Stalled(a.ctx)
	if err != nil {
		return err
	}
	for _, x := range stalled {
		say(false, "exchange.stalled", "partner", n.Exchange.NameOf(x.Partner, p.Lang()), "since", i18n.Plain(p.Moment(x.Since, n.Clock())), "n", x.Records)
	}
	for _, x := range s.Stuck {
		say(false, "doctor.agreement", "agreement", x.Agreement, "what", terms.Sentence(p, x.Err))
	}
	for _, l := range n.Exchange.Links() {
		if l.State == exchange.LinkNever {
			say(false, "doctor.link_never", "partner", l.Domain)
			continue
		}
		say(l.State == exchange.LinkLive, "doctor.link", "partner", l.Domain, "state", i18n.Plain(p.T("settings.node.link."+string(l.State))))
	}
	return nil
}

// doctorBooks looks at what is wrong in ledgers, and says whether this database was restored.
func doctorBooks(a *app, n *node.Node, p *i18n.Printer, say doctorSays) error {
	troubles, err := n.Exchange.Troubles(a.ctx, "", 20)
	if err != nil {
		return err
	}
	stopped := map[news.Root]bool{}
	for _, t := range troubles {
		if !t.Resumable() && n.Clock().Sub(t.At) > 7*24*time.Hour {
			continue // it was kept, and there is nothing left to be done; the partner's page shows it
		}
		stopped[t.Partner] = stopped[t.Partner] || t.Resumable()
		say(t.Kind == ledger.Restored, "doctor.trouble", "at", i18n.Plain(p.Moment(t.At, n.Clock())), "partner", n.Exchange.NameOf(t.Partner, p.Lang()), "position", t.Seq, "what", terms.Say(p, terms.Line{Key: t.Key, Args: t.Args}))
	}
	for _, x := range n.Exchange.Partners() {
		if stopped[x.Root] {
			say(false, "doctor.resume", "partner", n.Exchange.NameOf(x.Root, p.Lang()), "domain", x.Domain)
		}
	}
	var pairs int64
	err = n.DB.Read(a.ctx, func(r store.Reader) (err error) {
		pairs, err = ledger.Contradictions(r, "")
		return err
	})
	if err != nil {
		return err
	}
	if pairs > 0 {
		say(false, "verify.evidence", "n", pairs)
	}
	return nil
}
