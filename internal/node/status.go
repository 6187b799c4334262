package node

import (
	"context"
	"net/url"
	"path/filepath"

	"newspool/internal/web/settings"
)

// lowDisk is the free space in bytes below which somebody should make room.
const lowDisk = 2 << 30

// Status looks at everything that an administrator asks about.
func (n *Node) Status(ctx context.Context) (settings.Status, error) {
	s := settings.Status{Version: Version, Started: n.started, Address: n.Base(), Keys: settings.KeysOpen}
	s.Database.Engine = string(n.DB.Engine())
	s.Database.Place = filepath.Join(n.Settings.Dir, "newspool.db")
	if u, err := url.Parse(n.Settings.Database); err == nil && n.Settings.Database != "" {
		s.Database.Place = u.Redacted()
		if u.User != nil {
			s.Database.Place = u.Host + u.Path
		}
	}
	if free, total, known := disk(n.Settings.Dir); known {
		s.Disk = settings.Disk{Free: free, Total: total, Low: free < lowDisk}
	}
	if n.keys.locked() {
		s.Keys = settings.KeysLocked
		if rel, err := filepath.Rel(n.Settings.Dir, n.Settings.KeyPath()); err == nil && filepath.IsLocal(rel) {
			s.Keys = settings.KeysBeside
		}
	}
	for _, x := range n.Agreements.Stuck() {
		s.Stuck = append(s.Stuck, settings.Stuck{Agreement: string(x.Agreement), Err: x.Err})
	}
	lang := "en"
	if self := n.Exchange.Self(); len(self.Languages) > 0 {
		lang = self.Languages[0]
	}
	for _, l := range n.Exchange.Links() {
		p := house{n}.link(l, lang)
		s.Links = append(s.Links, settings.Link{Name: p.Name, State: p.State, LastContact: p.LastContact, Waiting: p.Waiting, Href: p.Href})
	}
	return s, nil
}
