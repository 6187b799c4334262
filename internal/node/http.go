package node

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"newspool/internal/api"
	"newspool/internal/deliver"
	"newspool/internal/desk"
	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/proof"
	"newspool/internal/store"
	"newspool/internal/web/agreements"
	"newspool/internal/web/duties"
	"newspool/internal/web/page"
	"newspool/internal/web/partners"
	"newspool/internal/web/pictures"
	"newspool/internal/web/settings"
	"newspool/internal/web/signin"
	"newspool/internal/web/sources"
	"newspool/internal/web/wire"
	"newspool/protocol"
)

// Version is the version of the program.
const Version = "0.1.0"

// family is the pages of one part of the desk.
type family interface{ Routes(*http.ServeMux) }

// serveAll makes the handler of a node that knows who it is.
func (n *Node) serveAll() error {
	shell, err := page.New(page.Options{
		Bundle: n.Bundle, Root: n.Exchange.Root(), House: house{n}, Sessions: accounts{n}, Zone: n.Settings.Zone(), Clock: n.Clock, Log: n.Log,
		Nav: []page.Entry{
			{Name: "wire", Href: "/wire", Key: "g w"},
			{Name: "duties", Href: "/duties", Key: "g d", For: func(p page.Person) bool { return p.Editor }},
			{Name: "agreements", Href: "/agreements", Key: "g a"},
			{Name: "partners", Href: "/partners", Key: "g p"},
			{Name: "sources", Href: "/sources", Key: "g o", For: sources.May},
			{Name: "settings", Href: "/settings", Key: "g s"},
		},
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	shell.Routes(mux)
	n.server.Routes(mux)
	n.health(mux)
	mux.Handle("GET /proof/{ledger}/{seq}", shell.Signed(page.Only(page.Person.MayProve, "exchange.proof_roles")(n.proofFile)))
	families, err := n.families(shell, n.Desk)
	if err != nil {
		return err
	}
	for _, f := range families {
		f.Routes(mux)
	}
	n.api(n.Desk).Routes(mux)
	return n.answerWith(http.NewCrossOriginProtection().Handler(mux))
}

// api is the door for programs.
func (n *Node) api(d *desk.Service) *api.API {
	feed := deliver.New(deliver.Options{
		DB: n.DB, Library: n.Library, People: n.People, Agreements: n.Agreements, Links: n.Exchange, Bundle: n.Bundle, Root: n.Exchange.Root(),
		Credit: judge{n.Exchange}.Credit, Zone: n.Settings.Zone(), Clock: n.Clock,
	})
	return api.New(api.Options{
		DB: n.DB, People: n.People, Library: n.Library, Desk: d, Feed: feed, Exchange: n.Exchange, Bell: bell{n}, Bundle: n.Bundle,
		Zone: n.Settings.Zone(), Clock: n.Clock, Log: n.Log, Remote: n.remote, Version: Version,
	})
}

// families are the pages that work today.
func (n *Node) families(shell *page.Shell, d *desk.Service) ([]family, error) {
	sign, err := signin.New(signin.Options{Shell: shell, People: accounts{n}, Remote: n.remote})
	if err != nil {
		return nil, err
	}
	due, err := duties.New(duties.Options{Shell: shell, Lineage: n.Lineage, Library: n.Library, Rules: d, Directory: directory{n}})
	if err != nil {
		return nil, err
	}
	w, err := wire.New(wire.Options{
		Shell: shell, Library: n.Library, Desk: n.Library, Directory: directory{n}, Exchange: wireExchange{n},
		Use: deskUse{d}, Writing: writing{d}, Kin: due, Deciding: deskDeciding{n.Deciding()}, Media: n.Media, Bell: bell{n}, Preferences: accounts{n},
	})
	if err != nil {
		return nil, err
	}
	set, err := settings.New(settings.Options{Shell: shell, People: n.People, Node: n, Remote: n.remote})
	if err != nil {
		return nil, err
	}
	src, err := sources.New(sources.Options{
		Shell: shell, Ingest: n.Ingest, People: n.People, Note: n.People.Note, Later: n.leave, Dir: filepath.Join(n.Settings.Dir, "incoming"), Remote: n.remote,
	})
	if err != nil {
		return nil, err
	}
	agree, err := agreements.New(agreements.Options{
		Shell: shell, Bundle: n.Bundle, Agreements: n.Agreements, Signing: n.Agreements, Life: n.Agreements, Directory: n.Exchange.Service,
		Documents: documents{n}, Audit: n.People, Zone: n.Settings.ZoneName, Remote: n.remote,
	})
	if err != nil {
		return nil, err
	}
	known, err := partners.New(partners.Options{
		Shell: shell, Directory: n.Exchange.Service, Door: n.Exchange.Service, Links: n.Exchange, Network: network{n}, Own: n.Exchange.Service,
		RootKey: rootKey{n}, Agreements: n.Agreements, Audit: n.People, Remote: n.remote,
	})
	if err != nil {
		return nil, err
	}
	return []family{sign, w, due, set, src, agree, known, n.first, pictures.New(shell, n.Media, n.Library)}, nil
}

// Proofs makes proof files.
func (n *Node) Proofs() proof.Maker {
	return proof.Maker{DB: n.DB, Ledgers: n.Ledgers, Known: n.Exchange.Service, Parties: n.Agreements.Parties, Open: n.mayGive}
}

// mayGive reports whether the contents of a record may be given out: a text only as long as the desk shows it.
func (n *Node) mayGive(r store.Reader, rec protocol.Record) (bool, error) {
	if !strings.HasPrefix(rec.Type, "item.") || rec.Type == exchange.TypeWithdraw {
		return true, nil
	}
	item, err := n.Library.ReadItem(r, news.ItemID(rec.About))
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return item.State != news.Withdrawn, err
}

// proofFile hands out the proof of a record, after it was written down who took it: it holds the whole text.
func (n *Node) proofFile(w http.ResponseWriter, r *http.Request) error {
	seq, err := strconv.ParseInt(r.PathValue("seq"), 10, 64)
	if err != nil {
		return fault.New(fault.NotFound, "fault.not_found")
	}
	b, about, err := n.Proofs().File(r.Context(), ledger.ID(r.PathValue("ledger")), seq)
	if err != nil {
		return err
	}
	err = n.People.Note(r.Context(), people.Act{
		Who: page.PersonOf(r).ID, What: "exchange.act_proof", About: about, From: n.remote(r),
		Detail: map[string]any{"ledger": r.PathValue("ledger"), "position": seq},
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="proof-`+r.PathValue("seq")+`.json"`)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, err = w.Write(b)
	return err
}

// serveSetup makes the handler of a node that has not been set up.
func (n *Node) serveSetup() error {
	mux := http.NewServeMux()
	n.first.Routes(mux)
	n.first.Alone(mux)
	n.health(mux)
	return n.answerWith(http.NewCrossOriginProtection().Handler(mux))
}

func (n *Node) answerWith(h http.Handler) error {
	h = n.meter.watch(h)
	n.handler.Store(&h)
	return nil
}

// remote is the address of a visitor: that of the connection, or what one of our own proxies says.
func (n *Node) remote(r *http.Request) string {
	return visitor(r, n.Settings.Proxies())
}

// health answers the two questions of a supervisor: is the process alive, and can it work.
func (n *Node) health(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		err := n.ready(r.Context())
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			why := "database"
			if fault.Of(err).Key == "fault.disk_full" {
				why = "disk_full"
			}
			json.NewEncoder(w).Encode(map[string]any{"ready": false, "why": why})
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"ready": true, "database_ms": float64(time.Since(began).Microseconds()) / 1000, "set_up": n.Exchange.Root() != ""})
	})
}
