package cli

import (
	"fmt"
	"strings"
	"time"

	"newspool/internal/desk"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/node"
)

type itemCmd struct {
	List itemListCmd `cmd:"" help:"List the newest items of the wire."`
	Open itemOpenCmd `cmd:"" help:"Take an item for use that is set aside or closed."`
}

type itemListCmd struct {
	Most int `default:"20" help:"How many."`
}

// Run lists items, newest first: address, state, language, headline. The state of what may not be published yet says until when.
func (c itemListCmd) Run(a *app) error {
	return a.withDesk(func(n *node.Node) error {
		for before, left := int64(0), c.Most; left > 0; {
			rows, err := n.Library.Wire(a.ctx, library.Filter{}, before, left) // gives a page of its own size at most
			if err != nil || len(rows) == 0 {
				return err
			}
			for _, r := range rows {
				state := string(r.State)
				if r.State == news.Usable && r.Embargo.After(n.Clock()) {
					state = "embargo until " + r.Embargo.UTC().Format(time.RFC3339)
				}
				fmt.Fprintf(a.out, "%s  %s  %s  %s\n", r.Item, state, plain(string(r.Lang)), plain(r.Headline))
			}
			before, left = rows[len(rows)-1].N, left-len(rows)
		}
		return nil
	})
}

type itemOpenCmd struct {
	Item   string `arg:"" help:"The item: its URI, or its domain and id as in the address of its page."`
	Reason string `required:"" help:"Why it is taken for use. It stays in the audit."`
}

// Run opens the item as the operator of the node.
func (c itemOpenCmd) Run(a *app) error {
	return a.withDesk(func(n *node.Node) error {
		return n.Deciding().Open(a.ctx, "", itemNamed(c.Item), desk.AnyVersion, strings.TrimSpace(c.Reason))
	})
}

// itemNamed is the item that an argument names.
func itemNamed(text string) news.ItemID {
	if strings.Contains(text, "://") {
		return news.ItemID(text)
	}
	return news.ItemOf(text)
}
