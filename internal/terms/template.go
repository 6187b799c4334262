package terms

import (
	_ "embed"
	stdjson "encoding/json"
	"fmt"
	"slices"
	"strconv"

	"newspool/internal/news"
)

// Kind is what an agreement is mainly for. It names the template that it began with and gives the document its title.
type Kind string

// The kinds.
const (
	Wire         Kind = "wire"         // two newsrooms exchange their wires
	Pool         Kind = "pool"         // many give to all
	OpenArchive  Kind = "archive"      // an archive is opened
	OneOff       Kind = "one-off"      // one production
	Verification Kind = "verification" // findings only
	Programmes   Kind = "programmes"   // radio and television
)

// Kinds lists them in the order in which pages offer them.
var Kinds = [...]Kind{Wire, Pool, OpenArchive, OneOff, Verification, Programmes}

// Offered lists those that can be proposed today: what the others agree about, Newspool does not carry yet. One that was signed, or came
// from a newer program, is read and judged like any other.
var Offered = [...]Kind{Wire, Pool}

// templates.json holds the texts of the templates in six languages.
//
//go:embed templates.json
var templateTexts []byte

type templateFile struct {
	Confidentiality InLanguages `json:"confidentiality"`
	Kinds           map[Kind]struct {
		Purpose     InLanguages   `json:"purpose"`
		Commitments []InLanguages `json:"commitments"`
	} `json:"kinds"`
}

// Template gives a draft of that kind for these parties; the first of them that has a node is its author, and an unknown kind
// is taken for Wire. Its texts are in every language that the parties work in and in English. The caller adds what only it
// knows: the id of the agreement, the last day for signing, the dates, the zone, in the end the hashes of the texts.
func Template(kind Kind, parties ...Party) Revision {
	if !slices.Contains(Kinds[:], kind) {
		kind = Wire
	}
	r := Revision{
		Format: Format, Number: 1, Kind: kind, Parties: parties, Zone: "UTC", NoticeDays: 30, Review: Quarterly, WordRule: WordRule,
		Flows: []Flow{{Clause: "2.1"}},
		Uses: Uses{
			Clause: clauseUses, Publish: []Channel{Print, Web, Radio, TV, Social}, Translate: true, Shorten: true, Combine: true,
			Keep: true, LinkBack: true,
		},
		Embargo:     Embargo{Clause: clauseEmbargo, Roles: []Role{Chief, Editor}},
		Corrections: Corrections{Clause: clauseCorrect, Minutes: 30},
		Withdrawals: Withdrawals{Clause: clauseWithdraw, Minutes: 15},
		Ceilings:    DefaultCeilings,
		Confidentiality: Confidentiality{
			Clause: clauseSecrecy, IncidentHours: 24,
		},
	}
	for _, p := range parties {
		if p.Root != "" {
			r.Author = p.Root
			break
		}
	}
	r.Languages = textLanguages(parties)
	r.Prevails = r.Languages[0]
	r.shape()
	r.fill(kind)
	return r
}

// shape sets what differs from one kind to the other.
func (r *Revision) shape() {
	switch r.Kind {
	case Pool:
		r.Ceilings = Counts{Records: 1_000, Bytes: 50_000_000, Media: 5_000_000_000}
		r.NoticeDays = 60
	case OpenArchive:
		owner := []news.Root{r.Author}
		r.Flows = []Flow{
			{Clause: "2.1", From: owner, Types: []news.ItemType{news.Text}, Archive: Archive{From: 1900}},
			{Clause: "2.2", From: owner, Types: []news.ItemType{news.Picture, news.Graphic, news.Audio, news.Video}, Archive: Archive{From: 1900, SearchOnly: true}},
		}
		r.Uses.Publish = []Channel{Print, Web}
		r.Uses.Days, r.Uses.Keep, r.Uses.Notice = 30, false, NoticeAfter
		r.Withdrawals.Delete = true
		r.Review = Yearly
	case OneOff:
		r.Uses.LinkBack, r.Uses.Notice = false, NoticeAfter
		r.NoticeDays, r.Review = 7, NoReview
		r.Ceilings = Counts{Records: 500, Bytes: 50_000_000, Media: 50_000_000_000}
	case Verification:
		r.Flows = []Flow{{Clause: "2.1", Types: []news.ItemType{news.Text, news.Picture, news.Graphic}, Services: []string{"verification"}}}
		r.Uses.Publish = []Channel{Print, Web, Radio, TV, Social}
		r.Uses.Shorten, r.Uses.Notice = false, NoticeBefore
		r.Embargo.Roles = []Role{Chief, Checker}
		r.Ceilings = Counts{Records: 500, Bytes: 50_000_000, Media: 5_000_000_000}
	case Programmes:
		r.Flows = []Flow{{Clause: "2.1", Types: []news.ItemType{news.Audio, news.Video, news.Composite}}}
		r.Uses.Publish = []Channel{Radio, TV}
		r.Uses.LinkBack, r.Uses.Days, r.Uses.Notice = false, 90, NoticeAfter
		r.Embargo.Roles = []Role{Chief, Editor, Producer}
		r.Ceilings = Counts{Records: 300, Bytes: 50_000_000, Media: 100_000_000_000}
	}
}

// fill adds the texts.
func (r *Revision) fill(kind Kind) {
	var texts templateFile
	if err := stdjson.Unmarshal(templateTexts, &texts); err != nil {
		panic(fmt.Sprintf("terms: embedded templates: %v", err))
	}
	pick := func(all InLanguages) InLanguages {
		some := InLanguages{}
		for _, lang := range r.Languages {
			some[lang] = all[lang]
		}
		return some
	}
	t := texts.Kinds[kind]
	r.Purpose = pick(t.Purpose)
	r.Confidentiality.Text = pick(texts.Confidentiality)
	for i, c := range t.Commitments {
		r.Commitments = append(r.Commitments, Commitment{Clause: chapterPromises + "." + strconv.Itoa(i+1), Text: pick(c)})
	}
}

// textLanguages is those of the six in which the parties work, in the order of the parties, and English.
func textLanguages(parties []Party) []news.Lang {
	var list []news.Lang
	for _, p := range parties {
		for _, lang := range append(slices.Clone(p.Languages), "en") {
			lang = news.Lang(baseOf(string(lang)))
			if lang != "en" && slices.Contains(TextLanguages[:], lang) && !slices.Contains(list, lang) {
				list = append(list, lang)
			}
		}
	}
	if len(list) == 0 || slices.ContainsFunc(parties, func(p Party) bool { return len(p.Languages) > 0 && baseOf(string(p.Languages[0])) == "en" }) {
		return append([]news.Lang{"en"}, list...)
	}
	return append(list, "en")
}

// kindKey is the title of the document.
func kindKey(k Kind) string {
	switch k {
	case Pool:
		return "clause.title.pool"
	case OpenArchive:
		return "clause.title.archive"
	case OneOff:
		return "clause.title.one_off"
	case Verification:
		return "clause.title.verification"
	case Programmes:
		return "clause.title.programmes"
	}
	return "clause.title.wire"
}
