package deliver

import (
	"slices"
	"strconv"
	"time"

	"newspool/internal/i18n"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/terms"
)

// judging is the judgement of one page: what does not change from line to line is asked once.
type judging struct {
	s        *Service
	now      time.Time
	p        *i18n.Printer
	stood    map[ledger.ID]*terms.Standing // nil: no terms
	alive    map[news.Root]bool
	said     map[usage]string
	own      map[news.Lang]string
	withheld []withheld
}

// usage is all that the sentence on the use of an item depends on.
type usage struct {
	ledger ledger.ID
	origin news.Root
	day    time.Time // the end of its days for use
}

func (s *Service) judge(lang string) *judging {
	return &judging{
		s: s, now: s.o.Clock(), p: s.o.Bundle.Printer(lang, s.o.Zone), stood: map[ledger.ID]*terms.Standing{}, alive: map[news.Root]bool{},
		said: map[usage]string{}, own: map[news.Lang]string{},
	}
}

// verdict is what may be done with one version.
type verdict struct {
	state     State
	agreement terms.AgreementID
	clause    string
	why       terms.Line // where the text is not given
	until     time.Time  // usable: until when; else when it may be asked again. Zero: not known, or without end
	provider  string
	credit    string
	usage     string
}

// decide says what may be done with a version. What the clock or the terms hold back is noted, to be asked again.
func (j *judging) decide(e library.FeedEntry) verdict {
	switch {
	case e.Withdrawn || e.Class == news.Withdrawal || e.State == news.Withdrawn:
		return verdict{state: Withdrawn, why: terms.Line{Key: "deliver.withdrawn"}}
	case e.State == news.Closed:
		return verdict{state: Closed, clause: e.Why.Clause, why: reason(e.Why, "deliver.closed")}
	case e.State == news.SetAside:
		return verdict{state: SetAside, clause: e.Why.Clause, why: reason(e.Why, "deliver.set_aside")}
	case e.State == news.Unreleased:
		return verdict{state: Draft, why: terms.Line{Key: "deliver.draft"}}
	case e.Story.Type == "":
		return verdict{state: Erased, why: terms.Line{Key: "deliver.erased"}}
	case e.Own:
		return j.decideOwn(e)
	}
	return j.decideReceived(e)
}

// reason is what the library says of a state, or what there is to say without.
func reason(w library.Why, otherwise string) terms.Line {
	if w.Key == "" {
		return terms.Line{Key: otherwise}
	}
	return terms.Line{Key: w.Key, Args: w.Args}
}

// decideOwn lets everything of our own out, except before an embargo: whoever takes the feed publishes what it gives.
func (j *judging) decideOwn(e library.FeedEntry) verdict {
	if e.Embargo.After(j.now) {
		j.hold(e, j.held(e, "", e.Embargo))
		return verdict{state: Embargo, why: terms.Line{Key: "deliver.embargo", Args: map[string]any{"until": e.Embargo}}, until: e.Embargo}
	}
	name, ok := j.own[e.Story.Lang]
	if !ok {
		name = j.s.o.Credit(e.Story.Lang)
		j.own[e.Story.Lang] = name
	}
	v := verdict{state: Usable, provider: name, credit: name, usage: e.Story.Usage}
	if e.Story.Credit != "" {
		v.credit = e.Story.Credit
	}
	return v
}

// soon is when a link that was silent is looked at again.
const soon = 15 * time.Second

// confirmFor is how long after an embargo its lifting must be confirmed by a living link.
const confirmFor = 24 * time.Hour

// decideReceived asks each agreement under which the item came. Any that permits it is enough.
func (j *judging) decideReceived(e library.FeedEntry) verdict {
	f := j.facts(e)
	best, under := terms.Decision{Key: "deliver.no_terms"}, terms.AgreementID("")
	var asked []terms.AgreementID
	var held []withheld
	for _, w := range e.Ways {
		if slices.Contains(asked, w.Agreement) {
			continue
		}
		asked = append(asked, w.Agreement)
		id := ledger.ID(w.Ledger)
		st := j.standing(id)
		if st == nil {
			held = append(held, j.held(e, id, time.Time{}))
			continue
		}
		f.Suspended, f.Ends = st.Suspended, st.Ends
		d := terms.May(st.Revision, f, terms.Copy, j.now)
		if d.Answer == terms.Yes {
			return j.permit(e, f, id, *st, d)
		}
		if under == "" || best.Answer == terms.No && d.Answer == terms.NotYet {
			best, under = d, st.Agreement
		}
		held = append(held, j.held(e, id, whenAgain(d)))
	}
	j.hold(e, held...)
	v := verdict{state: NotPermitted, agreement: under, clause: best.Clause, why: best.Line(), until: best.Until}
	switch {
	case best.Answer != terms.NotYet:
	case e.Embargo.After(j.now):
		v.state = Embargo
	default:
		v.state = NotYet
	}
	return v
}

// permit is for an item that the terms let out. After an embargo a link must have confirmed that it was not withdrawn meanwhile.
func (j *judging) permit(e library.FeedEntry, f terms.Facts, id ledger.ID, st terms.Standing, d terms.Decision) verdict {
	v := verdict{agreement: st.Agreement, clause: d.Clause}
	if !e.Embargo.IsZero() && j.now.Sub(e.Embargo) < confirmFor && !j.confirmed(e.Origin) {
		j.hold(e, j.held(e, id, j.now.Add(soon)))
		v.state, v.why = NotYet, terms.Line{Key: "deliver.unconfirmed"}
		return v
	}
	v.state, v.until = Usable, d.Until
	v.provider = st.Revision.PartyName(e.Origin, e.Story.Lang)
	v.credit = terms.Credit(st.Revision, e.Origin, e.Story.Lang)
	key := usage{id, e.Origin, st.Revision.UsesEnd(f.Released)}
	said, ok := j.said[key]
	if !ok {
		said = terms.SayAll(j.p, terms.Strip(st.Revision, f, j.now))
		j.said[key] = said
	}
	v.usage = said
	if e.Story.Usage != "" {
		v.usage += "\n" + e.Story.Usage
	}
	return v
}

// facts are those on which the copying of an item that has come depends. What flows ask for (words, subjects) was judged when
// it came.
func (j *judging) facts(e library.FeedEntry) terms.Facts {
	return terms.Facts{
		From: e.Origin, To: j.s.o.Root, Type: e.Story.Type, Lang: e.Story.Lang, Urgency: e.Story.Urgency, Genre: e.Story.Genre,
		Service: e.Story.Service, Embargo: e.Story.Embargo, Written: e.Story.Written, Class: e.Class, Released: e.FirstReleased,
		State: e.State, Roles: []terms.Role{terms.Editor},
	}
}

func (j *judging) standing(id ledger.ID) *terms.Standing {
	st, ok := j.stood[id]
	if !ok {
		if now, found := j.s.o.Agreements.Standing(id); found {
			st = &now
		}
		j.stood[id] = st
	}
	return st
}

func (j *judging) confirmed(origin news.Root) bool {
	alive, ok := j.alive[origin]
	if !ok {
		alive = j.s.o.Links.Confirmed(origin, j.now)
		j.alive[origin] = alive
	}
	return alive
}

// whenAgain is when a refusal is looked at again while the terms stay as they are; zero: never.
func whenAgain(d terms.Decision) time.Time {
	if d.Answer == terms.NotYet {
		return d.Until
	}
	return time.Time{}
}

// hold notes that the current version was not given, with those who held it back.
func (j *judging) hold(e library.FeedEntry, list ...withheld) {
	if e.Current {
		j.withheld = append(j.withheld, list...)
	}
}

func (j *judging) held(e library.FeedEntry, id ledger.ID, again time.Time) withheld {
	if !again.IsZero() && again.Before(j.now.Add(time.Second)) {
		again = j.now.Add(time.Second)
	}
	return withheld{item: e.Item, ledger: id, again: again, stood: stood(j.standing(id))}
}

// stood tells the standings of a ledger apart.
func stood(st *terms.Standing) string {
	if st == nil {
		return ""
	}
	return string(st.Hash) + " " + strconv.FormatBool(st.Suspended) + " " + strconv.FormatInt(st.Ends.UnixMicro(), 10)
}

// say puts a reason into the reader's words; one that no catalog has is said in general.
func (j *judging) say(l terms.Line) string {
	if l.Key == "" {
		return ""
	}
	if !j.p.Has(l.Key) {
		l = terms.Line{Key: "fault.denied"}
	}
	return terms.Say(j.p, l)
}
