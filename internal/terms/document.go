package terms

import (
	"slices"
	"strconv"

	"newspool/internal/news"
)

// Clause is one clause of the readable document. The first one, without a number, is the title.
type Clause struct {
	Number    string
	Heading   Line
	Sentences []Line
}

// Text is the readable document, made from the typed terms. The free texts in it are in lang, else in the language that
// prevails. Everything that the revision agrees stands in it.
func Text(r Revision, lang news.Lang) []Clause { return document(r, []news.Lang{lang}) }

// document has each free text in each of the languages.
func document(r Revision, langs []news.Lang) []Clause {
	d := writer{r: r, langs: langs}
	d.title()
	d.parties()
	d.term()
	for _, f := range r.Flows {
		d.flow(f)
	}
	if len(r.Flows) == 0 {
		d.clause(chapterFlows, "clause.heading.flows", line("clause.flow.nothing"))
	}
	d.uses()
	d.handling()
	d.promises()
	return d.clauses
}

type writer struct {
	r       Revision
	langs   []news.Lang
	clauses []Clause
}

func (d *writer) clause(number, heading string, lines ...Line) {
	d.clauses = append(d.clauses, Clause{Number: number, Heading: line(heading), Sentences: lines})
}

// say adds sentences to the clause begun last.
func (d *writer) say(lines ...Line) {
	last := &d.clauses[len(d.clauses)-1]
	last.Sentences = append(last.Sentences, lines...)
}

// free gives the lines of a free text.
func (d *writer) free(t InLanguages) []Line {
	var lines []Line
	for _, lang := range d.langs {
		if text := t.In(lang, d.r.Prevails); text != "" {
			lines = append(lines, line("clause.text", "text", text))
		}
	}
	return lines
}

func choose(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

func (d *writer) roots(roots []news.Root) []string {
	var list []string
	for _, root := range roots {
		list = append(list, d.name(root))
	}
	return list
}

// name is a newsroom in the first language of the document.
func (d *writer) name(root news.Root) string {
	lang := d.r.Prevails
	if len(d.langs) > 0 {
		lang = d.langs[0]
	}
	return d.r.PartyName(root, lang)
}

func (d *writer) title() {
	r := d.r
	d.clause("", kindKey(r.Kind), line("clause.revision", "number", strconv.Itoa(r.Number), "agreement", string(r.Agreement)))
	if r.Predecessor != "" {
		d.say(line("clause.predecessor", "predecessor", string(r.Predecessor)))
	}
}

func (d *writer) parties() {
	d.clause(clauseParties, "clause.heading.parties")
	for _, p := range d.r.Parties {
		for _, lang := range d.langs {
			name := p.Names.In(lang, d.r.Prevails)
			kind := valueKind + p.Kind
			if p.Root == "" {
				d.say(line("clause.party.hosted", "name", name, "kind", kind, "domain", p.Domain, "host", d.name(p.Host)))
			} else {
				d.say(line("clause.party.node", "name", name, "kind", kind, "domain", p.Domain, "root", string(p.Root)))
			}
			if len(p.Languages) > 0 {
				d.say(line("clause.party.languages", "name", name, "languages", listValue(valueLanguage, p.Languages)))
			}
			if p.Signatory.Name != "" {
				d.say(line("clause.party.signatory", "name", name, "signatory", p.Signatory.Name, "office", p.Signatory.Office))
			}
		}
	}
	d.clause(clausePurpose, "clause.heading.purpose", d.free(d.r.Purpose)...)
}

func (d *writer) term() {
	r, zone := d.r, d.r.Location()
	d.clause(clauseTerm, "clause.heading.term")
	if r.Start == "" {
		d.say(line("clause.term.from_closing"))
	} else {
		d.say(line("clause.term.from", "from", dayValue(r.Start, zone)))
	}
	if r.End == "" {
		d.say(line("clause.term.open"))
	} else {
		d.say(line("clause.term.until", "until", dayValue(r.End, zone)))
	}
	d.say(line("clause.term.zone", "zone", r.Zone), line("clause.term.after"))

	d.clause(clauseNotice, "clause.heading.notice")
	if r.NoticeDays > 0 {
		d.say(line("clause.notice.days", "n", int64(r.NoticeDays)))
	} else {
		d.say(line("clause.notice.at_once"))
	}
	d.say(line("clause.notice.suspend"))

	d.clause(clauseSigning, "clause.heading.signing", line("clause.signing.author", "author", d.name(r.Author)))
	if r.SignBy != "" {
		d.say(line("clause.signing.by", "until", dayValue(r.SignBy, zone)))
	}
	d.clause(clauseReview, "clause.heading.review", line(reviewKey(r.Review)))
	d.clause(clauseLanguages, "clause.heading.languages",
		line("clause.languages.readable", "languages", listValue(valueLanguage, r.Languages)),
		line("clause.languages.prevails", "language", valueLanguage+string(r.Prevails)))
}

func (d *writer) flow(f Flow) {
	d.clause(f.Clause, "clause.heading.flows")
	if len(f.From) == 0 {
		d.say(line("clause.flow.everyone"))
	} else {
		d.say(line("clause.flow.from", "newsrooms", d.roots(f.From)))
	}
	switch {
	case !f.Archive.open():
		d.say(line("clause.flow.wire"))
	case f.Archive.SearchOnly:
		d.say(line("clause.flow.archive_search", "years", yearsValue(f.Archive)))
	default:
		d.say(line("clause.flow.archive_use", "years", yearsValue(f.Archive)))
	}
	if len(f.Types) > 0 {
		d.say(line("clause.flow.types", "types", listValue(valueType, f.Types)))
	}
	if len(f.Subjects) > 0 {
		d.say(line("clause.flow.subjects", "subjects", listValue(valueSubject, f.Subjects)))
	}
	if len(f.Except) > 0 {
		d.say(line("clause.flow.except", "subjects", listValue(valueSubject, f.Except)))
	}
	if len(f.Languages) > 0 {
		d.say(line("clause.flow.languages", "languages", listValue(valueLanguage, f.Languages)))
	}
	switch {
	case f.UrgencyMin > 0 && f.UrgencyMax > 0:
		d.say(line("clause.flow.urgency_between", "min", int64(f.UrgencyMin), "max", int64(f.UrgencyMax)))
	case f.UrgencyMin > 0:
		d.say(line("clause.flow.urgency_from", "min", int64(f.UrgencyMin)))
	case f.UrgencyMax > 0:
		d.say(line("clause.flow.urgency_to", "max", int64(f.UrgencyMax)))
	}
	if len(f.Genres) > 0 {
		d.say(line("clause.flow.genres", "genres", slices.Clone(f.Genres)))
	}
	if len(f.Services) > 0 {
		d.say(line("clause.flow.services", "services", slices.Clone(f.Services)))
	}
	d.words(f.Words)
}

func (d *writer) words(w WordTerms) {
	if w.IsZero() {
		return
	}
	if len(w.All) > 0 {
		d.say(line("clause.flow.words_all", "words", slices.Clone(w.All)))
	}
	switch {
	case len(w.Any) > 0 && len(w.Phrases) > 0:
		d.say(line("clause.flow.words_or_phrases", "words", slices.Clone(w.Any), "phrases", slices.Clone(w.Phrases)))
	case len(w.Any) > 0:
		d.say(line("clause.flow.words_any", "words", slices.Clone(w.Any)))
	case len(w.Phrases) > 0:
		d.say(line("clause.flow.phrases", "phrases", slices.Clone(w.Phrases)))
	}
	if len(w.None) > 0 {
		d.say(line("clause.flow.words_none", "words", slices.Clone(w.None)))
	}
	d.say(line("clause.flow.word_rule", "rule", strconv.Itoa(d.r.WordRule)))
}

func (d *writer) uses() {
	r, u := d.r, d.r.Uses
	d.clause(r.useClause(""), "clause.heading.uses", line("clause.uses.intro"))
	publish := line("clause.uses.publish", "channels", listValue(valueChannel, u.Publish))
	if len(u.Publish) == 0 {
		publish = line("clause.uses.no_publish")
	}
	regions := line("clause.uses.regions", "regions", listValue(valueRegion, u.Regions))
	if len(u.Regions) == 0 {
		regions = line("clause.uses.everywhere")
	}
	days := line("clause.uses.days", "n", int64(u.Days))
	if u.Days <= 0 {
		days = line("clause.uses.no_days")
	}
	d.clause(r.useClause("1"), "clause.heading.publish", publish)
	d.clause(r.useClause("2"), "clause.heading.translate", line(choose(u.Translate, "clause.uses.translate", "clause.uses.no_translate")))
	d.clause(r.useClause("3"), "clause.heading.shorten", line(choose(u.Shorten, "clause.uses.shorten", "clause.uses.no_shorten")))
	d.clause(r.useClause("4"), "clause.heading.combine", line(choose(u.Combine, "clause.uses.combine", "clause.uses.no_combine")))
	d.clause(r.useClause("5"), "clause.heading.syndicate", line(choose(u.Syndicate, "clause.uses.syndicate", "clause.uses.no_syndicate")))
	d.clause(r.useClause("6"), "clause.heading.keep", line(choose(u.Keep, "clause.uses.keep", "clause.uses.no_keep")))
	d.clause(r.useClause("7"), "clause.heading.train", line(choose(u.Train, "clause.uses.train", "clause.uses.no_train")))
	d.clause(r.useClause("8"), "clause.heading.regions", regions)
	d.clause(r.useClause("9"), "clause.heading.days", days)
	d.clause(r.useClause("10"), "clause.heading.credit")
	d.credit()
	d.clause(r.useClause("11"), "clause.heading.link_back", line(choose(u.LinkBack, "clause.uses.link_back", "clause.uses.no_link_back")))
	d.clause(r.useClause("12"), "clause.heading.notice_of_use", line(noticeKey(u.Notice)))
}

func (d *writer) credit() {
	if len(d.r.Uses.Credit) == 0 {
		d.say(line("clause.uses.credit_name"))
		return
	}
	// Each credit line is used in its own language, so the document names all of them.
	var langs []news.Lang
	for lang := range d.r.Uses.Credit {
		langs = append(langs, lang)
	}
	slices.Sort(langs)
	for _, lang := range langs {
		d.say(line("clause.uses.credit", "language", valueLanguage+string(lang), "credit", d.r.Uses.Credit[lang]))
	}
	d.say(line("clause.uses.credit_placeholder"))
}

func (d *writer) handling() {
	r := d.r
	embargo := line("clause.embargo.roles", "roles", listValue(valueRole, r.Embargo.Roles))
	if len(r.Embargo.Roles) == 0 {
		embargo = line("clause.embargo.nobody")
	}
	d.clause(orUsual(r.Embargo.Clause, clauseEmbargo), "clause.heading.embargo", line("clause.embargo.honoured"), embargo)
	d.clause(orUsual(r.Corrections.Clause, clauseCorrect), "clause.heading.corrections", line("clause.corrections.minutes", "n", int64(r.Corrections.Minutes)))
	d.clause(orUsual(r.Withdrawals.Clause, clauseWithdraw), "clause.heading.withdrawals",
		line("clause.withdrawals.closed"), line("clause.withdrawals.minutes", "n", int64(r.Withdrawals.Minutes)),
		line(choose(r.Withdrawals.Delete, "clause.withdrawals.delete", "clause.withdrawals.no_delete")), line("clause.followups.always"))
	d.clause(clauseCeilings, "clause.heading.ceilings",
		line("clause.ceilings", "records", r.Ceilings.Records, "bytes", r.Ceilings.Bytes, "media", r.Ceilings.Media), line("clause.ceilings.above"))
}

func (d *writer) promises() {
	r := d.r
	d.clause(orUsual(r.Confidentiality.Clause, clauseSecrecy), "clause.heading.confidentiality", d.free(r.Confidentiality.Text)...)
	if r.Confidentiality.IncidentHours > 0 {
		d.say(line("clause.confidentiality.incident", "n", int64(r.Confidentiality.IncidentHours)))
	}
	for _, c := range r.Commitments {
		d.clause(c.Clause, "clause.heading.commitments")
		if c.By == "" {
			d.say(line("clause.commitment.each"))
		} else {
			d.say(line("clause.commitment.by", "newsroom", d.name(c.By)))
		}
		d.say(d.free(c.Text)...)
	}
}

func orUsual(given, usual string) string {
	if given == "" {
		return usual
	}
	return given
}

func reviewKey(v Review) string {
	switch v {
	case Monthly:
		return "clause.review.month"
	case Quarterly:
		return "clause.review.quarter"
	case HalfYear:
		return "clause.review.half_year"
	case Yearly:
		return "clause.review.year"
	}
	return "clause.review.none"
}

func noticeKey(n Notice) string {
	switch n {
	case NoticeBefore:
		return "clause.uses.notice_before"
	case NoticeAfter:
		return "clause.uses.notice_after"
	}
	return "clause.uses.no_notice"
}
