package terms

import (
	"slices"
	"strings"
	"testing"
	"time"

	"newspool/internal/news"
)

func TestValidate(t *testing.T) {
	long := strings.Repeat("a", maxText+1)
	for _, c := range []struct {
		where, key string
		change     func(r *Revision)
	}{
		{"format", "terms.problem.format", func(r *Revision) { r.Format = "v2" }},
		{"agreement", "terms.problem.id", func(r *Revision) { r.Agreement = "ABCD" }},
		{"number", "terms.problem.number", func(r *Revision) { r.Number = 0 }},
		{"predecessor", "terms.problem.predecessor", func(r *Revision) { r.Predecessor = "x" }},
		{"kind", "terms.problem.kind", func(r *Revision) { r.Kind = "treaty" }},
		{"author", "terms.problem.author", func(r *Revision) { r.Author = soren }},
		{"word_rule", "terms.problem.word_rule", func(r *Revision) { r.WordRule = 2 }},
		{"parties", "terms.problem.parties_few", func(r *Revision) { r.Parties = r.Parties[:1] }},
		{"parties", "terms.problem.too_many", func(r *Revision) { r.Parties = slices.Repeat(r.Parties, 30) }},
		{"parties[2].host", "terms.problem.host", func(r *Revision) { r.Parties[2].Host = soren }},
		{"parties[2].host", "terms.problem.host", func(r *Revision) { r.Parties[2].Host = "" }},
		{"parties[0].host", "terms.problem.host_and_root", func(r *Revision) { r.Parties[0].Host = avand }},
		{"parties[1].root", "terms.problem.root", func(r *Revision) { r.Parties[1].Root = "22" }},
		{"parties[1]", "terms.problem.party_twice", func(r *Revision) { r.Parties[1].Root = north }},
		{"parties[1]", "terms.problem.party_twice", func(r *Revision) { r.Parties[1].Domain = "north.example" }},
		{"parties[0].domain", "terms.problem.domain", func(r *Revision) { r.Parties[0].Domain = "North.example" }},
		{"parties[0].domain", "terms.problem.domain", func(r *Revision) { r.Parties[0].Domain = "" }},
		{"parties[0].names", "terms.problem.name", func(r *Revision) { r.Parties[0].Names = nil }},
		{"parties[0].names", "terms.problem.language", func(r *Revision) { r.Parties[0].Names["e!"] = "x" }},
		{"parties[0].kind", "terms.problem.outlet", func(r *Revision) { r.Parties[0].Kind = "blog" }},
		{"parties[0].languages", "terms.problem.language", func(r *Revision) { r.Parties[0].Languages = []news.Lang{"?"} }},
		{"parties[0].signatory", "terms.problem.signatory", func(r *Revision) { r.Parties[0].Signatory.Office = "" }},
		{"parties[0].signatory.name", "terms.problem.text_hidden", func(r *Revision) { r.Parties[0].Signatory.Name = "Ada\u202eNorth" }},
		{"zone", "terms.problem.zone", func(r *Revision) { r.Zone = "Local" }},
		{"zone", "terms.problem.zone", func(r *Revision) { r.Zone = "" }},
		{"start", "terms.problem.date", func(r *Revision) { r.Start = "2026-02-30" }},
		{"sign_by", "terms.problem.sign_by_missing", func(r *Revision) { r.SignBy = "" }},
		{"end", "terms.problem.end_before_start", func(r *Revision) { r.End = "2026-02-28" }},
		{"sign_by", "terms.problem.sign_after_end", func(r *Revision) { r.SignBy = "2027-03-01" }},
		{"notice_days", "terms.problem.notice_days", func(r *Revision) { r.NoticeDays = -1 }},
		{"review", "terms.problem.review", func(r *Revision) { r.Review = "week" }},
		{"languages", "terms.problem.no_languages", func(r *Revision) { r.Languages, r.TextHashes = nil, nil }},
		{"languages[0]", "terms.problem.text_language", func(r *Revision) { r.Languages[0] = "de" }},
		{"languages[1]", "terms.problem.text_language", func(r *Revision) { r.Languages[1] = r.Languages[0] }},
		{"text_hashes", "terms.problem.text_hash", func(r *Revision) { delete(r.TextHashes, "fa") }},
		{"text_hashes", "terms.problem.text_hash_extra", func(r *Revision) { r.TextHashes["ru"] = r.TextHashes["fa"] }},
		{"prevails", "terms.problem.prevails", func(r *Revision) { r.Prevails = "ru" }},
		{"purpose", "terms.problem.purpose", func(r *Revision) { delete(r.Purpose, "en") }},
		{"purpose.en", "terms.problem.text_long", func(r *Revision) { r.Purpose["en"] = long }},
		{"purpose.en", "terms.problem.text_hidden", func(r *Revision) { r.Purpose["en"] = "a\u0000" }},
		{"flows", "terms.problem.too_many", func(r *Revision) { r.Flows = slices.Repeat(r.Flows, 30) }},
		{"flows[0].clause", "terms.problem.clause_number", func(r *Revision) { r.Flows[0].Clause = "3.1" }},
		{"flows[0].clause", "terms.problem.clause_number", func(r *Revision) { r.Flows[0].Clause = "2.01" }},
		{"flows[1].clause", "terms.problem.clause_twice", func(r *Revision) { r.Flows[1].Clause = "2.1" }},
		{"flows[0].from", "terms.problem.from", func(r *Revision) { r.Flows[0].From = []news.Root{soren} }},
		{"flows[0].to", "terms.problem.to", func(r *Revision) { r.Flows[0].To = []news.Root{soren} }},
		{"flows[0].to", "terms.problem.to_some", func(r *Revision) { r.Flows[0].To = []news.Root{avand} }},
		{"flows[0].types", "terms.problem.type", func(r *Revision) { r.Flows[0].Types = []news.ItemType{"hologram"} }},
		{"flows[0].subjects", "terms.problem.subject", func(r *Revision) { r.Flows[0].Subjects = []string{"medtop:1"} }},
		{"flows[0].except", "terms.problem.subject", func(r *Revision) { r.Flows[0].Except = []string{"medtop:1"} }},
		{"flows[0].subjects", "terms.problem.entry_twice", func(r *Revision) { r.Flows[0].Subjects = []string{"desk:a", "desk:a"} }},
		{"flows[0].languages", "terms.problem.language", func(r *Revision) { r.Flows[0].Languages = []news.Lang{"english language"} }},
		{"flows[0].urgency_min", "terms.problem.urgency", func(r *Revision) { r.Flows[0].UrgencyMin, r.Flows[0].UrgencyMax = 5, 2 }},
		{"flows[0].genres", "terms.problem.entry_empty", func(r *Revision) { r.Flows[0].Genres = []string{""} }},
		{"flows[0].services", "terms.problem.entry_empty", func(r *Revision) { r.Flows[0].Services = []string{" x"} }},
		{"flows[0].words.none", "terms.problem.word", func(r *Revision) { r.Flows[0].Words.None = []string{"?!"} }},
		{"flows[0].words.all", "terms.problem.too_many", func(r *Revision) { r.Flows[0].Words.All = make([]string, 300) }},
		{"flows[3].archive", "terms.problem.years", func(r *Revision) { r.Flows[3].Archive.To = 1950 }},
		{"flows[0].archive", "terms.problem.years", func(r *Revision) { r.Flows[0].Archive.SearchOnly = true }},
		{"uses.clause", "terms.problem.clause_fixed", func(r *Revision) { r.Uses.Clause = "9" }},
		{"uses.publish", "terms.problem.channel", func(r *Revision) { r.Uses.Publish = []Channel{"smoke"} }},
		{"uses.publish", "terms.problem.channel", func(r *Revision) { r.Uses.Publish = []Channel{Web, Web} }},
		{"uses.regions", "terms.problem.region", func(r *Revision) { r.Uses.Regions = []string{"fr"} }},
		{"uses.regions", "terms.problem.region", func(r *Revision) { r.Uses.Regions = []string{"150"} }},
		{"uses.days", "terms.problem.days", func(r *Revision) { r.Uses.Days = maxDays + 1 }},
		{"uses.credit", "terms.problem.text_hidden", func(r *Revision) { r.Uses.Credit["en"] = "a\nb" }},
		{"uses.notice", "terms.problem.notice", func(r *Revision) { r.Uses.Notice = "sometimes" }},
		{"embargo.clause", "terms.problem.clause_fixed", func(r *Revision) { r.Embargo.Clause = "" }},
		{"embargo.roles", "terms.problem.role", func(r *Revision) { r.Embargo.Roles = []Role{"king"} }},
		{"corrections.clause", "terms.problem.clause_fixed", func(r *Revision) { r.Corrections.Clause = "5.2" }},
		{"corrections.minutes", "terms.problem.minutes", func(r *Revision) { r.Corrections.Minutes = 0 }},
		{"withdrawals.clause", "terms.problem.clause_fixed", func(r *Revision) { r.Withdrawals.Clause = "5.1" }},
		{"withdrawals.minutes", "terms.problem.minutes", func(r *Revision) { r.Withdrawals.Minutes = maxMinutes + 1 }},
		{"ceilings", "terms.problem.ceilings", func(r *Revision) { r.Ceilings.Media = 0 }},
		{"confidentiality.clause", "terms.problem.clause_fixed", func(r *Revision) { r.Confidentiality.Clause = "8" }},
		{"confidentiality.incident_hours", "terms.problem.incident_hours", func(r *Revision) { r.Confidentiality.IncidentHours = -1 }},
		{"commitments[0].clause", "terms.problem.clause_number", func(r *Revision) { r.Commitments[0].Clause = "8" }},
		{"commitments[1].clause", "terms.problem.clause_twice", func(r *Revision) { r.Commitments[1].Clause = "8.1" }},
		{"commitments[0].by", "terms.problem.by", func(r *Revision) { r.Commitments[0].By = soren }},
		{"commitments[0].text", "terms.problem.commitment", func(r *Revision) { delete(r.Commitments[0].Text, "en") }},
		{"commitments", "terms.problem.too_many", func(r *Revision) { r.Commitments = make([]Commitment, 100) }},
	} {
		r := exchange()
		c.change(&r)
		problems := r.Validate()
		i := slices.IndexFunc(problems, func(p news.Problem) bool { return p.Where == c.where && p.Key == c.key })
		if i < 0 {
			t.Errorf("%s %s is not among %v", c.where, c.key, problems)
			continue
		}
		if !problems[i].Fatal || !Fatal(problems) {
			t.Errorf("%s %s is a warning", c.where, c.key)
		}
		for _, p := range problems {
			if Say(newPrinter("en", time.UTC), Line{p.Key, p.Args}) == "" {
				t.Errorf("%s cannot be said", p.Key)
			}
		}
	}
}

func TestWarnings(t *testing.T) {
	for _, c := range []struct {
		where, key string
		change     func(r *Revision)
	}{
		{"end", "terms.problem.no_end", func(r *Revision) { r.End, r.NoticeDays = "", 0 }},
		{"purpose", "terms.problem.text_missing", func(r *Revision) { delete(r.Purpose, "fa") }},
		{"flows[0].subjects", "terms.problem.subject_retired", func(r *Revision) { r.Flows[0].Subjects = []string{"medtop:20000030"} }},
	} {
		r := exchange()
		c.change(&r)
		problems := r.Validate()
		if len(problems) != 1 || problems[0].Where != c.where || problems[0].Key != c.key || Fatal(problems) {
			t.Errorf("%s %s: %v", c.where, c.key, problems)
		}
	}
}

// TestToAll lets a flow name its receivers when these are all.
func TestToAll(t *testing.T) {
	r := exchange()
	r.Flows[0].To = []news.Root{north, avand}
	r.Flows[1].To = []news.Root{avand} // its only sender is North Agency
	if problems := r.Validate(); len(problems) > 0 {
		t.Error(problems)
	}
}

func TestDates(t *testing.T) {
	tehran := exchange().Location()
	for _, c := range []struct {
		date         Date
		valid        bool
		begins, ends string
	}{
		{"2026-03-01", true, "2026-02-28T20:30:00Z", "2026-03-01T20:30:00Z"},
		{"2024-02-29", true, "2024-02-28T20:30:00Z", "2024-02-29T20:30:00Z"},
		{"2026-02-29", false, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
		{"", false, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
		{"0000-01-01", false, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
	} {
		begins, ends := c.date.Begins(tehran).UTC().Format(time.RFC3339), c.date.Ends(tehran).UTC().Format(time.RFC3339)
		if c.date.Valid() != c.valid || begins != c.begins || ends != c.ends {
			t.Errorf("%q: valid %v, from %s to %s", c.date, c.date.Valid(), begins, ends)
		}
	}
	if d := DateOf(time.Date(2026, 2, 28, 20, 30, 0, 0, time.UTC), tehran); d != "2026-03-01" {
		t.Error(d)
	}
	// A day on which the clocks change has 23 or 25 hours.
	r := Revision{Zone: "Europe/Paris"}
	begins, ends := r.Day(time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC))
	if got := ends.Sub(begins); got != 23*time.Hour {
		t.Errorf("the day has %v", got)
	}
	r.Zone = "Nowhere/At_All"
	if r.Location() != time.UTC {
		t.Error("an unknown zone is not UTC")
	}
}
