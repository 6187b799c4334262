package duties

import (
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/library"
	"newspool/internal/lineage"
	"newspool/internal/news"
	"newspool/internal/web/page"
)

// Around makes what stands around an item. In the preview, which is not its own page, there is no room for texts and forms.
func (f *Family) Around(r *http.Request, item library.Item, own bool) (out page.ItemParts, err error) {
	c := f.painter(r)
	c.seen[item.Item] = item
	editor := page.PersonOf(r).Editor
	var parts struct {
		acts   []act
		from   []fromLine
		strips stripsView
		board  boardView
	}
	if editor {
		if parts.acts, err = c.acts(item); err != nil {
			return out, err
		}
	}
	if item.Own {
		if parts.from, err = c.sources(item.Item); err != nil {
			return out, err
		}
	}
	if parts.strips, err = c.strips(item, editor, own); err != nil {
		return out, err
	}
	if own {
		if parts.board, err = c.board(item); err != nil {
			return out, err
		}
	}
	for _, one := range []struct {
		into *template.HTML
		name string
		data any
		some bool
	}{
		{&out.Acts, "acts", parts.acts, len(parts.acts) > 0},
		{&out.Made, "from", fromView{c.p, parts.from}, len(parts.from) > 0},
		{&out.Strips, "strips", parts.strips, parts.strips.some()},
		{&out.Beside, "change", parts.strips.Open, parts.strips.Open != nil && parts.strips.Open.Change != nil},
		{&out.Answer, "answer", parts.strips.Open, parts.strips.Open != nil},
		{&out.Board, "board", parts.board, parts.board.some()},
	} {
		if one.some {
			if *one.into, err = f.part(one.name, one.data); err != nil {
				return out, err
			}
		}
	}
	return out, nil
}

// part makes a part as it is put into a page of the wire. What the templates write is escaped by them.
func (f *Family) part(name string, data any) (template.HTML, error) {
	text, err := page.Fragment(f.answer, name, data)
	return template.HTML(text), err
}

// act is a button by which something is made from an item.
type act struct{ Text, Href, Key string }

// acts are those that are permitted now. What is not is said by the strip of the terms, with its clause.
func (c painter) acts(item library.Item) ([]act, error) {
	if item.State != news.Usable {
		return nil, nil
	}
	var out []act
	for _, how := range []lineage.How{lineage.Translation, lineage.Shortened, lineage.Edit} {
		if how == lineage.Edit && item.Own {
			continue // it is corrected or updated
		}
		_, _, err := c.f.o.Rules.Permitted(c.ctx, item, how.Act())
		if fault.Is(err, fault.Denied) {
			continue
		}
		if err != nil {
			return nil, err
		}
		one := act{Text: c.how("duty.act.", how), Href: "/new?how=" + string(how) + "&from=" + template.URLQueryEscaper(item.Item.Short())}
		if how == lineage.Translation {
			one.Key = "t"
		}
		out = append(out, one)
	}
	return out, nil
}

// fromLine is one item that another was made from.
type fromLine struct {
	How, Version string
	Source       ref
}

type fromView struct {
	P     *i18n.Printer
	Lines []fromLine
}

func (c painter) sources(id news.ItemID) ([]fromLine, error) {
	all, err := c.f.o.Lineage.Sources(c.ctx, id)
	var out []fromLine
	for _, m := range all {
		source, err := c.ref(m.Source)
		if err != nil {
			return nil, err
		}
		out = append(out, fromLine{c.how("duty.from.", m.How), c.p.T("duty.version", "n", m.Version), source})
	}
	return out, err
}

// stripsView is what must be known of the sources of an item.
type stripsView struct {
	P       *i18n.Printer
	Noticed string // a received item: a source of it has changed
	Duties  []dutyView
	Open    *dutyView // the one whose form is on the page
	Past    []pastLine
}

func (v stripsView) some() bool { return v.Noticed != "" || len(v.Duties)+len(v.Past) > 0 }

// pastLine is a duty that was answered.
type pastLine struct {
	What, Word, When, Why string
	At                    time.Time
}

// strips are the duties of an item: of each source the newest that waits, for its answer answers the older ones; the one that is due
// first has its form on the page. What was answered follows.
func (c painter) strips(item library.Item, editor, own bool) (stripsView, error) {
	v := stripsView{P: c.p}
	if !item.Own {
		at, class, ok, err := c.f.o.Lineage.Noticed(c.ctx, item.Item)
		if err == nil && ok && item.State != news.Withdrawn {
			from := c.f.o.Directory.Newsroom(item.Origin, c.p.Lang())
			v.Noticed = c.p.T("duty.noticed."+string(class), "name", from.Name, "time", i18n.Plain(c.p.Moment(at, c.now)))
		}
		return v, err
	}
	all, err := c.f.o.Lineage.Duties(c.ctx, item.Item)
	if err != nil {
		return v, err
	}
	for _, d := range all {
		if own && d.Answer != "" {
			v.Past = append(v.Past, c.past(d))
		}
	}
	for i, d := range Waiting(all) {
		one, err := c.duty(d)
		if err == nil && i == 0 && editor && own {
			one.Here = true
			err = c.compared(&one, d)
			v.Open = &one
		}
		if err != nil {
			return v, err
		}
		v.Duties = append(v.Duties, one)
	}
	return v, nil
}

// sooner reports whether a time comes before another; none comes last.
func sooner(a, b time.Time) bool { return !a.IsZero() && (b.IsZero() || a.Before(b)) }

func (c painter) past(d lineage.Duty) pastLine {
	return pastLine{What: c.changeName(d.Class, d.Version, d.Notice), Word: c.answered(d.Answer), When: c.p.Moment(d.Answered, c.now), At: d.Answered, Why: d.Why}
}

// changeName names a change of an item: "Correction, version 3".
func (c painter) changeName(class news.Class, version int, notice bool) string {
	if notice {
		return c.p.T("duty.change.notice")
	}
	return c.p.T("duty.change."+string(class), "n", version)
}

// boardView is what was made from an item.
type boardView struct {
	P       *i18n.Printer
	Path    string
	Version string // of the page, for its address
	Uses    []useLine
	Nothing string // partners that have it and made nothing, as far as they have told
}

func (v boardView) some() bool { return len(v.Uses) > 0 }

// useLine is one item that was made from another.
type useLine struct {
	Mark      page.Mark
	Name      string
	What      string
	Of        string // which version
	Made      *ref   // ours
	Clock     string
	At        time.Time
	Acts      []actLine
	Partner   bool
	WaitsLate bool
}

// actLine is what was done with it after one change.
type actLine struct {
	State, Icon string
	What, Word  string
	Clock       string
	At          time.Time
	Why         string
	Beyond      string
}

// board lists what was made from an item: by our people, and by the partners that it went to.
func (c painter) board(item library.Item) (boardView, error) {
	v := boardView{P: c.p, Path: page.ItemPath(item.Item), Version: strconv.Itoa(item.Version)}
	ours, err := c.f.o.Lineage.Derived(c.ctx, item.Item)
	if err != nil {
		return v, err
	}
	for _, m := range ours {
		line, err := c.oursLine(m)
		if err != nil {
			return v, err
		}
		v.Uses = append(v.Uses, line)
	}
	if !item.Own {
		return v, nil
	}
	uses, err := c.f.o.Lineage.Uses(c.ctx, item.Item)
	if err != nil {
		return v, err
	}
	made := map[news.Root]bool{}
	for _, u := range uses {
		made[u.Partner] = true
		v.Uses = append(v.Uses, c.useLine(u))
	}
	holders, err := c.f.o.Directory.Holders(c.ctx, item.Item)
	var idle []string
	for _, root := range holders {
		if !made[root] {
			idle = append(idle, c.f.o.Directory.Newsroom(root, c.p.Lang()).Name)
		}
	}
	if len(idle) > 0 {
		v.Nothing = c.p.T("duty.board.nothing", "names", idle)
	}
	return v, err
}

func (c painter) oursLine(m lineage.Made) (useLine, error) {
	made, err := c.ref(m.Item)
	if err != nil {
		return useLine{}, err
	}
	line := useLine{
		Mark: made.From.Mark, Name: made.From.Name, What: c.what(m.How, news.Lang(made.Lang)), Of: c.p.T("duty.of_version", "n", m.Version),
		Made: &made, Clock: c.p.Moment(m.At, c.now), At: m.At,
	}
	all, err := c.f.o.Lineage.Duties(c.ctx, m.Item)
	for _, d := range all {
		if d.Source == m.Source {
			line.Acts = append(line.Acts, c.actLine(lineage.Act{
				Version: d.Version, Class: d.Class, Notice: d.Notice, Due: d.Due, Answer: d.Answer, Why: d.Why, At: d.Answered,
			}, ""))
		}
	}
	return line, err
}

func (c painter) useLine(u lineage.Use) useLine {
	who := c.f.o.Directory.Newsroom(u.Partner, c.p.Lang())
	line := useLine{
		Mark: who.Mark, Name: who.Name, What: c.what(u.What, u.Lang), Of: c.p.T("duty.of_version", "n", u.Version), Clock: c.p.Moment(u.At, c.now),
		At: u.At, Partner: true,
	}
	for _, a := range u.Acts {
		line.Acts = append(line.Acts, c.actLine(a, who.Name))
	}
	return line
}

// what names what was made: "Translation into Russian".
func (c painter) what(how lineage.How, lang news.Lang) string {
	if how == lineage.Translation && lang != "" {
		return c.p.T("duty.made.translation_into", "language", i18n.Plain(c.p.Language(string(lang))))
	}
	return c.how("duty.made.", how)
}

func (c painter) actLine(a lineage.Act, name string) actLine {
	line := actLine{What: c.changeName(a.Class, a.Version, a.Notice), Why: a.Why}
	switch due, late := c.due(a.Due); {
	case a.Answer != "":
		line.State, line.Icon, line.Word, line.Clock, line.At = string(a.Answer), "check", c.answered(a.Answer), c.p.Moment(a.At, c.now), a.At
		if a.Answer == lineage.Refused {
			line.Icon = "no"
		}
	default:
		line.State, line.Icon = "waiting", "clock"
		if late {
			line.State = "late"
		}
		line.Word = strings.TrimSpace(c.p.T("duty.no_answer") + " " + due)
	}
	if a.Made > 0 && name != "" {
		line.Beyond = c.p.T("duty.beyond", "name", name, "n", a.Made, "acted", a.Acted)
	}
	return line
}
