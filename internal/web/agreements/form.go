package agreements

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"newspool/internal/i18n"
	"newspool/internal/news"
	"newspool/internal/news/mediatopic"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

// chapter is a chapter of the terms in the editor.
type chapter struct {
	Number string
	ID     string
	Title  string
	Hint   string
	Parts  []part
	Adds   []add
}

// part is fields that belong together: a party, a flow, the term.
type part struct {
	ID     string
	Legend string
	Note   string
	Mark   *page.Mark
	Hidden []hidden
	Blocks []block
	More   []block // what is seldom needed
	Open   bool    // More is filled in, or has something wrong in it
	Drop   string  // the act that takes the part out
	DropAs string
}

// add is a button that adds a part, with a choice where there is one.
type add struct {
	Act, Text string
	Name      string
	Options   []option
}

// block is one field, or several boxes under one name.
type block struct {
	Kind    string // "line", "number", "date", "area", "select", "checks", "check"
	ID      string
	Where   string // as the terms name it
	Name    string
	Label   string
	Hint    string
	Value   string
	Lang    string // of the text that is written there
	Wide    bool
	Options []option
	Problem string
}

// form makes the fields of the editor.
type form struct {
	f     *Family
	p     *i18n.Printer
	v     values
	old   *terms.Revision
	found []finding

	goesOn bool // the terms replace others: who takes part stays the same
}

var notInID = regexp.MustCompile(`[^a-zA-Z0-9]+`)

func fieldID(where string) string {
	return "at-" + strings.Trim(notInID.ReplaceAllString(where, "-"), "-")
}

// field makes a block; its label is agreement.form.<label>, its hint the same with _hint.
func (m *form) field(kind, where, name, label string) block {
	b := block{Kind: kind, ID: fieldID(where), Where: where, Name: name, Label: m.p.T("agreement.form." + label), Value: m.v.Get(name)}
	if hint := "agreement.form." + label + "_hint"; m.p.Has(hint) {
		b.Hint = m.p.T(hint)
	}
	if t := terms.Date(b.Value); kind == "date" && t.Valid() {
		b.Hint = m.p.Date(dayOf(t, m.p.Zone()))
	}
	return b
}

func (m *form) checks(where, name, label string, options ...option) block {
	b := m.field("checks", where, name, label)
	for _, o := range options {
		o.On = m.v.has(name, o.Value)
		b.Options = append(b.Options, o)
	}
	b.Wide = true
	return b
}

func (m *form) choice(where, name, label string, options ...option) block {
	b := m.field("select", where, name, label)
	for _, o := range options {
		o.On = o.Value == b.Value
		b.Options = append(b.Options, o)
	}
	return b
}

// check is a single box.
func (m *form) check(where, name, label string) block {
	b := m.field("check", where, name, label)
	b.Options = []option{{Value: "yes", On: m.v.on(name)}}
	return b
}

// texts is one field for each language of the agreement, and for each in which there is a text already.
func (m *form) texts(kind, where, prefix, label string, more bool) []block {
	var list []block
	langs := listOf[news.Lang](m.v, "langs")
	for _, lang := range m.v.langs(prefix) {
		if more && !slices.Contains(langs, lang) && m.v.text(prefix+string(lang)) != "" {
			langs = append(langs, lang)
		}
	}
	for _, lang := range langs {
		b := m.field(kind, where+"."+string(lang), prefix+string(lang), label)
		b.Label = m.p.T("agreement.form.in_language", "what", i18n.Plain(b.Label), "language", i18n.Plain(m.p.Language(string(lang))))
		b.Lang, b.Wide = string(lang), kind == "area"
		list = append(list, b)
	}
	return list
}

func (m *form) words(prefix string, names ...string) []option {
	var list []option
	for _, name := range names {
		list = append(list, option{Value: name, Text: m.p.T(prefix + strings.ReplaceAll(name, "-", "_"))})
	}
	return list
}

func texts[T ~string](list []T) []string {
	out := make([]string, 0, len(list))
	for _, x := range list {
		out = append(out, string(x))
	}
	return out
}

func (m *form) languages(tags []string) []option {
	var list []option
	for _, tag := range tags {
		list = append(list, option{Value: tag, Text: m.p.Language(tag)})
	}
	return list
}

// flowLanguages are the six, and those in which a party works or that a flow names already.
func (m *form) flowLanguages() []string {
	list := texts(terms.TextLanguages[:])
	add := func(tags []string) {
		for _, tag := range tags {
			if tag != "" && !slices.Contains(list, tag) {
				list = append(list, tag)
			}
		}
	}
	for i := range m.v.rows("parties") {
		add(m.v.Values[at("p", i, "langs")])
	}
	for i := range m.v.rows("flows") {
		add(m.v.Values[at("f", i, "langs")])
	}
	return list
}

// senders are the parties with a node, by name.
func (m *form) senders() []option {
	var list []option
	for i := range m.v.rows("parties") {
		root := news.Root(m.v.Get(at("p", i, "root")))
		if root == "" {
			continue
		}
		list = append(list, option{Value: string(root), Text: m.partyName(i)})
	}
	return list
}

func (m *form) partyName(i int) string {
	root := news.Root(m.v.Get(at("p", i, "root")))
	if root != "" {
		if name := m.f.o.Directory.NameOf(root, m.p.Lang()); name != "" {
			return name
		}
		if m.old != nil {
			return m.old.PartyName(root, news.Lang(m.p.Lang()))
		}
	}
	if name := m.v.inLanguages(at("p", i, "name-"), true).In(news.Lang(m.p.Lang())); name != "" {
		return name
	}
	return m.v.Get(at("p", i, "domain"))
}

// chapters are all fields, with what was found wrong beside them. The findings get the fields that they belong to.
func (m *form) chapters() []chapter {
	list := []chapter{m.partyChapter(), m.termChapter(), m.flowChapter(), m.useChapter(), m.embargoChapter(), m.followChapter(), m.ceilingChapter(), m.secrecyChapter(), m.promiseChapter()}
	var all []located
	for i := range list {
		for j := range list[i].Parts {
			x := &list[i].Parts[j]
			for k := range x.Blocks {
				all = append(all, located{&x.Blocks[k], x, false})
			}
			for k := range x.More {
				x.Open = x.Open || x.More[k].filled()
				all = append(all, located{&x.More[k], x, true})
			}
		}
	}
	place := map[string]int{} // of a finding: its field
	for i := range m.found {
		x := &m.found[i]
		n := placeOf(all, x.Where)
		place[x.Where] = n
		if n < 0 {
			continue
		}
		at := all[n]
		x.ID, x.Label = at.block.ID, at.block.Label
		if at.part.Legend != "" {
			x.Label = at.part.Legend + ", " + x.Label
		}
		at.block.Problem = strings.TrimSpace(at.block.Problem + " " + x.Text)
		at.part.Open = at.part.Open || at.more
	}
	slices.SortStableFunc(m.found, func(a, b finding) int { return place[a.Where] - place[b.Where] })
	return list
}

// located is a field with the part that it stands in.
type located struct {
	block *block
	part  *part
	more  bool
}

// filled reports whether a field says something.
func (b block) filled() bool {
	if b.Kind == "checks" || b.Kind == "check" {
		return slices.ContainsFunc(b.Options, func(o option) bool { return o.On })
	}
	return b.Value != "" && b.Value != "0" && b.Value != "wire"
}

// placeOf is the field for a finding: the one of that name, else one within it, else one that it lies within.
func placeOf(all []located, where string) int {
	within := func(a, b string) bool { return strings.HasPrefix(a, b+".") || strings.HasPrefix(a, b+"[") }
	for _, fits := range []func(string) bool{
		func(name string) bool { return name == where },
		func(name string) bool { return within(name, where) },
		func(name string) bool { return within(where, name) },
	} {
		if n := slices.IndexFunc(all, func(x located) bool { return fits(x.block.Where) }); n >= 0 {
			return n
		}
	}
	return -1
}

func (m *form) chapter(number, id string, parts ...part) chapter {
	c := chapter{Number: number, ID: id, Title: m.p.T("agreement.form.chapter_" + id), Parts: parts}
	if hint := "agreement.form.chapter_" + id + "_hint"; m.p.Has(hint) {
		c.Hint = m.p.T(hint)
	}
	return c
}

func (m *form) partyChapter() chapter {
	c := m.chapter("1.1", "parties")
	var in []string
	for i := range m.v.rows("parties") {
		in = append(in, m.v.Get(at("p", i, "root")))
		c.Parts = append(c.Parts, m.partyPart(i))
	}
	if m.goesOn {
		c.Hint = m.p.T("agreement.other_parties")
		return c
	}
	var known []option
	for _, p := range m.f.o.Directory.Partners() {
		if !p.Blocked && !slices.Contains(in, string(p.Root)) {
			known = append(known, option{Value: string(p.Root), Text: m.f.o.Directory.NameOf(p.Root, m.p.Lang())})
		}
	}
	if len(known) > 0 {
		c.Adds = append(c.Adds, add{Act: "party-add", Text: m.p.T("agreement.form.party_add"), Name: "party_new", Options: known})
	}
	c.Adds = append(c.Adds, add{Act: "party-host", Text: m.p.T("agreement.form.party_host")})
	return c
}

func (m *form) partyPart(i int) part {
	where := fmt.Sprintf("parties[%d]", i)
	root := m.v.Get(at("p", i, "root"))
	name := m.partyName(i)
	mark := page.NewMark(name, news.Root(root+m.v.Get(at("p", i, "domain"))), root == string(m.f.us()))
	if root != "" {
		mark = page.NewMark(m.f.ownName(news.Root(root), name), news.Root(root), root == string(m.f.us()))
	}
	x := part{ID: fieldID(where), Legend: name, Mark: &mark}
	for _, field := range []string{"root", "host"} {
		x.Hidden = append(x.Hidden, hidden{at("p", i, field), m.v.Get(at("p", i, field))})
	}
	if root == "" {
		x.Note = m.p.T("agreement.no_node")
		x.Blocks = append(x.Blocks, m.texts("line", where+".names", at("p", i, "name-"), "party_name", true)...)
		if m.goesOn {
			x.Hidden = append(x.Hidden, hidden{at("p", i, "domain"), m.v.Get(at("p", i, "domain"))})
		} else {
			x.Blocks = append(x.Blocks, m.field("line", where+".domain", at("p", i, "domain"), "party_domain"))
		}
		x.Blocks = append(x.Blocks, m.choice(where+".kind", at("p", i, "kind"), "party_kind", outlets(m.p, "")...),
			m.checks(where+".languages", at("p", i, "langs"), "party_langs", m.languages(m.flowLanguages())...))
		for _, known := range m.f.o.Directory.Partners() {
			if known.Domain != "" && known.Domain == m.v.text(at("p", i, "domain")) {
				b := m.field("check", where+".root", at("p", i, "node"), "party_node")
				b.Options, b.Wide = []option{{Value: string(known.Root), On: b.Value == string(known.Root)}}, true
				x.Blocks = append(x.Blocks, b)
			}
		}
	} else {
		x.Note = m.v.Get(at("p", i, "domain"))
		for _, field := range []string{"domain", "kind"} {
			x.Hidden = append(x.Hidden, hidden{at("p", i, field), m.v.Get(at("p", i, field))})
		}
		for _, lang := range m.v.Values[at("p", i, "langs")] {
			x.Hidden = append(x.Hidden, hidden{at("p", i, "langs"), lang})
		}
	}
	signer := m.field("line", where+".signatory", at("p", i, "signer"), "signer")
	if root == string(m.f.us()) {
		signer.Hint = ""
	}
	x.Blocks = append(x.Blocks, signer, m.field("line", where+".signatory.office", at("p", i, "office"), "office"))
	if root != string(m.f.us()) && !m.goesOn {
		x.Drop, x.DropAs = "party-drop:"+strconv.Itoa(i), m.p.T("agreement.form.party_drop")
	}
	return x
}

func (m *form) termChapter() chapter {
	langs := m.checks("languages", "langs", "langs", m.languages(texts(terms.TextLanguages[:]))...)
	prevails := m.choice("prevails", "prevails", "prevails", m.languages(texts(terms.TextLanguages[:]))...)
	zone := m.field("line", "zone", "zone", "zone")
	review := m.choice("review", "review", "review", m.words("agreement.form.review_", "none", "month", "quarter", "half-year", "year")...)
	review.Options[0].Value, review.Options[0].On = "", review.Value == ""
	kinds := terms.Offered[:]
	if has := terms.Kind(m.v.Get("kind")); slices.Contains(terms.Kinds[:], has) && !slices.Contains(kinds, has) {
		kinds = append(slices.Clone(kinds), has)
	}
	kind := m.choice("kind", "kind", "kind", m.words("agreement.kind.", texts(kinds)...)...)
	blocks := m.texts("area", "purpose", "purpose-", "purpose", false)
	return m.chapter("1.2", "term",
		part{ID: "purpose", Blocks: append([]block{kind, prevails, langs}, blocks...)},
		part{ID: "term", Blocks: []block{
			m.field("date", "start", "start", "start"), m.field("date", "end", "end", "end"), m.field("date", "sign_by", "sign_by", "sign_by"),
			m.field("number", "notice_days", "notice_days", "notice_days"), review, zone,
		}})
}

func (m *form) flowChapter() chapter {
	c := m.chapter("2", "flows")
	for i := range m.v.rows("flows") {
		c.Parts = append(c.Parts, m.flowPart(i))
	}
	c.Adds = []add{{Act: "flow-add", Text: m.p.T("agreement.form.flow_add")}}
	return c
}

func (m *form) flowPart(i int) part {
	where := fmt.Sprintf("flows[%d]", i)
	name := func(field string) string { return at("f", i, field) }
	number := m.v.Get(name("clause"))
	if number == "" || m.old == nil {
		number = "2." + strconv.Itoa(i+1)
	}
	var topics []option
	for _, code := range mediatopic.Top() {
		topics = append(topics, option{Value: code, Text: mediatopic.Name(code, m.p.Lang())})
	}
	urgencies := []option{{Value: "0", Text: m.p.T("agreement.form.no_limit")}}
	for n := 1; n <= 9; n++ {
		urgencies = append(urgencies, option{Value: strconv.Itoa(n), Text: m.p.Digits(n)})
	}
	x := part{ID: fieldID(where), Legend: m.p.T("agreement.form.flow", "number", i18n.Plain(number)), Hidden: []hidden{{name("clause"), m.v.Get(name("clause"))}}}
	line := func(at, field, label string) block { return m.field("line", where+at, name(field), label) }
	x.Blocks = []block{
		m.checks(where+".from", name("from"), "from", m.senders()...),
		m.checks(where+".types", name("types"), "types", m.words("terms.type.", texts(news.ItemTypes[:])...)...),
		m.checks(where+".subjects", name("topics"), "topics", topics...),
		line(".subjects.more", "more", "more"), line(".except", "except", "except"),
		m.checks(where+".languages", name("langs"), "flow_langs", m.languages(m.flowLanguages())...),
	}
	x.More = []block{
		m.choice(where+".archive", name("source"), "source", m.words("agreement.form.source_", "wire", "archive", "search")...),
		m.field("number", where+".archive.from", name("years_from"), "years_from"), m.field("number", where+".archive.to", name("years_to"), "years_to"),
		m.choice(where+".urgency_min", name("umin"), "umin", urgencies...), m.choice(where+".urgency_max", name("umax"), "umax", urgencies...),
		line(".services", "services", "services"), line(".genres", "genres", "genres"),
		line(".words.all", "all", "words_all"), line(".words.any", "any", "words_any"), line(".words.phrases", "phrases", "words_phrases"), line(".words.none", "none", "words_none"),
	}
	if m.v.rows("flows") > 1 {
		x.Drop, x.DropAs = "flow-drop:"+strconv.Itoa(i), m.p.T("agreement.form.flow_drop")
	}
	return x
}

func (m *form) useChapter() chapter {
	may := m.field("checks", "uses", "", "may")
	may.Wide = true
	for _, name := range []string{"translate", "shorten", "combine", "syndicate", "keep", "train"} {
		may.Options = append(may.Options, option{Value: name, Text: m.p.T("agreement.form.may_" + name), On: m.v.on(name)})
	}
	notice := m.choice("uses.notice", "notice", "notice", m.words("agreement.form.notice_", "no", "before", "after")...)
	notice.Options[0].Value, notice.Options[0].On = "", notice.Value == ""
	blocks := []block{m.checks("uses.publish", "publish", "publish", m.words("terms.channel.", texts(terms.Channels[:])...)...), may}
	blocks = append(blocks, m.field("line", "uses.regions", "regions", "regions"), m.field("number", "uses.days", "days", "days"), notice)
	credit := m.texts("line", "uses.credit", "credit-", "credit", true)
	for i := range credit {
		if i > 0 {
			credit[i].Hint = ""
		}
	}
	link := m.check("uses.link_back", "link_back", "link_back")
	link.Wide = true
	credit = append(credit, link)
	return m.chapter("3", "uses", part{ID: "uses", Blocks: append(blocks, credit...)})
}

func (m *form) embargoChapter() chapter {
	return m.chapter("4", "embargo", part{ID: "embargo", Blocks: []block{m.checks("embargo.roles", "roles", "roles", m.words("terms.role.", texts(terms.Roles[:])...)...)}})
}

func (m *form) followChapter() chapter {
	return m.chapter("5", "follow", part{ID: "follow", Blocks: []block{
		m.field("number", "corrections.minutes", "corrections", "corrections"), m.field("number", "withdrawals.minutes", "withdrawals", "withdrawals"),
		m.check("withdrawals.delete", "delete", "delete"),
	}})
}

func (m *form) ceilingChapter() chapter {
	return m.chapter("6", "ceilings", part{ID: "ceilings", Blocks: []block{
		m.field("number", "ceilings.records", "records", "records"), m.field("line", "ceilings.bytes", "bytes", "bytes"), m.field("line", "ceilings.media", "media", "media"),
	}})
}

func (m *form) secrecyChapter() chapter {
	blocks := m.texts("area", "confidentiality.text", "secrecy-", "secrecy", false)
	return m.chapter("7", "secrecy", part{ID: "secrecy", Blocks: append(blocks, m.field("number", "confidentiality.incident_hours", "incident", "incident"))})
}

func (m *form) promiseChapter() chapter {
	c := m.chapter("8", "promises")
	everyone := []option{{Text: m.p.T("agreement.form.by_each")}}
	for i := range m.v.rows("commitments") {
		where := fmt.Sprintf("commitments[%d]", i)
		x := part{ID: fieldID(where), Hidden: []hidden{{at("c", i, "clause"), m.v.Get(at("c", i, "clause"))}}}
		x.Blocks = append([]block{m.choice(where+".by", at("c", i, "by"), "by", append(everyone, m.senders()...)...)}, m.texts("area", where+".text", at("c", i, "text-"), "promise", false)...)
		x.Drop, x.DropAs = "commitment-drop:"+strconv.Itoa(i), m.p.T("agreement.form.promise_drop")
		c.Parts = append(c.Parts, x)
	}
	c.Adds = []add{{Act: "commitment-add", Text: m.p.T("agreement.form.promise_add")}}
	return c
}
