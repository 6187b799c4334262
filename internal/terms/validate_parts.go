package terms

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/language"

	"newspool/internal/news"
	"newspool/internal/news/mediatopic"
)

// numbered checks the number of a clause that must lie in a chapter, and that no other has it.
func (v *validator) numbered(where, number, chapter string) {
	rest, ok := strings.CutPrefix(number, chapter+".")
	n, err := strconv.Atoi(rest)
	if !ok || err != nil || n < 1 || n > 999 || strconv.Itoa(n) != rest {
		v.fatal(where, "terms.problem.clause_number", "chapter", chapter)
		return
	}
	if v.clauses[number] {
		v.fatal(where, "terms.problem.clause_twice", "clause", number)
	}
	v.clauses[number] = true
}

// fixed checks the number of a clause that is the same in all agreements.
func (v *validator) fixed(where, number, want string) {
	if number != want {
		v.fatal(where, "terms.problem.clause_fixed", "clause", want)
	}
}

func (v *validator) flow(at string, f Flow) {
	v.numbered(at+".clause", f.Clause, chapterFlows)
	v.many(at+".from", len(f.From))
	for _, root := range f.From {
		if _, ok := v.r.Party(root); !ok {
			v.fatal(at+".from", "terms.problem.from")
		}
	}
	v.receivers(at, f)
	for _, typ := range f.Types {
		if !slices.Contains(news.ItemTypes[:], typ) {
			v.fatal(at+".types", "terms.problem.type", "type", string(typ))
		}
	}
	v.many(at+".types", len(f.Types))
	v.subjects(at+".subjects", f.Subjects)
	v.subjects(at+".except", f.Except)
	v.langs(at+".languages", f.Languages)
	if f.UrgencyMin < 0 || f.UrgencyMax < 0 || f.UrgencyMin > 9 || f.UrgencyMax > 9 || (f.UrgencyMax > 0 && f.UrgencyMin > f.UrgencyMax) {
		v.fatal(at+".urgency_min", "terms.problem.urgency")
	}
	v.codes(at+".genres", f.Genres)
	v.codes(at+".services", f.Services)
	for _, list := range []struct {
		name    string
		entries []string
	}{{"all", f.Words.All}, {"any", f.Words.Any}, {"none", f.Words.None}, {"phrases", f.Words.Phrases}} {
		where := at + ".words." + list.name
		v.codes(where, list.entries)
		for _, entry := range list.entries {
			if len(Cut(entry)) == 0 {
				v.fatal(where, "terms.problem.word", "word", entry)
			}
		}
	}
	a := f.Archive
	if a != (Archive{}) && (a.From < 1 || a.From > 9999 || a.To < 0 || a.To > 9999 || (a.To > 0 && a.To < a.From)) {
		v.fatal(at+".archive", "terms.problem.years")
	}
}

// receivers refuses a flow to some of the parties only: in one agreement everything is said to all.
func (v *validator) receivers(at string, f Flow) {
	if len(f.To) == 0 {
		return
	}
	for _, root := range f.To {
		if _, ok := v.r.Party(root); !ok {
			v.fatal(at+".to", "terms.problem.to")
			return
		}
	}
	for _, p := range v.r.Parties {
		sender := len(f.From) == 1 && f.From[0] == p.Root
		if p.Root != "" && !sender && !slices.Contains(f.To, p.Root) {
			v.fatal(at+".to", "terms.problem.to_some")
			return
		}
	}
}

func (v *validator) subjects(where string, codes []string) {
	v.codes(where, codes)
	for _, code := range codes {
		switch {
		case !strings.HasPrefix(code, mediatopic.Scheme):
		case !mediatopic.Known(code):
			v.fatal(where, "terms.problem.subject", "subject", code)
		case mediatopic.Retired(code):
			v.warning(where, "terms.problem.subject_retired", "subject", valueSubject+code)
		}
	}
}

// codes is a list of short texts, none of them empty or said twice.
func (v *validator) codes(where string, list []string) {
	v.many(where, len(list))
	for i, s := range list {
		v.name(where, s)
		if strings.TrimSpace(s) != s || s == "" {
			v.fatal(where, "terms.problem.entry_empty")
		}
		if slices.Contains(list[:i], s) {
			v.fatal(where, "terms.problem.entry_twice", "entry", s)
		}
	}
}

func (v *validator) uses() {
	u := v.r.Uses
	v.fixed("uses.clause", u.Clause, clauseUses)
	for i, c := range u.Publish {
		if !slices.Contains(Channels[:], c) || slices.Contains(u.Publish[:i], c) {
			v.fatal("uses.publish", "terms.problem.channel", "channel", string(c))
		}
	}
	v.many("uses.regions", len(u.Regions))
	for i, code := range u.Regions {
		region, err := language.ParseRegion(code)
		if err != nil || !region.IsCountry() || region.String() != code || slices.Contains(u.Regions[:i], code) {
			v.fatal("uses.regions", "terms.problem.region", "region", code)
		}
	}
	if u.Days < 0 || u.Days > maxDays {
		v.fatal("uses.days", "terms.problem.days", "n", maxDays)
	}
	v.inLanguages("uses.credit", u.Credit, maxName)
	for _, text := range u.Credit {
		if strings.Contains(text, "\n") {
			v.fatal("uses.credit", "terms.problem.text_hidden")
			break
		}
	}
	if !slices.Contains([]Notice{NoNotice, NoticeBefore, NoticeAfter}, u.Notice) {
		v.fatal("uses.notice", "terms.problem.notice")
	}
}

func (v *validator) handling() {
	r := v.r
	v.fixed("embargo.clause", r.Embargo.Clause, clauseEmbargo)
	v.fixed("corrections.clause", r.Corrections.Clause, clauseCorrect)
	v.fixed("withdrawals.clause", r.Withdrawals.Clause, clauseWithdraw)
	v.fixed("confidentiality.clause", r.Confidentiality.Clause, clauseSecrecy)
	for i, role := range r.Embargo.Roles {
		if !slices.Contains(Roles[:], role) || slices.Contains(r.Embargo.Roles[:i], role) {
			v.fatal("embargo.roles", "terms.problem.role", "role", string(role))
		}
	}
	for _, m := range []struct {
		where   string
		minutes int
	}{{"corrections.minutes", r.Corrections.Minutes}, {"withdrawals.minutes", r.Withdrawals.Minutes}} {
		if m.minutes < 1 || m.minutes > maxMinutes {
			v.fatal(m.where, "terms.problem.minutes", "n", maxMinutes)
		}
	}
	if r.Ceilings.Records < 1 || r.Ceilings.Bytes < 1 || r.Ceilings.Media < 1 {
		v.fatal("ceilings", "terms.problem.ceilings")
	}
	if r.Confidentiality.IncidentHours < 0 || r.Confidentiality.IncidentHours > 24*365 {
		v.fatal("confidentiality.incident_hours", "terms.problem.incident_hours")
	}
}

func (v *validator) commitments() {
	if len(v.r.Commitments) > maxCommitments {
		v.fatal("commitments", "terms.problem.too_many", "n", maxCommitments)
	}
	for i, c := range v.r.Commitments {
		at := fmt.Sprintf("commitments[%d]", i)
		v.numbered(at+".clause", c.Clause, chapterPromises)
		if _, ok := v.r.Party(c.By); c.By != "" && !ok {
			v.fatal(at+".by", "terms.problem.by")
		}
		if c.Text[v.r.Prevails] == "" {
			v.fatal(at+".text", "terms.problem.commitment")
		}
		v.inLanguages(at+".text", c.Text, maxText)
	}
}
