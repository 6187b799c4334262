package terms

import (
	"strings"
	"time"

	"newspool/internal/news"
	"newspool/internal/news/mediatopic"
)

// Act is what is to be done with an item.
type Act string

// The acts. Send and Receive are the two ends of one delivery and get the same answer for the same facts and the same time.
const (
	Send      Act = "send"      // to the other parties; at is the time of the record
	Receive   Act = "receive"   // take what came; at is the time of its record, never our own
	Read      Act = "read"      // see the text
	Publish   Act = "publish"   // on Facts.Channel, in Facts.Region
	Translate Act = "translate" // into another language, to use it
	Shorten   Act = "shorten"
	Combine   Act = "combine"   // with copy of one's own or of others
	Syndicate Act = "syndicate" // pass on to others
	Keep      Act = "keep"      // in the archive, beyond the time for use
	Train     Act = "train"     // a model
	Copy      Act = "copy"      // take the text out of the node, into another system, to publish it there
)

// Acts lists them.
var Acts = [...]Act{Send, Receive, Read, Publish, Translate, Shorten, Combine, Syndicate, Keep, Train, Copy}

// Facts is all that a decision rests on, apart from the terms, the act and the time. A field that the act does not need may be
// left empty.
type Facts struct {
	From news.Root // the newsroom that released the item
	To   news.Root // the newsroom that receives or uses it; for a party without a node, its host

	// The story. StoryFacts fills these.
	Type     news.ItemType
	Lang     news.Lang
	Subjects []Subject
	Urgency  news.Urgency // 0 counts as 5, the middle
	Genre    string
	Service  string
	Words    Words
	Embargo  time.Time
	Written  time.Time

	Class     news.Class
	Archive   bool      // it comes out of the archive, not on the wire
	Released  time.Time // when it was first said to these parties, from which the days for use count; zero: not yet
	Sent      bool      // an earlier version was said to these parties under this agreement
	State     news.State
	Suspended bool      // by a record of either side, at the position that counts
	Ends      time.Time // by a notice; zero: as the dates say

	Channel Channel // for Publish; "" asks whether any would do
	Region  string  // for Publish and Syndicate, two capital letters; "" is not asked
	Roles   []Role  // of the person, for an embargo
	Today   Counts  // what From has said under this agreement in the day of its zone, this record included
}

// Subject is a subject of a story with everything that it lies within.
type Subject struct {
	Code   string
	Name   string   // as the source wrote it, for codes that Media Topics does not know
	Within []string // the code itself and all above it, the highest last
}

// Subjects adds to the subjects of a story what they lie within.
func Subjects(list []news.Subject) []Subject {
	var out []Subject
	for _, s := range list {
		out = append(out, Subject{Code: s.Code, Name: s.Name, Within: mediatopic.Ancestors(s.Code)})
	}
	return out
}

// StoryFacts takes from a story what terms may ask for. The caller adds the rest.
func StoryFacts(s news.Story) Facts {
	return Facts{
		Type: s.Type, Lang: s.Lang, Subjects: Subjects(s.Subjects), Urgency: s.Urgency, Genre: s.Genre, Service: s.Service,
		Words:   wordsOfStory(s),
		Embargo: s.Embargo, Written: s.Written,
	}
}

// within reports whether the subject lies within a code.
func (s Subject) within(code string) bool {
	if s.Code == code {
		return true
	}
	for _, w := range s.Within {
		if w == code {
			return true
		}
	}
	return false
}

// shown is the value by which a sentence names the subject: its highest concept, by which desks speak of it.
func (s Subject) shown() string {
	code := s.Code
	if len(s.Within) > 0 {
		code = s.Within[len(s.Within)-1]
	}
	if !mediatopic.Known(code) && s.Name != "" {
		return s.Name
	}
	return valueSubject + code
}

// covers reports whether a language of the terms covers one of an item: "fa" covers "fa-AF".
func covers(term, lang news.Lang) bool {
	t, l := strings.ToLower(string(term)), strings.ToLower(string(lang))
	return t != "" && (l == t || strings.HasPrefix(l, t+"-"))
}
