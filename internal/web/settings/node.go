package settings

import (
	"net/http"
	"time"

	"newspool/internal/i18n"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

// Status is how a node is.
type Status struct {
	Version     string
	Started     time.Time
	Address     string // under which partners and people reach it
	Database    Database
	Disk        Disk
	Keys        KeyPlace
	KeysExposed string       // a file with a key or its secret that others on this machine can read; "": none
	Outbox      int64        // versions that wait to be offered
	Delays      []terms.Line // what waits under an agreement, for another day or for a word of a partner
	Sources     []Source     // those that fail
	Links       []Link       // to all partners
	Stuck       []Stuck
}

// Stuck is an agreement that should have been closed, or brought into force, by now.
type Stuck struct {
	Agreement string
	Err       error
}

// Database is where the node keeps its records.
type Database struct {
	Engine string // "sqlite" or "postgres"
	Place  string // a file, or a host and a name; never with a password
	Size   int64  // bytes; 0: not known
}

// Disk is the one with the data folder, in bytes. A Total of 0: not known.
type Disk struct {
	Free, Total int64
	Low         bool // somebody should make room
}

// KeyPlace says how the stored keys of the newsroom are locked.
type KeyPlace string

// The places.
const (
	KeysLocked     KeyPlace = "locked"     // the secret is kept outside of the data folder
	KeysCredential KeyPlace = "credential" // systemd hands the secret over
	KeysBeside     KeyPlace = "beside"     // the secret lies in the data folder: whoever copies the folder has the keys
	KeysOpen       KeyPlace = "open"       // there is no secret
	KeysPlain      KeyPlace = "plain"      // there is a secret, and a key that was stored before it
)

// Source is a source of copy that fails.
type Source struct {
	Name    string
	Since   time.Time
	Problem news.Problem
	Href    string // "": no page
}

// Link is how we stand with a partner.
type Link struct {
	Name        string
	State       page.LinkState
	LastContact time.Time // zero: never
	Waiting     int64     // records that we know of and do not hold
	Trouble     []news.Problem
	Href        string // "": no page
}

// nodePage is how the node is, what needs somebody first.
type nodePage struct {
	base
	Node  Status
	Needs []string // what somebody should do something about
	Used  int      // of the disk, in hundredths
}

func (f *Family) showNode(w http.ResponseWriter, r *http.Request, by people.By) error {
	s, err := f.node.Status(r.Context())
	if err != nil {
		return err
	}
	d := nodePage{base: f.base(r, by, "node", "settings.node.title"), Node: s}
	d.Needs = needs(d.P, s)
	if s.Disk.Total > 0 {
		d.Used = int(100 - 100*s.Disk.Free/s.Disk.Total)
	}
	return page.Render(w, r, http.StatusOK, f.status, d)
}

// needs lists in sentences what somebody should look at.
func needs(p *i18n.Printer, s Status) []string {
	var list []string
	if s.Disk.Low {
		list = append(list, p.T("settings.node.need_disk", "free", i18n.Plain(p.Bytes(s.Disk.Free))))
	}
	if s.Keys == KeysBeside || s.Keys == KeysOpen || s.Keys == KeysPlain {
		list = append(list, p.T("settings.node.need_keys"))
	}
	if s.KeysExposed != "" {
		list = append(list, p.T("settings.node.keys_exposed", "file", s.KeysExposed))
	}
	if n := len(s.Sources); n > 0 {
		list = append(list, p.T("settings.node.need_sources", "n", n))
	}
	for _, x := range s.Stuck {
		list = append(list, p.T("doctor.agreement", "agreement", x.Agreement, "what", terms.Sentence(p, x.Err)))
	}
	for _, l := range s.Delays {
		list = append(list, terms.Say(p, l))
	}
	n := 0
	for _, l := range s.Links {
		if l.State == page.LinkLate || l.State == page.LinkSilent || l.State == page.LinkStopped || len(l.Trouble) > 0 {
			n++
		}
	}
	if n > 0 {
		list = append(list, p.T("settings.node.need_links", "n", n))
	}
	return list
}

// Plain is a size as it stands inside a sentence.
func (d nodePage) Plain(bytes int64) i18n.Plain { return i18n.Plain(d.P.Bytes(bytes)) }

// Say puts a problem into the reader's language.
func (d nodePage) Say(x news.Problem) string {
	if !d.P.Has(x.Key) {
		return d.P.T("settings.node.unknown_problem")
	}
	return d.P.Text(x.Key, x.Args)
}

// StateName says the state of a link.
func (d nodePage) StateName(s page.LinkState) string { return d.P.T("settings.node.link." + string(s)) }

// KeysName says how the keys are locked.
func (d nodePage) KeysName() string { return d.P.T("settings.node.keys." + string(d.Node.Keys)) }
