package terms

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/protocol"
)

// AgreementID names an agreement: 32 lower-case hex digits, random, given in its first proposal.
type AgreementID string

// RevisionHash names a revision: the SHA-256 of its exact bytes in lower-case hex.
type RevisionHash string

// Format is the first field of every revision.
const Format = "newspool agreement v1"

// MaxRevision is how many bytes a revision may have.
const MaxRevision = 256 << 10

// maxDepth is how deep a revision may be nested, maxInteger the largest number in it, up or down.
const (
	maxDepth   = 16
	maxInteger = 1 << 53
)

// InLanguages is one text in several languages.
type InLanguages map[news.Lang]string

// In gives the text in a language, else in the first of the others given that has one, else in English, else in the first
// language of the alphabet; "" if there is none.
func (t InLanguages) In(lang news.Lang, others ...news.Lang) string {
	for _, l := range append([]news.Lang{lang, news.Lang(baseOf(string(lang)))}, append(others, "en")...) {
		if text := t[l]; text != "" {
			return text
		}
	}
	for _, l := range slices.Sorted(maps.Keys(t)) {
		if t[l] != "" {
			return t[l]
		}
	}
	return ""
}

func baseOf(lang string) string {
	b, _, _ := strings.Cut(lang, "-")
	return strings.ToLower(b)
}

// Revision is one version of the terms of an agreement. Its JSON has the field names that stand here. It is written once, by
// its author; everybody keeps, hashes and signs those bytes and never writes it again.
type Revision struct {
	Format      string       `json:"format"`
	Agreement   AgreementID  `json:"agreement"`
	Number      int          `json:"number"`      // from 1
	Predecessor RevisionHash `json:"predecessor"` // the revision in force that it replaces; "" for none
	Kind        Kind         `json:"kind"`
	Author      news.Root    `json:"author"`
	Parties     []Party      `json:"parties,omitempty"`
	Purpose     InLanguages  `json:"purpose,omitempty"`
	Languages   []news.Lang  `json:"languages,omitempty"` // of the readable text
	Prevails    news.Lang    `json:"prevails"`            // the one that counts in a dispute
	Zone        string       `json:"zone"`                // IANA; its days are those of all dates and ceilings
	Start       Date         `json:"start"`               // first day; "" for the day of the closing
	End         Date         `json:"end"`                 // last day; "" for none
	NoticeDays  int          `json:"notice_days"`
	SignBy      Date         `json:"sign_by"` // last day for signing
	Review      Review       `json:"review"`
	WordRule    int          `json:"word_rule"` // the rule by which words are matched: WordRule

	Flows       []Flow      `json:"flows,omitempty"`
	Uses        Uses        `json:"uses"`
	Embargo     Embargo     `json:"embargo"`
	Corrections Corrections `json:"corrections"`
	Withdrawals Withdrawals `json:"withdrawals"`
	Ceilings    Counts      `json:"ceilings"` // per day and newsroom

	Confidentiality Confidentiality `json:"confidentiality"`
	Commitments     []Commitment    `json:"commitments,omitempty"`

	// TextHashes holds the SHA-256, in hex, of the readable text in each language: see HashTexts.
	TextHashes map[news.Lang]string `json:"text_hashes,omitempty"`

	ready readyZone
}

// Party is one of those who sign.
type Party struct {
	Root      news.Root   `json:"root"` // "" for a party without a node
	Host      news.Root   `json:"host"` // of a party without a node: the party through whose node it reads
	Domain    string      `json:"domain"`
	Names     InLanguages `json:"names,omitempty"`
	Kind      string      `json:"kind"` // one of OutletKinds
	Languages []news.Lang `json:"languages,omitempty"`
	Signatory Signatory   `json:"signatory"` // of a party other than the author it may be empty: the signature says who signs
}

// PartyOf makes a party of what a newsroom says about itself.
func PartyOf(id protocol.Identity) Party {
	p := Party{Root: news.Root(id.Root), Domain: id.Domain, Names: InLanguages{}, Kind: id.Kind}
	for lang, name := range id.Names {
		p.Names[news.Lang(lang)] = name
	}
	for _, lang := range id.Languages {
		p.Languages = append(p.Languages, news.Lang(lang))
	}
	return p
}

// Signatory is the person who signs for a party.
type Signatory struct {
	Name   string `json:"name"`
	Office string `json:"office"`
}

// Flow says which items go to all the other parties. What it leaves empty sets no limit. An item must fit one flow wholly.
type Flow struct {
	Clause     string          `json:"clause"`         // "2.1"
	From       []news.Root     `json:"from,omitempty"` // empty: everyone
	To         []news.Root     `json:"to,omitempty"`   // empty, or all parties: what is for some is another agreement
	Types      []news.ItemType `json:"types,omitempty"`
	Subjects   []string        `json:"subjects,omitempty"` // codes, with all below them
	Except     []string        `json:"except,omitempty"`   // codes, with all below them
	Languages  []news.Lang     `json:"languages,omitempty"`
	UrgencyMin news.Urgency    `json:"urgency_min"` // 1 is the most urgent; 0: no limit
	UrgencyMax news.Urgency    `json:"urgency_max"`
	Genres     []string        `json:"genres,omitempty"`
	Services   []string        `json:"services,omitempty"`
	Words      WordTerms       `json:"words,omitzero"`
	Archive    Archive         `json:"archive,omitzero"` // empty: the running wire
}

// WordTerms ask for words in headline, slug or body. An entry of several words stands for these words in this order.
type WordTerms struct {
	All     []string `json:"all,omitempty"`     // each of them
	Any     []string `json:"any,omitempty"`     // at least one of them, or of Phrases
	None    []string `json:"none,omitempty"`    // none of them
	Phrases []string `json:"phrases,omitempty"` // at least one of them, or of Any
}

// IsZero reports whether no words are asked for.
func (w WordTerms) IsZero() bool { return len(w.All)+len(w.Any)+len(w.None)+len(w.Phrases) == 0 }

// Archive opens items of the archive by the year in which they were written.
type Archive struct {
	From       int  `json:"from"` // first year; 0: the flow is of the running wire
	To         int  `json:"to"`   // last year; 0: without end
	SearchOnly bool `json:"search_only"`
}

func (a Archive) open() bool { return a.From != 0 }

// Uses says what a receiver may do with what it received.
type Uses struct {
	Clause    string      `json:"clause"` // "3"
	Publish   []Channel   `json:"publish,omitempty"`
	Translate bool        `json:"translate"`
	Shorten   bool        `json:"shorten"`
	Combine   bool        `json:"combine"`
	Syndicate bool        `json:"syndicate"` // pass on to others
	Keep      bool        `json:"keep"`      // in the archive, beyond Days and the end of the agreement
	Train     bool        `json:"train"`     // models
	Regions   []string    `json:"regions,omitempty"`
	Days      int         `json:"days"`             // days after the day on which it was sent; 0: no limit
	Credit    InLanguages `json:"credit,omitempty"` // {newsroom} stands for the name of the one that released
	LinkBack  bool        `json:"link_back"`
	Notice    Notice      `json:"notice"`
}

// Embargo says who may see an item before its time.
type Embargo struct {
	Clause string `json:"clause"` // "4"
	Roles  []Role `json:"roles,omitempty"`
}

// Corrections says how soon a correction is acted upon.
type Corrections struct {
	Clause  string `json:"clause"` // "5.1"
	Minutes int    `json:"minutes"`
}

// Withdrawals says how soon a withdrawal is acted upon, and whether copies are deleted.
type Withdrawals struct {
	Clause  string `json:"clause"` // "5.2"
	Minutes int    `json:"minutes"`
	Delete  bool   `json:"delete"`
}

// Counts are numbers of one day: records, bytes of their contents, bytes of media.
type Counts struct {
	Records int64 `json:"records"`
	Bytes   int64 `json:"bytes"`
	Media   int64 `json:"media"`
}

// Less is what is left without others.
func (c Counts) Less(o Counts) Counts {
	return Counts{Records: c.Records - o.Records, Bytes: c.Bytes - o.Bytes, Media: c.Media - o.Media}
}

// Above reports whether any of the counts is above its limit.
func (c Counts) Above(limit Counts) bool {
	return c.Records > limit.Records || c.Bytes > limit.Bytes || c.Media > limit.Media
}

// Confidentiality is text, and how soon an incident with the partner's data is told.
type Confidentiality struct {
	Clause        string      `json:"clause"` // "7"
	Text          InLanguages `json:"text,omitempty"`
	IncidentHours int         `json:"incident_hours"` // 0: not agreed
}

// Commitment is a promise that can be measured.
type Commitment struct {
	Clause string      `json:"clause"` // "8.1"
	By     news.Root   `json:"by"`     // "" for each party
	Text   InLanguages `json:"text,omitempty"`
}

// Channel is a way to the public.
type Channel string

// The channels.
const (
	Print  Channel = "print"
	Web    Channel = "web"
	Radio  Channel = "radio"
	TV     Channel = "tv"
	Social Channel = "social"
)

// Channels lists them in the order in which pages show them.
var Channels = [...]Channel{Print, Web, Radio, TV, Social}

// Notice says whether the origin is told of a use.
type Notice string

// The notices.
const (
	NoNotice     Notice = ""
	NoticeBefore Notice = "before"
	NoticeAfter  Notice = "after"
)

// Role is who somebody is at a desk, as far as an embargo asks.
type Role string

// The roles.
const (
	Chief    Role = "chief"    // heads of desk and above
	Editor   Role = "editor"   // who edits the wire
	Producer Role = "producer" // who makes programmes and packages
	Checker  Role = "checker"  // who checks facts
)

// Roles lists them.
var Roles = [...]Role{Chief, Editor, Producer, Checker}

// Review is how often the parties meet over the agreement.
type Review string

// The reviews.
const (
	NoReview  Review = ""
	Monthly   Review = "month"
	Quarterly Review = "quarter"
	HalfYear  Review = "half-year"
	Yearly    Review = "year"
)

// OutletKinds lists what a party may be.
var OutletKinds = [...]string{"agency", "newspaper", "radio", "television", "online", "other"}

// OutletKind is a kind of outlet that has a word: the one given, or "other".
func OutletKind(kind string) string {
	if slices.Contains(OutletKinds[:], kind) {
		return kind
	}
	return "other"
}

// TextLanguages lists the languages in which an agreement can be read.
var TextLanguages = [...]news.Lang{"en", "ru", "fa", "ar", "fr", "es"}

// The clauses that have one number in all agreements.
const (
	clauseParties   = "1.1"
	clausePurpose   = "1.2"
	clauseTerm      = "1.3"
	clauseNotice    = "1.4"
	clauseSigning   = "1.5"
	clauseReview    = "1.6"
	clauseLanguages = "1.7"
	chapterFlows    = "2"
	clauseUses      = "3"
	clauseEmbargo   = "4"
	clauseCorrect   = "5.1"
	clauseWithdraw  = "5.2"
	clauseCeilings  = "6"
	clauseSecrecy   = "7"
	chapterPromises = "8"
)

// DefaultCeilings is a busy day of a large agency with room to spare. It also stands in for a ceiling that is not positive.
var DefaultCeilings = Counts{Records: 5_000, Bytes: 200_000_000, Media: 20_000_000_000}

// Parse reads a revision. It refuses, as an Invalid fault ("terms.malformed", "terms.too_large"), more than MaxRevision bytes,
// anything after the value, invalid UTF-8, names that are unknown or said twice, null, numbers that are no integers within
// 2^53, and another format. It does not say whether the terms make sense: that is Validate.
func Parse(b []byte) (Revision, error) {
	if len(b) > MaxRevision {
		return Revision{}, fault.New(fault.Invalid, "terms.too_large", "bytes", MaxRevision)
	}
	var r Revision
	err := checkTokens(b)
	if err == nil {
		err = json.Unmarshal(b, &r, json.RejectUnknownMembers(true))
	}
	if err == nil && r.Format != Format {
		err = fmt.Errorf("format %q", r.Format)
	}
	if err != nil {
		return Revision{}, fault.New(fault.Invalid, "terms.malformed").Because(err)
	}
	return r, nil
}

// checkTokens finds what the decoder would let pass.
func checkTokens(b []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(b))
	for {
		t, err := d.ReadToken()
		if err != nil {
			return err
		}
		switch t.Kind() {
		case 'n':
			return fmt.Errorf("null at byte %d", d.InputOffset())
		case '0':
			if n, err := strconv.ParseInt(t.String(), 10, 64); err != nil || n > maxInteger || n < -maxInteger {
				return fmt.Errorf("%s is no integer within 2^53", t.String())
			}
		}
		if d.StackDepth() > maxDepth {
			return fmt.Errorf("nested deeper than %d", maxDepth)
		}
		if d.StackDepth() == 0 {
			break
		}
	}
	if d.InputOffset() != int64(len(b)) {
		return errors.New("bytes after the value")
	}
	return nil
}

// Bytes writes the revision, once, for its first proposal. Everybody else keeps the bytes that came.
func (r Revision) Bytes() []byte {
	var b bytes.Buffer
	e := stdjson.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(r); err != nil {
		panic(fmt.Sprintf("terms: a revision that JSON cannot hold: %v", err)) // there is no such field
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Hash names the revision that has these bytes.
func Hash(b []byte) RevisionHash {
	h := sha256.Sum256(b)
	return RevisionHash(hex.EncodeToString(h[:]))
}

// Party finds a party by its root.
func (r Revision) Party(root news.Root) (Party, bool) {
	for _, p := range r.Parties {
		if p.Root == root && root != "" {
			return p, true
		}
	}
	return Party{}, false
}

// PartyName is the name of a newsroom as the agreement writes it in this language, its domain where it has no name, and its
// root where it is no party.
func (r Revision) PartyName(root news.Root, lang news.Lang) string {
	p, ok := r.Party(root)
	if !ok {
		return string(root)
	}
	if name := p.Names.In(lang, r.Prevails); name != "" {
		return name
	}
	return p.Domain
}

// names is the name in all languages that a reader may have, for the values of a Line.
func (r Revision) names(root news.Root) InLanguages {
	p, ok := r.Party(root)
	if !ok || len(p.Names) == 0 {
		return InLanguages{"en": r.PartyName(root, "en")}
	}
	all := InLanguages{}
	for l, name := range p.Names {
		if name != "" {
			all[l] = name
		}
	}
	if all["en"] == "" {
		all["en"] = r.PartyName(root, "en")
	}
	return all
}

// Credit is the credit line under which an item of that newsroom is published in a language: the agreed text, else the name.
func Credit(r Revision, from news.Root, lang news.Lang) string {
	name := r.PartyName(from, lang)
	text := r.Uses.Credit.In(lang, r.Prevails)
	if text == "" {
		return name
	}
	return strings.ReplaceAll(text, "{newsroom}", name)
}

// credits is the credit line in every language of the agreement and of the six.
func (r Revision) credits(from news.Root) InLanguages {
	all := InLanguages{}
	for _, l := range TextLanguages {
		all[l] = Credit(r, from, l)
	}
	for _, l := range r.Languages {
		all[l] = Credit(r, from, l)
	}
	return all
}
