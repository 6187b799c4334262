// Package lineage knows what was made from which item, and what a correction or withdrawal of a source asks of what was made from it.
//
// What it promises: whoever made something from an item of ours tells us so, and what became of it after each correction and
// withdrawal; what our own people made gets a duty for each of them, with the deadline of the agreement, and what a person answers is
// said to those whose item it was. Duties go from hand to hand: whoever had our item is told that its source has changed, and we tell
// the source's newsroom how many were made beyond us, and nothing else.
//
// What it never does: it changes no text, and it names nobody beyond the next newsroom.
package lineage

import (
	"time"

	"newspool/internal/news"
	"newspool/internal/terms"
)

// How says in which way an item was made from another.
type How string

// The ways.
const (
	Edit        How = "edit"
	Shortened   How = "shortened"
	Translation How = "translation"
)

// Known reports whether it is one of the ways.
func (h How) Known() bool { return h == Edit || h == Shortened || h == Translation }

// Act is what an agreement is asked for before something is made in this way.
func (h How) Act() terms.Act {
	switch h {
	case Translation:
		return terms.Translate
	case Shortened:
		return terms.Shorten
	}
	return terms.Combine
}

// Answer is what a person says about an item whose source has changed.
type Answer string

// The answers; "" is none yet.
const (
	Applied     Answer = "applied"      // it was corrected too
	NotAffected Answer = "not-affected" // with a reason
	Removed     Answer = "removed"      // it was withdrawn; of a draft: it is not used
	Refused     Answer = "refused"      // with a reason
)

// Made says that an item of ours was made from another.
type Made struct {
	Item, Source news.ItemID
	Version      int // of the source
	How          How
	By           news.PersonID
	At           time.Time
}

// Duty is what a correction or withdrawal of a source asks of an item of ours that was made from it.
type Duty struct {
	N            int64 // names it; a later one has a higher number
	Item, Source news.ItemID
	Version      int // of the source that corrects or withdraws; of a notice: the version of the source that stands on something changed
	Had          int // the version of the source that stands in our item so far
	Class        news.Class
	Notice       bool // the source itself is as it was: something that it was made from was corrected or withdrawn
	Raised       time.Time
	Due          time.Time // zero: no agreement asks for a time
	Answer       Answer
	Why          string
	By           news.PersonID
	Answered     time.Time
}

// Use is what a partner says that it made from an item of ours.
type Use struct {
	Partner   news.Root
	Agreement terms.AgreementID
	What      How
	Lang      news.Lang
	Version   int // of our item
	At        time.Time
	Acts      []Act // for each correction and withdrawal of a later version, and each notice; newest first
}

// Act is what a partner did with one use after one change of ours.
type Act struct {
	Version     int
	Class       news.Class
	Notice      bool // we told that a source of our item had changed
	Due         time.Time
	Answer      Answer // "": not yet
	Why         string
	At          time.Time
	Made, Acted int // made from the use, there or beyond, and how many of these were acted upon
}
