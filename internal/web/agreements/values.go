package agreements

import (
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/news"
	"newspool/internal/news/mediatopic"
	"newspool/internal/terms"
	"newspool/protocol"
)

// values is what stands in the fields of the editor. Rows have numbered names: p0- a party, f0- a flow, c0- a commitment.
type values struct{ url.Values }

// Limits of rows, so that a form cannot ask for endless ones.
const (
	maxParties     = 64
	maxFlows       = 99
	maxCommitments = 99
)

// rows is how many rows of a kind there are: "parties", "flows", "commitments".
func (v values) rows(name string) int {
	limit := map[string]int{"parties": maxParties, "flows": maxFlows, "commitments": maxCommitments}[name]
	n, err := strconv.Atoi(v.Get(name))
	if err != nil || n < 0 {
		return 0
	}
	return min(n, limit)
}

func (v values) setRows(name string, n int) { v.Set(name, strconv.Itoa(n)) }

// at is the name of a field of a row.
func at(prefix string, i int, field string) string { return prefix + strconv.Itoa(i) + "-" + field }

// drop takes a row out; those after it move up.
func (v values) drop(name, prefix string, i int) {
	n := v.rows(name)
	if i < 0 || i >= n {
		return
	}
	moved := url.Values{}
	for key, list := range v.Values {
		rest, ok := strings.CutPrefix(key, prefix)
		number, field, cut := strings.Cut(rest, "-")
		row, err := strconv.Atoi(number)
		if !ok || !cut || err != nil || row < i {
			moved[key] = list
			continue
		}
		if row > i {
			moved[at(prefix, row-1, field)] = list
		}
	}
	for key := range v.Values {
		delete(v.Values, key)
	}
	for key, list := range moved {
		v.Values[key] = list
	}
	v.setRows(name, n-1)
}

func (v values) has(name, value string) bool { return slices.Contains(v.Values[name], value) }

func (v values) on(name string) bool { return v.Get(name) == "yes" }

func (v values) setOn(name string, on bool) {
	if on {
		v.Set(name, "yes")
	}
}

func (v values) text(name string) string {
	return strings.ReplaceAll(strings.TrimSpace(v.Get(name)), "\r\n", "\n")
}

// langs are the languages in which a text stands in the form: purpose-en, purpose-fa.
func (v values) langs(prefix string) []news.Lang {
	var list []news.Lang
	for key := range v.Values {
		if lang, ok := strings.CutPrefix(key, prefix); ok && lang != "" {
			list = append(list, news.Lang(lang))
		}
	}
	slices.Sort(list)
	return list
}

// inLanguages reads a text in several languages. One of the six that the agreement is not written in is left out.
func (v values) inLanguages(prefix string, all bool) terms.InLanguages {
	out := terms.InLanguages{}
	for _, lang := range v.langs(prefix) {
		if !all && slices.Contains(terms.TextLanguages[:], lang) && !v.has("langs", string(lang)) {
			continue
		}
		if text := v.text(prefix + string(lang)); text != "" {
			out[lang] = text
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func (v values) setInLanguages(prefix string, t terms.InLanguages) {
	for lang, text := range t {
		v.Set(prefix+string(lang), text)
	}
}

// entries cuts a field at its commas.
func entries(text string) []string {
	var list []string
	for _, s := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '،' || r == ';' || r == '؛' || r == '\n' }) {
		if s = strings.TrimSpace(s); s != "" {
			list = append(list, s)
		}
	}
	return list
}

// digits writes the digits of all scripts as those of ASCII.
func digits(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '۰' && r <= '۹':
			return r - '۰' + '0'
		case r >= '٠' && r <= '٩':
			return r - '٠' + '0'
		case r == '٫':
			return '.'
		case unicode.IsSpace(r), r == '٬':
			return -1
		}
		return r
	}, text)
}

// million is what the ceilings of bytes are written in.
const million = 1_000_000

func (v values) setMillions(name string, n int64) {
	v.Set(name, strconv.FormatFloat(float64(n)/million, 'f', -1, 64))
}

func fillList[T ~string](v values, name string, list []T) {
	for _, x := range list {
		v.Add(name, string(x))
	}
}

// fill writes terms into the fields.
func fill(r terms.Revision) values {
	v := values{url.Values{}}
	v.Set("kind", string(r.Kind))
	v.setRows("parties", 0)
	for _, p := range r.Parties {
		v.addParty(p)
	}
	fillList(v, "langs", r.Languages)
	v.Set("prevails", string(r.Prevails))
	v.setInLanguages("purpose-", r.Purpose)
	v.Set("start", string(r.Start))
	v.Set("end", string(r.End))
	v.Set("sign_by", string(r.SignBy))
	v.Set("zone", r.Zone)
	v.Set("notice_days", strconv.Itoa(r.NoticeDays))
	v.Set("review", string(r.Review))
	v.setRows("flows", 0)
	for _, f := range r.Flows {
		v.addFlow(f)
	}
	v.fillUses(r.Uses)
	fillList(v, "roles", r.Embargo.Roles)
	v.Set("corrections", strconv.Itoa(r.Corrections.Minutes))
	v.Set("withdrawals", strconv.Itoa(r.Withdrawals.Minutes))
	v.setOn("delete", r.Withdrawals.Delete)
	v.Set("records", strconv.FormatInt(r.Ceilings.Records, 10))
	v.setMillions("bytes", r.Ceilings.Bytes)
	v.setMillions("media", r.Ceilings.Media)
	v.setInLanguages("secrecy-", r.Confidentiality.Text)
	v.Set("incident", strconv.Itoa(r.Confidentiality.IncidentHours))
	v.setRows("commitments", len(r.Commitments))
	for i, c := range r.Commitments {
		v.Set(at("c", i, "clause"), c.Clause)
		v.Set(at("c", i, "by"), string(c.By))
		v.setInLanguages(at("c", i, "text-"), c.Text)
	}
	return v
}

func (v values) addParty(p terms.Party) {
	i := v.rows("parties")
	v.setRows("parties", i+1)
	v.Set(at("p", i, "root"), string(p.Root))
	v.Set(at("p", i, "host"), string(p.Host))
	v.Set(at("p", i, "domain"), p.Domain)
	v.Set(at("p", i, "kind"), p.Kind)
	fillList(v, at("p", i, "langs"), p.Languages)
	v.setInLanguages(at("p", i, "name-"), p.Names)
	v.Set(at("p", i, "signer"), p.Signatory.Name)
	v.Set(at("p", i, "office"), p.Signatory.Office)
}

func (v values) addFlow(f terms.Flow) {
	i := v.rows("flows")
	v.setRows("flows", i+1)
	set := func(field, value string) { v.Set(at("f", i, field), value) }
	list := func(field string, items []string) { set(field, strings.Join(items, ", ")) }
	set("clause", f.Clause)
	fillList(v, at("f", i, "from"), f.From)
	fillList(v, at("f", i, "types"), f.Types)
	var more []string
	for _, code := range f.Subjects {
		if slices.Contains(mediatopic.Top(), code) {
			v.Add(at("f", i, "topics"), code)
		} else {
			more = append(more, code)
		}
	}
	list("more", more)
	list("except", f.Except)
	fillList(v, at("f", i, "langs"), f.Languages)
	set("umin", strconv.Itoa(int(f.UrgencyMin)))
	set("umax", strconv.Itoa(int(f.UrgencyMax)))
	list("genres", f.Genres)
	list("services", f.Services)
	list("all", f.Words.All)
	list("any", f.Words.Any)
	list("none", f.Words.None)
	list("phrases", f.Words.Phrases)
	switch {
	case f.Archive.From == 0:
		set("source", "wire")
	case f.Archive.SearchOnly:
		set("source", "search")
	default:
		set("source", "archive")
	}
	if f.Archive.From > 0 {
		set("years_from", strconv.Itoa(f.Archive.From))
	}
	if f.Archive.To > 0 {
		set("years_to", strconv.Itoa(f.Archive.To))
	}
}

func (v values) fillUses(u terms.Uses) {
	fillList(v, "publish", u.Publish)
	for name, on := range map[string]bool{
		"translate": u.Translate, "shorten": u.Shorten, "combine": u.Combine, "syndicate": u.Syndicate, "keep": u.Keep, "train": u.Train, "link_back": u.LinkBack,
	} {
		v.setOn(name, on)
	}
	v.Set("regions", strings.Join(u.Regions, ", "))
	v.Set("days", strconv.Itoa(u.Days))
	v.setInLanguages("credit-", u.Credit)
	v.Set("notice", string(u.Notice))
}

// builder makes terms out of the fields and keeps what cannot be made out.
type builder struct {
	v        values
	p        *i18n.Printer
	f        *Family
	old      *terms.Revision // what is amended; nil for a new agreement
	problems []finding
}

// finding is something that is wrong with the terms: where, as the terms name it, and what.
type finding struct {
	Where string
	Text  string
	Fatal bool
	ID    string // of the field
	Label string // what the field is called
}

func (b *builder) wrong(where, key string, args ...any) {
	b.problems = append(b.problems, finding{Where: where, Text: b.p.T(key, args...), Fatal: true})
}

// number reads a whole number; an empty field is 0.
func (b *builder) number(where, name string) int64 {
	s := digits(b.v.Get(name))
	if s == "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		b.wrong(where, "agreement.form.number")
		return 0
	}
	return n
}

// millions reads a number of millions, with decimals.
func (b *builder) millions(where, name string) int64 {
	s := digits(b.v.Get(name))
	x, err := strconv.ParseFloat(s, 64)
	if s == "" {
		return 0
	}
	if err != nil || math.IsNaN(x) || math.Abs(x) > 1e9 {
		b.wrong(where, "agreement.form.number")
		return 0
	}
	return int64(math.Round(x * million))
}

func listOf[T ~string](v values, name string) []T {
	var list []T
	for _, s := range v.Values[name] {
		if s != "" && !slices.Contains(list, T(s)) {
			list = append(list, T(s))
		}
	}
	return list
}

// build makes terms of what stands in the fields, and says what cannot be read. What the terms mean together is for Validate.
func (f *Family) build(p *i18n.Printer, v values, old *terms.Revision) (terms.Revision, []finding) {
	b := &builder{v: v, p: p, f: f, old: old}
	var parties []terms.Party
	for i := range v.rows("parties") {
		parties = append(parties, b.party(i))
	}
	kind := terms.Kind(v.Get("kind"))
	r := terms.Template(kind, parties...) // for what the same in all agreements
	r.Author = f.us()
	r.Languages, r.Prevails = nil, news.Lang(v.Get("prevails"))
	for _, lang := range terms.TextLanguages {
		if v.has("langs", string(lang)) {
			r.Languages = append(r.Languages, lang)
		}
	}
	r.Purpose = v.inLanguages("purpose-", false)
	r.Start, r.End, r.SignBy = terms.Date(v.text("start")), terms.Date(v.text("end")), terms.Date(v.text("sign_by"))
	r.Zone = v.text("zone")
	r.NoticeDays = int(b.number("notice_days", "notice_days"))
	r.Review = terms.Review(v.Get("review"))
	r.Flows = nil
	for i := range v.rows("flows") {
		r.Flows = append(r.Flows, b.flow(i))
	}
	r.Uses = b.uses(r.Uses.Clause)
	r.Embargo.Roles = listOf[terms.Role](v, "roles")
	r.Corrections.Minutes = int(b.number("corrections.minutes", "corrections"))
	r.Withdrawals.Minutes, r.Withdrawals.Delete = int(b.number("withdrawals.minutes", "withdrawals")), v.on("delete")
	r.Ceilings = terms.Counts{Records: b.number("ceilings.records", "records"), Bytes: b.millions("ceilings.bytes", "bytes"), Media: b.millions("ceilings.media", "media")}
	r.Confidentiality.Text = v.inLanguages("secrecy-", false)
	r.Confidentiality.IncidentHours = int(b.number("confidentiality.incident_hours", "incident"))
	r.Commitments = nil
	for i := range v.rows("commitments") {
		r.Commitments = append(r.Commitments, terms.Commitment{
			Clause: b.clause("8", "c", i), By: news.Root(v.Get(at("c", i, "by"))), Text: v.inLanguages(at("c", i, "text-"), false),
		})
	}
	return r, b.problems
}

// clause is the number of a row: the one that it has where terms are amended, so that it can be compared; else its place.
func (b *builder) clause(chapter, prefix string, i int) string {
	if number := b.v.Get(at(prefix, i, "clause")); b.old != nil && number != "" {
		return number
	}
	if b.old == nil {
		return chapter + "." + strconv.Itoa(i+1)
	}
	highest := 0
	taken := func(number string) {
		if n, err := strconv.Atoi(strings.TrimPrefix(number, chapter+".")); err == nil && n < 1000 {
			highest = max(highest, n)
		}
	}
	for _, f := range b.old.Flows {
		taken(f.Clause)
	}
	for _, c := range b.old.Commitments {
		taken(c.Clause)
	}
	for key, list := range b.v.Values {
		if strings.HasPrefix(key, prefix) && strings.HasSuffix(key, "-clause") && len(list) > 0 {
			taken(list[0])
		}
	}
	number := chapter + "." + strconv.Itoa(highest+1)
	b.v.Set(at(prefix, i, "clause"), number)
	return number
}

// party is a party of the form. What a newsroom says about itself is taken from where we know it, never from the form.
func (b *builder) party(i int) terms.Party {
	v := b.v
	signatory := terms.Signatory{Name: v.text(at("p", i, "signer")), Office: v.text(at("p", i, "office"))}
	root := news.Root(v.Get(at("p", i, "root")))
	if node := news.Root(v.Get(at("p", i, "node"))); root == "" && node != "" {
		if known, ok := b.f.o.Directory.Partner(node); ok && known.Domain == v.text(at("p", i, "domain")) {
			root = node
		}
	}
	if root != "" {
		p, ok := b.f.partyOf(root)
		if !ok && b.old != nil {
			p, ok = b.old.Party(root)
		}
		if !ok {
			b.problems = append(b.problems, finding{Where: "parties", Text: terms.Sentence(b.p, fault.New(fault.NotFound, "partner.unknown")), Fatal: true})
		}
		p.Root, p.Signatory = root, signatory
		return p
	}
	host := news.Root(v.Get(at("p", i, "host")))
	if host == "" {
		host = b.f.us()
	}
	return terms.Party{
		Host: host, Domain: strings.ToLower(v.text(at("p", i, "domain"))), Kind: v.Get(at("p", i, "kind")),
		Names: v.inLanguages(at("p", i, "name-"), true), Languages: listOf[news.Lang](v, at("p", i, "langs")), Signatory: signatory,
	}
}

// identityOf is what a newsroom says about itself: ours, or one that we have pinned.
func (f *Family) identityOf(root news.Root) (protocol.Identity, bool) {
	if self := f.o.Directory.Self(); root == news.Root(self.Root) {
		return self, true
	}
	known, ok := f.o.Directory.Partner(root)
	return known.Identity, ok
}

// partyOf is a party made of what a newsroom says about itself: ours, or one that we have pinned.
func (f *Family) partyOf(root news.Root) (terms.Party, bool) {
	id, ok := f.identityOf(root)
	if !ok {
		return terms.Party{}, false
	}
	return terms.PartyOf(id), true
}

func (b *builder) flow(i int) terms.Flow {
	v, where := b.v, "flows["+strconv.Itoa(i)+"]"
	name := func(field string) string { return at("f", i, field) }
	f := terms.Flow{
		Clause: b.clause("2", "f", i), From: listOf[news.Root](v, name("from")), Types: listOf[news.ItemType](v, name("types")),
		Languages: listOf[news.Lang](v, name("langs")), UrgencyMin: news.Urgency(b.number(where+".urgency_min", name("umin"))),
		UrgencyMax: news.Urgency(b.number(where+".urgency_max", name("umax"))), Genres: entries(v.Get(name("genres"))), Services: entries(v.Get(name("services"))),
		Words: terms.WordTerms{
			All: entries(v.Get(name("all"))), Any: entries(v.Get(name("any"))), None: entries(v.Get(name("none"))), Phrases: entries(v.Get(name("phrases"))),
		},
	}
	for _, code := range mediatopic.Top() {
		if v.has(name("topics"), code) {
			f.Subjects = append(f.Subjects, code)
		}
	}
	f.Subjects = append(f.Subjects, b.subjects(where+".subjects", v.Get(name("more")))...)
	f.Except = b.subjects(where+".except", v.Get(name("except")))
	if source := v.Get(name("source")); source == "archive" || source == "search" {
		f.Archive = terms.Archive{
			From: int(b.number(where+".archive", name("years_from"))), To: int(b.number(where+".archive", name("years_to"))), SearchOnly: source == "search",
		}
		if f.Archive.From == 0 {
			b.wrong(where+".archive", "terms.problem.years")
		}
	}
	return f
}

// subjects reads names and codes. A name must be one of Media Topics; a code may be of another vocabulary.
func (b *builder) subjects(where, text string) []string {
	var codes []string
	for _, entry := range entries(text) {
		code := entry
		if !strings.Contains(entry, ":") {
			found := mediatopic.Search(entry, b.p.Lang())
			exact := slices.IndexFunc(found, func(c string) bool { return strings.EqualFold(mediatopic.Name(c, b.p.Lang()), entry) })
			if exact < 0 {
				b.wrong(where, "agreement.form.subject_unknown", "name", entry)
				continue
			}
			code = found[exact]
		}
		if !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	return codes
}

func (b *builder) uses(clause string) terms.Uses {
	v := b.v
	u := terms.Uses{
		Clause: clause, Publish: listOf[terms.Channel](v, "publish"), Translate: v.on("translate"), Shorten: v.on("shorten"), Combine: v.on("combine"),
		Syndicate: v.on("syndicate"), Keep: v.on("keep"), Train: v.on("train"), Days: int(b.number("uses.days", "days")),
		Credit: v.inLanguages("credit-", true), LinkBack: v.on("link_back"), Notice: terms.Notice(v.Get("notice")),
	}
	for _, code := range strings.FieldsFunc(v.Get("regions"), func(r rune) bool { return r == ',' || r == '،' || unicode.IsSpace(r) }) {
		u.Regions = append(u.Regions, strings.ToUpper(code))
	}
	return u
}
