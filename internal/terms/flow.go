package terms

import (
	"slices"

	"newspool/internal/news"
)

// middle is the urgency of an item that says nothing.
const middle news.Urgency = 5

// The weights by which the nearest flow is found: one for another sender or another stock is farther away than any that only
// differs in what it asks of the story.
const (
	farSender = 10_000
	farStock  = 100
)

// miss is one thing in which an item does not fit a flow: what the origin is told, what the receiver is told, the values, and
// how many things were asked before.
type miss struct {
	send, aside string
	args        []any
	after       int
}

// flows lets an item pass that fits one flow. Else it speaks of the nearest one and names the first thing, in the order of
// Flow's fields, in which the item does not fit. The nearest is that which the item misses in the fewest things; among these
// that which it fits the longest, so that the reason is the most telling; among these the first.
func (q *question) flows() (Decision, bool) {
	if !q.delivery() && !q.f.Archive {
		return Decision{}, false
	}
	var nearest Flow
	var why miss
	searched, least := "", -1
	for _, flow := range q.r.Flows {
		first, distance := q.missed(flow)
		switch {
		case distance == 0 && !q.searchOnly(flow):
			q.flow = orUsual(flow.Clause, chapterFlows)
			return Decision{}, false
		case distance == 0 && searched == "":
			searched = orUsual(flow.Clause, chapterFlows)
		case distance > 0 && (least < 0 || distance < least || (distance == least && first.after > why.after)):
			nearest, why, least = flow, first, distance
		}
	}
	switch {
	case searched != "":
		return q.decide(No, searched, "terms.no.search_only"), true
	case least < 0 && q.act == Receive:
		return q.decide(No, chapterFlows, "terms.aside.nothing"), true
	case least < 0:
		return q.decide(No, chapterFlows, "terms.no.nothing"), true
	case q.act == Send:
		return q.decide(No, orUsual(nearest.Clause, chapterFlows), why.send, why.args...), true
	case q.act == Receive:
		return q.decide(No, orUsual(nearest.Clause, chapterFlows), why.aside, why.args...), true
	}
	return q.decide(No, orUsual(nearest.Clause, chapterFlows), "terms.no.archive"), true
}

// searchOnly reports whether the flow lets the item be found and read, but not what is asked.
func (q *question) searchOnly(flow Flow) bool {
	return flow.Archive.open() && flow.Archive.SearchOnly && !q.delivery() && q.act != Read
}

// missed gives the first thing in which the item does not fit, and how far off it is: 0 where it fits.
func (q *question) missed(flow Flow) (first miss, distance int) {
	asked := 0
	note := func(missed bool, weight int, send, aside string, args ...any) {
		if missed && distance == 0 {
			first = miss{send, aside, args, asked}
		}
		if missed {
			distance += weight
		}
		asked++
	}
	f := q.f
	note(len(flow.From) > 0 && !slices.Contains(flow.From, f.From), farSender, "terms.no.sender", "terms.aside.sender", "newsroom", q.r.names(f.From))
	note(f.Archive && !flow.Archive.open(), farStock, "terms.no.wire_only", "terms.aside.wire_only")
	note(!f.Archive && flow.Archive.open(), farStock, "terms.no.archive_only", "terms.aside.archive_only")
	note(len(flow.Types) > 0 && !slices.Contains(flow.Types, f.Type), 1, "terms.no.type", "terms.aside.type", "type", valueType+string(f.Type))
	outside := len(flow.Subjects) > 0 && !slices.ContainsFunc(f.Subjects, func(s Subject) bool { return withinAny(s, flow.Subjects) })
	if len(f.Subjects) == 0 {
		note(outside, 1, "terms.no.no_subject", "terms.aside.no_subject", "subjects", listValue(valueSubject, flow.Subjects))
	} else {
		note(outside, 1, "terms.no.subject", "terms.aside.subject", "subject", f.Subjects[0].shown())
	}
	except, leftOut := flow.leavesOut(f.Subjects)
	note(leftOut, 1, "terms.no.subject", "terms.aside.subject", "subject", valueSubject+except)
	note(len(flow.Languages) > 0 && !slices.ContainsFunc(flow.Languages, func(l news.Lang) bool { return covers(l, f.Lang) }), 1,
		"terms.no.language", "terms.aside.language", "language", valueLanguage+string(f.Lang))
	note(f.Archive && flow.Archive.open() && !q.inYears(flow.Archive), 1, "terms.no.years", "terms.aside.years", "years", yearsValue(flow.Archive))
	q.missedDetails(flow, note)
	return first, distance
}

// missedDetails goes on where missed ends: urgency, genre, service, words.
func (q *question) missedDetails(flow Flow, note func(missed bool, weight int, send, aside string, args ...any)) {
	f, w := q.f, flow.Words
	urgency := f.Urgency
	if urgency == 0 {
		urgency = middle
	}
	note((flow.UrgencyMin > 0 && urgency < flow.UrgencyMin) || (flow.UrgencyMax > 0 && urgency > flow.UrgencyMax), 1,
		"terms.no.urgency", "terms.aside.urgency", "urgency", int64(urgency))
	note(len(flow.Genres) > 0 && !slices.Contains(flow.Genres, f.Genre), 1, "terms.no.genre", "terms.aside.genre", "genres", slices.Clone(flow.Genres))
	note(len(flow.Services) > 0 && !slices.Contains(flow.Services, f.Service), 1, "terms.no.service", "terms.aside.service", "services", slices.Clone(flow.Services))
	word, missing := f.Words.missing(w.All)
	note(missing, 1, "terms.no.word_missing", "terms.aside.word_missing", "word", word)
	either := slices.Concat(w.Any, w.Phrases)
	_, found := f.Words.first(either)
	note(len(either) > 0 && !found, 1, "terms.no.words_missing", "terms.aside.words_missing", "words", either)
	word, found = f.Words.first(w.None)
	note(found, 1, "terms.no.word_found", "terms.aside.word_found", "word", word)
}

// leavesOut gives the first code that the flow excepts and that one of the subjects lies within.
func (f Flow) leavesOut(subjects []Subject) (string, bool) {
	i := slices.IndexFunc(f.Except, func(code string) bool {
		return slices.ContainsFunc(subjects, func(s Subject) bool { return s.within(code) })
	})
	if i < 0 {
		return "", false
	}
	return f.Except[i], true
}

func withinAny(s Subject, codes []string) bool {
	return slices.ContainsFunc(codes, s.within)
}

// inYears reports whether the year in which the item was written, in the zone of the agreement, is open. An item without a
// date of writing is not.
func (q *question) inYears(a Archive) bool {
	if q.f.Written.IsZero() {
		return false
	}
	year := q.f.Written.In(q.zone).Year()
	return year >= a.From && (a.To == 0 || year <= a.To)
}
