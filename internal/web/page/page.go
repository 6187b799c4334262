package page

import (
	"hash/fnv"
	"strings"
	"time"
	"unicode"

	"newspool/internal/i18n"
	"newspool/internal/news"
)

// Base is what every page has. Structs of pages embed it, so that templates say {{.P.T "wire.title"}}.
type Base struct {
	P        *i18n.Printer
	Lang     string // of the page, for <html lang>
	Dir      string // "ltr" or "rtl"
	Theme    string // "light", "dark", or "" for what the machine has
	Title    string // of the tab, in the reader's language
	Here     string // the entry of the navigation that is current
	Newsroom Newsroom
	Person   Person // without an ID: nobody has signed in
	Nav      []NavEntry
	Links    []LinkLine // to the partners, late ones first
	Flash    string     // what the last act did, in the reader's language; shown once
	Now      time.Time
	Back     string // path and query of this page, for forms that come back to it
	Secure   bool   // the browser came by https
}

// Newsroom is whose desk it is.
type Newsroom struct {
	Root news.Root
	Name string // in the reader's language
	Lang string // the newsroom's own: pages for people who have said nothing
	Mark Mark
}

// Person is who is looking, with what they may do and what they chose.
type Person struct {
	ID      news.PersonID
	Name    string
	Lang    string // "": what the browser asks for
	Theme   string // "light", "dark" or ""
	Compact bool   // one line a row
	KeysOff bool   // no keyboard shortcuts

	Editor        bool // uses, writes, releases, corrects
	Administrator bool
	Signatory     bool
}

// Partners reports whether the person decides whom we know: a signatory, or an administrator.
func (p Person) Partners() bool { return p.Signatory || p.Administrator }

// MayProve reports whether the person may take proof files out, with the texts that they hold.
func (p Person) MayProve() bool { return p.Editor || p.Signatory }

// NavEntry is one entry of the navigation as it is shown. Its text is the message page.nav.<Name>.
type NavEntry struct {
	Name  string
	Href  string
	Key   string // the keyboard: "g w"
	On    bool
	Count int // shown where somebody must act; 0: nothing
}

// Entry is one entry of the navigation as it is set up.
type Entry struct {
	Name string // "wire": the icon, the message page.nav.wire, and the name under which House.Counts counts
	Href string
	Key  string
	For  func(Person) bool // who may go there; nil: everybody
}

// LinkState says how we follow a partner.
type LinkState string

// The states of a link.
const (
	LinkLive       LinkState = "live"
	LinkCatchingUp LinkState = "catching-up"
	LinkLate       LinkState = "late"
	LinkSilent     LinkState = "silent"
	LinkStopped    LinkState = "stopped"
	LinkNever      LinkState = "never"
	LinkBlocked    LinkState = "blocked"
)

// Link is how we stand with a partner.
type Link struct {
	Partner     news.Root
	Name        string // in the reader's language
	State       LinkState
	LastContact time.Time
	Behind      time.Duration // how old what we have may be; for a live link the lag
	Waiting     int64         // records that we know of and do not hold
	Href        string        // "": no page
}

// LinkLine is a link as it is shown.
type LinkLine struct {
	Link
	Text string // "2 h behind"
	Late bool   // somebody should look
}

// Mark is the small coloured square that stands for a newsroom.
type Mark struct {
	Text string // one to three letters
	Tint int    // 0 is our own, the accent; 1 to Tints are partners
}

// Tints is how many colours partners' marks have.
const Tints = 10

// NewMark makes the mark of a newsroom from its name: initials, or the first two letters of the last word in scripts that
// have no capitals. The colour comes from the root, so that it stays; own is the accent.
func NewMark(name string, root news.Root, own bool) Mark {
	m := Mark{Text: initials(name)}
	if !own {
		h := fnv.New32a()
		h.Write([]byte(root))
		m.Tint = int(h.Sum32()%Tints) + 1
	}
	return m
}

func initials(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\u200c' })
	if len(words) == 0 {
		return "·"
	}
	if first := []rune(words[0])[0]; !unicode.IsUpper(first) && !unicode.IsLower(first) && !unicode.IsDigit(first) {
		last := []rune(words[len(words)-1])
		return string(last[:min(2, len(last))])
	}
	text := ""
	for _, w := range words[:min(2, len(words))] {
		text += string(unicode.ToUpper([]rune(w)[0]))
	}
	return text
}

// ItemPath is the page of an item: "/item/north.example/0192…".
func ItemPath(id news.ItemID) string { return "/item/" + id.Short() }

// Local makes sure that a place to go to is a path of ours; anything else is "/".
func Local(path string) string {
	if len(path) == 0 || path[0] != '/' || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}

// Languages are those that a reader can choose, in the order in which they are shown.
func (Base) Languages() []string { return i18n.Languages[:] }
