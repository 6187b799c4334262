package node

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/web/settings"
)

// lowDisk is the free space in bytes below which somebody should make room.
const lowDisk = 2 << 30

// Status looks at everything that an administrator asks about.
func (n *Node) Status(ctx context.Context) (settings.Status, error) {
	s := settings.Status{Version: Version, Started: n.started, Address: n.Base()}
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
	var err error
	if s.Database.Size, err = n.databaseSize(ctx); err != nil {
		return s, err
	}
	if s.Outbox, err = n.Exchange.OutboxSize(ctx); err != nil {
		return s, err
	}
	delays, err := n.Exchange.Delays(ctx)
	if err != nil {
		return s, err
	}
	for _, d := range delays {
		s.Delays = append(s.Delays, n.Exchange.Lines(d)...)
	}
	if s.Keys, s.KeysExposed, err = n.keyPlace(); err != nil {
		return s, err
	}
	if n.Ingest != nil {
		if s.Sources, err = n.failing(ctx); err != nil {
			return s, err
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
		link := settings.Link{Name: p.Name, State: p.State, LastContact: p.LastContact, Waiting: p.Waiting, Href: p.Href}
		if link.Trouble, err = n.troubles(ctx, l.Partner); err != nil {
			return s, err
		}
		s.Links = append(s.Links, link)
	}
	return s, nil
}

// databaseSize is how many bytes the database takes.
func (n *Node) databaseSize(ctx context.Context) (size int64, err error) {
	query := `SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`
	if n.DB.Engine() == store.PostgreSQL {
		query = `SELECT pg_database_size(current_database())`
	}
	err = n.DB.Read(ctx, func(r store.Reader) error { return r.QueryRow(query).Scan(&size) })
	return size, err
}

// keyPlace says how the key files are protected, and which of them others on this machine can read.
func (n *Node) keyPlace() (place settings.KeyPlace, exposed string, err error) {
	plain, exposed, err := n.keys.look()
	secret := n.Settings.KeyPath()
	rel, outside := filepath.Rel(n.Settings.Dir, secret)
	switch {
	case !n.keys.locked():
		place = settings.KeysOpen
	case plain != "":
		place = settings.KeysPlain
	case n.Settings.KeyFile == "":
		place = settings.KeysCredential
	case outside == nil && filepath.IsLocal(rel):
		place = settings.KeysBeside
	default:
		place = settings.KeysLocked
	}
	if info, err := os.Stat(secret); err == nil && n.Settings.KeyFile != "" && info.Mode().Perm()&0o077 != 0 {
		exposed = secret
	}
	return place, exposed, err
}

// failing are the sources whose last poll failed.
func (n *Node) failing(ctx context.Context) (out []settings.Source, err error) {
	all, err := n.Ingest.Sources(ctx)
	for _, s := range all {
		if s.Trouble != nil && s.Enabled {
			out = append(out, settings.Source{
				Name: s.Name, Since: s.Last, Problem: news.Problem{Key: s.Trouble.Key, Args: s.Trouble.Args}, Href: "/sources/feeds/" + string(s.ID),
			})
		}
	}
	return out, err
}

const (
	troubleAge  = 7 * 24 * time.Hour // older ones are on the page of the partner
	troubleMost = 3                  // of one partner
)

// troubles is what was wrong lately with the records of a partner.
func (n *Node) troubles(ctx context.Context, of news.Root) (out []news.Problem, err error) {
	all, err := n.Exchange.Troubles(ctx, of, troubleMost)
	for _, t := range all {
		if n.Clock().Sub(t.At) < troubleAge {
			out = append(out, news.Problem{Key: t.Key, Args: t.Args})
		}
	}
	return out, err
}
