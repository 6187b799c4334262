package terms

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/language"

	"newspool/internal/news"
)

// Limits of a revision.
const (
	maxParties     = 64
	maxFlows       = 99
	maxCommitments = 99
	maxEntries     = 256      // of one list
	maxText        = 16 << 10 // bytes of one free text
	maxName        = 200      // bytes of a name, an entry, a code
	maxDays        = 36_500
	maxMinutes     = 7 * 24 * 60
)

// Validate lists what is wrong with the terms. A revision with a Fatal problem must not be proposed or signed; the others are
// warnings that its author should see. Where names the field as it stands in the JSON, "flows[0].subjects".
func (r Revision) Validate() []news.Problem {
	v := validator{r: r, clauses: map[string]bool{}}
	v.head()
	v.parties()
	v.term()
	v.texts()
	if len(r.Flows) > maxFlows {
		v.fatal("flows", "terms.problem.too_many", "n", maxFlows)
	}
	for i, f := range r.Flows {
		v.flow(fmt.Sprintf("flows[%d]", i), f)
	}
	v.uses()
	v.handling()
	v.commitments()
	return v.problems
}

// Fatal reports whether one of the problems is fatal.
func Fatal(problems []news.Problem) bool {
	return slices.ContainsFunc(problems, func(p news.Problem) bool { return p.Fatal })
}

type validator struct {
	r        Revision
	clauses  map[string]bool
	problems []news.Problem
}

func (v *validator) add(fatal bool, where, key string, args []any) {
	v.problems = append(v.problems, news.Problem{Where: where, Key: key, Args: line(key, args...).Args, Fatal: fatal})
}

func (v *validator) fatal(where, key string, args ...any)   { v.add(true, where, key, args) }
func (v *validator) warning(where, key string, args ...any) { v.add(false, where, key, args) }

func (v *validator) head() {
	r := v.r
	if r.Format != Format {
		v.fatal("format", "terms.problem.format", "format", Format)
	}
	if !isHex(string(r.Agreement), 32) {
		v.fatal("agreement", "terms.problem.id")
	}
	if r.Number < 1 || r.Number > 1_000_000 {
		v.fatal("number", "terms.problem.number")
	}
	if r.Predecessor != "" && !isHex(string(r.Predecessor), 64) {
		v.fatal("predecessor", "terms.problem.predecessor")
	}
	if !slices.Contains(Kinds[:], r.Kind) {
		v.fatal("kind", "terms.problem.kind", "kind", string(r.Kind))
	}
	if _, ok := r.Party(r.Author); !ok {
		v.fatal("author", "terms.problem.author")
	}
	if r.WordRule != WordRule {
		v.fatal("word_rule", "terms.problem.word_rule", "rule", fmt.Sprint(WordRule))
	}
}

func (v *validator) parties() {
	r := v.r
	if len(r.Parties) < 2 {
		v.fatal("parties", "terms.problem.parties_few")
	}
	if len(r.Parties) > maxParties {
		v.fatal("parties", "terms.problem.too_many", "n", maxParties)
	}
	roots, domains := map[news.Root]bool{}, map[string]bool{}
	for i, p := range r.Parties {
		at := fmt.Sprintf("parties[%d]", i)
		switch host, ok := r.Party(p.Host); {
		case p.Root == "" && (!ok || host.Root == ""):
			v.fatal(at+".host", "terms.problem.host")
		case p.Root != "" && p.Host != "":
			v.fatal(at+".host", "terms.problem.host_and_root")
		case p.Root != "" && !isHex(string(p.Root), 64):
			v.fatal(at+".root", "terms.problem.root")
		}
		if p.Root != "" && roots[p.Root] || p.Domain != "" && domains[p.Domain] {
			v.fatal(at, "terms.problem.party_twice")
		}
		roots[p.Root], domains[p.Domain] = true, true
		if p.Root != "" && p.Domain == "" || len(p.Domain) > 253 || strings.ContainsAny(p.Domain, " /@") || p.Domain != strings.ToLower(p.Domain) {
			v.fatal(at+".domain", "terms.problem.domain")
		}
		if len(p.Names) == 0 {
			v.fatal(at+".names", "terms.problem.name")
		}
		v.inLanguages(at+".names", p.Names, maxName)
		if !slices.Contains(OutletKinds[:], p.Kind) {
			v.fatal(at+".kind", "terms.problem.outlet")
		}
		v.langs(at+".languages", p.Languages)
		v.name(at+".signatory.name", p.Signatory.Name)
		v.name(at+".signatory.office", p.Signatory.Office)
		// The author may not know who will sign for the others: then their signatures say it.
		if s := p.Signatory; (s.Name == "") != (s.Office == "") || (s.Name == "" && p.Root == v.r.Author) {
			v.fatal(at+".signatory", "terms.problem.signatory")
		}
	}
}

func (v *validator) term() {
	r := v.r
	if _, err := time.LoadLocation(r.Zone); err != nil || r.Zone == "" || r.Zone == "Local" {
		v.fatal("zone", "terms.problem.zone")
	}
	for _, d := range []struct {
		where string
		date  Date
	}{{"start", r.Start}, {"end", r.End}, {"sign_by", r.SignBy}} {
		if d.date != "" && !d.date.Valid() {
			v.fatal(d.where, "terms.problem.date")
		}
	}
	if r.SignBy == "" {
		v.fatal("sign_by", "terms.problem.sign_by_missing")
	}
	if r.Start != "" && r.End != "" && r.End < r.Start {
		v.fatal("end", "terms.problem.end_before_start")
	}
	if r.SignBy != "" && r.End != "" && r.End < r.SignBy {
		v.fatal("sign_by", "terms.problem.sign_after_end")
	}
	if r.NoticeDays < 0 || r.NoticeDays > 3_650 {
		v.fatal("notice_days", "terms.problem.notice_days")
	}
	if !slices.Contains([]Review{NoReview, Monthly, Quarterly, HalfYear, Yearly}, r.Review) {
		v.fatal("review", "terms.problem.review")
	}
	if r.End == "" && r.NoticeDays == 0 {
		v.warning("end", "terms.problem.no_end")
	}
}

// texts checks languages, free texts that all agreements have, and the hashes of the readable texts.
func (v *validator) texts() {
	r := v.r
	if len(r.Languages) == 0 {
		v.fatal("languages", "terms.problem.no_languages")
	}
	for i, lang := range r.Languages {
		if !slices.Contains(TextLanguages[:], lang) || slices.Contains(r.Languages[:i], lang) {
			v.fatal(fmt.Sprintf("languages[%d]", i), "terms.problem.text_language", "language", string(lang))
			continue
		}
		if r.Purpose[lang] == "" {
			v.warning("purpose", "terms.problem.text_missing", "language", valueLanguage+string(lang))
		}
		if !isHex(r.TextHashes[lang], 64) {
			v.fatal("text_hashes", "terms.problem.text_hash", "language", valueLanguage+string(lang))
		}
	}
	for lang := range r.TextHashes {
		if !slices.Contains(r.Languages, lang) {
			v.fatal("text_hashes", "terms.problem.text_hash_extra")
			break
		}
	}
	if !slices.Contains(r.Languages, r.Prevails) {
		v.fatal("prevails", "terms.problem.prevails")
	}
	if r.Purpose[r.Prevails] == "" {
		v.fatal("purpose", "terms.problem.purpose")
	}
	v.inLanguages("purpose", r.Purpose, maxText)
	v.inLanguages("confidentiality.text", r.Confidentiality.Text, maxText)
}

// inLanguages checks the tags and the texts of a text in several languages.
func (v *validator) inLanguages(where string, t InLanguages, limit int) {
	langs := make([]string, 0, len(t))
	for lang := range t {
		langs = append(langs, string(lang))
	}
	slices.Sort(langs)
	for _, lang := range langs {
		if !isLang(lang) {
			v.fatal(where, "terms.problem.language", "language", lang)
		}
		v.text(where+"."+lang, t[news.Lang(lang)], limit)
	}
}

// text refuses what is too long or holds characters that nobody sees: controls, and marks that turn the reading direction of
// everything after them.
func (v *validator) text(where, s string, limit int) {
	if len(s) > limit {
		v.fatal(where, "terms.problem.text_long", "n", limit)
	}
	if strings.ContainsFunc(s, func(r rune) bool {
		return (unicode.IsControl(r) && r != '\n') || (r >= '\u202a' && r <= '\u202e') || r == '\u2028' || r == '\u2029' || r == '\ufeff' || r == unicode.ReplacementChar
	}) {
		v.fatal(where, "terms.problem.text_hidden")
	}
}

// name is a text of one short line.
func (v *validator) name(where, s string) {
	v.text(where, s, maxName)
	if strings.Contains(s, "\n") {
		v.fatal(where, "terms.problem.text_hidden")
	}
}

// langs is a list of language tags.
func (v *validator) langs(where string, list []news.Lang) {
	v.many(where, len(list))
	for _, lang := range list {
		if !isLang(string(lang)) {
			v.fatal(where, "terms.problem.language", "language", string(lang))
		}
	}
}

func (v *validator) many(where string, n int) {
	if n > maxEntries {
		v.fatal(where, "terms.problem.too_many", "n", maxEntries)
	}
}

func isLang(s string) bool {
	_, err := language.Parse(s)
	return err == nil && len(s) <= 35
}

func isHex(s string, n int) bool {
	return len(s) == n && !strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') })
}
