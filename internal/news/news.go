// Package news holds the nouns of a newsroom. It is pure: no clock, no database, no network, nothing of the exchange.
package news

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Root names a newsroom: its root public key in lower-case hex (64 characters). A newsroom is its root key; the domain is
// only where it is reached.
type Root string

// ItemID is the URI of an item, newspool://<domain at its making>/item/<UUIDv7>. It never changes.
type ItemID string

// PersonID is a UUIDv7 of a person at this node.
type PersonID string

// Lang is a BCP 47 language tag ("en", "fa", "zh-Hans").
type Lang string

// ItemType says what an item mainly is.
type ItemType string

// The item types, by the names of ninjs.
const (
	Text      ItemType = "text"
	Picture   ItemType = "picture"
	Graphic   ItemType = "graphic"
	Audio     ItemType = "audio"
	Video     ItemType = "video"
	Composite ItemType = "composite"
)

// ItemTypes lists them in the order in which pages show them.
var ItemTypes = [...]ItemType{Text, Picture, Graphic, Audio, Video, Composite}

// TypeOfMedium is the type of an item that is one medium, by the first word of a media type: "image", "audio", "video"; "" for others.
func TypeOfMedium(kind string) ItemType {
	switch kind {
	case "image":
		return Picture
	case "audio":
		return Audio
	case "video":
		return Video
	}
	return ""
}

// Class says what a version is to the one before it.
type Class string

// The classes of this release.
const (
	First      Class = "new"
	Update     Class = "update"
	Correction Class = "correction"
	Withdrawal Class = "withdrawal"
)

// State is what may be done with an item at this desk.
type State string

// The states of an item at a desk.
const (
	Usable     State = "usable"
	Withdrawn  State = "withdrawn" // by its newsroom; the received copy is closed for use
	SetAside   State = "set-aside" // outside the terms: waits for a person
	Closed     State = "closed"    // closed until a person looks (a hint, an unknown record, content that is missing)
	Unreleased State = "draft"     // our own, not released
)

// Urgency is 1 (flash) to 9; 0 says nothing. 1 and 2 are pinned until seen.
type Urgency int

// Subject is a code of a vocabulary: "medtop:20000339", or "word" codes of a source with its own scheme.
type Subject struct {
	Code string `json:"code"`
	Name string `json:"name,omitempty"`
}

// Media is a photo, sound or film that belongs to a story.
type Media struct {
	ID       string   `json:"id"`     // from the content; what partners ask for
	SHA256   string   `json:"sha256"` // of the bytes, hex
	Type     string   `json:"type"`   // media type
	Size     int64    `json:"size"`
	Width    int      `json:"width,omitempty"`
	Height   int      `json:"height,omitempty"`
	Caption  string   `json:"caption,omitempty"`
	Credit   string   `json:"credit,omitempty"`
	Byline   string   `json:"byline,omitempty"`
	Rights   string   `json:"rights,omitempty"`
	Headline string   `json:"headline,omitempty"`
	Of       ItemType `json:"of,omitempty"`
}

// Story is what a newsroom wrote: one version of an item, without anything that the exchange adds.
type Story struct {
	Type      ItemType
	Lang      Lang
	Headline  string
	Slug      string // slug or slugline: the desk's short name of the story
	Byline    string
	Dateline  string // where it was written, as it stands before the text
	Body      string // sanitised HTML: p, h2-h4, ul/ol/li, blockquote, a[href], em/strong, br, table parts, bdi, with lang and dir
	Subjects  []Subject
	Genre     string // code
	Service   string // the desk or service that it is sold as; code
	Urgency   Urgency
	Embargo   time.Time // zero: none
	Credit    string
	Copyright string
	Usage     string // usage terms as the source wrote them
	Note      string // note to editors
	Written   time.Time
	Media     []Media
}

// Words counts the words of the body, tags left out.
func (s Story) Words() int {
	html := s.Body
	if strings.Contains(html, "bsp;") { // the one entity that stands for a space
		return len(strings.Fields(PlainText(html)))
	}
	n, in := 0, false
	for i := 0; i < len(html); i++ {
		c := html[i]
		switch {
		case c == '<':
			j := strings.IndexByte(html[i:], '>')
			if j < 0 {
				return n
			}
			in = in && !breaks(html[i+1:i+j])
			i += j
		case c < utf8.RuneSelf:
			space := c == ' ' || c-'\t' < 5
			if !space && !in {
				n++
			}
			in = !space
		default:
			r, size := utf8.DecodeRuneInString(html[i:])
			space := unicode.IsSpace(r)
			if !space && !in {
				n++
			}
			in = !space
			i += size - 1
		}
	}
	return n
}

// PlainText takes the tags out of HTML; block ends become line ends, the five named entities are resolved. HTML that was not
// sanitised is no danger to it, and may leave the text of scripts behind.
func PlainText(html string) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(html, '<')
		if i < 0 {
			b.WriteString(html)
			break
		}
		b.WriteString(html[:i])
		j := strings.IndexByte(html[i:], '>')
		if j < 0 {
			break
		}
		tag := html[i+1 : i+j]
		if breaks(tag) {
			b.WriteByte('\n')
		}
		html = html[i+j+1:]
	}
	return entities.Replace(b.String())
}

// breaks reports whether a tag ends a line.
func breaks(tag string) bool {
	for _, p := range [...]string{"/p", "/h", "/li", "br", "/t", "/blockquote"} {
		if strings.HasPrefix(tag, p) {
			return true
		}
	}
	return false
}

var entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&#34;", `"`, "&#39;", "'", "&nbsp;", "\u00a0", "&amp;", "&")

// Problem is one thing that is wrong with something that was brought in, in words for a person. Key names a message of the
// catalogs. A problem that is not Fatal is a warning: the item is taken.
type Problem struct {
	Where string // a field, or line and field: "headline", "line 14, body_html"
	Key   string
	Args  map[string]any
	Fatal bool
}

// Draft is a story that was brought in, before it is an item of ours.
type Draft struct {
	Story
	Source   string // name of the source: "ingest", "desk", "api", or the id of a polled source
	SourceID string // the source's own id or URI; the same SourceID again is a new version of the same item
	Version  string // the source's own version, if it has one
	Class    Class  // what the source says this is; "" means: new, or update if SourceID is known
	Held     bool   // the source says that it is not to be released: it waits for an editor; with Withdrawal: what is released is withdrawn
	Original []byte // the bytes as they came
	Format   string // media type of Original
	Problems []Problem
	By       PersonID
}
