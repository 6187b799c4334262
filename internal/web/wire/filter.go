package wire

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"newspool/internal/i18n"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/news/mediatopic"
	"newspool/internal/terms"
)

// filter is the query of a list: what a link carries from page to page.
type filter struct {
	of        string // "own", "received" or ""
	partner   string // root, or the first characters of it
	agreement string
	lang      string
	kind      string
	subject   string
	state     string
	day       string // "today", "yesterday" or 2026-11-24
	before    int64
}

// rootLetters is how much of a root stands in a query.
const rootLetters = 16

func parseFilter(q url.Values) filter {
	f := filter{
		of: q.Get("of"), partner: strings.ToLower(q.Get("partner")), agreement: q.Get("agreement"), lang: q.Get("lang"),
		kind: q.Get("type"), subject: q.Get("subject"), state: q.Get("state"), day: q.Get("day"),
	}
	if f.of != "own" && f.of != "received" {
		f.of = ""
	}
	if n, err := strconv.ParseInt(q.Get("before"), 10, 64); err == nil && n > 0 {
		f.before = n
	}
	return f
}

// library is the filter in the words of the library. A partner that is not known finds nothing.
func (f filter) library(partners []Partner, now time.Time, zone *time.Location) library.Filter {
	out := library.Filter{
		Agreement: terms.AgreementID(f.agreement), Lang: news.Lang(f.lang), Type: news.ItemType(f.kind), Subject: f.subject,
		State: news.State(f.state), Own: f.of == "own", Received: f.of == "received",
	}
	if f.partner != "" {
		out.Origin = news.Root(f.partner)
		if i := f.partnerIn(partners); i >= 0 {
			out.Origin = partners[i].Root
		}
	}
	switch f.day {
	case "today":
		out.Day = now.In(zone).Format(time.DateOnly)
	case "yesterday":
		out.Day = now.In(zone).AddDate(0, 0, -1).Format(time.DateOnly)
	default:
		if _, err := time.Parse(time.DateOnly, f.day); err == nil {
			out.Day = f.day
		}
	}
	return out
}

func (f filter) partnerIn(partners []Partner) int {
	return slices.IndexFunc(partners, func(p Partner) bool {
		return len(f.partner) >= 8 && strings.HasPrefix(string(p.Root), f.partner)
	})
}

// any reports whether the list is filtered at all.
func (f filter) any() bool {
	f.before = 0
	return f != filter{}
}

// with is the filter with one value changed, from the newest again.
func (f filter) with(name, value string) filter {
	f.before = 0
	switch name {
	case "of":
		f.of = value
	case "partner":
		f.partner = value[:min(len(value), rootLetters)]
	case "agreement":
		f.agreement = value
	case "lang":
		f.lang = value
	case "type":
		f.kind = value
	case "subject":
		f.subject = value
	case "state":
		f.state = value
	case "day":
		f.day = value
	}
	return f
}

// values are the parts of the query that are not empty.
func (f filter) values() [][2]string {
	var out [][2]string
	for _, v := range [][2]string{
		{"of", f.of}, {"partner", f.partner}, {"agreement", f.agreement}, {"lang", f.lang}, {"type", f.kind}, {"subject", f.subject},
		{"state", f.state}, {"day", f.day},
	} {
		if v[1] != "" {
			out = append(out, v)
		}
	}
	return out
}

// at is the address of the list on a path, with more values: name, value.
func (f filter) at(path string, more ...string) string {
	var b strings.Builder
	b.WriteString(path)
	sep := byte('?')
	add := func(name, value string) {
		if value == "" {
			return
		}
		b.WriteByte(sep)
		b.WriteString(name + "=" + readable.Replace(url.QueryEscape(value)))
		sep = '&'
	}
	for _, v := range f.values() {
		add(v[0], v[1])
	}
	if f.before > 0 {
		add("before", strconv.FormatInt(f.before, 10))
	}
	for i := 0; i+1 < len(more); i += 2 {
		add(more[i], more[i+1])
	}
	return b.String()
}

// readable keeps slash and colon in a query as they are: an address that is sent to a colleague can be read.
var readable = strings.NewReplacer("%2F", "/", "%3A", ":")

// chip is a filter that one click puts on or takes off.
type chip struct {
	Text string
	Href string
	On   bool
	Off  bool // shows that a click takes it off
}

// choice is an entry of a select.
type choice struct {
	Value, Text string
	On          bool
}

// selectBox is one select of the filter form.
type selectBox struct {
	Name, Label string
	Choices     []choice
}

// chipPartners is how many partners have a chip of their own.
const chipPartners = 5

func (f filter) chips(p *i18n.Printer, partners []Partner, agreements []Agreement) []chip {
	out := []chip{
		{Text: p.T("wire.all"), Href: f.with("of", "").with("partner", "").at("/wire"), On: f.of == "" && f.partner == ""},
	}
	if len(partners) > 0 {
		out = append(out,
			chip{Text: p.T("wire.received"), Href: f.with("of", "received").with("partner", "").at("/wire"), On: f.of == "received" && f.partner == ""},
			chip{Text: p.T("wire.own"), Href: f.with("of", "own").with("partner", "").at("/wire"), On: f.of == "own"})
	}
	chosen := f.partnerIn(partners)
	for i, one := range partners {
		if i < chipPartners || i == chosen {
			out = append(out, chip{Text: one.Name, Href: f.with("of", "").with("partner", string(one.Root)).at("/wire"), On: i == chosen})
		}
	}
	today := chip{Text: p.T("when.today"), Href: f.with("day", "today").at("/wire"), On: f.day == "today"}
	if today.On {
		today.Href, today.Off = f.with("day", "").at("/wire"), true
	}
	out = append(out, today)
	for _, v := range f.values() {
		if v[0] != "of" && v[0] != "partner" && v != [2]string{"day", "today"} {
			out = append(out, chip{Text: nameOf(p, agreements, v[0], v[1]), Href: f.with(v[0], "").at("/wire"), On: true, Off: true})
		}
	}
	return out
}

// nameOf says a value of the filter in the reader's language.
func nameOf(p *i18n.Printer, agreements []Agreement, name, value string) string {
	switch name {
	case "agreement":
		return agreementOf(agreements, terms.AgreementID(value)).Name
	case "lang":
		return p.Language(value)
	case "type":
		return typeName(p, news.ItemType(value))
	case "subject":
		return mediatopic.Name(value, p.Lang())
	case "state":
		return stateName(p, news.State(value))
	case "day":
		return dayName(p, value)
	}
	return value
}

func dayName(p *i18n.Printer, day string) string {
	if day == "yesterday" {
		return p.T("when.yesterday")
	}
	t, err := time.ParseInLocation(time.DateOnly, day, p.Zone())
	if err != nil {
		return day
	}
	return p.Date(t)
}

// boxes are the selects of the filter form. What the wire holds can be chosen, and what is chosen stays.
func (f filter) boxes(p *i18n.Printer, facets library.Facets, partners []Partner, agreements []Agreement) []selectBox {
	box := func(name, value string, choices []choice) selectBox {
		choices = append([]choice{{Text: p.T("wire.any"), On: value == ""}}, choices...)
		if !slices.ContainsFunc(choices, func(c choice) bool { return c.On }) {
			choices = append(choices, choice{value, nameOf(p, agreements, name, value), true})
		}
		return selectBox{Name: name, Label: p.T("wire.filter." + name), Choices: choices}
	}
	counted := func(name, value string, counts []library.Count) selectBox {
		var choices []choice
		for _, c := range counts {
			choices = append(choices, choice{c.Value, nameOf(p, agreements, name, c.Value), c.Value == value})
		}
		return box(name, value, choices)
	}
	var whom, under []choice
	chosen := f.partnerIn(partners)
	for i, one := range partners {
		whom = append(whom, choice{string(one.Root[:min(len(one.Root), rootLetters)]), one.Name, i == chosen})
	}
	for _, a := range agreements {
		under = append(under, choice{string(a.ID), a.Name, string(a.ID) == f.agreement})
	}
	return []selectBox{
		box("partner", f.partner, whom), box("agreement", f.agreement, under), counted("lang", f.lang, facets.Langs), counted("type", f.kind, facets.Types),
		counted("subject", f.subject, facets.Subjects[:min(len(facets.Subjects), maxSubjects)]), counted("state", f.state, facets.States),
	}
}

// maxSubjects is how many subjects can be chosen, the most frequent.
const maxSubjects = 40

func typeName(p *i18n.Printer, t news.ItemType) string {
	if key := "wire.type." + string(t); p.Has(key) {
		return p.T(key)
	}
	return string(t)
}

func stateName(p *i18n.Printer, s news.State) string {
	if key := "wire.state." + string(s); p.Has(key) {
		return p.T(key)
	}
	return string(s)
}
