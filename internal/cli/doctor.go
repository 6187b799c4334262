package cli

import (
	"fmt"
	"time"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/news"
	"newspool/internal/node"
	"newspool/internal/terms"
	"newspool/internal/web/settings"
)

type doctorCmd struct{}

// Run looks at everything that can be wrong with a node, and says it in words.
func (doctorCmd) Run(a *app) error {
	return a.withNode(func(n *node.Node) error {
		p := a.printer()
		bad := 0
		say := func(ok bool, key string, args ...any) {
			mark := "ok  "
			if !ok {
				mark = "BAD "
				bad++
			}
			fmt.Fprintln(a.out, mark+strip(p.T(key, args...)))
		}
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
		say(s.Keys != settings.KeysPlain, "doctor.keys", "how", i18n.Plain(p.T("settings.node.keys."+string(s.Keys))))
		if s.KeysExposed != "" {
			say(false, "settings.node.keys_exposed", "file", s.KeysExposed)
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
			if n.OnlyHere() {
				say(false, "doctor.base", "address", n.Base())
			}
			for _, id := range n.Exchange.Unconfirmed() {
				say(false, "doctor.unconfirmed", "agreement", string(id))
			}
			for _, x := range s.Stuck {
				say(false, "doctor.agreement", "agreement", x.Agreement, "what", terms.Sentence(p, x.Err))
			}
			for _, l := range n.Exchange.Links() {
				say(l.State == "live", "doctor.link", "partner", l.Domain, "state", i18n.Plain(p.T("settings.node.link."+string(l.State))))
			}
		}
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
			say(false, "doctor.trouble", "partner", n.Exchange.NameOf(t.Partner, p.Lang()), "position", t.Seq, "what", terms.Say(p, terms.Line{Key: t.Key, Args: t.Args}))
		}
		for _, x := range n.Exchange.Partners() {
			if stopped[x.Root] {
				say(false, "doctor.resume", "partner", n.Exchange.NameOf(x.Root, p.Lang()), "domain", x.Domain)
			}
		}
		say(s.Outbox < 1000, "doctor.outbox", "n", s.Outbox)
		if bad > 0 {
			return errSaid
		}
		return nil
	})
}
