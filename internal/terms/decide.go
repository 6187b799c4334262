package terms

import (
	"slices"
	"time"

	"newspool/internal/news"
)

// Answer is what terms say to an act.
type Answer string

// The answers. NotYet may become Yes without anybody changing the terms.
const (
	Yes    Answer = "yes"
	No     Answer = "no"
	NotYet Answer = "not-yet"
)

// Decision is an answer with its grounds. Key and Args are a Line: a whole sentence, to be shown by way of Say.
type Decision struct {
	Answer Answer
	Clause string         // the clause that decided; "" where the agreement has nothing to say: one's own item, an unknown act
	Key    string         // message
	Args   map[string]any // its values
	Until  time.Time      // Yes: until when; NotYet: from when it may be asked again. Zero: not known, or without end
}

// Line is the sentence of the decision.
func (d Decision) Line() Line { return Line{Key: d.Key, Args: d.Args} }

// May says whether the terms permit an act at a time. It is total and pure: it looks at no clock, and nonsense gets an answer
// too, which is then No.
//
// The checks go in this order, and the first that decides gives the reason. Every lasting No goes before every NotYet, so that
// nobody waits for what will never come:
//
//  1. Both newsrooms are parties. (1.1)
//  2. A newsroom's own item is its own. (no clause)
//  3. A correction or a withdrawal of what was sent goes through, whatever else the terms say, also after the end. (5.1, 5.2)
//  4. The item is not withdrawn. (5.2)
//  5. The agreement has not ended; what was received stays readable where it may be kept. (1.3, 1.4)
//  6. One of the flows lets the item pass; this is asked when it is sent and received, and of items of an archive always. (2.n)
//  7. The use is permitted, on this channel, (3.1 to 3.7) in this region, (3.8) and its time has not run out. (3.9)
//  8. The agreement has begun (1.3) and is not suspended (1.4); reading and keeping go on while it is.
//  9. The item is not set aside or closed. (no clause)
//  10. There is no embargo: before its time those named may read and prepare, and nobody may do more. (4)
//  11. The ceilings of the day are not reached. (6)
func May(r Revision, f Facts, act Act, at time.Time) Decision {
	q := ask(r, f, act, at, r.Location())
	return q.answer()
}

// ask makes a question ready to be answered; Strip answers more than one of the same zone.
func ask(r Revision, f Facts, act Act, at time.Time, zone *time.Location) question {
	q := question{r: r, f: f, act: act, at: at, zone: zone, other: f.From}
	if act == Send {
		q.other = f.To
	}
	return q
}

func (q *question) answer() Decision {
	if !slices.Contains(Acts[:], q.act) {
		return q.decide(No, "", "terms.no.act")
	}
	for _, check := range [...]func(*question) (Decision, bool){
		(*question).parties, (*question).own, (*question).followUp, (*question).withdrawn, (*question).ended,
		(*question).flows, (*question).use, (*question).region, (*question).days,
		(*question).begun, (*question).suspended, (*question).closed, (*question).embargo, (*question).ceilings,
	} {
		if d, decided := check(q); decided {
			return d
		}
	}
	return q.yes()
}

// question is what one decision is about.
type question struct {
	r     Revision
	f     Facts
	act   Act
	at    time.Time
	zone  *time.Location // of the agreement
	other news.Root      // whom the sentence speaks of: for Send the receiver, else the newsroom that released
	flow  string         // clause of the flow that let the item pass
}

// delivery reports whether the question is about one of the two ends of a delivery.
func (q *question) delivery() bool { return q.act == Send || q.act == Receive }

// stays reports whether the act is one that goes on after its time where items may be kept.
func (q *question) stays() bool { return q.act == Read || q.act == Keep }

func (q *question) decide(a Answer, clause, key string, args ...any) Decision {
	d := Decision{Answer: a, Clause: clause, Key: key, Args: map[string]any{"partner": q.r.names(q.other)}}
	if clause != "" {
		d.Args["clause"] = clause
	}
	for i := 0; i+1 < len(args); i += 2 {
		if name, ok := args[i].(string); ok {
			d.Args[name] = args[i+1]
		}
	}
	return d
}

func (q *question) parties() (Decision, bool) {
	for _, root := range []news.Root{q.f.From, q.f.To} {
		if _, ok := q.r.Party(root); !ok {
			return q.decide(No, clauseParties, "terms.no.party"), true
		}
	}
	return Decision{}, false
}

func (q *question) own() (Decision, bool) {
	switch {
	case q.f.From != q.f.To:
		return Decision{}, false
	case q.delivery():
		return q.decide(No, "", "terms.no.self"), true
	}
	return q.decide(Yes, "", "terms.yes.own"), true
}

func (q *question) followUp() (Decision, bool) {
	if !q.delivery() || !q.f.Sent {
		return Decision{}, false
	}
	switch q.f.Class {
	case news.Correction:
		return q.decide(Yes, orUsual(q.r.Corrections.Clause, clauseCorrect), "terms.yes.correction"), true
	case news.Withdrawal:
		return q.decide(Yes, orUsual(q.r.Withdrawals.Clause, clauseWithdraw), "terms.yes.withdrawal"), true
	}
	return Decision{}, false
}

func (q *question) withdrawn() (Decision, bool) {
	if q.f.State != news.Withdrawn && q.f.Class != news.Withdrawal {
		return Decision{}, false
	}
	return q.decide(No, orUsual(q.r.Withdrawals.Clause, clauseWithdraw), "terms.no.withdrawn"), true
}

// end is when the agreement ends, by its dates or by a notice, and the clause that says so.
func (q *question) end() (at time.Time, clause string) {
	at, clause = q.r.End.Ends(q.zone), clauseTerm
	if !q.f.Ends.IsZero() && (at.IsZero() || q.f.Ends.Before(at)) {
		at, clause = q.f.Ends, clauseNotice
	}
	return at, clause
}

func (q *question) ended() (Decision, bool) {
	end, clause := q.end()
	if end.IsZero() || q.at.Before(end) || (q.stays() && q.r.Uses.Keep) {
		return Decision{}, false
	}
	return q.decide(No, clause, "terms.no.ended", "until", q.lastDay(end)), true
}

// lastDay is the day before an end that falls on a midnight, else the day of it.
func (q *question) lastDay(end time.Time) string {
	return dayValue(DateOf(end.Add(-time.Microsecond), q.zone), q.zone)
}

func (q *question) use() (Decision, bool) {
	u := q.r.Uses
	deny := func(n, key string) (Decision, bool) { return q.decide(No, q.r.useClause(n), key), true }
	switch {
	case q.act == Publish && len(u.Publish) == 0:
		return deny("1", "terms.no.publish")
	case q.act == Publish && q.f.Channel != "" && !slices.Contains(u.Publish, q.f.Channel):
		return q.decide(No, q.r.useClause("1"), "terms.no.channel", "channel", valueChannel+string(q.f.Channel), "channels", listValue(valueChannel, u.Publish)), true
	case q.act == Copy && len(u.Publish) == 0:
		return deny("1", "terms.no.copy")
	case q.act == Translate && !u.Translate:
		return deny("2", "terms.no.translate")
	case q.act == Shorten && !u.Shorten:
		return deny("3", "terms.no.shorten")
	case q.act == Combine && !u.Combine:
		return deny("4", "terms.no.combine")
	case q.act == Syndicate && !u.Syndicate:
		return deny("5", "terms.no.syndicate")
	case q.act == Keep && !u.Keep:
		return deny("6", "terms.no.keep")
	case q.act == Train && !u.Train:
		return deny("7", "terms.no.train")
	}
	return Decision{}, false
}

func (q *question) region() (Decision, bool) {
	if (q.act != Publish && q.act != Syndicate) || q.f.Region == "" || len(q.r.Uses.Regions) == 0 || slices.Contains(q.r.Uses.Regions, q.f.Region) {
		return Decision{}, false
	}
	return q.decide(No, q.r.useClause("8"), "terms.no.region", "region", valueRegion+q.f.Region, "regions", listValue(valueRegion, q.r.Uses.Regions)), true
}

func (q *question) days() (Decision, bool) {
	end := q.r.usesEnd(q.f.Released, q.zone)
	if q.delivery() || end.IsZero() || q.at.Before(end) || (q.stays() && q.r.Uses.Keep) {
		return Decision{}, false
	}
	return q.decide(No, q.r.useClause("9"), "terms.no.days", "until", q.lastDay(end)), true
}

func (q *question) begun() (Decision, bool) {
	start := q.r.Start.Begins(q.zone)
	if start.IsZero() || !q.at.Before(start) {
		return Decision{}, false
	}
	d := q.decide(NotYet, clauseTerm, "terms.wait.start", "from", dayValue(q.r.Start, q.zone))
	d.Until = start
	return d, true
}

func (q *question) suspended() (Decision, bool) {
	if !q.f.Suspended || q.stays() {
		return Decision{}, false
	}
	return q.decide(NotYet, clauseNotice, "terms.wait.suspended"), true
}

func (q *question) closed() (Decision, bool) {
	switch {
	case q.delivery():
		return Decision{}, false
	case q.f.State == news.SetAside:
		return q.decide(NotYet, "", "terms.wait.aside"), true
	case q.f.State == news.Closed:
		return q.decide(NotYet, "", "terms.wait.closed"), true
	}
	return Decision{}, false
}

func (q *question) embargo() (Decision, bool) {
	if q.delivery() || q.f.Embargo.IsZero() || !q.at.Before(q.f.Embargo) {
		return Decision{}, false
	}
	switch q.act {
	case Read, Translate, Shorten, Combine:
		for _, role := range q.f.Roles {
			if slices.Contains(q.r.Embargo.Roles, role) {
				return Decision{}, false
			}
		}
	}
	d := q.decide(NotYet, orUsual(q.r.Embargo.Clause, clauseEmbargo), "terms.wait.embargo", "until", timeValue(q.f.Embargo))
	d.Until = q.f.Embargo
	return d, true
}

func (q *question) ceilings() (Decision, bool) {
	if !q.delivery() {
		return Decision{}, false
	}
	limit, key, n := q.r.Limits(), "", int64(0)
	switch {
	case q.f.Today.Records > limit.Records:
		key, n = "terms.wait.records", limit.Records
	case q.f.Today.Bytes > limit.Bytes:
		key, n = "terms.wait.bytes", limit.Bytes
	case q.f.Today.Media > limit.Media:
		key, n = "terms.wait.media", limit.Media
	default:
		return Decision{}, false
	}
	d := q.decide(NotYet, clauseCeilings, key, "n", n)
	_, d.Until = dayIn(q.at, q.zone)
	return d, true
}

func (q *question) yes() Decision {
	var d Decision
	switch q.act {
	case Send:
		d = q.decide(Yes, q.flow, "terms.yes.send")
	case Receive:
		d = q.decide(Yes, q.flow, "terms.yes.receive")
	default:
		d = q.decide(Yes, q.r.useClause(useNumber(q.act)), "terms.yes.use")
	}
	if q.stays() && q.r.Uses.Keep {
		return d
	}
	d.Until, _ = q.end()
	if end := q.r.usesEnd(q.f.Released, q.zone); !q.delivery() && !end.IsZero() && (d.Until.IsZero() || end.Before(d.Until)) {
		d.Until = end
	}
	return d
}

// Limits is the ceiling of a day, DefaultCeilings where the revision has none that is positive.
func (r Revision) Limits() Counts {
	c := r.Ceilings
	if c.Records <= 0 {
		c.Records = DefaultCeilings.Records
	}
	if c.Bytes <= 0 {
		c.Bytes = DefaultCeilings.Bytes
	}
	if c.Media <= 0 {
		c.Media = DefaultCeilings.Media
	}
	return c
}

// useClause is the number of a part of the clause of uses; n "" is the clause itself.
func (r Revision) useClause(n string) string {
	c := r.Uses.Clause
	if c == "" {
		c = clauseUses
	}
	if n == "" {
		return c
	}
	return c + "." + n
}

// useNumber is the part of the clause of uses that speaks of an act; reading rests on the whole.
func useNumber(act Act) string {
	switch act {
	case Publish, Copy:
		return "1"
	case Translate:
		return "2"
	case Shorten:
		return "3"
	case Combine:
		return "4"
	case Syndicate:
		return "5"
	case Keep:
		return "6"
	case Train:
		return "7"
	}
	return ""
}
