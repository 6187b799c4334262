package settings

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/people"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

// auditSize is how many rows stand on a page.
const auditSize = 100

// auditPage is a page of what was done.
type auditPage struct {
	base
	Days    []auditDay
	Older   int64 // where the next page begins; 0: there is none
	Newest  bool  // nothing newer was left out
	Checked *people.Chain
	Broken  string // what the check found
}

// auditDay are the rows of one day.
type auditDay struct {
	Day  string
	Rows []auditRow
}

type auditRow struct {
	Number int // of the row
	At     time.Time
	Who    string
	Known  bool   // Who is a person's name
	Text   string // the act in the reader's language; "" if this release has no words for it
	Code   string // the act as it is stored
	Raw    string // its details as they are stored, where there are no words
	About  string
	From   string
}

func (f *Family) showAudit(w http.ResponseWriter, r *http.Request, by people.By) error {
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64) // anything else begins at the end
	return f.auditWith(w, r, by, before, func(*auditPage) {})
}

func (f *Family) auditWith(w http.ResponseWriter, r *http.Request, by people.By, before int64, change func(*auditPage)) error {
	entries, err := f.people.AuditPage(r.Context(), before, auditSize)
	if err != nil {
		return err
	}
	d := auditPage{base: f.base(r, by, "audit", "settings.audit.title"), Newest: before <= 0}
	d.Back = "/settings/audit"
	for _, e := range entries {
		if day := d.P.Day(e.At); len(d.Days) == 0 || d.Days[len(d.Days)-1].Day != day {
			d.Days = append(d.Days, auditDay{Day: day})
		}
		last := &d.Days[len(d.Days)-1]
		last.Rows = append(last.Rows, line(d.P, e))
	}
	if n := len(entries); n == auditSize && entries[n-1].Seq > 1 {
		d.Older = entries[n-1].Seq
	}
	change(&d)
	return page.Render(w, r, http.StatusOK, f.audit, d)
}

// line says an act in the reader's language.
func line(p *i18n.Printer, e people.Entry) auditRow {
	row := auditRow{Number: int(e.Seq), At: e.At, Who: e.Name, Known: e.Name != "", Code: e.What, About: e.About, From: e.From}
	switch {
	case e.Who == "" && e.From == "console":
		row.Who, row.From = p.T("settings.audit.operator"), ""
	case e.Who == "":
		row.Who = p.T("settings.audit.nobody")
	case e.Name == "":
		row.Who = string(e.Who)
	}
	if strings.HasPrefix(row.About, "newspool://") {
		row.About = strings.TrimPrefix(row.About, "newspool://")
	} else if e.What != "" && strings.HasPrefix(e.What, "people.") {
		row.About = "" // the sentence says whom it was about
	}
	if p.Has(e.What) {
		row.Text = p.Text(e.What, spoken(p, e.Detail))
	} else if len(e.Detail) > 0 {
		raw, err := json.Marshal(e.Detail)
		if err == nil {
			row.Raw = string(raw)
		}
	}
	return row
}

// spoken puts the details that are names of the program into words. Values of one act never name a role by chance: they are
// told apart by the name of the value.
func spoken(p *i18n.Printer, detail map[string]any) map[string]any {
	words := maps.Clone(detail)
	for name, v := range words {
		text, ok := v.(string)
		if !ok {
			continue
		}
		switch name {
		case "old_roles", "new_roles":
			var roles []people.Role
			for _, role := range strings.Split(text, ",") {
				if slices.Contains(people.Roles[:], people.Role(role)) {
					roles = append(roles, people.Role(role))
				}
			}
			words[name] = roleNames(p, roles)
			if len(roles) == 0 {
				words[name] = i18n.Plain(p.T("settings.no_roles"))
			}
		case "scope":
			if text == string(people.ScopeRead) || text == string(people.ScopeWrite) {
				words[name] = i18n.Plain(p.T("settings.scope." + text))
			}
		}
	}
	return words
}

func (f *Family) verifyAudit(w http.ResponseWriter, r *http.Request, by people.By) error {
	chain, err := f.people.VerifyAudit(r.Context())
	broken := ""
	if fault.Is(err, fault.Fork) {
		broken = terms.Sentence(page.PrinterOf(r), err)
	} else if err != nil {
		return err
	}
	return f.auditWith(w, r, by, 0, func(d *auditPage) {
		if d.Broken = broken; broken == "" {
			d.Checked = &chain
		}
	})
}
