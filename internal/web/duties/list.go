package duties

import (
	"net/http"
	"slices"
	"time"

	"newspool/internal/i18n"
	"newspool/internal/lineage"
	"newspool/internal/news"
	"newspool/internal/web/page"
)

// listPage is what waits for an answer.
type listPage struct {
	page.Base
	Rows []row
}

// row is one duty in the list.
type row struct {
	dutyView
	Made  string // how ours was made
	Tag   string
	Clock string // when it is due
	Left  string // how much time there is
	At    time.Time
}

// showList shows the duties of the newsroom, the one that is due first before all others.
func (f *Family) showList(w http.ResponseWriter, r *http.Request) error {
	base := f.o.Shell.Base(r, "duties", "duty.title")
	c := f.painter(r)
	all, err := f.o.Lineage.Open(r.Context())
	if err != nil {
		return err
	}
	p := listPage{Base: base}
	for _, d := range Waiting(all) {
		one, err := c.row(d)
		if err != nil {
			return err
		}
		p.Rows = append(p.Rows, one)
	}
	return page.Render(w, r, http.StatusOK, f.list, p)
}

// Waiting are the duties that a person has to answer, in the order in which they are due: of each item and source the newest, for its
// answer answers the older ones, with the time of that which is due first.
func Waiting(all []lineage.Duty) []lineage.Duty {
	type pair struct{ item, source news.ItemID }
	at := map[pair]int{}
	var out []lineage.Duty
	for _, d := range all {
		if d.Answer != "" {
			continue
		}
		i, known := at[pair{d.Item, d.Source}]
		if !known {
			at[pair{d.Item, d.Source}] = len(out)
			out = append(out, d)
			continue
		}
		due := out[i].Due
		if sooner(d.Due, due) {
			due = d.Due
		}
		if d.N > out[i].N {
			out[i] = d
		}
		out[i].Due = due
	}
	slices.SortStableFunc(out, func(a, b lineage.Duty) int {
		switch {
		case sooner(a.Due, b.Due):
			return -1
		case sooner(b.Due, a.Due):
			return 1
		}
		return 0
	})
	return out
}

func (c painter) row(d lineage.Duty) (row, error) {
	v, err := c.duty(d)
	if err != nil {
		return row{}, err
	}
	out := row{dutyView: v, Tag: c.p.T("duty.tag." + string(d.Class)), At: d.Due}
	if out.Class == string(news.Withdrawal) {
		out.Class = "withdrawn"
	}
	sources, err := c.f.o.Lineage.Sources(c.ctx, d.Item)
	for _, m := range sources {
		if m.Source == d.Source {
			out.Made = c.how("duty.from.", m.How)
		}
	}
	if d.Due.IsZero() {
		out.Left = c.p.T("duty.no_time")
		return out, err
	}
	out.Clock = c.p.Moment(d.Due, c.now)
	if v.Late {
		out.Left = c.p.T("duty.late", "span", i18n.Plain(c.p.Span(c.now.Sub(d.Due))))
	} else {
		out.Left = c.p.T("duty.left", "span", i18n.Plain(c.p.Span(d.Due.Sub(c.now))))
	}
	return out, err
}
